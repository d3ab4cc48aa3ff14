//! Runs cases on a device and keeps count, for each entry point, of what has been compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use super::bench::{Bench, Verdict};
use crate::error::{Error, Result};
use crate::gpu::{Element, Family, Gpu};

/// A driver that resets so often takes minutes over each case: the others are not tried.
const MOST_LOSSES: usize = 3;

/// What the comparisons say of one entry point. A comparison counts for every entry point that has a
/// part in the result.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Cases with a result that it has a part in.
    pub cases: usize,
    /// Cases of these with such a result that is wrong.
    pub failed: usize,
    /// Of all results the error that is the largest beside its tolerance, as a share of the result's
    /// scale; infinite for what is no number, and where there is no result at all.
    pub error: f64,
    /// What was allowed there.
    pub tolerance: f64,
}

impl Score {
    /// Compared at least once, and never wrong.
    pub fn passed(&self) -> bool {
        self.cases > 0 && self.failed == 0
    }

    fn worse(&mut self, error: f64, tolerance: f64) {
        let beside = |error: f64, tolerance: f64| if error == 0.0 { 0.0 } else { error / tolerance };
        if beside(error, tolerance) >= beside(self.error, self.tolerance) {
            (self.error, self.tolerance) = (error, tolerance);
        }
    }
}

/// What running cases has shown.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Cases that were run.
    pub cases: usize,
    /// Every difference and error: the case, the result, what is wrong, what was allowed.
    pub failures: Vec<String>,
    /// By `file/entry point`.
    pub scores: BTreeMap<String, Score>,
}

impl Outcome {
    /// Adds what other cases have shown.
    pub fn merge(&mut self, other: Self) {
        self.cases += other.cases;
        self.failures.extend(other.failures);
        for (kernel, score) in other.scores {
            let sum = self.scores.entry(kernel).or_default();
            sum.cases += score.cases;
            sum.failed += score.failed;
            sum.worse(score.error, score.tolerance);
        }
    }

    fn judged(&mut self, name: &str, verdicts: Vec<Verdict>) {
        let (mut seen, mut wrong) = (BTreeSet::new(), BTreeSet::new());
        for Verdict { what, behind, error, tolerance, fault } in verdicts {
            for kernel in &behind {
                self.scores.entry(kernel.clone()).or_default().worse(error, tolerance);
            }
            if let Some(fault) = fault {
                self.failures.push(format!("{name}: {what}: {fault}"));
                wrong.extend(behind.iter().cloned());
            }
            seen.extend(behind);
        }
        self.count(seen, &wrong);
    }

    /// No result: the error says which kernel it was, or else all of the case are blamed.
    fn without_result(&mut self, name: &str, error: &Error, dispatched: BTreeSet<String>) {
        self.failures.push(format!("{name}: {error}"));
        let blamed = match error {
            Error::Shader { file, entry, .. } => BTreeSet::from([format!("{file}/{entry}")]),
            _ => dispatched,
        };
        for kernel in &blamed {
            self.scores.entry(kernel.clone()).or_default().worse(f64::INFINITY, 0.0);
        }
        self.count(blamed.clone(), &blamed);
    }

    fn count(&mut self, seen: BTreeSet<String>, wrong: &BTreeSet<String>) {
        for kernel in seen {
            let failed = usize::from(wrong.contains(&kernel));
            let score = self.scores.entry(kernel).or_default();
            score.cases += 1;
            score.failed += failed;
        }
    }
}

/// Cases on one device.
pub struct Suite {
    gpu: Arc<Gpu>,
    losses: usize,
    /// What they have shown so far.
    pub outcome: Outcome,
}

impl Suite {
    /// No case has run yet.
    pub fn new(gpu: &Arc<Gpu>) -> Self {
        Self { gpu: Arc::clone(gpu), losses: 0, outcome: Outcome::default() }
    }

    /// The kernel family that is tested.
    pub fn family(&self) -> Family {
        self.gpu.family()
    }

    /// Records, runs and judges one case. An error of the driver is a failure of the case, and a lost
    /// device is opened again for the next one.
    pub fn case(&mut self, name: impl Display, record: impl FnOnce(&mut Bench) -> Result<()>) {
        let name = format!("{}: {name}", self.gpu.choices().label());
        self.outcome.cases += 1;
        if self.losses >= MOST_LOSSES {
            self.outcome.failures.push(format!("{name}: not tried, the device was lost too often"));
            return;
        }
        let mut bench = Bench::new(&self.gpu);
        let recorded = record(&mut bench);
        let dispatched = bench.lab.plan.kernels();
        match recorded.and_then(|()| bench.judge(&name)) {
            Ok(verdicts) => self.outcome.judged(&name, verdicts),
            Err(error) => {
                self.outcome.without_result(&name, &error, dispatched);
                if let Error::DeviceLost(_) = error {
                    self.losses += 1;
                    self.open_again();
                }
            }
        }
    }

    /// The same case with activations in single and in half precision.
    pub fn both(&mut self, name: impl Display, record: impl Fn(&mut Bench) -> Result<()>) {
        for element in [Element::F32, Element::F16] {
            self.case(format!("{name}, {element}"), |bench| {
                bench.store_as(element);
                record(bench)
            });
        }
    }

    /// Cases on a device that is taken to be so wide that sums are cut into slices.
    pub fn wide(&mut self, cases: impl FnOnce(&mut Self)) {
        let narrow = self.gpu.choices().clone();
        self.gpu = self.gpu.with_choices(narrow.clone().with_width(4096));
        cases(self);
        self.gpu = self.gpu.with_choices(narrow);
    }

    /// Where that fails too the old device stays, and all further cases say so.
    fn open_again(&mut self) {
        let index = self.gpu.facts().index.to_string();
        if let Ok(gpu) = Gpu::open_with(Some(&index), Some(self.gpu.choices().clone())) {
            self.gpu = gpu;
        }
    }
}

#[cfg(test)]
#[path = "suite_tests.rs"]
mod tests;
