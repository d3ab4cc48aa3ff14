//! Curves of recipes that were run to their end, to hold one's own beside: is this loss what it should be?

use crate::config::{Config, Method, Preset};
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
    /// Its `metrics.jsonl`.
    lines: &'static str,
}

/// All of them.
pub const REFERENCES: &[Reference] = &[Reference {
    preset: Preset::Demo,
    name: "reference: demo",
    about: "the pictures that come with the program, seed 31, 44 epochs, Mesa's software driver",
    lines: include_str!("../../assets/curves/demo.jsonl"),
}];

impl Reference {
    /// The one to hold a run with these settings beside, where there is one: of its recipe and of SwAV.
    #[must_use]
    pub fn of(config: &Config) -> Option<&'static Self> {
        let preset = config.preset.filter(|_| config.method == Method::Swav)?;
        REFERENCES.iter().find(|reference| reference.preset == preset)
    }

    /// Its reports.
    #[must_use]
    pub fn reports(&self) -> Vec<Metrics> {
        // A test reads every line.
        self.lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
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
            assert!(last.step > first.step && last.loss < first.loss, "{}", reference.name);
            assert!(last.knn.is_some() && last.lr < 1e-6, "{}: it was not run to its end", reference.name);
            let config = Config::from_preset(reference.preset).unwrap();
            assert!(Reference::of(&config).is_some_and(|found| found.name == reference.name));
            assert!(Reference::of(&Config { method: Method::Byol, ..config }).is_none());
        }
    }
}
