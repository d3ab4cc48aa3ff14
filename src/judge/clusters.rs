//! What clusters say about the labels, and how evenly they are used.

use super::{Examination, FeatureSource};
use crate::error::Result;
use crate::eval::cluster::{adjusted_rand_index, normalised_mutual_information, purity};
use crate::eval::kmeans;
use crate::pass::{self, Watch};
use serde::Serialize;
use std::collections::BTreeMap;

/// One way of clustering the pictures.
#[derive(Clone, Debug, Serialize)]
pub struct Clustering {
    /// Where the features come from.
    pub source: FeatureSource,
    /// `prototypes`, or `k-means` on the features.
    pub by: &'static str,
    /// Clusters that there could be.
    pub clusters: usize,
    /// Pictures that were clustered.
    pub pictures: usize,
    /// Clusters that have a picture.
    pub used: usize,
    /// The share of pictures in the largest cluster.
    pub largest: f64,
    /// exp of the entropy of the sizes: as many clusters of equal size would be as uneven.
    pub effective: f64,
    /// Pictures with a label, which the next three figures are about.
    pub labelled: usize,
    /// Normalised mutual information (arithmetic mean), where there are labels.
    pub nmi: Option<f64>,
    /// Adjusted Rand index, where there are labels.
    pub ari: Option<f64>,
    /// Share of pictures with the commonest label of their cluster, where there are labels.
    pub purity: Option<f64>,
}

/// The prototypes of the networks, and spherical k-means on the features of every source with as many
/// clusters as there are classes (or `clusters`), from `seed`, each time as a pass.
///
/// # Errors
/// [`crate::error::Error::Stopped`] where a pass is.
pub fn clusters(
    of: &Examination<'_>,
    clusters: Option<usize>,
    seed: u64,
    watch: &mut Watch<'_>,
) -> Result<Vec<Clustering>> {
    let classes = of.dataset.classes().len();
    let count = clusters.unwrap_or(if classes > 0 { classes } else { 10 });
    let mut results = Vec::new();
    for described in &of.described {
        let found = pass::run(kmeans::FINDING, 0, watch, |pass| {
            Ok(kmeans::clusters(&described.features, count, seed, pass)?.of_rows)
        })?;
        results.push(measure(of, described.source, "k-means", count, &found));
        if let Some(best) = &described.prototypes {
            let count = of.model.prototype_count();
            results.push(measure(of, described.source, "prototypes", count, best));
        }
    }
    Ok(results)
}

fn measure(
    of: &Examination<'_>,
    source: FeatureSource,
    by: &'static str,
    clusters: usize,
    found: &[u32],
) -> Clustering {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    found.iter().for_each(|&cluster| *sizes.entry(cluster).or_default() += 1);
    let share = |size: &usize| *size as f64 / found.len().max(1) as f64;
    let entropy: f64 = sizes.values().map(|size| -share(size) * share(size).ln()).sum();
    let (rows, labels) = of.labelled(of.pictures());
    let assigned: Vec<u32> = rows.iter().map(|&row| found[row]).collect();
    let judged =
        |measure: fn(&[u32], &[u32]) -> f64| (!labels.is_empty()).then(|| measure(&assigned, &labels));
    Clustering {
        source,
        by,
        clusters,
        pictures: found.len(),
        used: sizes.len(),
        largest: sizes.values().map(share).fold(0.0, f64::max),
        effective: entropy.exp(),
        labelled: labels.len(),
        nmi: judged(normalised_mutual_information),
        ari: judged(adjusted_rand_index),
        purity: judged(purity),
    }
}
