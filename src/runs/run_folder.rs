//! A run is a folder: its configuration, its metrics, its checkpoints and its gallery.
//!
//! ```text
//! config.toml                       the settings, as resolved
//! metrics.jsonl                     one JSON object a report
//! checkpoint.safetensors            the newest checkpoint, and beside it the one before
//! summary.json                      the figures at the end
//! unreadable.txt                    pictures that were skipped, one a line
//! gallery/                          what the prototypes look like
//! ```
//! Nothing here prints, and no file is ever left half written: texts are renamed into place, and a
//! metrics line that a power cut tore is dropped when the run goes on.

use crate::error::{Error, Result};
use crate::interop::{remove_leftovers, write_atomic};
use crate::runs::{checkpoint, place};
use crate::words::quoted;
use serde::Serialize;
use serde_json::Value;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Keeps a second run out of the folder, until the last copy of this is dropped or the process
    /// ends in whatever way.
    #[expect(dead_code, reason = "held, not read")]
    claim: Option<Arc<File>>,
}

/// The command that goes on with a run, ready to be pasted.
#[must_use]
pub fn resume_command(folder: &Path) -> String {
    format!("swav-wgpu train --resume {}", quoted(&folder.display().to_string()))
}

impl RunFolder {
    /// Makes a new run folder, with its parents. An existing empty folder is fine.
    ///
    /// # Errors
    /// [`Error::Config`] for `out` when something is there already; [`Error::Io`] when it cannot be
    /// made.
    pub fn create(path: &Path) -> Result<Self> {
        Self::check_new(path)?;
        std::fs::create_dir_all(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), claim: claim(path, "out")? })
    }

    /// Refuses a path at which no new run folder can be made, and makes nothing.
    ///
    /// # Errors
    /// [`Error::Config`] when it is a file or a folder with something in it, or when nothing can be written there.
    pub fn check_new(path: &Path) -> Result<()> {
        let shown = path.display();
        if path.exists() && !path.is_dir() {
            return Err(Error::config("out", format!("{shown} is a file; name a new folder with `--out`")));
        }
        if path.is_dir() && std::fs::read_dir(path).map_err(Error::io(path))?.next().is_some() {
            let reason = if path.join("config.toml").exists() {
                let resume = resume_command(path);
                format!(
                    "{shown} holds a run already: continue it with `{resume}`, or name a new folder with `--out`"
                )
            } else {
                format!(
                    "{shown} is not empty: name a new folder with `--out` (`--resume` continues a run folder)"
                )
            };
            return Err(Error::config("out", reason));
        }
        place::check(path)
    }

    /// Makes the first free one of `parent/name-1`, `parent/name-2`, …; two runs that start at the
    /// same moment get two.
    ///
    /// # Errors
    /// [`Error::Config`] for `out` when nothing can be made there; [`Error::Io`] when it cannot for another reason.
    pub fn create_next(parent: &Path, name: &str) -> Result<Self> {
        place::check(parent)?;
        std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
        let mut number = 1u64;
        loop {
            let path = parent.join(format!("{name}-{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self { claim: claim(&path, "out")?, path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(Error::io(path)(error)),
            }
        }
    }

    /// Opens the folder of an earlier run, and removes temporary files that a killed run left.
    ///
    /// # Errors
    /// [`Error::Config`] for `resume` when it is not a run folder, or another run goes on in it.
    pub fn open(path: &Path) -> Result<Self> {
        let found = Self::find(path)?;
        let run = Self { claim: claim(path, "resume")?, ..found };
        remove_leftovers(path);
        Ok(run)
    }

    /// Finds the folder of an earlier run, and changes nothing in it.
    ///
    /// # Errors
    /// [`Error::Config`] for `resume` when it is not a run folder.
    pub fn find(path: &Path) -> Result<Self> {
        let shown = path.display();
        if !path.exists() {
            return Err(Error::config("resume", format!("there is no folder {shown}; name that of a run")));
        }
        if !path.is_dir() {
            let reason = format!("{shown} is a file; name the run folder that holds it");
            return Err(Error::config("resume", reason));
        }
        let run = Self { path: path.to_owned(), claim: None };
        if !run.config().exists() && !run.checkpoint().exists() && !run.previous_checkpoint().exists() {
            let reason = format!(
                "{shown} is not a run folder: it holds neither config.toml nor a checkpoint; name that of a run"
            );
            return Err(Error::config("resume", reason));
        }
        Ok(run)
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings of the run.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// One JSON object a report.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The figures at the end.
    #[must_use]
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// The folder of the gallery.
    #[must_use]
    pub fn gallery(&self) -> PathBuf {
        self.path.join("gallery")
    }

    /// The list of skipped pictures.
    #[must_use]
    pub fn unreadable(&self) -> PathBuf {
        self.path.join("unreadable.txt")
    }

    /// The newest checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(checkpoint::NEWEST)
    }

    /// The checkpoint before the newest.
    #[must_use]
    pub fn previous_checkpoint(&self) -> PathBuf {
        self.path.join(checkpoint::PREVIOUS)
    }

    /// Adds one line to `metrics.jsonl`, in one write, so that whoever follows the file sees whole
    /// lines.
    ///
    /// # Errors
    /// [`Error::Io`] with the path.
    pub fn append_metrics(&self, report: &Value) -> Result<()> {
        let path = self.metrics();
        let line = format!("{report}\n");
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io(&path))?;
        file.write_all(line.as_bytes()).and_then(|()| file.flush()).map_err(Error::io(&path))
    }

    /// Puts `value` under `key` into the line of `step`, where that is the last one of `metrics.jsonl`.
    ///
    /// # Errors
    /// [`Error::Io`] with the path; the old file is then untouched.
    pub fn amend_metrics(&self, step: u64, key: &str, value: &impl Serialize) -> Result<()> {
        let path = self.metrics();
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
        let (earlier, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
        let Ok(mut report) = serde_json::from_str::<Value>(last) else { return Ok(()) };
        if report.get("step").and_then(Value::as_u64) != Some(step) {
            return Ok(());
        }
        report[key] = serde_json::to_value(value).map_err(|error| Error::io(&path)(error.into()))?;
        let between = if earlier.is_empty() { "" } else { "\n" };
        self.write_text_atomic(&path, &format!("{earlier}{between}{report}\n"))
    }

    /// Makes `metrics.jsonl` what it was when the checkpoint of `step` was taken: everything from
    /// the first report with a later `"step"` on goes, and so does a line that was torn by a kill.
    /// Returns how many lines went. A file that is not there is fine.
    ///
    /// # Errors
    /// [`Error::Io`] with the path; the old file is then untouched.
    pub fn truncate_metrics_after(&self, step: u64) -> Result<usize> {
        let path = self.metrics();
        if !path.exists() {
            return Ok(0);
        }
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let text = String::from_utf8_lossy(&bytes);
        let (mut kept, mut dropped, mut later) = (String::with_capacity(text.len()), 0, false);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            // A torn line is not JSON. A whole one that only lost its line feed is kept.
            let report = serde_json::from_str::<Value>(line);
            let at = report.as_ref().ok().and_then(|report| report.get("step")).and_then(Value::as_u64);
            later |= at.is_some_and(|at| at > step);
            if later || report.is_err() {
                dropped += 1;
            } else {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        if kept.as_bytes() != bytes {
            self.write_text_atomic(&path, &kept)?;
        }
        Ok(dropped)
    }

    /// Writes a text file (one of this folder's) so that it is either the old or the whole new one.
    ///
    /// # Errors
    /// [`Error::Io`] with the path; the old file is then untouched.
    pub fn write_text_atomic(&self, path: &Path, text: &str) -> Result<()> {
        write_atomic(path, |file| file.write_all(text.as_bytes()))
    }

    /// Syncs the metrics to the disk, for the moment when a checkpoint says that they are there.
    ///
    /// # Errors
    /// [`Error::Io`] with the path.
    pub fn sync_metrics(&self) -> Result<()> {
        let path = self.metrics();
        if !path.exists() {
            return Ok(());
        }
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|file: File| file.sync_all())
            .map_err(Error::io(&path))
    }
}

/// Claims a folder for this process. Best effort: some systems cannot lock folders, and some network
/// disks lock nothing.
pub(crate) fn claim(path: &Path, setting: &str) -> Result<Option<Arc<File>>> {
    let Ok(handle) = File::open(path) else { return Ok(None) };
    match handle.try_lock() {
        Ok(()) => Ok(Some(Arc::new(handle))),
        Err(TryLockError::WouldBlock) => {
            let reason =
                format!("{} is in use by a run that goes on; wait for it, or stop it first", path.display());
            Err(Error::config(setting, reason))
        }
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(test)]
#[path = "run_folder_tests.rs"]
mod tests;
