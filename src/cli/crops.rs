//! `swav-wgpu crops`: a contact sheet of what the augmentation makes of a few pictures.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, value_parser};

use super::flags::{Choice, Given};
use super::model::Force;
use super::passes::Passes;
use super::{Outcome, data, train};
use crate::config::{Config, Setting};
use crate::data::configured;
use crate::error::{Error, Result};
use crate::pages::gallery::contact::{self, Contact, Entry};
use crate::runs::checkpoint::Loaded;
use crate::uses::contact::{encode, entries, settings_of, spread};

/// The settings that change what is drawn, how pictures are read, or who looks at them.
struct Drawn;

impl Choice for Drawn {
    fn has(setting: &Setting) -> bool {
        let others = ["reduce", "preset", "seed", "adapter", "kernels"];
        setting.group == "Crops" || data::SETTINGS.contains(&setting.key) || others.contains(&setting.key)
    }
}

/// Prototypes of a code that are shown.
const TOP: usize = 3;
/// The stem of the usual sheet's files.
const USUAL: &str = "crops";

/// Show the crops that a run makes of a few pictures, as a contact sheet
#[derive(Args)]
#[command(
    long_about = "Writes a contact sheet, as a picture and as a page: each picture with the boxes of its crops, every \
                  crop beside it, and what was drawn for it. They are the very crops that a run with these settings \
                  makes in that epoch, so look here before you train: what the large crops have in common is what \
                  the network can learn.\n\n\
                  With --checkpoint, settings come from the run, and under each crop stand the prototypes with the \
                  largest weights in its code. Training wants these to be the same for all crops of a picture. No \
                  graphics adapter is needed without it.",
    after_help = EXAMPLES
)]
pub(super) struct Crops {
    #[command(flatten)]
    settings: Given<Drawn>,
    /// Read settings from a TOML file, such as the config.toml of an earlier run
    #[arg(long, value_name = "FILE", help_heading = "Sheet", conflicts_with = "checkpoint")]
    config: Option<PathBuf>,
    /// A run folder or its checkpoint: also show the code of each crop
    #[arg(long, value_name = "RUN", help_heading = "Sheet", conflicts_with = "preset")]
    checkpoint: Option<PathBuf>,
    /// How many pictures, spread over the set
    #[arg(long, value_name = "N", help_heading = "Sheet", default_value_t = 6)]
    #[arg(value_parser = value_parser!(u32).range(1..=200))]
    pictures: u32,
    /// These pictures, by number, such as 3,141,59
    #[arg(long, value_name = "LIST", help_heading = "Sheet", value_delimiter = ',', action = ArgAction::Set)]
    pick: Option<Vec<u32>>,
    /// The epoch whose crops are shown, from 1
    #[arg(long, value_name = "N", help_heading = "Sheet", default_value_t = 1)]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    epoch: u64,
    // No default of clap's: a stem that a person typed is theirs, even if it is the usual one.
    #[arg(long, value_name = "STEM", help_heading = "Sheet")]
    #[arg(help = "Where to write: STEM.png and STEM.html [default: crops]")]
    #[arg(long_help = "Where to write: STEM.png and STEM.html\n\n[default: crops]")]
    out: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Sheet")]
    force: Force,
}

const EXAMPLES: &str = "\
Examples:
  swav-wgpu crops                                    crops of the embedded pictures, as the demo makes them
  swav-wgpu crops photos/ --pictures 12
  swav-wgpu crops photos/ --crops 2x96@0.3-1 --blur 0
  swav-wgpu crops --checkpoint runs/photos --epoch 40";

impl Crops {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let trained = self.checkpoint.as_deref().map(settings_of).transpose()?;
        let config = match &trained {
            Some((_, config)) => {
                let mut config = config.clone();
                self.settings.apply(&mut config)?;
                config
            }
            None => train::fresh(&self.settings, self.config.as_deref())?,
        };
        config.validate()?;
        // The usual sheet is made anew for every try of the settings; one that a person named is theirs.
        if let Some(stem) = &self.out {
            for path in contact::paths(stem) {
                self.force.refuse_existing("out", &path)?;
            }
        }
        let dataset = configured::open(&config, &mut Passes::new().watch())?;
        let pictures = match &self.pick {
            Some(numbers) => numbers.clone(),
            None => spread(&dataset, self.pictures as usize),
        };
        let mut shown = entries(&config, &dataset, &pictures, self.epoch - 1, |error| {
            let _ = writeln!(std::io::stderr(), "skipped: {error}");
        })?;
        if let Some((loaded, _)) = &trained {
            encode(loaded, &config, &mut shown, TOP)?;
        }
        let stem = self.out.as_deref().unwrap_or(Path::new(USUAL));
        if let Some(folder) = stem.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let title = format!("{}: crops of epoch {}", dataset.name(), self.epoch);
        let lead = lead(&config, trained.as_ref().map(|(loaded, _)| loaded));
        let [png, html] = contact::write(stem, &Contact { title: &title, lead: &lead, pictures: &shown })?;
        super::print(&told(&shown, &png, &html))?;
        Ok(Outcome::Done)
    }
}

/// What the figures on the sheet mean, in two or three sentences.
fn lead(config: &Config, loaded: Option<&Loaded>) -> String {
    let get = |key: &str| Config::setting(key).map(|setting| (setting.get)(config)).unwrap_or_default();
    let mut text = format!(
        "--crops {} --seed {}. Under each crop: its share of the picture, then brightness, contrast, saturation \
         (factors) and hue (share of a turn) in the order in which they were applied, then grey and the blur's \
         deviation in pixels.",
        get("crops"),
        get("seed")
    );
    if let Some(loaded) = loaded {
        text += &format!(
            " Bars: the prototypes with the largest weights in the crop's code (softmax of cosine / {}, before a \
             batch is balanced), by the network of step {}.",
            config.epsilon, loaded.checkpoint.meta.step
        );
    }
    text
}

/// What was written, and with codes how far the crops agree.
fn told(entries: &[Entry], png: &Path, html: &Path) -> String {
    let views: usize = entries.iter().map(|entry| entry.shown.views.len()).sum();
    let mut text =
        format!("{views} crops of {} pictures: {} and {}\n", entries.len(), png.display(), html.display());
    let (mut same, mut pairs) = (0, 0);
    for codes in entries.iter().map(|entry| &entry.codes) {
        let best: Vec<u32> = codes.iter().filter_map(|code| Some(code.first()?.0)).collect();
        for (i, a) in best.iter().enumerate() {
            same += best[i + 1..].iter().filter(|b| *b == a).count();
            pairs += best.len() - i - 1;
        }
    }
    if pairs > 0 {
        let share = 100.0 * same as f64 / pairs as f64;
        text +=
            &format!("{share:.0} % of the pairs of crops of one picture have the same first prototype.\n");
    }
    text
}
