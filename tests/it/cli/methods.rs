//! The methods that SwAV is compared with: whole runs, killed ones, and what each refuses.

use super::{Desk, assert_same_run};
use swav_wgpu::config::Method;

/// Forty steps, whatever the method.
const TRAIN: &str = "train pics --config base.toml --epochs 8 --checkpoint-every 2";

/// A run that is killed in mid-epoch and one that is left alone end with the same bits: banks, labels, rings and second
/// networks included.
fn killed(method: Method) {
    let desk = Desk::new();
    let train = format!("{TRAIN} --method {method}");
    let ended = desk.run(&format!("{train} --out whole")).expect(0);
    assert!(ended.out.contains("40 of 40 steps") && ended.out.contains("gallery "), "{ended:#?}");
    desk.kill_between(&format!("{train} --out cut"), "cut", 16, 40);
    assert!(desk.checkpoint("cut").meta.step >= 14);
    desk.run("train --resume cut").expect(0);
    assert_same_run(&desk, "whole", "cut", 40);
    for line in desk.metrics("whole") {
        assert!(line["loss"].as_f64().unwrap().is_finite(), "{line}");
        assert_eq!(line.get("chance").is_none(), method == Method::Byol, "{line}");
    }
    // What was learned serves as any other network.
    desk.run("eval knn whole --data pics").expect(0);
    desk.run("embed whole --data pics --out features.npy").expect(0);
}

#[test]
fn simclr_goes_on_after_a_kill() {
    killed(Method::Simclr);
}

#[test]
fn moco_goes_on_after_a_kill() {
    killed(Method::MocoV2);
}

#[test]
fn byol_goes_on_after_a_kill() {
    killed(Method::Byol);
}

#[test]
fn deepcluster_goes_on_after_a_kill() {
    killed(Method::DeepclusterV2);
}

#[test]
fn sela_goes_on_after_a_kill() {
    killed(Method::SelaV2);
}

#[test]
fn supervised_training_goes_on_after_a_kill() {
    killed(Method::Supervised);
}

#[test]
fn every_method_trains_in_half_precision_and_on_small_crops() {
    let desk = Desk::new();
    for method in Method::ALL {
        let out = format!("{method}-half");
        let line = format!("{TRAIN} --steps 6 --method {method} --precision f16 --recompute --out {out}");
        desk.run(&line).expect(0);
        let lines = desk.metrics(&out);
        assert!(lines.iter().all(|line| line["loss"].as_f64().is_some_and(f64::is_finite)), "{lines:?}");
        assert!(lines[0]["loss_scale"].as_f64().is_some(), "{lines:?}");
    }
}

#[test]
fn what_a_method_cannot_use_is_refused_before_anything_is_written() {
    let desk = Desk::new();
    for index in 0..20 {
        desk.picture(&format!("flat/{index:02}.png"), index);
    }
    let refused = |flags: &str, words: &[&str]| {
        let data = if flags.contains("supervised") { "flat" } else { "pics" };
        desk.run(&format!("train {data} --config base.toml --out run {flags}")).refused(2, words);
        assert!(!desk.path("run").exists(), "{flags}");
    };
    refused("--method supervised", &["`method`", "labels", "folder for each class"]);
    refused("--method simclr --epsilon 0.1", &["`epsilon`", "read by swav and sela-v2", "simclr"]);
    refused("--method swav --predictor 9", &["`predictor`", "read by byol only"]);
    refused("--method moco-v2 --queue 0", &["`method`", "queue"]);
    refused("--method simclr --crops 1x16@0.4-1", &["`crops`", "SimCLR", "2 at least"]);
    refused("--method byol --crops 2x15@0.4-1 --batch 6", &["`method`", "multiple of 8"]);
    refused("--assign 0,2", &["`assign`", "crop 2", "8 pixels"]);
    refused("--method moco-v2 --crops 1x16@0.4-1,2x8@0.2-0.4", &["`crops`", "MoCo v2", "two large crops"]);
    refused("--method deepcluster-v2 --prototypes 41", &["`prototypes`", "40 pictures"]);
    refused("--method deepcluster-v2 --heads 10,41", &["`heads`", "40 pictures"]);
    refused("--method sela-v2 --heads 1", &["`--heads`", "between 2 and"]);
}

#[test]
fn what_is_left_out_is_told() {
    let desk = Desk::new();
    let mut table = "file_name,label\n".to_owned();
    for index in 0..20 {
        desk.picture(&format!("flat/{index:02}.png"), index);
        if index < 17 {
            table += &format!("{index:02}.png,{}\n", ["dark", "light"][index as usize % 2]);
        }
    }
    desk.write("flat/labels.csv", table);
    let flat = "train flat --config base.toml --steps 2 --out";
    let told = desk.run(&format!("{flat} one --method supervised")).expect(0);
    assert!(told.err.contains("3 of 20 pictures have no label and are left out of the loss"), "{told:#?}");
    // Of no interest to those who learn without labels.
    assert!(!desk.run(&format!("{flat} two")).expect(0).err.contains("no label and"));
    let told = desk.train("--steps 2 --queue 21 --out three").expect(0);
    assert!(told.err.contains("The queue has 16 rows, not 21"), "{told:#?}");
    assert!(!desk.train("--steps 2 --out four").expect(0).err.contains("The queue has"));
}

#[test]
fn a_first_look_that_is_stopped_is_made_again() {
    let desk = Desk::new();
    let train = format!("{TRAIN} --method deepcluster-v2");
    desk.run(&format!("{train} --out whole")).expect(0);
    desk.run(&format!("{train} --out cut --max-time 1ms"));
    if desk.path("cut").exists() {
        desk.run("train --resume cut --max-time none").expect(0);
        assert_same_run(&desk, "whole", "cut", 40);
    }
}
