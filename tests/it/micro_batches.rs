//! A batch that goes through the trunk in parts is still one batch: codes, queue, loss and update are those of the whole.
//!
//! Batch norms of the trunk see one part at a time. Where all parts hold the same pictures, their statistics are those of the
//! whole batch, and so is everything else, but for the order of sums.

use crate::devices::shared_devices;
use crate::golden::{Case, Golden};
use crate::reference_runs;
use crate::runs_golden::{self, Run};
use crate::trainer_checks::{config, pictures};
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_wgpu::config::{Config, Method, MicroBatch, RunLength};
use swav_wgpu::gpu::Gpu;
use swav_wgpu::interop::HostTensor;
use swav_wgpu::method::{Batch, Crops, Known, Trainer};

const STEPS: u64 = 4;
const PART: usize = 4;

/// A batch of so many parts of four pictures.
fn settings(method: Method, parts: usize, micro: bool) -> Config {
    of_batch(method, PART * parts, micro.then_some(PART))
}

/// A batch in parts of so many pictures and what is left.
fn of_batch(method: Method, batch: usize, part: Option<usize>) -> Config {
    let crops = config("larc").crops;
    Config {
        method,
        batch,
        queue: 2 * batch,
        crops,
        micro_batch: part.map(MicroBatch::Of),
        prototypes: 6,
        ..config("larc")
    }
}

/// Crops of a batch whose picture `i` is `order[i]` of a step's pictures.
fn groups(config: &Config, step: u64, order: &[usize]) -> Vec<Vec<f32>> {
    let all = pictures(config, step);
    let rows = |(data, group): (&Vec<f32>, &swav_wgpu::config::CropGroup)| -> Vec<f32> {
        let pixels = data.len() / (group.count * config.batch);
        let row = |view: usize, picture: usize| &data[(view * config.batch + picture) * pixels..][..pixels];
        (0..group.count).flat_map(|view| order.iter().flat_map(move |&at| row(view, at))).copied().collect()
    };
    all.iter().zip(&config.crops).map(rows).collect()
}

pub(crate) struct Outcome {
    pub(crate) losses: Vec<f64>,
    /// Of each step.
    pub(crate) gradients: Vec<BTreeMap<String, HostTensor>>,
}

/// So small that the network stays what it is: then a rounding is not carried on from step to step, and every step is a
/// test of its own, with another batch, another queue and moving banks.
pub(crate) const RATE: f64 = 1e-5;

fn train(gpu: &Arc<Gpu>, config: &Config, order: &[usize]) -> Outcome {
    let known = Known {
        pictures: config.batch,
        labels: (0..config.batch as u32).map(|at| order[at as usize] as u32 % 3).collect(),
        classes: 3,
        epoch: config.batch,
    };
    let mut trainer = Trainer::knowing(gpu, config, &known).expect("the net is small");
    trainer.set_length(&RunLength { total: STEPS, ..RunLength::default() });
    let numbers: Vec<u32> = (0..config.batch as u32).collect();
    let (mut losses, mut gradients) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        let groups = groups(config, step, order);
        let batch = || Batch { crops: Crops::Made(&groups), pictures: &numbers };
        if trainer.wants_survey() {
            trainer.survey(batch()).expect("a look");
            trainer.flush().expect("the device answers");
        }
        // Labels of clusters are made of the banks: once is enough to train on them.
        if step == 0 {
            trainer.begin_epoch(0, &swav_wgpu::pass::Pass::default()).expect("labels");
        }
        trainer.step(batch(), RATE).expect("a step");
        losses.push(trainer.flush().expect("a report").expect("a step was submitted").loss);
        gradients.push(trainer.gradients().expect("the device answers"));
    }
    Outcome { losses, gradients }
}

/// How far two tensors are apart, as a share of the length of the second.
pub(crate) fn distance(got: &[f32], want: &[f32]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let off = square(&mut got.iter().zip(want).map(|(g, w)| f64::from(g - w)));
    off / square(&mut want.iter().map(|&w| f64::from(w))).max(1e-12)
}

/// Weights by which the network learns: what stands before a batch norm has a gradient of rounding errors only.
pub(crate) fn learns(name: &str) -> bool {
    name.ends_with(".weight") && !name.starts_with("optimizer") && !name.contains("running")
}

#[track_caller]
pub(crate) fn assert_same_losses(what: &str, got: &Outcome, want: &Outcome) {
    for (step, (got, want)) in got.losses.iter().zip(&want.losses).enumerate() {
        // Logits are similarities over a temperature of 0.1, each off by some roundings.
        assert!((got - want).abs() < 2e-5 * want.abs().max(1.0), "{what}: step {step}: {got}, want {want}");
    }
}

#[track_caller]
fn assert_alike(what: &str, got: &Outcome, want: &Outcome) {
    assert_same_losses(what, got, want);
    for (step, (got, want)) in got.gradients.iter().zip(&want.gradients).enumerate() {
        for (name, want) in want.iter().filter(|(name, _)| learns(name)) {
            let off = distance(&got[name].data, &want.data);
            assert!(off < 1e-3, "{what}: step {step}: gradient of {name} is off by {off:.1e} of its length");
        }
    }
}

#[test]
fn equal_parts_are_the_whole_batch() {
    for gpu in shared_devices() {
        for &method in Method::ALL {
            for parts in [2, 3, 4] {
                // Each part holds the same four pictures.
                let order: Vec<usize> = (0..PART * parts).map(|at| at % PART).collect();
                let whole = train(gpu, &settings(method, parts, false), &order);
                let cut = train(gpu, &settings(method, parts, true), &order);
                assert_alike(&format!("{method}, {parts} parts, {:?}", gpu.family()), &cut, &whole);
            }
        }
    }
}

/// Which part comes first changes nothing but the order of sums, so no part is taken for another.
#[test]
fn parts_may_come_in_any_order() {
    let gpu = &shared_devices()[0];
    for method in [Method::Swav, Method::Simclr, Method::Supervised] {
        let config = Config { queue: 0, ..settings(method, 3, true) };
        let order: Vec<usize> = (0..3 * PART).collect();
        let turned: Vec<usize> = (0..3 * PART).map(|at| (at + PART) % (3 * PART)).collect();
        let (one, other) = (train(gpu, &config, &order), train(gpu, &config, &turned));
        assert_alike(&format!("{method}"), &other, &one);
        // And the parts differ: one batch norm over all is another network.
        let whole = train(gpu, &Config { micro_batch: None, ..config }, &order);
        assert!((whole.losses[0] - one.losses[0]).abs() > 1e-4, "{method}: {:?}", one.losses);
    }
}

/// The first steps of a golden run in parts: the `f64` reference, whose batch norms see so many pictures together, says what
/// losses and weights are.
fn check_run(gpu: &Arc<Gpu>, golden: &Golden, case: &Case<'_>, part: usize, steps: usize) -> Vec<String> {
    let change = |config: &mut Config| config.micro_batch = Some(MicroBatch::Of(part));
    let Run { mut trainer, batches, .. } = runs_golden::open_on(gpu, golden, case, change);
    let (mut reference, crops, _) = reference_runs::open(golden, case);
    reference.network.part = Some(part);
    let (mut got, mut want, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for (t, lr) in case.numbers("hyper.lr").into_iter().enumerate().take(steps) {
        trainer.step(&batches[t % batches.len()], lr).expect("a step");
        got.push(trainer.flush().expect("a report").expect("a step was submitted").loss);
        want.push(reference.step(&crops[t % crops.len()], lr).loss);
        let Some(snapshot) = case.sibling(&format!("after{}", t + 1)) else { continue };
        let ours = trainer.export().expect("the device answers");
        for name in snapshot.expected().filter(|name| ours.contains_key(*name) && *name != "queue") {
            let ours: Vec<f64> = ours[name].data.iter().map(|&v| f64::from(v)).collect();
            failures.extend(snapshot.check_alike(name, &ours, &reference.network.weight(name).data).err());
        }
    }
    // The steps that are not made are right.
    let all = case.numbers("loss_f64");
    [&mut got, &mut want].into_iter().for_each(|losses| losses.extend(&all[losses.len()..]));
    failures.extend(case.check_alike("loss", &got, &want).err());
    failures.into_iter().map(|failure| format!("parts of {part}: {failure}")).collect()
}

#[test]
fn batch_norms_see_groups_of_the_size_of_a_part() {
    let golden = Golden::open();
    let gpu = &shared_devices()[0];
    let mut checked = 0;
    for case in runs_golden::runs(&golden) {
        let batch = case.count("bs");
        // In two, three (the last of which is smaller) and four parts. A batch norm that sees two pictures carries on what
        // roundings differ by much faster than one of eight, for which the tolerances are: there the weights after one step
        // and the losses of the first four are compared.
        for (part, steps) in [(batch / 2, 20), (batch.div_ceil(3), 4), (batch / 4, 4)] {
            let failures = check_run(gpu, &golden, &case, part, steps);
            assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
            checked += usize::from(!batch.is_multiple_of(part));
        }
    }
    assert!(checked > 0, "no run has a smaller last part");
}

/// Every part holds the same four pictures: twice the larger ones, once the last. What parts leave for the objective is told by
/// the losses; how their gradients are added no method knows, and the reference tells.
#[test]
fn a_smaller_last_part_counts_as_much_as_its_pictures() {
    for gpu in shared_devices() {
        for &method in Method::ALL {
            let order: Vec<usize> = (0..5 * PART).map(|at| at % PART).collect();
            let whole = train(gpu, &of_batch(method, 5 * PART, None), &order);
            let cut = train(gpu, &of_batch(method, 5 * PART, Some(2 * PART)), &order);
            assert_same_losses(&format!("{method}, parts of 8, 8 and 4, {:?}", gpu.family()), &cut, &whole);
        }
    }
}

#[test]
fn parts_take_less_memory() {
    let gpu = &shared_devices()[0];
    let peak = |micro_batch: Option<usize>| {
        let micro_batch = micro_batch.map(MicroBatch::Of);
        let config = Config { batch: 64, micro_batch, queue: 0, ..config("larc") };
        Trainer::new(gpu, &config).expect("the net is small").memory().peak()
    };
    let (whole, cut) = (peak(None), peak(Some(8)));
    assert!(cut * 3 < whole, "{cut} bytes in place of {whole}");
}
