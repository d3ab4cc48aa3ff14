//! `swav-wgpu duplicates`: pictures that stand twice in a set.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, value_parser};
use serde_json::json;

use super::data::Reading;
use super::embed::say_unreadable;
use super::flags::Given;
use super::model::{Force, Looking};
use super::passes::Passes;
use super::{Outcome, model, print};
use crate::config::Config;
use crate::data::Dataset;
use crate::data::configured;
use crate::error::Result;
use crate::interop::write_atomic;
use crate::pass;
use crate::uses::duplicates::{self, Group, MatchKind, Sides, add_alike, find, page, table};
use crate::uses::embed::{What, embed};
use crate::words::counted;

/// Groups that the terminal shows, and pictures of each.
const SHOWN: [usize; 2] = [20, 6];

/// Find pictures that stand twice: equal files, copies that look the same, and look-alikes
#[derive(Args)]
#[command(
    long_about = "Find pictures that stand twice in a set. Exact duplicates are equal files. Near ones look the same to a \
                  hash of 64 bits and in a picture of 8×8 pixels: copies in another size, format or quality; turned, \
                  mirrored and cropped copies are not found by it. With --model, a network also tells what it finds \
                  alike. Groups that stand on both sides of a split are marked as leaks: a copy of a training picture \
                  among the test pictures makes every figure too good.\n\nNothing is deleted, moved or changed.",
    after_help = "Examples:\n  swav-wgpu duplicates photos/\n  swav-wgpu duplicates photos/ --html pairs.html --csv pairs.csv\n  \
                  swav-wgpu duplicates photos/ --model runs/photos --cosine 0.98"
)]
pub(super) struct Duplicates {
    #[command(flatten)]
    pictures: Given<Reading>,
    /// Bits of the 64 in which the hashes of near duplicates may differ
    #[arg(long, value_name = "BITS", default_value_t = 4, value_parser = value_parser!(u32).range(0..=12))]
    distance: u32,
    /// Also find look-alikes by the features of this run or file of weights
    #[arg(long = "model", value_name = "RUN|FILE")]
    network: Option<PathBuf>,
    /// The least cosine of look-alikes, with --model
    #[arg(long, value_name = "X", default_value_t = 0.95, allow_negative_numbers = true)]
    cosine: f64,
    /// Write all groups to a table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a page that shows the groups side by side
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
    /// Print all groups as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Given<Looking>,
}

impl Duplicates {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        for (name, path) in [("csv", &self.csv), ("html", &self.html)] {
            if let Some(path) = path {
                self.force.refuse_existing(name, path)?;
            }
        }
        let mut config = Config { reduce: false, ..Config::default() };
        self.pictures.apply(&mut config)?;
        let mut passes = Passes::new();
        let network = self.network.as_deref().map(|path| model::open(path, &self.settings)).transpose()?;
        let dataset = configured::open(&config, &mut passes.watch())?;
        let mut found =
            pass::run(("comparing pictures", "pictures"), dataset.len(), &mut passes.watch(), |pass| {
                find(&dataset, self.distance, pass)
            })?;
        if let Some(network) = &network {
            let embedded = embed(network, &dataset, What::Features, usize::MAX, &mut passes.watch())?;
            say_unreadable(&embedded);
            add_alike(&mut found, &dataset, network, &embedded, self.cosine, &mut passes.watch())?;
        }
        passes.keep();
        drop(passes);
        if let Some(path) = &self.csv {
            write_atomic(path, |file| file.write_all(table(&found, &dataset).as_bytes()))?;
        }
        if let Some(path) = &self.html {
            write_atomic(path, |file| file.write_all(page(&found, &dataset).as_bytes()))?;
        }
        if self.json {
            return print(&as_json(&found, &dataset)).map(|()| Outcome::Done);
        }
        print(&told(&found, &dataset, network.is_some()))?;
        Ok(Outcome::Done)
    }
}

fn as_json(found: &duplicates::Duplicates, dataset: &Dataset) -> String {
    let sides = Sides::of(dataset);
    let group = |group: &Group| {
        let member = |(&member, &distance): (&u32, &f64)| json!({ "picture": dataset.picture_name(member), "split": sides.side(member), "distance": distance });
        let members: Vec<_> = group.members.iter().zip(&group.distances).map(member).collect();
        json!({ "kind": group.kind.name(), "leak": group.leaks, "pictures": members })
    };
    let groups: Vec<_> = found.groups.iter().map(group).collect();
    let unreadable: Vec<_> = found.unreadable.values().collect();
    let all = json!({
        "pictures": dataset.len(), "groups": groups, "of_one_colour": found.flat, "unreadable": unreadable,
    });
    format!("{all:#}\n")
}

/// What was found, in some lines.
fn told(found: &duplicates::Duplicates, dataset: &Dataset, with_network: bool) -> String {
    let mut text = format!("{}: {}\n\n", dataset.name(), counted(dataset.len(), "picture"));
    for kind in MatchKind::ALL.into_iter().filter(|&kind| kind != MatchKind::Features || with_network) {
        let (groups, spare) = found.count(kind);
        let _ = match groups {
            0 => writeln!(text, "  {:9} none", kind.name()),
            _ => writeln!(
                text,
                "  {:9} {}, {} more than needed",
                kind.name(),
                counted(groups, "group"),
                counted(spare, "picture")
            ),
        };
    }
    let leaks = found.groups.iter().filter(|group| group.leaks).count();
    if !dataset.splits().is_empty() {
        let _ = match leaks {
            0 => writeln!(text, "  leaks     none: no group stands on both sides of a split"),
            _ => writeln!(text, "  leaks     {} on both sides of a split", counted(leaks, "group")),
        };
    }
    if found.flat > 0 {
        let _ = writeln!(
            text,
            "  {} of one colour, compared by bytes only: by their looks they are all alike",
            counted(found.flat, "picture")
        );
    }
    if let Some((_, reason)) = found.unreadable.iter().next() {
        let count = counted(found.unreadable.len(), "picture");
        let _ = writeln!(text, "  {count} cannot be read, left out; the first: {reason}");
    }
    let sides = Sides::of(dataset);
    let [groups, members] = SHOWN;
    for group in found.groups.iter().take(groups) {
        let leak = if group.leaks { ", a leak" } else { "" };
        let _ =
            writeln!(text, "\n  {}, {}{leak}", group.kind.name(), counted(group.members.len(), "picture"));
        for &member in group.members.iter().take(members) {
            let _ = match dataset.splits().is_empty() {
                true => writeln!(text, "    {}", dataset.picture_name(member)),
                false => writeln!(text, "    {:10} {}", sides.side(member), dataset.picture_name(member)),
            };
        }
        if group.members.len() > members {
            let _ = writeln!(text, "    and {} more", group.members.len() - members);
        }
    }
    if found.groups.len() > groups {
        let _ = writeln!(
            text,
            "\n  and {} more groups; --csv and --html have them all",
            found.groups.len() - groups
        );
    }
    text
}
