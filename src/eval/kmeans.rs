//! Spherical k-means: clusters of features without prototypes, for comparing with those of the prototypes.

use super::vectors::Features;
use crate::error::Result;
use crate::pass::Pass;
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;

/// Rounds at most.
const ROUNDS: usize = 50;
/// Rounds after which assignments seldom change.
pub(crate) const USUAL_ROUNDS: usize = 20;

/// What passes over it are called, and what they count.
pub const FINDING: (&str, &str) = ("finding clusters", "rounds");

/// What k-means found.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// The cluster of each row.
    pub of_rows: Vec<u32>,
    /// The centre of each cluster, of unit length.
    pub centres: Features,
}

impl Clusters {
    /// Cosines of a row of unit length to the centres.
    #[must_use]
    pub fn cosines(&self, row: &[f32]) -> Vec<f32> {
        (0..self.centres.rows).map(|centre| dot(row, self.centres.row(centre))).collect()
    }

    /// The cluster of each row of `features`, which it was found in, and the cosine to its centre.
    #[must_use]
    pub fn best(&self, features: &Features) -> Vec<(u32, f32)> {
        let rows = features.unit(None);
        let best = |(row, &cluster): (usize, &u32)| {
            (cluster, dot(rows.row(row), self.centres.row(cluster as usize)))
        };
        if self.centres.rows == 0 {
            return vec![(0, 0.0); rows.rows];
        }
        self.of_rows.iter().enumerate().map(best).collect()
    }
}

/// The rows in `k` clusters by cosine, from the k-means++ start of `seed`. The same whatever the number of threads.
/// Fewer clusters where there are fewer rows. `pass` counts the rounds, of which there are 50 at most.
///
/// # Errors
/// [`crate::error::Error::Stopped`] where the pass is.
pub fn clusters(features: &Features, k: usize, seed: u64, pass: &Pass) -> Result<Clusters> {
    let rows = features.unit(None);
    let k = k.min(rows.rows);
    if k == 0 || rows.dim == 0 {
        return Ok(Clusters { of_rows: vec![0; rows.rows], centres: Features::default() });
    }
    pass.expect(ROUNDS);
    let mut centres = start(&rows, k, seed, pass)?;
    let mut assigned = vec![u32::MAX; rows.rows];
    for _ in 0..ROUNDS {
        let next = assign(&rows, &centres, pass)?;
        pass.advance(1)?;
        if next == assigned {
            break;
        }
        assigned = next;
        let mut sums = vec![0.0f64; k * rows.dim];
        for (row, &cluster) in assigned.iter().enumerate() {
            let sum = &mut sums[cluster as usize * rows.dim..][..rows.dim];
            sum.iter_mut().zip(rows.row(row)).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let means = Features { rows: k, dim: rows.dim, data: sums.iter().map(|&sum| sum as f32).collect() };
        let means = means.unit(None);
        for cluster in 0..k {
            // A cluster without rows keeps its centre.
            if means.row(cluster).iter().any(|&value| value != 0.0) {
                centres.data[cluster * rows.dim..][..rows.dim].copy_from_slice(means.row(cluster));
            }
        }
    }
    pass.complete();
    Ok(Clusters { of_rows: assigned, centres })
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The nearest centre of each row: a round.
///
/// # Errors
/// [`crate::error::Error::Stopped`] where the pass is.
pub(crate) fn assign(rows: &Features, centres: &Features, pass: &Pass) -> Result<Vec<u32>> {
    let of_row = |row: usize| pass.check().map(|()| nearest(rows.row(row), centres));
    (0..rows.rows).into_par_iter().map(of_row).collect()
}

fn nearest(row: &[f32], centres: &Features) -> u32 {
    let best = |best: (u32, f32), centre: usize| {
        let similarity = dot(row, centres.row(centre));
        if similarity > best.1 { (centre as u32, similarity) } else { best }
    };
    (0..centres.rows).fold((0, f32::MIN), best).0
}

/// Centres far from each other: each is drawn with the squared distance to those before it as weight.
fn start(rows: &Features, k: usize, seed: u64, pass: &Pass) -> Result<Features> {
    let mut stream = Stream::new(seed, Purpose::Centres, &[]);
    let mut chosen = vec![stream.below(rows.rows as u64) as usize];
    let mut far = vec![f64::MAX; rows.rows];
    while chosen.len() < k {
        pass.check()?;
        let last = rows.row(chosen[chosen.len() - 1]);
        far.par_iter_mut().enumerate().for_each(|(row, far)| {
            *far = far.min(f64::from(1.0 - dot(rows.row(row), last)).max(0.0));
        });
        let mut left = stream.uniform() * far.iter().sum::<f64>();
        let drawn = far.iter().position(|&weight| {
            left -= weight;
            left < 0.0
        });
        chosen.push(drawn.unwrap_or_else(|| stream.below(rows.rows as u64) as usize));
    }
    Ok(rows.select(&chosen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::cluster::adjusted_rand_index;
    use crate::pass;

    fn clusters(features: &Features, k: usize) -> Vec<u32> {
        super::clusters(features, k, 1, &Pass::default()).unwrap().of_rows
    }

    #[test]
    fn blobs_are_found_whatever_the_threads() {
        let mut random = Stream::new(5, Purpose::Test, &[]);
        let truth: Vec<u32> = (0..300).map(|i| i % 4).collect();
        let value = |i: usize, random: &mut Stream| {
            let peak = if truth[i / 8] as usize == i % 8 { 5.0 } else { 0.0 };
            (peak + 0.3 * random.normal()) as f32
        };
        let features =
            Features { rows: 300, dim: 8, data: (0..2400).map(|i| value(i, &mut random)).collect() };
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| clusters(&features, 4))
        };
        assert!((adjusted_rand_index(&on(1), &truth) - 1.0).abs() < 1e-12);
        assert_eq!(on(1), on(3));
        assert_eq!(clusters(&features, 1000).len(), 300);
        assert!(clusters(&Features::default(), 3).is_empty());
        let same = Features { rows: 5, dim: 2, data: vec![1.0; 10] };
        assert_eq!(clusters(&same, 3).len(), 5);
    }

    #[test]
    fn a_pass_has_a_total_and_is_whole_in_the_end() {
        let mut last = None;
        let mut watch = |progress: &pass::Progress| {
            last = Some((progress.done, progress.total));
            std::ops::ControlFlow::Continue(())
        };
        let features = Features { rows: 4, dim: 2, data: vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0, 0.1, 1.0] };
        pass::run(FINDING, 0, &mut watch, |pass| super::clusters(&features, 2, 1, pass)).unwrap();
        let (done, total) = last.unwrap();
        assert!(done == total && (1..ROUNDS).contains(&done), "{done} of {total}");
    }
}
