//! Features on a plane, for looking at: the two directions in which unit features spread most (PCA).
//!
//! Subspace iteration finds them without a D×D matrix. Started from the directions of the last look, it
//! needs few rounds and the picture turns smoothly while a network learns, with no sudden mirroring.

use super::vectors::Features;

/// Rounds from a cold start, and from the directions of a look before.
const ROUNDS: [usize; 2] = [30, 6];

/// Two directions and the mean that they start from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    mean: Vec<f64>,
    axes: [Vec<f64>; 2],
    /// Share of the variance along each direction.
    pub explained: [f64; 2],
}

impl Projection {
    /// The plane of most variance of the rows at unit length, starting from that of `before`.
    #[must_use]
    pub fn fit(features: &Features, before: Option<&Self>) -> Self {
        let rows = unit_rows(features);
        let dim = features.dim;
        let n = rows.len().max(1) as f64;
        let mut mean = vec![0.0; dim];
        rows.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / n));
        let usable = before.filter(|before| before.mean.len() == dim);
        let mut axes = usable.map_or_else(|| start(dim), |before| before.axes.clone());
        for _ in 0..ROUNDS[usize::from(usable.is_some())] {
            let mut next = [vec![0.0; dim], vec![0.0; dim]];
            for row in &rows {
                for (next, axis) in next.iter_mut().zip(&axes) {
                    let along = dot_centred(row, &mean, axis);
                    for ((next, value), mean) in next.iter_mut().zip(row).zip(&mean) {
                        *next += along * (value - mean);
                    }
                }
            }
            axes = orthonormal(next, &axes);
        }
        let total: f64 =
            rows.iter().flat_map(|row| row.iter().zip(&mean).map(|(v, m)| (v - m).powi(2))).sum();
        let along = |axis: &[f64]| rows.iter().map(|row| dot_centred(row, &mean, axis).powi(2)).sum::<f64>();
        let explained = [0, 1].map(|i| if total > 0.0 { along(&axes[i]) / total } else { 0.0 });
        Self { mean, axes, explained }
    }

    /// Where the rows lie on the plane.
    #[must_use]
    pub fn apply(&self, features: &Features) -> Vec<[f32; 2]> {
        let rows = unit_rows(features);
        rows.iter().map(|row| [0, 1].map(|i| dot_centred(row, &self.mean, &self.axes[i]) as f32)).collect()
    }
}

fn unit_rows(features: &Features) -> Vec<Vec<f64>> {
    let unit = |row: &[f32]| {
        let length = row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        row.iter().map(|&v| if length > 0.0 { f64::from(v) / length } else { 0.0 }).collect()
    };
    (0..features.rows).map(|row| unit(features.row(row))).collect()
}

fn dot_centred(row: &[f64], mean: &[f64], axis: &[f64]) -> f64 {
    row.iter().zip(mean).zip(axis).map(|((value, mean), axis)| (value - mean) * axis).sum()
}

/// Any two directions that no data set is likely to be orthogonal to.
fn start(dim: usize) -> [Vec<f64>; 2] {
    [1.7, 2.9].map(|step: f64| (0..dim).map(|i| (step * (i as f64 + 1.0)).sin()).collect())
}

/// The directions at right angles and unit length; a direction without variance stays what it was.
fn orthonormal(next: [Vec<f64>; 2], before: &[Vec<f64>; 2]) -> [Vec<f64>; 2] {
    let unit = |axis: Vec<f64>, fallback: &[f64]| {
        let length = axis.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length > 1e-12 { axis.iter().map(|v| v / length).collect() } else { fallback.to_vec() }
    };
    let [first, mut second] = next;
    let first = unit(first, &before[0]);
    let along: f64 = first.iter().zip(&second).map(|(a, b)| a * b).sum();
    second.iter_mut().zip(&first).for_each(|(b, a)| *b -= along * a);
    let second = unit(second, &before[1]);
    [first, second]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn finds_the_plane_and_stays_on_it() {
        // Near one pole of the sphere, spread 3 : 1 along two known axes and hardly along the others.
        let (rows, dim) = (400, 7);
        let mut random = Stream::new(9, Purpose::Test, &[]);
        let mut data = Vec::new();
        for _ in 0..rows {
            let row: Vec<f32> = (0..dim)
                .map(|i| random.normal() as f32 * [0.3, 0.01, 0.1, 0.01, 0.01, 0.01, 0.0][i])
                .collect();
            data.extend(row.iter().enumerate().map(|(i, v)| v + if i == 6 { 3.0 } else { 0.0 }));
        }
        let features = Features::new(rows, dim, data).unwrap();
        let fitted = Projection::fit(&features, None);
        assert!(fitted.axes[0][0].abs() > 0.99 && fitted.axes[1][2].abs() > 0.99, "{:?}", fitted.axes);
        assert!(fitted.explained[0] > 0.8 && fitted.explained[1] > 0.05, "{:?}", fitted.explained);
        let again = Projection::fit(&features, Some(&fitted));
        for (a, b) in fitted.apply(&features).iter().zip(again.apply(&features)) {
            assert!((a[0] - b[0]).abs() < 1e-3 && (a[1] - b[1]).abs() < 1e-3);
        }
    }

    #[test]
    fn survives_nothing_and_sameness() {
        assert!(Projection::fit(&Features::default(), None).apply(&Features::default()).is_empty());
        let same = Features::new(3, 2, vec![1.0; 6]).unwrap();
        let flat = Projection::fit(&same, None);
        assert!(flat.apply(&same).iter().flatten().all(|v| v.abs() < 1e-6));
        assert_eq!(flat.explained, [0.0; 2]);
    }
}
