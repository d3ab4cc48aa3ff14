//! Evaluation mode: features and best prototypes of any number of views.

use super::{Tensors, Trainer};
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
        Ok((0..cosines.rows).map(|row| best(cosines.row(row))).collect())
    }

    /// Cosine similarity of each of `n` views to every prototype, `[n, K]`.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn cosines(&mut self, views: &[f32], n: usize) -> Result<Features> {
        let lengths = self.prototype_lengths()?;
        let data = self.evaluate(views, n, &self.tensors.similarities)?;
        scaled(data, n, &lengths)
    }

    /// [`Trainer::features`] and [`Trainer::cosines`] of the same views, computed once.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn features_and_cosines(&mut self, views: &[f32], n: usize) -> Result<(Features, Features)> {
        let lengths = self.prototype_lengths()?;
        let Tensors { features, similarities, .. } = &self.tensors;
        let (mut rows, dim) = ([Vec::new(), Vec::new()], features.shape.channels as usize);
        self.evaluate_each(views, n, &[features, similarities], &mut rows)?;
        let [features, cosines] = rows;
        Ok((Features::new(n, dim, features)?, scaled(cosines, n, &lengths)?))
    }

    /// Stored prototypes are not of unit length after an update (RECIPE "Facts" 3).
    fn prototype_lengths(&self) -> Result<Vec<f32>> {
        let prototypes = self.prototypes()?;
        let length = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
        Ok((0..prototypes.rows).map(|row| length(prototypes.row(row))).collect())
    }

    /// Rows of `wanted` for `n` views, without the padding of channels.
    fn evaluate(&self, views: &[f32], n: usize, wanted: &Tensor) -> Result<Vec<f32>> {
        let mut rows = [Vec::new()];
        self.evaluate_each(views, n, &[wanted], &mut rows)?;
        let [rows] = rows;
        Ok(rows)
    }

    /// Appends the rows of each of `wanted` to its list.
    fn evaluate_each(
        &self,
        views: &[f32],
        n: usize,
        wanted: &[&Tensor],
        lists: &mut [Vec<f32>],
    ) -> Result<()> {
        let at_once = self.tensors.views.shape.images as usize;
        let view = self.tensors.views.shape.values() / at_once;
        for first in (0..n).step_by(at_once) {
            let count = at_once.min(n - first);
            self.session.write(&self.tensors.views, &views[first * view..(first + count) * view]);
            self.session.submit(&self.evaluate)?;
            for (tensor, list) in wanted.iter().zip(&mut *lists) {
                let (dim, padded) = (tensor.shape.channels as usize, tensor.shape.quads() as usize * 4);
                for row in self.session.read(tensor)?.chunks_exact(padded).take(count) {
                    list.extend_from_slice(&row[..dim]);
                }
            }
        }
        Ok(())
    }
}

/// Similarities to prototypes as stored, divided by their lengths.
fn scaled(mut similarities: Vec<f32>, n: usize, lengths: &[f32]) -> Result<Features> {
    for row in similarities.chunks_exact_mut(lengths.len()) {
        row.iter_mut().zip(lengths).for_each(|(value, length)| *value /= length);
    }
    Features::new(n, lengths.len(), similarities)
}

/// The first of the largest values and where it is.
fn best(row: &[f32]) -> (u32, f32) {
    let larger = |best: (u32, f32), (k, &value): (usize, &f32)| {
        if value > best.1 { (k as u32, value) } else { best }
    };
    row.iter().enumerate().fold((0, f32::MIN), larger)
}
