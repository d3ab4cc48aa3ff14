//! Evaluation mode: features and best prototypes of any number of views.

use super::Trainer;
use crate::error::Result;
use crate::eval::Features;
use crate::gpu::Tensor;

impl Trainer {
    /// Pooled trunk features of `n` views, each `[eval_size, eval_size, 4]` normalised pixels.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn features(&mut self, views: &[f32], n: usize) -> Result<Features> {
        let dim = self.tensors.features.shape.channels as usize;
        let data = self.evaluate(views, n, &self.tensors.features)?;
        Features::new(n, dim, data)
    }

    /// Best prototype of each of `n` views, with its cosine similarity.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn best_prototypes(&mut self, views: &[f32], n: usize) -> Result<Vec<(u32, f32)>> {
        let cosines = self.cosines(views, n)?;
        let best = |row: &[f32]| {
            let (index, value) = row
                .iter()
                .enumerate()
                .fold((0, f32::MIN), |best, (i, &v)| if v > best.1 { (i, v) } else { best });
            (index as u32, value)
        };
        Ok((0..n).map(|row| best(cosines.row(row))).collect())
    }

    /// Cosine similarity of each of `n` views with every prototype.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn cosines(&mut self, views: &[f32], n: usize) -> Result<Features> {
        let k = self.tensors.similarities.shape.channels as usize;
        let prototypes = self.prototypes()?;
        // Stored prototypes are not of unit length after an update (RECIPE "Facts" 3).
        let norms: Vec<f32> =
            (0..k).map(|i| prototypes.row(i).iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12)).collect();
        let mut data = self.evaluate(views, n, &self.tensors.similarities)?;
        for row in data.chunks_exact_mut(k) {
            row.iter_mut().zip(&norms).for_each(|(value, norm)| *value /= norm);
        }
        Features::new(n, k, data)
    }

    /// Rows of `wanted` for `n` views, without the padding of channels.
    fn evaluate(&self, views: &[f32], n: usize, wanted: &Tensor) -> Result<Vec<f32>> {
        let at_once = self.tensors.views.shape.images as usize;
        let view = (self.tensors.views.shape.bytes() / 4) as usize / at_once;
        let (dim, padded) = (wanted.shape.channels as usize, wanted.shape.quads() as usize * 4);
        let mut rows = Vec::with_capacity(n * dim);
        for first in (0..n).step_by(at_once) {
            let count = at_once.min(n - first);
            self.session.write(&self.tensors.views, &views[first * view..(first + count) * view]);
            self.session.submit(&self.evaluate)?;
            let data = self.session.read(wanted)?;
            for row in data.chunks_exact(padded).take(count) {
                rows.extend_from_slice(&row[..dim]);
            }
        }
        Ok(rows)
    }
}
