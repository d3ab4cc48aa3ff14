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
use crate::train::checkpoint;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes a new run folder, with its parents. An existing empty folder is fine.
    ///
    /// # Errors
    /// [`Error::Config`] for `out` when something is there already; [`Error::Io`] when it cannot be
    /// made.
    pub fn create(path: &Path) -> Result<Self> {
        let shown = path.display();
        if path.exists() && !path.is_dir() {
            return Err(Error::config("out", format!("{shown} is a file; name a new folder with `--out`")));
        }
        if path.is_dir() && std::fs::read_dir(path).map_err(Error::io(path))?.next().is_some() {
            let reason = if path.join("config.toml").exists() {
                format!(
                    "{shown} holds a run already: continue it with `--resume {shown}`, or name a new folder with `--out`"
                )
            } else {
                format!(
                    "{shown} is not empty: name a new folder with `--out` (`--resume` continues a run folder)"
                )
            };
            return Err(Error::config("out", reason));
        }
        std::fs::create_dir_all(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Makes the first free one of `parent/name-1`, `parent/name-2`, …; two runs that start at the
    /// same moment get two.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made.
    pub fn create_next(parent: &Path, name: &str) -> Result<Self> {
        std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
        let mut number = 1u64;
        loop {
            let path = parent.join(format!("{name}-{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(Error::io(path)(error)),
            }
        }
    }

    /// Opens the folder of an earlier run, and removes temporary files that a killed run left.
    ///
    /// # Errors
    /// [`Error::Config`] for `resume` when it is not a run folder.
    pub fn open(path: &Path) -> Result<Self> {
        let run = Self::find(path)?;
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
        let run = Self { path: path.to_owned() };
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_new_folder_is_made_and_an_old_one_refused() {
        let here = tempfile::tempdir().unwrap();
        let path = here.path().join("runs/a");
        let run = RunFolder::create(&path).unwrap();
        assert!(path.is_dir());
        RunFolder::create(&path).unwrap();
        assert!(RunFolder::open(&path).unwrap_err().to_string().contains("not a run folder"));
        run.write_text_atomic(&run.config(), "batch = 64\n").unwrap();
        let message = RunFolder::create(&path).unwrap_err().to_string();
        assert!(message.contains("--resume") && message.contains("--out"), "{message}");
        assert_eq!(RunFolder::open(&path).unwrap().path(), path);
        let other = here.path().join("other");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join("photo.jpg"), "x").unwrap();
        let message = RunFolder::create(&other).unwrap_err().to_string();
        assert!(message.contains("not empty") && message.contains("--out"), "{message}");
        for bad in [other.join("photo.jpg"), here.path().join("none")] {
            assert!(RunFolder::open(&bad).is_err());
        }
        assert!(RunFolder::create(&other.join("photo.jpg")).unwrap_err().to_string().contains("--out"));
    }

    #[test]
    fn runs_without_a_name_are_counted() {
        let here = tempfile::tempdir().unwrap();
        let parent = here.path().join("runs");
        let next = || RunFolder::create_next(&parent, "demo").unwrap().path().to_owned();
        assert_eq!([next(), next()], [parent.join("demo-1"), parent.join("demo-2")]);
        std::fs::write(parent.join("demo-3"), "a file").unwrap();
        assert_eq!(next(), parent.join("demo-4"));
        assert!(RunFolder::create_next(&parent.join("demo-3"), "demo").is_err());
    }

    #[test]
    fn metrics_are_cut_back_to_the_checkpoint() {
        let here = tempfile::tempdir().unwrap();
        let run = RunFolder::create(here.path()).unwrap();
        assert_eq!(run.truncate_metrics_after(3).unwrap(), 0);
        for step in 1..=5 {
            run.append_metrics(&json!({"step": step, "loss": 1.0 / f64::from(step)})).unwrap();
            run.append_metrics(&json!({"note": step})).unwrap();
        }
        let torn = std::fs::read_to_string(run.metrics()).unwrap() + "{\"step\": 6, \"lo";
        std::fs::write(run.metrics(), &torn).unwrap();
        assert_eq!(run.truncate_metrics_after(9).unwrap(), 1);
        assert_eq!(run.truncate_metrics_after(9).unwrap(), 0);
        assert_eq!(run.truncate_metrics_after(3).unwrap(), 4);
        run.append_metrics(&json!({"step": 4})).unwrap();
        run.sync_metrics().unwrap();
        let text = std::fs::read_to_string(run.metrics()).unwrap();
        assert_eq!(text.lines().count(), 7);
        assert!(text.ends_with("{\"step\":4}\n"), "{text}");
        // Not even text: nothing of it can be kept, and nothing panics.
        std::fs::write(run.metrics(), [0xff, 0xfe, b'\n', 0]).unwrap();
        assert_eq!(run.truncate_metrics_after(3).unwrap(), 2);
        assert_eq!(std::fs::read(run.metrics()).unwrap(), b"");
    }
}
