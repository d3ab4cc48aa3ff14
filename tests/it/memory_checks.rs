//! The memory of a run: what is planned is what the driver then allocates, and `recompute` needs less
//! of it for the same bits.

use crate::devices::{devices, shared_devices};
use crate::half_precision::{state, with};
use crate::trainer_checks::{config, pictures, trained};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use swav_wgpu::config::{Config, Method, MicroBatch, Precision, Preset};
use swav_wgpu::gpu::{Family, Gpu};
use swav_wgpu::method::{Known, Trainer};

/// A small trunk of blocks with a shortcut of their own and without, two resolutions, a queue.
fn small(block: &str, batch: usize, recompute: bool) -> Config {
    let mut config = config("larc");
    for (key, value) in [("block", block), ("blocks", "2,1,1,1"), ("queue", "0")] {
        config.set(key, value).expect("the value is allowed");
    }
    Config { batch, recompute, ..config }
}

#[test]
fn recomputing_changes_no_bit() {
    for gpu in shared_devices() {
        // What is recorded does not depend on the family, and the others are slow on a CPU.
        let cpu = gpu.facts().software && gpu.family() != Family::Subgroup;
        for block in if cpu { &["basic"][..] } else { &["basic", "bottleneck"] } {
            for precision in [Precision::F32, Precision::F16] {
                let [want, got] = [false, true].map(|recompute| {
                    let config = Config { precision, ..small(block, 4, recompute) };
                    let trainer = Trainer::new(gpu, &config).expect("the net is small");
                    // So small a batch has large gradients: let no step be skipped.
                    let trainer = with(trainer, |tensors| {
                        state(tensors).into_iter().for_each(|state| state[0] = 64.0);
                    });
                    trained(trainer, &config)
                });
                assert_eq!(got.1, want.1, "{block}, {precision}: loss and gradient norm");
                assert!(got.0.keys().eq(want.0.keys()));
                for (name, tensor) in &want.0 {
                    let bits = |data: &[f32]| data.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&got.0[name].data), bits(&tensor.data), "{block}, {precision}: {name}");
                }
            }
        }
    }
}

#[test]
fn recomputing_takes_less_memory() {
    for gpu in shared_devices() {
        for block in ["basic", "bottleneck"] {
            let open = |recompute| Trainer::new(gpu, &small(block, 64, recompute)).expect("the net is small");
            let [keeps, recomputes] = [false, true].map(open);
            let (kept, again) = (keeps.memory().kept, recomputes.memory().kept);
            assert!(again < kept * 3 / 4, "{block}: {again} bytes in place of {kept}");
            assert!(recomputes.dispatches() > keeps.dispatches(), "{block}: nothing is made again");
        }
    }
}

#[test]
fn half_precision_takes_half_the_memory() {
    for gpu in shared_devices() {
        let open = |precision| {
            let config = Config { precision, ..small("basic", 64, false) };
            Trainer::new(gpu, &config).expect("the net is small").memory().peak()
        };
        let [single, half] = [Precision::F32, Precision::F16].map(open);
        assert!(half * 100 < single * 60, "{half} bytes in place of {single}");
    }
}

/// C4a of the benchmark: a small net with a large batch in two resolutions.
fn c4a() -> Config {
    let mut config = Config::default();
    for (key, value) in [
        ("block", "basic"),
        ("blocks", "1,1,1,1"),
        ("width", "16"),
        ("stem", "cifar"),
        ("batch", "128"),
        ("crops", "2x32@0.1-1,4x20@0.1-1"),
        ("hidden", "128"),
        ("embedding", "64"),
        ("prototypes", "100"),
        ("eval_size", "32"),
    ] {
        config.set(key, value).expect("the value is allowed");
    }
    config
}

/// Bytes that the driver has allocated. Vulkan and DX12 tell.
fn allocated(gpu: &Gpu) -> u64 {
    gpu.driver_memory().expect("this driver tells what it allocates").allocated
}

/// Within 5 % of each other.
#[track_caller]
fn assert_close(planned: u64, allocated: u64, what: &str) {
    let off = planned.abs_diff(allocated) as f64 / allocated as f64;
    assert!(off < 0.05, "{what}: {planned} bytes planned, {allocated} allocated, {:.1} % off", 100.0 * off);
}

#[cfg(not(target_os = "macos"))]
#[test]
fn what_is_planned_is_what_the_driver_allocates() {
    let demo = Config::from_preset(Preset::Demo).expect("presets are valid");
    let recomputing = Config { recompute: true, ..c4a() };
    let half = Config { precision: Precision::F16, ..c4a() };
    let mut cases = vec![
        ("demo", demo),
        ("C4a", c4a()),
        ("C4a, recomputing", recomputing),
        ("C4a, f16", half),
        ("C4a in parts", Config { micro_batch: Some(MicroBatch::Of(32)), ..c4a() }),
    ];
    for &method in Method::ALL {
        let config = Config::from_recipe(Preset::Demo, method).expect("recipes are valid");
        cases.push((method.name(), config));
    }
    // A device of its own: a driver counts what all users of a device take.
    for (gpu, family) in devices().iter().map(|gpu| (gpu, gpu.family())) {
        for (name, config) in &cases {
            let before = allocated(gpu);
            let trainer = Trainer::knowing(gpu, config, &Known::made_up(config)).expect("it fits");
            assert_close(trainer.memory().kept, allocated(gpu), &format!("{name}, {family:?}"));
            drop(trainer);
            gpu.wait().expect("the device answers");
            assert!(allocated(gpu) <= before, "{name}, {family:?}: memory is kept after its run");
        }
    }
}

/// The most that the driver had allocated at any time while `work` ran.
fn most_allocated(gpu: &Arc<Gpu>, work: impl FnOnce()) -> u64 {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = allocated(gpu).max(most);
                std::thread::sleep(Duration::from_micros(50));
            }
            most
        });
        work();
        done.store(true, Ordering::Relaxed);
        watcher.join().expect("the watcher only looks")
    })
}

#[cfg(not(target_os = "macos"))]
#[test]
fn the_planned_peak_is_never_exceeded_and_reached_by_steps() {
    let config = Config::from_preset(Preset::Demo).expect("presets are valid");
    let gpu = &devices()[0];
    let mut trainer = None;
    let opening = most_allocated(gpu, || trainer = Trainer::new(gpu, &config).ok());
    let mut trainer = trainer.expect("it fits");
    let memory = trainer.memory();
    assert!(memory.transfers * 20 > memory.peak(), "5 % would hide the transfers: {memory:?}");
    let training = most_allocated(gpu, || {
        for step in 0..6 {
            trainer.step(&pictures(&config, step), 0.001).expect("a step");
        }
        trainer.flush().expect("a report");
    });
    assert_close(memory.peak(), training, "steps");
    let side = config.eval_size as usize;
    let views = vec![0.5; 150 * side * side * 4];
    let others = most_allocated(gpu, || {
        trainer.features(&views, 150).expect("the device answers");
        let tensors = trainer.export().expect("the device answers");
        trainer.import(&tensors, &trainer.position()).expect("its own tensors");
    });
    for (what, most) in [("set-up", opening), ("evaluation and checkpoints", others)] {
        assert!(most as f64 <= 1.05 * memory.peak() as f64, "{what}: {most} bytes, planned {memory:?}");
    }
}
