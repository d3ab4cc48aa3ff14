//! What all commands that use a trained network share: its flags and how it is opened.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, Args};

use super::flags::{Choice, Given};
use super::passes::Passes;
use super::{data, flags, tune};
use crate::config::{Config, Readout, Setting};
use crate::data::Dataset;
use crate::data::configured;
use crate::error::{Error, Result};
use crate::trained::views::Viewing;
use crate::trained::{self, Model, ModelOptions};

/// The settings of `train` that they have too: adapter, kernels, whether tuned ones, size of the views, and what the features
/// are.
pub(super) struct Looking;

impl Choice for Looking {
    fn has(setting: &Setting) -> bool {
        ["weights_key", "adapter", "kernels", "tuned", "submission_ms"].contains(&setting.key)
            || VIEWING.contains(&setting.key)
    }

    fn shown(flag: Arg) -> Arg {
        let views = |help| {
            let help = format!("{help} [default: as the network was trained]");
            flag.clone().help(help).long_help(None)
        };
        let flag = match flag.get_id().as_str() {
            "eval_size" => views("Side of the views in pixels"),
            "eval_resize" => views("Shorter side before the views are cut out"),
            "eval_stage" => views("Stage of the trunk, 1 to 4, whose output the features are"),
            "eval_grid" => views("Features are means over a grid of so many rows and columns"),
            _ => flag,
        };
        flag.help_heading("Network")
    }
}

/// How the network looks at pictures.
const VIEWING: [&str; 4] = ["eval_size", "eval_resize", "eval_stage", "eval_grid"];

/// What the help says of the argument that names the network.
pub(super) const SOURCE: &str = "A run folder, or a file of weights: .safetensors, .pth, .pth.tar, .pt of this \
                                 program, of the official code, or a torchvision ResNet";

/// How pictures are read that another argument names.
pub(super) struct Reading;

impl Choice for Reading {
    fn has(setting: &Setting) -> bool {
        data::Reading::has(setting) && setting.key != flags::POSITIONAL
    }

    fn shown(flag: Arg) -> Arg {
        flag.help_heading("Pictures")
    }
}

/// The pictures that a network looks at, where a command does not take them as an argument.
#[derive(Args)]
pub(super) struct Pictures {
    /// The pictures [default: those that the program comes with]
    #[arg(long, value_name = "DATA", help_heading = "Pictures")]
    data: Option<PathBuf>,
    #[command(flatten)]
    pub(super) reading: Given<Reading>,
}

impl Pictures {
    /// Opens them, and says what is left out.
    pub(super) fn open(&self, network: &Model, passes: &mut Passes) -> Result<Dataset> {
        pictures(&self.reading, network, self.data.as_deref(), passes)
    }
}

/// Opens a network, and says which it is where the file holds several.
pub(super) fn open(source: &Path, settings: &Given<Looking>) -> Result<Model> {
    let model = opened(source, settings)?;
    if let Some(notice) = model.notice() {
        let _ = writeln!(std::io::stderr(), "{notice}");
    }
    Ok(model)
}

fn opened(source: &Path, settings: &Given<Looking>) -> Result<Model> {
    let mut device = Config::default();
    settings.apply(&mut device)?;
    tune::apply(&mut device)?;
    let mut options = ModelOptions {
        adapter: device.adapter,
        kernels: Some(device.kernels),
        tuned: Some(device.tuned),
        submission: Some(Duration::from_millis(device.submission_ms)),
        weights_key: device.weights_key,
        ..ModelOptions::default()
    };
    if VIEWING.iter().all(|key| settings.get(key).is_none()) {
        return Model::open(source, &options);
    }
    // The views of the file, with what was asked for over them.
    let usual = Model::viewing_of(source, &options)?;
    let Readout { stage, grid } = usual.readout;
    let mut config = Config {
        eval_size: usual.size,
        eval_resize: usual.resize,
        eval_stage: stage,
        eval_grid: grid,
        ..Config::default()
    };
    settings.apply(&mut config)?;
    let (size, resize) = (config.eval_size, config.eval_resize.max(config.eval_size));
    let readout = Readout { stage: config.eval_stage, grid: config.eval_grid };
    options.viewing = Some(Viewing { size, resize, readout, ..usual });
    Model::open(source, &options)
}

/// How pictures at a path are read: as the flags say, and where they say nothing, as those were read that the network
/// was trained on.
pub(super) fn reading_of(reading: &Given<Reading>, network: &Model, path: Option<&Path>) -> Result<Config> {
    let mut config = trained::settings_for(network, path);
    reading.apply(&mut config)?;
    Ok(config)
}

/// Opens pictures so, and says what is left out.
pub(super) fn pictures(
    reading: &Given<Reading>,
    network: &Model,
    path: Option<&Path>,
    passes: &mut Passes,
) -> Result<Dataset> {
    let dataset = configured::open(&reading_of(reading, network, path)?, &mut passes.watch())?;
    dataset.notices().iter().for_each(|notice| passes.say(notice));
    Ok(dataset)
}

/// `--force`, for commands that write a file which a person names.
#[derive(Args)]
pub(super) struct Force {
    /// Write over files that exist already
    #[arg(long)]
    force: bool,
}

impl Force {
    /// Refuses to write over a file that a person named, unless they say so.
    ///
    /// # Errors
    /// [`Error::Config`] for `flag` where the file exists and `--force` was not given.
    pub(super) fn refuse_existing(&self, flag: &str, path: &Path) -> Result<()> {
        if path.exists() && !self.force {
            let reason = format!(
                "{} exists already; name another file, or add --force to write over it",
                path.display()
            );
            return Err(Error::config(flag, reason));
        }
        Ok(())
    }
}
