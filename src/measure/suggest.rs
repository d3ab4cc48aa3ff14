//! A network and a length for pictures, a time and an adapter: what [`advise`] says of the pictures alone, with the network
//! that the time allows.

use super::machine::Machine;
use super::work::{Extent, Work};
use crate::config::{Advice, Config, Facts, Preset, advise};
use crate::error::Result;

/// A run should see every picture so often, or a smaller network is the better choice. A choice, not a measurement: the
/// demo's recipe is at its best far above that, and of no use below.
const LEAST: f64 = 30.0;
/// More than this changes little, as far as the demo's recipe tells; of other pictures it is a choice too.
const MOST: f64 = 800.0;

/// What is suggested for a time.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// Settings over those that suit the pictures, each with its rule.
    pub network: Vec<Advice>,
    /// Epochs that fit the time, 800 at most.
    pub epochs: f64,
    /// Seconds that the run takes: the time itself, or less where more epochs would change little.
    pub seconds: f64,
    /// What the network is called, in a few words.
    pub name: String,
}

/// A network of a ladder, with its settings over the preset's.
struct Rung {
    name: &'static str,
    values: &'static [(&'static str, &'static str)],
    /// The side of the large crops, at most; the preset's crops where it is none.
    side: Option<u32>,
}

/// A rung as it is for some pictures.
struct Fitted {
    config: Config,
    /// What it changes of the preset's settings.
    values: Vec<(&'static str, String)>,
    name: String,
}

/// The side of crops of small pictures, at most.
const SMALL_SIDE: u32 = 32;
/// From an afternoon of a processor to what the preset has, for each kind of pictures. Nothing is larger than that: rates and
/// batches of these presets are for their own networks, and larger ones were never measured with them. ResNet-50 comes with the
/// recipes for half a million pictures, which are suggested for such sets whatever the adapter. Batches are the preset's on
/// every rung, since the learning rate goes with them; a device with little memory takes them in parts (`micro_batch`).
const SMALL: [Rung; 4] = [
    Rung { name: "ResNet-10 of width 16", values: TINY, side: Some(SMALL_SIDE) },
    Rung { name: "ResNet-10 of width 32", values: THIN, side: Some(SMALL_SIDE) },
    Rung { name: "ResNet-18 of width 32", values: HALF, side: Some(SMALL_SIDE) },
    Rung { name: "ResNet-18", values: &[], side: None },
];
const LARGE: [Rung; 4] = [
    Rung { name: "ResNet-10 of width 16", values: TINY, side: Some(64) },
    Rung { name: "ResNet-10 of width 32", values: THIN, side: Some(64) },
    Rung { name: "ResNet-18 of width 32", values: HALF, side: Some(96) },
    Rung { name: "ResNet-18", values: &[], side: None },
];
const TINY: &[(&str, &str)] =
    &[("block", "basic"), ("blocks", "1,1,1,1"), ("width", "16"), ("stem", "stride2"), ("hidden", "512")];
const THIN: &[(&str, &str)] =
    &[("block", "basic"), ("blocks", "1,1,1,1"), ("width", "32"), ("stem", "stride2"), ("hidden", "512")];
const HALF: &[(&str, &str)] = &[("width", "32"), ("stem", "stride2"), ("hidden", "512")];
/// What of a smaller network than the preset's the features of small pictures are. By networks of the demo and
/// one of Fashion-MNIST, trained for 8 and 20 minutes, kNN found the class of 3 to 9 more of 100 test pictures so; photographs
/// were not measured.
const READOUT: [(&str, &str); 2] = [("eval_stage", "3"), ("eval_grid", "4")];
const WHERE: &str = "of small pictures a small network tells more by its third stage, averaged over a grid, than by the global average \
     that papers take: measured with drawings and with Fashion-MNIST";

/// Suggests the largest network that sees every picture 30 times in `seconds`, on an adapter that trains at `gflop_per_s`
/// (10⁹ operations a second). `None` for a set that has its own recipe whatever the adapter: half a million pictures.
///
/// # Errors
/// None but a mistake in a preset.
pub fn suggest(facts: &Facts, gflop_per_s: f64, seconds: f64) -> Result<Option<Suggestion>> {
    let base = recipe(&advise(facts)?)?;
    let ladder = match base.preset {
        Some(Preset::Imagenet256 | Preset::Imagenet4096) => return Ok(None),
        Some(Preset::Cifar) => &SMALL,
        _ => &LARGE,
    };
    let mut best = None;
    for rung in ladder {
        let Fitted { config, values, name } = rung.over(&base, facts.shorter_side)?;
        let epoch_s = flop_per_epoch(&config, facts) * 1e-9 / gflop_per_s.max(1e-9);
        let epochs = (seconds / epoch_s).min(MOST);
        // The smallest is what is left where none is small enough.
        if best.is_none() || epochs >= LEAST {
            best = Some((name, values, epochs, epoch_s));
        }
    }
    Ok(best.map(|(name, values, epochs, epoch_s)| {
        let rule = if epochs < LEAST {
            format!("the smallest here, and still only {epochs:.1} epochs: take more time, or fewer pictures")
        } else {
            format!(
                "the largest that sees every picture {LEAST:.0} times in that time; {LEAST:.0} is a choice, not a measurement"
            )
        };
        let advice = |(key, value): (&'static str, String)| {
            let is_readout = READOUT.iter().any(|&(of, _)| of == key);
            Advice { key, value, rule: if is_readout { WHERE.to_owned() } else { rule.clone() } }
        };
        let network = values.into_iter().map(advice).collect();
        Suggestion { network, epochs, seconds: epochs * epoch_s, name }
    }))
}

/// The settings that advice makes: a preset, and what is over it.
fn recipe(advice: &[Advice]) -> Result<Config> {
    let mut config = Config::default();
    for Advice { key, value, .. } in advice {
        config.set(key, value)?;
        if *key == "preset" {
            config = Config::from_preset(config.preset.unwrap_or(Preset::Photos))?;
        }
    }
    Ok(config)
}

/// Seconds that all steps of training with `advice` take on a machine; evaluations and decoding are not in them.
///
/// # Errors
/// Advice that is none of [`advise`].
pub fn seconds(advice: &[Advice], facts: &Facts, machine: &Machine) -> Result<f64> {
    let config = recipe(advice)?;
    let (steps_per_epoch, work) = work(&config, facts);
    Ok(machine.seconds(work.total(config.length(steps_per_epoch).total, steps_per_epoch)))
}

impl Rung {
    /// The settings with this network, and what it changes.
    fn over(&self, base: &Config, shorter: u32) -> Result<Fitted> {
        let mut name = self.name.to_owned();
        let mut values: Vec<(&'static str, String)> =
            self.values.iter().map(|&(key, value)| (key, value.to_owned())).collect();
        if let Some(most) = self.side {
            let side = most.min(shorter.max(8) / 4 * 4).max(8).to_string();
            // Crops of small pictures are as large as the pictures, which needs no word.
            if most > SMALL_SIDE {
                name += &format!(" at {side} pixels");
            } else {
                values.extend(READOUT.map(|(key, value)| (key, value.to_owned())));
            }
            values.push(("crops", format!("2x{side}@0.3-1")));
            values.push(("eval_size", side.clone()));
            values.push(("eval_resize", side));
        }
        let mut config = base.clone();
        for (key, value) in &values {
            config.set(key, value)?;
        }
        Ok(Fitted { config, values, name })
    }
}

/// Operations of an epoch.
fn flop_per_epoch(config: &Config, facts: &Facts) -> f64 {
    let (steps, work) = work(config, facts);
    work.total(steps, steps)
}

/// Steps of an epoch, and the operations of a run.
fn work(config: &Config, facts: &Facts) -> (u64, Work) {
    let steps = (facts.pictures / config.batch.max(1)).max(1);
    let extent = Extent { pictures: steps * config.batch, classes: facts.classes };
    (steps as u64, Work::of(config, &extent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pictures: usize, shorter_side: u32) -> Facts {
        let (mean, std) = (vec![0.485, 0.456, 0.406], vec![0.228, 0.224, 0.225]);
        Facts { pictures, classes: 10, shorter_side, grey: false, mean, std }
    }

    #[test]
    fn more_time_and_faster_adapters_get_larger_networks() {
        for side in [28, 64, 300] {
            let facts = facts(5000, side);
            let of = |speed, seconds| suggest(&facts, speed, seconds).unwrap().unwrap();
            let flop = |suggestion: &Suggestion| {
                let mut config = Config::from_preset(Preset::Photos).unwrap();
                suggestion.network.iter().for_each(|a| config.set(a.key, &a.value).unwrap());
                crate::measure::flop_per_view(&config)
            };
            let found = [of(20.0, 1200.0), of(20.0, 36_000.0), of(10_000.0, 1200.0)];
            assert!(flop(&found[0]) <= flop(&found[1]) && flop(&found[0]) < flop(&found[2]), "{side}");
            assert_eq!(found[2].name, "ResNet-18", "{side}");
            for one in &found {
                assert!(one.epochs > 0.0 && one.epochs <= MOST && one.seconds <= 36_000.0 + 1e-6);
                assert!(one.network.iter().all(|advice| !advice.rule.is_empty()));
            }
        }
        // Crops are no larger than the pictures, and are called what they are.
        let name = |side, speed| suggest(&facts(5000, side), speed, 1200.0).unwrap().unwrap().name;
        assert_eq!(name(300, 1.0), "ResNet-10 of width 16 at 64 pixels");
        assert_eq!(name(50, 1.0), "ResNet-10 of width 16 at 48 pixels");
        assert_eq!(name(28, 1.0), "ResNet-10 of width 16");
        // What no network can do in the time is said.
        let slow = suggest(&facts(400_000, 32), 1.0, 60.0).unwrap().unwrap();
        assert!(slow.epochs < LEAST && slow.network[0].rule.contains("more time"));
        assert!(suggest(&facts(1_281_167, 375), 10.0, 60.0).unwrap().is_none());
    }

    #[test]
    fn a_recipe_takes_as_long_as_its_steps() {
        let facts = facts(5000, 300);
        let machine = |gflop_per_s| Machine { adapter: "this one".into(), gflop_per_s };
        let advice = advise(&facts).unwrap();
        let slow = seconds(&advice, &facts, &machine(20.0)).unwrap();
        assert!((slow - 1000.0 * seconds(&advice, &facts, &machine(20_000.0)).unwrap()).abs() < 1e-6 * slow);
        // By hand: about 20,000 steps of the preset's network and batch.
        let config = recipe(&advice).unwrap();
        assert_eq!((config.preset, config.batch), (Some(Preset::Photos), 64));
        let step = crate::measure::flop_per_step(&config) as f64 * 1e-9 / 20.0;
        let steps = slow / step;
        assert!((19_000.0..21_000.0).contains(&steps), "{steps}");
    }

    #[test]
    fn suggestions_make_valid_settings() {
        for pictures in [4, 44, 1000, 60_000, 499_999] {
            for side in [8, 9, 28, 33, 64, 100, 500] {
                for speed in [0.5, 30.0, 5000.0] {
                    let facts = facts(pictures, side);
                    let mut config = recipe(&advise(&facts).unwrap()).unwrap();
                    for Advice { key, value, .. } in suggest(&facts, speed, 1200.0).unwrap().unwrap().network
                    {
                        config.set(key, &value).unwrap();
                    }
                    config.validate().unwrap_or_else(|error| panic!("{pictures} {side} {speed}: {error}"));
                }
            }
        }
    }
}
