//! A comparison as tables for people. The command line and the page show the same ones.

use std::collections::BTreeMap;

use super::Crops;
use super::judge::Accuracy;
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
    /// Its name, unit and split.
    pub(super) name: String,
    /// The same without the split.
    short: &'static str,
    /// The split, of an accuracy.
    split: Option<String>,
    /// What its values are multiplied by to be shown, and with how many digits.
    pub(super) shown: (f64, usize),
    of: Figure,
}

/// A figure of a cell; of accuracies that on the measure's split.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figure {
    Nearest,
    Centred,
    Linear,
    Information,
    Clusters,
}

impl Measure {
    /// Its value in a cell, as it is shown.
    pub(super) fn of(&self, cell: &Cell) -> Option<Mean> {
        let scale = self.shown.0;
        let on_split = |by_split: &BTreeMap<String, Mean>| by_split.get(self.split.as_ref()?).copied();
        let found = match self.of {
            Figure::Nearest => on_split(&cell.knn),
            Figure::Centred => on_split(&cell.knn_centred),
            Figure::Linear => on_split(&cell.linear),
            Figure::Information => cell.nmi,
            Figure::Clusters => cell.clusters,
        };
        found.map(|found| Mean {
            mean: scale * found.mean,
            deviation: found.deviation.map(|deviation| scale * deviation),
            runs: found.runs,
        })
    }

    /// Its value in a cell in words, with how many of the runs it is of where some diverged.
    pub(super) fn text(&self, cell: &Cell) -> String {
        let digits = self.shown.1;
        let Some(Mean { mean, deviation, runs }) = self.of(cell) else {
            return if cell.failures > 0 { "diverged" } else { "-" }.to_owned();
        };
        let deviation = deviation.map_or_else(String::new, |deviation| format!(" ± {deviation:.digits$}"));
        let share = match cell.failures {
            0 => String::new(),
            failures => format!(" ({runs} of {})", runs + failures),
        };
        format!("{mean:.digits$}{deviation}{share}")
    }

    /// Whether more of it is better, so that a baseline can be beaten.
    pub(super) fn is_accuracy(&self) -> bool {
        self.of != Figure::Clusters
    }
}

impl Comparison {
    /// The measures that there are: kNN (plain and centred) and linear accuracy on every split and NMI where there are
    /// labels, and how evenly clusters are used where there are none.
    pub(super) fn measures(&self) -> Vec<Measure> {
        let accuracy = |short: &'static str, split: &str, of| {
            let name = short.replace(", %", &format!(" on {split}, %"));
            Measure { name, short, split: Some(split.to_owned()), shown: (100.0, 1), of }
        };
        let other = |short: &'static str, digits, of| Measure {
            name: short.to_owned(),
            short,
            split: None,
            shown: (1.0, digits),
            of,
        };
        let splits = self.splits();
        if splits.is_empty() {
            return vec![other("clusters as if of equal size", 1, Figure::Clusters)];
        }
        let mut measures = Vec::new();
        for split in splits {
            measures.push(accuracy("kNN, %", split, Figure::Nearest));
            // Runs of an earlier version were not judged by it.
            if self.cells.iter().any(|cell| cell.knn_centred.contains_key(split)) {
                measures.push(accuracy("centred kNN, %", split, Figure::Centred));
            }
            measures.push(accuracy("linear, %", split, Figure::Linear));
        }
        measures.push(other("NMI", 3, Figure::Information));
        measures
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
    /// the first arm last. A table for each split, named in its corner, and one for what is of none.
    #[must_use]
    pub fn results(&self) -> Vec<Grid> {
        let measures = self.measures();
        let mut splits: Vec<Option<&str>> = measures.iter().map(|measure| measure.split.as_deref()).collect();
        splits.dedup();
        let table = |split: &Option<&str>| {
            let own = measures.iter().filter(|measure| measure.split.as_deref() == *split);
            self.table(split.unwrap_or_default(), &own.collect::<Vec<_>>())
        };
        splits.iter().map(table).collect()
    }

    fn table(&self, corner: &str, measures: &[&Measure]) -> Grid {
        let columns = self.columns();
        let mut grid = Grid { head: vec![corner.to_owned()], rows: Vec::new() };
        for measure in measures {
            grid.head.extend(columns.iter().map(|column| match column {
                Crops::AsSet => measure.short.to_owned(),
                _ => format!("{}, {column}", measure.short),
            }));
        }
        for row in self.row_names() {
            let mut line = vec![row.to_owned()];
            for measure in measures {
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
            for measure in measures {
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
        let by_split = |list: &[Accuracy]| {
            list.iter().map(|found| (found.split.clone(), one(found.top1))).collect::<BTreeMap<_, _>>()
        };
        any.then(|| Cell {
            row: source.name().to_owned(),
            column: Crops::AsSet,
            knn: by_split(&of.knn),
            knn_centred: by_split(&of.knn_centred),
            linear: by_split(&of.linear),
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
    fn a_mean_of_fewer_runs_than_there_were_says_so() {
        let measure = Measure {
            name: "kNN on a, %".to_owned(),
            short: "kNN, %",
            split: Some("a".to_owned()),
            shown: (100.0, 1),
            of: Figure::Nearest,
        };
        let text = |values: &[f64], failures| {
            let mut cell = Cell::of(("swav", Crops::AsSet), &[]);
            cell.failures = failures;
            cell.knn.extend(Mean::of(values).map(|mean| ("a".to_owned(), mean)));
            measure.text(&cell)
        };
        assert_eq!(text(&[0.25, 0.35], 1), "30.0 ± 7.1 (2 of 3)");
        assert_eq!(text(&[0.25], 1), "25.0 (1 of 2)");
        assert_eq!([text(&[0.25], 0), text(&[], 2), text(&[], 0)], ["25.0", "diverged", "-"]);
    }

    #[test]
    fn numbers_have_three_digits_or_more() {
        let shown = [0.0, 0.006_789, 3.174, 41.26, 6005.4].map(three_digits);
        assert_eq!(shown, ["0.00", "0.00679", "3.17", "41.3", "6005"]);
    }
}
