//! `swav-wgpu crops`: a contact sheet of what the augmentation makes of a few pictures.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, value_parser};

use super::passes::Passes;
use super::{Outcome, data, flags, model, train};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::eval::gallery::contact::{self, Contact, Entry};
use crate::train::checkpoint::Loaded;
use crate::train::contact::{encode, entries, settings_of, spread};
use crate::train::pictures;

/// Settings beside those of the group "Crops" and of how pictures are read that change what is drawn or who looks at it.
const SETTINGS: [&str; 5] = ["reduce", "preset", "seed", "adapter", "kernels"];
/// Prototypes of a code that are shown.
const TOP: usize = 3;

/// The command with its flags.
pub fn command() -> Command {
    let own = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help_heading("Sheet").help(help)
    };
    let settings = flags::all().filter(|flag| {
        let key = flag.get_id().as_str();
        Config::setting(key).is_ok_and(|setting| setting.group == "Crops")
            || data::SETTINGS.contains(&key)
            || SETTINGS.contains(&key)
    });
    Command::new("crops")
        .about("Show the crops that a run makes of a few pictures, as a contact sheet")
        .long_about(
            "Writes a contact sheet, as a picture and as a page: each picture with the boxes of its crops, every \
             crop beside it, and what was drawn for it. They are the very crops that a run with these settings \
             makes in that epoch, so look here before you train: what the large crops have in common is what \
             the network can learn.\n\n\
             With --checkpoint, settings come from the run, and under each crop stand the prototypes with the \
             largest weights in its code. Training wants these to be the same for all crops of a picture. No \
             graphics adapter is needed without it.",
        )
        .args(settings)
        .arg(
            own("config", "FILE", "Read settings from a TOML file, such as the config.toml of an earlier run")
                .conflicts_with("checkpoint"),
        )
        .arg(
            own("checkpoint", "RUN", "A run folder or its checkpoint: also show the code of each crop")
                .conflicts_with("preset"),
        )
        .arg(
            own("pictures", "N", "How many pictures, spread over the set")
                .default_value("6")
                .value_parser(value_parser!(u32).range(1..=200)),
        )
        .arg(
            own("pick", "LIST", "These pictures, by number, such as 3,141,59")
                .value_delimiter(',')
                .value_parser(value_parser!(u32)),
        )
        .arg(
            own("epoch", "N", "The epoch whose crops are shown, from 1")
                .default_value("1")
                .value_parser(value_parser!(u64).range(1..)),
        )
        .arg(own("out", "STEM", "Where to write: STEM.png and STEM.html").default_value("crops"))
        .arg(model::force().help_heading("Sheet"))
        .after_help(EXAMPLES)
}

const EXAMPLES: &str = "\
Examples:
  swav-wgpu crops                                    crops of the embedded pictures, as the demo makes them
  swav-wgpu crops photos/ --pictures 12
  swav-wgpu crops photos/ --crops 2x96@0.3-1 --blur 0
  swav-wgpu crops --checkpoint runs/photos --epoch 40";

/// Runs the command.
pub fn run(matches: &ArgMatches) -> Result<Outcome> {
    let trained =
        matches.get_one::<String>("checkpoint").map(|run| settings_of(Path::new(run))).transpose()?;
    let config = match &trained {
        Some((_, config)) => {
            let mut config = config.clone();
            flags::apply(&mut config, matches)?;
            config
        }
        None => train::fresh(matches)?,
    };
    config.validate()?;
    let stem = matches.get_one::<String>("out").map_or_else(|| PathBuf::from("crops"), PathBuf::from);
    // The usual sheet is made anew for every try of the settings; one that a person named is theirs.
    if matches.value_source("out") == Some(ValueSource::CommandLine) {
        for path in contact::paths(&stem) {
            model::refuse_existing(matches, "out", &path)?;
        }
    }
    let dataset = pictures::open(&config, &mut Passes::new().watch())?;
    let pictures = match matches.get_many::<u32>("pick") {
        Some(numbers) => numbers.copied().collect(),
        None => spread(&dataset, matches.get_one::<u32>("pictures").map_or(6, |&n| n as usize)),
    };
    let epoch = matches.get_one::<u64>("epoch").copied().unwrap_or(1);
    let mut shown = entries(&config, &dataset, &pictures, epoch - 1, |error| {
        let _ = writeln!(std::io::stderr(), "skipped: {error}");
    })?;
    if let Some((loaded, _)) = &trained {
        encode(loaded, &config, &mut shown, TOP)?;
    }
    if let Some(folder) = stem.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    let title = format!("{}: crops of epoch {epoch}", dataset.name());
    let lead = lead(&config, trained.as_ref().map(|(loaded, _)| loaded));
    let [png, html] = contact::write(&stem, &Contact { title: &title, lead: &lead, pictures: &shown })?;
    super::print(&told(&shown, &png, &html))?;
    Ok(Outcome::Done)
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
