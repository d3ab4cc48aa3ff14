//! What a finished arm is worth, by the same measures, pictures and seeds for all.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Arm, write_json};
use crate::config::Config;
use crate::data::configured;
use crate::error::{Error, Result};
use crate::judge::{
    Clustering, Examination, FeatureSource, LinearOptions, NearestOptions, SEED, USUAL, clusters, linear,
    nearest,
};
use crate::pass::Watch;
use crate::runs::run_folder::RunFolder;
use crate::trained;
use crate::trained::{Model, ModelOptions};

/// The file in the run folder of an arm.
const FILE: &str = "judged.json";
/// The most neighbours that the device finds.
const NEIGHBOURS: usize = 256;

/// How good the features of an arm are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Why there is nothing to judge, of an arm that diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// kNN accuracy on features as they are; empty without labels.
    pub knn: Vec<Accuracy>,
    /// The same on features less their mean, which makes raw pixels hard to beat; empty in files of before.
    #[serde(default)]
    pub knn_centred: Vec<Accuracy>,
    /// Accuracy of linear classifiers; empty without labels.
    pub linear: Vec<Accuracy>,
    /// Clusters by k-means, and by prototypes where there are some.
    pub clusters: Vec<Grouping>,
}

/// A share of right guesses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The split.
    pub split: String,
    /// Whose features.
    pub source: FeatureSource,
    /// The share, from 0 to 1.
    pub top1: f64,
}

/// What clusters say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grouping {
    /// Whose features.
    pub source: FeatureSource,
    /// `k-means` or `prototypes`.
    pub by: String,
    /// Clusters that there could be.
    pub clusters: usize,
    /// Clusters that have a picture.
    pub used: usize,
    /// As many clusters of equal size would be as uneven.
    pub effective: f64,
    /// Normalised mutual information with the labels, where there are some.
    pub nmi: Option<f64>,
}

impl Verdict {
    /// What it says of some of the sources.
    pub(super) fn of(&self, wanted: impl Fn(FeatureSource) -> bool) -> Self {
        let mut part = self.clone();
        part.knn.retain(|one| wanted(one.source));
        part.knn_centred.retain(|one| wanted(one.source));
        part.linear.retain(|one| wanted(one.source));
        part.clusters.retain(|one| wanted(one.source));
        part
    }
}

impl From<&Clustering> for Grouping {
    fn from(of: &Clustering) -> Self {
        let Clustering { source, by, clusters, used, effective, nmi, .. } = *of;
        Self { source, by: by.to_owned(), clusters, used, effective, nmi }
    }
}

/// The verdict of a run folder, where there is one.
///
/// # Errors
/// [`Error::Data`] for a file that holds something else.
pub(super) fn verdict(run: &Path) -> Result<Option<Verdict>> {
    let path = path(run);
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let wrong = |error| {
        let reason = format!("is no verdict ({error}); remove it to have the run judged again");
        Error::Data { path, reason }
    };
    serde_json::from_str(&text).map(Some).map_err(wrong)
}

/// Writes a verdict, after which the arm is done.
pub(super) fn write(run: &Path, verdict: &Verdict) -> Result<()> {
    write_json(&path(run), verdict)
}

/// Records that the arm did not come to its end and never will.
pub(super) fn write_failure(run: &Path, reason: &str) -> Result<()> {
    write(run, &Verdict { failure: Some(reason.to_owned()), ..Verdict::default() })
}

/// Judges a trained arm; with `baselines` raw pixels and the untrained network too. Every look is a pass.
///
/// # Errors
/// A run folder without weights; pictures that cannot be read; what the driver reports; [`Error::Stopped`].
pub(super) fn judge(run: &Path, arm: &Arm, baselines: bool, watch: &mut Watch<'_>) -> Result<Verdict> {
    let config = &arm.config;
    let kept = RunFolder::find(run)?.config();
    let text = std::fs::read_to_string(&kept).map_err(Error::io(&kept))?;
    let trained = Config::of_run(&text, &kept.display().to_string())?;
    let model = Model::open(
        run,
        &ModelOptions {
            adapter: config.adapter.clone(),
            kernels: Some(trained.kernels),
            tuned: Some(trained.tuned.clone()),
            submission: Some(std::time::Duration::from_millis(config.submission_ms)),
            ..ModelOptions::default()
        },
    )?;
    let dataset = configured::open(&trained::settings_for(&model, config.data.as_deref()), watch)?;
    // The same on every device, so that arms can be compared.
    let limit = match config.eval_pictures {
        Some(0) => usize::MAX,
        most => most.unwrap_or(USUAL),
    };
    let sources = if baselines { &FeatureSource::ALL[..] } else { &[FeatureSource::Trained][..] };
    let of = Examination::of(&model, &dataset, limit, sources, watch)?;
    let mut verdict = Verdict::default();
    if of.has_labels() {
        let options =
            NearestOptions { k: vec![config.knn_k.min(NEIGHBOURS)], temperature: config.knn_temperature };
        for found in nearest(&of, &options, watch)? {
            let list = if found.centred { &mut verdict.knn_centred } else { &mut verdict.knn };
            list.push(Accuracy { split: found.split, source: found.source, top1: found.score.top1 });
        }
        for found in linear(&of, &LinearOptions::default(), watch)? {
            let (split, source, top1) = (found.split, found.source, found.score.top1);
            verdict.linear.push(Accuracy { split, source, top1 });
        }
    }
    verdict.clusters = clusters(&of, None, SEED, watch)?.iter().map(Grouping::from).collect();
    Ok(verdict)
}

fn path(run: &Path) -> PathBuf {
    run.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_of_before_centred_features_were_judged_are_read() {
        let one = r#"{"split": "test", "source": "trained", "top1": 0.5}"#;
        let text = format!(r#"{{"knn": [{one}], "linear": [], "clusters": []}}"#);
        let verdict: Verdict = serde_json::from_str(&text).unwrap();
        assert_eq!((verdict.knn.len(), verdict.knn_centred.len()), (1, 0));
        let folder = tempfile::tempdir().unwrap();
        let verdict = Verdict { knn_centred: verdict.knn.clone(), ..verdict };
        write(folder.path(), &verdict).unwrap();
        assert_eq!(super::verdict(folder.path()).unwrap(), Some(verdict.clone()));
        assert!(verdict.of(|source| source == FeatureSource::RawPixels).knn_centred.is_empty());
    }
}
