//! What was equal in a comparison and what was not, in sentences.

use super::{Budget, Comparison};
use crate::config::Method;

impl Comparison {
    /// What was equal.
    #[must_use]
    pub fn equal(&self) -> Vec<String> {
        let mut said = vec![
            match self.budget {
                Budget::Flop => {
                    "Compute: each run has as many steps as fit into the floating-point operations of the first one. \
                     Forward passes of second networks, first looks at all pictures and labels before epochs count; \
                     batch norms, losses and updates do not."
                }
                Budget::Steps => "Steps: every run has as many.",
                Budget::Time => {
                    "Time: each run has as many steps as fit into the time of the first one, by a few steps of each \
                     that were measured before; what precedes epochs is taken to be as fast as steps are."
                }
            }
            .to_owned(),
            "The pictures to train on, and the pictures, measures and seeds by which all networks are judged.".to_owned(),
        ];
        let same = |keys: &[&str]| keys.iter().all(|key| !self.differing.contains_key(key));
        for (what, keys) in [
            ("The trunk.", &["arch", "block", "blocks", "width", "stem"][..]),
            ("Pictures in a step.", &["batch"]),
            ("Crops.", &["crops"]),
            (
                "What is done to crops.",
                &["brightness", "contrast", "saturation", "hue", "grey", "blur", "flip"],
            ),
            ("The optimiser and its rates.", &["optimizer", "lr", "weight_decay", "momentum"]),
        ] {
            if same(keys) {
                said.push(what.to_owned());
            }
        }
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
        if self.split().is_none() {
            said.push("The pictures have no labels: kNN and linear classifiers are left out.".to_owned());
        }
        said
    }
}
