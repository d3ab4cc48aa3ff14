//! Several processes that train one network together: ranks, each with a device and a share of every batch.
//!
//! Whoever trains knows of the others only by an [`Exchange`]. A rank is a run of consecutive pictures of the batch, which
//! go through its trunk; what comes of the trunk is gathered, and everything after it (codes, queue, loss, gradients of the
//! head, update) every rank computes for itself, from the same numbers and so with the same bits. Then the trunk's gradients
//! are added in the order of ranks. So ranks are to a batch what its parts are on one device (`method`'s `steps`), no method
//! knows of them, and nothing has to be kept equal but what enters. What is computed more than once is small beside a trunk.

mod threads;

use std::fmt;

use crate::error::Result;
pub use threads::threads;

/// How ranks meet. Every rank calls the same functions in the same order.
pub trait Exchange: fmt::Debug + Send + Sync {
    /// Which rank this is, from 0.
    fn rank(&self) -> usize;

    /// How many ranks there are.
    fn size(&self) -> usize;

    /// Everybody's bytes, one after another in the order of ranks. Each may bring another number of them.
    ///
    /// # Errors
    /// A rank that is gone.
    fn gather(&self, own: &[u8]) -> Result<Vec<u8>>;

    /// Hands piece `r` of `pieces`, which are as many as ranks and equally long, to rank `r`, and gives what all ranks have
    /// for this one, in their order.
    ///
    /// # Errors
    /// A rank that is gone.
    fn deal(&self, pieces: &[u8]) -> Result<Vec<u8>> {
        let (all, piece) = (self.gather(pieces)?, pieces.len() / self.size());
        let own = |all: &[u8]| all[self.rank() * piece..(self.rank() + 1) * piece].to_vec();
        Ok(all.chunks_exact(pieces.len().max(1)).flat_map(own).collect())
    }

    /// What rank `from` has, in everybody's `bytes`, which are equally many.
    ///
    /// # Errors
    /// A rank that is gone.
    fn broadcast(&self, from: usize, bytes: &mut [u8]) -> Result<()> {
        let own: &[u8] = if self.rank() == from { bytes } else { &[] };
        let found = self.gather(own)?;
        bytes.copy_from_slice(&found);
        Ok(())
    }
}

/// The only rank of a run that is not shared.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Exchange for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<u8>> {
        Ok(own.to_vec())
    }
}
