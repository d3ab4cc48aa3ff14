//! Ranks are parts: several that share each batch compute what one computes that takes it in as many parts, to the last bit.
//!
//! Here they are threads of one process that meet by memory; what carries the messages changes none of them.

use crate::devices::shared_devices;
use crate::trainer_checks::{config, pictures};
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_wgpu::config::{Config, Method, MicroBatch, Optimizer, Precision, RunLength, SyncBn};
use swav_wgpu::error::Result;
use swav_wgpu::gpu::Gpu;
use swav_wgpu::method::{Batch, Crops, Known, Trainer};
use swav_wgpu::pass::Pass;
use swav_wgpu::ranks::{Alone, Exchange, threads};

const STEPS: u64 = 4;
const BATCH: usize = 16;

fn settings(method: Method, part: usize) -> Config {
    Config {
        method,
        batch: BATCH,
        queue: 2 * BATCH,
        micro_batch: Some(MicroBatch::Of(part)),
        prototypes: 6,
        ..config("larc")
    }
}

/// What a run came to: bits of every loss, and of every tensor of its checkpoint.
type Outcome = (Vec<u64>, BTreeMap<String, Vec<u32>>);

/// The share of a rank of view-major crops.
pub(crate) fn share(config: &Config, groups: &[Vec<f32>], ranks: &dyn Exchange) -> Vec<Vec<f32>> {
    let count = config.batch / ranks.size();
    let own = |(data, group): (&Vec<f32>, &swav_wgpu::config::CropGroup)| -> Vec<f32> {
        let row = data.len() / (group.count * config.batch);
        let views = data.chunks_exact(config.batch * row);
        views.flat_map(|view| &view[ranks.rank() * count * row..][..count * row]).copied().collect()
    };
    groups.iter().zip(&config.crops).map(own).collect()
}

fn train(gpu: &Arc<Gpu>, config: &Config, ranks: &Arc<dyn Exchange>) -> Result<Outcome> {
    let known = Known {
        pictures: 2 * config.batch,
        labels: (0..2 * config.batch as u32).map(|at| at % 3).collect(),
        classes: 3,
        epoch: 2 * config.batch,
    };
    let mut trainer = Trainer::among(gpu, config, &known, ranks)?;
    trainer.set_length(&RunLength { total: STEPS, ..RunLength::default() });
    let estimated = trainer.estimate().seconds;
    let (count, mut losses) = (config.batch / ranks.size(), Vec::new());
    // Two batches an epoch, each of pictures of its own.
    let batch_of = |step: u64| {
        let first = (step % 2) as usize * config.batch + ranks.rank() * count;
        let numbers: Vec<u32> = (first..first + count).map(|picture| picture as u32).collect();
        (share(config, &pictures(config, step % 2), &**ranks), numbers)
    };
    for step in 0..STEPS {
        if step % 2 == 0 {
            for look in 0..2 {
                if trainer.wants_survey() {
                    let (groups, numbers) = batch_of(look);
                    trainer.survey(Batch { crops: Crops::Made(&groups), pictures: &numbers })?;
                }
            }
            trainer.begin_epoch(step / 2, &Pass::default())?;
        }
        let (groups, numbers) = batch_of(step);
        trainer.step(Batch { crops: Crops::Made(&groups), pictures: &numbers }, 0.1)?;
        losses.push(trainer.flush()?.expect("a step was submitted").loss.to_bits());
    }
    assert_ne!(trainer.estimate().seconds.to_bits(), estimated.to_bits(), "time was measured");
    let bits = |(name, tensor): (String, swav_wgpu::interop::HostTensor)| {
        (name, tensor.data.iter().map(|value| value.to_bits()).collect())
    };
    Ok((losses, trainer.export()?.into_iter().map(bits).collect()))
}

fn train_together(gpu: &Arc<Gpu>, config: &Config, count: usize) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let start = |rank| scope.spawn(move || train(gpu, config, &rank).expect("a run"));
        let started: Vec<_> = threads(count).into_iter().map(start).collect();
        started.into_iter().map(|rank| rank.join().expect("a rank ends without a panic")).collect()
    })
}

#[track_caller]
fn assert_same(what: &str, got: &Outcome, want: &Outcome) {
    assert_eq!(got.0, want.0, "{what}: losses");
    assert_eq!(got.1.keys().collect::<Vec<_>>(), want.1.keys().collect::<Vec<_>>(), "{what}");
    let differ = want.1.iter().filter(|(name, want)| got.1[*name] != **want);
    let differ: Vec<&String> = differ.map(|(name, _)| name).collect();
    assert!(differ.is_empty(), "{what}: {differ:?} differ");
}

fn check(gpu: &Arc<Gpu>, config: &Config, ranks: usize) {
    let alone: Arc<dyn Exchange> = Arc::new(Alone);
    let want = train(gpu, config, &alone).expect("a run");
    for (rank, got) in train_together(gpu, config, ranks).iter().enumerate() {
        assert_same(&format!("{}: rank {rank} of {ranks}, {:?}", config.method, gpu.family()), got, &want);
    }
}

#[test]
fn ranks_are_parts_to_the_last_bit_with_every_method() {
    for gpu in shared_devices() {
        for &method in Method::ALL {
            check(gpu, &settings(method, BATCH / 2), 2);
        }
    }
}

#[test]
fn three_and_four_ranks_are_as_many_parts() {
    let gpu = &shared_devices()[0];
    check(gpu, &Config { batch: 12, queue: 24, ..settings(Method::Swav, 4) }, 3);
    check(gpu, &Config { batch: 12, queue: 24, ..settings(Method::DeepclusterV2, 4) }, 3);
    check(gpu, &settings(Method::Swav, BATCH / 4), 4);
    let adamw = Config { optimizer: Optimizer::Adamw, ..settings(Method::Byol, BATCH / 4) };
    check(gpu, &adamw, 4);
    check(gpu, &Config { precision: Precision::F16, ..settings(Method::Swav, BATCH / 4) }, 4);
}

/// Ranks with several parts each add their own first: another order of the same sum.
#[test]
fn ranks_may_have_parts_of_their_own() {
    let gpu = &shared_devices()[0];
    let found = train_together(gpu, &settings(Method::Swav, BATCH / 4), 2);
    assert_same("two ranks", &found[1], &found[0]);
    let alone: Arc<dyn Exchange> = Arc::new(Alone);
    let want = train(gpu, &settings(Method::Swav, BATCH / 4), &alone).expect("a run");
    let first = |outcome: &Outcome| f64::from_bits(outcome.0[0]);
    // Before anything has moved there is no sum of gradients.
    assert_eq!(first(&found[0]).to_bits(), first(&want).to_bits());
    let last = |outcome: &Outcome| f64::from_bits(outcome.0[STEPS as usize - 1]);
    assert!(
        (last(&found[0]) - last(&want)).abs() < 1e-3 * last(&want).abs(),
        "{} {}",
        last(&found[0]),
        last(&want)
    );
}

/// What is said of the bytes that a step exchanges is what goes through the exchange.
#[test]
fn the_bytes_that_are_exchanged_are_known() {
    let gpu = &shared_devices()[0];
    for sync_bn in [None, Some(SyncBn::All)] {
        count_bytes(gpu, &Config { sync_bn, ..settings(Method::Swav, BATCH / 2) });
    }
}

fn count_bytes(gpu: &Arc<Gpu>, config: &Config) {
    let counted = std::thread::scope(|scope| {
        let start = |rank: Arc<dyn Exchange>| {
            scope.spawn(|| {
                let counter = Arc::new(Counter { inner: rank, bytes: std::sync::atomic::AtomicU64::new(0) });
                let ranks: Arc<dyn Exchange> = counter.clone();
                let known = Known::made_up(config);
                let mut trainer = Trainer::among(gpu, config, &known, &ranks).expect("the net is small");
                let groups = share(config, &pictures(config, 0), &*ranks);
                trainer.step(&groups, 0.1).expect("a step");
                trainer.flush().expect("a report");
                (counter.bytes.load(std::sync::atomic::Ordering::Relaxed), trainer.exchanged_bytes())
            })
        };
        let started: Vec<_> = threads(2).into_iter().map(start).collect();
        started.into_iter().map(|rank| rank.join().expect("a rank")).collect::<Vec<_>>()
    });
    for (counted, said) in counted {
        assert!(said > 0);
        assert_eq!(counted, said);
    }
}

/// Counts what a rank sends to others by gathering and dealing.
#[derive(Debug)]
struct Counter {
    inner: Arc<dyn Exchange>,
    bytes: std::sync::atomic::AtomicU64,
}

impl Counter {
    fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Exchange for Counter {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<u8>> {
        self.count(own.len() * (self.size() - 1));
        self.inner.gather(own)
    }

    fn deal(&self, pieces: &[u8]) -> Result<Vec<u8>> {
        self.count(pieces.len() / self.size() * (self.size() - 1));
        self.inner.deal(pieces)
    }

    fn broadcast(&self, from: usize, bytes: &mut [u8]) -> Result<()> {
        if self.rank() == from {
            self.count(bytes.len() * (self.size() - 1));
        }
        self.inner.broadcast(from, bytes)
    }

    fn leave(&self, why: &str) {
        self.inner.leave(why);
    }
}
