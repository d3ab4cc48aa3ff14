//! `swav-wgpu data`: what a path holds, what of it cannot be read, and settings that suit it.

mod report;
mod timely;

use clap::Args;

use super::Outcome;
use super::flags::{Choice, Given, at_least_one};
use super::passes::Passes;
use crate::config::{Config, Setting};
use crate::data::configured;
use crate::data::{Dataset, Survey, spread};
use crate::error::{Error, Result};
use crate::measure::machine;
use crate::pass;
use crate::uses::duplicates::equal_files;

/// The settings that say what is read and how; every command that opens pictures has them.
pub(super) const SETTINGS: [&str; 9] =
    ["data", "source", "exclude", "pages", "background", "max_megapixels", "depth", "channels", "bands"];

/// Them as a choice.
pub(super) struct Reading;

impl Choice for Reading {
    fn has(setting: &Setting) -> bool {
        SETTINGS.contains(&setting.key)
    }
}

/// Look at pictures: what is there, what cannot be read, and settings that suit them
#[derive(Args)]
#[command(
    long_about = "Looks at every picture of a folder, an archive or a file of another source, and says what is there: \
                  pictures, classes, splits, sizes, channels, mean and deviation, what cannot be read and why, and \
                  settings that suit the number and size of the pictures, each with the rule that gave it; and networks \
                  for 20 minutes and an hour of this machine, whose speed is measured once: in a few seconds, or half a minute \
                  where the driver has not compiled the kernels before.\n\n\
                  Nothing is written but that speed, into the user's cache. Without a path, the embedded pictures are looked at.",
    after_help = "Examples:\n  swav-wgpu data photos/\n  swav-wgpu data cifar-10-python.tar.gz\n  \
                  swav-wgpu data 'shards/train-*.tar' --sample 5000\n  swav-wgpu data images.csv --source list --json"
)]
pub(super) struct Data {
    #[command(flatten)]
    settings: Given<Reading>,
    /// Look at so many pictures only, spread evenly over the set
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    sample: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Data {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let mut config = Config::default();
        self.settings.apply(&mut config)?;
        // Sizes are those of the files, and a survey should find what only a whole decoding finds.
        config.reduce = false;
        let mut passes = Passes::new();
        let dataset = configured::open(&config, &mut passes.watch())?;
        configured::settle(&mut config, &dataset);
        let all = dataset.len();
        let sample: Vec<u32> = spread::firsts(all, self.sample.unwrap_or(all)).map(|i| i as u32).collect();
        let survey = configured::survey(&dataset, &sample, &mut passes.watch())?;
        let equal = pass::run(("comparing files", "files"), 0, &mut passes.watch(), |pass| {
            equal_files(&dataset, &sample, pass)
        })?;
        let machine = machine(None, dirs::cache_dir().as_deref(), &mut passes.watch())?;
        drop(passes);
        let report = report::Report::new(&config, &dataset, &survey, equal, machine.as_ref())?;
        super::print(&if self.json { report.json() } else { report.text() })?;
        unreadable(&dataset, &survey)?;
        Ok(Outcome::Done)
    }
}

/// A set of which nothing can be read is an error, once it has been told.
fn unreadable(dataset: &Dataset, survey: &Survey) -> Result<()> {
    match survey.unreadable.first() {
        Some(_) if survey.sizes.is_empty() => {
            let reason = "no picture of it can be read; the reasons are listed above".to_owned();
            Err(Error::Data { path: dataset.path().to_owned(), reason })
        }
        _ => Ok(()),
    }
}
