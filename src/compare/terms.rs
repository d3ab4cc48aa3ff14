//! What was equal in a comparison and what was not, in sentences.

use super::stored::FREE;
use super::{Budget, Comparison};
use crate::config::{Config, Method, Setting};
use crate::words::counted;

/// Something that was equal where none of the settings that it depends on differs.
struct Term {
    sentence: &'static str,
    covers: fn(&Setting) -> bool,
}

/// Settings of the group `Model` that are not the trunk's, and not read by all.
const HEAD: [&str; 3] = ["hidden", "head_norm", "embedding"];
/// Settings of other groups that decide what crops and judged pictures are normalised by.
const LEVELS: [&str; 3] = ["mean", "std", "normalize"];

/// By the groups of settings, so that a new one is covered by the sentence of its group.
const TERMS: [Term; 8] = [
    Term { sentence: "The pictures to train on.", covers: decodes },
    Term {
        sentence: "The pictures, measures and seeds by which all networks are judged.",
        covers: |of| of.group == "Evaluation" || LEVELS.contains(&of.key) || decodes(of),
    },
    Term {
        sentence: "The trunk.",
        covers: |of| of.group == "Model" && !HEAD.contains(&of.key) && of.key != "prototypes",
    },
    Term { sentence: "The projection head.", covers: |of| HEAD.contains(&of.key) },
    Term {
        sentence: "Pictures in a step.",
        covers: |of| matches!(of.key, "batch" | "micro_batch" | "sync_bn"),
    },
    Term { sentence: "Crops.", covers: |of| of.key == "crops" },
    Term {
        sentence: "What is done to crops.",
        covers: |of| {
            (of.group == "Crops" && of.key != "crops") || of.key == "augment" || LEVELS.contains(&of.key)
        },
    },
    Term { sentence: "The optimiser and its rates.", covers: |of| of.group == "Optimiser" },
];

/// Whether a setting decides which pictures there are and how they are read.
fn decodes(of: &Setting) -> bool {
    of.group == "Data" && !FREE.contains(&of.key) && !matches!(of.key, "augment" | "normalize")
}

impl Comparison {
    /// What was equal.
    #[must_use]
    pub fn equal(&self) -> Vec<String> {
        let budget = match self.budget {
            Budget::Flop => Some(
                "Compute: each run has as many steps as fit into the floating-point operations of the first one. \
                 Forward passes of second networks, first looks at all pictures and labels before epochs count; \
                 batch norms, losses and updates do not.",
            ),
            Budget::Steps => Some("Steps: every run has as many."),
            Budget::Time => Some(
                "Time: each run has as many steps as fit into the time of the first one, by a few steps of each \
                 that were measured before; what precedes epochs is taken to be as fast as steps are.",
            ),
            Budget::Own => None,
        };
        let mut said: Vec<String> = budget.map(str::to_owned).into_iter().collect();
        let same = |term: &Term| {
            let mut covered = Config::SETTINGS.iter().filter(|setting| (term.covers)(setting));
            covered.all(|setting| !self.differing.contains_key(setting.key))
        };
        said.extend(TERMS.iter().filter(|term| same(term)).map(|term| term.sentence.to_owned()));
        said
    }

    /// What was not, and how far the figures carry.
    #[must_use]
    pub fn unequal(&self) -> Vec<String> {
        let mut said = Vec::new();
        if !self.differing.is_empty() {
            let keys: Vec<&str> = self.differing.keys().copied().collect();
            said.push(format!(
                "Settings in which each follows its own recipe or what was asked for: {}.",
                keys.join(", ")
            ));
        }
        let budget = match self.budget {
            Budget::Flop => "Steps, seconds and how often each picture is seen.",
            Budget::Steps => "Compute and time: a step of one is more work than a step of another.",
            Budget::Time => "Steps and operations; and another adapter has other times.",
            Budget::Own => {
                "The length of the runs, and with it compute and time: each has its own, with the whole schedule in it."
            }
        };
        said.push(budget.to_owned());
        let trained_on = |method| self.arms.iter().any(|arm| arm.method == method);
        if trained_on(Method::Supervised) {
            said.push("Supervised training knows the labels, the others do not.".to_owned());
        }
        if trained_on(Method::SelaV2) && self.budget != Budget::Steps {
            said.push("Balancing of sela-v2 counts as if it always made all its rounds.".to_owned());
        }
        said.push(
            "Small budgets favour methods that learn fast: published rankings are of hundreds of epochs, where \
             recipes were tuned for each method, as they were not here."
                .to_owned(),
        );
        if self.arms.iter().all(|arm| arm.seed == self.arms[0].seed) {
            said.push("There is one seed: differences of one or two percent may be chance.".to_owned());
        } else {
            said.push("± is the deviation of single runs over their seeds.".to_owned());
        }
        let diverged: usize = self.cells.iter().map(|cell| cell.failures).sum();
        if diverged > 0 {
            said.push(format!(
                "{} diverged: a figure with “(2 of 3)” behind it is the mean of the runs that came to their end.",
                counted(diverged, "run")
            ));
        }
        if self.splits().is_empty() {
            said.push("The pictures have no labels: kNN and linear classifiers are left out.".to_owned());
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Facts;
    use std::collections::BTreeMap;

    /// A comparison in which this setting differs.
    fn over(key: &'static str) -> Comparison {
        Comparison {
            version: "test",
            budget: Budget::Steps,
            pictures: Facts { name: "pictures".to_owned(), pictures: 9, classes: 2 },
            complete: true,
            arms: Vec::new(),
            cells: Vec::new(),
            baselines: None,
            differing: BTreeMap::from([(key, vec!["a".to_owned(), "b".to_owned()])]),
        }
    }

    #[test]
    fn nothing_is_called_equal_that_differs() {
        let all = over("temperature").equal();
        assert_eq!(all.len(), 1 + TERMS.len(), "no sentence is about what methods are made of: {all:?}");
        for setting in Config::SETTINGS {
            let said = over(setting.key).equal();
            let named = |word: &str| said.iter().any(|one| one.contains(word));
            // What a sentence is about, by the group that people see.
            let untrue: &[&str] = match (setting.group, setting.key) {
                (_, "crops") => &["Crops."],
                (_, "mean" | "std" | "normalize") => &["done to crops", "judged"],
                (_, "augment") => &["done to crops"],
                (_, "batch" | "micro_batch" | "sync_bn") => &["in a step"],
                (_, "hidden" | "head_norm" | "embedding") => &["projection head"],
                (_, "prototypes") => &[],
                (_, key) if FREE.contains(&key) => &[],
                ("Crops", _) => &["done to crops"],
                ("Optimiser", _) => &["optimiser"],
                ("Evaluation", _) => &["judged"],
                ("Model", _) => &["trunk"],
                ("Data", _) => &["to train on", "judged"],
                ("Run" | "Method" | "Device", _) => &[],
                (group, key) => panic!("`{key}` of the new group {group}: which sentences are about it?"),
            };
            for word in untrue {
                assert!(!named(word), "`{}`: {word}: {said:?}", setting.key);
            }
            assert_eq!(said.len(), all.len() - untrue.len(), "`{}`: {said:?}", setting.key);
        }
    }
}
