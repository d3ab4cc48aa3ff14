//! Clusters of a whole bank of features by spherical k-means: the labels of DeepCluster-v2 (appendix D of arXiv
//! 2006.09882; `cluster_memory` of the official `main_deepclusterv2.py`).
//!
//! Rows look for their centroid on the device, which is nearly all of the work: the product of a block of rows with all
//! centroids, and the largest of each row, as labels are found once a bank is balanced. Centroids move on the
//! processor, which reads each row once.

use rayon::prelude::*;
use std::sync::Arc;

use super::balance::Balancer;
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::gpu::Gpu;
use crate::pass::Pass;

/// Clusters of the rows of a bank.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// `[K, D]`, rows of unit length.
    pub centroids: Features,
    /// The cluster of each row.
    pub labels: Vec<u32>,
    /// Rows with each label. A cluster may have none.
    pub counts: Vec<u32>,
}

/// K-means for rows of one length and a number of clusters, ready for any bank.
#[derive(Debug)]
pub struct Clusterer {
    scores: Balancer,
    clusters: usize,
}

impl Clusterer {
    /// Records the kernels for rows of `dim` values, in banks of about `rows` (for the size of the blocks; any number
    /// may come).
    ///
    /// # Errors
    /// [`Error::Config`] for no clusters; a shader or limit error.
    pub fn new(gpu: &Arc<Gpu>, dim: usize, clusters: usize, rows: usize) -> Result<Self> {
        // Scores are compared, not divided: any ε but 1 would round them once more.
        Ok(Self { scores: Balancer::new(gpu, dim, clusters, rows, 1.0)?, clusters })
    }

    /// The same with blocks of a given number of rows.
    ///
    /// # Errors
    /// As [`Clusterer::new`].
    pub fn in_blocks(gpu: &Arc<Gpu>, dim: usize, clusters: usize, rows: u32) -> Result<Self> {
        Ok(Self { scores: Balancer::in_blocks(gpu, dim, clusters, rows, 1.0)?, clusters })
    }

    /// Clusters a bank of rows of unit length, from the rows `picks` as the first centroids. `iterations` times each
    /// row takes the centroid of the largest dot product (of equal ones the first), and each centroid becomes the mean
    /// of its rows at unit length; at last rows take their label once more. A cluster without rows keeps its
    /// centroid, and so does one whose rows cancel, which have no direction. The same bits every time, whatever the
    /// number of threads. `pass` counts `(iterations + 1) · rows`.
    ///
    /// # Errors
    /// [`Error::Config`] for rows of another length, another number of picks than of clusters, picks that are no rows
    /// of the bank, and values that are no numbers; [`Error::Stopped`] where the pass is; what the driver reports.
    pub fn cluster(
        &self,
        pass: &Pass,
        bank: &Features,
        picks: &[usize],
        iterations: usize,
    ) -> Result<Clusters> {
        if picks.len() != self.clusters || picks.iter().any(|&pick| pick >= bank.rows) {
            let (given, wanted) = (picks.len(), self.clusters);
            let reason = format!("{given} first centroids are not {wanted} rows of a bank of {}", bank.rows);
            return Err(Error::config("clusters", reason));
        }
        let mut centroids = bank.select(picks);
        let mut labels = self.scores.nearest(pass, bank, &centroids)?;
        for _ in 0..iterations {
            move_centroids(&mut centroids, bank, &labels);
            labels = self.scores.nearest(pass, bank, &centroids)?;
        }
        let counts = Members::of(&labels, picks.len()).counts();
        Ok(Clusters { centroids, labels, counts })
    }
}

/// Which rows belong to which cluster.
struct Members {
    /// Where each cluster begins in `rows`, and where the last one ends.
    starts: Vec<usize>,
    /// Cluster after cluster, each in the order of the bank.
    rows: Vec<usize>,
}

impl Members {
    fn of(labels: &[u32], clusters: usize) -> Self {
        let mut starts = vec![0; clusters + 1];
        labels.iter().for_each(|&label| starts[label as usize + 1] += 1);
        (0..clusters).for_each(|cluster| starts[cluster + 1] += starts[cluster]);
        let mut next = starts.clone();
        let mut rows = vec![0; labels.len()];
        for (row, &label) in labels.iter().enumerate() {
            rows[next[label as usize]] = row;
            next[label as usize] += 1;
        }
        Self { starts, rows }
    }

    fn cluster(&self, cluster: usize) -> &[usize] {
        &self.rows[self.starts[cluster]..self.starts[cluster + 1]]
    }

    fn counts(&self) -> Vec<u32> {
        self.starts.windows(2).map(|ends| (ends[1] - ends[0]) as u32).collect()
    }
}

/// Each centroid becomes the mean of its rows at unit length, which is their sum at unit length.
///
/// Threads share out the clusters and each sum runs in the order of the bank, so the bits do not depend on them. Sums
/// are in f64, which costs nothing beside reading the rows, so that a centroid is off by one rounding however many
/// rows it has.
fn move_centroids(centroids: &mut Features, bank: &Features, labels: &[u32]) {
    let members = Members::of(labels, centroids.rows);
    let dim = centroids.dim.max(1);
    centroids.data.par_chunks_mut(dim).enumerate().for_each(|(cluster, centroid)| {
        let mut sum = vec![0.0f64; dim];
        for &row in members.cluster(cluster) {
            sum.iter_mut().zip(bank.row(row)).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let length = sum.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
        if length > 0.0 {
            centroid.iter_mut().zip(sum).for_each(|(value, sum)| *value = (sum / length) as f32);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centroids_move_to_their_rows_and_stay_without_any() {
        let rows = vec![3.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 3.0, 1.0, 0.0, -1.0, 0.0];
        let bank = Features::new(6, 2, rows).unwrap();
        let start = vec![0.0, 1.0, 0.6, 0.8, -0.8, 0.6];
        let mut centroids = Features::new(3, 2, start).unwrap();
        let labels = [0, 0, 0, 0, 2, 2];
        let members = Members::of(&labels, 3);
        assert_eq!((members.counts(), members.cluster(2)), (vec![4, 0, 2], &[4, 5][..]));
        move_centroids(&mut centroids, &bank, &labels);
        let half = 0.5f32.sqrt();
        // The rows of the last cluster cancel.
        assert_eq!(centroids.data, [half, half, 0.6, 0.8, -0.8, 0.6]);
    }
}
