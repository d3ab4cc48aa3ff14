//! `swav-wgpu train`: turns flags, file and preset into a checked request, and runs it.
//!
//! Resolving is a pure function of the arguments and the files that they name, so that it can be
//! tested without a device: [`resolve`] gives a [`TrainRequest`], `start` hands it to the engine.

mod results;
pub(super) mod watch;

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Outcome, flags, presets, tune};
use crate::config::{Config, Method, Preset};
use crate::error::{Error, Result};
use crate::train::checkpoint::{Checkpoint, Loaded};
use crate::train::run_folder::RunFolder;

/// What the user asked for, resolved and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainRequest {
    /// Every setting of the run.
    pub config: Config,
    /// Only say what the run would cost.
    pub plan: bool,
    /// Measure the kernels while training.
    pub profile: bool,
    /// The run folder to go on with.
    pub resume: Option<PathBuf>,
}

/// The command with all its flags.
pub fn command() -> Command {
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("train")
        .about("Train on a folder of pictures, or on the embedded ones")
        .long_about(
            "Train on a folder of pictures, or on the embedded ones when no folder is given.\n\n\
             Every setting is a flag here and a key in a TOML file. Values come from the defaults, then \
             the preset, then the --config file, then the flags; the later wins. The run folder's \
             config.toml records them all and can be given to --config.",
        )
        .args(flags::all())
        .arg(switch("list-presets", "List the presets with their values, and stop").help_heading("Command"))
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help_heading("Command")
                .help("Read settings from a TOML file, such as the config.toml of an earlier run"),
        )
        .arg(
            switch("plan", "Say what a step would do and the memory it needs, without training")
                .help_heading("Command"),
        )
        .arg(
            switch("profile", "Time every kernel and print a table by operation and layer at the end")
                .help_heading("Command"),
        )
        .arg(
            Arg::new("resume").long("resume").value_name("RUN").help_heading("Command").help(
                "Go on with a stopped run; its settings come from its folder, and only a few can change",
            ),
        )
        .after_help(EXAMPLES)
}

const EXAMPLES: &str = "\
Examples:
  swav-wgpu train
  swav-wgpu train photos/ --epochs 200 --out runs/photos
  swav-wgpu train photos/ --arch resnet50 --crops 2x224@0.14-1,6x96@0.05-0.14 --batch 32
  swav-wgpu train imagenet/train --preset imagenet-256 --max-time 8h
  swav-wgpu train --resume runs/photos";

/// Runs the command.
pub fn run(matches: &ArgMatches) -> Result<Outcome> {
    if matches.get_flag("list-presets") {
        super::print(&presets::render())?;
        return Ok(Outcome::Done);
    }
    let mut request = resolve(matches)?;
    // A resumed run keeps the kernels that it began with.
    if request.resume.is_none() {
        tune::apply(&mut request.config)?;
    }
    start(request)
}

/// Hands a request to the engine.
fn start(request: TrainRequest) -> Result<Outcome> {
    if request.plan {
        // A run that goes on has its folder already.
        let out = request.config.out.filter(|_| request.resume.is_none());
        return watch::plan(&Config { out, ..request.config });
    }
    watch::train(request)
}

/// The request that the arguments stand for, with every setting checked.
pub fn resolve(matches: &ArgMatches) -> Result<TrainRequest> {
    let resume = matches.get_one::<String>("resume").map(PathBuf::from);
    let mut config = match &resume {
        Some(run) => resumed(run, matches)?,
        None => fresh(matches)?,
    };
    // The run folder must make sense from any other folder too.
    make_absolute(&mut config)?;
    config.validate()?;
    Ok(TrainRequest { config, plan: matches.get_flag("plan"), profile: matches.get_flag("profile"), resume })
}

/// The settings of a new run: file and flags over a preset.
pub(super) fn fresh(matches: &ArgMatches) -> Result<Config> {
    let config = layered(matches, None, |_, _| Ok(()))?;
    flags::check_read(&config, matches)?;
    Ok(config)
}

/// The same with a method of its own, whatever the arguments say, and `settle` over the recipe.
pub(super) fn layered(
    matches: &ArgMatches,
    method: Option<Method>,
    settle: impl Fn(&mut Config, Preset) -> Result<()>,
) -> Result<Config> {
    let file = match matches.try_get_one::<String>("config").ok().flatten() {
        Some(path) => Some((read_config(Path::new(path))?, path)),
        None => None,
    };
    let overlay = |config: &mut Config| {
        if let Some((text, origin)) = &file {
            config.merge_toml(text, origin)?;
        }
        flags::apply(config, matches)?;
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

fn resumed(run: &Path, matches: &ArgMatches) -> Result<Config> {
    if matches.contains_id("config") {
        return Err(Error::config(
            "config",
            "cannot be given with --resume: the run folder has its own settings",
        ));
    }
    for (setting, _) in flags::given(matches) {
        if !Config::RESUMABLE.contains(&setting.key) {
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
    let mut config = Config::from_toml(&text, &origin.display().to_string())?;
    flags::apply(&mut config, matches)?;
    Ok(config)
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
