//! A comparison as tables for people. The command line and the page show the same ones.

use super::Crops;
use super::results::{ArmResult, Cell, Comparison, Mean};
use crate::judge::FeatureSource;
use crate::pass::per_second;

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

/// A figure of a cell; of accuracies that on a split.
enum Figure {
    Nearest(String),
    Linear(String),
    Information,
    Clusters,
}

impl Measure {
    /// Its value in a cell, as it is shown.
    pub(super) fn of(&self, cell: &Cell) -> Option<Mean> {
        let scale = self.shown.0;
        let found = match &self.of {
            Figure::Nearest(split) => cell.knn.get(split).copied(),
            Figure::Linear(split) => cell.linear.get(split).copied(),
            Figure::Information => cell.nmi,
            Figure::Clusters => cell.clusters,
        };
        found.map(|found| Mean {
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
        let measure = |name: String, shown, of| Measure { name, shown, of };
        let Some(split) = self.split() else {
            return vec![measure("clusters as if of equal size".to_owned(), (1.0, 1), Figure::Clusters)];
        };
        vec![
            measure(format!("kNN on {split}, %"), (100.0, 1), Figure::Nearest(split.to_owned())),
            measure(format!("linear on {split}, %"), (100.0, 1), Figure::Linear(split.to_owned())),
            measure("NMI".to_owned(), (1.0, 3), Figure::Information),
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
        for source in [FeatureSource::Untrained, FeatureSource::RawPixels] {
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
    pub(super) fn level(&self, source: FeatureSource) -> Option<Cell> {
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
            let shown = |values: Vec<f64>, show: &dyn Fn(f64) -> String| {
                Mean::of(&values).map_or_else(|| "-".to_owned(), |found| show(found.mean))
            };
            let mean = |values, digits: usize| shown(values, &|mean| format!("{mean:.digits$}"));
            Some(vec![
                cell.name(),
                first.steps.to_string(),
                three_digits(first.gflop_per_step),
                three_digits(first.gflop),
                shown(ends.iter().map(|end| end.images_per_s).collect(), &per_second),
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
