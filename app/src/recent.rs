//! Earlier runs: what their folders say of them, and how they go on.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use swav_wgpu::config::{Config, Preset};
use swav_wgpu::error::{Error, Result};
use swav_wgpu::runs::run_folder::RunFolder;
use swav_wgpu::train::{Metrics, Record};

/// Folders of runs that are remembered.
const MOST: usize = 30;

/// The folders of runs that this program has seen, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent(Vec<PathBuf>);

/// What a run folder says.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The folder.
    pub path: PathBuf,
    /// The recipe it started from.
    pub preset: Option<Preset>,
    /// The pictures; `None` for the built-in set.
    pub data: Option<PathBuf>,
    /// Steps done.
    pub step: u64,
    /// Whether all steps were done.
    pub finished: bool,
    /// Whether somebody trains it now.
    pub running: bool,
    /// Whether it can be opened.
    pub has_checkpoint: bool,
    /// The newest report.
    pub last: Option<Metrics>,
    /// The newest kNN accuracy, plain, of the first split.
    pub knn: Option<f64>,
    /// Seconds that it trained, once it ended.
    pub seconds: Option<f64>,
    /// When it was last written to.
    pub modified: Option<SystemTime>,
}

impl Recent {
    /// Puts a run first.
    pub fn note(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.0.retain(|known| *known != path);
        self.0.insert(0, path);
        self.0.truncate(MOST);
    }

    /// A run has another name now.
    pub fn rename(&mut self, from: &Path, to: &Path) {
        self.0.iter_mut().filter(|known| *known == from).for_each(|known| to.clone_into(known));
    }

    /// All runs that are still there: the remembered ones and those in `folders`, the latest first.
    #[must_use]
    pub fn entries(&self, folders: &[&Path]) -> Vec<Entry> {
        let mut paths = self.0.clone();
        let found = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        for path in found.filter_map(|entry| std::path::absolute(entry.path()).ok()) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        let mut entries: Vec<Entry> = paths.iter().filter_map(|path| Entry::read(path).ok()).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.modified));
        entries.truncate(MOST);
        entries
    }
}

impl Entry {
    /// Reads a run folder; changes nothing in it.
    ///
    /// # Errors
    /// A folder that is not that of a run, or settings that cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let run = RunFolder::find(path)?;
        let config = config(path)?;
        let Record { reports, summary, .. } = Record::read(&run).unwrap_or_default();
        let knn = reports.iter().rev().find_map(|report| Some(report.knn.as_ref()?.first()?.plain));
        let last = reports.into_iter().next_back();
        let step = last.as_ref().map_or(0, |report| report.step);
        let written = [run.metrics(), run.checkpoint(), run.config()];
        let modified = written.iter().filter_map(|file| std::fs::metadata(file).ok()?.modified().ok()).max();
        Ok(Self {
            path: path.to_owned(),
            preset: config.preset,
            data: config.data,
            step: summary.as_ref().map_or(step, |summary| summary.steps),
            finished: summary.as_ref().is_some_and(|summary| summary.finished),
            running: crate::home::at_rest(path).is_err(),
            seconds: summary.as_ref().map(|summary| summary.seconds).filter(|seconds| *seconds > 0.0),
            has_checkpoint: run.checkpoint().exists() || run.previous_checkpoint().exists(),
            last,
            knn,
            modified,
        })
    }

    /// The folder's own name.
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.path)
    }
}

/// The last part of a path.
#[must_use]
pub fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The settings of a run folder.
///
/// # Errors
/// A folder that is not that of a run, or settings that cannot be read.
pub fn config(path: &Path) -> Result<Config> {
    let file = RunFolder::find(path)?.config();
    let text = std::fs::read_to_string(&file).map_err(Error::io(&file))?;
    Config::of_run(&text, &file.display().to_string())
}

/// All reports of a run so far. A line that was torn by a power cut is passed over.
#[must_use]
pub fn reports(path: &Path) -> Vec<Metrics> {
    RunFolder::find(path).and_then(|run| Record::read(&run)).unwrap_or_default().reports
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn run(parent: &Path, name: &str, reports: u64, finished: bool) -> PathBuf {
        let path = parent.join(name);
        std::fs::create_dir_all(&path).unwrap();
        let config = Config::from_preset(Preset::Demo).unwrap();
        std::fs::write(path.join("config.toml"), config.to_toml()).unwrap();
        let line = |i| serde_json::to_string(&samples::report(10 * i, 100)).unwrap() + "\n";
        let metrics: String = (1..=reports).map(line).collect();
        std::fs::write(path.join("metrics.jsonl"), metrics + "{\"step\": 9").unwrap();
        if finished {
            let summary = serde_json::to_string(&samples::summary(100, 100)).unwrap();
            std::fs::write(path.join("summary.json"), summary).unwrap();
        }
        path
    }

    #[test]
    fn runs_are_found_read_and_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("runs");
        let elsewhere = run(folder.path(), "elsewhere", 10, true);
        run(&inside, "demo-1", 3, false);
        std::fs::create_dir(inside.join("not a run")).unwrap();

        let mut recent = Recent::default();
        recent.note(&elsewhere);
        recent.note(&folder.path().join("gone"));
        recent.note(&elsewhere);
        let entries = recent.entries(&[&inside]);
        let mut found: Vec<_> = entries.iter().map(|e| (e.name(), e.step, e.finished)).collect();
        found.sort();
        assert_eq!(found, [("demo-1".to_owned(), 30, false), ("elsewhere".to_owned(), 100, true)]);
        assert!(entries.iter().all(|e| e.preset == Some(Preset::Demo) && !e.has_checkpoint));
        assert_eq!(reports(&inside.join("demo-1")).len(), 3);
        // It goes on: the end that it had before is no end.
        let on = Entry::read(&run(folder.path(), "on", 12, true)).unwrap();
        assert_eq!((on.step, on.finished, on.seconds), (120, false, None));
        assert!(config(&inside.join("not a run")).is_err());
    }
}
