//! The plan of a comparison: which runs there are, and how many steps each may take. Nothing here needs a device.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Budget, three_digits};
use crate::config::{Config, CropGroup, FormerSteps, Method};
use crate::error::{Error, Result};
use crate::measure::{Extent, Work};

/// Small crops that are added where a recipe has none.
const SMALL: usize = 4;
/// The share of a picture that a small crop shows at least, as a part of what a large one does: .05 beside .14, as
/// in the paper.
const SMALL_SHARE: f64 = 0.05 / 0.14;

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is compared, the first being the one whose length sets the budget.
    pub rows: Vec<Row>,
    /// Whether the rows were chosen one by one; otherwise supervised training is left out where there are no labels.
    pub chosen: bool,
    /// With which crops each of them is trained.
    pub columns: Vec<Crops>,
    /// Runs of each, which differ in their seed: that of the settings and those that follow.
    pub seeds: u64,
    /// What is equal.
    pub budget: Budget,
    /// The folder; without it the next of `comparisons/PRESET-N`.
    pub out: Option<PathBuf>,
}

/// A row of the comparison: a method, or a value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name, such as `byol` or `epsilon 0.03`.
    pub name: String,
    /// Its settings; length, seed and folder of the runs are decided here.
    pub config: Config,
}

/// A column of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crops {
    /// The crops of the settings.
    AsSet,
    /// Large and small crops.
    With,
    /// Large crops only.
    Without,
}

impl fmt::Display for Crops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsSet => "crops as set",
            Self::With => "with small crops",
            Self::Without => "without small crops",
        })
    }
}

/// What the plan depends on of the pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Their name.
    pub name: String,
    /// Pictures to train on.
    pub pictures: usize,
    /// Classes, 0 without labels.
    pub classes: usize,
}

/// One run of the comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// `byol, without small crops, seed 31`.
    pub name: String,
    /// Its run folder, below that of the comparison.
    pub folder: String,
    /// The name of its row.
    pub row: String,
    /// Its column.
    pub column: Crops,
    /// Where its random numbers start.
    pub seed: u64,
    /// Its settings, the steps among them.
    pub config: Config,
    /// Operations of it.
    pub work: Work,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Steps of the run; 0 before the budget is shared out.
    pub steps: u64,
    /// Device memory at its peak, bytes; 0 before it was tried.
    pub memory_bytes: u64,
}

impl Arm {
    /// Operations of the whole run.
    #[must_use]
    pub fn flop(&self) -> f64 {
        self.work.total(self.steps, self.steps_per_epoch)
    }

    /// Row and column, which all seeds have in common.
    #[must_use]
    pub fn cell(&self) -> (&str, Crops) {
        (&self.row, self.column)
    }
}

/// Every run, those of one seed after another, so that a comparison that is stopped has some of each row. Steps and
/// memory are left open.
///
/// # Errors
/// [`Error::Config`]: rows that stand twice, settings that make no sense, supervised training without labels.
pub(super) fn of(request: &Request, facts: &Facts) -> Result<Vec<Arm>> {
    let unlabelled = facts.classes < 2;
    let left_out = |row: &&Row| !(unlabelled && !request.chosen && row.config.method == Method::Supervised);
    let rows: Vec<&Row> = request.rows.iter().filter(left_out).collect();
    let mut arms: Vec<Arm> = Vec::new();
    for seed in 0..request.seeds.max(1) {
        for &column in &request.columns {
            for row in &rows {
                let arm = arm(row, column, seed, &rows[0].config, facts)?;
                if arms.iter().any(|other| other.folder == arm.folder) {
                    let is_method = Method::ALL.iter().any(|method| method.name() == row.name);
                    let field = if is_method { "methods" } else { "over" };
                    return Err(Error::config(field, format!("has `{}` twice; once is enough", row.name)));
                }
                arms.push(arm);
            }
        }
    }
    if arms.len() < 2 {
        return Err(Error::config(
            "methods",
            "leave only one run to make: name two methods, both kinds of crops, or more seeds",
        ));
    }
    Ok(arms)
}

fn arm(row: &Row, column: Crops, seed: u64, first: &Config, facts: &Facts) -> Result<Arm> {
    let mut config = row.config.clone();
    config.seed = config.seed.wrapping_add(seed);
    // A limit on the clock would make arms unequal.
    (config.out, config.max_time) = (None, None);
    config.crops = crops(&config, column, first);
    let name = match column {
        Crops::AsSet => format!("{}, seed {}", row.name, config.seed),
        _ => format!("{}, {column}, seed {}", row.name, config.seed),
    };
    let of_arm = |error| match error {
        Error::Config { field, reason } => Error::config(field, format!("{reason} (in the arm “{name}”)")),
        error => error,
    };
    config.validate().map_err(of_arm)?;
    if config.method == Method::Supervised && facts.classes < 2 {
        let reason = "has supervised training, which learns from labels, and the pictures have none of two classes or \
                      more: leave it out, or put the pictures into a folder for each class";
        return Err(Error::config("methods", reason));
    }
    let steps_per_epoch = (facts.pictures / config.batch.max(1)) as u64;
    let extent = Extent { pictures: steps_per_epoch as usize * config.batch, classes: facts.classes };
    let word = match column {
        Crops::AsSet => "",
        Crops::With => "-with",
        Crops::Without => "-without",
    };
    Ok(Arm {
        folder: format!("{}{word}-{}", file_name(&row.name), config.seed),
        name,
        row: row.name.clone(),
        column,
        seed: config.seed,
        work: Work::of(&config, &extent),
        steps_per_epoch,
        steps: 0,
        memory_bytes: 0,
        config,
    })
}

/// A name as a folder has it: letters, digits, dots and dashes.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let words: String = name.chars().map(plain).collect();
    words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// The crops of a column. Small ones are those of the settings, those of the `first` row, or four of half the side.
fn crops(config: &Config, column: Crops, first: &Config) -> Vec<CropGroup> {
    let split = |config: &Config| {
        let most = config.crops.iter().map(|group| group.size).max().unwrap_or(0);
        config.crops.iter().cloned().partition::<Vec<_>, _>(|group| group.size == most)
    };
    let (large, small) = split(config);
    match column {
        Crops::AsSet => config.crops.clone(),
        Crops::Without => large,
        Crops::With => {
            let beside = |large: &CropGroup| {
                let least = large.scale[0];
                // Two digits, as people write them.
                let from = (100.0 * SMALL_SHARE * least).round().max(1.0) / 100.0;
                CropGroup {
                    count: SMALL,
                    // Second networks want a multiple of eight.
                    size: (large.size / 2).next_multiple_of(8),
                    scale: [from.min(least), least],
                }
            };
            let usual = split(first).1;
            let small = [small, usual].into_iter().find(|groups| !groups.is_empty());
            let small = small.unwrap_or_else(|| large.first().map(beside).into_iter().collect());
            large.into_iter().chain(small).collect()
        }
    }
}

/// Gives each arm its steps: as many as spend what the first arm spends in its own length, and no more, unless each has
/// its own. `prices` says what an operation of each arm costs.
///
/// # Errors
/// [`Error::Config`] for an arm that has spent all of it before its first step.
pub(super) fn share(arms: &mut [Arm], budget: Budget, prices: &[f64]) -> Result<()> {
    let Some(first) = arms.first() else { return Ok(()) };
    let least = first.name.clone();
    let total = first.config.length(first.steps_per_epoch).total;
    let spent = first.work.total(total, first.steps_per_epoch) * prices[0];
    for (at, (arm, price)) in arms.iter_mut().zip(prices).enumerate() {
        let steps = match budget {
            Budget::Steps => total,
            Budget::Own => arm.config.length(arm.steps_per_epoch).total,
            // Not by a division that may fall short of a whole number.
            _ if at == 0 => total,
            _ => arm.work.steps_within(spent / price, arm.steps_per_epoch),
        };
        // A batch beyond the pictures is refused where they are opened.
        if steps == 0 && arm.steps_per_epoch > 0 {
            return Err(Error::config("epochs", arm.unaffordable(spent / price, &least)));
        }
        arm.settle(steps.max(1));
    }
    Ok(())
}

impl Arm {
    /// Why a budget is not even enough for its first step, and what helps.
    fn unaffordable(&self, flop: f64, first: &str) -> String {
        let before = (self.work.first + self.work.epoch) as f64;
        let looks = match before {
            0.0 => String::new(),
            _ => format!(
                " ({} of it are the first look at all pictures and the labels of the first epoch)",
                three_digits(1e-9 * before)
            ),
        };
        format!(
            "is too small: up to the end of its first step {} spends {} GFLOP{looks}, and {first} leaves it {} GFLOP in \
             all; give the first more epochs, or leave “{}” out",
            self.name,
            three_digits(1e-9 * (before + self.work.step as f64)),
            three_digits(1e-9 * flop),
            self.row
        )
    }

    /// Decides the length of the run.
    pub(super) fn settle(&mut self, steps: u64) {
        self.steps = steps;
        self.config.steps = Some(steps);
        // The history of the file's own length says nothing of this one.
        self.config.former_steps = FormerSteps::default();
    }
}

#[cfg(test)]
#[path = "arms_tests.rs"]
mod tests;
