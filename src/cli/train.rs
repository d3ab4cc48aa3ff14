//! `swav-wgpu train`: turns flags, file and preset into a checked request, and runs it.
//!
//! Resolving is a pure function of the arguments and the files that they name, so that it can be
//! tested without a device: [`Train::resolve`] gives a [`TrainRequest`], `start` hands it to the engine.

pub(super) mod launched;
mod plan;
mod results;
pub(super) mod watch;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use plan::Plan;

use super::flags::{Choice, Given};
use super::{Outcome, flags, presets, tune};
use crate::config::{Config, FormerSteps, Method, Preset, Setting, Value};
use crate::error::{Error, Result};
use crate::ranks::{self, Exchange};
use crate::runs::checkpoint::{Checkpoint, Loaded};
use crate::runs::run_folder::RunFolder;
use crate::train::TrainOptions;

/// What the user asked for, resolved and checked.
#[derive(Clone, Debug, PartialEq)]
struct TrainRequest {
    /// Every setting of the run.
    config: Config,
    /// Only say what the run would take.
    plan: Option<Plan>,
    /// The time that the run is to take.
    within: Option<Duration>,
    /// Measure the kernels while training.
    profile: bool,
    /// The run folder to go on with.
    resume: Option<PathBuf>,
}

/// All settings.
struct All;

impl Choice for All {
    fn has(_: &Setting) -> bool {
        true
    }
}

/// Train on a folder of pictures, or on the embedded ones
#[derive(Args)]
#[command(
    long_about = "Train on a folder of pictures, or on the embedded ones when no folder is given.\n\n\
                  Every setting is a flag here and a key in a TOML file. Values come from the defaults, then \
                  the preset, then the --config file, then the flags; the later wins. The run folder's \
                  config.toml records them all and can be given to --config.",
    after_help = EXAMPLES
)]
pub(super) struct Train {
    #[command(flatten)]
    settings: Given<All>,
    /// List the presets with their values, and stop
    #[arg(long, help_heading = "Command")]
    list_presets: bool,
    /// Read settings from a TOML file, such as the config.toml of an earlier run
    #[arg(long, value_name = "FILE", help_heading = "Command")]
    config: Option<PathBuf>,
    /// Say how long the run would take, by measuring a few steps, and the memory it needs, without training;
    /// `--plan=memory` measures nothing
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "time",
        help_heading = "Command"
    )]
    plan: Option<Plan>,
    /// Take so long from beginning to end, such as 20m or 8h: a few steps are measured, and as many as fit become `steps`
    ///
    /// Evaluations, checkpoints and the gallery are in it, and the schedule is complete at its end. config.toml has the
    /// number of steps, with which the run can be repeated to the bit. Where the machine becomes slower or faster, what is left of
    /// the schedule is spread over fewer or more steps. `--max-time` in its place cuts a schedule short.
    #[arg(long = "for", value_name = "TIME", value_parser = time, help_heading = "Command")]
    within: Option<Duration>,
    /// Time every kernel and print a table by operation and layer at the end
    #[arg(long, help_heading = "Command")]
    profile: bool,
    /// Go on with a stopped run; its settings come from its folder, and only a few can change
    #[arg(long, value_name = "RUN", help_heading = "Command")]
    resume: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  swav-wgpu train
  swav-wgpu train photos/ --for 20m
  swav-wgpu train photos/ --epochs 200 --out runs/photos
  swav-wgpu train photos/ --arch resnet50 --crops 2x224@0.14-1,6x96@0.05-0.14 --batch 32
  swav-wgpu train imagenet/train --preset imagenet-256 --max-time 8h
  swav-wgpu train --resume runs/photos";

impl Train {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        if self.list_presets {
            super::print(&presets::render())?;
            return Ok(Outcome::Done);
        }
        let ranks = launched::ranks(|name| std::env::var(name).ok())?;
        if ranks.rank() > 0 {
            return launched::follow(&ranks);
        }
        launched::compare(&*ranks)?;
        let request = ranks::agree(&*ranks, self.request(&*ranks))?;
        start(request, &ranks)
    }

    /// The request, with the kernels that this machine was tuned for.
    fn request(&self, ranks: &dyn Exchange) -> Result<TrainRequest> {
        let mut request = self.resolve()?;
        if request.plan.is_some() && ranks.size() > 1 {
            let reason =
                "is about one device: ask for it without mpirun, and with `--batch` divided by the ranks";
            return Err(Error::config("plan", reason));
        }
        // A resumed run keeps the kernels that it began with.
        if request.resume.is_none() {
            tune::apply(&mut request.config)?;
        }
        Ok(request)
    }

    /// The request that the arguments stand for, with every setting checked.
    fn resolve(&self) -> Result<TrainRequest> {
        let mut config = match &self.resume {
            Some(run) => self.resumed(run)?,
            None => fresh(&self.settings, self.config.as_deref())?,
        };
        if self.within.is_some() {
            let length = ["steps", "epochs"].into_iter().find(|key| self.settings.get(key).is_some());
            if let Some(length) = length {
                let reason = format!("cannot be given with `{length}`: it decides how many steps there are");
                return Err(Error::config("for", reason));
            }
            if self.settings.get("max_time").is_some() {
                let reason =
                    "cannot be given with `max_time`, which cuts short the run that it makes fit its time";
                return Err(Error::config("for", reason));
            }
            // Those of a file were decided for another time.
            if self.resume.is_none() {
                (config.steps, config.max_time) = (None, None);
            }
        }
        // So was the history of a length that somebody changes.
        let other = self.within.is_some() || self.settings.get("steps").is_some();
        if other && self.resume.is_none() && self.settings.get("former_steps").is_none() {
            config.former_steps = FormerSteps::default();
        }
        // The run folder must make sense from any other folder too.
        make_absolute(&mut config)?;
        config.validate()?;
        let Self { plan, within, profile, ref resume, .. } = *self;
        Ok(TrainRequest { config, plan, within, profile, resume: resume.clone() })
    }

    /// The settings of a run that goes on: those of its folder, and the few that may change.
    fn resumed(&self, run: &Path) -> Result<Config> {
        if self.config.is_some() {
            return Err(Error::config(
                "config",
                "cannot be given with --resume: the run folder has its own settings",
            ));
        }
        if let Some(setting) = self.settings.settings().find(|given| !Config::RESUMABLE.contains(&given.key))
        {
            let flag = |key: &&str| format!("--{}", key.replace('_', "-"));
            let flags: Vec<String> =
                Config::RESUMABLE.iter().filter(|&&key| key != flags::POSITIONAL).map(flag).collect();
            let allowed = format!("a new path of the same pictures, {}", flags.join(", "));
            return Err(Error::config(
                setting.key,
                format!(
                    "cannot be given with --resume: a resumed run goes on as if it had never stopped, so \
                     what it computes is fixed by its folder; allowed are {allowed}"
                ),
            ));
        }
        let folder = RunFolder::find(run)?;
        let path = folder.config();
        // Should the file be lost, every checkpoint carries a copy.
        let (text, origin) = if path.exists() {
            (std::fs::read_to_string(&path).map_err(Error::io(&path))?, path)
        } else {
            let Loaded { checkpoint, path, .. } = Checkpoint::load(run)?;
            (checkpoint.meta.config, path)
        };
        let mut config = Config::of_run(&text, &origin.display().to_string())?;
        self.settings.apply(&mut config)?;
        Ok(config)
    }
}

/// Hands a request to the engine.
fn start(request: TrainRequest, ranks: &Arc<dyn Exchange>) -> Result<Outcome> {
    let Some(what) = request.plan else { return watch::train(request, ranks) };
    let TrainRequest { config, profile, resume, within, .. } = request;
    plan::run(&TrainOptions { config, resume, profile, within }, what)?;
    Ok(Outcome::Done)
}

/// A time as settings take it.
fn time(text: &str) -> Result<Duration, String> {
    Duration::parse(text)
}

/// The settings of a new run: file and flags over a preset.
pub(super) fn fresh(settings: &Given<impl Choice>, file: Option<&Path>) -> Result<Config> {
    let config = layered(settings, file, None, |_, _| Ok(()))?;
    settings.check_read(config.method)?;
    Ok(config)
}

/// The same with a method of its own, whatever the arguments say, and `settle` over the recipe.
pub(super) fn layered(
    settings: &Given<impl Choice>,
    file: Option<&Path>,
    method: Option<Method>,
    settle: impl Fn(&mut Config, Preset) -> Result<()>,
) -> Result<Config> {
    let file = file.map(|path| Ok((read_config(path)?, path.display().to_string()))).transpose()?;
    let overlay = |config: &mut Config| {
        if let Some((text, origin)) = &file {
            config.merge_toml(text, origin)?;
        }
        settings.apply(config)?;
        config.method = method.unwrap_or(config.method);
        Ok(())
    };
    // File and flags over the defaults tell which preset is meant; then they go over that preset.
    let mut asked = Config::default();
    overlay(&mut asked)?;
    let preset = asked.preset.unwrap_or_else(|| Config::usual_preset(asked.data.is_some()));
    let mut recipe = Config::from_recipe(preset, asked.method)?;
    settle(&mut recipe, preset)?;
    let mut config = recipe.clone();
    overlay(&mut config)?;
    config.preset = Some(preset);
    config.fit_warmup(&recipe);
    Ok(config)
}

/// Paths that mean the same from any other folder.
pub(super) fn make_absolute(config: &mut Config) -> Result<()> {
    for path in [&mut config.data, &mut config.init].into_iter().flatten() {
        *path = std::path::absolute(&*path).map_err(Error::io(&*path))?;
    }
    Ok(())
}

/// The text of the `--config` file.
fn read_config(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let shown = path.display();
        let reason =
            format!("{shown} cannot be read ({error}); name a TOML file, such as the config.toml of a run");
        Error::config("config", reason)
    })
}

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
