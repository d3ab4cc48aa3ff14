//! A part of a batch, as a method sees it.

use std::cell::RefCell;
use std::sync::Arc;

use super::estimates::Estimates;
use crate::error::Result;
use crate::gpu::{Arena, Plan, Shape, Tensor, Usage};
use crate::ops::parts;

/// A part of a batch that goes through the trunk in parts.
pub(super) struct Part<'a> {
    pub(super) arena: &'a Arc<Arena>,
    pub(super) crops: &'a [Tensor],
    /// Says which picture is its first (`ops::parts`).
    pub(super) first: &'a Tensor,
    /// Its pictures, and those of the batch.
    pub(super) size: u32,
    pub(super) batch: u32,
    /// Running estimates of the network that the method keeps beside the one in training.
    pub(super) target: Option<&'a Estimates>,
    /// What is kept of parts.
    pub(super) kept: &'a RefCell<Vec<Tensor>>,
}

impl Part<'_> {
    /// Keeps the rows of this part, `[V · size, D]` and view-major, among those of the whole batch, for which the first
    /// part takes memory.
    pub(super) fn keep(&self, plan: &mut Plan, rows: &Tensor, whole: &mut Option<Tensor>) -> Result<()> {
        let shape = Shape::matrix(rows.shape.rows() / self.size * self.batch, rows.shape.channels);
        // A part is looked at again while the features of others wait here.
        let lease = || {
            let whole = self.arena.lease_before_all(shape, Usage::Storage, "features of the batch");
            self.kept.borrow_mut().push(whole.clone());
            whole
        };
        parts::place(plan, rows, self.size, self.first, whole.get_or_insert_with(lease))
    }
}
