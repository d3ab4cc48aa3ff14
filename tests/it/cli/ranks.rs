//! Runs of several processes, started by `mpirun`: what one process computes in as many parts, and that all end together.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Desk, Ended, assert_same_run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_swav-wgpu");
const TRAIN: &str = "train pics --config base.toml";

impl Desk {
    /// `mpirun` with the words of `line`; `PROGRAM` in it is ours.
    fn mpirun(&self, line: &str) -> Command {
        let mut command = self.prepared("mpirun");
        // Test machines are often containers: few cores, one user.
        command.arg("--oversubscribe");
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.args(line.split_whitespace().map(|word| if word == "PROGRAM" { PROGRAM } else { word }));
        command
    }

    fn ranks(&self, count: usize, line: &str) -> Ended {
        Ended::of(line, &self.mpirun(&format!("-n {count} PROGRAM {line}")).output().unwrap())
    }
}

#[test]
fn processes_train_as_parts_do() {
    let desk = Desk::new();
    for (name, flags) in [("swav", ""), ("gpu", "--augment gpu"), ("deep", "--method deepcluster-v2")] {
        // The queue is SwAV's own.
        if name == "deep" {
            let base = desk.read("base.toml");
            let shared =
                base.lines().filter(|line| !line.starts_with("queue")).collect::<Vec<_>>().join("\n");
            desk.write("base.toml", shared);
        }
        desk.run(&format!("{TRAIN} {flags} --micro-batch 4 --out {name}-parts")).expect(0);
        let ended = desk.ranks(2, &format!("{TRAIN} {flags} --out {name}-ranks")).expect(0);
        assert_eq!(ended.err.matches("files in").count(), 1, "one rank speaks: {ended:#?}");
        assert_same_run(&desk, &format!("{name}-parts"), &format!("{name}-ranks"), 20);
    }
}

/// Batch norms that see the pictures of all processes are those of one process that sees the whole batch.
#[test]
fn processes_share_statistics() {
    let desk = Desk::new();
    desk.run(&format!("{TRAIN} --out whole")).expect(0);
    let ended = desk.ranks(2, &format!("{TRAIN} --sync-bn all --out together")).expect(0);
    assert!(ended.err.contains("2 ranks: each sends"), "{ended:#?}");
    desk.ranks(2, &format!("{TRAIN} --out apart")).expect(0);
    let first_loss = |run: &str| -> f64 {
        let metrics = desk.read(&format!("{run}/metrics.jsonl"));
        let first: serde_json::Value = serde_json::from_str(metrics.lines().next().unwrap()).unwrap();
        first["loss"].as_f64().unwrap()
    };
    let whole = first_loss("whole");
    // The first loss has sums of single precision behind it, of a few hundred numbers each; other statistics are no rounding.
    let off = |run: &str| (first_loss(run) - whole).abs();
    assert!(off("together") < 2e-5, "{}", off("together"));
    assert!(off("apart") > 1e-4, "{}", off("apart"));
    // Groups of ranks that are gone do not keep one device from going on.
    desk.run("train --resume together --steps 24").expect(0);
    assert_eq!(desk.checkpoint("together").meta.step, 24);
}

#[test]
fn a_killed_process_ends_all_and_the_run_goes_on_with_any_number() {
    let desk = Desk::new();
    desk.run(&format!("{TRAIN} --micro-batch 4 --epochs 8 --out whole")).expect(0);
    let line = format!("-n 2 PROGRAM {TRAIN} --micro-batch 4 --epochs 8 --out cut");
    let mut child = desk.mpirun(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while std::fs::read_to_string(desk.path("cut/metrics.jsonl")).unwrap_or_default().lines().count() < 12 {
        assert!(start.elapsed() < Duration::from_secs(120), "no steps in two minutes");
        std::thread::sleep(Duration::from_millis(4));
    }
    let second = Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
    let second = String::from_utf8(second.stdout).unwrap().lines().last().unwrap().to_owned();
    assert!(Command::new("kill").args(["-9", &second]).status().unwrap().success());
    let killed = Instant::now();
    assert!(!child.wait().unwrap().success());
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
    assert!(desk.checkpoint("cut").meta.step >= 8);
    // By as many ranks as parts, then by one process.
    desk.ranks(2, "train --resume cut --max-time 1ms").expect(0);
    desk.run("train --resume cut --max-time none").expect(0);
    assert_same_run(&desk, "whole", "cut", 40);
    // Four ranks have other parts, and so other batch norms, and go on all the same.
    desk.ranks(4, "train --resume cut --steps 44").expect(0);
    assert_eq!(desk.checkpoint("cut").meta.step, 44);
    // And one whose memory holds less takes smaller parts.
    let ended = desk.run("train --resume cut --steps 48 --micro-batch 2").expect(0);
    assert!(
        ended.err.contains("`micro_batch` is 2, and was 4: batch norms see other pictures"),
        "{ended:#?}"
    );
    assert_eq!(desk.checkpoint("cut").meta.step, 48);
}

#[test]
fn what_ranks_cannot_do_together_is_said_once() {
    let desk = Desk::new();
    let refused = |line: &str, code: i32, words: &[&str]| {
        Ended::of(line, &desk.mpirun(line).output().unwrap()).refused(code, words);
        assert!(!desk.path("run").exists(), "{line} left something behind");
    };
    let out = format!("{TRAIN} --out run");
    refused(&format!("-n 2 PROGRAM {out} --batch 9"), 2, &["`batch`", "use a multiple of 2 such as 10"]);
    refused(&format!("-n 5 PROGRAM {out}"), 2, &["`batch`", "too few for 5 ranks"]);
    refused(&format!("-n 4 PROGRAM {out} --sync-bn 3"), 2, &["`sync_bn`", "does not divide the 4 ranks"]);
    refused("-n 2 PROGRAM train nowhere", 1, &["nowhere"]);
    refused(&format!("-n 2 PROGRAM {out} --plan"), 2, &["`plan`", "without mpirun"]);
    refused(&format!("-n 2 PROGRAM {out} --for 5m"), 2, &["`for`", "--max-time"]);
    let alike = format!("-n 1 PROGRAM {out} : -n 1 PROGRAM {out} --seed 7");
    refused(&alike, 1, &["rank 1", "--seed 7", "start all of them alike"]);
    let blind = format!("-n 1 PROGRAM {out} : -n 1 -x VK_ICD_FILENAMES=/nowhere PROGRAM {out}");
    refused(&blind, 1, &["rank 1 of 2", "no graphics adapter"]);
}

/// A limit on the size of files stands in for a full disk.
#[test]
fn a_full_disk_ends_all_and_costs_no_checkpoint() {
    let desk = Desk::new();
    desk.ranks(2, &format!("{TRAIN} --steps 8 --out run")).expect(0);
    let before = std::fs::read(desk.path("run/checkpoint.safetensors")).unwrap();
    // Memory that ranks share would be a file, which the limit is for too: they meet by the network.
    let script = format!("trap '' XFSZ; ulimit -f 64; exec {PROGRAM} train --resume run --steps 12");
    desk.write("limited.sh", script);
    let line = "--mca btl self,tcp -n 2 sh limited.sh";
    let ended = Ended::of(line, &desk.mpirun(line).output().unwrap());
    ended.refused(1, &["File too large", "make room", "--resume"]);
    assert!(std::fs::read(desk.path("run/checkpoint.safetensors")).unwrap() == before);
}
