//! Curves of recipes that were run to their end, to hold one's own beside: is this loss what it should be?

use crate::config::{Config, Preset};
use crate::train::Metrics;
use crate::words::counted;

/// Runs of a recipe as it stands, of seeds that differ: how far they lie apart says how much of a difference is chance.
#[derive(Debug)]
pub struct References {
    /// The recipe.
    pub preset: Preset,
    /// What they were trained on, and where.
    pub about: &'static str,
    /// Steps of a whole run.
    pub steps: u64,
    /// `metrics.jsonl` of each, or of long runs one line of ten and those of evaluations.
    runs: &'static [&'static str],
}

macro_rules! references {
    ($preset:ident, $name:literal, seeds $($seed:literal)+, $epochs:literal epochs, $steps:literal steps) => {
        References {
            preset: Preset::$preset,
            about: concat!(
                "the pictures that come with the program, ",
                $epochs,
                " epochs, Mesa's software driver"
            ),
            steps: $steps,
            runs: &[$(include_str!(concat!("../../assets/curves/", $name, "-", $seed, ".jsonl"))),+],
        }
    };
}

/// One of each recipe that was run.
pub static REFERENCES: &[References] = &[
    references!(Demo, "demo", seeds 31 32 33, 44 epochs, 1892 steps),
    references!(PictoLong, "picto-long", seeds 31 32 33, 400 epochs, 17200 steps),
];

/// Settings of which another value makes no other curve, beside those that a resumed run may change: another seed or
/// length ends near the same loss, and how a run judges itself says nothing of its loss.
const FREE: [&str; 14] = [
    "seed",
    "epochs",
    "warmup",
    "out",
    "augment",
    "depth",
    "precision",
    "eval_resize",
    "eval_size",
    "eval_stage",
    "eval_grid",
    "knn_k",
    "knn_temperature",
    "weights_key",
];

impl References {
    /// Those to hold a run with these settings beside: of the same pictures, in the same recipe.
    #[must_use]
    pub fn of(config: &Config) -> Option<&'static Self> {
        REFERENCES.iter().find(|references| references.fits(config))
    }

    /// Whether a run with these settings is of the same pictures and in the same recipe.
    #[must_use]
    pub fn fits(&self, config: &Config) -> bool {
        if config.data.is_some() || config.preset != Some(self.preset) {
            return false;
        }
        let Ok(recipe) = Config::from_preset(self.preset) else { return false };
        let free = |key| FREE.contains(&key) || Config::RESUMABLE.contains(&key);
        let mut fixed = Config::SETTINGS.iter().filter(|setting| !free(setting.key));
        fixed.all(|setting| (setting.get)(config) == (setting.get)(&recipe))
    }

    /// The reports of each run.
    #[must_use]
    pub fn runs(&self) -> Vec<Vec<Metrics>> {
        // A test reads every line.
        let reports =
            |lines: &&str| lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        self.runs.iter().map(reports).collect()
    }

    /// What they are called beside a run of `total` steps. Beside one of another length they stand at the same share of the
    /// run, and their name says so: rates of both then rise and fall together, and steps of the same number would be of
    /// different parts of the schedule.
    #[must_use]
    pub fn name_beside(&self, total: u64) -> String {
        let shared = if self.is_shared(total) { ", by share of the run" } else { "" };
        format!("{} of {}{shared}", counted(self.runs.len(), "reference run"), self.preset)
    }

    /// The reports of each run as they are drawn beside a run of `total` steps.
    #[must_use]
    pub fn runs_beside(&self, total: u64) -> Vec<Vec<Metrics>> {
        let mut runs = self.runs();
        if self.is_shared(total) {
            for report in runs.iter_mut().flatten() {
                let share = report.step as f64 / self.steps as f64;
                report.step = ((share * total as f64).round() as u64).max(1);
            }
        }
        runs
    }

    /// Whether a run of `total` steps (0 where nobody knows) is of another length.
    fn is_shared(&self, total: u64) -> bool {
        total != self.steps && total > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_reference_is_a_report_of_a_run_that_learned() {
        for references in REFERENCES {
            let (name, runs) = (references.preset, references.runs());
            for (reports, lines) in runs.iter().zip(references.runs) {
                assert_eq!(reports.len(), lines.lines().count(), "{name}");
                let (first, last) = (&reports[0], &reports[reports.len() - 1]);
                assert_eq!(last.step, references.steps, "{name}");
                assert!(last.step > first.step && last.loss < first.loss, "{name}");
                assert!(last.knn.is_some() && last.lr < 1e-6, "{name}: it was not run to its end");
            }
            let mut ends: Vec<f64> = runs.iter().map(|reports| reports[reports.len() - 1].loss).collect();
            ends.dedup();
            assert_eq!(ends.len(), runs.len(), "{name}: of one seed");
            let config = Config::from_preset(references.preset).unwrap();
            assert!(std::ptr::eq(References::of(&config).unwrap(), references), "{name}");
        }
    }

    #[test]
    fn beside_a_run_of_another_length_they_stand_at_the_same_share() {
        let references = &REFERENCES[0];
        let (whole, total) = (references.runs(), references.steps);
        let steps = |reports: &[Metrics]| reports.iter().map(|report| report.step).collect::<Vec<_>>();
        // Of a run whose length is not known there is no share.
        for same in [total, 0] {
            assert_eq!(references.name_beside(same), "3 reference runs of demo");
            assert_eq!(steps(&references.runs_beside(same)[2]), steps(&whole[2]));
        }
        for other in [total / 3, 4 * total] {
            assert_eq!(references.name_beside(other), "3 reference runs of demo, by share of the run");
            for (shared, whole) in references.runs_beside(other).iter().zip(&whole) {
                assert_eq!((shared.len(), shared[shared.len() - 1].step), (whole.len(), other));
                // Where half of a run is done, the rate is the one of the middle.
                let rate = |reports: &[Metrics], total: u64| {
                    reports.iter().find(|report| 2 * report.step >= total).map(|report| report.lr)
                };
                assert_eq!(rate(shared, other), rate(whole, total));
                assert!(steps(shared).is_sorted());
            }
        }
    }

    #[test]
    fn references_are_of_the_same_pictures_and_settings() {
        let recipe = Config::from_preset(Preset::Demo).unwrap();
        let with = |changes: &[(&str, &str)]| {
            let mut config = recipe.clone();
            changes.iter().for_each(|(key, value)| config.set(key, value).unwrap());
            References::of(&config).is_some()
        };
        assert!(with(&[
            ("seed", "5"),
            ("steps", "900"),
            ("workers", "2"),
            ("out", "runs/mine"),
            ("eval_every", "3")
        ]));
        for change in
            [("prototypes", "60"), ("batch", "128"), ("lr", "0.1"), ("method", "byol"), ("data", "photos")]
        {
            assert!(!with(&[change]), "{change:?}");
        }
        for key in FREE {
            Config::setting(key).unwrap();
        }
    }
}
