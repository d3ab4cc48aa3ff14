//! Sets of prototypes, and the labels that the pictures get from them.

use super::DeepCluster;
use crate::error::Result;
use crate::eval::Features;
use crate::gpu::Tensor;
use crate::method::balance::{Balancer, Rounds};
use crate::method::clusters::Clusterer;
use crate::method::objective::Moment;
use crate::model::Linear;
use crate::ops::conv2d::Filter;
use crate::ops::{cross_entropy, weights};
use crate::pass::Pass;
use crate::rng::{Purpose, Stream};

/// Rounds of k-means, as the official code makes them; an eleventh look gives the labels.
const ROUNDS: usize = 10;

/// A set of prototypes with the labels of all pictures.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) filter: Filter,
    /// Trained ones (SeLa-v2).
    pub(super) trained: Option<Linear>,
    /// The prototypes of DeepCluster-v2 and the labels of a batch, once recorded.
    pub(super) centroids: Option<Tensor>,
    pub(super) words: Option<Tensor>,
    /// By the picture's number.
    pub(super) labels: Vec<u32>,
}

impl DeepCluster {
    /// New labels of every set from the banks. The sets take the banks in turn.
    pub(super) fn label(
        &mut self,
        Moment { session, store }: Moment<'_>,
        epoch: u64,
        pass: &Pass,
    ) -> Result<()> {
        // Every row is looked at in each round, and once more for its label.
        let rounds = |set: &Set| 1 + if set.trained.is_some() { Rounds::default().most } else { ROUNDS };
        pass.expect(self.bank.pictures().len() * self.sets.iter().map(rounds).sum::<usize>());
        for (at, set) in self.sets.iter_mut().enumerate() {
            let bank = self.bank.features(at % self.assign.len())?;
            let (dim, clusters) = (self.embedding, set.filter.filters as usize);
            let found = match &set.trained {
                None => {
                    let picks = self.picks.clone().map_or_else(
                        || drawn(self.seed, epoch, at, bank.rows, clusters),
                        |picks| picks[epoch as usize][at].clone(),
                    );
                    let clusterer = Clusterer::new(session.gpu(), dim, clusters, bank.rows)?;
                    let found = clusterer.cluster(pass, &bank, &picks, ROUNDS)?;
                    if let Some(centroids) = &set.centroids {
                        session.write(centroids, &weights::pack(&set.filter, &found.centroids.data));
                        session.settle()?;
                    }
                    found.labels
                }
                Some(prototypes) => {
                    let stored = weights::unpack(&set.filter, &session.read(&prototypes.weight(store))?);
                    let prototypes = Features::new(clusters, dim, stored)?.unit(None);
                    let balancer = Balancer::new(session.gpu(), dim, clusters, bank.rows, self.epsilon)?;
                    balancer.balance(pass, &bank, &prototypes, Rounds::default())?.labels
                }
            };
            set.labels.fill(cross_entropy::NONE);
            for (&picture, label) in self.bank.pictures().iter().zip(found) {
                if let Some(place) = set.labels.get_mut(picture as usize) {
                    *place = label;
                }
            }
        }
        pass.complete();
        Ok(())
    }
}

impl Set {
    /// The labels of some pictures.
    pub(super) fn of(&self, pictures: &[u32]) -> Vec<u32> {
        let label = |&picture: &u32| self.labels.get(picture as usize).copied();
        pictures.iter().map(|picture| label(picture).unwrap_or(cross_entropy::NONE)).collect()
    }
}

/// The rows of a bank that the clusters of a set begin as.
fn drawn(seed: u64, epoch: u64, set: usize, rows: usize, clusters: usize) -> Vec<usize> {
    let mut picks: Vec<usize> = (0..rows).collect();
    Stream::new(seed, Purpose::Clusters, &[epoch, set as u64]).shuffle(&mut picks);
    picks.truncate(clusters);
    picks
}
