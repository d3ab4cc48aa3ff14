//! What a fresh run begins with beside its pictures: the place of its folder, an adapter, weights of another run. It is cheap
//! to look at, and so is refused before anything is done that takes its time.

use crate::config::{Config, Preset};
use crate::error::{Error, Result};
use crate::gpu;
use crate::interop::weights::Weights;
use crate::method::Trainer;
use crate::model::{Fit, NetworkSpec, adapt_stem};
use crate::runs::place;
use crate::runs::run_folder::RunFolder;
use crate::trained;
use std::collections::BTreeMap;
use std::path::Path;

/// Where runs go that have no folder of their own.
const RUNS: &str = "runs";

/// Refuses what a fresh run with these settings cannot begin with.
pub(super) fn check(config: &Config) -> Result<()> {
    if config.out.is_none() {
        place::check(Path::new(RUNS))?;
    }
    check_named(config)
}

/// Refuses what the settings name themselves: a run folder in use or that cannot be made, an adapter that is not there,
/// weights that do not fit.
pub(super) fn check_named(config: &Config) -> Result<()> {
    config.out.as_deref().map_or(Ok(()), RunFolder::check_new)?;
    if config.adapter.is_some() {
        gpu::find(config.adapter.as_deref())?;
    }
    config.init.as_deref().map_or(Ok(()), |init| fitting(init, config).map(drop))
}

/// The folder that was asked for, or the next `runs/<preset>-N`.
pub(super) fn new_folder(config: &Config) -> Result<RunFolder> {
    match &config.out {
        Some(out) => RunFolder::create(out),
        None => RunFolder::create_next(Path::new(RUNS), config.preset.map_or("run", Preset::name)),
    }
}

/// The weights of a file or run, how they fit the network of the settings, and how many channels their stem was
/// for where that is another number.
fn fitting(init: &Path, config: &Config) -> Result<(Weights, Fit, Option<usize>)> {
    let (mut weights, _) = trained::read(init, config.weights_key.as_deref())?;
    let stem = adapt_stem(&mut weights.tensors, config.channels);
    let fit = NetworkSpec::of_config(config).compare(&weights.tensors);
    if fit.fitting == 0 {
        let reason = format!("none of its weights fit the network of this run: {fit}");
        return Err(Error::Checkpoint { path: weights.path, reason });
    }
    Ok((weights, fit, stem))
}

/// Starts from the weights of a file or run, where the settings name one: all that fit, and a sentence that lists the
/// others.
pub(super) fn start_from(config: &Config, trainer: &mut Trainer) -> Result<Option<String>> {
    let Some(init) = &config.init else { return Ok(None) };
    let (weights, mut fit, stem) = fitting(init, config)?;
    trainer.start_from(&weights.tensors)?;
    // A method has tensors of its own beside those of the network, which come along: a predictor, classes, sets.
    let wanted: BTreeMap<String, Vec<usize>> = trainer.wanted_tensors().into_iter().collect();
    let before = fit.unused.len();
    fit.unused.retain(|name| wanted.get(name) != weights.tensors.get(name).map(|tensor| &tensor.shape));
    fit.fitting += before - fit.unused.len();
    let which = weights.notice.map_or_else(String::new, |notice| format!(" {notice}"));
    let stem = stem.map(|channels| {
        format!(
            " Its stem takes {channels} channels: each of the {} here has their average, so that equal values add up to \
             the same.",
            config.channels
        )
    });
    Ok(Some(format!("Starting from {}: {fit}.{which}{}", init.display(), stem.unwrap_or_default())))
}
