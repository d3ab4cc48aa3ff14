//! Rows of features, their normalisation, and the dot product that all measures share.
//!
//! A dot product here has one fixed order of additions, whoever computes it and on however many
//! threads, so equal rows have exactly equal similarities and ties can be broken by index.

use crate::error::{Error, Result};
use rayon::prelude::*;

/// One feature vector a row: `data[row * dim..][..dim]`, any scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Number of vectors.
    pub rows: usize,
    /// Length of each.
    pub dim: usize,
    /// Row-major values.
    pub data: Vec<f32>,
}

/// Values that are added side by side in a dot product.
const LANES: usize = 8;

impl Features {
    /// Rows of length `dim`.
    ///
    /// # Errors
    /// [`Error::Config`] when `data` is not `rows × dim` values.
    pub fn new(rows: usize, dim: usize, data: Vec<f32>) -> Result<Self> {
        let features = Self { rows, dim, data };
        features.check("features")?;
        Ok(features)
    }

    /// One row, which must exist (as for a slice).
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.dim..][..self.dim]
    }

    /// The mean of all rows, summed in f64.
    #[must_use]
    pub fn mean(&self) -> Vec<f32> {
        let mut sum = vec![0.0f64; self.dim];
        for row in 0..self.rows {
            sum.iter_mut().zip(self.row(row)).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        sum.iter().map(|sum| (sum / self.rows.max(1) as f64) as f32).collect()
    }

    /// Every row less `centre` (none: as it is), at unit length. Rows of length 0 stay 0.
    #[must_use]
    pub fn unit(&self, centre: Option<&[f32]>) -> Self {
        let unit = self.normalised(centre);
        let data = (0..self.rows).flat_map(|row| unit.row(row)[..self.dim].iter().copied()).collect();
        Self { rows: self.rows, dim: self.dim, data }
    }

    /// Rows `first ..` as the device takes them: channels padded to quads with zeros, and zeros to `rows` rows.
    #[must_use]
    pub fn padded(&self, first: usize, count: usize, rows: usize) -> Vec<f32> {
        let stride = self.dim.next_multiple_of(4);
        let mut out = vec![0.0; rows * stride];
        for row in 0..count {
            out[row * stride..][..self.dim].copy_from_slice(self.row(first + row));
        }
        out
    }

    /// The rows of these numbers, in their order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let data = rows.iter().flat_map(|&row| self.row(row).iter().copied()).collect();
        Self { rows: rows.len(), dim: self.dim, data }
    }

    /// Refuses sizes that do not agree; `what` names the features in the message.
    pub(super) fn check(&self, what: &str) -> Result<()> {
        let Self { rows, dim, data } = self;
        if rows.checked_mul(*dim) == Some(data.len()) {
            return Ok(());
        }
        Err(Error::config(what, format!("{rows} rows of {dim} are not {} values", data.len())))
    }

    /// Every row less `centre` (none: as it is), at unit length and padded with zeros for [`dot`].
    /// Rows of length 0 stay 0.
    pub(super) fn normalised(&self, centre: Option<&[f32]>) -> Unit {
        let stride = self.dim.next_multiple_of(LANES).max(LANES);
        let mut data = vec![0.0; self.rows * stride];
        data.par_chunks_mut(stride).enumerate().for_each(|(row, unit)| {
            unit[..self.dim].copy_from_slice(self.row(row));
            if let Some(centre) = centre {
                unit.iter_mut().zip(centre).for_each(|(value, centre)| *value -= centre);
            }
            let square: f64 = unit.iter().map(|&value| f64::from(value).powi(2)).sum();
            let scale = if square > 0.0 { square.sqrt().recip() } else { 0.0 };
            unit.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
        });
        Unit { rows: self.rows, stride, data }
    }
}

/// Unit rows, padded to whole lanes.
pub(super) struct Unit {
    /// Number of vectors.
    pub(super) rows: usize,
    stride: usize,
    data: Vec<f32>,
}

impl Unit {
    /// One padded row.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.stride..][..self.stride]
    }
}

/// Dot products of `N` rows with one: the loads of `b` are shared. Lengths are whole lanes.
pub(super) fn dots<const N: usize>(a: [&[f32]; N], b: &[f32]) -> [f32; N] {
    let mut lanes = [[0.0f32; LANES]; N];
    let a = a.map(|row| row.as_chunks::<LANES>().0);
    for (i, b) in b.as_chunks::<LANES>().0.iter().enumerate() {
        for (lanes, a) in lanes.iter_mut().zip(&a) {
            let a = &a[i];
            for l in 0..LANES {
                lanes[l] += a[l] * b[l];
            }
        }
    }
    lanes.map(|l| ((l[0] + l[4]) + (l[1] + l[5])) + ((l[2] + l[6]) + (l[3] + l[7])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_rows_and_dots() {
        let features = Features::new(3, 3, vec![3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
        let unit = features.normalised(None);
        assert_eq!(&unit.row(0)[..4], [0.6, 0.8, 0.0, 0.0]);
        assert_eq!(unit.row(1), [0.0; 8]);
        let [a, b] = dots([unit.row(0), unit.row(2)], unit.row(2));
        assert!((a - 1.4 / 3f32.sqrt()).abs() < 1e-6 && (b - 1.0).abs() < 1e-6);
        assert_eq!(dots([unit.row(0)], unit.row(2)), [a]);
        assert_eq!(features.mean()[0], 4.0 / 3.0);
        assert!(Features::new(2, 3, vec![0.0; 5]).is_err());
        assert!(Features::default().mean().is_empty());
    }
}
