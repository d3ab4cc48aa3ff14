//! Measures of the clusters that the prototypes make: which are used, which are copies of another,
//! and how much they say about the labels.

use super::vectors::{Features, dots};
use crate::error::Result;
use crate::pass::Pass;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Prototypes count as copies above this cosine.
pub const TWIN: f32 = 0.99;

/// Which prototypes were the best one of some sample, over a window of the last 10 K samples: long
/// enough that a prototype with a tenth of its fair share still shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Occupancy {
    window: usize,
    last: VecDeque<u32>,
    counts: Vec<u32>,
    used: usize,
}

impl Occupancy {
    /// Nothing seen yet of `k` prototypes.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self { window: 10 * k, last: VecDeque::new(), counts: vec![0; k], used: 0 }
    }

    /// Adds the best prototype of each sample; numbers of K or more are passed over.
    pub fn add(&mut self, assigned: &[u32]) {
        for &prototype in assigned {
            let Some(count) = self.counts.get_mut(prototype as usize) else { continue };
            *count += 1;
            self.used += usize::from(*count == 1);
            self.last.push_back(prototype);
            if self.last.len() > self.window {
                self.forget();
            }
        }
    }

    fn forget(&mut self) {
        let Some(oldest) = self.last.pop_front() else { return };
        if let Some(count) = self.counts.get_mut(oldest as usize) {
            *count -= 1;
            self.used -= usize::from(*count == 0);
        }
    }

    /// Prototypes used in the window.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used
    }

    /// Prototypes not used in the window.
    #[must_use]
    pub fn dead(&self) -> usize {
        self.counts.len() - self.used
    }

    /// Whether the window is full: before, `dead` says little.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.last.len() == self.window
    }

    /// Samples of each prototype in the window.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The window, oldest first: `add` it to a new one to get this one back (a resumed run).
    pub fn window(&self) -> impl Iterator<Item = u32> {
        self.last.iter().copied()
    }
}

/// How many prototypes (rows) have an earlier twin. `pass` counts the prototypes.
///
/// # Errors
/// [`crate::error::Error::Stopped`] where the pass is.
pub fn duplicated(prototypes: &Features, pass: &Pass) -> Result<usize> {
    Ok(twins_in(prototypes, pass)?.into_iter().filter(|&twin| twin).count())
}

/// Whether each prototype (row) has an earlier twin, at cosine above [`TWIN`]. Rows of length 0 have
/// none. K (K − 1) / 2 dot products: 0.6 G multiply-adds for 3,000 of 128, a fraction of a second.
#[must_use]
pub fn twins(prototypes: &Features) -> Vec<bool> {
    // Nobody stops such a pass.
    twins_in(prototypes, &Pass::default()).unwrap_or_default()
}

fn twins_in(prototypes: &Features, pass: &Pass) -> Result<Vec<bool>> {
    if prototypes.check("prototypes").is_err() {
        return Ok(vec![false; prototypes.rows]);
    }
    let unit = prototypes.normalised(None);
    let has_twin = |row: usize| {
        let mut earlier = 0;
        while earlier + 4 <= row {
            let four =
                [unit.row(earlier), unit.row(earlier + 1), unit.row(earlier + 2), unit.row(earlier + 3)];
            if dots(four, unit.row(row)).iter().any(|&cosine| cosine > TWIN) {
                return true;
            }
            earlier += 4;
        }
        (earlier..row).any(|earlier| dots([unit.row(earlier)], unit.row(row))[0] > TWIN)
    };
    (0..unit.rows).into_par_iter().map(|row| pass.advance(1).map(|()| has_twin(row))).collect()
}

/// Normalised mutual information of two labellings of the same samples, from 0 (nothing in common)
/// to 1 (the same up to names): I(a; b) / ((H(a) + H(b)) / 2), the usual arithmetic mean. Two
/// labellings of one cluster each agree (1); samples without a partner are passed over.
#[must_use]
pub fn normalised_mutual_information(a: &[u32], b: &[u32]) -> f64 {
    let n = a.len().min(b.len());
    if n == 0 {
        return 0.0;
    }
    let (mut both, mut in_a, mut in_b) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (&a, &b) in a.iter().zip(b) {
        *both.entry((a, b)).or_insert(0u64) += 1;
        *in_a.entry(a).or_insert(0u64) += 1;
        *in_b.entry(b).or_insert(0u64) += 1;
    }
    let share = |count: u64| count as f64 / n as f64;
    let entropy =
        |counts: &BTreeMap<u32, u64>| -> f64 { counts.values().map(|&c| -share(c) * share(c).ln()).sum() };
    let mean = 0.5 * (entropy(&in_a) + entropy(&in_b));
    if in_a.len() == 1 && in_b.len() == 1 {
        return 1.0;
    }
    let information: f64 = both
        .iter()
        .map(|((a, b), &count)| share(count) * (share(count) / (share(in_a[a]) * share(in_b[b]))).ln())
        .sum();
    (information / mean).clamp(0.0, 1.0)
}

/// Adjusted Rand index of two labellings of the same samples: 1 is the same up to names, 0 what chance gives
/// (Hubert and Arabie 1985). Samples without a partner are passed over.
#[must_use]
pub fn adjusted_rand_index(a: &[u32], b: &[u32]) -> f64 {
    let n = a.len().min(b.len());
    let (mut both, mut in_a, mut in_b) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (&a, &b) in a.iter().zip(b) {
        *both.entry((a, b)).or_insert(0u64) += 1;
        *in_a.entry(a).or_insert(0u64) += 1;
        *in_b.entry(b).or_insert(0u64) += 1;
    }
    let pairs = |n: u64| n as f64 * (n as f64 - 1.0) / 2.0;
    let together: f64 = both.values().map(|&n| pairs(n)).sum();
    let (of_a, of_b): (f64, f64) =
        (in_a.values().map(|&n| pairs(n)).sum(), in_b.values().map(|&n| pairs(n)).sum());
    let expected = if n < 2 { 0.0 } else { of_a * of_b / pairs(n as u64) };
    let most = 0.5 * (of_a + of_b);
    // Both put everything together, or everything apart: they agree.
    if most == expected { 1.0 } else { (together - expected) / (most - expected) }
}

/// The share of samples that have the commonest label of their cluster. It grows with the number of clusters:
/// one sample a cluster is 1.
#[must_use]
pub fn purity(clusters: &[u32], labels: &[u32]) -> f64 {
    let mut counts: BTreeMap<u32, BTreeMap<u32, u64>> = BTreeMap::new();
    for (&cluster, &label) in clusters.iter().zip(labels) {
        *counts.entry(cluster).or_default().entry(label).or_default() += 1;
    }
    let right: u64 = counts.values().filter_map(|labels| labels.values().max()).sum();
    right as f64 / clusters.len().min(labels.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn occupancy_follows_the_window() {
        let mut occupancy = Occupancy::new(3);
        occupancy.add(&[0, 0, 1, 9]);
        assert_eq!((occupancy.used(), occupancy.dead(), occupancy.is_full()), (2, 1, false));
        assert_eq!(occupancy.counts(), [2, 1, 0]);
        occupancy.add(&[2; 29]);
        assert_eq!((occupancy.used(), occupancy.is_full()), (2, true));
        occupancy.add(&[2]);
        assert_eq!((occupancy.used(), occupancy.dead()), (1, 2));
        assert_eq!(occupancy.counts(), [0, 0, 30]);
        let mut again = Occupancy::new(3);
        again.add(&occupancy.window().collect::<Vec<_>>());
        assert_eq!(again.counts(), occupancy.counts());
        Occupancy::new(0).add(&[0, 1]);
    }

    #[test]
    fn twins_are_counted_once_each_and_at_any_length() {
        let copies = |prototypes: &Features| duplicated(prototypes, &Pass::default()).unwrap();
        let dim = 19;
        let mut random = Stream::new(1, Purpose::Test, &[]);
        let mut data: Vec<f32> = (0..40 * dim).map(|_| random.normal() as f32).collect();
        let first: Vec<f32> = data[..dim].to_vec();
        // Rows 7 and 23 are the first at other lengths; row 11 is its opposite; row 12 is zero.
        for (row, scale) in [(7, 3.0), (23, 0.01), (11, -1.0), (12, 0.0)] {
            data[row * dim..][..dim].iter_mut().zip(&first).for_each(|(value, first)| *value = first * scale);
        }
        assert_eq!(copies(&Features { rows: 40, dim, data }), 2);
        assert_eq!(copies(&Features { rows: 5, dim: 2, data: [1.0, 0.0].repeat(5) }), 4);
        assert_eq!(copies(&Features { rows: 5, dim: 2, data: vec![f32::NAN; 10] }), 0);
        assert_eq!(copies(&Features { rows: 5, dim: 2, data: vec![] }), 0);
    }

    #[test]
    fn agreement_and_purity_of_known_cases() {
        let ari = adjusted_rand_index;
        assert_eq!(
            (ari(&[0, 0, 1, 1], &[7, 7, 3, 3]), ari(&[1, 1], &[2, 2]), ari(&[], &[])),
            (1.0, 1.0, 1.0)
        );
        // scikit-learn: adjusted_rand_score([0, 0, 1, 1], [0, 0, 1, 2]) and ([0, 0, 1, 1], [0, 1, 0, 1]).
        assert!((ari(&[0, 0, 1, 1], &[0, 0, 1, 2]) - 0.571_428_571_428_571_5).abs() < 1e-12);
        assert!((ari(&[0, 0, 1, 1], &[0, 1, 0, 1]) + 0.5).abs() < 1e-12);
        assert_eq!((purity(&[0, 0, 0, 1], &[5, 5, 6, 6]), purity(&[], &[])), (0.75, 0.0));
    }

    #[test]
    fn mutual_information_of_known_cases() {
        let nmi = normalised_mutual_information;
        assert!((nmi(&[0, 0, 1, 1], &[7, 7, 3, 3]) - 1.0).abs() < 1e-12);
        assert!(nmi(&[0, 0, 1, 1], &[0, 1, 0, 1]) < 1e-12);
        assert_eq!((nmi(&[1, 1], &[2, 2]), nmi(&[1, 1], &[2, 3]), nmi(&[], &[])), (1.0, 0.0, 0.0));
        // By hand: H(a) = ln 2, H(b) = 3/2 ln 2, I = ln 2.
        assert!((nmi(&[0, 0, 1, 1], &[0, 0, 1, 2]) - 1.0 / 1.25).abs() < 1e-12);
    }
}
