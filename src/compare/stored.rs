//! The plan of a comparison on the disk: the same command goes on with it, another is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Arm, Budget, Crops, Facts, write_json};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::measure::Work;
use crate::runs::place;
use crate::words::counted;

/// The file in the folder of the comparison.
const FILE: &str = "plan.json";
/// Settings that decide where a run computes, or that the plan decides itself.
pub(super) const FREE: [&str; 9] =
    ["out", "steps", "adapter", "kernels", "tuned", "submission_ms", "workers", "cache", "prefetch"];

/// `plan.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stored {
    /// What is equal.
    pub(super) budget: Budget,
    /// The pictures.
    pub(super) pictures: Facts,
    /// The runs, in their order.
    arms: Vec<StoredArm>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredArm {
    name: String,
    folder: String,
    row: String,
    column: Crops,
    seed: u64,
    steps: u64,
    steps_per_epoch: u64,
    /// Operations of the whole run.
    flop: f64,
    work: Work,
    memory_bytes: u64,
    settings: BTreeMap<String, String>,
}

/// Whether a comparison was begun in this folder.
pub(super) fn is_begun(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}

/// Refuses a folder in which no comparison can begin.
///
/// # Errors
/// [`Error::Config`] for `out`.
pub(super) fn check_new(folder: &Path) -> Result<()> {
    let entries = |folder: &Path| std::fs::read_dir(folder).map_err(Error::io(folder));
    if !folder.exists() || (folder.is_dir() && entries(folder)?.next().is_none()) {
        return place::check(folder);
    }
    let reason = format!("{} holds something else than a comparison: name a new folder", folder.display());
    Err(Error::config("out", reason))
}

impl Stored {
    /// A plan that was just made.
    pub(super) fn new(budget: Budget, pictures: &Facts, arms: &[Arm]) -> Self {
        let arm = |arm: &Arm| StoredArm {
            name: arm.name.clone(),
            folder: arm.folder.clone(),
            row: arm.row.clone(),
            column: arm.column,
            seed: arm.seed,
            steps: arm.steps,
            steps_per_epoch: arm.steps_per_epoch,
            flop: arm.flop(),
            work: arm.work,
            memory_bytes: arm.memory_bytes,
            settings: settings(&arm.config),
        };
        Self { budget, pictures: pictures.clone(), arms: arms.iter().map(arm).collect() }
    }

    /// The plan of a folder.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] for a file that is no plan.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = path(folder);
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        serde_json::from_str(&text)
            .map_err(|error| Error::Data { reason: format!("is no plan of a comparison ({error})"), path })
    }

    /// Writes it.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        write_json(&path(folder), self)
    }

    /// Gives `arms` the steps and the memory that were found when the comparison in `folder` began.
    ///
    /// # Errors
    /// [`Error::Config`] where it compares something else: the first thing that differs, in a sentence.
    pub(super) fn put_into(
        &self,
        arms: &mut [Arm],
        budget: Budget,
        pictures: &Facts,
        folder: &Path,
    ) -> Result<()> {
        let shown = folder.display();
        let other = |reason: String| {
            let reason = format!("{shown} {reason}; repeat the command as it was, or name another folder");
            Err(Error::config("out", reason))
        };
        if budget != self.budget {
            return other(format!(
                "was begun with a budget of {}, not of {}",
                self.budget.name(),
                budget.name()
            ));
        }
        let counts = |of: &Facts| (of.pictures, of.classes);
        if counts(pictures) != counts(&self.pictures) {
            let [(then, classes), (now, others)] = [&self.pictures, pictures].map(counts);
            return other(format!(
                "was begun on {} of {}, not {now} of {others}",
                counted(then, "picture"),
                counted(classes, "class")
            ));
        }
        let names = |arms: &mut dyn Iterator<Item = &str>| arms.collect::<Vec<_>>().join("; ");
        let [then, now] = [
            names(&mut self.arms.iter().map(|arm| arm.name.as_str())),
            names(&mut arms.iter().map(|arm| arm.name.as_str())),
        ];
        if then != now {
            return other(format!("compares {then}, not {now}"));
        }
        let usual = settings(&Config::default());
        for (arm, stored) in arms.iter_mut().zip(&self.arms) {
            let now = settings(&arm.config);
            // A setting that is not there is of a later version of the program.
            let then = |key: &String| stored.settings.get(key).or_else(|| usual.get(key));
            let differs = |key: &&String| now.get(*key) != then(key);
            if let Some(key) = now.keys().chain(stored.settings.keys()).find(differs) {
                let [then, now] = [then(key), now.get(key)].map(|value| value.cloned().unwrap_or_default());
                return other(format!("was begun with `{key}` {then}, not {now}, in {}", arm.name));
            }
            arm.memory_bytes = stored.memory_bytes;
        }
        // The length of the first is asked for; the others follow from it, or from what was measured, unless each has its own.
        let asked = if budget == Budget::Own { arms.len() } else { 1 };
        for (arm, stored) in arms.iter().zip(&self.arms).take(asked) {
            let total = arm.config.length(arm.steps_per_epoch).total;
            if total != stored.steps {
                return other(format!(
                    "was begun with {} steps of {}, not {total}",
                    stored.steps, stored.name
                ));
            }
        }
        arms.iter_mut().zip(&self.arms).for_each(|(arm, stored)| arm.settle(stored.steps));
        Ok(())
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The settings that decide what is computed, as texts.
fn settings(config: &Config) -> BTreeMap<String, String> {
    let fixed = Config::SETTINGS.iter().filter(|setting| !FREE.contains(&setting.key));
    fixed.map(|setting| (setting.key.to_owned(), (setting.get)(config))).collect()
}

impl Budget {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flop => "flop",
            Self::Steps => "steps",
            Self::Time => "time",
            Self::Own => "own",
        }
    }
}
