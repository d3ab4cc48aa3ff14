//! The `f64` reference through whole golden training runs (group 08): nets, multi-resolution crops, queue,
//! frozen prototypes, LARC, batch-norm buffers.
//!
//! Both sides compute in `f64`, so no rounding parts the trajectories: the losses must agree to the digits that
//! are stored, hundreds of times tighter than what an `f32` implementation is allowed.

use crate::golden::{Case, Golden, Values};
use crate::reference::arch::{Arch, Block, Stem};
use crate::reference::network::{Mode, Network};
use crate::reference::optim::Larc;
use crate::reference::training::{Recipe, StepValues, Trainer};
use crate::reference::{Tensor64, Weights};
use serde_json::Value;
use std::collections::BTreeMap;

/// Half a unit of the last digit of the stored losses, and room for the order of sums.
fn loss_tolerance(want: f64) -> f64 {
    6e-10 + 1e-9 * want.abs()
}

/// What storing a snapshot as `f32` costs, and room for 20 steps of different summation order.
fn snapshot_tolerance(want: f64) -> f64 {
    1e-7 + 2e-7 * want.abs()
}

fn tensor((shape, data): &Values) -> Tensor64 {
    Tensor64::from_f32(shape, data)
}

fn arch(case: &Case<'_>) -> Arch {
    Arch {
        block: match case.text("arch.block") {
            "basic" => Block::Basic,
            "bottleneck" => Block::Bottleneck,
            other => panic!("{}: no block {other}", case.label()),
        },
        layers: case.counts("arch.layers"),
        base_width: case.count("arch.base_width"),
        stem: match case.text("arch.stem") {
            "cifar" => Stem::Cifar,
            "imagenet" => Stem::ImageNet,
            other => panic!("{}: no stem {other}", case.label()),
        },
        hidden: case.count("arch.hidden"),
        embedding: case.count("arch.feat"),
        prototypes: case.count("arch.K"),
    }
}

fn recipe(case: &Case<'_>) -> Recipe {
    Recipe {
        assign: case.counts("hyper.assign"),
        epsilon: case.number("hyper.eps"),
        iterations: case.count("hyper.iters"),
        temperature: case.number("hyper.T"),
        larc: Larc {
            trust: case.number("hyper.trust"),
            epsilon: 1e-8,
            weight_decay: case.number("hyper.wd"),
            clip: false,
            exclude_rank1: false,
        },
        momentum: case.number("hyper.momentum"),
        freeze: case.count("hyper.freeze"),
        queue_length: case.count("hyper.queue_len"),
        queue_start: case.count("hyper.queue_start"),
    }
}

/// The crops of every batch, in order.
fn batches(stored: &BTreeMap<String, Values>, crops: usize) -> Vec<Vec<Tensor64>> {
    let batch =
        |i: usize| (0..crops).map_while(|j| stored.get(&format!("batch{i}/crop{j}")).map(tensor)).collect();
    (0..).map(batch).take_while(|crops: &Vec<Tensor64>| !crops.is_empty()).collect()
}

/// Compares with the manifest's tolerance and, if there is one, with a tighter one; collects what fails.
fn compare(
    case: &Case<'_>,
    name: &str,
    got: &Tensor64,
    tight: Option<fn(f64) -> f64>,
    failures: &mut Vec<String>,
) {
    failures.extend(case.check(name, &got.data).err());
    if let Some(tight) = tight {
        failures.extend(case.check_within(name, &got.data, tight).err());
    }
}

fn check_step0(case: &Case<'_>, step: &StepValues, failures: &mut Vec<String>) {
    for name in case.expected() {
        let got = match name.strip_prefix('q') {
            Some(index) => &step.codes[index.parse::<usize>().expect("q0, q1, ...")],
            None if name == "feats" => &step.pass.features,
            None if name == "z" => &step.pass.embeddings,
            None if name == "scores" => &step.pass.scores,
            None => panic!("{}: what is {name}?", case.label()),
        };
        compare(case, name, got, Some(snapshot_tolerance), failures);
    }
    let ratios = case.attrs["larc_ratio"].as_object().expect("larc_ratio is a table");
    for (name, want) in ratios {
        let (want, got) = (want.as_f64().expect("a ratio"), step.ratios.get(name));
        // The bias before a batch norm has no true gradient: its ratio is made of rounding alone.
        let got = got.filter(|_| name != "projection_head.0.bias");
        if got.is_some_and(|got| (got - want).abs() > 1e-6 * want) {
            failures.push(format!("{}: ratio of {name}: got {got:?}, want {want}", case.label()));
        }
    }
    let grads = case.relative("step0/grad").expect("gradients stand beside the step's values");
    for name in grads.expected() {
        compare(&grads, name, &step.grads[name], Some(snapshot_tolerance), failures);
    }
}

fn check_snapshot(case: &Case<'_>, trainer: &Trainer, failures: &mut Vec<String>) {
    for name in case.expected() {
        if name == "queue" {
            let rows = trainer.queue.as_ref().expect("the run has a queue").clone();
            compare(case, name, &Tensor64::concat(&rows), Some(snapshot_tolerance), failures);
        } else {
            compare(case, name, trainer.network.weight(name), Some(snapshot_tolerance), failures);
        }
    }
}

fn check_evaluation(
    case: &Case<'_>,
    trainer: &Trainer,
    stored: &BTreeMap<String, Values>,
    failures: &mut Vec<String>,
) {
    for name in case.expected() {
        // "feats_batch0_crop0" is the trunk's output for the crop stored as "batch0/crop0".
        let crop = name.strip_prefix("feats_").unwrap_or(name).replace('_', "/");
        let pass = trainer.network.clone().forward(&[tensor(&stored[&crop])], Mode::Evaluate);
        compare(case, name, &pass.features, Some(|want| 1e-6 + 1e-6 * want.abs()), failures);
    }
}

/// A golden run before its first step, its batches of crops, and all crops by name.
pub(crate) fn open(
    golden: &Golden,
    case: &Case<'_>,
) -> (Trainer, Vec<Vec<Tensor64>>, BTreeMap<String, Values>) {
    let weights: Weights =
        golden.gather(&case.texts("init_files")).iter().map(|(name, v)| (name.clone(), tensor(v))).collect();
    let stored = golden.gather(&case.texts("crop_files"));
    let batches = batches(&stored, case.count("n_crops"));
    (Trainer::new(Network::new(arch(case), weights), recipe(case)), batches, stored)
}

fn check_run(golden: &Golden, case: &Case<'_>) -> Vec<String> {
    let (mut trainer, batches, stored) = open(golden, case);
    let (mut failures, mut losses, mut queue_used) = (Vec::new(), Vec::new(), Vec::new());
    for (t, (lr, want)) in case.numbers("hyper.lr").into_iter().zip(case.numbers("loss_f64")).enumerate() {
        let step = trainer.step(&batches[t % batches.len()], lr);
        if (step.loss - want).abs() > loss_tolerance(want) {
            failures.push(format!("{}: loss of step {t}: got {}, want {want}", case.label(), step.loss));
        }
        losses.push(step.loss);
        queue_used.push(f64::from(u8::from(step.queue_used)));
        if let Some(step0) = case.relative("step0").filter(|_| t == 0) {
            check_step0(&step0, &step, &mut failures);
        }
        if let Some(snapshot) = case.sibling(&format!("after{}", t + 1)) {
            check_snapshot(&snapshot, &trainer, &mut failures);
        }
        if let Some(evaluation) = case.sibling(&format!("eval{}", t + 1)) {
            check_evaluation(&evaluation, &trainer, &stored, &mut failures);
        }
    }
    failures.extend(case.check("loss", &losses).err());
    failures.extend(case.check("queue_used", &queue_used).err());
    failures
}

#[test]
fn training_runs_match_golden() {
    let golden = Golden::open();
    let is_run = |case: &Case<'_>| case.attrs.get("hyper").is_some_and(Value::is_object);
    let runs: Vec<_> = golden.cases("08").into_iter().filter(is_run).collect();
    assert!(!runs.is_empty(), "group 08 holds no run");
    assert!(runs.iter().any(|run| run.relative("step0").is_some()), "no run has its first step's values");
    let failures: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = runs.iter().map(|run| scope.spawn(|| check_run(&golden, run))).collect();
        threads.into_iter().flat_map(|t| t.join().expect("a run ends without a panic")).collect()
    });
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}
