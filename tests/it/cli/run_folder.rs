//! What a complete run leaves behind, and that the documentation says so.

use std::collections::BTreeSet;
use std::process::Stdio;
use swav_wgpu::train::figures::FIGURES;

use serde_json::Value;
use swav_wgpu::config::Config;

use super::{Desk, repository};

/// The first column of the table that follows `heading` in `docs/run-folder.md`, its code quotes taken off.
pub(super) fn documented(heading: &str) -> BTreeSet<String> {
    let page = repository("docs/run-folder.md");
    let after = &page[page.find(heading).unwrap_or_else(|| panic!("no `{heading}` in docs/run-folder.md"))..];
    let rows =
        after.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.skip(2).map(|row| row.split('`').nth(1).unwrap().trim_end_matches('/').to_owned()).collect()
}

#[test]
fn a_complete_run_leaves_what_the_documentation_lists() {
    let desk = Desk::new();
    desk.write("pics/dark/00.png", "not a picture");
    let ended = desk.train("--out run").expect(0);
    let files: BTreeSet<String> = desk.names("run").into_iter().collect();
    assert_eq!(files, documented("# The run folder"));

    // The settings can be read back, and start the same run.
    let config = Config::from_toml(&desk.read("run/config.toml"), "config.toml").unwrap();
    assert_eq!((config.prototypes, config.queue, config.seed), (10, 16, 31));
    assert_eq!(config.data.as_deref(), Some(desk.path("pics").canonicalize().unwrap().as_path()));
    desk.run("train --config run/config.toml --out again").expect(0);
    assert_eq!(desk.metrics("again"), desk.metrics("run"));

    let summary = desk.summary("run");
    for (key, value) in
        [("steps", 20), ("total_steps", 20), ("prototypes", 10), ("unreadable", 1), ("seed", 31)]
    {
        assert_eq!(summary[key], value, "{key}");
    }
    assert_eq!((&summary["finished"], &summary["interrupted"]), (&true.into(), &false.into()));
    for judged in ["pixels", "untrained", "trained"] {
        for rule in ["plain", "centred"] {
            let accuracy = summary["knn"][0][judged][rule].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&accuracy), "{judged} {rule}: {accuracy}");
        }
    }
    assert!(ended.out.contains("run folder        run\n"), "{ended:#?}");
    assert!(ended.out.contains("gallery           run/gallery/index.html"), "{ended:#?}");
}

#[test]
fn metrics_have_the_fields_of_the_documentation_and_no_others() {
    let desk = Desk::new();
    desk.train("--out run").expect(0);
    let mut wanted = documented("Each line of `metrics.jsonl`");
    assert_eq!(wanted, FIGURES.iter().map(|figure| figure.key.to_owned()).collect());
    // Of half precision and of other methods only; `same_bits` looks for the first two there.
    assert!(["loss_scale", "skipped_steps", "accuracy"].iter().all(|key| wanted.remove(*key)), "{wanted:?}");
    let text = desk.read("run/metrics.jsonl");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let step = line["step"].as_u64().unwrap();
        let keys: BTreeSet<String> = line.as_object().unwrap().keys().cloned().collect();
        let missing: Vec<_> = wanted.difference(&keys).collect();
        // Every third epoch of five steps ends with an evaluation, and so does the run.
        let judged = step == 15 || step == 20;
        assert!(keys.is_subset(&wanted), "{keys:?}");
        assert_eq!(missing, if judged { vec![] } else { vec!["knn"] }, "step {step}");
        assert_eq!(line["epoch"], (step - 1) / 5 + 1);
        assert_eq!(line["non_finite"], 0);
        assert!((line["chance"].as_f64().unwrap() - 10_f64.ln()).abs() < 1e-12);
        let count = |key: &str| line[key].as_u64().unwrap();
        assert_eq!(count("prototypes_used") + count("prototypes_dead"), 10);
        assert!(line["code_entropy"].as_f64().unwrap() < 10_f64.ln());
    }
    // No report comes so soon after another that the run seems to sprint.
    let mut pace: Vec<f64> = lines.iter().map(|line| line["images_per_s"].as_f64().unwrap()).collect();
    pace.sort_by(f64::total_cmp);
    assert!(pace[0] > 0.0 && pace[pace.len() - 1] < 20.0 * pace[pace.len() / 2], "{pace:?}");
}

#[test]
fn the_gallery_shows_every_picture_that_it_names() {
    let desk = Desk::new();
    desk.train("--steps 2 --out run").expect(0);
    assert_eq!(desk.names("run/gallery"), ["gallery.png", "index.html", "sprites.png"]);
    for name in ["gallery.png", "sprites.png"] {
        let picture = image::open(desk.path("run/gallery").join(name)).unwrap();
        assert!(picture.width() > 16 && picture.height() > 16, "{name}");
    }
    let page = desk.read("run/gallery/index.html");
    assert!(page.contains("sprites.png") && page.contains("pics") && page.contains("dark"), "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "the page needs no network");
}

/// Runs that start at the same moment without a name get a folder each, where the help says.
#[test]
fn runs_without_a_name_get_a_folder_each() {
    let desk = Desk::new();
    let line = "train pics --config base.toml --steps 1";
    let start = || desk.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for mut child in [start(), start()] {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(desk.names("runs"), ["photos-1", "photos-2"]);
    for run in ["runs/photos-1", "runs/photos-2"] {
        assert_eq!((desk.metrics(run).len(), desk.checkpoint(run).meta.step), (1, 1));
    }
    let help = desk.run("train --help").expect(0).out;
    assert!(help.contains("`runs/PRESET-1`") && help.contains("photos"), "{help}");
}

/// The records of an event file: length, checksum, event, checksum.
fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        found.push(&rest[12..12 + length]);
        rest = &rest[16 + length..];
    }
    found
}

#[test]
fn event_files_stand_beside_the_metrics_and_go_on_with_the_run() {
    let desk = Desk::new();
    desk.train("--steps 4 --out run --tensorboard").expect(0);
    desk.run("train --resume run --steps 6").expect(0);
    let files: Vec<String> =
        desk.names("run").into_iter().filter(|name| name.starts_with("events.out.tfevents.")).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let mut reports = 0;
    for file in &files {
        let bytes = std::fs::read(desk.path("run").join(file)).unwrap();
        let records = records(&bytes);
        assert!(records[0].windows(13).any(|part| part == b"brain.Event:2"), "{file}");
        let holds =
            |tag: &str| records.iter().filter(|r| r.windows(tag.len()).any(|w| w == tag.as_bytes())).count();
        reports += holds("train/loss");
        assert_eq!(holds("gallery"), 1, "{file}");
        assert!(holds("knn/held-out/plain") >= 1, "{file}");
    }
    assert_eq!(reports, desk.metrics("run").len());
    // Without the setting there is none.
    desk.train("--steps 1 --out plain").expect(0);
    assert!(!desk.names("plain").iter().any(|name| name.contains("tfevents")));
}
