//! Evaluation mode: what a network says of any number of views. A network in training and one that is only used
//! ([`super::Inference`]) record the same plan.

use std::time::Instant;

use super::network::Projection;
use super::resnet::Evaluated;
use super::{Store, Trunk};
use crate::config::Readout;
use crate::error::Result;
use crate::eval::Features;
use crate::gpu::{Plan, Replay, Session, Tensor};

/// The tensors of an evaluation: views in, rows out.
#[derive(Debug)]
pub(crate) struct Looking {
    pub(crate) views: Tensor,
    pub(crate) features: Tensor,
    pub(crate) embeddings: Option<Tensor>,
    pub(crate) similarities: Option<Tensor>,
}

/// Records what becomes of `views`, with running estimates; `readout` says what the features are.
pub(crate) fn record(
    plan: &mut Plan,
    store: &Store,
    trunk: &Trunk,
    projection: Option<&Projection>,
    views: Tensor,
    readout: Readout,
) -> Result<Looking> {
    let Evaluated { features, pooled } =
        trunk.evaluate(plan, store, &views, readout, projection.is_some())?;
    let (mut embeddings, mut similarities) = (None, None);
    if let Some((Projection { head, prototypes }, pooled)) = projection.zip(pooled) {
        let z = head.embed(plan, store, &pooled)?;
        if let Some(prototypes) = prototypes {
            similarities = Some(prototypes.forward(plan, store, &z)?.0);
        }
        embeddings = Some(z);
    }
    Ok(Looking { views, features, embeddings, similarities })
}

/// What each of `wanted` holds after `replay` has seen `n` views through the tensor `into`: a row a view, without
/// the padding of channels, channel by channel where a view has several cells.
pub(crate) fn look(
    session: &Session,
    replay: &Replay,
    into: &Tensor,
    views: &[f32],
    n: usize,
    wanted: &[&Tensor],
) -> Result<Vec<Features>> {
    let at_once = into.shape.images as usize;
    let view = into.shape.values() / at_once;
    let cells = |tensor: &Tensor| (tensor.shape.height * tensor.shape.width) as usize;
    let length = |tensor: &Tensor| cells(tensor) * tensor.shape.channels as usize;
    let mut rows: Vec<Vec<f32>> =
        wanted.iter().map(|tensor| Vec::with_capacity(n * length(tensor))).collect();
    for first in (0..n).step_by(at_once) {
        let count = at_once.min(n - first);
        session.write(into, &views[first * view..(first + count) * view]);
        let start = Instant::now();
        session.submit(replay)?;
        for (rows, tensor) in rows.iter_mut().zip(wanted) {
            let (dim, padded) = (tensor.shape.channels as usize, tensor.shape.quads() as usize * 4);
            for view in session.read(tensor)?.chunks_exact(cells(tensor) * padded).take(count) {
                let channel = |channel| view.iter().skip(channel).step_by(padded);
                rows.extend((0..dim).flat_map(channel));
            }
        }
        // What is read has been waited for.
        session.learn(replay, start.elapsed());
    }
    rows.into_iter().zip(wanted).map(|(data, tensor)| Features::new(n, length(tensor), data)).collect()
}

/// Cosines from similarities to prototypes as stored. They are given unit length at the start of a step, so after its
/// update they have another.
pub(crate) fn cosines(mut similarities: Features, prototypes: &Features) -> Features {
    let length = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    let lengths: Vec<f32> = (0..prototypes.rows).map(|row| length(prototypes.row(row))).collect();
    for row in similarities.data.chunks_exact_mut(lengths.len().max(1)) {
        row.iter_mut().zip(&lengths).for_each(|(value, length)| *value /= length);
    }
    similarities
}

/// The first of the largest values of each row, and where it is.
pub(crate) fn best(cosines: &Features) -> Vec<(u32, f32)> {
    let larger = |best: (u32, f32), (k, &value): (usize, &f32)| {
        if value > best.1 { (k as u32, value) } else { best }
    };
    let of_row = |row: &[f32]| row.iter().enumerate().fold((0, f32::MIN), larger);
    (0..cosines.rows).map(|row| of_row(cosines.row(row))).collect()
}

/// The best prototype of each row of similarities, with its cosine. `prototypes` are as stored.
#[must_use]
pub fn best_prototypes(similarities: Features, prototypes: &Features) -> Vec<(u32, f32)> {
    best(&cosines(similarities, prototypes))
}
