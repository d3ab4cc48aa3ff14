//! Checkpoints: one safetensors file that holds all a run needs to go on, bit for bit.
//!
//! The newest is `checkpoint.safetensors`, the one before it `checkpoint.previous.safetensors`.
//! Saving writes a third, temporary file, syncs it, and only then renames twice (newest → previous,
//! temporary → newest), so at every moment at least one whole checkpoint has one of the two names,
//! whatever is pulled from the wall. The position of the run is in the file's string metadata,
//! readable with any safetensors tool.

use crate::error::{Error, Result};
use crate::interop::{self, HostTensor, safetensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The newest checkpoint of a run folder.
pub const NEWEST: &str = "checkpoint.safetensors";
/// The one before it.
pub const PREVIOUS: &str = "checkpoint.previous.safetensors";
/// The format that this program writes and reads, in the metadata key `format`.
pub const FORMAT: &str = "swav-wgpu/1";

/// Metadata keys that hold plain text; the others hold JSON.
const PLAIN: [&str; 2] = ["format", "config"];
/// The metadata key of the checksum over names, shapes and values.
const CHECKSUM: &str = "checksum";

/// Where a run stands: everything but the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// [`FORMAT`].
    pub format: String,
    /// The run's configuration as TOML.
    pub config: String,
    /// Steps done.
    pub step: u64,
    /// The epoch that the next batch belongs to, from 0.
    pub epoch: u64,
    /// Batches of that epoch already used.
    pub batch_in_epoch: u64,
    /// Whatever else the loop wants to remember. Finite floats pass through decimal text and come back as the same bits;
    /// JSON has no others.
    pub state: Value,
}

/// A run at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Weights, running statistics, optimiser state and queue by name.
    pub tensors: BTreeMap<String, HostTensor>,
    /// The position of the run.
    pub meta: Meta,
}

/// A checkpoint that was read, from where, and what a person should know about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What was read.
    pub checkpoint: Checkpoint,
    /// The file it came from.
    pub path: PathBuf,
    /// Set when the newest file was missing or damaged and the previous one was used instead.
    pub warning: Option<String>,
}

impl Checkpoint {
    /// Writes `folder/checkpoint.safetensors`, keeping the one before, and returns its path.
    ///
    /// # Errors
    /// [`Error::Io`] with the path (disk full, folder gone): both old files are as they were.
    pub fn save(&self, folder: &Path) -> Result<PathBuf> {
        let newest = folder.join(NEWEST);
        interop::remove_leftovers(folder);
        let temporary = safetensors::temporary(&newest, &self.tensors, &self.metadata()?)?;
        rotate(folder)?;
        interop::persist(temporary, &newest)?;
        Ok(newest)
    }

    /// Reads the newest whole checkpoint of a run folder, or one given file.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when there is none, it is not ours, of another version, or damaged (in
    /// a run folder: when the previous one is no use either); [`Error::Io`] when it cannot be read.
    pub fn load(run: &Path) -> Result<Loaded> {
        if !run.is_dir() {
            let checkpoint = Self::read(run)?;
            return Ok(Loaded { checkpoint, path: run.to_owned(), warning: None });
        }
        let (newest, previous) = (run.join(NEWEST), run.join(PREVIOUS));
        if !newest.exists() && !previous.exists() {
            let reason = format!(
                "this folder holds no checkpoint ({NEWEST}), so the run was stopped before its first one; start \
                 it again with `--config {}` and a new `--out`",
                run.join("config.toml").display()
            );
            return Err(Error::Checkpoint { path: run.to_owned(), reason });
        }
        let first = match Self::read(&newest) {
            Ok(checkpoint) => return Ok(Loaded { checkpoint, path: newest, warning: None }),
            Err(error) => error,
        };
        // The first error is the one to tell when neither file can be used, unless there is no
        // newest file at all: then the previous one is the only news.
        let checkpoint = match Self::read(&previous) {
            Ok(checkpoint) => checkpoint,
            Err(second) => return Err(hopeless(if newest.exists() { first } else { second }, run)),
        };
        let step = checkpoint.meta.step;
        let warning = if newest.exists() {
            format!("{first}; going on from the one before it (step {step})")
        } else {
            format!("the run was stopped while it saved; going on from the checkpoint before (step {step})")
        };
        Ok(Loaded { checkpoint, path: previous, warning: Some(warning) })
    }

    /// Reads one file and checks that it is ours and whole.
    fn read(path: &Path) -> Result<Self> {
        let wrong = |reason: String| Error::Checkpoint { path: path.to_owned(), reason };
        let mut contents = safetensors::read(path)?;
        match contents.metadata.get("format").map(String::as_str) {
            Some(FORMAT) => {}
            Some(other) if other.starts_with("swav-wgpu/") => {
                return Err(wrong(format!("written in format `{other}`; this program reads `{FORMAT}`")));
            }
            _ => {
                let hint = "its metadata has no `format = \"swav-wgpu/…\"`; weights alone cannot be resumed";
                return Err(wrong(format!("not a checkpoint of this program: {hint}")));
            }
        }
        let noted = contents.metadata.remove(CHECKSUM);
        if noted.is_none_or(|noted| noted != checksum(&contents.tensors)) {
            return Err(wrong(
                "damaged: its values are not the ones that were written (checksum)".to_owned(),
            ));
        }
        let meta = parse_meta(contents.metadata)
            .map_err(|e| wrong(format!("damaged: its metadata cannot be read: {e}")))?;
        Ok(Self { tensors: contents.tensors, meta })
    }

    /// Compares with what a model wants: every tensor of `wanted` must be here in that shape. Other
    /// tensors (optimiser, queue) may be here too.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming the first tensor that is missing or of another shape. `path` is
    /// the file, for the message.
    pub fn expect_shapes(&self, path: &Path, wanted: &[(String, Vec<usize>)]) -> Result<()> {
        for (name, shape) in wanted {
            let reason = match self.tensors.get(name) {
                None => format!("{name} is missing, this model wants {shape:?}"),
                Some(tensor) if tensor.shape != *shape => {
                    format!("{name} is {:?}, this model wants {shape:?}", tensor.shape)
                }
                Some(_) => continue,
            };
            let reason = format!(
                "of another model: {reason}; put back the config.toml or the checkpoint that belongs to this run"
            );
            return Err(Error::Checkpoint { path: path.to_owned(), reason });
        }
        Ok(())
    }

    /// The metadata as strings: text as it is, everything else as JSON.
    fn metadata(&self) -> Result<BTreeMap<String, String>> {
        let fields = serde_json::to_value(&self.meta).map_err(|e| Error::Checkpoint {
            path: PathBuf::from(NEWEST),
            reason: format!("its state cannot be written: {e}"),
        })?;
        let Value::Object(fields) = fields else { return Ok(BTreeMap::new()) };
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let mut metadata: BTreeMap<String, String> =
            fields
                .into_iter()
                // A string in `state` keeps its quotes: only the plain keys are read back as they are.
                .map(|(key, value)| {
                    if PLAIN.contains(&key.as_str()) { (key, text(value)) } else { (key, value.to_string()) }
                })
                .collect();
        metadata.insert(CHECKSUM.to_owned(), checksum(&self.tensors));
        Ok(metadata)
    }
}

fn parse_meta(metadata: BTreeMap<String, String>) -> serde_json::Result<Meta> {
    let mut fields = serde_json::Map::new();
    for (key, text) in metadata {
        let value =
            if PLAIN.contains(&key.as_str()) { Value::String(text) } else { serde_json::from_str(&text)? };
        fields.insert(key, value);
    }
    serde_json::from_value(Value::Object(fields))
}

/// The error of a run folder without a whole checkpoint, with the way out.
fn hopeless(error: Error, run: &Path) -> Error {
    match error {
        Error::Checkpoint { path, reason } => {
            let config = run.join("config.toml");
            let reason = format!(
                "{reason}; no other checkpoint of this run can be used, so start it again with `--config {}` and a \
                 new `--out`",
                config.display()
            );
            Error::Checkpoint { path, reason }
        }
        other => other,
    }
}

/// Makes the newest checkpoint the previous one, but only if it is whole: a damaged one must not
/// push out the good one that the run went on from.
fn rotate(folder: &Path) -> Result<()> {
    let (newest, previous) = (folder.join(NEWEST), folder.join(PREVIOUS));
    if newest.exists() && Checkpoint::read(&newest).is_ok() {
        std::fs::rename(&newest, &previous).map_err(Error::io(previous))?;
        interop::sync_folder(folder);
    }
    Ok(())
}

/// A 64-bit checksum of names, shapes and values (FNV-1a over 32-bit words), in hexadecimal. It is
/// there for disks that lose blocks, not against forgery.
fn checksum(tensors: &BTreeMap<String, HostTensor>) -> String {
    let mut sum = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |word: u64| sum = (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    for (name, tensor) in tensors {
        name.bytes().for_each(|byte| add(u64::from(byte)));
        tensor.shape.iter().for_each(|&axis| add(axis as u64));
        tensor.data.iter().for_each(|value| add(u64::from(value.to_bits())));
    }
    format!("{sum:016x}")
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
