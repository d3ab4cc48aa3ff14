//! All arms together: `comparison.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::judge::{Accuracy, Grouping, Verdict, verdict};
use super::stored::Stored;
use super::{Arm, Budget, Crops, Facts};
use crate::config::{Config, Method};
use crate::error::Result;
use crate::judge::FeatureSource;
use crate::runs::run_folder::RunFolder;
use crate::train::{Metrics, Record, SplitAccuracy, Summary};

/// Everything that is known so far.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The version of the program that wrote it.
    pub version: &'static str,
    /// What is equal.
    pub budget: Budget,
    /// The pictures.
    pub pictures: Facts,
    /// Whether every arm is done.
    pub complete: bool,
    /// The arms that are done.
    pub arms: Vec<ArmResult>,
    /// Means over seeds, by row and column.
    pub cells: Vec<Cell>,
    /// Raw pixels and the untrained network of the first arm that came to its end.
    pub baselines: Option<Verdict>,
    /// Settings that differ, with the value in each cell; `-` where the method does not read it.
    pub differing: BTreeMap<&'static str, Vec<String>>,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct ArmResult {
    /// `byol, without small crops, seed 31`.
    pub name: String,
    /// Its run folder, below that of the comparison.
    pub folder: String,
    /// The name of its row.
    pub row: String,
    /// Its column.
    pub column: Crops,
    /// Where its random numbers started.
    pub seed: u64,
    /// What it was trained for.
    pub method: Method,
    /// Steps of the run.
    pub steps: u64,
    /// 10⁹ operations of the run, what precedes steps and epochs included.
    pub gflop: f64,
    /// 10⁹ operations of a step.
    pub gflop_per_step: f64,
    /// Device memory at its peak, bytes.
    pub memory_bytes: u64,
    /// The end of the run; not there where it diverged.
    pub summary: Option<End>,
    /// kNN accuracy while it was trained.
    pub curve: Vec<Point>,
    /// How good its features are.
    pub verdict: Verdict,
}

/// The end of a run.
#[derive(Clone, Debug, Serialize)]
pub struct End {
    /// Mean loss of the last steps, in nats.
    pub loss: f64,
    /// The loss of a network that tells nothing apart, where the method has one.
    pub chance: Option<f64>,
    /// 1 − |mean embedding|²: 0 when all embeddings are alike.
    pub embedding_spread: f64,
    /// Pictures a second.
    pub images_per_s: f64,
    /// Seconds of training, evaluation and what begins epochs left out.
    pub seconds: f64,
    /// The graphics adapter.
    pub adapter: String,
}

/// A point of a curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Steps done.
    pub step: u64,
    /// 10⁹ operations done.
    pub gflop: f64,
    /// kNN accuracy on the first split, from 0 to 1.
    pub knn: f64,
    /// kNN accuracy on every split, by both rules.
    pub splits: Vec<SplitAccuracy>,
}

/// The mean over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// The deviation of a single run (of the sample), of two runs or more.
    pub deviation: Option<f64>,
    /// Runs.
    pub runs: usize,
}

/// A row and a column, over all seeds that are done.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// The row.
    pub row: String,
    /// The column.
    pub column: Crops,
    /// kNN accuracy by split.
    pub knn: BTreeMap<String, Mean>,
    /// The same on features less their mean.
    pub knn_centred: BTreeMap<String, Mean>,
    /// Linear accuracy by split.
    pub linear: BTreeMap<String, Mean>,
    /// NMI of k-means with the labels.
    pub nmi: Option<Mean>,
    /// As many clusters of equal size would be as uneven as those of k-means.
    pub clusters: Option<Mean>,
    /// Runs that diverged.
    pub failures: usize,
}

impl Mean {
    /// Of some values; none where there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let runs = values.len();
        let mean = (runs > 0).then(|| values.iter().sum::<f64>() / runs as f64)?;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt());
        Some(Self { mean, deviation, runs })
    }
}

impl Comparison {
    /// Gathers what the run folders say of the arms that are done.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn gather(folder: &Path, stored: &Stored, arms: &[Arm]) -> Result<Self> {
        let mut found = Vec::new();
        for arm in arms {
            found.extend(result(&folder.join(&arm.folder), arm)?);
        }
        let mut levels =
            found.iter().map(|arm: &ArmResult| arm.verdict.of(|source| source != FeatureSource::Trained));
        let baselines = levels.find(|level| !level.clusters.is_empty());
        found
            .iter_mut()
            .for_each(|arm| arm.verdict = arm.verdict.of(|source| source == FeatureSource::Trained));
        let mut cells: Vec<Cell> = Vec::new();
        for arm in arms {
            if !cells.iter().any(|cell| (cell.row.as_str(), cell.column) == arm.cell()) {
                cells.push(Cell::of(arm.cell(), &found));
            }
        }
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            budget: stored.budget,
            pictures: stored.pictures.clone(),
            complete: found.len() == arms.len(),
            arms: found,
            cells,
            baselines,
            differing: differing(arms),
        })
    }

    /// The runs of a cell.
    pub fn arms_of(&self, cell: &Cell) -> impl Iterator<Item = &ArmResult> {
        self.arms.iter().filter(move |arm| arm.row == cell.row && arm.column == cell.column)
    }

    /// The splits that arms were judged on, in the order of the pictures; none without labels.
    #[must_use]
    pub fn splits(&self) -> Vec<&str> {
        let judged = self.arms.iter().find(|arm| !arm.verdict.knn.is_empty());
        judged.iter().flat_map(|arm| &arm.verdict.knn).map(|one| one.split.as_str()).collect()
    }
}

/// What the run folder of an arm says, once it is done.
fn result(path: &Path, arm: &Arm) -> Result<Option<ArmResult>> {
    let Some(verdict) = verdict(path)? else { return Ok(None) };
    let run = RunFolder::find(path)?;
    let end = |Summary { loss, chance, embedding_spread, images_per_s, seconds, adapter, .. }| End {
        loss,
        chance,
        embedding_spread,
        images_per_s,
        seconds,
        adapter,
    };
    let point = |report: Metrics| {
        let (step, splits) = (report.step, report.knn?);
        let gflop = 1e-9 * arm.work.total(step, arm.steps_per_epoch);
        Some(Point { step, gflop, knn: splits.first()?.plain, splits })
    };
    let Record { reports, summary, .. } = Record::read(&run)?;
    Ok(Some(ArmResult {
        name: arm.name.clone(),
        folder: arm.folder.clone(),
        row: arm.row.clone(),
        column: arm.column,
        seed: arm.seed,
        method: arm.config.method,
        steps: arm.steps,
        gflop: 1e-9 * arm.flop(),
        gflop_per_step: 1e-9 * arm.work.step as f64,
        memory_bytes: arm.memory_bytes,
        summary: summary.filter(|summary| summary.finished).map(end),
        curve: reports.into_iter().filter_map(point).collect(),
        verdict,
    }))
}

impl Cell {
    /// Of those of some runs that are in this row and column.
    pub(super) fn of((row, column): (&str, Crops), arms: &[ArmResult]) -> Self {
        let own: Vec<&ArmResult> = arms.iter().filter(|arm| arm.row == row && arm.column == column).collect();
        let by_split = |list: fn(&Verdict) -> &[Accuracy]| {
            let mut splits: BTreeMap<String, Vec<f64>> = BTreeMap::new();
            for one in own.iter().flat_map(|arm| list(&arm.verdict)) {
                splits.entry(one.split.clone()).or_default().push(one.top1);
            }
            splits.into_iter().filter_map(|(split, values)| Some((split, Mean::of(&values)?))).collect()
        };
        let grouped = |figure: fn(&Grouping) -> Option<f64>| {
            let k_means = |arm: &&ArmResult| {
                arm.verdict.clusters.iter().find(|one| one.by == "k-means").and_then(figure)
            };
            Mean::of(&own.iter().filter_map(k_means).collect::<Vec<_>>())
        };
        Self {
            row: row.to_owned(),
            column,
            knn: by_split(|verdict| &verdict.knn),
            knn_centred: by_split(|verdict| &verdict.knn_centred),
            linear: by_split(|verdict| &verdict.linear),
            nmi: grouped(|one| one.nmi),
            clusters: grouped(|one| Some(one.effective)),
            failures: own.iter().filter(|arm| arm.verdict.failure.is_some()).count(),
        }
    }
}

/// Settings that are not the same in all cells, with their value in each, in the order of the cells.
fn differing(arms: &[Arm]) -> BTreeMap<&'static str, Vec<String>> {
    let mut cells: Vec<&Arm> = Vec::new();
    for arm in arms {
        if !cells.iter().any(|other| other.cell() == arm.cell()) {
            cells.push(arm);
        }
    }
    let values = |setting: &'static crate::config::Setting| {
        let value = |arm: &&Arm| match arm.config.method.reads(setting.key) {
            true => (setting.get)(&arm.config),
            false => "-".to_owned(),
        };
        (setting.key, cells.iter().map(value).collect::<Vec<_>>())
    };
    let told = |(key, values): &(&str, Vec<String>)| {
        !matches!(*key, "method" | "steps" | "seed") && values.iter().any(|value| *value != values[0])
    };
    Config::SETTINGS.iter().map(values).filter(told).collect()
}

impl ArmResult {
    /// Why the run did not come to its end.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.verdict.failure.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_says_how_far_single_runs_are_from_it() {
        assert_eq!(Mean::of(&[]), None);
        assert_eq!(Mean::of(&[0.5]), Some(Mean { mean: 0.5, deviation: None, runs: 1 }));
        assert_eq!(Mean::of(&[1.0, 3.0]), Some(Mean { mean: 2.0, deviation: Some(2f64.sqrt()), runs: 2 }));
    }
}
