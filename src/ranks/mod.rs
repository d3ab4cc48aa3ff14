//! Several processes that train one network together: ranks, each with a device and a share of every batch.
//!
//! Whoever trains knows of the others only by an [`Exchange`]. A rank is a run of consecutive pictures of the batch, which
//! go through its trunk; what comes of the trunk is gathered, and everything after it (codes, queue, loss, gradients of the
//! head, update) every rank computes for itself, from the same numbers and so with the same bits. Then the trunk's gradients
//! are added in the order of ranks. So ranks are to a batch what its parts are on one device (`method`'s `steps`), no method
//! knows of them, and nothing has to be kept equal but what enters. What is computed more than once is small beside a trunk.
//!
//! | file | what |
//! |---|---|
//! | `threads` | ranks that are threads of one process |
//! | `mpi` | ranks that are processes, started by `mpirun` or `srun` (cargo feature `mpi`) |

#[cfg(feature = "mpi")]
mod mpi;
mod threads;

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
#[cfg(feature = "mpi")]
pub use mpi::Processes;
pub use threads::threads;

/// How ranks meet. Every rank calls the same functions in the same order.
pub trait Exchange: fmt::Debug + Send + Sync {
    /// Which rank this is, from 0.
    fn rank(&self) -> usize;

    /// How many ranks there are.
    fn size(&self) -> usize;

    /// Which of the ranks of this machine this is, from 0, and how many they are: they share its adapters and cores.
    fn seat(&self) -> (usize, usize) {
        (self.rank(), self.size())
    }

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

    /// This rank cannot go on in the middle of what all do together, and says why: the others must not wait for it. Where
    /// ranks are processes, all of them end here.
    fn leave(&self, why: &str);
}

/// The only rank of a run that is not shared.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Alone {
    /// It, as runs take their ranks.
    #[must_use]
    pub fn ranks() -> Arc<dyn Exchange> {
        Arc::new(Self)
    }
}

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

    fn leave(&self, _why: &str) {}
}

/// What all ranks have to say, in their order.
///
/// # Errors
/// A rank that is gone.
pub fn say(ranks: &dyn Exchange, own: &str) -> Result<Vec<String>> {
    // JSON keeps line ends out of a line.
    let all = ranks.gather(format!("{}\n", serde_json::Value::from(own)).as_bytes())?;
    let lines = String::from_utf8_lossy(&all);
    Ok(lines.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect())
}

/// Whether all ranks could do something: gives what this one has, or its error, or that of the first rank that failed.
///
/// # Errors
/// As said; a rank that is gone.
pub fn agree<T>(ranks: &dyn Exchange, own: Result<T>) -> Result<T> {
    if ranks.size() == 1 {
        return own;
    }
    let said = say(ranks, &own.as_ref().err().map(ToString::to_string).unwrap_or_default())?;
    let failed = said.iter().enumerate().find(|(_, said)| !said.is_empty());
    match (own, failed) {
        (Ok(_), Some((rank, why))) => Err(Error::Ranks(format!("rank {rank} of {}: {why}", ranks.size()))),
        (own, _) => own,
    }
}

/// What rank 0 says, to everybody.
///
/// # Errors
/// A rank that is gone.
pub fn told(ranks: &dyn Exchange, own: &[u8]) -> Result<Vec<u8>> {
    let mut length = (own.len() as u64).to_le_bytes();
    ranks.broadcast(0, &mut length)?;
    let mut bytes = own.to_vec();
    bytes.resize(u64::from_le_bytes(length) as usize, 0);
    ranks.broadcast(0, &mut bytes)?;
    Ok(bytes)
}
