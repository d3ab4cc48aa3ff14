//! Where ranks meet in a step: once the features of all parts are there, and once their gradients are.
//!
//! Gradients are added piece by piece, each by the rank whose turn it is and on its device, from those of all ranks in their
//! order, and then handed to all: every rank sends and takes about twice the size of the trunk, however many there are, and
//! the sum has the bits of parts that are added one after another on one device.

use std::sync::Arc;

use super::share::Share;
use crate::error::Result;
use crate::gpu::{Arena, Gpu, Plan, Replay, Session, Shape, Tensor, Usage};
use crate::model::Store;
use crate::ops::parts;
use crate::ranks::Exchange;

/// Quads of a gradient that are added at once, by all ranks together: 16 MiB.
const QUADS: usize = 1 << 20;

/// What ranks exchange, before or after the plan that adds has memory.
#[derive(Debug)]
pub(super) struct Meeting<P> {
    /// What the parts left for the objective, `[V · batch, D]` each, view-major.
    pub(super) gathered: Vec<Tensor>,
    /// Where the parts of a rank would move running estimates, of each network.
    pub(super) estimates: Vec<Tensor>,
    /// The trunk's gradients of this rank's parts, and how many quads of each they are.
    pub(super) gradients: Vec<(Tensor, usize)>,
    /// A piece from each rank, and their sum.
    pieces: Tensor,
    sum: Tensor,
    add: P,
}

impl Meeting<Plan> {
    pub(super) fn record(
        gpu: &Arc<Gpu>,
        arena: &Arc<Arena>,
        ranks: usize,
        gradients: Vec<(Tensor, usize)>,
    ) -> Result<Self> {
        let most = gradients.iter().map(|(_, quads)| *quads).max().unwrap_or(0);
        let piece = (QUADS.min(most)).div_ceil(ranks).max(1) as u32;
        let lease = |quads, label| arena.lease(Shape::matrix(quads, 4), Usage::Storage, label);
        let (pieces, sum) = (lease(piece * ranks as u32, "pieces of ranks"), lease(piece, "their sum"));
        let mut add = Plan::new(gpu, arena);
        add.scope("sum of the ranks");
        parts::sum(&mut add, &pieces, ranks as u32, &sum)?;
        Ok(Self { gathered: Vec::new(), estimates: Vec::new(), gradients, pieces, sum, add })
    }

    pub(super) fn bind(self, session: &Session) -> Result<Meeting<Replay>> {
        let Self { gathered, estimates, gradients, pieces, sum, add } = self;
        Ok(Meeting { gathered, estimates, gradients, pieces, sum, add: session.bind(add)? })
    }
}

impl<P> Meeting<P> {
    /// The plan that adds.
    pub(super) fn plan(&self) -> &P {
        &self.add
    }
}

impl Meeting<Replay> {
    /// Gathers what the parts of all ranks left for the objective, and adds where they would move the running estimates.
    ///
    /// # Errors
    /// A rank that is gone; what the driver reports.
    pub(super) fn after_forward(&self, session: &Session, ranks: &dyn Exchange, share: Share) -> Result<()> {
        for tensor in &self.gathered {
            let row = tensor.shape.quads() as usize * 4;
            let views = tensor.shape.rows() as usize / share.batch;
            for view in 0..views {
                // Ranks are consecutive pictures, so their rows of a view lie one after another.
                let first = view * share.batch;
                let own = session.read_from(tensor, (first + share.first) * row, share.count * row)?;
                let all = ranks.gather(bytemuck::cast_slice(&own))?;
                session.write_bytes(tensor, (first * row * 4) as u64, &all);
            }
        }
        for tensor in &self.estimates {
            // The first part is looked at last.
            add_estimates(tensor, session, ranks, (1..ranks.size()).chain([0]))?;
        }
        Ok(())
    }

    /// Adds the gradients of all ranks.
    ///
    /// # Errors
    /// A rank that is gone; what the driver reports.
    pub(super) fn after_backward(&self, session: &Session, ranks: &dyn Exchange) -> Result<()> {
        let most = self.pieces.shape.values();
        for (gradient, quads) in &self.gradients {
            let values = quads * 4;
            for first in (0..values).step_by(most) {
                let count = most.min(values - first);
                let mut own = session.read_from(gradient, first, count)?;
                own.resize(most, 0.0);
                let pieces = ranks.deal(bytemuck::cast_slice(&own))?;
                session.write_bytes(&self.pieces, 0, &pieces);
                session.submit(&self.add)?;
                let sum = session.read(&self.sum)?;
                let all = ranks.gather(bytemuck::cast_slice(&sum))?;
                session.write_bytes(gradient, (first * 4) as u64, &all[..count * 4]);
            }
        }
        Ok(())
    }

    /// Bytes that a rank sends to others in a step, beside the numbers of pictures, where there are so many ranks.
    pub(super) fn bytes(&self, ranks: usize, share: Share) -> u64 {
        let others = ranks as u64 - 1;
        let values = |tensor: &Tensor| tensor.shape.values().div_ceil(ranks) * size_of::<f32>();
        let moved = 2 * self.estimates.iter().map(values).sum::<usize>() as u64;
        let rows = |tensor: &Tensor| tensor.shape.bytes() / share.batch as u64 * share.count as u64;
        let gathered: u64 = self.gathered.iter().map(rows).sum();
        let pieces = |(_, quads): &(Tensor, usize)| (quads * 4).div_ceil(self.pieces.shape.values()) as u64;
        let summed: u64 = self.gradients.iter().map(pieces).sum::<u64>() * self.sum.shape.bytes() * 2;
        others * (gathered + summed + moved)
    }
}

/// Adds up a tensor of all ranks, each rank a piece of it, in an order: that in which one device would look at as many parts.
///
/// # Errors
/// A rank that is gone; what the driver reports.
pub(super) fn add_estimates(
    tensor: &Tensor,
    session: &Session,
    ranks: &dyn Exchange,
    order: impl IntoIterator<Item = usize>,
) -> Result<()> {
    let mut own = session.read(tensor)?;
    let (count, piece) = (own.len(), own.len().div_ceil(ranks.size()));
    own.resize(piece * ranks.size(), 0.0);
    let pieces: Vec<f32> = bytemuck::pod_collect_to_vec(&ranks.deal(bytemuck::cast_slice(&own))?);
    let mut sum = vec![0.0; piece];
    for rank in order {
        let of_rank = &pieces[rank * piece..][..piece];
        sum.iter_mut().zip(of_rank).for_each(|(sum, value)| *sum += value);
    }
    let all = ranks.gather(bytemuck::cast_slice(&sum))?;
    session.write_bytes(tensor, 0, &all[..count * size_of::<f32>()]);
    Ok(())
}

/// The gradients of what was declared first in a store, `count` parameters, with the quads of each shard that they are.
pub(super) fn gradients(store: &Store, count: usize) -> Vec<(Tensor, usize)> {
    let shards = store.shards().iter().map(|shard| shard.gradient.clone());
    shards.zip(store.quads_of_first(count)).filter(|(_, quads)| *quads > 0).collect()
}
