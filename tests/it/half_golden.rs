//! Golden runs in half precision, held to a reference in `f64` that rounds where the kernels store.
//!
//! Kernels may be as far from that reference as it is from itself with the errors of single precision in its sums
//! ([`reference::half`](crate::reference::half)), which is measured on each net. How far half precision takes a run away
//! from single precision is a fact about the net and not about the kernels: it is printed, and bounds nothing.

use crate::golden::{Case, Golden};
use crate::reference::Rng64;
use crate::reference::half::Half;
use crate::reference_runs;
use crate::runs_golden::{self, unpadded, wide};
use swav_wgpu::config::Precision;
use swav_wgpu::gpu::{Family, Gpu};
use swav_wgpu::ops::loss_scale;

/// Steps of a run that are compared. Later ones are other runs: LARC and the queue carry on what little the first differ
/// by.
const STEPS: usize = 3;
/// Runs of the reference with errors of single precision.
const NOISES: u64 = 4;
/// How many times as far the kernels may be from the reference as the farthest of those. Their errors at each place are
/// like the noise, but not the same.
const ROOM: f64 = 2.0;
/// The same for the loss, a single number that two runs may have in common by chance, against the mean square distance
/// of all of them: one in 2,000 of normal numbers is farther off.
const LOSS_ROOM: f64 = 8.6;

/// What is compared of a run.
struct Figures {
    loss: Vec<f64>,
    /// Embeddings, codes of both crops and gradients of all parameters at the first step.
    first: [(&'static str, Vec<f64>); 3],
}

fn distance(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let square = got.iter().zip(want).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    (square / want.iter().map(|v| v * v).sum::<f64>()).sqrt()
}

/// The reference with a golden run's weights, or others of the same net.
fn reference(golden: &Golden, case: &Case<'_>, seed: Option<u64>, half: Option<Half>) -> Figures {
    let (mut trainer, batches, _) = reference_runs::open(golden, case);
    if let Some(seed) = seed {
        trainer.network.weights = trainer.network.arch.init(&mut Rng64(seed));
    }
    trainer.network.half = half;
    let mut first = None;
    let loss = case.numbers("hyper.lr").into_iter().zip(0..STEPS).map(|(lr, t)| {
        let step = trainer.step(&batches[t % batches.len()], lr);
        first.get_or_insert_with(|| {
            let codes = step.codes.iter().flat_map(|codes| codes.data.clone()).collect();
            let gradients = step.grads.values().flat_map(|grad| grad.data.clone()).collect();
            [("embeddings", step.pass.embeddings.data.clone()), ("codes", codes), ("gradients", gradients)]
        });
        step.loss
    });
    let loss = loss.collect();
    Figures { loss, first: first.expect("there are steps") }
}

/// The same of the kernels.
fn kernels(golden: &Golden, case: &Case<'_>, seed: Option<u64>, family: Family) -> Figures {
    let mut run = runs_golden::open(golden, case, family, Precision::F16);
    if let Some(seed) = seed {
        let (trainer, ..) = reference_runs::open(golden, case);
        let weights = trainer.network.arch.init(&mut Rng64(seed));
        let mut tensors = run.trainer.export().expect("the device answers");
        for (name, tensor) in &weights {
            tensors.get_mut(name).unwrap_or_else(|| panic!("the engine has no {name}")).data =
                tensor.to_f32();
        }
        let start = run.trainer.position();
        run.trainer.import(&tensors, &start).expect("names and shapes are those of the net");
    }
    let mut first = None;
    let loss = case.numbers("hyper.lr").into_iter().zip(0..STEPS).map(|(lr, t)| {
        run.trainer.step(&run.batches[t % run.batches.len()], lr).expect("a step");
        let report = run.trainer.flush().expect("a report").expect("a step was submitted");
        assert_eq!(report.non_finite, 0, "{}: step {t}", case.label());
        first.get_or_insert_with(|| {
            let (codes, embeddings) = run.trainer.codes_and_embeddings().expect("the device answers");
            let gradients = run.trainer.gradients().expect("the device answers");
            let gradients = gradients.values().flat_map(|tensor| wide(&tensor.data)).collect();
            let [codes, embeddings] = [(codes, run.config.prototypes), (embeddings, run.config.embedding)]
                .map(|(v, n)| unpadded(&v, n));
            [("embeddings", embeddings), ("codes", codes), ("gradients", gradients)]
        });
        report.loss
    });
    let loss = loss.collect();
    Figures { loss, first: first.expect("there are steps") }
}

/// A net on all families that multiply with the same weights.
fn check(golden: &Golden, case: &Case<'_>, seed: Option<u64>, families: &[Family]) -> Vec<String> {
    let label = seed.map_or_else(|| case.label(), |seed| format!("{}, seed {seed}", case.label()));
    let matrix = families.contains(&Family::Matrix);
    let half = || Half::new(f64::from(loss_scale::FIRST), matrix);
    let want = reference(golden, case, seed, Some(half()));
    let noisy: Vec<_> =
        (0..NOISES).map(|n| reference(golden, case, seed, Some(half().with_noise(n)))).collect();
    let single = reference(golden, case, seed, None);
    let mut failures = Vec::new();
    for &family in families {
        let got = kernels(golden, case, seed, family);
        for (i, (name, got)) in got.first.iter().enumerate() {
            let of = |figures: &Figures| distance(&figures.first[i].1, &want.first[i].1);
            let (off, noise) = (distance(got, &want.first[i].1), noisy.iter().map(of).fold(0.0, f64::max));
            let from_single = distance(got, &single.first[i].1);
            println!(
                "{label}, {family}: {name} off by {off:.1e}, by {noise:.1e} with noise; {from_single:.1e} from f32"
            );
            if off > ROOM * noise {
                failures.push(format!("{label}, {family}: {name} off by {off:.2e}, noise {noise:.2e}"));
            }
        }
        for (t, (got, want)) in got.loss.iter().zip(&want.loss).enumerate() {
            let square = noisy.iter().map(|figures| (figures.loss[t] - want).powi(2)).sum::<f64>();
            let (off, noise) = ((got - want).abs(), (square / NOISES as f64).sqrt());
            println!(
                "{label}, {family}: loss {t} off by {off:.1e}, by {noise:.1e} with noise; {:.1e} from f32",
                (got - single.loss[t]).abs()
            );
            if off > LOSS_ROOM * noise {
                failures
                    .push(format!("{label}, {family}: loss {t} is {got}, want {want}, noise {noise:.2e}"));
            }
        }
    }
    failures
}

/// Matrix units multiply with rounded weights: another reference.
fn check_all(case: impl Fn(&Case<'_>) -> bool + Sync, seeds: &[Option<u64>]) {
    let golden = Golden::open();
    let facts = Gpu::open(None, None).expect("an adapter; `make test` installs one").facts().clone();
    let (matrix, others): (Vec<_>, Vec<_>) =
        facts.families().into_iter().partition(|&family| family == Family::Matrix);
    let runs: Vec<_> = runs_golden::runs(&golden).into_iter().filter(|run| case(run)).collect();
    assert!(!runs.is_empty(), "there is a net of this kind");
    let mut failures = Vec::new();
    for run in &runs {
        for &seed in seeds {
            for families in [&others, &matrix].into_iter().filter(|families| !families.is_empty()) {
                failures.extend(check(&golden, run, seed, families));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

const SEEDS: [Option<u64>; 3] = [None, Some(11), Some(12)];

#[test]
fn basic_blocks_in_half_precision_are_the_reference_that_rounds() {
    check_all(|case| case.text("arch.block") == "basic", &SEEDS);
}

#[test]
fn bottlenecks_in_half_precision_are_the_reference_that_rounds() {
    check_all(|case| case.text("arch.block") == "bottleneck", &SEEDS);
}
