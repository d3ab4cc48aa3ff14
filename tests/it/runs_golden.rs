//! Whole golden training runs (group 08) through the production engine, with both kernel families.
//!
//! The manifest says which nets, hyper-parameters, losses and snapshots there are, and how closely
//! single precision can follow them.

use crate::golden::{Case, Golden, Values};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_wgpu::config::{Config, CropGroup, Precision, RunLength};
use swav_wgpu::gpu::{Family, Gpu};
use swav_wgpu::interop::{HostTensor, ScalarType};
use swav_wgpu::method::Trainer;
use swav_wgpu::selftest::layout::to_nhwc4;

fn list(values: &[usize]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Consecutive crops of one size are one group.
pub(crate) fn groups(crops: &[&Values]) -> Vec<CropGroup> {
    let mut groups: Vec<CropGroup> = Vec::new();
    for (shape, _) in crops {
        match groups.last_mut() {
            Some(group) if group.size == shape[2] => group.count += 1,
            _ => groups.push(CropGroup { count: 1, size: shape[2], scale: [0.1, 1.0] }),
        }
    }
    groups
}

/// The settings of the net and its crops.
pub(crate) fn network(case: &Case<'_>, crops: &[&Values]) -> Config {
    let mut config = Config::default();
    let mut set = |key: &str, value: String| config.set(key, &value).expect("the case's value is allowed");
    set("block", case.text("arch.block").into());
    set("blocks", list(&case.counts("arch.layers")));
    set("width", case.count("arch.base_width").to_string());
    set("stem", case.text("arch.stem").into());
    set("hidden", case.count("arch.hidden").to_string());
    set("embedding", case.count("arch.feat").to_string());
    set("prototypes", case.count("arch.K").to_string());
    set("batch", case.count("bs").to_string());
    set("eval_size", crops[0].0[2].to_string());
    config.crops = groups(crops);
    config
}

fn config(case: &Case<'_>, crops: &[&Values]) -> Config {
    let mut config = network(case, crops);
    let mut set = |key: &str, value: String| config.set(key, &value).expect("the case's value is allowed");
    set("epsilon", case.number("hyper.eps").to_string());
    set("sinkhorn_iterations", case.count("hyper.iters").to_string());
    set("temperature", case.number("hyper.T").to_string());
    set("assign", list(&case.counts("hyper.assign")));
    set("queue", case.count("hyper.queue_len").to_string());
    set("freeze_prototypes", case.count("hyper.freeze").to_string());
    set("optimizer", "larc".into());
    set("weight_decay", case.number("hyper.wd").to_string());
    set("momentum", case.number("hyper.momentum").to_string());
    set("trust", case.number("hyper.trust").to_string());
    config
}

/// Crops of one batch as the trainer's groups.
pub(crate) fn batch(crops: &[&Values], groups: &[CropGroup]) -> Vec<Vec<f32>> {
    let mut rest = crops.iter();
    groups.iter().map(|g| rest.by_ref().take(g.count).flat_map(|c| to_nhwc4(&c.0, &c.1)).collect()).collect()
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Drops the channels of padding.
pub(crate) fn unpadded(values: &[f32], channels: usize) -> Vec<f64> {
    wide(
        &values
            .chunks_exact(channels.div_ceil(4) * 4)
            .flat_map(|row| row[..channels].to_vec())
            .collect::<Vec<_>>(),
    )
}

fn check_step0(case: &Case<'_>, trainer: &Trainer, k: usize, d: usize, failures: &mut Vec<String>) {
    let (codes, embeddings) = trainer.codes_and_embeddings().expect("the device answers");
    let codes = unpadded(&codes, k);
    let half = codes.len() / 2;
    for name in case.expected() {
        let got = match name {
            "q0" => codes[..half].to_vec(),
            "q1" => codes[half..].to_vec(),
            "z" => unpadded(&embeddings, d),
            _ => continue, // features and scores live in memory that is used again within the step
        };
        failures.extend(case.check(name, &got).err());
    }
    let grads = case.relative("step0/grad").expect("gradients stand beside the step's values");
    let got = trainer.gradients().expect("the device answers");
    for name in grads.expected() {
        failures.extend(grads.check(name, &wide(&got[name.trim_end_matches("#sum_l2")].data)).err());
    }
}

fn check_snapshot(case: &Case<'_>, trainer: &Trainer, failures: &mut Vec<String>) {
    let got = trainer.export().expect("the device answers");
    for name in case.expected() {
        let tensor = got.get(name.trim_end_matches("#sum_l2"));
        let tensor = tensor.unwrap_or_else(|| panic!("{}: the engine has no {name}", case.label()));
        failures.extend(case.check(name, &wide(&tensor.data)).err());
    }
}

fn check_evaluation(
    case: &Case<'_>,
    trainer: &mut Trainer,
    stored: &BTreeMap<String, Values>,
    failures: &mut Vec<String>,
) {
    for name in case.expected() {
        let (shape, data) = &stored[&name.strip_prefix("feats_").unwrap_or(name).replace('_', "/")];
        let features = trainer.features(&to_nhwc4(shape, data), shape[0]).expect("the device answers");
        failures.extend(case.check(name, &wide(&features.data)).err());
    }
}

/// A golden run, ready for its first step.
pub(crate) struct Run {
    pub(crate) config: Config,
    pub(crate) trainer: Trainer,
    /// Each is used again when all have been.
    pub(crate) batches: Vec<Vec<Vec<f32>>>,
    stored: BTreeMap<String, Values>,
}

/// The runs of group 08.
pub(crate) fn runs(golden: &Golden) -> Vec<Case<'_>> {
    let runs = golden.cases("08").into_iter();
    let runs: Vec<_> = runs.filter(|c| c.attrs.get("hyper").is_some_and(Value::is_object)).collect();
    assert!(!runs.is_empty(), "group 08 holds no run");
    runs
}

/// Opens a run with the weights that it began with.
pub(crate) fn open(golden: &Golden, case: &Case<'_>, family: Family, precision: Precision) -> Run {
    let gpu = Gpu::open(None, Some(family)).expect("an adapter; `make test` installs one");
    open_on(&gpu, golden, case, |config| config.precision = precision)
}

/// The same on a device, with other settings.
pub(crate) fn open_on(
    gpu: &Arc<Gpu>,
    golden: &Golden,
    case: &Case<'_>,
    change: impl FnOnce(&mut Config),
) -> Run {
    let stored = golden.gather(&case.texts("crop_files"));
    let crops = |i: usize| -> Vec<&Values> {
        (0..case.count("n_crops")).map_while(|j| stored.get(&format!("batch{i}/crop{j}"))).collect()
    };
    let mut config = config(case, &crops(0));
    change(&mut config);
    let batches: Vec<_> =
        (0..).map(crops).take_while(|c| !c.is_empty()).map(|c| batch(&c, &config.crops)).collect();
    let mut trainer = Trainer::new(gpu, &config).expect("the net is small");
    let mut weights: BTreeMap<String, HostTensor> = trainer.export().expect("the device answers");
    for (name, (shape, data)) in golden.gather(&case.texts("init_files")) {
        // Counters follow from the position of the run.
        if let Some(tensor) = weights.get_mut(&name).filter(|tensor| tensor.kind == ScalarType::F32) {
            assert_eq!(tensor.shape, shape, "{name}");
            tensor.data = data;
        }
    }
    let start = trainer.position();
    trainer.import(&weights, &start).expect("names and shapes are those of the net");
    let queue_start = case.count("hyper.queue_start") as u64;
    trainer.set_length(&RunLength {
        total: case.numbers("hyper.lr").len() as u64,
        queue_start,
        ..RunLength::default()
    });
    Run { config, trainer, batches, stored }
}

fn check_run(golden: &Golden, case: &Case<'_>, family: Family) -> Vec<String> {
    let Run { config, mut trainer, batches, stored } = open(golden, case, family, Precision::F32);
    let (mut failures, mut losses, mut queue_used) = (Vec::new(), Vec::new(), Vec::new());
    for (t, lr) in case.numbers("hyper.lr").into_iter().enumerate() {
        let filled = trainer.position().objective["queue_filled"].as_u64().expect("a number of rows");
        let whole = (config.queue / config.batch * config.batch) as u64;
        queue_used.push(f64::from(u8::from(whole > 0 && filled >= whole)));
        trainer.step(&batches[t % batches.len()], lr).expect("a step");
        let report = trainer.flush().expect("a report").expect("a step was submitted");
        assert_eq!(report.non_finite, 0, "{}: step {t}", case.label());
        losses.push(report.loss);
        if let Some(step0) = case.relative("step0").filter(|_| t == 0) {
            check_step0(&step0, &trainer, config.prototypes, config.embedding, &mut failures);
        }
        if let Some(snapshot) = case.sibling(&format!("after{}", t + 1)) {
            check_snapshot(&snapshot, &trainer, &mut failures);
        }
        if let Some(evaluation) = case.sibling(&format!("eval{}", t + 1)) {
            check_evaluation(&evaluation, &mut trainer, &stored, &mut failures);
        }
    }
    failures.extend(case.check("loss", &losses).err());
    failures.extend(case.check("queue_used", &queue_used).err());
    failures
}

fn check_runs(family: Family) {
    let golden = Golden::open();
    let runs = runs(&golden);
    assert!(runs.iter().any(|run| run.relative("step0").is_some()), "no run has its first step's values");
    let failures: Vec<_> = runs.iter().flat_map(|run| check_run(&golden, run, family)).collect();
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn runs_with_subgroup_kernels() {
    check_runs(Family::Subgroup);
}

#[test]
fn runs_with_tile_kernels() {
    check_runs(Family::Tile);
}

#[test]
fn runs_with_direct_kernels() {
    check_runs(Family::Direct);
}
