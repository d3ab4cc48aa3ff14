//! Methods beside each other: whole comparisons, killed and stopped ones, and what is refused.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use serde_json::Value;

use super::run_folder::documented;
use super::{Desk, Ended};

const COMPARE: &str =
    "compare pics --config base.toml --methods swav,simclr --crops without --seeds 2 --checkpoint-every 2";

fn json(desk: &Desk, folder: &str) -> Value {
    serde_json::from_str(&desk.read(&format!("{folder}/comparison.json"))).unwrap()
}

/// `comparison.json` without what depends on the clock.
fn timeless(desk: &Desk, folder: &str) -> Value {
    let mut all = json(desk, folder);
    for arm in all["arms"].as_array_mut().unwrap() {
        for key in ["images_per_s", "seconds"] {
            assert!(arm["summary"][key].take().is_number(), "{arm:#}");
        }
    }
    all
}

#[test]
fn a_killed_comparison_goes_on_to_the_same_figures() {
    let desk = Desk::new();
    let ended = desk.run(&format!("{COMPARE} --out whole")).expect(0);
    let line = format!("{COMPARE} --out cut");
    let mut child = desk.start_until(&line, "cut/simclr-without-31", 6);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert_eq!(json(&desk, "cut")["complete"], false);
    // As a version wrote it that did not have a setting yet, so that the runs have what was usual then.
    let mut plan: Value = serde_json::from_str(&desk.read("cut/plan.json")).unwrap();
    for arm in plan["arms"].as_array_mut().unwrap() {
        assert!(arm["settings"].as_object_mut().unwrap().remove("eval_grid").is_some(), "{arm:#}");
    }
    desk.write("cut/plan.json", plan.to_string());
    desk.run(&format!("{line} --eval-grid 2")).refused(2, &["`out`", "was begun with `eval_grid` 1, not 2"]);
    let gone_on = desk.run(&line).expect(0).err;
    assert!(gone_on.contains("arm 1 of 4: swav, without small crops, seed 31: done already"), "{gone_on}");
    assert!(
        gone_on.contains("arm 2 of 4: simclr, without small crops, seed 31: ")
            && gone_on.contains("from its checkpoint")
    );
    assert_eq!(timeless(&desk, "whole"), timeless(&desk, "cut"));

    let found = json(&desk, "whole");
    let keys: BTreeSet<String> = found.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, documented("| field of `comparison.json`"));
    assert_eq!((&found["complete"], &found["budget"]), (&Value::Bool(true), &Value::from("flop")));
    let arms = found["arms"].as_array().unwrap();
    let number = |arm: &Value, key: &str| arm[key].as_f64().unwrap();
    // Twenty steps of the first, and as much work of every other, within a step.
    assert_eq!((arms.len(), number(&arms[0], "steps")), (4, 20.0));
    let page = desk.read("whole/comparison.html");
    for arm in arms {
        let spared = number(&arms[0], "gflop") - number(arm, "gflop");
        assert!(spared >= 0.0 && spared < number(arm, "gflop_per_step"), "{arm:#}");
        assert!(page.contains(arm["name"].as_str().unwrap()), "{}", arm["name"]);
        assert!(!arm["curve"].as_array().unwrap().is_empty() && arm["verdict"]["knn"][0]["top1"].is_number());
        desk.run(&format!("report whole/{}", arm["folder"].as_str().unwrap())).expect(0);
    }
    for cell in found["cells"].as_array().unwrap() {
        for rule in ["knn", "knn_centred"] {
            let knn = cell[rule].as_object().unwrap().values().next().unwrap();
            assert_eq!((&knn["runs"], knn["deviation"].is_number()), (&Value::from(2), true), "{cell:#}");
        }
    }
    for word in [
        "swav",
        "simclr",
        "untrained network",
        "raw pixels",
        " ± ",
        "centred kNN, %",
        "GFLOP a step",
        "comparison.html",
    ] {
        assert!(ended.out.contains(word), "{word}: {ended:#?}");
    }
    // Once it is done, nothing is done again.
    let before = desk.read("whole/comparison.json");
    desk.run(&format!("{COMPARE} --out whole")).expect(0);
    assert_eq!(desk.read("whole/comparison.json"), before);
    other_settings_are_refused(&desk);
}

/// In the folder of a comparison that is done.
fn other_settings_are_refused(desk: &Desk) {
    let other = |flags: &str, words: &[&str]| {
        desk.run(&format!("{COMPARE} --out whole {flags}")).refused(2, words);
    };
    other("--lr 0.3", &["`out`", "whole", "`lr` 0.1, not 0.3"]);
    other("--budget steps", &["budget of flop, not of steps"]);
    other("--epochs 5 --warmup 1", &["`epochs` 4, not 5"]);
    let fewer = COMPARE.replace("--seeds 2", "--seeds 1");
    desk.run(&format!("{fewer} --out whole")).refused(2, &["`out`", "compares", "seed 32"]);
    // Whatever goes wrong once there is a folder, the command that goes on is told.
    let judged = desk.read("whole/simclr-without-31/judged.json");
    desk.write("whole/simclr-without-31/judged.json", "{}");
    let broken = desk.run(&format!("{COMPARE} --out whole")).refused(1, &["judged.json", "no verdict"]);
    assert!(broken.out.ends_with(&format!("go on with: swav-wgpu {COMPARE} --out whole\n")), "{broken:#?}");
    desk.write("whole/simclr-without-31/judged.json", judged);
    desk.picture("pics/dark/98.png", 98);
    other("", &["`out`", "whole was begun on 44 pictures of 2 classes, not 45 of 2"]);
}

#[test]
fn ctrl_c_stops_it_and_the_printed_command_goes_on() {
    let desk = Desk::new();
    let line = "compare pics --config base.toml --over prototypes=5,10";
    let child = desk.start_until(line, "comparisons/photos-1/prototypes-5-31", 3);
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let ended = Ended::of(line, &child.wait_with_output().unwrap()).expect(130);
    let command = ended.out.trim_end().strip_prefix("Stopped. Go on with: swav-wgpu ").unwrap();
    assert_eq!(command, format!("{line} --out comparisons/photos-1"));
    let ended = desk.run(command).expect(0);
    assert!(ended.out.contains("prototypes 5") && ended.out.contains("prototypes 10"), "{ended:#?}");
    let found = json(&desk, "comparisons/photos-1");
    assert_eq!(found["differing"]["prototypes"], Value::from(vec!["5", "10"]));
    assert_eq!(found["differing"].as_object().unwrap().len(), 1);
}

#[test]
fn lengths_of_a_run_are_compared_as_they_are() {
    let desk = Desk::new();
    let line = "compare pics --config base.toml --over steps=5,15 --methods swav,supervised --out lengths";
    let ended = desk.run(line).expect(0);
    assert!(ended.out.contains("not equal: The length of the runs"), "{ended:#?}");
    let found = json(&desk, "lengths");
    let [short, long] = [0, 1].map(|at| &found["arms"][at]);
    assert_eq!(found["budget"], Value::from("own"));
    assert_eq!(found["arms"][2]["row"], Value::from("supervised, steps 5"));
    for key in ["steps", "gflop"] {
        let ratio = long[key].as_f64().unwrap() / short[key].as_f64().unwrap();
        assert!((ratio - 3.0).abs() < 1e-9, "{key}: {found:#}");
    }
    assert!(desk.read("lengths/comparison.html").contains(", by GFLOP"));
    assert!(desk.run(line).expect(0).err.contains("arm 2 of 4: swav, steps 15, seed 31: done already"));
    desk.run(&format!("{line} --budget flop")).refused(2, &["--budget", "lengths"]);
    desk.run(&format!("{line} --steps 9")).refused(2, &["--steps", "--over"]);
}

#[test]
fn a_run_that_diverges_is_told_and_the_others_go_on() {
    let desk = Desk::new();
    // Every step of the first multiplies its weights by -999, until they are infinite.
    let wild = "--optimizer sgd --momentum 0 --weight-decay 1 --warmup 0";
    let line = format!("compare pics --config base.toml {wild} --over lr=1000,0.0001 --out both");
    let ended = desk.run(&line).expect(0);
    assert!(ended.out.contains("lr 1000, seed 31: the run diverged at step"), "{ended:#?}");
    let found = json(&desk, "both");
    let [wild, tame] = [0, 1].map(|at| &found["arms"][at]);
    assert!(wild["summary"].is_null() && wild["verdict"]["failure"].is_string(), "{wild:#}");
    assert!(tame["summary"]["loss"].is_number() && tame["verdict"]["knn"][0]["top1"].is_number(), "{tame:#}");
    assert_eq!((&found["cells"][0]["failures"], &found["complete"]), (&Value::from(1), &Value::Bool(true)));
    // What they are compared with comes from the one that was judged.
    assert_eq!(found["baselines"]["knn"].as_array().unwrap().len(), 2);
    assert!(desk.run(&line).expect(0).err.contains("arm 1 of 2: lr 1000, seed 31: done already"));
}

#[test]
fn pictures_without_labels_are_compared_by_clusters() {
    let desk = Desk::new();
    (0..20).for_each(|index| desk.picture(&format!("flat/{index:02}.png"), index));
    // So many that an arm whose steps were measured beside other tests, and seem many times as long, has some all the same.
    let compare = "compare flat --config base.toml --steps 40 --crops with,without --budget time";
    let ended = desk.run(&format!("{compare} --methods swav,byol --out flat-one")).expect(0);
    assert!(ended.out.contains("clusters as if of equal size, with small crops"), "{ended:#?}");
    assert!(ended.out.contains("have no labels") && !ended.out.contains("kNN, %"), "{ended:#?}");
    let found = json(&desk, "flat-one");
    let arms = found["arms"].as_array().unwrap();
    assert!(arms.len() == 4 && arms.iter().all(|arm| arm["steps"].as_u64().unwrap() > 0), "{found:#}");
    assert!(arms[0]["verdict"]["clusters"][0]["used"].as_u64().unwrap() > 0);
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_written() {
    let desk = Desk::new();
    (0..20).for_each(|index| desk.picture(&format!("flat/{index:02}.png"), index));
    desk.write("used/note.txt", "mine");
    let refused = |line: &str, code: i32, words: &[&str]| {
        desk.run(&format!("compare {line} --config base.toml")).refused(code, words);
    };
    refused("pics --methods swav,bol", 2, &["`methods`", "must be one of swav", "byol"]);
    refused("flat --methods swav,supervised", 2, &["`methods`", "labels", "folder for each class"]);
    refused("pics --over epsilom=1,2", 2, &["`over`", "did you mean `epsilon`"]);
    refused("pics --over epsilon=1,x", 2, &["`epsilon`", "`x` is not a number"]);
    refused("pics --methods swav,byol --out used", 2, &["`out`", "used holds something else"]);
    refused("pics --methods swav --crops without", 2, &["`methods`", "only one run"]);
    refused("gone --methods swav,byol", 1, &["gone", "nothing here"]);
    // Found by trying every arm before the first is trained.
    refused("pics --over heads=5;41 --method deepcluster-v2", 2, &["`heads`", "40 pictures"]);
    assert_eq!(desk.names(""), ["base.toml", "flat", "pics", "used"]);
}
