//! The autotune, what it keeps, and who uses it.

use serde_json::Value;
use swav_wgpu::config::{Config, Tuned};
use swav_wgpu::gpu::{Choices, Class, Family, Gpu, Method, Operation};
use swav_wgpu::tune::{Entry, Store};

use super::{Desk, assert_same_run};

const KEPT: &str = "cache/swav-wgpu/tuning.json";

/// Kernels that are not the usual ones, kept as if a tuning had found them.
fn keep(desk: &Desk) -> Choices {
    let gpu = Gpu::open(None, None).unwrap();
    let mut choices = Choices::usual(Family::Direct);
    let four = Method::all(Family::Direct).into_iter().find(|m| m.to_string() == "direct-4x4").unwrap();
    for class in Class::ALL {
        choices.choose(Operation::Forward, class, four);
    }
    let mut store = Store::read(&desk.path(KEPT)).unwrap();
    store.write(Entry::new(gpu.facts(), &choices)).unwrap();
    choices
}

fn tuned(desk: &Desk, run: &str) -> Tuned {
    Config::from_toml(&desk.read(&format!("{run}/config.toml")), run).unwrap().tuned
}

/// The one place where the whole tuning runs: it takes seconds.
#[cfg(target_os = "linux")]
#[test]
fn a_tuning_is_shown_kept_and_used() {
    let desk = Desk::new();
    desk.write(KEPT, "[{");
    let ended = desk.run("tune").expect(0);
    assert!(ended.err.contains("written anew"), "a damaged file is replaced: {ended:#?}");
    for word in ["operation", "usual", "fastest", "gain"] {
        assert!(ended.out.contains(word), "no `{word}` in {ended:#?}");
    }
    for operation in Operation::ALL {
        let lines = ended.out.lines().filter(|line| line.starts_with(&format!("{operation} "))).count();
        assert_eq!(lines, if operation == Operation::BackwardInput { 4 } else { 5 }, "{ended:#?}");
    }
    assert!(ended.err.contains(KEPT), "{ended:#?}");
    let entries: Vec<Entry> = serde_json::from_str(&desk.read(KEPT)).unwrap();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    let found = entry.choices.contains('=');
    let sentence = if found { "all of them: " } else { "nothing beats the usual kernels" };
    assert!(ended.out.contains(sentence), "{sentence}: {ended:#?}");
    let ended = desk.train("--steps 2 --out run").expect(0);
    assert!(ended.err.contains("kernels as tuned"), "{ended:#?}");
    assert_eq!(tuned(&desk, "run"), Tuned::Choices(entry.choices.clone()));
    let ended = desk.run("bench --config C4a --steps 1 --json").expect(0);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let tuned = report["kernels"].as_str().unwrap().ends_with(", tuned");
    assert_eq!(tuned, found, "{report}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_keeps_the_kernels_that_it_began_with() {
    let desk = Desk::new();
    desk.train("--out usual").expect(0);
    assert_eq!(tuned(&desk, "usual"), Tuned::Off);
    // A run that began without tuned kernels goes on without them.
    desk.train("--out later --max-time 1ms").expect(0);
    let choices = keep(&desk);
    desk.run("train --resume later --max-time none").expect(0);
    assert_same_run(&desk, "usual", "later", 20);
    assert_eq!(tuned(&desk, "later"), Tuned::Off);

    // One that began with them keeps them, whatever is kept when it goes on.
    desk.train("--out tuned").expect(0);
    assert_eq!(tuned(&desk, "tuned"), Tuned::Choices(choices.to_string()));
    desk.train("--out half --max-time 1ms").expect(0);
    assert!(desk.checkpoint("half").meta.step < 20);
    std::fs::remove_file(desk.path(KEPT)).unwrap();
    desk.run("train --resume half --max-time none").expect(0);
    assert_same_run(&desk, "tuned", "half", 20);
    let of = |run: &str| desk.checkpoint(run).tensors["conv1.weight"].data.clone();
    assert_ne!(of("usual"), of("tuned"), "other kernels sum in another order");
}

#[cfg(target_os = "linux")]
#[test]
fn flags_win_over_what_is_kept() {
    let desk = Desk::new();
    keep(&desk);
    for (flags, run) in [("--tuned off", "off"), ("--kernels direct", "direct")] {
        let ended = desk.train(&format!("{flags} --steps 1 --out {run}")).expect(0);
        assert!(!ended.err.contains("kernels as tuned"), "{ended:#?}");
        assert_eq!(tuned(&desk, run), Tuned::Off);
    }
    let text = "tile;forward.deep=magic";
    desk.train(&format!("--tuned {text} --out wrong")).refused(2, &["`tuned`", "forward.deep=magic", "tile"]);
    desk.train("--tuned fast --out wrong").refused(2, &["`tuned`", "must be auto, off", "`fast`"]);
    assert!(!desk.path("wrong").exists());
}

/// A file that cannot be read costs a warning, not a run.
#[cfg(target_os = "linux")]
#[test]
fn a_broken_file_of_tunings_is_reported_and_left_aside() {
    let desk = Desk::new();
    desk.write(KEPT, "[{");
    let ended = desk.train("--steps 1 --out run").expect(0);
    for word in ["warning", KEPT, "usual kernels", "swav-wgpu tune"] {
        assert!(ended.err.contains(word), "no `{word}` in {ended:#?}");
    }
    assert_eq!(tuned(&desk, "run"), Tuned::Off);
}

/// Whatever uses a trained network takes them too.
#[cfg(target_os = "linux")]
#[test]
fn a_trained_network_runs_on_what_is_kept() {
    let desk = Desk::new();
    desk.train("--steps 2 --out run").expect(0);
    keep(&desk);
    let told = |line: &str| desk.run(line).expect(0).err.contains("kernels as tuned");
    assert!(told("eval knn run --data pics") && told("embed run --data pics --out features.npy"));
    assert!(!told("eval knn run --data pics --tuned off"));
}
