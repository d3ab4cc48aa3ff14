//! Evaluation mode: features, embeddings and best prototypes of any number of views. One plan, which
//! the trainer and a network that is only used ([`super::Inference`]) record alike.

use super::Trainer;
use super::network::Network;
use crate::error::Result;
use crate::eval::Features;
use crate::gpu::{Plan, Replay, Session, Tensor};
use crate::model::Store;

/// The tensors of an evaluation: views in, rows out.
#[derive(Debug)]
pub(super) struct Looking {
    pub(super) views: Tensor,
    pub(super) features: Tensor,
    pub(super) embeddings: Option<Tensor>,
    pub(super) similarities: Option<Tensor>,
}

/// Records what becomes of `views`, with running estimates.
pub(super) fn record(plan: &mut Plan, store: &Store, network: &Network, views: Tensor) -> Result<Looking> {
    let features = network.trunk.evaluate(plan, store, &views)?;
    let (mut embeddings, mut similarities) = (None, None);
    if let Some((head, prototypes)) = &network.head {
        let z = head.evaluate(plan, store, &features)?;
        if let Some(prototypes) = prototypes {
            similarities = Some(prototypes.forward(plan, store, &z)?.0);
        }
        embeddings = Some(z);
    }
    Ok(Looking { views, features, embeddings, similarities })
}

/// What each of `wanted` holds after `replay` has seen `n` views through the tensor `into`: a row a view, without
/// the padding of channels.
pub(in crate::method) fn look(
    session: &Session,
    replay: &Replay,
    into: &Tensor,
    views: &[f32],
    n: usize,
    wanted: &[&Tensor],
) -> Result<Vec<Features>> {
    let at_once = into.shape.images as usize;
    let view = (into.shape.bytes() / 4) as usize / at_once;
    let mut rows: Vec<Vec<f32>> =
        wanted.iter().map(|tensor| Vec::with_capacity(n * tensor.shape.channels as usize)).collect();
    for first in (0..n).step_by(at_once) {
        let count = at_once.min(n - first);
        session.write(into, &views[first * view..(first + count) * view]);
        session.submit(replay)?;
        for (rows, tensor) in rows.iter_mut().zip(wanted) {
            let (dim, padded) = (tensor.shape.channels as usize, tensor.shape.quads() as usize * 4);
            for row in session.read(tensor)?.chunks_exact(padded).take(count) {
                rows.extend_from_slice(&row[..dim]);
            }
        }
    }
    rows.into_iter().zip(wanted).map(|(data, t)| Features::new(n, t.shape.channels as usize, data)).collect()
}

/// The best prototype of each row of similarities, with its cosine. `prototypes` are as stored, which is
/// not of unit length after an update (RECIPE "Facts" 3).
#[must_use]
pub fn best_prototypes(similarities: &Features, prototypes: &Features) -> Vec<(u32, f32)> {
    let norm = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    let norms: Vec<f32> = (0..prototypes.rows).map(|i| norm(prototypes.row(i))).collect();
    let best = |row: &[f32]| {
        let scaled = row.iter().zip(&norms).map(|(s, norm)| s / norm).enumerate();
        let (index, value) =
            scaled.fold((0, f32::MIN), |best, (i, v)| if v > best.1 { (i, v) } else { best });
        (index as u32, value)
    };
    (0..similarities.rows).map(|row| best(similarities.row(row))).collect()
}

impl Trainer {
    /// Pooled trunk features of `n` views, each `[eval_size, eval_size, 4]` normalised pixels.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn features(&mut self, views: &[f32], n: usize) -> Result<Features> {
        self.look(views, n, &self.tensors.looking.features)
    }

    /// Best prototype of each of `n` views, with its cosine similarity.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn best_prototypes(&mut self, views: &[f32], n: usize) -> Result<Vec<(u32, f32)>> {
        let Some(similarities) = &self.tensors.looking.similarities else {
            unreachable!("a network in training has prototypes")
        };
        Ok(best_prototypes(&self.look(views, n, similarities)?, &self.prototypes()?))
    }

    fn look(&self, views: &[f32], n: usize, wanted: &Tensor) -> Result<Features> {
        let into = &self.tensors.looking.views;
        let found = look(&self.session, &self.evaluate, into, views, n, &[wanted])?;
        Ok(found.into_iter().next().unwrap_or_default())
    }
}
