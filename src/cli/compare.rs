//! `swav-wgpu compare`: methods, crops or values of a setting beside each other, at equal compute.

mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, value_parser};

use super::flags::{Choice, Given, one_of};
use super::{Outcome, train, tune};
use crate::compare::{Budget, Crops, LENGTHS, Over, Request, Row, compare};
use crate::config::{Config, Method, Preset, Setting, Value};
use crate::error::{Error, Result};
use crate::words::quoted;
use show::Show;

/// Settings of `train` that a comparison decides, or for which it has flags of its own.
const OWN: [&str; 3] = ["crops", "out", "max_time"];
/// What the embedded pictures are trained with where nothing else is said: about two thirds of the demo, so that seven
/// runs on two processor cores stay within 40 minutes.
const SHORT: [(&str, &str); 3] = [("epochs", "30"), ("warmup", "1.5"), ("eval_every", "6")];

/// The settings that hold for all runs.
struct Shared;

impl Choice for Shared {
    fn has(setting: &Setting) -> bool {
        !OWN.contains(&setting.key)
    }
}

/// Train several methods on the same pictures at equal compute, and say how they compare
#[derive(Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub(super) struct Compare {
    /// The methods, with commas [default: all, supervised only where there are labels; with --over the one of --method]
    #[arg(long, value_name = "LIST", help_heading = "Comparison")]
    methods: Option<String>,
    /// with, without small crops, or with,without [default: both; of the embedded pictures without]
    #[arg(long = "crops", value_name = "LIST", help_heading = "Comparison")]
    small_crops: Option<String>,
    /// Runs of each, with seeds that follow --seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=100), help_heading = "Comparison")]
    seeds: u64,
    /// What every run has equally much of, or own: each the length of its own settings [default: flop; own where --over names lengths]
    #[arg(long, value_name = "WORD", value_parser = one_of(&BUDGETS, Budget::name), help_heading = "Comparison")]
    budget: Option<Budget>,
    /// Compare values of a setting, with one method or each of --methods; ; between values that have commas. Lengths (steps or epochs) show what more compute gives
    #[arg(long, value_name = "KEY=V1,V2,...", help_heading = "Comparison")]
    over: Option<String>,
    /// The folder of the comparison, new or begun with the same command [default: the next of comparisons/PRESET-1, ...]
    #[arg(long = "out", value_name = "DIR", help_heading = "Comparison")]
    folder: Option<PathBuf>,
    /// Read settings from a TOML file
    #[arg(long, value_name = "FILE", help_heading = "Comparison")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Given<Shared>,
}

const BUDGETS: [Budget; 4] = [Budget::Flop, Budget::Steps, Budget::Time, Budget::Own];

const ABOUT: &str = "\
Train several methods on the same pictures, one after another, at equal compute, judge all of them in the same way, and \
write comparison.json, a table and a page.

The first run, of swav unless --methods says otherwise, has the length of its preset or of --epochs; the others get as \
many steps as fit into its floating-point operations (or seconds, or the same steps). With --over steps=... or epochs=... \
every run has a length of its own, and the page shows what more compute gives. Every setting of `train` is a flag here too \
and holds for all runs; what is left alone is each method's own recipe. Every run has a folder of its own below that of the \
comparison. Whatever stops it, the same command with the same --out goes on.

Without DATA the embedded pictures are compared in 30 epochs without small crops: seven runs, together under 40 minutes \
on two processor cores without a GPU (with both kinds of crops twice as long). Without labels kNN and linear classifiers \
are left out, and so is supervised training.";

const EXAMPLES: &str = "\
Examples:
  swav-wgpu compare                                     all methods on the embedded pictures
  swav-wgpu compare photos/ --methods swav,byol,simclr --seeds 3 --out comparisons/photos
  swav-wgpu compare photos/ --crops with,without        also what small crops are worth
  swav-wgpu compare --over prototypes=30,100,300        values of a setting
  swav-wgpu compare --over steps=300,1000,3000          what more compute gives, as a curve
  swav-wgpu compare --over steps=300,1000,3000 --methods swav,supervised   a curve for each method
  swav-wgpu compare --over 'crops=2x32@0.4-1;2x32@0.4-1,4x16@0.14-0.4'
  swav-wgpu compare --over queue=256,1024 --method moco-v2";

impl Compare {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        train::launched::alone("compare", |name| std::env::var(name).ok())?;
        let mut request = self.resolve()?;
        take_kernels(&mut request.rows)?;
        let mut show = Show::new(request.rows.first().map_or(Method::Swav, |row| row.config.method));
        let compared = compare(&request, &mut |happening| show.tell(happening));
        // The terminal is given back before anything else is written.
        let begun = show.finish();
        match (compared, begun) {
            (Ok(comparison), Some(folder)) => {
                super::print(&show::render(&comparison, &folder))?;
                Ok(Outcome::Done)
            }
            (Ok(_), None) => Ok(Outcome::Done),
            (Err(Error::Stopped), Some(folder)) => {
                super::print(&format!("Stopped. Go on with: {}\n", again(std::env::args_os(), &folder)))?;
                Ok(Outcome::Interrupted)
            }
            (Err(error), Some(folder)) => {
                // What is done is kept, whatever went wrong.
                let command = again(std::env::args_os(), &folder);
                super::print(&format!("Once that is mended, go on with: {command}\n"))?;
                Err(error)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// What the arguments ask for, every setting read.
    fn resolve(&self) -> Result<Request> {
        let over = self.over.as_deref().map(Over::parse).transpose()?;
        let methods = self.methods.as_deref().map(methods).transpose()?;
        if self.settings.get("method").is_some() && (over.is_none() || methods.is_some()) {
            let reason = "is for --over without --methods; leave it out, and name the methods with --methods";
            return Err(Error::config("method", reason));
        }
        let rows = match &over {
            Some(over) => self.rows_over(over, methods.as_deref())?,
            None => {
                let row = |method: &Method| {
                    Ok(Row { name: method.name().to_owned(), config: self.recipe(Some(*method))? })
                };
                methods.as_deref().unwrap_or(Method::ALL).iter().map(row).collect::<Result<_>>()?
            }
        };
        self.check_read(&rows)?;
        let embedded = rows.first().is_none_or(|row| row.config.data.is_none());
        let columns = match self.small_crops.as_deref() {
            Some(_) if over.as_ref().is_some_and(|over| over.key == "crops") => {
                return Err(Error::config("crops", "is what --over compares already; leave it out"));
            }
            Some(list) => columns(list)?,
            None if over.is_some() => vec![Crops::AsSet],
            None if embedded => vec![Crops::Without],
            None => vec![Crops::With, Crops::Without],
        };
        Ok(Request {
            rows,
            chosen: methods.is_some() || over.is_some(),
            columns,
            seeds: self.seeds,
            budget: self.budget(over.as_ref())?,
            out: self.folder.clone(),
        })
    }

    /// A row for each value of a setting, with every one of the methods where some are named.
    fn rows_over(&self, over: &Over, methods: Option<&[Method]>) -> Result<Vec<Row>> {
        let lengths = LENGTHS.into_iter().filter(|_| over.is_length());
        if let Some(key) = lengths.chain([over.key]).find(|key| self.settings.get(key).is_some()) {
            return Err(Error::config(key, "is what --over compares already; leave it out"));
        }
        let named = methods.map_or_else(|| vec![None], |all| all.iter().copied().map(Some).collect());
        let mut rows = Vec::new();
        for method in &named {
            for mut row in over.rows(&self.recipe(*method)?)? {
                // Where there is one method, a row need not name it.
                if named.len() > 1 {
                    row.name = format!("{}, {}", row.config.method, row.name);
                }
                train::make_absolute(&mut row.config)?;
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// What is equal. Lengths that are compared leave nothing to be equal.
    fn budget(&self, over: Option<&Over>) -> Result<Budget> {
        let by_length = over.is_some_and(Over::is_length);
        match self.budget {
            Some(budget) if by_length && budget != Budget::Own => Err(Error::config(
                "budget",
                "cannot be given with --over, which compares lengths here: runs of different length have nothing equal; leave it out",
            )),
            Some(budget) => Ok(budget),
            None if by_length => Ok(Budget::Own),
            None => Ok(Budget::Flop),
        }
    }

    /// File and flags over the recipe of a method, or of the one that they name.
    fn recipe(&self, method: Option<Method>) -> Result<Config> {
        let settle = |config: &mut Config, preset| match preset {
            Preset::Demo => SHORT.iter().try_for_each(|(key, value)| config.set(key, value)),
            _ => Ok(()),
        };
        let mut config = train::layered(&self.settings, self.config.as_deref(), method, settle)?;
        train::make_absolute(&mut config)?;
        Ok(config)
    }

    /// Refuses a flag that none of the methods reads.
    fn check_read(&self, rows: &[Row]) -> Result<()> {
        let unread = |setting: &&Setting| !rows.iter().any(|row| row.config.method.reads(setting.key));
        match self.settings.settings().find(unread) {
            Some(setting) => Err(Error::config(
                setting.key,
                "is read by none of the methods that are compared; leave it out",
            )),
            None => Ok(()),
        }
    }
}

fn methods(list: &str) -> Result<Vec<Method>> {
    let mut found = Vec::new();
    for word in list.split(',') {
        let method = Method::parse(word).map_err(|reason| Error::config("methods", reason))?;
        if found.contains(&method) {
            return Err(Error::config("methods", format!("names `{method}` twice; once is enough")));
        }
        found.push(method);
    }
    Ok(found)
}

fn columns(list: &str) -> Result<Vec<Crops>> {
    let mut columns = Vec::new();
    for word in list.split(',').map(str::trim) {
        let column = match word {
            "with" => Crops::With,
            "without" => Crops::Without,
            _ => {
                let reason = format!(
                    "must be with, without, or with,without small crops, not `{word}`; --over 'crops=...;...' compares \
                     any crops, and a --config file sets them"
                );
                return Err(Error::config("crops", reason));
            }
        };
        if columns.contains(&column) {
            return Err(Error::config("crops", format!("names `{word}` twice")));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// Takes up what a tuning found: once for all rows that compute alike.
fn take_kernels(rows: &mut [Row]) -> Result<()> {
    let device =
        |config: &Config| (config.adapter.clone(), config.kernels, config.tuned.clone(), config.precision);
    let mut taken = Vec::new();
    for row in rows {
        let asked = device(&row.config);
        match taken.iter().find(|(before, _)| *before == asked) {
            Some((_, (_, kernels, tuned, _))) => {
                (row.config.kernels, row.config.tuned) = (*kernels, Clone::clone(tuned));
            }
            None => {
                tune::apply(&mut row.config)?;
                taken.push((asked, device(&row.config)));
            }
        }
    }
    Ok(())
}

/// The command that goes on: the same, with the folder.
fn again(args: impl Iterator<Item = OsString>, folder: &Path) -> String {
    let words: Vec<String> = args.skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut command = words.iter().fold("swav-wgpu".to_owned(), |line, word| line + " " + &quoted_word(word));
    if !words.iter().any(|word| word == "--out" || word.starts_with("--out=")) {
        command += &format!(" --out {}", quoted(&folder.display().to_string()));
    }
    command
}

/// A word as a shell takes it; flags stay flags.
fn quoted_word(word: &str) -> String {
    match word.strip_prefix("--") {
        Some(flag) => format!("--{}", quoted(flag)),
        None => quoted(word).into_owned(),
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
