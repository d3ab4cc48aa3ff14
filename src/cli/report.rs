//! `swav-wgpu report`: a run on one page.

use std::path::PathBuf;

use clap::Args;

use super::flags::{Given, at_least_one};
use super::model::{Force, Looking, Reading};
use super::passes::Passes;
use super::{Outcome, model, print};
use crate::error::{Error, Result};
use crate::interop::write_atomic;
use crate::uses::report::page;

/// Write a page about a run: settings, curves, crops, prototypes, evaluation, health
#[derive(Args)]
#[command(
    long_about = "Write a page about a run that needs nothing beside it: settings, curves, crops, the pictures of the \
                  prototypes, a plot of the features, health, environment, and kNN, linear classifiers and clusters beside \
                  raw pixels and the untrained network."
)]
pub(super) struct Report {
    /// A run folder
    #[arg(value_name = "RUN")]
    network: PathBuf,
    /// The file to write [default: report.html in the run folder]
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// The pictures [default: those that the run was trained on]
    #[arg(long, value_name = "DATA", help_heading = "Pictures")]
    data: Option<PathBuf>,
    #[command(flatten)]
    reading: Given<Reading>,
    #[command(flatten)]
    force: Force,
    /// Pictures of each side of a split, at most, evenly spread
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = at_least_one())]
    limit: usize,
    #[command(flatten)]
    settings: Given<Looking>,
}

impl Report {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let folder = self.network.as_path();
        if !folder.is_dir() {
            let reason = format!("{} is no run folder; a page is made of one", folder.display());
            return Err(Error::config("run", reason));
        }
        let out = self.out.clone().unwrap_or_else(|| folder.join("report.html"));
        // The page in the run folder is the run's own and may be made anew.
        if self.out.is_some() {
            self.force.refuse_existing("out", &out)?;
        }
        let mut passes = Passes::new();
        let network = model::open(folder, &self.settings)?;
        let trained_on = network.config().and_then(|config| config.data.as_deref());
        let path = self.data.as_deref().or(trained_on);
        let dataset = model::pictures(&self.reading, &network, path, &mut passes)?;
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        let page = page(folder, &network, &dataset, self.limit, &system, &mut passes.watch())?;
        passes.keep();
        drop(passes);
        write_atomic(&out, |file| file.write_all(page.as_bytes()))?;
        print(&format!("{}: {:.1} MB\n", out.display(), page.len() as f64 / 1e6))?;
        Ok(Outcome::Done)
    }
}
