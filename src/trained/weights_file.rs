//! Weights of a run folder or a file, and the network that they are of.

use crate::config::{Config, Stem};
use crate::error::{Error, Result};
use crate::interop::HostTensor;
use crate::interop::weights::{self, Weights};
use crate::model::NetworkSpec;
use crate::runs::checkpoint::{Checkpoint, FORMAT};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Everything that a run or a file holds of a network.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) weights: Weights,
    pub(crate) config: Option<Config>,
    /// What a checkpoint holds beside the network, the optimiser's state too.
    pub(crate) beside: BTreeMap<String, HostTensor>,
    /// The row of a ring queue that the next key takes.
    pub(crate) cursor: u64,
}

/// Reads the weights of a run folder or of any file that holds some (of several networks in it the one called `key`),
/// and the settings where it has them.
///
/// # Errors
/// [`Error::Checkpoint`] and [`Error::Io`] as [`weights::read`] and [`Checkpoint::load`] say.
pub(crate) fn read(path: &Path, key: Option<&str>) -> Result<(Weights, Option<Config>)> {
    if path.is_dir() {
        let Whole { weights, config, .. } = checkpoint(path)?;
        return Ok((weights, config));
    }
    let weights = weights::read(path, key)?;
    let text = weights.metadata.get("config");
    let config = text.map(|text| Config::of_run(text, &path.display().to_string())).transpose()?;
    Ok((weights, config))
}

/// The same with what a checkpoint of this program holds beside the network, whether its folder or its file is named.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_whole(path: &Path, key: Option<&str>) -> Result<Whole> {
    if path.is_dir() {
        return checkpoint(path);
    }
    let (weights, config) = read(path, key)?;
    let is_checkpoint = weights.metadata.get("format").is_some_and(|format| format == FORMAT);
    if is_checkpoint && key.is_none() {
        return checkpoint(path);
    }
    Ok(Whole { weights, config, beside: BTreeMap::new(), cursor: 0 })
}

fn checkpoint(path: &Path) -> Result<Whole> {
    let loaded = Checkpoint::load(path)?;
    let Checkpoint { tensors, meta } = loaded.checkpoint;
    let config = Config::of_run(&meta.config, &loaded.path.display().to_string())?;
    let (tensors, beside) = tensors.into_iter().partition(|(name, _)| weights::is_weight(name));
    let cursor = meta.state.pointer("/position/queue_cursor").and_then(Value::as_u64).unwrap_or(0);
    let weights = Weights { path: loaded.path, tensors, ..Weights::default() };
    Ok(Whole { weights, config: Some(config), beside, cursor })
}

/// The network that a file's tensors describe.
///
/// # Errors
/// [`Error::Checkpoint`] where they describe none.
pub(crate) fn network_of(
    weights: &Weights,
    config: Option<&Config>,
    stem: Option<Stem>,
) -> Result<NetworkSpec> {
    let small = config.map(|config| config.stem).filter(|&stem| stem != Stem::Imagenet);
    NetworkSpec::of_weights(&weights.tensors, stem.or(small).unwrap_or(Stem::Cifar)).map_err(|reason| {
        Error::Checkpoint { path: weights.path.clone(), reason: format!("no ResNet: {reason}") }
    })
}
