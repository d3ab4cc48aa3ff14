//! What must hold of a trainer whatever it learns: how parameters lie in memory changes nothing, names
//! are those of PyTorch, and what does not fit is refused with numbers.

use crate::devices::{devices, shared_devices};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use swav_wgpu::config::{Config, CropGroup, MicroBatch, RunLength};
use swav_wgpu::error::Error;
use swav_wgpu::gpu::{Arena, Gpu, Loss, Plan, Shape, Usage};
use swav_wgpu::interop::{HostTensor, ScalarType};
use swav_wgpu::method::{Batch, Crops, Known, Trainer};
use swav_wgpu::ops::normalize;

const STEPS: u64 = 3;

pub(crate) fn config(optimizer: &str) -> Config {
    let mut config = Config::default();
    for (key, value) in [
        ("block", "basic"),
        ("blocks", "1,1,1,1"),
        ("width", "8"),
        ("stem", "cifar"),
        ("hidden", "24"),
        ("embedding", "12"),
        ("prototypes", "10"),
        ("batch", "4"),
        ("queue", "8"),
        ("assign", "0,1"),
        ("eval_size", "16"),
        ("optimizer", optimizer),
    ] {
        config.set(key, value).expect("the value is allowed");
    }
    let group = |count, size| CropGroup { count, size, scale: [0.1, 1.0] };
    config.crops = vec![group(2, 16), group(1, 8)];
    config
}

/// Pixels that look like noise; the fourth channel is padding.
pub(crate) fn pictures(config: &Config, step: u64) -> Vec<Vec<f32>> {
    let value = |i: usize| if i % 4 == 3 { 0.0 } else { ((i as f32 + step as f32) * 12.9898).sin() };
    let floats = |g: &CropGroup| g.count * config.batch * g.size * g.size * 4;
    config.crops.iter().map(|group| (0..floats(group)).map(value).collect()).collect()
}

/// A few steps, then all that a checkpoint holds, the gradients, and the figures of the last step.
pub(crate) fn trained(mut trainer: Trainer, config: &Config) -> (BTreeMap<String, HostTensor>, [u64; 2]) {
    trainer.set_length(&RunLength { total: STEPS, ..RunLength::default() });
    for step in 0..STEPS {
        trainer.step(&pictures(config, step), 0.1).expect("a step");
    }
    let report = trainer.flush().expect("a report").expect("a step was submitted");
    assert!(report.is_sound());
    let mut tensors = trainer.export().expect("the device answers");
    let gradients = trainer.gradients().expect("the device answers");
    tensors.extend(gradients.into_iter().map(|(name, tensor)| (format!("gradient.{name}"), tensor)));
    (tensors, [report.loss.to_bits(), report.gradient_norm.to_bits()])
}

fn plain(gpu: &Arc<Gpu>, config: &Config) -> Trainer {
    Trainer::new(gpu, config).expect("the net is small")
}

#[test]
fn shards_change_no_bit() {
    for gpu in shared_devices() {
        for (optimizer, precision) in [("larc", "f32"), ("adamw", "f32"), ("larc", "f16")] {
            let mut config = config(optimizer);
            config.set("precision", precision).expect("a precision");
            shards_change_nothing(gpu, &config);
        }
    }
}

fn shards_change_nothing(gpu: &Arc<Gpu>, config: &Config) {
    let what = format!("{}, {:?}, {:?}", gpu.family(), config.optimizer, config.precision);
    let whole = plain(gpu, config);
    let dispatches = whole.dispatches();
    let want = trained(whole, config);
    // The largest filters alone take more than this, so that every case of packing is there.
    let sharded = Trainer::with_shards(gpu, config, &Known::default(), 64 << 10).expect("the net is small");
    assert!(sharded.dispatches() > dispatches, "several shards are updated one by one");
    let mut names: Vec<_> = sharded.wanted_tensors().into_iter().map(|(name, _)| name).collect();
    let got = trained(sharded, config);
    assert_eq!(got.1, want.1, "{what}: loss and gradient norm");
    for (name, tensor) in &want.0 {
        assert!(got.0[name] == *tensor, "{what}: {name} differs");
    }
    // A checkpoint with shards is one without.
    let mut others: Vec<_> = plain(gpu, config).wanted_tensors().into_iter().map(|(name, _)| name).collect();
    names.sort();
    others.sort();
    assert_eq!(names, others);
}

#[test]
fn parts_of_a_step_change_no_bit() {
    for gpu in shared_devices() {
        for (optimizer, precision) in [("larc", "f32"), ("adamw", "f16")] {
            let mut config = config(optimizer);
            config.set("precision", precision).expect("a precision");
            parts_change_nothing(gpu, &config);
        }
    }
}

fn parts_change_nothing(gpu: &Arc<Gpu>, config: &Config) {
    let run = |parts: usize| {
        let mut trainer = plain(gpu, config);
        trainer.submit_in(parts);
        for step in 0..17 {
            trainer.step(&pictures(config, step), 0.1).expect("a step");
        }
        let submissions = trainer.estimate().submissions;
        (submissions, trained(trainer, config))
    };
    let (one, want) = run(1);
    assert_eq!(one, 1);
    for parts in [2, 7, usize::MAX] {
        let (submissions, got) = run(parts);
        assert!(submissions == parts || submissions >= plain(gpu, config).dispatches(), "{submissions}");
        let Config { optimizer, precision, .. } = config;
        assert!(got == want, "{}, {optimizer:?}, {precision:?}: {submissions} submissions", gpu.family());
    }
}

#[test]
fn short_submissions_cut_a_step() {
    let (config, gpu) = (config("larc"), &devices()[0]);
    let submissions = |limit| plain(&gpu.with_submission(limit), &config).estimate().submissions;
    assert_eq!(submissions(Duration::from_secs(3600)), 1);
    assert!(submissions(Duration::ZERO) >= plain(gpu, &config).dispatches());
    // Which time cuts this net somewhere in between depends on how fast the adapter is taken to be.
    let most = submissions(Duration::ZERO);
    let between = (0..30).map(|power| submissions(Duration::from_nanos(1 << power)));
    assert!(between.into_iter().any(|some| some > 1 && some < most));
}

#[test]
fn work_that_a_driver_leaves_out_in_silence_is_found_out() {
    let (config, gpu) = (config("larc"), &devices()[0]);
    for parts in [1, 3] {
        let mut trainer = plain(gpu, &config);
        trainer.submit_in(parts);
        for step in 0..2 {
            trainer.step(&pictures(&config, step), 0.1).expect("a step");
        }
        assert!(trainer.flush().expect("nothing is missing yet").is_some());
        trainer.lose_part_of_step(Loss::Last);
        trainer.step(&pictures(&config, 2), 0.1).expect("what is missing shows when it is read");
        let lost = |error: Error| matches!(&error, Error::DeviceLost(_));
        assert!(trainer.flush().err().is_some_and(lost), "{parts}");
        // Nor does anything wrong get into a checkpoint.
        assert!(trainer.export().err().is_some_and(lost), "{parts}");
        assert!(trainer.prototypes().err().is_some_and(lost), "{parts}");
    }
}

#[test]
fn measured_time_takes_the_place_of_the_estimate() {
    for micro_batch in [None, Some(MicroBatch::Of(2))] {
        let config = Config { micro_batch, ..config("larc") };
        let mut trainer = plain(&shared_devices()[0], &config);
        let estimated = trainer.estimate().seconds;
        for step in 0..3 {
            trainer.step(&pictures(&config, step), 0.1).expect("a step");
        }
        trainer.flush().expect("a report");
        let measured = trainer.estimate().seconds;
        assert!(measured > 0.0 && measured.to_bits() != estimated.to_bits(), "{micro_batch:?}: {estimated}");
    }
}

/// Otherwise the parts of all later steps would be far too long.
#[test]
fn a_step_that_was_waited_for_counts_for_no_time() {
    let (config, gpu) = (config("larc"), &shared_devices()[0]);
    let mut trainer = plain(gpu, &config);
    for step in 0..3 {
        trainer.step(&pictures(&config, step), 0.1).expect("a step");
    }
    let measured = trainer.estimate().seconds;
    if !gpu.facts().timestamps {
        return;
    }
    trainer.profile_step(&pictures(&config, 3), 0.1).expect("time stamps");
    trainer.flush().expect("a report");
    assert!(trainer.estimate().seconds > 0.1 * measured, "{measured} s before");
}

/// A report is read once a step, so all of its parts may come after one that is missing.
#[test]
fn the_first_of_a_great_many_parts_is_missed_too() {
    let (config, gpu) = (config("larc"), &shared_devices()[0]);
    let mut trainer = plain(gpu, &config);
    trainer.submit_in(usize::MAX);
    trainer.step(&pictures(&config, 0), 0.1).expect("a step");
    assert!(trainer.flush().expect("nothing is missing yet").is_some());
    assert!(trainer.estimate().submissions > 256, "the journal has as many entries");
    trainer.lose_part_of_step(Loss::First);
    trainer.step(&pictures(&config, 1), 0.1).expect("what is missing shows when it is read");
    assert!(matches!(trainer.flush(), Err(Error::DeviceLost(_))));
}

#[test]
fn batch_norms_count_as_in_pytorch() {
    let config = config("larc");
    let gpu = &devices()[0];
    let (tensors, _) = trained(plain(gpu, &config), &config);
    let counters: BTreeMap<&str, &HostTensor> = tensors
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_suffix(".num_batches_tracked")?, tensor)))
        .collect();
    let norms: Vec<&str> = tensors.keys().filter_map(|name| name.strip_suffix(".running_var")).collect();
    assert_eq!(counters.keys().copied().collect::<Vec<_>>(), norms);
    let resolutions = config.crops.len() as u64;
    for (norm, passes) in [("bn1", resolutions), ("layer4.0.bn2", resolutions), ("projection_head.1", 1)] {
        assert_eq!(*counters[norm], HostTensor::counter(STEPS * passes), "{norm}");
    }

    // A file without them is as good, and going on from either counts on.
    let mut trainer = plain(gpu, &config);
    let position = swav_wgpu::method::Position { step: STEPS, ..trainer.position() };
    let without = tensors.clone().into_iter().filter(|(_, tensor)| tensor.kind == ScalarType::F32).collect();
    trainer.import(&without, &position).expect("counters may be missing");
    trainer.step(&pictures(&config, 0), 0.1).expect("a step");
    let later = trainer.export().expect("the device answers");
    assert_eq!(later["bn1.num_batches_tracked"], HostTensor::counter((STEPS + 1) * resolutions));
    assert!(!trainer.wanted_tensors().iter().any(|(name, _)| name.ends_with("num_batches_tracked")));
}

#[test]
fn one_parameter_is_read_alone() {
    let config = config("larc");
    let trainer = plain(&devices()[0], &config);
    let prototypes = trainer.prototypes().expect("the device answers").expect("SwAV has some");
    let all = trainer.export().expect("the device answers");
    assert_eq!((prototypes.rows, prototypes.dim), (config.prototypes, config.embedding));
    assert_eq!(prototypes.data, all["prototypes.weight"].data);
}

#[test]
fn a_tensor_over_the_binding_limit_is_refused_with_numbers() {
    let gpu = &devices()[0];
    let limit = gpu.facts().max_binding_bytes;
    let arena = Arc::new(Arena::default());
    let mut plan = Plan::new(gpu, &arena);
    let rows = (limit / 4096 + 1) as u32;
    let x = arena.lease(Shape::matrix(rows, 1024), Usage::Storage, "x"); // nothing is allocated
    plan.scope("head");
    let error = normalize::forward(&mut plan, &x).expect_err("it does not fit");
    let message = error.to_string();
    assert!(matches!(error, Error::Limit { .. }), "{message}");
    for part in [
        format!("a tensor of {rows} × 1024 values in head/forward"),
        format!("needs {} MiB", (u64::from(rows) * 4096).div_ceil(1 << 20)),
        format!("only {} MiB (this adapter's largest binding)", limit >> 20),
        "lower --batch".to_owned(),
    ] {
        assert!(message.contains(&part), "{message} does not say `{part}`");
    }
}

#[test]
fn a_recorded_use_keeps_no_bytes() {
    let gpu = &devices()[0];
    let arena = Arc::new(Arena::default());
    let mut plan = Plan::new(gpu, &arena);
    let shape = Shape::matrix(1000, 4);
    for _ in 0..10 {
        let tensor = plan.lease(shape);
        plan.clear(&tensor);
    }
    assert_eq!(arena.bytes(), shape.bytes());
}

/// A step on what was left of the one before would train, and nobody would see it.
#[test]
fn crops_of_another_network_are_refused() {
    let config = config("larc");
    let mut trainer = Trainer::new(&devices()[0], &config).expect("the net is small");
    let right = pictures(&config, 0);
    let mut short = right.clone();
    short[0].pop();
    for wrong in [Vec::new(), right[1..].to_vec(), short] {
        let error = trainer.step(&wrong, 0.1).expect_err("these are not its crops").to_string();
        assert!(error.contains("crops") && error.contains("values"), "{error}");
        assert_eq!(trainer.steps_done(), 0);
    }
    let packed = Crops::Packed { parts: Vec::new(), made: Vec::new() };
    let packed = Batch { crops: packed, pictures: &[] };
    let error = trainer.step(packed, 0.1).expect_err("the processor makes them").to_string();
    assert!(error.contains("augment"), "{error}");
    trainer.step(&right, 0.1).expect("a step");
}
