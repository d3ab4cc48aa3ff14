//! `swav-wgpu selftest`: every kernel against the `f64` reference on this machine's adapter, so that a
//! driver that computes wrongly is found in a minute and not after a night of training.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::Outcome;
use super::flags::one_of;
use crate::error::{Error, Result};
use crate::gpu::{AdapterFacts, Choices, Family, Gpu};
use crate::selftest::{self, OPERATIONS, Score};

/// How many differences the table's reader is shown; `--json` has them all.
const SHOWN: usize = 12;

/// Compare every kernel with a reference on this machine's adapter
#[derive(Args)]
#[command(
    long_about = "Runs every kernel of the program at awkward sizes and compares the results with the same \
                  computation in double precision on the processor. A GPU driver that computes wrongly shows as a \
                  kernel that fails.\n\n\
                  Errors are relative to the largest value of a result, and each kernel is judged by every result \
                  that it has a part in; the table shows the error that comes nearest to what is allowed.",
    after_help = "Exit codes: 0 all kernels are right, 1 some are not, 2 wrong usage."
)]
pub(super) struct Selftest {
    /// Which adapter: its number or a part of its name, as `swav-wgpu devices` lists them [default: the best]
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// Only one family of kernels [default: all that the adapter can run]
    #[arg(long, value_name = "FAMILY", value_parser = one_of(&Family::ALL, Family::name))]
    kernels: Option<Family>,
    /// Print JSON in place of the table
    #[arg(long)]
    json: bool,
}

/// One kernel's line.
#[derive(Debug, Serialize)]
struct Row {
    entry_point: String,
    /// Cases with a result that the kernel has a part in, and how many of them are wrong.
    cases: usize,
    failed: usize,
    /// No number where a result is missing or is no number itself.
    worst_error: Option<f64>,
    tolerance: f64,
    passed: bool,
}

/// All kernels of a family, or a variant of its products.
#[derive(Debug, Serialize)]
struct FamilyReport {
    kernels: String,
    cases: usize,
    seconds: f64,
    entry_points: Vec<Row>,
    failures: Vec<String>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    adapter: String,
    backend: String,
    driver: String,
    passed: bool,
    families: Vec<FamilyReport>,
}

impl Selftest {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let (adapter, wanted) = (self.adapter.as_deref(), self.kernels);
        let first = Gpu::open(adapter, wanted)?;
        let facts = first.facts().clone();
        let mut families = Vec::new();
        for family in wanted.map_or_else(|| facts.families(), |family| vec![family]) {
            families.push(test(adapter, &Choices::usual(family))?);
            for variant in selftest::variants(family) {
                families.push(test(adapter, &variant)?);
            }
        }
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            adapter: facts.name.clone(),
            backend: facts.backend.clone(),
            driver: facts.driver.clone(),
            passed: families.iter().all(FamilyReport::passed),
            families,
        };
        super::print(&if self.json { json(&report) } else { render(&report, &facts) })?;
        if report.passed { Ok(Outcome::Done) } else { Err(verdict(&report)) }
    }
}

/// Runs all cases of a family, or those of the products that one of its variants makes; what goes wrong
/// is in the report.
fn test(adapter: Option<&str>, kernels: &Choices) -> Result<FamilyReport> {
    let whole = kernels.is_usual();
    let operations: Vec<_> = OPERATIONS.iter().filter(|o| whole || o.has_variants()).collect();
    let label = kernels.label();
    let start = Instant::now();
    let mut sum = selftest::Outcome::default();
    // A driver that hangs or crashes leaves the name of the operation as the last word.
    let say = |text: &str| {
        let mut out = std::io::stderr();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    };
    for (index, operation) in operations.iter().enumerate() {
        say(&format!(
            "{label} {:>2}/{}  {} … ",
            index + 1,
            operations.len(),
            operation.name.replace('_', " ")
        ));
        let (begun, gpu) = (Instant::now(), Gpu::open_with(adapter, Some(kernels.clone()))?);
        let outcome = operation.run(&gpu);
        let (cases, wrong) = (outcome.cases, outcome.failures.len());
        let differences = if wrong == 0 { String::new() } else { format!(", {wrong} differences") };
        say(&format!("{cases} cases in {:.1} s{differences}\n", begun.elapsed().as_secs_f64()));
        sum.merge(outcome);
    }
    let mut entry_points = selftest::entry_points(kernels.family())?;
    // Of a variant, the products.
    let product = |name: &str| name.starts_with("conv2d.") || name.starts_with("winograd.");
    entry_points.retain(|name| whole || product(name) && sum.scores.contains_key(name));
    Ok(FamilyReport::new(label, entry_points, sum, start.elapsed().as_secs_f64()))
}

impl Row {
    fn new(entry_point: String, score: &Score) -> Self {
        let &Score { cases, failed, error, tolerance } = score;
        let worst_error = (cases > 0 && error.is_finite()).then_some(error);
        Self { entry_point, cases, failed, worst_error, tolerance, passed: score.passed() }
    }

    fn verdict(&self) -> String {
        match self {
            Self { passed: true, .. } => "ok".into(),
            Self { cases: 0, .. } => "NO RESULT".into(),
            Self { failed, .. } => format!("WRONG in {failed}"),
        }
    }
}

impl FamilyReport {
    /// Entry points without a result get a row too.
    fn new(kernels: String, entry_points: Vec<String>, outcome: selftest::Outcome, seconds: f64) -> Self {
        let none = Score::default();
        let row = |name: String| {
            let score = outcome.scores.get(&name).unwrap_or(&none);
            Row::new(name, score)
        };
        Self {
            kernels,
            cases: outcome.cases,
            seconds,
            entry_points: entry_points.into_iter().map(row).collect(),
            failures: outcome.failures,
        }
    }

    fn passed(&self) -> bool {
        self.failures.is_empty() && self.entry_points.iter().all(|row| row.passed)
    }

    fn render(&self) -> String {
        let width = self.entry_points.iter().map(|row| row.entry_point.len()).max().unwrap_or(0);
        let mut text = format!(
            "{:<width$} {:>6} {:>12} {:>10}  verdict\n",
            format!("{} kernels", self.kernels),
            "cases",
            "worst error",
            "allowed"
        );
        for row in &self.entry_points {
            let Row { entry_point, cases, tolerance, .. } = row;
            let error = match row.worst_error {
                None => "-".into(),
                Some(0.0) => "0".into(),
                Some(error) => format!("{error:.1e}"),
            };
            let allowed = if *tolerance == 0.0 { "0".into() } else { format!("{tolerance:.1e}") };
            let _ = writeln!(
                text,
                "{entry_point:<width$} {cases:>6} {error:>12} {allowed:>10}  {}",
                row.verdict()
            );
        }
        let right = self.entry_points.iter().filter(|row| row.passed).count();
        let (all, cases, seconds) = (self.entry_points.len(), self.cases, self.seconds);
        let _ = writeln!(text, "{right} of {all} entry points are right; {cases} cases in {seconds:.1} s");
        for failure in self.failures.iter().take(SHOWN) {
            let _ = writeln!(text, "  {failure}");
        }
        if let Some(more) = self.failures.len().checked_sub(SHOWN + 1) {
            let _ = writeln!(text, "  and {} more; --json lists them all", more + 1);
        }
        text
    }
}

fn json(report: &Report) -> String {
    // Strings, numbers and lists only: it cannot fail.
    serde_json::to_string_pretty(report).unwrap_or_default() + "\n"
}

fn render(report: &Report, facts: &AdapterFacts) -> String {
    let Report { version, adapter, backend, driver, families, .. } = report;
    let driver = if driver.is_empty() { "unnamed" } else { driver };
    let mut text = format!("swav-wgpu {version} on {adapter} ({}, {backend}, driver {driver})\n", facts.kind);
    for family in families {
        text += "\n";
        text += &family.render();
    }
    text
}

/// The sentence for a report that has failures.
fn verdict(report: &Report) -> Error {
    let mut wrong: Vec<&Row> =
        report.families.iter().flat_map(|f| &f.entry_points).filter(|row| !row.passed).collect();
    // The one that is wrong most often, for its cases, is the likeliest culprit.
    let share = |row: &Row| row.failed as f64 / row.cases.max(1) as f64;
    wrong.sort_by(|a, b| share(b).total_cmp(&share(a)));
    let named = wrong.iter().take(4).map(|row| match row.cases {
        0 => format!("{} (no result)", row.entry_point),
        cases => format!("{} ({} of {cases} cases)", row.entry_point, row.failed),
    });
    let mut what = named.collect::<Vec<_>>().join(", ");
    if wrong.len() > 4 {
        let _ = write!(what, " and {} more entry points", wrong.len() - 4);
    }
    if wrong.is_empty() {
        what = "cases failed that no entry point could be blamed for".into();
    } else {
        what += if wrong.len() == 1 { " computes wrongly" } else { " compute wrongly" };
    }
    let whole = |f: &&FamilyReport| f.kernels.parse::<Family>().is_ok();
    let right = report.families.iter().filter(whole).find(|f| f.passed());
    let right = right.map(|f| format!("train with `--kernels {} --tuned off`", f.kernels));
    let elsewhere = "train on another adapter (`swav-wgpu devices` lists them, `--adapter` takes one)";
    let meanwhile = right.map_or_else(|| elsewhere.to_owned(), |right| format!("{right}, or {elsewhere}"));
    let Report { adapter, backend, driver, .. } = report;
    Error::WrongResults {
        what,
        adapter: format!("{adapter} ({backend}, driver {driver})"),
        remedy: format!(
            "update the graphics driver and run this again; if it stays, report it with the output above, \
             and until then {meanwhile}"
        ),
    }
}

#[cfg(test)]
#[path = "selftest_tests.rs"]
mod tests;
