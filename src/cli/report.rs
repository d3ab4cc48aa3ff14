//! `swav-wgpu report`: a run on one page.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};

use super::passes::Passes;
use super::{Outcome, model, print};
use crate::error::{Error, Result};
use crate::interop::write_atomic;
use crate::train::report::page;

/// The command with its flags.
pub fn command() -> Command {
    Command::new("report")
        .about("Write a page about a run: settings, curves, crops, prototypes, evaluation, health")
        .long_about(
            "Write a page about a run that needs nothing beside it: settings, curves, crops, the pictures of the \
             prototypes, a plot of the features, health, environment, and kNN, linear classifiers and clusters beside \
             raw pixels and the untrained network.",
        )
        .arg(Arg::new("network").value_name("RUN").required(true).help("A run folder"))
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE.html")
                .help("The file to write [default: report.html in the run folder]"),
        )
        .args(model::data("The pictures [default: those that the run was trained on]"))
        .arg(model::force())
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .default_value("5000")
                .value_parser(value_parser!(u64).range(1..))
                .help("Pictures of each side of a split, at most, evenly spread"),
        )
        .args(model::settings())
}

/// Runs the command.
pub fn run(matches: &ArgMatches) -> Result<Outcome> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let folder = Path::new(text("network").unwrap_or_default());
    if !folder.is_dir() {
        let reason = format!("{} is no run folder; a page is made of one", folder.display());
        return Err(Error::config("run", reason));
    }
    let out = text("out").map_or_else(|| folder.join("report.html"), PathBuf::from);
    // The page in the run folder is the run's own and may be made anew.
    if text("out").is_some() {
        model::refuse_existing(matches, "out", &out)?;
    }
    let mut passes = Passes::new();
    let network = model::open(matches)?;
    let trained_on = network.config().and_then(|config| config.data.clone());
    let dataset = model::pictures(
        matches,
        &network,
        text("data").map(Path::new).or(trained_on.as_deref()),
        &mut passes,
    )?;
    let limit =
        matches.get_one::<u64>("limit").map_or(usize::MAX, |&n| usize::try_from(n).unwrap_or(usize::MAX));
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let page = page(folder, &network, &dataset, limit, &system, &mut passes.watch())?;
    passes.keep();
    drop(passes);
    write_atomic(&out, |file| file.write_all(page.as_bytes()))?;
    print(&format!("{}: {:.1} MB\n", out.display(), page.len() as f64 / 1e6))?;
    Ok(Outcome::Done)
}
