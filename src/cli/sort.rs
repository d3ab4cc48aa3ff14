//! `swav-wgpu sort`: a folder of pictures into a folder for each group of look-alikes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::flags::{Given, at_least_one, one_of};
use super::interrupt::Interrupt;
use super::model::{Looking, Reading};
use super::passes::Passes;
use super::{Outcome, embed::say_unreadable, model, print};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::kmeans;
use crate::pass;
use crate::trained::Model;
use crate::uses::embed::{Embedded, What, embed};
use crate::uses::sort::{How, MANIFEST, Place, Sorted, check_output, groups, pictures, places, sort_watched};
use crate::words::counted;

/// Where k-means starts.
const SEED: u64 = 31;

/// Sort a folder of pictures by what a network sees in them
#[derive(Args)]
#[command(
    long_about = "Sort a folder of pictures: each goes into the folder of its best prototype, or of a group of \
                  prototypes that are alike. Nothing is moved and nothing is overwritten; the same command goes on \
                  with a sort that was stopped. Groups depend on the network alone, so pictures that come later go \
                  where their like went before. A network without prototypes is sorted by clusters of its features \
                  (k-means), which depend on the pictures too.",
    after_help = "Examples:\n  swav-wgpu sort runs/photos photos --into sorted --clusters 20 --dry-run\n  \
                  swav-wgpu sort runs/photos photos --into sorted --clusters 20 --how hard-link"
)]
pub(super) struct Sort {
    #[arg(value_name = "RUN|FILE", help = model::SOURCE)]
    network: PathBuf,
    /// The pictures: a folder, or any other source; what lies in an archive or a table is written out
    #[arg(value_name = "DATA")]
    pictures: PathBuf,
    /// Where the groups go; not in DATA
    #[arg(long, value_name = "OUT")]
    into: PathBuf,
    /// Merge the prototypes to N groups, by average cosine [default: a group a prototype]; without prototypes, N clusters
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    clusters: Option<usize>,
    /// Copies, hard links, symbolic links, or only the list in manifest.csv
    #[arg(long, value_name = "WORD", default_value = How::Copy.name(), value_parser = one_of(&How::ALL, How::name))]
    how: How,
    /// Only say what would be done; no file is written
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reading: Given<Reading>,
    #[command(flatten)]
    settings: Given<Looking>,
}

impl Sort {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let (data, into, how) = (self.pictures.as_path(), self.into.as_path(), self.how);
        check_output(data, into)?;
        let interrupt = Interrupt::new(
            "Stopping.",
            "Stopping after this file; the same command goes on. Ctrl-C again stops at once.",
        );
        let mut passes = Passes::of(interrupt);
        let network = model::open(&self.network, &self.settings)?;
        let dataset = model::pictures(&self.reading, &network, Some(data), &mut passes)?;
        if matches!(how, How::HardLink | How::Symlink) && !dataset.is_empty() && dataset.path_of(0).is_none()
        {
            let reason =
                "the pictures are no files of their own, so there is nothing to link to; use `--how copy`";
            return Err(Error::config("how", reason));
        }
        let (found, groups) = self.grouped(&network, &dataset, &mut passes)?;
        say_unreadable(&found);
        let best = pictures(&dataset, data, &found)?;
        let places = places(&best, &groups);
        if self.dry_run {
            print(&format!("{}Nothing was written (--dry-run).\n", summary(&places)))?;
            return Ok(Outcome::Done);
        }
        passes.keep();
        let sorted = sort_watched(&dataset, [data, into], &places, how, &mut passes.watch())?;
        drop(passes);
        for path in &sorted.taken {
            let _ = writeln!(std::io::stderr(), "left alone: {} is something else", path.display());
        }
        let manifest = into.join(MANIFEST);
        let (made, present, taken, failed) =
            (sorted.made, sorted.present, sorted.taken.len(), sorted.failed.len());
        let line = format!(
            "{} made, {present} were there, {taken} left alone; list in {}",
            counted(made, "file"),
            manifest.display()
        );
        print(&format!("{}{line}\n", summary(&places)))?;
        if failed > 0 {
            return Err(failures(&sorted, into));
        }
        let left = how != How::Manifest && made + present + taken < places.len();
        Ok(if left { Outcome::Interrupted } else { Outcome::Done })
    }
}

impl Sort {
    /// What the network says of the pictures, with the best prototype of each, and the group of each prototype. The
    /// clusters of k-means on the features take the place of prototypes where there are none.
    fn grouped(
        &self,
        network: &Model,
        dataset: &Dataset,
        passes: &mut Passes,
    ) -> Result<(Embedded, Vec<u32>)> {
        if let Some(prototypes) = network.prototypes() {
            let found = embed(network, dataset, What::Embeddings, usize::MAX, &mut passes.watch())?;
            return Ok((found, groups(prototypes, self.clusters)));
        }
        let usual = network.config().map(|config| config.prototypes);
        let Some(clusters) = self.clusters.or(usual) else {
            let network = network.describe();
            let reason = format!(
                "this network has no prototypes to sort by ({network}): say into how many groups of look-alikes, such as \
                 --clusters 20"
            );
            return Err(Error::config("clusters", reason));
        };
        let mut found = embed(network, dataset, What::Features, usize::MAX, &mut passes.watch())?;
        let grouped = pass::run(kmeans::FINDING, 0, &mut passes.watch(), |pass| {
            kmeans::clusters(&found.rows, clusters, SEED, pass)
        })?;
        found.prototypes = Some(grouped.best(&found.rows));
        Ok((found, (0..clusters as u32).collect()))
    }
}

/// The pictures that could not be put in their places, as one error.
fn failures(sorted: &Sorted, into: &Path) -> Error {
    const SHOWN: usize = 5;
    let shown: Vec<String> =
        sorted.failed.iter().take(SHOWN).map(|(name, reason)| format!("{name}: {reason}")).collect();
    let more = match sorted.failed.len() - shown.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let reason = format!(
        "{} could not be put there, all others were ({}{more}); the same command tries again",
        counted(sorted.failed.len(), "picture"),
        shown.join("; ")
    );
    Error::Data { path: into.to_owned(), reason }
}

/// The sizes of the groups, largest first.
fn summary(places: &[Place]) -> String {
    const SHOWN: usize = 20;
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    places.iter().for_each(|place| *sizes.entry(place.group).or_default() += 1);
    let mut order: Vec<(u32, usize)> = sizes.into_iter().collect();
    order.sort_by_key(|&(group, size)| (std::cmp::Reverse(size), group));
    let mut text = format!("{} in {}\n", counted(places.len(), "picture"), counted(order.len(), "group"));
    for (group, size) in order.iter().take(SHOWN) {
        text += &format!("  group {group:>4}  {size:>6}\n");
    }
    if order.len() > SHOWN {
        text += &format!("  and {} smaller ones\n", order.len() - SHOWN);
    }
    text
}
