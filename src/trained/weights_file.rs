//! Weights of a run folder or a file, and the network that they are of.

use crate::config::{Config, Stem};
use crate::error::{Error, Result};
use crate::interop::HostTensor;
use crate::interop::weights::{self, Weights};
use crate::model::NetworkSpec;
use crate::runs::checkpoint::Checkpoint;
use std::collections::BTreeMap;
use std::path::Path;

/// Reads the weights of a run folder or of any file that holds some (of several networks in it the one called `key`),
/// and the settings where it has them.
///
/// # Errors
/// [`Error::Checkpoint`] and [`Error::Io`] as [`weights::read`] and [`Checkpoint::load`] say.
pub(crate) fn read(path: &Path, key: Option<&str>) -> Result<(Weights, Option<Config>)> {
    if path.is_dir() {
        let loaded = Checkpoint::load(path)?;
        let Checkpoint { tensors, meta } = loaded.checkpoint;
        let config = Config::from_toml(&meta.config, &loaded.path.display().to_string())?;
        let tensors = tensors
            .into_iter()
            .filter(|(name, _)| weights::is_weight(name))
            .collect::<BTreeMap<String, HostTensor>>();
        return Ok((Weights { path: loaded.path, tensors, ..Weights::default() }, Some(config)));
    }
    let weights = weights::read(path, key)?;
    let text = weights.metadata.get("config");
    let config = text.map(|text| Config::from_toml(text, &path.display().to_string())).transpose()?;
    Ok((weights, config))
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
