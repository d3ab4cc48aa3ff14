//! Whole golden training runs of SwAV's neighbours (group 17) through the production engine, in every kernel family.
//!
//! They share net, starting weights and crops with group 08. The manifest says which methods, hyper-parameters, losses
//! and snapshots there are, and how closely single precision can follow them.

use crate::golden::{Case, Golden, Values};
use crate::reference::Rng64;
use crate::runs_golden::{self, batch, groups, unpadded, wide};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_wgpu::config::{Config, Method, RunLength};
use swav_wgpu::gpu::{Family, Gpu};
use swav_wgpu::interop::{HostTensor, ScalarType};
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
            if let Some(tensor) = weights.get_mut(&name).filter(|tensor| tensor.kind == ScalarType::F32) {
                assert_eq!(tensor.shape, shape, "{name}");
                tensor.data.clone_from(&data);
            }
        }
    }
    let start = trainer.position();
    trainer.import(&weights, &start).expect("names and shapes are those of the net");
    trainer.set_length(&RunLength { total: case.count("hyper.steps") as u64, ..RunLength::default() });
    if let Some(picks) = case.attrs.pointer("/hyper/picks") {
        trainer.choose(serde_json::from_value(picks.clone()).expect("rows by epoch and set"));
    }
    Run { config, trainer, batches }
}

impl Run {
    /// Moves each value of the crops by one unit in its last place, up or down.
    fn jitter(&mut self, seed: u64) {
        let mut random = Rng64(seed + 1);
        for value in self.batches.iter_mut().flatten().flatten().filter(|value| **value != 0.0) {
            let up = random.uniform() > 0.5;
            *value = f32::from_bits(if up { value.to_bits() + 1 } else { value.to_bits() - 1 });
        }
    }

    fn pictures(&self, batch: usize) -> Vec<u32> {
        let first = (batch * self.config.batch) as u32;
        (first..first + self.config.batch as u32).collect()
    }
}

/// A value of a run, with the case that says what it should be.
struct Found<'g> {
    case: Case<'g>,
    name: &'g str,
    values: Vec<f64>,
}

/// What a run computed, in an order that does not depend on the numbers.
#[derive(Default)]
struct Record<'g>(Vec<Found<'g>>);

impl<'g> Record<'g> {
    fn add(&mut self, case: &Case<'g>, name: &'g str, values: Vec<f64>) {
        self.0.push(Found { case: *case, name, values });
    }

    /// All that a case expects of the tensors of a checkpoint.
    fn snapshot(&mut self, case: &Case<'g>, prefix: &str, run: &Run) {
        let got = run.trainer.export().expect("the device answers");
        for name in case.expected() {
            let own = format!("{prefix}{}", own_name(&run.config, name));
            let tensor = got.get(&own).unwrap_or_else(|| panic!("{}: the engine has no {own}", case.label()));
            self.add(case, name, wide(&tensor.data));
        }
    }

    /// The values of the first step.
    fn step0(&mut self, case: &Case<'g>, run: &Run) {
        let (_, embeddings) = run.trainer.codes_and_embeddings().expect("the device answers");
        if case.has("z") {
            self.add(case, "z", unpadded(&embeddings, run.config.embedding));
        }
        let grads = case.relative("step0/grad").expect("gradients stand beside the step's values");
        let got = run.trainer.gradients().expect("the device answers");
        for name in grads.expected() {
            self.add(&grads, name, wide(&got[&own_name(&run.config, name)].data));
        }
    }

    /// What a method does before the first step of an epoch, and what comes of it.
    fn begin_epoch(&mut self, case: &Case<'g>, run: &mut Run, epoch: usize, labels: &mut Vec<f64>) {
        if run.trainer.wants_survey() {
            for at in 0..run.batches.len() {
                let pictures = run.pictures(at);
                let batch = Batch { crops: Crops::Made(&run.batches[at]), pictures: &pictures };
                run.trainer.survey(batch).expect("a look");
            }
            run.trainer.flush().expect("the device answers");
            let found = run.trainer.export().expect("the device answers");
            self.add(case, "bank_start", wide(&found["bank.embeddings"].data));
            let buffers = case.sibling("buffers_start").expect("running estimates after the first look");
            self.snapshot(&buffers, "", run);
        }
        run.trainer.begin_epoch(epoch as u64, &Pass::default()).expect("labels");
        let found = run.trainer.export().expect("the device answers");
        if let Some(found) = found.get("labels") {
            labels.extend(wide(&found.data));
        }
        for name in case.expected().filter(|name| name.starts_with(&format!("centroids_epoch{epoch}_"))) {
            let set = name.rsplit_once("head").map_or("0", |(_, set)| set);
            self.add(case, name, wide(&found[&format!("centroids.{set}")].data));
        }
    }

    fn of(golden: &'g Golden, case: &Case<'g>, method: Method, family: Family, jitter: Option<u64>) -> Self {
        let mut run = open(golden, case, method, family);
        if let Some(seed) = jitter {
            run.jitter(seed);
        }
        let (mut record, mut losses, mut labels) = (Self::default(), Vec::new(), Vec::new());
        let order = case.counts("hyper.batch_order");
        let is_own = |step0: &Case<'_>| case.file.contains(&format!("_{}.", step0.text("run")));
        let step0 = case.relative("step0").filter(is_own);
        for (t, lr) in case.numbers("hyper.lr").into_iter().enumerate() {
            if t % run.batches.len() == 0 {
                let epoch = t / run.batches.len();
                record.begin_epoch(case, &mut run, epoch, &mut labels);
            }
            let pictures = run.pictures(order[t]);
            let batch = Batch { crops: Crops::Made(&run.batches[order[t]]), pictures: &pictures };
            run.trainer.step(batch, lr).expect("a step");
            let report = run.trainer.flush().expect("a report").expect("a step was submitted");
            assert_eq!(report.non_finite, 0, "{}: step {t}", case.label());
            losses.push(report.loss);
            if let Some(step0) = step0.as_ref().filter(|_| t == 0) {
                record.step0(step0, &run);
            }
            for (suffix, prefix) in [("", ""), ("_target", "target.")] {
                if let Some(snapshot) = case.sibling(&format!("after{}{suffix}", t + 1)) {
                    record.snapshot(&snapshot, prefix, &run);
                }
            }
        }
        record.add(case, "loss", losses);
        if case.has("assign") {
            record.add(case, "assign", labels);
        }
        record
    }
}

/// Runs whose pixels differ by a rounding, which show where single precision decides.
const JITTERED: u64 = 12;

/// What a run computed against its fixture, first within the manifest's tolerance.
///
/// A run of ReLUs is not a smooth function of its numbers: where a unit's input lies within a rounding of zero, single
/// precision decides whether it passes, and from then on everything is a little different (a loss of 1.47102 in place of
/// 1.47096, after eight losses that are exact to seven digits). Such a run may be off by as much more, element by element,
/// as the runs are from it whose pixels differ by one unit in the last place. Where no decision hangs on a rounding, these
/// do not differ and nothing more is allowed.
fn check_run(golden: &Golden, case: &Case<'_>, method: Method, family: Family) -> Vec<String> {
    let found = Record::of(golden, case, method, family, None);
    if found.0.iter().all(|one| one.case.check(one.name, &one.values).is_ok()) {
        return Vec::new();
    }
    let mut room: Vec<Vec<f64>> = found.0.iter().map(|one| vec![0.0; one.values.len()]).collect();
    for seed in 0..JITTERED {
        let other = Record::of(golden, case, method, family, Some(seed));
        for ((room, one), other) in room.iter_mut().zip(&found.0).zip(&other.0) {
            for ((room, a), b) in room.iter_mut().zip(&one.values).zip(&other.values) {
                *room = room.max((a - b).abs());
            }
        }
    }
    let checked =
        found.0.iter().zip(&room).map(|(one, room)| one.case.check_with(one.name, &one.values, room));
    checked.filter_map(Result::err).collect()
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
