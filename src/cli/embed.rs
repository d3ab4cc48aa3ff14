//! `swav-wgpu embed`: features of pictures, for other programs.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::flags::{Given, at_least_one, one_of};
use super::model::{Force, Looking, Pictures};
use super::passes::Passes;
use super::{Outcome, model, print};
use crate::error::Result;
use crate::uses::embed::{Embedded, What, embed, files, write};
use crate::words::counted;

/// Write the features of pictures to .npy, .parquet or .safetensors
#[derive(Args)]
#[command(
    long_about = "Write what a network says of pictures to a file: a row a picture, in the order of their names. \
                  The ending says how: .npy, with the names beside it in FILE.csv; .parquet, with names, classes and \
                  prototypes as columns; or .safetensors, with the names in its metadata. The latter can be searched \
                  with `swav-wgpu search --index`."
)]
pub(super) struct Embed {
    #[arg(value_name = "RUN|FILE", help = model::SOURCE)]
    network: PathBuf,
    #[command(flatten)]
    pictures: Pictures,
    #[command(flatten)]
    force: Force,
    /// The file to write: .npy, .parquet or .safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Trunk features, unit embeddings, or scores of the prototypes
    #[arg(long, value_name = "WORD", default_value = What::Features.name())]
    #[arg(value_parser = one_of(&What::ALL, What::name))]
    what: What,
    /// Only the first N pictures
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    limit: Option<usize>,
    #[command(flatten)]
    settings: Given<Looking>,
}

impl Embed {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let (out, what) = (self.out.as_path(), self.what);
        let paths = files(out)?;
        for path in &paths {
            self.force.refuse_existing("out", path)?;
        }
        let mut passes = Passes::new();
        let network = model::open(&self.network, &self.settings)?;
        let dataset = self.pictures.open(&network, &mut passes)?;
        let limit = self.limit.unwrap_or(usize::MAX);
        let found = embed(&network, &dataset, what, limit, &mut passes.watch())?;
        passes.keep();
        drop(passes);
        say_unreadable(&found);
        write(out, what, &found, &dataset)?;
        let beside = paths.get(1).map_or_else(String::new, |list| format!("; names in {}", list.display()));
        let rows = &found.rows;
        print(&format!(
            "{}: {} of {}, {} values each{beside}\n",
            out.display(),
            what.name(),
            counted(rows.rows, "picture"),
            rows.dim
        ))?;
        Ok(Outcome::Done)
    }
}

/// Says how many pictures could not be read, and why the first could not.
pub(super) fn say_unreadable(found: &Embedded) {
    if let Some(reason) = found.unreadable.values().next() {
        let count = counted(found.unreadable.len(), "picture");
        let _ = writeln!(std::io::stderr(), "{count} cannot be read, left out; the first: {reason}");
    }
}
