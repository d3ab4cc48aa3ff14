//! Flags, files and presets resolve in order; what cannot be changed on resume says why.

use super::*;
use crate::config::{Optimizer, Preset};
use clap::FromArgMatches as _;

fn resolved(args: &[&str]) -> Result<TrainRequest> {
    let all = ["swav-wgpu", "train"].iter().chain(args);
    let mut matches = crate::cli::command().try_get_matches_from(all).unwrap();
    Train::from_arg_matches_mut(&mut matches.remove_subcommand().unwrap().1).unwrap().resolve()
}

fn refused(args: &[&str]) -> (String, String) {
    match resolved(args) {
        Err(Error::Config { field, reason }) => (field, reason),
        other => panic!("expected a config error, got {other:?}"),
    }
}

#[test]
fn the_command_is_well_formed() {
    crate::cli::command().debug_assert();
    let help = crate::cli::command().find_subcommand_mut("train").unwrap().render_long_help().to_string();
    for setting in Config::SETTINGS {
        // A switch may stand alone: its value is in brackets.
        let named = [" ", "[="].map(|end| format!("--{}{end}", setting.flag()));
        assert!(setting.key == "data" || named.iter().any(|flag| help.contains(flag)), "{}", setting.key);
    }
}

#[test]
fn a_switch_may_stand_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "recompute = true\n").unwrap();
    let file = file.to_str().unwrap();
    let recompute = |args: &[&str]| resolved(args).unwrap().config.recompute;
    assert!(!recompute(&[]) && recompute(&["--config", file]));
    assert!(!recompute(&["--config", file, "--recompute=false"]));
    // The folder behind it is not taken for its value.
    let config = resolved(&["--recompute", "photos"]).unwrap().config;
    assert!(config.recompute && config.data.is_some_and(|data| data.ends_with("photos")));
}

#[test]
fn no_data_means_the_demo_and_a_folder_means_photos() {
    let demo = resolved(&[]).unwrap();
    assert_eq!(demo.config, Config::from_preset(Preset::Demo).unwrap());
    assert!(demo.plan.is_none() && !demo.profile && demo.resume.is_none());
    let photos = resolved(&["photos", "--plan"]).unwrap();
    assert_eq!(photos.config.preset, Some(Preset::Photos));
    assert!(photos.config.data.unwrap().is_absolute());
    assert_eq!(photos.plan, Some(Plan::Time));
}

#[test]
fn the_later_source_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "preset = \"cifar\"\nepsilon = 0.04\nepochs = 9\n").unwrap();
    let file = file.to_str().unwrap();

    let config = resolved(&["--config", file, "--epochs", "5"]).unwrap().config;
    assert_eq!(config.preset, Some(Preset::Cifar));
    assert_eq!((config.batch, config.epsilon, config.epochs), (128, 0.04, 5));

    let config = resolved(&["--config", file, "--preset", "imagenet-256"]).unwrap().config;
    assert_eq!(config.preset, Some(Preset::Imagenet256));
    assert_eq!((config.batch, config.epsilon, config.epochs), (256, 0.04, 9));
    assert_eq!(config.optimizer, Optimizer::Larc);
}

#[test]
fn a_shortened_recipe_keeps_its_share_of_warm_up() {
    let config = resolved(&["--preset", "demo", "--epochs", "2"]).unwrap().config;
    assert!((config.warmup - 0.1).abs() < 1e-12);
    assert_eq!(resolved(&["--epochs", "22"]).unwrap().config.warmup, 2.2);
    assert_eq!(refused(&["--epochs", "2", "--warmup", "3"]).0, "warmup");
}

#[test]
fn bad_values_name_the_setting() {
    assert_eq!(refused(&["--prototypes", "0"]).0, "prototypes");
    assert_eq!(refused(&["--epsilon", "0"]).0, "epsilon");
    assert_eq!(refused(&["--lr", "-1"]).0, "lr");
    assert_eq!(refused(&["--crops", "2x4000@0.4-1"]).0, "crops");
    assert_eq!(refused(&["--assign", "0,2"]).0, "assign");
    let (field, why) = refused(&["--max-time", "ten"]);
    assert!(field == "max_time" && why.contains("10m"), "{why}");
    let parse = |args: &[&str]| crate::cli::command().try_get_matches_from(args).unwrap_err().to_string();
    assert!(parse(&["swav-wgpu", "train", "--prototipes", "3"]).contains("--prototypes"));
    assert!(parse(&["swav-wgpu", "train", "--arch", "resnet5"]).contains("resnet50"));
    assert!(parse(&["swav-wgpu", "trian"]).contains("train"));
}

#[test]
fn none_undoes_what_a_preset_chose() {
    let config = resolved(&["--width", "none", "--blocks", "none", "--block", "none"]).unwrap().config;
    assert_eq!(config.trunk(), config.arch.trunk());
}

#[test]
fn resume_takes_the_settings_of_the_run() {
    let run = tempfile::tempdir().unwrap();
    let path = run.path().to_str().unwrap();
    let mut saved = Config::from_preset(Preset::Demo).unwrap();
    saved.set("prototypes", "96").unwrap();
    std::fs::write(run.path().join("config.toml"), saved.to_toml()).unwrap();

    let request = resolved(&["--resume", path, "--max-time", "10m", "--workers", "1"]).unwrap();
    assert_eq!(request.resume.as_deref(), Some(run.path()));
    saved.set("max_time", "10m").unwrap();
    saved.set("workers", "1").unwrap();
    assert_eq!(request.config, saved);

    let (field, why) = refused(&["--resume", path, "--lr", "1"]);
    assert!(field == "lr" && why.contains("--max-time"), "{why}");
    // The pictures may have been moved, and nothing else changes with them.
    let moved = resolved(&["moved/photos", "--resume", path]).unwrap().config;
    assert!(moved.data.as_ref().is_some_and(|data| data.is_absolute() && data.ends_with("moved/photos")));
    let before = resolved(&["--resume", path]).unwrap().config;
    assert_eq!(Config { data: before.data.clone(), ..moved }, before);
    assert_eq!(refused(&["--resume", path, "--preset", "demo"]).0, "preset");
    assert_eq!(refused(&["--resume", path, "--config", "x.toml"]).0, "config");
}

#[test]
fn resume_of_something_else_says_so() {
    let empty = tempfile::tempdir().unwrap();
    let error = resolved(&["--resume", empty.path().to_str().unwrap()]).unwrap_err();
    assert!(error.to_string().contains("is not a run folder"), "{error}");
    let missing = empty.path().join("gone");
    let error = resolved(&["--resume", missing.to_str().unwrap()]).unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
    let (field, why) = refused(&["--config", missing.to_str().unwrap()]);
    assert!(field == "config" && why.contains("gone"), "{why}");
}

#[test]
fn a_time_stands_in_place_of_a_length() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "steps = 77\n").unwrap();
    let file = file.to_str().unwrap();
    let request = resolved(&["--config", file, "--for", "1h30m", "--plan=memory"]).unwrap();
    assert_eq!(request.within, Some(Duration::from_secs(5400)));
    assert_eq!((request.config.steps, request.plan), (None, Some(Plan::Memory)));
    for length in ["--steps", "--epochs"] {
        let (field, reason) = refused(&["--for", "20m", length, "9"]);
        assert_eq!(field, "for");
        assert!(reason.contains(&length.replace("--", "`")), "{reason}");
    }
}
