//! `swav-wgpu man`: the pages of the manual, for packages.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use crate::error::{Error, Result};

/// Write the pages of the manual, one a command
///
/// For packages, which put them where `man` looks. They say what `--help` says.
#[derive(Args)]
pub(super) struct Man {
    /// The folder that they are written to; it is made where it is missing
    #[arg(long, value_name = "DIR", default_value = "man")]
    out: PathBuf,
}

impl Man {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let out = &self.out;
        std::fs::create_dir_all(out).map_err(Error::io(out))?;
        clap_mangen::generate_to(super::command(), out).map_err(Error::io(out))?;
        super::print(&format!(
            "the manual is in {}; `man {}/swav-wgpu.1` shows its first page\n",
            out.display(),
            out.display()
        ))?;
        Ok(Outcome::Done)
    }
}
