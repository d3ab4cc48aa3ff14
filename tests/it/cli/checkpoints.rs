//! Run folders and checkpoints that cannot be used, and a disk that is full.

use std::collections::BTreeMap;

use swav_wgpu::interop::safetensors;

use super::Desk;

const NEWEST: &str = "run/checkpoint.safetensors";
const PREVIOUS: &str = "run/checkpoint.previous.safetensors";

/// A desk with a short run in `run`: checkpoints of steps 4 and 6.
fn with_run() -> Desk {
    let desk = Desk::new();
    desk.train("--steps 6 --out run").expect(0);
    desk
}

fn cut(desk: &Desk, name: &str, length: usize) {
    let bytes = std::fs::read(desk.path(name)).unwrap();
    desk.write(name, &bytes[..length.min(bytes.len() - 1)]);
}

#[test]
fn folders_that_are_no_runs_cannot_be_resumed() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.run("train --resume gone").refused(2, &["`resume`", "no folder gone"]);
    desk.run("train --resume empty").refused(2, &["`resume`", "empty is not a run folder"]);
    desk.run("train --resume pics").refused(2, &["`resume`", "pics is not a run folder"]);
    desk.run("train --resume base.toml").refused(2, &["base.toml is a file", "name the run folder"]);
    desk.write("young/config.toml", super::BASE);
    desk.run("train --resume young")
        .refused(1, &["young", "holds no checkpoint", "--config young/config.toml"]);
    assert_eq!(desk.names("empty"), Vec::<String>::new());
}

#[test]
fn an_existing_folder_is_never_written_over() {
    let desk = with_run();
    let before = desk.read("run/metrics.jsonl");
    desk.train("--out run").refused(2, &["`out`", "holds a run already", "--resume run", "--out"]);
    desk.train("--out pics").refused(2, &["`out`", "pics is not empty", "--out"]);
    desk.train("--out base.toml").refused(2, &["`out`", "base.toml is a file", "--out"]);
    desk.run("train --resume run --lr 0.3").refused(2, &["`lr`", "--resume", "--max-time"]);
    assert_eq!(desk.read("run/metrics.jsonl"), before);
    // An empty folder is as good as a new one.
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.train("--steps 1 --out empty").expect(0);
}

#[test]
fn a_damaged_checkpoint_falls_back_to_the_one_before() {
    let desk = with_run();
    cut(&desk, NEWEST, 5000);
    let ended = desk.run("train --resume run").expect(0);
    assert!(
        ended.err.contains("cut short") && ended.err.contains("going on from the one before it (step 4)")
    );
    assert_eq!((desk.checkpoint("run").meta.step, desk.metrics("run").len()), (6, 6));

    for name in [NEWEST, PREVIOUS] {
        cut(&desk, name, usize::MAX);
    }
    let kept = [NEWEST, PREVIOUS].map(|name| std::fs::read(desk.path(name)).unwrap());
    desk.run("train --resume run").refused(1, &[NEWEST, "cut short", "start it again with", "--out"]);
    assert_eq!([NEWEST, PREVIOUS].map(|name| std::fs::read(desk.path(name)).unwrap()), kept);
}

#[test]
fn foreign_checkpoints_are_named_for_what_they_are() {
    let desk = with_run();
    std::fs::remove_file(desk.path(PREVIOUS)).unwrap();
    let ours = std::fs::read(desk.path(NEWEST)).unwrap();

    let weights = desk.checkpoint("run").tensors;
    safetensors::write(&desk.path(NEWEST), &weights, &BTreeMap::new()).unwrap();
    desk.run("train --resume run").refused(1, &[NEWEST, "not a checkpoint of this program"]);

    desk.write(NEWEST, "a letter that is longer than eight bytes");
    desk.run("train --resume run").refused(1, &[NEWEST, "not a safetensors file"]);

    desk.train("--steps 1 --prototypes 12 --out other").expect(0);
    std::fs::copy(desk.path("other/checkpoint.safetensors"), desk.path(NEWEST)).unwrap();
    let words = ["of another model", "prototypes.weight", "[12, 8]", "[10, 8]", "put back"];
    desk.run("train --resume run").refused(1, &words);

    desk.write(NEWEST, ours);
    desk.run("train --resume run").expect(0);
}

/// What a run computes is fixed by its checkpoint, whoever edits its settings; where it lies is not.
#[test]
fn edited_settings_are_refused_and_lost_ones_come_from_the_checkpoint() {
    let desk = with_run();
    let config = desk.read("run/config.toml");
    let edited = config.replace("\nlr = 0.1\n", "\nlr = 0.2\n");
    assert_ne!(edited, config);
    desk.write("run/config.toml", edited);
    desk.run("train --resume run").refused(2, &["`lr`", "0.2", "put 0.1 back", "start a new run"]);
    std::fs::remove_file(desk.path("run/config.toml")).unwrap();
    std::fs::rename(desk.path("run"), desk.path("moved")).unwrap();
    desk.run("train --resume moved --steps 8").expect(0);
    assert_eq!(desk.checkpoint("moved").meta.step, 8);
    assert!(desk.read("moved/config.toml").contains("\nlr = 0.1\n"));
}

/// A limit on the size of files stands in for a full disk: writing fails in the middle.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_no_checkpoint() {
    let desk = with_run();
    let files = || [NEWEST, PREVIOUS].map(|name| std::fs::read(desk.path(name)).unwrap());
    let before = files();
    let ended = desk.limited("trap '' XFSZ; ulimit -f 64", "train --resume run --steps 12");
    ended.refused(1, &[NEWEST, "File too large", "make room", "--resume"]);
    assert!(files() == before, "a checkpoint changed");
    assert!(!desk.names("run").iter().any(|name| name.ends_with(".tmp")), "{:?}", desk.names("run"));
    desk.run("train --resume run --steps 12").expect(0);
    let steps: Vec<_> = desk.metrics("run").iter().map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, (1..=12).collect::<Vec<_>>());
}
