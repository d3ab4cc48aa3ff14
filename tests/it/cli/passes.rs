//! Passes outside the steps: Ctrl-C is heard in each, and a run that was stopped in one goes on as if it never was.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use swav_wgpu::config::{Config, Method, Preset};
use swav_wgpu::error::Error;
use swav_wgpu::train::{Event, Flow, TrainOptions, train};

use super::{Desk, Ended, assert_same_run};

/// Two epochs that are both judged, and pictures that are measured first.
const TRAIN: &str = "train pics --config base.toml --epochs 2 --eval-every 1 --normalize dataset";

/// The settings of [`TRAIN`], with a run folder in the desk.
fn settings(desk: &Desk, out: &str) -> Config {
    let text = format!("{}\nnormalize = \"dataset\"\n", desk.read("base.toml"));
    let mut config = Config::from_toml(&text, "base.toml").unwrap();
    for (key, value) in [("epochs", "2"), ("eval_every", "1")] {
        config.set(key, value).unwrap();
    }
    config.data = Some(desk.path("pics"));
    config.out = Some(desk.path(out));
    config
}

/// Trains and stops at the beginning of pass number `at`; gives the names of the passes and whether the run was
/// stopped before there was anything to keep.
fn stopped_at(desk: &Desk, out: &str, at: usize) -> (Vec<&'static str>, bool) {
    let mut begun = Vec::new();
    let mut on_event = |event: Event| {
        if let Event::Pass(progress) = event
            && progress.done == 0
            && begun.last() != Some(&progress.doing)
        {
            begun.push(progress.doing);
        }
        if begun.len() > at { Flow::Stop } else { Flow::Continue }
    };
    let options = TrainOptions { config: settings(desk, out), resume: None, profile: false, within: None };
    let nothing = match train(options, &mut on_event) {
        Ok(_) => false,
        Err(Error::Stopped) => true,
        Err(error) => panic!("{error}"),
    };
    (begun, nothing)
}

#[test]
fn a_run_stopped_in_any_pass_leaves_nothing_or_goes_on_to_the_same_bits() {
    let desk = Desk::new();
    let (passes, _) = stopped_at(&desk, "whole", usize::MAX);
    for wanted in [
        "listing the pictures",
        "measuring the pictures",
        "preparing the device",
        "looking at pictures",
        "reading raw pixels",
        "asking nearest neighbours",
        "drawing the gallery",
    ] {
        assert!(passes.contains(&wanted), "{wanted}: {passes:?}");
    }
    let ready = passes.iter().position(|&doing| doing == "reading raw pixels").unwrap();
    for at in 0..passes.len() {
        let out = format!("cut{at}");
        let (_, nothing) = stopped_at(&desk, &out, at);
        let place = format!("stopped in pass {at} of {passes:?}");
        assert_eq!(nothing, at < ready, "{place}");
        if nothing {
            assert!(!desk.path(&out).exists(), "{place}");
            continue;
        }
        assert_eq!(desk.summary(&out)["interrupted"], true, "{place}");
        desk.run(&format!("train --resume {out}")).expect(0);
        assert_same_run(&desk, "whole", &out, 10);
        assert!(desk.path(&format!("{out}/gallery/index.html")).exists(), "{place}");
    }
}

/// `slow` with so many names of two large pictures that no command is done before it is stopped, in two classes on two
/// sides, and a network in `run`.
fn slow_desk() -> Desk {
    let desk = Desk::new();
    desk.train("--steps 1 --out run").expect(0);
    for (class, level) in [("dark", 20), ("light", 200)] {
        let large = RgbImage::from_fn(3000, 3000, |x, y| Rgb([(x ^ y) as u8 / 2 + level / 4, level, level]));
        let first = desk.path(&format!("slow/train/{class}/000.png"));
        std::fs::create_dir_all(first.parent().unwrap()).unwrap();
        large.save(&first).unwrap();
        for side in ["train", "test"] {
            let folder = desk.path(&format!("slow/{side}/{class}"));
            std::fs::create_dir_all(&folder).unwrap();
            for index in 1..400 {
                std::fs::hard_link(&first, folder.join(format!("{index:03}.png"))).unwrap();
            }
        }
    }
    desk
}

/// Whether the process would hear Ctrl-C, as Linux tells of every process.
fn hears(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(caught.trim(), 16).unwrap_or(0) & 0b10 != 0
}

/// How long whoever presses Ctrl-C waits at the most, where there is nothing to keep.
const HEARD: Duration = Duration::from_secs(2);

/// Runs a command that would take minutes, and presses Ctrl-C while it looks at pictures: it is heard soon.
fn interrupted(desk: &Desk, line: &str) -> Ended {
    let mut command: Command = desk.command(line);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !hears(&child) {
        assert!(child.try_wait().unwrap().is_none(), "{line}: ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    press(child, line)
}

/// Presses Ctrl-C a little later, wherever the program is by then.
fn press(mut child: Child, line: &str) -> Ended {
    std::thread::sleep(Duration::from_millis(700));
    assert!(child.try_wait().unwrap().is_none(), "{line}: done before it was stopped");
    let kill = format!("kill -INT {}", child.id());
    let pressed = Instant::now();
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{line}");
    let output = child.wait_with_output().unwrap();
    assert!(pressed.elapsed() < HEARD, "{line}: {:?}", pressed.elapsed());
    Ended::of(line, &output)
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_every_command_that_looks_at_pictures_and_leaves_nothing() {
    let desk = slow_desk();
    let before = desk.names("");
    for line in [
        "data slow",
        "duplicates slow --html pairs.html",
        "duplicates slow --model run",
        "embed run --data slow --out features.npy",
        "eval knn run --data slow --confusion classes.html",
        "eval linear run --data slow",
        "eval clusters run --data slow",
        "search run pics/dark/00.png --data slow",
        "sort run slow --into sorted",
        "report run --data slow --out page.html",
        "train slow --config base.toml --normalize dataset --out new",
    ] {
        let ended = interrupted(&desk, line).expect(130);
        assert!(ended.err.contains("Stopping") && !ended.err.contains("error"), "{ended:#?}");
        assert_eq!(ended.out, "", "{line}");
        assert_eq!(desk.names(""), before, "{line}");
    }
    let short = desk.run("train slow --config base.toml --normalize dataset --out new --max-time 1s");
    short.refused(2, &["`max_time`", "before the first step"]);
    assert_eq!(desk.names(""), before);
}

/// There is a run folder by then: it is left as a run that goes on.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_in_the_looks_before_the_first_step_is_heard_as_soon() {
    let desk = slow_desk();
    let line = "train slow --config base.toml --out new";
    let mut command: Command = desk.command(line);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !desk.path("new/config.toml").exists() {
        assert!(child.try_wait().unwrap().is_none(), "{line}: ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = press(child, line).expect(130);
    assert!(ended.err.contains("Stopping after the step under way, with a checkpoint."), "{ended:#?}");
    assert!(ended.out.contains("Stopped at step 0 of ") && !ended.err.contains("error"), "{ended:#?}");
    assert_eq!(desk.checkpoint("new").meta.step, 0);
}

/// Kernels that are compiled and timed hear nothing: the process ends after its patience.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_a_tuning_that_keeps_nothing() {
    let desk = Desk::new();
    // Several times: a driver whose libraries clean up under its hands crashes in one of five.
    for _ in 0..4 {
        let ended = interrupted(&desk, "tune").expect(130);
        assert!(ended.err.contains("Stopping.") && !ended.err.contains("error"), "{ended:#?}");
        assert_eq!(ended.out, "");
        assert!(!desk.path("cache/swav-wgpu").exists());
    }
}

/// A method that groups the pictures before an epoch says how far it is, by a total that it comes to.
#[test]
fn grouping_the_pictures_before_an_epoch_has_a_total() {
    let desk = Desk::new();
    for method in [Method::DeepclusterV2, Method::SelaV2] {
        let mut config = Config::from_recipe(Preset::Photos, method).unwrap();
        config.merge_toml(&desk.read("base.toml"), "base.toml").unwrap();
        (config.epochs, config.warmup) = (2, 0.0);
        (config.data, config.out) = (Some(desk.path("pics")), Some(desk.path(method.name())));
        let mut told = Vec::new();
        let mut on_event = |event: Event| {
            if let Event::Pass(progress) = event
                && progress.doing == "clustering the pictures"
            {
                told.push((progress.done, progress.total));
            }
            Flow::Continue
        };
        let options = TrainOptions { config, resume: None, profile: false, within: None };
        train(options, &mut on_event).unwrap();
        let (done, total) = *told.last().unwrap();
        assert!(done == total && total > 0, "{method}: {told:?}");
    }
}

#[test]
fn a_large_set_is_judged_by_a_sample_and_says_so() {
    let desk = Desk::new();
    let ended = desk.run(&format!("{TRAIN} --eval-pictures 5 --out some")).expect(0);
    assert!(ended.err.contains("Evaluation looks at a sample") && ended.err.contains("5 of "), "{ended:#?}");
    let ended = desk.run(&format!("{TRAIN} --eval-pictures 0 --out all")).expect(0);
    assert!(!ended.err.contains("sample"), "{ended:#?}");
    // What is judged changes nothing of what is learned.
    let [some, all] = ["some", "all"].map(|run| desk.checkpoint(run).tensors);
    assert!(some.iter().all(|(name, tensor)| tensor.data == all[name].data));
}
