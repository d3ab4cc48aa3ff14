//! Each layer by itself in half precision, within what the theory of rounding allows.
//!
//! A whole network takes the last bits of single precision apart ([`half_golden`](crate::half_golden)), so it says little of
//! any one layer. Here every layer gets the very numbers that the reference, which rounds where kernels store, has there in
//! its second step of training, and each value of its result may be off by the errors of its sums in single precision and
//! by being stored ([`bounds`]). Nothing in that is fitted to a network.
//!
//! `cargo test --release --test it -- half_layers --nocapture` prints how much of what is allowed they need.

mod layers;

use crate::devices::shared_devices;
use crate::reference::arch::{Arch, Block, Stem};
use crate::reference::bounds::{SINGLE, Storage, gamma};
use crate::reference::half::{Half, rounded};
use crate::reference::network::Network;
use crate::reference::optim::Larc;
use crate::reference::seen::Seen;
use crate::reference::training::{Recipe, Trainer};
use crate::reference::{Rng64, Tensor64, conv};
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_wgpu::gpu::{Element, Family, Gpu};
use swav_wgpu::ops::conv2d::{self, Filter};
use swav_wgpu::ops::loss_scale;
use swav_wgpu::selftest::bench::Bench;

/// The layers of a network in its second step.
fn seen(block: Block, stem: Stem, seed: u64) -> Seen {
    let mut rng = Rng64(seed);
    let arch =
        Arch { block, layers: vec![1, 2], base_width: 12, stem, hidden: 20, embedding: 8, prototypes: 10 };
    let mut network = Network::new(arch.clone(), arch.init(&mut rng));
    network.half = Some(Half::new(f64::from(loss_scale::FIRST), false));
    let larc = Larc { trust: 0.001, epsilon: 1e-8, weight_decay: 1e-6, clip: false, exclude_rank1: false };
    let recipe = Recipe {
        assign: vec![0, 1],
        epsilon: 0.05,
        iterations: 3,
        temperature: 0.1,
        larc,
        momentum: 0.9,
        freeze: 0,
        queue_length: 0,
        queue_start: 0,
    };
    let mut trainer = Trainer::new(network, recipe);
    let shapes = [[4, 3, 28, 28], [4, 3, 28, 28], [4, 3, 18, 18]];
    let mut crops = || shapes.map(|shape| Tensor64::random(&shape, &mut rng));
    trainer.step(&crops(), 0.3);
    trainer.network.seen = Some(Seen::default());
    trainer.step(&crops(), 0.3);
    trainer.network.seen.take().expect("it was put there")
}

/// Weights as they are in memory.
fn single(x: &Tensor64) -> Tensor64 {
    x.map(|v| f64::from(v as f32))
}

/// Whether an adapter stores the nearest half or cuts off: asked of it, as WGSL leaves it open.
fn storage(gpu: &Arc<Gpu>) -> Storage {
    let mut bench = Bench::new(gpu);
    bench.store_as(Element::F16);
    let filter = Filter::linear(2, 1);
    let place = 2.0f64.powi(-10);
    let x = bench.activations(&Tensor64::new(&[1, 2], vec![1.0, 0.75 * place]));
    let w = bench.upload_panels(&filter, &Tensor64::new(&[1, 2, 1, 1], vec![1.0; 2]));
    let x = conv2d::stage(bench.plan(), &x);
    let y = conv2d::forward(bench.plan(), &filter, &x, &w).expect("it is recorded");
    let session = bench.lab.run().expect("the device answers");
    let got = f64::from(session.read(&y).expect("the device answers")[0]);
    if got == 1.0 { Storage::cut_off() } else { Storage::nearest() }
}

/// Counts what is off by more than allowed, and how near results come to it.
#[derive(Default)]
struct Judge {
    failures: Vec<String>,
    /// By kind of result the largest share of what is allowed.
    shares: BTreeMap<&'static str, f64>,
}

impl Judge {
    fn compare(&mut self, label: &str, what: &'static str, got: &[f64], want: &Tensor64, most: &Tensor64) {
        assert_eq!((got.len(), &want.shape), (want.len(), &most.shape), "{label}: {what}");
        let share = |i: usize| match (got[i] - want.data[i]).abs() {
            0.0 => 0.0,
            error if error.is_finite() => error / most.data[i],
            _ => f64::INFINITY,
        };
        let worst =
            (0..got.len()).max_by(|&i, &j| share(i).total_cmp(&share(j))).expect("a result has values");
        let kept = self.shares.entry(what).or_default();
        *kept = kept.max(share(worst));
        if share(worst) > 1.0 {
            let wrong = (0..got.len()).filter(|&i| share(i) > 1.0).count();
            self.failures.push(format!(
                "{label}: {what}: {wrong} of {} are off; worst is {:e} for {:e}, allowed {:.1e}",
                got.len(),
                got[worst],
                want.data[worst],
                most.data[worst]
            ));
        }
    }
}

fn check(block: Block, stem: Stem) {
    let mut failures = Vec::new();
    for seed in [1, 2] {
        let seen = seen(block, stem, seed);
        for gpu in shared_devices() {
            let (storage, mut judge) = (storage(gpu), Judge::default());
            let label = |name: &str| format!("{block:?}, seed {seed}, {}: {name}", gpu.family());
            for unit in seen.units.borrow().iter() {
                assert!(unit.dconv.data.iter().all(|v| v.is_finite()), "{}: the loss scale fits", unit.name);
                layers::judge_unit(&mut judge, &label(&unit.name), gpu, unit, storage);
            }
            for layer in seen.linears.borrow().iter() {
                layers::judge_linear(&mut judge, &label(&layer.name), gpu, layer);
            }
            println!("{}{:.2?}, {storage:?}", label(""), judge.shares);
            let winograd: Vec<_> =
                judge.shares.keys().filter(|what| what.ends_with(" by Winograd")).collect();
            let wanted = match gpu.family() {
                Family::Subgroup => 3, // the only one that has the gradient of weights so
                Family::Tile => 2,
                Family::Direct | Family::Matrix => 0,
            };
            assert_eq!((winograd.len(), judge.shares.len()), (wanted, wanted + 11), "{:?}", judge.shares);
            failures.extend(judge.failures);
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn layers_of_basic_blocks_are_as_exact_as_rounding_allows() {
    check(Block::Basic, Stem::ImageNet);
}

#[test]
fn layers_of_bottlenecks_are_as_exact_as_rounding_allows() {
    check(Block::Bottleneck, Stem::Cifar);
}

/// Kernels that cut off where others round, or keep their sums in half precision, are not within the bounds.
#[test]
fn sums_in_half_precision_and_values_cut_off_are_noticed() {
    let seen = seen(Block::Bottleneck, Stem::Cifar, 1);
    for unit in seen.units.borrow().iter().filter(|unit| unit.weight.shape[1..] == [48, 1, 1]) {
        let w = single(&unit.weight);
        let y = conv::forward(&unit.x, &w, unit.geometry);
        let sizes = conv::forward(&unit.x.map(f64::abs), &w.map(f64::abs), unit.geometry);
        let most = Storage::nearest().of(&y, &sizes.map(|size| size * gamma(48, SINGLE)));
        let outside =
            |got: &Tensor64| (0..y.len()).filter(|&i| (got.data[i] - y.data[i]).abs() > most.data[i]).count();
        assert_eq!(outside(&y.map(rounded)), 0);
        let cut = y.map(|v| if rounded(v).abs() > v.abs() { v * (1.0 - 2.0f64.powi(-11)) } else { v });
        let cut = cut.map(rounded);
        let mut halves = Tensor64::zeros(&y.shape);
        for c in 0..48 {
            let mut channel = unit.x.clone();
            let inner = channel.shape[2] * channel.shape[3];
            channel
                .data
                .iter_mut()
                .enumerate()
                .filter(|(i, _)| i / inner % 48 != c)
                .for_each(|(_, v)| *v = 0.0);
            halves = halves.add(&conv::forward(&channel, &w, unit.geometry)).map(rounded);
        }
        let [cut, halves] = [&cut, &halves].map(outside);
        println!("{}: {cut} and {halves} of {} are noticed", unit.name, y.len());
        assert!(
            cut > y.len() / 100 && halves > y.len() / 10,
            "{}: {cut}, {halves} of {}",
            unit.name,
            y.len()
        );
    }
}
