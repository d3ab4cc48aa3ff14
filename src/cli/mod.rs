//! The command line: flags built from the table of settings, one file a command, and the only place
//! that prints.
//!
//! `main` calls [`run`], which parses, runs the command, prints an error once, and returns the exit
//! code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Progress and errors go to standard error,
//! results to standard output.

mod bench;
mod compare;
mod completions;
mod crops;
mod data;
mod devices;
mod duplicates;
mod embed;
mod eval;
mod export;
mod flags;
mod interrupt;
mod man;
mod model;
mod passes;
mod presets;
mod program;
pub mod progress;
mod report;
mod search;
mod selftest;
mod sort;
mod table;
mod train;
mod tune;

use std::error::Error as _;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::error::{Error, Result};

/// How a command ended, when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Everything that was asked for is done.
    Done,
    /// Stopped by Ctrl-C, cleanly: a run with a checkpoint, a measurement without a result.
    Interrupted,
}

/// The whole command line.
#[derive(Parser)]
#[command(
    name = "swav-wgpu",
    version,
    about = "Learns image features without labels (SwAV) on any Vulkan, Metal or DX12 GPU",
    after_help = EXAMPLES
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// The commands, each with its arguments, in the order in which `--help` lists them.
#[derive(Subcommand)]
enum Command {
    Train(train::Train),
    Compare(compare::Compare),
    Data(data::Data),
    Duplicates(duplicates::Duplicates),
    Crops(crops::Crops),
    Devices(devices::Devices),
    Selftest(selftest::Selftest),
    Bench(bench::Bench),
    Tune(tune::Tune),
    Eval(eval::Eval),
    Export(export::Export),
    Embed(embed::Embed),
    Search(search::Search),
    Sort(sort::Sort),
    Report(report::Report),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    fn run(&self) -> Result<Outcome> {
        match self {
            Self::Train(train) => train.run(),
            Self::Compare(compare) => compare.run(),
            Self::Data(data) => data.run(),
            Self::Duplicates(duplicates) => duplicates.run(),
            Self::Crops(crops) => crops.run(),
            Self::Devices(devices) => devices.run(),
            Self::Selftest(selftest) => selftest.run(),
            Self::Bench(bench) => bench.run(),
            Self::Tune(tune) => tune.run(),
            Self::Eval(eval) => eval.run(),
            Self::Export(export) => export.run(),
            Self::Embed(embed) => embed.run(),
            Self::Search(search) => search.run(),
            Self::Sort(sort) => sort.run(),
            Self::Report(report) => report.run(),
            Self::Completions(completions) => completions.run(),
            Self::Man(man) => man.run(),
        }
    }
}

/// Runs the program with the given arguments (the first is its own name).
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    crate::data::hush_guarded_panics();
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let line = match Line::try_parse_from(&args) {
        Ok(line) => line,
        // clap's own errors include `--help` and `--version`, which go to standard output with code 0.
        Err(error) => {
            let _ = error.print();
            return code(error.exit_code());
        }
    };
    match line.command.run() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        // Whoever stopped a pass was told so when Ctrl-C was heard.
        Ok(Outcome::Interrupted) | Err(Error::Stopped) => code(130),
        Err(error) => {
            complain(&error, &args);
            code(if matches!(error, Error::Config { .. }) { 2 } else { 1 })
        }
    }
}

/// The whole command line, as clap knows it.
pub fn command() -> clap::Command {
    Line::command()
}

const EXAMPLES: &str = "\
Examples:
  swav-wgpu train                       learn from the embedded pictures
  swav-wgpu train photos/               learn from a folder of your own
  swav-wgpu train photos/ --plan        only say what it would cost
  swav-wgpu train --list-presets        the known recipes and their values
  swav-wgpu train --resume runs/NAME    go on with a run that was stopped
  swav-wgpu compare                     methods beside each other, at equal compute
  swav-wgpu data photos/                what is there, and settings that suit it
  swav-wgpu duplicates photos/          what stands twice, and leaks from train into test
  swav-wgpu eval knn runs/NAME          how good its features are, beside baselines
  swav-wgpu report runs/NAME            all about it on one page
  swav-wgpu sort runs/NAME photos --into sorted   look-alikes into folders
  swav-wgpu export runs/NAME            its weights for other programs
  swav-wgpu crops photos/               what the crops look like, before you train
  swav-wgpu devices                     the graphics adapters of this machine
  swav-wgpu selftest                    every kernel against a reference, on this adapter
  swav-wgpu bench                       how fast one of them trains
  swav-wgpu tune                        the fastest kernels for it, found once";

fn code(number: i32) -> ExitCode {
    ExitCode::from(u8::try_from(number).unwrap_or(1))
}

/// Tells of an error. A setting that was typed is called what was typed: `--max-time`, not `max_time`.
fn complain(error: &Error, args: &[OsString]) {
    let typed =
        |flag: &str| args.iter().any(|arg| arg.to_str().and_then(|arg| arg.split('=').next()) == Some(flag));
    let mut text = match error {
        Error::Config { field, reason } => match format!("--{}", field.replace('_', "-")) {
            flag if typed(&flag) => format!("error: `{flag}`: {reason}"),
            _ => format!("error: {error}"),
        },
        _ => format!("error: {error}"),
    };
    // `Io` already shows its source; deeper causes would only be seen here.
    let mut cause = error.source().and_then(std::error::Error::source);
    while let Some(error) = cause {
        text += &format!("\n  because: {error}");
        cause = error.source();
    }
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints to standard output. A reader that has gone away (`… | head`) is no failure of ours.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("standard output")(error))
        }
        _ => Ok(()),
    }
}
