//! Whatever stops a run, the resumed one is as if it had never stopped.

use std::process::{Child, Command};

use super::{Desk, Ended, arguments, assert_same_run};

/// Eight epochs of five steps, a checkpoint every seven: none but the last at the end of an epoch.
const TRAIN: &str = "train pics --config base.toml --epochs 8 --checkpoint-every 7";

fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}

/// Kills a run in mid-epoch, once it is past a checkpoint, and resumes it.
fn killed(optimizer: &str) {
    let desk = Desk::new();
    let train = format!("{TRAIN} --optimizer {optimizer}");
    desk.run(&format!("{train} --out whole")).expect(0);
    // The checkpoint of step 35 is at the end of an epoch.
    desk.kill_between(&format!("{train} --out cut"), "cut", 16, 35);
    let meta = desk.checkpoint("cut").meta;
    assert!(meta.step >= 14 && meta.batch_in_epoch > 0, "step {}", meta.step);
    assert_eq!(meta.state["position"]["queue_filled"], 16, "the queue is in use");
    let ended = desk.run("train --resume cut").expect(0);
    assert!(ended.err.contains(&format!("40 steps, from step {}", meta.step)), "{ended:#?}");
    assert_same_run(&desk, "whole", "cut", 40);
    let tensors = desk.checkpoint("cut").tensors;
    assert!(tensors.contains_key("queue") && tensors.contains_key("optimizer.momentum.conv1.weight"));
    assert_eq!(tensors.contains_key("optimizer.second.conv1.weight"), optimizer.starts_with("adamw"));
}

#[test]
fn a_killed_run_with_larc_and_a_queue_resumes_to_the_same_bits() {
    killed("larc");
}

#[test]
fn a_killed_run_in_parts_resumes_to_the_same_bits() {
    killed("larc --micro-batch 4");
    killed("larc --micro-batch 2 --augment gpu --recompute");
}

#[test]
fn a_killed_run_with_crops_of_the_device_resumes_to_the_same_bits() {
    killed("larc --augment gpu");
}

#[test]
fn a_killed_run_with_adamw_and_a_queue_resumes_to_the_same_bits() {
    killed("adamw --lr 0.002");
}

#[test]
fn a_run_that_goes_on_is_not_resumed_beside_itself() {
    let desk = Desk::new();
    // More steps than any machine takes before the child is killed.
    let line = format!("{TRAIN} --epochs 9000 --out run").replacen("--epochs 8 ", "", 1);
    let mut child = desk.start_until(&line, "run", 8);
    desk.run("train --resume run").refused(2, &["`resume`", "run is in use", "stop it first"]);
    desk.run("train --resume run --plan").expect(0);
    child.kill().unwrap();
    child.wait().unwrap();
    let goal = desk.checkpoint("run").meta.step + 10;
    desk.run(&format!("train --resume run --steps {goal}")).expect(0);
    assert_eq!(desk.checkpoint("run").meta.step, goal);
}

#[test]
fn a_run_that_diverges_keeps_its_last_good_checkpoint() {
    let desk = Desk::new();
    // Every step multiplies the weights by -999, until they are infinite.
    let wild = "--optimizer sgd --momentum 0 --lr 1000 --weight-decay 1 --warmup 0 --checkpoint-every 2";
    let words = ["diverged at step", "no longer finite", "lower `lr`", "run/checkpoint.safetensors (step "];
    let ended = desk.train(&format!("{wild} --out run")).refused(1, &words);
    let saved = desk.checkpoint("run");
    assert!(ended.err.contains(&format!("(step {})", saved.meta.step)), "{ended:#?}");
    assert!(saved.tensors.values().all(|tensor| tensor.data.iter().all(|value| value.is_finite())));
    let last = desk.metrics("run").last().map(|line| line["step"].as_u64().unwrap()).unwrap();
    assert!(ended.err.contains(&format!("diverged at step {}:", last + 1)), "{ended:#?}");
    assert!((2..=last).contains(&saved.meta.step), "{} of {last}", saved.meta.step);
    assert!(!ended.err.contains("`precision`"), "{ended:#?}");
    desk.train(&format!("{wild} --out half --precision f16")).refused(1, &["diverged", "`precision` f32"]);
}

#[test]
fn ctrl_c_saves_and_the_printed_command_goes_on() {
    let desk = Desk::new();
    desk.run(&format!("{TRAIN} --out whole")).expect(0);
    // No checkpoints on the way: the one that is found must be of the interruption.
    let line = format!("{TRAIN} --checkpoint-every 0 --out cut").replacen("--checkpoint-every 7", "", 1);
    let child = desk.start_until(&line, "cut", 6);
    signal(&child, "INT");
    let ended = Ended::of(&line, &child.wait_with_output().unwrap()).expect(130);
    let step = desk.checkpoint("cut").meta.step;
    assert!((6..40).contains(&step), "{step}");
    let (said, command) = ended.out.trim_end().split_once(" Go on with: ").unwrap();
    let command = arguments(command);
    assert_eq!(said, format!("Stopped at step {step} of 40."));
    assert!(
        ended.err.contains("Stopping after the step under way") && !ended.err.contains("error"),
        "{ended:#?}"
    );
    assert_eq!(desk.summary("cut")["interrupted"], true);
    assert!(!desk.path("cut/gallery").exists(), "whoever stops a run does not want to wait");
    desk.run(command).expect(0);
    assert_same_run(&desk, "whole", "cut", 40);
}

#[test]
fn a_run_that_is_out_of_time_goes_on_from_any_step() {
    let desk = Desk::new();
    desk.train("--out whole").expect(0);
    let ended = desk.train("--out cut --max-time 1ms").expect(0);
    assert!(
        ended.err.contains("The time is up at step 0; `swav-wgpu train --resume cut` goes on."),
        "{ended:#?}"
    );
    assert_eq!(desk.summary("cut")["finished"], false);
    desk.run("train --resume cut --max-time 700ms").expect(0);
    desk.run("train --resume cut --max-time none").expect(0);
    assert_same_run(&desk, "whole", "cut", 20);
    assert_eq!(desk.summary("cut")["finished"], true);
    let ended = desk.run("train --resume cut").expect(0);
    assert!(ended.err.contains("finished already"), "{ended:#?}");
    assert_same_run(&desk, "whole", "cut", 20);
}

#[test]
fn a_run_goes_on_where_its_pictures_were_moved_to() {
    let desk = Desk::new();
    desk.train("--steps 4 --out run").expect(0);
    std::fs::rename(desk.path("pics"), desk.path("moved")).unwrap();
    desk.run("train --resume run --steps 6").refused(1, &["pics", "nothing here"]);
    desk.run("train moved --resume run --steps 6").expect(0);
    assert!(desk.read("run/config.toml").contains("moved"));
    // The folder remembers, and the run is the one that it would have been.
    desk.run("train --resume run --steps 7").expect(0);
}
