//! Curves of recipes that were run to their end, to hold one's own beside: is this loss what it should be?

use crate::config::{Config, Preset};
use crate::train::Metrics;

/// A run of a recipe as it stands.
#[derive(Debug)]
pub struct Reference {
    /// The recipe.
    pub preset: Preset,
    /// What it is called beside other runs.
    pub name: &'static str,
    /// What it was trained on, and where.
    pub about: &'static str,
    /// Steps of the whole run.
    pub steps: u64,
    /// Its `metrics.jsonl`, or of a long run one line of ten and those of evaluations.
    lines: &'static str,
}

macro_rules! reference {
    ($preset:ident, $name:literal, seed $seed:literal, $epochs:literal epochs, $steps:literal steps) => {
        Reference {
            preset: Preset::$preset,
            name: concat!("reference: ", $name, " (seed ", $seed, ")"),
            about: concat!(
                "the pictures that come with the program, ",
                $epochs,
                " epochs, Mesa's software driver"
            ),
            steps: $steps,
            lines: include_str!(concat!("../../assets/curves/", $name, "-", $seed, ".jsonl")),
        }
    };
}

/// All of them. How far those of other seeds lie apart says how much of a difference is chance.
pub const REFERENCES: &[Reference] = &[
    reference!(Demo, "demo", seed 31, 44 epochs, 1892 steps),
    reference!(Demo, "demo", seed 32, 44 epochs, 1892 steps),
    reference!(Demo, "demo", seed 33, 44 epochs, 1892 steps),
    reference!(PictoLong, "picto-long", seed 31, 400 epochs, 17200 steps),
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

impl Reference {
    /// Those to hold a run with these settings beside: of the same pictures, in the same recipe.
    #[must_use]
    pub fn all_of(config: &Config) -> Vec<&'static Self> {
        REFERENCES.iter().filter(|reference| reference.fits(config)).collect()
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

    /// Its reports.
    #[must_use]
    pub fn reports(&self) -> Vec<Metrics> {
        // A test reads every line.
        self.lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// What it is called beside a run of `total` steps. Beside one of another length it stands at the same share of the run,
    /// and its name says so: rates of both then rise and fall together, and steps of the same number would be of different
    /// parts of the schedule.
    #[must_use]
    pub fn name_beside(&self, total: u64) -> String {
        let shared = if self.is_shared(total) { ", by share of the run" } else { "" };
        format!("{}{shared}", self.name)
    }

    /// Its reports as they are drawn beside a run of `total` steps.
    #[must_use]
    pub fn reports_beside(&self, total: u64) -> Vec<Metrics> {
        let mut reports = self.reports();
        if self.is_shared(total) {
            for report in &mut reports {
                let share = report.step as f64 / self.steps as f64;
                report.step = ((share * total as f64).round() as u64).max(1);
            }
        }
        reports
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
        for reference in REFERENCES {
            let reports = reference.reports();
            assert_eq!(reports.len(), reference.lines.lines().count(), "{}", reference.name);
            let (first, last) = (&reports[0], &reports[reports.len() - 1]);
            assert_eq!(last.step, reference.steps, "{}", reference.name);
            assert!(last.step > first.step && last.loss < first.loss, "{}", reference.name);
            assert!(last.knn.is_some() && last.lr < 1e-6, "{}: it was not run to its end", reference.name);
            let config = Config::from_preset(reference.preset).unwrap();
            assert!(reference.fits(&config));
        }
        let names: Vec<&str> = REFERENCES.iter().map(|reference| reference.name).collect();
        assert!(names.iter().all(|name| names.iter().filter(|other| other.starts_with(name)).count() == 1));
    }

    #[test]
    fn beside_a_run_of_another_length_it_stands_at_the_same_share() {
        let reference = &REFERENCES[0];
        let (whole, total) = (reference.reports(), reference.steps);
        let steps = |reports: &[Metrics]| reports.iter().map(|report| report.step).collect::<Vec<_>>();
        // Of a run whose length is not known there is no share.
        for same in [total, 0] {
            assert_eq!(reference.name_beside(same), reference.name);
            assert_eq!(steps(&reference.reports_beside(same)), steps(&whole));
        }
        for other in [total / 3, 4 * total] {
            assert_eq!(reference.name_beside(other), format!("{}, by share of the run", reference.name));
            let shared = reference.reports_beside(other);
            assert_eq!((shared.len(), shared[shared.len() - 1].step), (whole.len(), other));
            // Where half of a run is done, the rate is the one of the middle.
            let rate = |reports: &[Metrics], total: u64| {
                reports.iter().find(|report| 2 * report.step >= total).map(|report| report.lr)
            };
            assert_eq!(rate(&shared, other), rate(&whole, total));
            assert!(steps(&shared).is_sorted());
        }
    }

    #[test]
    fn a_reference_is_of_the_same_pictures_and_settings() {
        let recipe = Config::from_preset(Preset::Demo).unwrap();
        let with = |changes: &[(&str, &str)]| {
            let mut config = recipe.clone();
            changes.iter().for_each(|(key, value)| config.set(key, value).unwrap());
            !Reference::all_of(&config).is_empty()
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
