//! The run that another goes on from: whether its checkpoint is of this run, and what has changed since.

use super::state::RunState;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::method::Trainer;
use crate::runs::checkpoint::Loaded;

/// Where a run goes on: an epoch and a batch of it. A fresh one begins at the first.
pub(super) fn start(earlier: Option<&Loaded>) -> (u64, u64) {
    earlier.map_or((0, 0), |loaded| (loaded.checkpoint.meta.epoch, loaded.checkpoint.meta.batch_in_epoch))
}

/// The state of an earlier run, whose checkpoint must be of this network and of these settings.
///
/// # Errors
/// [`Error::Checkpoint`] for one of another network or of parts that disagree; [`Error::Config`] for a setting that may not
/// change.
pub(super) fn check(config: &Config, trainer: &Trainer, loaded: &Loaded) -> Result<RunState> {
    let Loaded { checkpoint, path, .. } = loaded;
    checkpoint.expect_shapes(path, &trainer.wanted_tensors())?;
    config.check_resumed(&checkpoint.meta.config, path)?;
    let state = RunState::from_value(&checkpoint.meta.state, path)?;
    if state.position.step != checkpoint.meta.step || state.reported != checkpoint.meta.step {
        let reason = format!("its parts disagree about the step ({})", checkpoint.meta.step);
        return Err(Error::Checkpoint { path: path.clone(), reason });
    }
    Ok(state)
}

/// Says where a run cannot go on as it would have: a checkpoint that is not the newest, pictures that are others than the
/// `before` of then, settings that change what batch norms see.
///
/// # Errors
/// [`Error::Config`] for settings of the checkpoint that cannot be read.
pub(super) fn changes(config: &Config, loaded: &Loaded, pictures: u64, before: u64) -> Result<Vec<String>> {
    let mut said = Vec::from_iter(loaded.warning.clone());
    if before != pictures {
        said.push(format!(
            "The data set has {pictures} pictures now, {before} when the run began: it goes on, but not as it would have."
        ));
    }
    let earlier = Config::of_run(&loaded.checkpoint.meta.config, &loaded.path.display().to_string())?;
    said.extend(config.other_statistics(&earlier));
    Ok(said)
}
