//! `swav-wgpu tune`: finds the fastest kernels of an adapter once and keeps what it found; and how
//! other commands take it up.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::flags::{Choice, Given};
use super::interrupt::Interrupt;
use super::passes::Passes;
use super::{Outcome, print};
use crate::config::{Config, Setting};
use crate::error::{Error, Result};
use crate::measure::measure_anew;
use crate::tune::{self, Entry, Row, Store, Taken, Tuner, Tuning, Units};

/// The only setting of `train` that is given.
struct Adapter;

impl Choice for Adapter {
    fn has(setting: &Setting) -> bool {
        setting.key == "adapter"
    }
}

/// Find the fastest kernels of an adapter, once
#[derive(Args)]
#[command(
    long_about = "Times every kernel that can make the matrix products of a network on a few shapes, takes the \
                  fastest for each, and keeps what it found in the user's cache folder, for this adapter, this \
                  driver and this version of the program. It takes seconds. Every command that computes then uses it \
                  unless --kernels or `--tuned off` says otherwise, and a run's config.toml records it, so \
                  that a resumed run keeps its kernels. Nothing else should run meanwhile."
)]
pub(super) struct Tune {
    #[command(flatten)]
    settings: Given<Adapter>,
    /// Print all timings as JSON
    #[arg(long)]
    json: bool,
    /// Only show what is found; what was kept before stays in use
    #[arg(long)]
    keep_old: bool,
}

impl Tune {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let interrupt = Interrupt::new("Stopping.", "Stopping once the kernels are kept.");
        let mut tuner = Tuner::open(self.settings.get("adapter"))?;
        let bar = progress(tuner.cases());
        say(&format!("tuning {}", tuner.adapter().name));
        while let Some(row) = tuner.step()? {
            bar.set_message(format!("{} {}", row.operation, row.class));
            bar.inc(1);
            if interrupt.is_set() {
                return Ok(Outcome::Interrupted);
            }
        }
        bar.finish_and_clear();
        let tuning = tuner.finish();
        interrupt.keep();
        print(&if self.json { json(&tuning) } else { render(&tuning) })?;
        if !self.keep_old {
            let path = path()?;
            // What cannot be read is of no use to anybody: it is written anew.
            let mut store = Store::read(&path).unwrap_or_else(|error| {
                say(&format!("warning: {error}; it is written anew"));
                Store::empty(&path)
            });
            store.write(Entry::new(&tuning.adapter, &tuning.choices))?;
            say(&format!("kept in {}", path.display()));
            interrupt.kept();
            // How fast the adapter trains with what was kept, for suggestions.
            if let Some(cache) = dirs::cache_dir() {
                let mut passes = Passes::of(interrupt.clone());
                measure_anew(&tuning.adapter, &cache, &mut passes.watch())?;
            }
        }
        Ok(if interrupt.is_set() { Outcome::Interrupted } else { Outcome::Done })
    }
}

/// Takes the kernels of the last tuning into the settings of a fresh run, and says so, where the
/// settings leave the choice to the program.
pub(super) fn apply(config: &mut Config) -> Result<()> {
    let Some(cache) = dirs::cache_dir() else { return Ok(()) };
    match tune::take(config, &cache) {
        Ok(Taken { kept, units }) => {
            if let Some(file) = kept {
                say(&format!(
                    "kernels as tuned for this adapter ({}; --tuned off: the usual ones)",
                    file.display()
                ));
            }
            if let Some(units) = units {
                say(&units.sentence());
            }
        }
        Err(error @ Error::Io { .. }) => {
            say(&format!("warning: {error}; the usual kernels are taken (`swav-wgpu tune` writes it anew)"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The file of tunings.
fn path() -> Result<PathBuf> {
    let folder = dirs::cache_dir().ok_or_else(|| {
        let reason = "this user has no cache folder (set HOME or XDG_CACHE_HOME), so nothing can be kept";
        Error::config("tuned", reason)
    })?;
    Ok(Store::file(&folder))
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A bar in a terminal, and nothing anywhere else. It goes when it is dropped.
fn progress(cases: usize) -> ProgressBar {
    let bar = ProgressBar::new(cases as u64).with_finish(indicatif::ProgressFinish::AndClear);
    // The template is a constant; were it wrong, a plainer bar is better than none.
    if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {pos}/{len}, {eta} left  {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.tick();
    bar
}

/// A line for each product: what was usual, what is fastest, and what that gains.
fn render(tuning: &Tuning) -> String {
    let Tuning { adapter, choices, rows, units } = tuning;
    let mut text = format!(
        "{} ({}, driver {}), {} kernels{}\n\n{:<16}{:<11}{:<34}{:<14}{:>9} {:<14}{:>9} {:>7} {:>8}\n",
        adapter.name,
        adapter.backend,
        adapter.driver,
        choices.family(),
        choices.width().map_or_else(String::new, |width| format!(", kept busy by {width} workgroups")),
        "operation",
        "class",
        "timed on",
        "usual",
        "ms",
        " fastest",
        "ms",
        "gain",
        "GF/s"
    );
    for row in rows {
        let Some((was, is)) = tuning.gain(row) else { continue };
        let Row { operation, class, shape, flop, .. } = row;
        let gain = 100.0 * (was.seconds / is.seconds - 1.0);
        let _ = writeln!(
            text,
            "{operation:<16}{class:<11}{shape:<34}{:<14}{:>9.2}  {:<13}{:>9.2} {gain:>5.0} % {:>8.1}",
            was.method,
            was.seconds * 1e3,
            is.method,
            is.seconds * 1e3,
            flop / is.seconds * 1e-9,
        );
    }
    let pairs = rows.iter().filter_map(|row| tuning.gain(row));
    let (was, is) = pairs.fold((0.0, 0.0), |sum, (was, is)| (sum.0 + was.seconds, sum.1 + is.seconds));
    let family = choices.clone().without_matrix_units().family();
    if choices.chosen() == 0 && family == adapter.family() {
        text += "\nnothing beats the usual kernels by five percent: they stay\n";
    } else {
        let _ = writeln!(text, "\nall of them: {:.1} ms before, {:.1} ms now", was * 1e3, is * 1e3);
    }
    if let Some(units) = units {
        let _ = writeln!(text, "{}", units.sentence());
    }
    text
}

/// Every timing.
fn json(tuning: &Tuning) -> String {
    let Tuning { adapter, choices, rows, units } = tuning;
    let rows = rows.iter().map(|row| {
        let timings = row.forms.iter().map(|form| {
            let methods = form.methods.iter().map(|timed| (timed.method.to_string(), timed.seconds.into()));
            json!({
                "family": form.family.name(),
                "usual": form.usual.method.to_string(),
                "best": form.best().method.to_string(),
                "seconds": methods.collect::<serde_json::Map<_, _>>(),
            })
        });
        json!({
            "operation": row.operation.to_string(),
            "class": row.class.to_string(),
            "shape": row.shape,
            "flop": row.flop,
            "forms": timings.collect::<Vec<_>>(),
        })
    });
    let rows: Vec<_> = rows.collect();
    let units = units.as_ref().map(Units::sentence);
    let all = json!({ "entry": Entry::new(adapter, choices), "rows": rows, "matrix_units": units });
    // Strings, numbers and lists only: it cannot fail.
    serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
}
