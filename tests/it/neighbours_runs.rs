//! Whole golden training runs of SwAV's neighbours (group 17) through the production engine, in every kernel family.
//!
//! They share net, starting weights and crops with group 08. The manifest says which methods, hyper-parameters, losses
//! and snapshots there are, and how closely single precision can follow them.

use crate::golden::{Case, Golden, Values};
use crate::runs_golden::{self, batch, groups, unpadded, wide};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_wgpu::config::{Config, Method, RunLength};
use swav_wgpu::gpu::{Family, Gpu};
use swav_wgpu::interop::{HostTensor, Kind};
use swav_wgpu::method::{Batch, Crops, Known, Trainer};
use swav_wgpu::pass::Pass;

/// The manifest's names of methods.
const METHODS: [(&str, Method); 5] = [
    ("simclr", Method::Simclr),
    ("moco", Method::MocoV2),
    ("byol", Method::Byol),
    ("deepcluster", Method::DeepclusterV2),
    ("supervised", Method::Supervised),
];

/// The runs of a method.
fn runs<'g>(golden: &'g Golden, method: &str) -> Vec<Case<'g>> {
    let runs = golden.cases("17").into_iter();
    let runs: Vec<_> = runs
        .filter(|case| case.attrs.get("hyper").is_some_and(Value::is_object) && case.text("method") == method)
        .collect();
    assert!(!runs.is_empty(), "group 17 holds no run of {method}");
    runs
}

fn config(case: &Case<'_>, method: Method, crops: &[&Values]) -> Config {
    let mut config = runs_golden::network(case, crops);
    let mut set = |key: &str, value: String| config.set(key, &value).expect("the case's value is allowed");
    set("method", method.to_string());
    set("optimizer", case.text("hyper.optimizer").into());
    set("weight_decay", case.number("hyper.wd").to_string());
    set("momentum", case.number("hyper.momentum").to_string());
    set("exclude_norms", case.flag("hyper.exclude_rank1").to_string());
    set("head_norm", case.flag("hyper.head_bn").to_string());
    let optional = [
        ("trust", "hyper.trust"),
        ("temperature", "hyper.T"),
        ("target_momentum", "hyper.m"),
        ("target_momentum", "hyper.tau_base"),
        ("queue", "hyper.queue_len"),
    ];
    for (key, attribute) in optional {
        let pointer = format!("/{}", attribute.replace('.', "/"));
        if let Some(value) = case.attrs.pointer(&pointer).and_then(Value::as_f64).filter(|&value| value > 0.0)
        {
            set(key, value.to_string());
        }
    }
    if let Some(sizes) = case.attrs.pointer("/hyper/K") {
        config.heads = Some(serde_json::from_value(sizes.clone()).expect("a number for each set"));
    }
    config
}

/// A golden run, ready for its first step.
struct Run {
    config: Config,
    trainer: Trainer,
    batches: Vec<Vec<Vec<f32>>>,
}

/// Names of the fixtures and of the engine differ in two places: without a batch norm, the last layer of a head is the third
/// in PyTorch's sequence, and the fixtures kept the name that it has with one; and the banks are one tensor.
fn own_name(config: &Config, name: &str) -> String {
    let name = name.trim_end_matches("#sum_l2");
    if name == "bank" {
        return "bank.embeddings".to_owned();
    }
    if config.head_norm { name.to_owned() } else { name.replace("projection_head.3", "projection_head.2") }
}

fn open(golden: &Golden, case: &Case<'_>, method: Method, family: Family) -> Run {
    let stored = golden.gather(&case.texts("crop_files"));
    let crops = |i: usize| -> Vec<&Values> {
        (0..case.count("n_crops")).map_while(|j| stored.get(&format!("batch{i}/crop{j}"))).collect()
    };
    let mut config = config(case, method, &crops(0));
    let given = golden.gather(&case.texts("init_files"));
    if let Some((shape, _)) = given.get("predictor.0.weight") {
        config.predictor = shape[0];
    }
    let batches: Vec<_> =
        (0..).map(crops).take_while(|c| !c.is_empty()).map(|c| batch(&c, &groups(&c))).collect();
    let labels: Vec<Vec<u32>> = case
        .attrs
        .pointer("/hyper/labels")
        .map_or(Vec::new(), |labels| serde_json::from_value(labels.clone()).expect("labels of each batch"));
    let known = Known {
        pictures: batches.len() * config.batch,
        labels: Arc::from(labels.concat()),
        classes: given.get("fc.weight").map_or(0, |(shape, _)| shape[0]),
        epoch: batches.len() * config.batch,
    };
    let gpu = Gpu::open(None, Some(family)).expect("an adapter; `make test` installs one");
    let mut trainer = Trainer::knowing(&gpu, &config, &known).expect("the net is small");
    let mut weights: BTreeMap<String, HostTensor> = trainer.export().expect("the device answers");
    for (name, (shape, data)) in given {
        let name = own_name(&config, &name);
        for name in [format!("target.{name}"), name] {
            if let Some(tensor) = weights.get_mut(&name).filter(|tensor| tensor.kind == Kind::F32) {
                assert_eq!(tensor.shape, shape, "{name}");
                tensor.data.clone_from(&data);
            }
        }
    }
    let start = trainer.position();
    trainer.import(&weights, &start).expect("names and shapes are those of the net");
    trainer.set_length(&RunLength { total: case.count("hyper.steps") as u64, warmup: 0, queue_start: 0 });
    if let Some(picks) = case.attrs.pointer("/hyper/picks") {
        trainer.choose(serde_json::from_value(picks.clone()).expect("rows by epoch and set"));
    }
    Run { config, trainer, batches }
}

impl Run {
    fn pictures(&self, batch: usize) -> Vec<u32> {
        let first = (batch * self.config.batch) as u32;
        (first..first + self.config.batch as u32).collect()
    }
}

/// What a method does before the first step of an epoch, and what came of it.
fn begin_epoch(
    case: &Case<'_>,
    run: &mut Run,
    epoch: usize,
    labels: &mut Vec<f64>,
    failures: &mut Vec<String>,
) {
    if run.trainer.wants_survey() {
        for at in 0..run.batches.len() {
            let pictures = run.pictures(at);
            run.trainer
                .survey(Batch { crops: Crops::Made(&run.batches[at]), pictures: &pictures })
                .expect("a look");
        }
        run.trainer.flush().expect("the device answers");
        let found = run.trainer.export().expect("the device answers");
        failures.extend(case.check("bank_start", &wide(&found["bank.embeddings"].data)).err());
        let buffers = case.sibling("buffers_start").expect("running estimates after the first look");
        check_snapshot(&buffers, "", run, failures);
    }
    run.trainer.begin_epoch(epoch as u64, &Pass::default()).expect("labels");
    let found = run.trainer.export().expect("the device answers");
    if let Some(found) = found.get("labels") {
        labels.extend(wide(&found.data));
    }
    for set in 0..run.config.sets().len() {
        let name = format!("centroids_epoch{epoch}_head{set}");
        if case.has(&name) {
            failures.extend(case.check(&name, &wide(&found[&format!("centroids.{set}")].data)).err());
        }
    }
}

fn check_step0(case: &Case<'_>, run: &Run, failures: &mut Vec<String>) {
    let (_, embeddings) = run.trainer.codes_and_embeddings().expect("the device answers");
    if case.has("z") {
        failures.extend(case.check("z", &unpadded(&embeddings, run.config.embedding)).err());
    }
    let grads = case.relative("step0/grad").expect("gradients stand beside the step's values");
    let got = run.trainer.gradients().expect("the device answers");
    for name in grads.expected() {
        failures.extend(grads.check(name, &wide(&got[&own_name(&run.config, name)].data)).err());
    }
}

fn check_snapshot(case: &Case<'_>, prefix: &str, run: &Run, failures: &mut Vec<String>) {
    let got = run.trainer.export().expect("the device answers");
    for name in case.expected() {
        let own = format!("{prefix}{}", own_name(&run.config, name));
        let tensor = got.get(&own).unwrap_or_else(|| panic!("{}: the engine has no {own}", case.label()));
        failures.extend(case.check(name, &wide(&tensor.data)).err());
    }
}

fn check_run(golden: &Golden, case: &Case<'_>, method: Method, family: Family) -> Vec<String> {
    let mut run = open(golden, case, method, family);
    let (mut failures, mut losses) = (Vec::new(), Vec::new());
    let order = case.counts("hyper.batch_order");
    let step0 =
        case.relative("step0").filter(|step0| case.file.contains(&format!("_{}.", step0.text("run"))));
    let mut labels = Vec::new();
    for (t, lr) in case.numbers("hyper.lr").into_iter().enumerate() {
        let at = order[t];
        if t % run.batches.len() == 0 {
            let epoch = t / run.batches.len();
            begin_epoch(case, &mut run, epoch, &mut labels, &mut failures);
        }
        let pictures = run.pictures(at);
        let batch = Batch { crops: Crops::Made(&run.batches[at]), pictures: &pictures };
        run.trainer.step(batch, lr).expect("a step");
        let report = run.trainer.flush().expect("a report").expect("a step was submitted");
        assert_eq!(report.non_finite, 0, "{}: step {t}", case.label());
        losses.push(report.loss);
        if let Some(step0) = step0.as_ref().filter(|_| t == 0) {
            check_step0(step0, &run, &mut failures);
        }
        for (suffix, prefix) in [("", ""), ("_target", "target.")] {
            if let Some(snapshot) = case.sibling(&format!("after{}{suffix}", t + 1)) {
                check_snapshot(&snapshot, prefix, &run, &mut failures);
            }
        }
    }
    for (t, (got, want)) in losses.iter().zip(case.input("loss").1).enumerate() {
        println!("{} {family:?} {t} {got:.7} {want:.7} {:.1e}", case.label(), got - f64::from(want));
    }
    failures.extend(case.check("loss", &losses).err());
    if case.has("assign") {
        failures.extend(case.check("assign", &labels).err());
    }
    failures
}

fn check_runs(name: &str) {
    let golden = Golden::open();
    let (_, method) = METHODS.into_iter().find(|(known, _)| *known == name).expect("a method");
    let mut failures = Vec::new();
    for family in [Family::Subgroup, Family::Tile, Family::Direct] {
        for case in runs(&golden, name) {
            let found = check_run(&golden, &case, method, family);
            failures.extend(found.into_iter().map(|failure| format!("{family:?}: {failure}")));
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn simclr_trains_as_its_fixtures() {
    check_runs("simclr");
}

#[test]
fn moco_trains_as_its_fixtures() {
    check_runs("moco");
}

#[test]
fn byol_trains_as_its_fixtures() {
    check_runs("byol");
}

#[test]
fn deepcluster_trains_as_its_fixtures() {
    check_runs("deepcluster");
}

#[test]
fn supervised_training_is_that_of_its_fixtures() {
    check_runs("supervised");
}
