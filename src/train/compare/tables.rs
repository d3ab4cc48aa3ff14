//! A comparison as tables and sentences for people. The command line and the page show the same ones.

use super::results::{ArmResult, Cell, Comparison, Mean};
use super::{Budget, Crops};
use crate::config::Method;
use crate::train::examine::Source;

/// Takes a figure out of a cell.
type Figure = Box<dyn Fn(&Cell) -> Option<Mean>>;

/// A table: the first column names the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// What stands over the columns.
    pub head: Vec<String>,
    /// The cells, `-` where there is nothing.
    pub rows: Vec<Vec<String>>,
}

/// A measure that cells are compared by.
pub(super) struct Measure {
    /// Its name and unit.
    pub(super) name: String,
    /// What its values are multiplied by to be shown, and with how many digits.
    pub(super) shown: (f64, usize),
    of: Figure,
}

impl Measure {
    /// Its value in a cell, as it is shown.
    pub(super) fn of(&self, cell: &Cell) -> Option<Mean> {
        let scale = self.shown.0;
        (self.of)(cell).map(|found| Mean {
            mean: scale * found.mean,
            deviation: found.deviation.map(|deviation| scale * deviation),
            runs: found.runs,
        })
    }

    fn text(&self, cell: &Cell) -> String {
        let digits = self.shown.1;
        match self.of(cell) {
            None if cell.failures > 0 => "diverged".to_owned(),
            None => "-".to_owned(),
            Some(Mean { mean, deviation: None, .. }) => format!("{mean:.digits$}"),
            Some(Mean { mean, deviation: Some(deviation), .. }) => {
                format!("{mean:.digits$} ± {deviation:.digits$}")
            }
        }
    }
}

impl Comparison {
    /// The measures that there are: kNN and linear accuracy on the first split and NMI where there are labels, and how
    /// evenly clusters are used where there are none.
    pub(super) fn measures(&self) -> Vec<Measure> {
        let Some(split) = self.split().map(str::to_owned) else {
            return vec![Measure {
                name: "clusters as if of equal size".to_owned(),
                shown: (1.0, 1),
                of: Box::new(|cell| cell.clusters),
            }];
        };
        let other = split.clone();
        vec![
            Measure {
                name: format!("kNN on {split}, %"),
                shown: (100.0, 1),
                of: Box::new(move |cell| cell.knn.get(&split).copied()),
            },
            Measure {
                name: format!("linear on {other}, %"),
                shown: (100.0, 1),
                of: Box::new(move |cell| cell.linear.get(&other).copied()),
            },
            Measure { name: "NMI".to_owned(), shown: (1.0, 3), of: Box::new(|cell| cell.nmi) },
        ]
    }

    /// The columns, in their order.
    pub(super) fn columns(&self) -> Vec<Crops> {
        let mut columns: Vec<Crops> = self.cells.iter().map(|cell| cell.column).collect();
        columns.dedup();
        columns
    }

    /// The names of the rows, in their order.
    pub(super) fn row_names(&self) -> Vec<&str> {
        let first = self.cells.first().map(|cell| cell.column);
        let rows = self.cells.iter().filter(|cell| Some(cell.column) == first);
        rows.map(|cell| cell.row.as_str()).collect()
    }

    pub(super) fn cell(&self, row: &str, column: Crops) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.row == row && cell.column == column)
    }

    /// How good the features of each row are, with the crops of each column; raw pixels and the untrained network of
    /// the first arm last.
    #[must_use]
    pub fn results(&self) -> Grid {
        let (measures, columns) = (self.measures(), self.columns());
        let mut grid = Grid { head: vec![String::new()], rows: Vec::new() };
        for measure in &measures {
            grid.head.extend(columns.iter().map(|column| match column {
                Crops::AsSet => measure.name.clone(),
                _ => format!("{}, {column}", measure.name),
            }));
        }
        for row in self.row_names() {
            let mut line = vec![row.to_owned()];
            for measure in &measures {
                let text = |column: &Crops| {
                    self.cell(row, *column).map_or("-".to_owned(), |cell| measure.text(cell))
                };
                line.extend(columns.iter().map(text));
            }
            grid.rows.push(line);
        }
        for source in [Source::Untrained, Source::RawPixels] {
            let Some(level) = self.level(source) else { continue };
            let mut line = vec![source.name().to_owned()];
            for measure in &measures {
                line.extend(columns.iter().map(|_| measure.text(&level)));
            }
            grid.rows.push(line);
        }
        grid
    }

    /// A baseline, in the form of a cell.
    pub(super) fn level(&self, source: Source) -> Option<Cell> {
        let of = self.baselines.as_ref()?.of(|one| one == source);
        let one = |share: f64| Mean { mean: share, deviation: None, runs: 1 };
        let by_k_means = of.clusters.iter().find(|one| one.by == "k-means");
        let any = !(of.knn.is_empty() && of.clusters.is_empty());
        any.then(|| Cell {
            row: source.name().to_owned(),
            column: Crops::AsSet,
            knn: of.knn.iter().map(|found| (found.split.clone(), one(found.top1))).collect(),
            linear: of.linear.iter().map(|found| (found.split.clone(), one(found.top1))).collect(),
            nmi: by_k_means.and_then(|found| found.nmi).map(one),
            clusters: by_k_means.map(|found| one(found.effective)),
            failures: 0,
        })
    }

    /// What each cell took, means over its seeds.
    #[must_use]
    pub fn costs(&self) -> Grid {
        let head =
            ["", "steps", "GFLOP a step", "GFLOP", "images/s", "seconds", "MiB", "loss", "chance", "spread"];
        let row = |cell: &Cell| {
            let arms: Vec<&ArmResult> = self.arms_of(cell).collect();
            let first = arms.first()?;
            let ends: Vec<_> = arms.iter().filter_map(|arm| arm.summary.as_ref()).collect();
            let mean = |values: Vec<f64>, digits: usize| {
                Mean::of(&values).map_or_else(|| "-".to_owned(), |found| format!("{:.digits$}", found.mean))
            };
            Some(vec![
                cell.name(),
                first.steps.to_string(),
                three_digits(first.gflop_per_step),
                three_digits(first.gflop),
                mean(ends.iter().map(|end| end.images_per_s).collect(), 0),
                mean(ends.iter().map(|end| end.seconds).collect(), 0),
                format!("{:.0}", first.memory_bytes as f64 / f64::from(1 << 20)),
                mean(ends.iter().map(|end| end.loss).collect(), 3),
                mean(ends.iter().filter_map(|end| end.chance).collect(), 3),
                mean(ends.iter().map(|end| end.embedding_spread).collect(), 2),
            ])
        };
        Grid { head: head.map(str::to_owned).to_vec(), rows: self.cells.iter().filter_map(row).collect() }
    }

    /// The settings that differ, a column for each cell.
    #[must_use]
    pub fn settings(&self) -> Grid {
        let head = std::iter::once("setting".to_owned()).chain(self.cells.iter().map(Cell::name)).collect();
        let row = |(key, values): (&&str, &Vec<String>)| {
            std::iter::once((*key).to_owned()).chain(values.iter().cloned()).collect()
        };
        Grid { head, rows: self.differing.iter().map(row).collect() }
    }

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
        match self.budget {
            Budget::Flop => said.push("Steps, seconds and how often each picture is seen.".to_owned()),
            Budget::Steps => {
                said.push("Compute and time: a step of one is more work than a step of another.".to_owned());
            }
            Budget::Time => {
                said.push("Steps and operations; and another adapter has other times.".to_owned());
            }
        }
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

impl Cell {
    /// Row and column in words.
    #[must_use]
    pub fn name(&self) -> String {
        match self.column {
            Crops::AsSet => self.row.clone(),
            column => format!("{}, {column}", self.row),
        }
    }
}

/// A number with three digits that count, or all before the point.
#[must_use]
pub fn three_digits(value: f64) -> String {
    let power = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    let digits = (2.0 - power).clamp(0.0, 9.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_or_more() {
        let shown = [0.0, 0.006_789, 3.174, 41.26, 6005.4].map(three_digits);
        assert_eq!(shown, ["0.00", "0.00679", "3.17", "41.3", "6005"]);
    }
}
