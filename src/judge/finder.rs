//! Who finds neighbours.

use super::device::search::Search;
use crate::error::Result;
use crate::eval::{Features, Near, knn};
use crate::gpu::Gpu;
use crate::pass::Pass;
use std::sync::Arc;

/// Finds the nearest rows of a bank: on the device, which lists so many neighbours and no more, else on the processor,
/// which finds the same, slowly.
pub(super) struct Finder {
    device: Option<Search>,
    k: usize,
}

impl Finder {
    /// Of the `k` nearest of `bank` rows of `dim` values, for so many `queries`.
    ///
    /// # Errors
    /// What does not fit the adapter; what the driver reports.
    pub(super) fn new(gpu: &Arc<Gpu>, dim: usize, k: usize, bank: usize, queries: usize) -> Result<Self> {
        let device = Search::lists(k).then(|| Search::new(gpu, dim, k, bank, queries)).transpose()?;
        Ok(Self { device, k })
    }

    /// The nearest rows of `bank` for each row of `queries`, all of unit length, nearest first. `pass` counts the queries.
    ///
    /// # Errors
    /// What the driver reports; [`crate::error::Error::Stopped`] where the pass is.
    pub(super) fn nearest(&self, bank: &Features, queries: &Features, pass: &Pass) -> Result<Vec<Vec<Near>>> {
        match &self.device {
            Some(search) => search.nearest_in(pass, bank, queries),
            None => knn::nearest(bank, queries, self.k, pass),
        }
    }
}
