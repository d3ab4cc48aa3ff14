//! The figures of a run for TensorBoard, in event files beside `metrics.jsonl`.
//!
//! They are made of the lines of `metrics.jsonl`, so that both always say the same. Each time a run goes on it begins a
//! new file, whose start tells readers to drop later steps of the files before it.

use crate::error::{Error, Result};
use crate::interop::tfevents;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// An event file that is being written.
#[derive(Debug)]
pub(super) struct Board {
    path: PathBuf,
    file: File,
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

impl Board {
    /// Begins a file in the run folder, of a run that has done `step` steps.
    pub(super) fn begin(folder: &Path, step: u64) -> Result<Self> {
        let time = now();
        // Readers sort the files of a folder by name.
        let path = folder.join(format!("events.out.tfevents.{:010}.{step:010}.swav-wgpu", time as u64));
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io(&path))?;
        let mut board = Self { path, file };
        board.write(&tfevents::beginning(time, step + 1))?;
        Ok(board)
    }

    /// Adds the figures of one line of `metrics.jsonl`.
    pub(super) fn report(&mut self, line: &Value) -> Result<()> {
        let step = line["step"].as_u64().unwrap_or_default();
        self.write(&tfevents::scalars(now(), step, &numbers(line)))
    }

    /// Adds a PNG.
    pub(super) fn picture(&mut self, step: u64, tag: &str, path: &Path) -> Result<()> {
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let size = image::ImageReader::open(path).map_err(Error::io(path))?.into_dimensions();
        let Ok((width, height)) = size else { return Ok(()) };
        self.write(&tfevents::picture(now(), step, tag, bytes, [width, height]))
    }

    /// One write a record, so that a reader that follows the file sees whole ones.
    fn write(&mut self, record: &[u8]) -> Result<()> {
        self.file.write_all(record).and_then(|()| self.file.flush()).map_err(Error::io(&self.path))
    }
}

/// The numbers of a line by their tags: those of the training under `train/`, accuracies under `knn/SPLIT/`.
fn numbers(line: &Value) -> Vec<(String, f64)> {
    let fields = line.as_object().into_iter().flatten().filter(|(key, _)| *key != "step");
    let mut found: Vec<(String, f64)> =
        fields.filter_map(|(key, value)| Some((format!("train/{key}"), value.as_f64()?))).collect();
    for split in line["knn"].as_array().into_iter().flatten() {
        let name = split["name"].as_str().unwrap_or_default();
        for kind in ["plain", "centred"] {
            found.extend(split[kind].as_f64().map(|value| (format!("knn/{name}/{kind}"), value)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_line_has_a_tag() {
        let knn = serde_json::json!([{ "name": "split", "plain": 0.5, "centred": 0.625 }]);
        let line = serde_json::json!({ "step": 3, "loss": 1.5, "gradient_norm": null, "knn": knn });
        let tags = [("train/loss", 1.5), ("knn/split/plain", 0.5), ("knn/split/centred", 0.625)];
        assert_eq!(numbers(&line), tags.map(|(tag, value)| (tag.to_owned(), value)));
    }
}
