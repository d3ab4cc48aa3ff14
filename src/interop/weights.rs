//! Weights of a network from any file that holds some, under torchvision's names.
//!
//! Known are safetensors (those of this program, and others') and PyTorch's two containers. What other
//! programs put before a name (`module.`, `backbone.`, …) is found at the first convolution and taken
//! away everywhere, so that the official head (`projection_head`) and `prototypes` keep theirs.

use super::{HostTensor, safetensors, torch};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a file holds of a network.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// Where it was read.
    pub path: PathBuf,
    /// Tensors by name, without the optimiser's.
    pub tensors: BTreeMap<String, HostTensor>,
    /// The strings of a safetensors file: settings, where this program wrote it.
    pub metadata: BTreeMap<String, String>,
}

/// The stem's convolution and norm: where these two are, a ResNet begins.
const STEM: [&str; 2] = ["conv1.weight", "bn1.weight"];
/// What a checkpoint has beside the network.
const NOT_WEIGHTS: [&str; 2] = ["optimizer.", "queue"];

/// Whether a tensor of a checkpoint belongs to the network.
#[must_use]
pub fn is_weight(name: &str) -> bool {
    !NOT_WEIGHTS.iter().any(|other| name.starts_with(other))
}

/// Reads the weights of a file, whatever its name ends with.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::Checkpoint`] when it is neither format, damaged, wants to
/// run something, or holds no ResNet.
pub fn read(path: &Path) -> Result<Weights> {
    let wrong = |reason: &str| Error::Checkpoint { path: path.to_owned(), reason: reason.to_owned() };
    let mut start = Vec::new();
    let file = File::open(path).map_err(Error::io(path))?;
    if !file.metadata().map_err(Error::io(path))?.is_file() {
        return Err(wrong("a folder or device; name a file of weights, or a run folder"));
    }
    file.take(16).read_to_end(&mut start).map_err(Error::io(path))?;
    let (found, metadata) = if torch::is_torch(&start) {
        (torch::read(path)?, BTreeMap::new())
    } else if start.get(8) == Some(&b'{') {
        let contents = safetensors::read(path)?;
        (contents.tensors, contents.metadata)
    } else {
        return Err(wrong("neither a file of PyTorch (.pth, .pth.tar, .pt) nor safetensors"));
    };
    let tensors = renamed(found).ok_or_else(|| {
        wrong("no ResNet under torchvision's names: it has no `conv1.weight` and `bn1.weight`")
    })?;
    Ok(Weights { path: path.to_owned(), tensors, metadata })
}

/// The tensors under torchvision's names; `None` where there is no stem.
fn renamed(found: BTreeMap<String, HostTensor>) -> Option<BTreeMap<String, HostTensor>> {
    let prefixes = found.keys().filter_map(|name| name.strip_suffix(STEM[0]));
    let is_stem = |prefix: &&str| {
        (prefix.is_empty() || prefix.ends_with('.')) && found.contains_key(&format!("{prefix}{}", STEM[1]))
    };
    // Blocks begin the same way; the stem has the shortest name.
    let prefix = prefixes.filter(is_stem).min_by_key(|prefix| prefix.len())?.to_owned();
    let short = |name: String| {
        let rest = name.strip_prefix(&prefix).or_else(|| name.strip_prefix("module."));
        rest.map_or(name.clone(), str::to_owned)
    };
    let named = found.into_iter().map(|(name, tensor)| (short(name), tensor));
    Some(named.filter(|(name, _)| is_weight(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Option<Vec<String>> {
        let tensors = names.iter().map(|name| ((*name).to_owned(), HostTensor::default())).collect();
        renamed(tensors).map(|tensors| tensors.into_keys().collect())
    }

    #[test]
    fn prefixes_go_and_the_rest_stays() {
        let plain = [
            "bn1.weight",
            "conv1.weight",
            "layer1.0.bn1.weight",
            "layer1.0.conv1.weight",
            "projection_head.0.weight",
        ];
        assert_eq!(named(&plain).unwrap(), plain);
        for prefix in ["module.", "module.backbone.", "encoder."] {
            let long = plain.map(|name| format!("{prefix}{name}"));
            assert_eq!(named(&long.each_ref().map(String::as_str)).unwrap(), plain);
        }
        let apart =
            ["module.backbone.conv1.weight", "module.backbone.bn1.weight", "module.prototypes.weight"];
        assert_eq!(named(&apart).unwrap(), ["bn1.weight", "conv1.weight", "prototypes.weight"]);
        let mine = [
            "conv1.weight",
            "bn1.weight",
            "bn1.num_batches_tracked",
            "optimizer.momentum.conv1.weight",
            "queue",
        ];
        assert_eq!(named(&mine).unwrap(), ["bn1.num_batches_tracked", "bn1.weight", "conv1.weight"]);
        assert!(named(&["features.0.weight", "conv1.weight"]).is_none());
    }

    #[test]
    fn other_files_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, word) in [(&b"hello"[..], "neither"), (b"", "neither"), (b"PK\x03\x04zip", "zip archive")]
        {
            let path = folder.path().join("a.pth");
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("a.pth"), "{error}");
        }
        assert!(read(folder.path()).unwrap_err().to_string().contains("run folder"));
        assert!(matches!(read(&folder.path().join("none.pth")), Err(Error::Io { .. })));
    }
}
