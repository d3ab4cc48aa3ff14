//! Settings that suit a set of pictures, each with the rule that gave it: a start, not a promise.

use super::presets::Preset;
use super::settings::Config;
use crate::error::Result;

/// What is known of a set of pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Pictures to train on.
    pub pictures: usize,
    /// Classes, 0 where there are no labels.
    pub classes: usize,
    /// The median of the pictures' shorter sides, in pixels.
    pub shorter_side: u32,
    /// Whether no picture has colours.
    pub grey: bool,
    /// Mean of each channel, in [0, 1].
    pub mean: Vec<f64>,
    /// Their deviation.
    pub std: Vec<f64>,
}

/// One setting, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The setting's key; the flag is the same word with dashes.
    pub key: &'static str,
    /// Its value, as a flag takes it.
    pub value: String,
    /// The rule that gave it.
    pub rule: String,
}

/// Steps that an epoch should have at the least.
const STEPS: usize = 8;
/// Steps that a run should have, where its epochs stay within bounds.
const RUN: usize = 20_000;

/// Suggests settings for a set of pictures. All of them over the preset that comes first make settings
/// that [`Config::validate`] takes, for every set of four pictures or more.
///
/// # Errors
/// None but a mistake in a preset.
pub fn advise(facts: &Facts) -> Result<Vec<Advice>> {
    let (preset, rule) = preset(facts);
    let recipe = Config::from_preset(preset)?;
    let mut found = vec![Advice { key: "preset", value: preset.to_string(), rule }];
    let mut add = |key, value: String, rule: String| found.push(Advice { key, value, rule });
    crops(preset, facts, &mut add);
    let batch = batch(recipe.batch, facts.pictures);
    add(
        "batch",
        batch.to_string(),
        format!(
            "the preset's {} or less, so that an epoch has {STEPS} steps or more; the same on every device, since the learning \
             rate goes with it: `--micro-batch auto` takes it in parts where memory is short",
            recipe.batch
        ),
    );
    let (prototypes, rule) = prototypes(facts);
    add("prototypes", prototypes.to_string(), rule);
    let (queue, rule) = queue(batch, prototypes, facts.pictures);
    add("queue", queue.to_string(), rule);
    let steps = (facts.pictures / batch).max(1);
    let (epochs, rule) = if preset == Preset::Imagenet256 {
        (recipe.epochs as usize, "the official length".to_owned())
    } else {
        let epochs = (RUN / steps).clamp(100, 800) / 10 * 10;
        (
            epochs,
            format!(
                "for about {RUN} steps, but never fewer than 100 epochs nor more than 800: a choice, not a measurement"
            ),
        )
    };
    add("epochs", epochs.to_string(), rule);
    let differs = |a: &[f64], b: &[f64], by: f64| a.iter().zip(b).any(|(a, b)| (a - b).abs() > by);
    // Of other than three channels, mean and deviation are those of the pictures in any case.
    let coloured = facts.mean.len() == 3;
    if coloured && (differs(&facts.mean, &recipe.mean, 0.1) || differs(&facts.std, &recipe.std, 0.07)) {
        let rule = "mean or deviation of the pictures is far from the preset's, which are ImageNet's";
        add("normalize", "dataset".into(), rule.into());
    }
    if preset == Preset::Cifar {
        let rule = "the preset's 200 are for a bank of 50,000 pictures, and that of a run has 5,000 unless it is told otherwise";
        add("knn_k", "20".into(), rule.into());
    }
    if facts.grey {
        add("grey", "0".into(), "no picture has colours to take away".into());
    }
    Ok(found)
}

fn preset(facts: &Facts) -> (Preset, String) {
    let (side, pictures) = (facts.shorter_side, facts.pictures);
    if side <= 40 {
        return (
            Preset::Cifar,
            format!("the pictures are small: {side} pixels on the shorter side, 40 or less"),
        );
    }
    if pictures >= 500_000 && side >= 200 {
        return (Preset::Imagenet256, "half a million pictures or more, of 200 pixels or more".into());
    }
    (Preset::Photos, "more than 40 pixels on the shorter side, and less than half a million pictures".into())
}

/// Crops no larger than the pictures, and the views of the evaluation to go with them.
fn crops(preset: Preset, facts: &Facts, add: &mut impl FnMut(&'static str, String, String)) {
    let side = facts.shorter_side;
    let (large, crops, resize) = match preset {
        Preset::Cifar => {
            let large = side.clamp(8, 32);
            (large, format!("2x{large}@0.14-1"), large)
        }
        Preset::Photos if side < 128 => {
            let large = side / 8 * 8;
            (large, format!("2x{large}@0.14-1,4x{}@0.05-0.14", large / 16 * 8), large)
        }
        _ => return,
    };
    let rule = format!("as large as the pictures, whose shorter side is {side} pixels, and no larger");
    add("crops", crops, rule);
    add("eval_size", large.to_string(), "as large as the large crops".into());
    add("eval_resize", resize.to_string(), "the whole picture, since crops are as large as it is".into());
}

/// A power of two.
fn batch(most: usize, pictures: usize) -> usize {
    let wanted = (pictures / STEPS).clamp(2, most);
    1 << wanted.ilog2()
}

/// Codes of a batch are balanced over all prototypes, which takes pictures: the official recipe has a queue
/// for 12 prototypes to a picture, and none for less than one; that for CIFAR has none for 4.
fn queue(batch: usize, prototypes: usize, pictures: usize) -> (usize, String) {
    let length = (15 * batch).min(pictures / 4 / batch * batch);
    if prototypes <= 8 * batch {
        return (0, format!("none: {batch} pictures can balance {prototypes} prototypes, up to 8 for each"));
    }
    if length == 0 {
        return (
            0,
            "none: it should not hold more than a quarter of the pictures, which is less than a batch".into(),
        );
    }
    let rule = format!(
        "{} batches, since {batch} pictures alone cannot balance {prototypes} prototypes, more than 8 for each; the \
         official 15, but no more than a quarter of the pictures",
        length / batch
    );
    (length, rule)
}

fn prototypes(facts: &Facts) -> (usize, String) {
    if facts.classes >= 2 {
        let rule = "ten times the classes, as the authors advise; not below 60 (12 to 20 easily fail), nor above 3000";
        return ((10 * facts.classes).clamp(60, 3000), rule.into());
    }
    let rule = "without classes to go by, one for every 20 pictures; not below 60, nor above 3000";
    ((facts.pictures / 20).clamp(60, 3000), rule.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pictures: usize, classes: usize, shorter_side: u32) -> Facts {
        Facts {
            pictures,
            classes,
            shorter_side,
            grey: false,
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.228, 0.224, 0.225],
        }
    }

    fn value(advice: &[Advice], key: &str) -> String {
        advice.iter().find(|advice| advice.key == key).map(|advice| advice.value.clone()).unwrap_or_default()
    }

    #[test]
    fn advice_makes_valid_settings_for_any_set() {
        for pictures in [4, 5, 31, 64, 100, 999, 5_000, 50_000, 105_000, 1_281_167, 100_000_000] {
            for classes in [0, 2, 10, 100, 1000, 21_000] {
                for side in [1, 8, 28, 32, 40, 41, 64, 96, 127, 128, 375, 4000] {
                    let advice = advise(&facts(pictures, classes, side)).unwrap();
                    let mut config = Config::from_preset(Preset::Demo).unwrap();
                    for (at, Advice { key, value, rule }) in advice.iter().enumerate() {
                        assert!(!rule.is_empty());
                        assert_eq!(at == 0, *key == "preset");
                        config.set(key, value).unwrap();
                        if at == 0 {
                            config = Config::from_preset(config.preset.unwrap()).unwrap();
                        }
                    }
                    config.validate().unwrap_or_else(|error| panic!("{pictures} {classes} {side}: {error}"));
                    assert!(config.batch <= pictures);
                    assert!(config.crops[0].size <= 8.max(side as usize));
                }
            }
        }
    }

    #[test]
    fn known_sets_get_what_their_recipes_have() {
        let cifar = advise(&facts(50_000, 10, 32)).unwrap();
        assert_eq!(
            ["preset", "crops", "batch", "queue"].map(|key| value(&cifar, key)),
            ["cifar", "2x32@0.14-1", "128", "0"]
        );
        let imagenet = advise(&facts(1_281_167, 1000, 375)).unwrap();
        let got = ["preset", "batch", "prototypes", "queue", "epochs"].map(|key| value(&imagenet, key));
        assert_eq!(got, ["imagenet-256", "256", "3000", "3840", "200"]);
        let stl = advise(&facts(105_000, 10, 96)).unwrap();
        assert_eq!(value(&stl, "crops"), "2x96@0.14-1,4x48@0.05-0.14");
        let mnist = Facts { grey: true, mean: vec![0.13; 3], std: vec![0.31; 3], ..facts(60_000, 10, 28) };
        let mnist = advise(&mnist).unwrap();
        assert_eq!(
            ["crops", "grey", "normalize"].map(|key| value(&mnist, key)),
            ["2x28@0.14-1", "0", "dataset"]
        );
    }
}
