//! Weights of a network from any file that holds some, under torchvision's names.
//!
//! Known are safetensors (those of this program, and others') and PyTorch's two containers, of any trainer: a ResNet
//! is found by its stem and stages, wherever in the file and under whatever prefix (`state_dict.module.`,
//! `teacher.backbone.`, …) they stand, so that no list of trainers' words is needed.
//!
//! | file | what |
//! |---|---|
//! | `networks` | the networks of a file, and the rule by which one is taken |
//! | `names` | other programs' names for the tensors of a trunk |
//! | `heads` | other programs' names for what stands on it |

mod heads;
mod names;
mod networks;

use super::{HostTensor, Shapes, safetensors, torch};
use crate::error::{Error, Result};
pub use heads::row_length;
use networks::Network;
pub use networks::is_weight;
use std::cell::RefCell;
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
    /// Which of several networks of the file this is, and how to take another.
    pub notice: Option<String>,
}

/// Bytes of a file by which it is told what it is.
const START: u64 = 32;

/// Reads the weights of a file, whatever its name ends with. Where it holds several networks, `key` is the path to
/// one of them or a word of it; without it, a teacher or an average of weights is taken before the trained network,
/// and a slow copy (`encoder_k`, `momentum`, `target`) last.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::Checkpoint`] when it is neither format, damaged, holds no ResNet,
/// or none that is called `key`.
pub fn read(path: &Path, key: Option<&str>) -> Result<Weights> {
    let wrong = |reason: &str| Error::Checkpoint { path: path.to_owned(), reason: reason.to_owned() };
    let mut start = Vec::new();
    let file = File::open(path).map_err(Error::io(path))?;
    if !file.metadata().map_err(Error::io(path))?.is_file() {
        return Err(wrong("a folder or device; name a file of weights, or a run folder"));
    }
    file.take(START).read_to_end(&mut start).map_err(Error::io(path))?;
    let notice = RefCell::new(None);
    let choose = |shapes: &Shapes| {
        let (names, told) = choose(shapes, key)?;
        *notice.borrow_mut() = told;
        Ok(names)
    };
    let (mut tensors, metadata) = if torch::is_torch(&start) {
        (torch::read(path, &choose)?, BTreeMap::new())
    } else if start.get(8) == Some(&b'{') {
        let contents = safetensors::read_some(path, &choose)?;
        (contents.tensors, contents.metadata)
    } else {
        return Err(wrong(unread(path, &start)));
    };
    if let Some((name, _)) =
        tensors.iter().find(|(_, tensor)| !tensor.data.iter().all(|value| value.is_finite()))
    {
        return Err(wrong(&format!(
            "`{name}` holds values that are no finite numbers in single precision: its training diverged, or they are \
             doubles beyond that range"
        )));
    }
    heads::complete(&mut tensors);
    Ok(Weights { path: path.to_owned(), tensors, metadata, notice: notice.into_inner() })
}

/// What a file is that begins so and is of no format that is read, and the way out.
fn unread(path: &Path, start: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(start).trim_start().to_ascii_lowercase();
    let named =
        path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match () {
        () if start.starts_with(b"version https://git-lfs") => {
            "git-lfs has not fetched this file; run `git lfs pull` in its folder"
        }
        () if start.starts_with(b"\x89HDF") => {
            "an HDF5 file, as Keras writes it; weights are read from PyTorch (`torch.save(model.state_dict(), …)`) and \
             safetensors"
        }
        () if text.starts_with("<!doctype html") || text.starts_with("<html") => {
            "an HTML page, not weights: its download probably failed"
        }
        () if start.starts_with(b"GGUF") => {
            "a GGUF file, which holds language models; weights are read from PyTorch and safetensors"
        }
        () if named == "onnx" => {
            "an ONNX graph, from which no weights are read; take the PyTorch or safetensors file that it was made of"
        }
        () => "neither a file of PyTorch (.pth, .pth.tar, .pt) nor safetensors",
    }
}

/// The names of the network that is taken, and what a person should know of the choice.
fn choose(shapes: &Shapes, key: Option<&str>) -> Result<(BTreeMap<String, String>, Option<String>), String> {
    let networks = Network::all(shapes);
    let shown = || {
        let path = |network: &Network| match network.path() {
            "" => "one at the top".to_owned(),
            path => format!("`{path}`"),
        };
        networks.iter().map(path).collect::<Vec<_>>().join(", ")
    };
    if networks.is_empty() {
        return Err(nothing(shapes));
    }
    let taken = match key {
        None => networks.first(),
        Some(key) => networks.iter().find(|network| network.is_called(key)),
    };
    let Some(taken) = taken else {
        let key = key.unwrap_or_default();
        return Err(format!("no network in it is called `{key}` (`--weights-key`); it holds {}", shown()));
    };
    let told = (networks.len() > 1).then(|| {
        let path = if taken.path().is_empty() { "the one at the top" } else { taken.path() };
        let how = if key.is_some() { "as asked" } else { "choose another with `--weights-key NAME`" };
        format!("The file holds {} networks ({}); {path} is taken, {how}.", networks.len(), shown())
    });
    Ok((taken.names(shapes, &networks), told))
}

/// Why a file's tensors are no network that can be used.
fn nothing(shapes: &Shapes) -> String {
    let has = |part: &str| shapes.keys().any(|name| name.contains(part));
    if has("attn.qkv") || has("cls_token") || has("attention.query") {
        return "it holds a vision transformer; only ResNets can be used".into();
    }
    let listed: Vec<String> =
        shapes.iter().take(3).map(|(name, shape)| format!("`{name}` {shape:?}")).collect();
    format!(
        "none of its {} tensors are a ResNet's, with a stem such as `conv1.weight` and stages such as \
         `layer1.0.conv1.weight`; it holds {}{}",
        shapes.len(),
        listed.join(", "),
        if shapes.len() > listed.len() { ", …" } else { "" }
    )
}

#[cfg(test)]
mod tests;
