//! Every row of the table reads back what it writes; wrong values name the field and the way out.

use super::*;

fn reason(result: Result<()>) -> (String, String) {
    match result {
        Err(Error::Config { field, reason }) => (field, reason),
        other => panic!("expected a config error, got {other:?}"),
    }
}

#[test]
fn presets_are_valid_and_survive_toml() {
    for &preset in Preset::ALL {
        let config = Config::from_preset(preset).unwrap();
        config.validate().unwrap_or_else(|error| panic!("{preset}: {error}"));
        assert_eq!(Config::from_toml(&config.to_toml(), "test").unwrap(), config, "{preset}");
        let mut plain = Config::default();
        plain.merge_toml(&config.to_toml(), "test").unwrap();
        assert_eq!(plain, config, "{preset}: the file alone must say everything");
    }
    Config::default().validate().unwrap();
}

#[test]
fn recipes_are_valid_and_say_where_they_come_from() {
    for (&preset, &method) in Preset::ALL.iter().flat_map(|p| Method::ALL.iter().map(move |m| (p, m))) {
        let config = Config::from_recipe(preset, method).unwrap();
        config.validate().unwrap_or_else(|error| panic!("{method} with {preset}: {error}"));
        // Neither lightly nor the authors of the others have one for it.
        let source = method.source(preset);
        assert!(
            method != Method::Supervised || !source.contains("lightly") && !source.contains("official"),
            "{source}"
        );
    }
    let of = |preset, method, key| Config::from_recipe(preset, method).unwrap().get(key).unwrap();
    // The official BYOL of 300 epochs and of 1000, and the official momentum of MoCo.
    let byol = |preset| ["lr", "weight_decay", "target_momentum"].map(|key| of(preset, Method::Byol, key));
    assert_eq!(byol(Preset::Imagenet256), ["0.3", "1e-6", "0.99"]);
    assert_eq!(byol(Preset::Imagenet4096), ["3.2", "1.5e-6", "0.996"]);
    for preset in [Preset::Imagenet256, Preset::Imagenet4096] {
        assert_eq!(of(preset, Method::MocoV2, "target_momentum"), "0.999");
    }
}

/// A value other than the default for every key.
const OTHER: &[(&str, &str)] = &[
    ("preset", "cifar"),
    ("epochs", "7"),
    ("steps", "20"),
    ("former_steps", "30 until 10"),
    ("max_time", "1h30m"),
    ("batch", "32"),
    ("seed", "18446744073709551615"),
    ("out", "runs/a \"b\""),
    ("checkpoint_every", "0"),
    ("report_every", "1"),
    ("eval_every", "0"),
    ("init", "weights.pth"),
    ("data", "C:\\pictures\nof ours"),
    ("source", "webdataset"),
    ("workers", "3"),
    ("cache", "0"),
    ("prefetch", "5"),
    ("augment", "cpu"),
    ("background", "0,0.5,1"),
    ("max_megapixels", "12"),
    ("reduce", "false"),
    ("normalize", "dataset"),
    ("crops", "2x32@0.4-1,4x20@0.14-0.4"),
    ("flip", "0"),
    ("jitter", "0.5"),
    ("brightness", "0.4"),
    ("contrast", "0.4"),
    ("saturation", "0.4"),
    ("hue", "0.1"),
    ("grey", "0"),
    ("blur", "0.25"),
    ("blur_min", "0"),
    ("blur_max", "3.5"),
    ("mean", "0.5,0.5,0.5"),
    ("std", "0.25,1,0.25"),
    ("arch", "resnet50w5"),
    ("block", "basic"),
    ("blocks", "1,2,3,4"),
    ("width", "16"),
    ("stem", "stride2"),
    ("hidden", "0"),
    ("embedding", "64"),
    ("prototypes", "300"),
    ("epsilon", "0.03"),
    ("sinkhorn_iterations", "10"),
    ("temperature", "0.2"),
    ("assign", "1"),
    ("queue", "3840"),
    ("queue_start", "2.5"),
    ("freeze_prototypes", "0"),
    ("optimizer", "adamw"),
    ("lr", "0.00000125"),
    ("final_lr", "1e-7"),
    ("warmup", "0.5"),
    ("start_lr", "0"),
    ("weight_decay", "0"),
    ("momentum", "0"),
    ("trust", "0.02"),
    ("beta1", "0.8"),
    ("beta2", "0.95"),
    ("eval_resize", "64"),
    ("eval_size", "32"),
    ("eval_stage", "2"),
    ("eval_grid", "3"),
    ("knn_k", "200"),
    ("knn_temperature", "0.1"),
    ("method", "byol"),
    ("heads", "30,40"),
    ("head_norm", "false"),
    ("exclude_norms", "true"),
    ("target_momentum", "0.9"),
    ("predictor", "77"),
    ("clip", "true"),
    ("micro_batch", "auto"),
    ("sync_bn", "8"),
    ("adapter", "llvmpipe"),
    ("kernels", "tile"),
    ("submission_ms", "20"),
    ("depth", "-1000..400.5"),
    ("bands", "4,3,2"),
    ("weights_key", "encoder_q"),
    ("tensorboard", "true"),
    ("exclude", "masks,*_gt.png"),
    ("pages", "all"),
    ("eval_pictures", "9"),
    ("channels", "1"),
    ("show_bands", "5,4,2"),
    ("tuned", "tile; forward.deep=winograd-2x2"),
    ("recompute", "true"),
    ("precision", "f16"),
];

#[test]
fn every_key_is_set_from_text_and_read_back() {
    for setting in Config::SETTINGS {
        let (_, text) = OTHER
            .iter()
            .find(|(key, _)| *key == setting.key)
            .unwrap_or_else(|| panic!("OTHER lacks `{}`: add a value for the new setting", setting.key));
        let mut config = Config::default();
        config.set(setting.key, text).unwrap();
        assert_ne!(config, Config::default(), "{}: setting it changed nothing", setting.key);
        let mut again = Config::default();
        again.set(setting.key, &config.get(setting.key).unwrap()).unwrap();
        assert_eq!(config, again, "{}: get and set disagree", setting.key);
        assert_eq!(Config::from_toml(&config.to_toml(), "test").unwrap(), config, "{}", setting.key);
    }
    assert_eq!(OTHER.len(), Config::SETTINGS.len());
}

#[test]
fn defaults_read_back_and_have_help() {
    for setting in Config::SETTINGS {
        let mut config = Config::default();
        config.set(setting.key, &setting.default_text()).unwrap();
        assert_eq!(config, Config::default(), "{}", setting.key);
        let help = setting.help();
        assert!(help.ends_with('.') && help.len() > 20, "{}: {help}", setting.key);
        assert!(!setting.flag().contains('_'));
    }
}

#[test]
fn bad_values_name_the_field_and_change_nothing() {
    let bad = [
        ("prototypes", "0"),
        ("epsilon", "0"),
        ("epsilon", "-0.1"),
        ("epsilon", "nan"),
        ("temperature", "0"),
        ("knn_temperature", "inf"),
        ("batch", "0"),
        ("batch", "-4"),
        ("batch", "many"),
        ("blocks", "1,0,1,1"),
        ("blocks", "1,1,1"),
        ("crops", "2x7@0.4-1"),
        ("crops", "2x2000@0.4-1"),
        ("crops", "2x32@0-1"),
        ("crops", "2x32@0.5-1.5"),
        ("crops", "2x32@0.5-0.4"),
        ("crops", "0x32@0.4-1"),
        ("crops", "2x32"),
        ("crops", ""),
        ("assign", "0,0"),
        ("assign", ""),
        ("lr", "0"),
        ("momentum", "1"),
        ("hue", "0.6"),
        ("std", "0,1,1"),
        ("mean", "0.5,x"),
        ("mean", "0.5,2"),
        ("bands", "0,1"),
        ("show_bands", "1,2"),
        ("channels", "0"),
        ("max_time", "10"),
        ("max_time", "0s"),
        ("max_time", "5 minutes"),
        ("report_every", "0"),
        ("epochs", "0"),
        ("steps", "0"),
        ("arch", "resnet19"),
        ("width", "0"),
    ];
    for (key, text) in bad {
        let mut config = Config::default();
        let (field, why) = reason(config.set(key, text));
        assert_eq!(field, key);
        assert!(!why.is_empty());
        assert_eq!(config, Config::default(), "{key} = {text}");
    }
}

#[test]
fn settings_that_do_not_fit_together_are_refused_with_the_way_out() {
    let refused = |changes: &[(&str, &str)], field: &str, remedy: &str| {
        let mut config = Config::default();
        for (key, text) in changes {
            config.set(key, text).unwrap();
        }
        let (found, why) = reason(config.validate());
        assert_eq!(found, field);
        assert!(why.contains(remedy), "{why}");
    };
    refused(&[("assign", "0,8")], "assign", "0 to 7");
    refused(&[("assign", "0,2")], "assign", "crop 2, which has 96 pixels");
    refused(&[("crops", "1x96@0.05-0.14,2x224@0.14-1")], "assign", "large crops only");
    let moco = [("method", "moco-v2"), ("queue", "512"), ("crops", "1x224@0.14-1,2x96@0.05-0.14")];
    refused(&moco, "crops", "two large crops");
    refused(&[("blur_min", "3")], "blur_min", "blur_max");
    refused(&[("final_lr", "5")], "final_lr", "0.0048");
    refused(&[("epochs", "10")], "warmup", "raise `epochs`");
    refused(&[("lr", "0.1"), ("final_lr", "0")], "start_lr", "`warmup` to 0");
    refused(&[("queue", "100")], "queue", "multiple of 256");
    refused(&[("eval_size", "300")], "eval_size", "eval_resize");
    // Fields can be written directly too, so their ranges are checked again.
    let config = Config { prototypes: 0, ..Config::default() };
    assert_eq!(reason(config.validate()).0, "prototypes");
}

#[test]
fn unknown_keys_suggest_the_nearest() {
    let mut config = Config::default();
    let (field, why) = reason(config.set("prototipes", "3"));
    assert_eq!(field, "prototipes");
    assert!(why.contains("`prototypes`"), "{why}");
    for (typed, meant) in [("final-lr", "final_lr"), ("learning_rate", ""), ("proto", "prototypes")] {
        let (_, why) = reason(config.merge_toml(&format!("{typed} = 1"), "mine.toml"));
        assert_eq!(why.contains("did you mean"), !meant.is_empty(), "{typed}: {why}");
        assert!(why.contains(meant) && why.contains("mine.toml"), "{why}");
    }
    let (_, why) = reason(config.set("arch", "resnet5"));
    assert!(why.contains("did you mean `resnet50`"), "{why}");
}

#[test]
fn toml_mistakes_name_the_file_and_line() {
    let mut config = Config::default();
    let (field, why) = reason(config.merge_toml("seed = 1\nbatch = = 2\n", "mine.toml"));
    assert_eq!(field, "config");
    assert!(why.contains("line 2 of mine.toml"), "{why}");
    let (field, why) = reason(config.merge_toml("[run]\nseed = 1\n", "mine.toml"));
    assert_eq!(field, "run");
    assert!(why.contains("mine.toml"), "{why}");
    config
        .merge_toml("assign = [0]\nlr = 1\nblocks = \"2,2,2,2\"\nmean = [0, 0.5, 1]\n", "mine.toml")
        .unwrap();
    assert_eq!((config.assign, config.lr, config.mean), (vec![0], 1.0, vec![0.0, 0.5, 1.0]));
}

#[test]
fn a_file_overrides_its_preset_even_with_none() {
    let config = Config::from_toml("preset = \"demo\"\nwidth = \"none\"\nepochs = 3\n", "test").unwrap();
    assert_eq!((config.preset, config.width, config.epochs), (Some(Preset::Demo), None, 3));
    assert_eq!(config.prototypes, 300);
}

#[test]
fn trunks_resolve() {
    let mut config = Config::default();
    assert_eq!(config.trunk(), TrunkSpec { block: Block::Bottleneck, blocks: [3, 4, 6, 3], width: 64 });
    assert_eq!(config.trunk().features(), 2048);
    config.set("arch", "resnet50w2").unwrap();
    assert_eq!(config.trunk().features(), 4096);
    let demo = Config::from_preset(Preset::Demo).unwrap().trunk();
    assert_eq!(demo, TrunkSpec { block: Block::Basic, blocks: [1, 1, 1, 1], width: 16 });
    assert_eq!(demo.features(), 128);
}

#[test]
fn run_lengths_follow_the_recipe() {
    let official = Config::from_preset(Preset::Imagenet4096).unwrap();
    assert_eq!(
        official.length(312),
        RunLength { total: 800 * 312, warmup: 3120, queue_start: 15 * 312, former: Vec::new() }
    );
    let demo = Config::from_preset(Preset::Demo).unwrap();
    assert_eq!(demo.length(43).total, 1892);
    assert_eq!(demo.length(43).warmup, 95);
    let short = Config { steps: Some(20), ..demo };
    assert_eq!((short.length(43).total, short.length(43).warmup), (20, 1));
}

#[test]
fn times_and_crops_are_written_as_people_write_them() {
    for (text, shown) in
        [("90s", "1m30s"), ("1.5h", "1h30m"), ("10m", "10m"), ("1h 5s", "1h5s"), ("250ms", "250ms")]
    {
        assert_eq!(std::time::Duration::parse(text).unwrap().show(), shown);
    }
    let groups = Vec::<CropGroup>::parse("2×224@0.14-1, 6x96@5e-2-0.14").unwrap();
    assert_eq!(groups.show(), "2x224@0.14-1,6x96@0.05-0.14");
    assert_eq!(groups, Config::default().crops);
    assert_eq!(1e-6.show(), "1e-6");
}

#[test]
fn the_usual_preset_depends_on_the_data() {
    assert_eq!(Config::usual_preset(false), Preset::Demo);
    assert_eq!(Config::usual_preset(true), Preset::Photos);
}
