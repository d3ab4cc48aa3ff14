//! Running estimates of batch norms, where a batch goes through the trunk in parts.
//!
//! They move once a step, to the mean of where each part by itself would move them, in which a part counts as much as its
//! pictures. (PyTorch's `DistributedDataParallel` keeps those of rank 0, which has seen one part of many.)

use std::sync::Arc;

use crate::error::Result;
use crate::gpu::{Arena, Plan, Tensor, Usage};
use crate::model::Store;
use crate::ops::parts;

/// The running estimates of one network.
pub(super) struct Estimates {
    /// The same network with estimates and gradients of one part.
    pub(super) aside: Store,
    /// The parts so far, each times its share of the batch.
    sum: Tensor,
    /// The network's own.
    own: Tensor,
    /// Pictures of the batch.
    batch: usize,
}

impl Estimates {
    pub(super) fn new(arena: &Arc<Arena>, store: &Store, batch: usize) -> Self {
        let own = store.estimates().clone();
        let sum = arena.lease(own.shape, Usage::Storage, "estimates of the batch");
        Self { aside: store.aside(arena), sum, own, batch }
    }

    /// What ranks add up before [`Estimates::end`].
    pub(super) fn sum(&self) -> &Tensor {
        &self.sum
    }

    /// Records what comes before the first part of a batch.
    pub(super) fn begin(&self, plan: &mut Plan) {
        plan.clear(&self.sum);
    }

    /// Records a look at a part of so many pictures; `look` looks with the store that it is given.
    pub(super) fn of_part<T>(
        &self,
        plan: &mut Plan,
        pictures: usize,
        look: impl FnOnce(&mut Plan, &Store) -> Result<T>,
    ) -> Result<T> {
        parts::weigh(plan, &self.own, 1.0, self.aside.estimates())?;
        let found = look(plan, &self.aside)?;
        let weighed = plan.lease(self.sum.shape);
        parts::weigh(plan, self.aside.estimates(), pictures as f32 / self.batch as f32, &weighed)?;
        parts::add(plan, &weighed, &self.sum)?;
        Ok(found)
    }

    /// Records what comes after the last part: the network's estimates move.
    pub(super) fn end(&self, plan: &mut Plan) -> Result<()> {
        parts::weigh(plan, &self.sum, 1.0, &self.own)
    }
}
