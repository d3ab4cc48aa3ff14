//! `swav-wgpu compare`: methods, crops or values of a setting beside each other, at equal compute.

mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command, value_parser};

use super::{Outcome, flags, train, tune};
use crate::config::{Config, Method, Preset, Value};
use crate::error::{Error, Result};
use crate::train::compare::{Budget, Crops, Over, Request, Row, compare};
use crate::words::quoted;
use show::Show;

/// Settings of `train` that a comparison decides, or for which it has flags of its own.
const OWN: [&str; 3] = ["crops", "out", "max_time"];
/// What the embedded pictures are trained with where nothing else is said: about two thirds of the demo, so that seven
/// runs on two processor cores stay within 40 minutes.
const SHORT: [(&str, &str); 3] = [("epochs", "30"), ("warmup", "1.5"), ("eval_every", "6")];

/// The command with all its flags.
pub fn command() -> Command {
    let option = |name: &'static str, hint: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(hint).help_heading("Comparison").help(help)
    };
    Command::new("compare")
        .about("Train several methods on the same pictures at equal compute, and say how they compare")
        .long_about(ABOUT)
        .arg(option(
            "methods",
            "LIST",
            "The methods, with commas [default: all; supervised only where there are labels]",
        ))
        .arg(
            option("small_crops", "LIST", "with, without small crops, or with,without [default: both; of the embedded pictures without]")
                .long("crops"),
        )
        .arg(
            option("seeds", "N", "Runs of each, with seeds that follow --seed")
                .default_value("1")
                .value_parser(value_parser!(u64).range(1..=100)),
        )
        .arg(
            option("budget", "WORD", "What every run has equally much of")
                .default_value("flop")
                .value_parser(PossibleValuesParser::new(BUDGETS.map(Budget::name))),
        )
        .arg(option(
            "over",
            "KEY=V1,V2,...",
            "Compare values of a setting in place of methods; ; between values that have commas",
        ))
        .arg(option("folder", "DIR", "The folder of the comparison, new or begun with the same command [default: the next of comparisons/PRESET-1, ...]").long("out"))
        .arg(option("config", "FILE", "Read settings from a TOML file"))
        .args(flags::all().filter(|flag| !OWN.contains(&flag.get_id().as_str())))
        .after_help(EXAMPLES)
}

const BUDGETS: [Budget; 3] = [Budget::Flop, Budget::Steps, Budget::Time];

const ABOUT: &str = "\
Train several methods on the same pictures, one after another, at equal compute, judge all of them in the same way, and \
write comparison.json, a table and a page.

The first run, of swav unless --methods says otherwise, has the length of its preset or of --epochs; the others get as \
many steps as fit into its floating-point operations (or seconds, or the same steps). Every setting of `train` is a flag \
here too and holds for all runs; what is left alone is each method's own recipe. Every run has a folder of its own below \
that of the comparison. Whatever stops it, the same command with the same --out goes on.

Without DATA the embedded pictures are compared in 30 epochs without small crops: seven runs, together under 40 minutes \
on two processor cores without a GPU (with both kinds of crops twice as long). Without labels kNN and linear classifiers \
are left out, and so is supervised training.";

const EXAMPLES: &str = "\
Examples:
  swav-wgpu compare                                     all methods on the embedded pictures
  swav-wgpu compare photos/ --methods swav,byol,simclr --seeds 3 --out comparisons/photos
  swav-wgpu compare photos/ --crops with,without        also what small crops are worth
  swav-wgpu compare --over prototypes=30,100,300        values of a setting
  swav-wgpu compare --over 'crops=2x32@0.4-1;2x32@0.4-1,4x16@0.14-0.4'
  swav-wgpu compare --over queue=256,1024 --method moco-v2";

/// Runs the command.
pub fn run(matches: &ArgMatches) -> Result<Outcome> {
    let mut request = resolve(matches)?;
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
        (Err(error), _) => Err(error),
    }
}

/// What the arguments ask for, every setting read.
fn resolve(matches: &ArgMatches) -> Result<Request> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let over = text("over").map(Over::parse).transpose()?;
    let methods = text("methods").map(methods).transpose()?;
    let rows = match &over {
        Some(over) => {
            if methods.is_some() {
                let reason = "cannot be given with --over, which compares values with one --method";
                return Err(Error::config("methods", reason));
            }
            over.rows(&recipe(matches, None)?)?
        }
        None => {
            if flags::given(matches).iter().any(|(setting, _)| setting.key == "method") {
                return Err(Error::config("method", "is for --over; --methods names the methods to compare"));
            }
            let all = || Method::ALL.to_vec();
            let row = |method: Method| {
                Ok(Row { name: method.name().to_owned(), config: recipe(matches, Some(method))? })
            };
            methods.clone().unwrap_or_else(all).into_iter().map(row).collect::<Result<_>>()?
        }
    };
    check_read(matches, &rows)?;
    let embedded = rows.first().is_none_or(|row| row.config.data.is_none());
    let columns = match text("small_crops") {
        Some(_) if over.as_ref().is_some_and(|over| over.key == "crops") => {
            return Err(Error::config("crops", "is what --over compares already; leave it out"));
        }
        Some(list) => columns(list)?,
        None if over.is_some() => vec![Crops::AsSet],
        None if embedded => vec![Crops::Without],
        None => vec![Crops::With, Crops::Without],
    };
    let budget = BUDGETS.into_iter().find(|budget| text("budget") == Some(budget.name()));
    Ok(Request {
        rows,
        chosen: methods.is_some() || over.is_some(),
        columns,
        seeds: matches.get_one("seeds").copied().unwrap_or(1),
        budget: budget.unwrap_or(Budget::Flop),
        out: text("folder").map(PathBuf::from),
    })
}

/// File and flags over the recipe of a method, or of the one that they name.
fn recipe(matches: &ArgMatches, method: Option<Method>) -> Result<Config> {
    let settle = |config: &mut Config, preset| match preset {
        Preset::Demo => SHORT.iter().try_for_each(|(key, value)| config.set(key, value)),
        _ => Ok(()),
    };
    let mut config = train::layered(matches, method, settle)?;
    train::make_absolute(&mut config)?;
    Ok(config)
}

fn methods(list: &str) -> Result<Vec<Method>> {
    let method = |word| Method::parse(word).map_err(|reason| Error::config("methods", reason));
    list.split(',').map(method).collect()
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

/// Refuses a flag that none of the methods reads.
fn check_read(matches: &ArgMatches, rows: &[Row]) -> Result<()> {
    let unread = |key: &str| !rows.iter().any(|row| row.config.method.reads(key));
    match flags::given(matches).into_iter().find(|(setting, _)| unread(setting.key)) {
        Some((setting, _)) => {
            Err(Error::config(setting.key, "is read by none of the methods that are compared; leave it out"))
        }
        None => Ok(()),
    }
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
