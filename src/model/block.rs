//! The residual block: convolutions with batch norm one after another, and a shortcut around them.
//!
//! What a block's backward needs is kept, or made again from the block's input (`recompute`): the
//! convolutions run a second time, and the batch norms take the statistics of the first. Both read
//! and write the same numbers in the same order, so the results are the same to the last bit.

use super::layers::{BatchNorm, Conv, Input, Normalized, Statistics, Wanted};
use super::store::Store;
use crate::config::{ConvUnit, Residual};
use crate::error::Result;
use crate::gpu::{Plan, Tensor};
use crate::ops::batch_norm::Together;
use crate::ops::conv2d::Filter;
use crate::ops::vector;

/// A convolution and its batch norm.
#[derive(Debug)]
pub(super) struct Unit {
    conv: Conv,
    norm: BatchNorm,
}

/// What a unit needs in backward.
pub(super) type UnitSaved = (Input, Normalized);

impl Unit {
    pub(super) fn new(store: &mut Store, unit: &ConvUnit) -> Self {
        let conv = Conv::new(store, unit.conv.clone(), Filter::of(unit));
        Self { conv, norm: BatchNorm::new(store, unit.norm.clone(), unit.filters as u32) }
    }

    pub(super) fn share_statistics(&mut self, together: Together) {
        self.norm.share_statistics(together);
    }

    pub(super) fn forward(
        &self,
        plan: &mut Plan,
        store: &Store,
        x: &Tensor,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<(Tensor, UnitSaved)> {
        let (c, input) = self.conv.forward(plan, store, x)?;
        let (y, normalized) = self.norm.forward(plan, store, c, residual, relu)?;
        Ok((y, (input, normalized)))
    }

    pub(super) fn evaluate(
        &self,
        plan: &mut Plan,
        store: &Store,
        x: &Tensor,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor> {
        let (c, _) = self.conv.forward(plan, store, x)?;
        self.norm.evaluate(plan, store, &c, residual, relu)
    }

    pub(super) fn backward(
        &self,
        plan: &mut Plan,
        store: &Store,
        (input, normalized): UnitSaved,
        dy: &Tensor,
        wanted: Wanted,
    ) -> Result<Option<Tensor>> {
        let dc = self.norm.backward(plan, store, normalized, dy)?;
        self.conv.backward(plan, store, input, &dc, wanted)
    }
}

/// What a chain of units keeps between forward and backward.
enum Saved {
    /// Everything.
    All(Vec<UnitSaved>),
    /// Its input and the statistics of its batch norms, from which [`Saved::all`] makes the rest again.
    Input(Tensor, Vec<Statistics>),
}

impl Saved {
    fn new(x: &Tensor, all: Vec<UnitSaved>, recompute: bool) -> Self {
        if recompute {
            Self::Input(x.clone(), all.into_iter().map(|(_, normalized)| normalized.forget()).collect())
        } else {
            Self::All(all)
        }
    }

    /// What each of the `units` needs in backward. The result of the last is not made again.
    fn all(self, plan: &mut Plan, store: &Store, units: &[Unit]) -> Result<Vec<UnitSaved>> {
        let (mut h, statistics) = match self {
            Self::All(all) => return Ok(all),
            Self::Input(x, statistics) => (x, statistics),
        };
        let mut all = Vec::new();
        for (unit, statistics) in units.iter().zip(statistics) {
            let (c, input) = unit.conv.forward(plan, store, &h)?;
            let normalized = statistics.of(c);
            if all.len() + 1 < units.len() {
                h = unit.norm.again(plan, &normalized)?;
            }
            all.push((input, normalized));
        }
        Ok(all)
    }
}

/// A residual block: units one after another, and a shortcut around them.
#[derive(Debug)]
pub(super) struct Block {
    units: Vec<Unit>,
    shortcut: Option<Unit>,
}

/// What a block keeps between forward and backward. Its result is the next block's input, so it
/// costs nothing.
pub(super) struct BlockSaved {
    units: Saved,
    shortcut: Option<Saved>,
    y: Tensor,
}

impl Block {
    /// Declares the block's parameters.
    pub(super) fn new(store: &mut Store, block: &Residual) -> Self {
        let units = block.units.iter().map(|unit| Unit::new(store, unit)).collect();
        Self { units, shortcut: block.shortcut.as_ref().map(|unit| Unit::new(store, unit)) }
    }

    pub(super) fn share_statistics(&mut self, together: Together) {
        self.units.iter_mut().chain(&mut self.shortcut).for_each(|unit| unit.share_statistics(together));
    }

    pub(super) fn forward(
        &self,
        plan: &mut Plan,
        store: &Store,
        x: &Tensor,
        recompute: bool,
    ) -> Result<(Tensor, BlockSaved)> {
        let (around, shortcut) = match &self.shortcut {
            Some(unit) => {
                let (y, saved) = unit.forward(plan, store, x, None, false)?;
                (y, Some(Saved::new(x, vec![saved], recompute)))
            }
            None => (x.clone(), None),
        };
        let mut all = Vec::new();
        let mut h = x.clone();
        for (i, unit) in self.units.iter().enumerate() {
            let residual = (i + 1 == self.units.len()).then_some(&around);
            let (y, saved) = unit.forward(plan, store, &h, residual, true)?;
            all.push(saved);
            h = y;
        }
        Ok((h.clone(), BlockSaved { units: Saved::new(x, all, recompute), shortcut, y: h }))
    }

    pub(super) fn evaluate(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<Tensor> {
        let around = match &self.shortcut {
            Some(unit) => unit.evaluate(plan, store, x, None, false)?,
            None => x.clone(),
        };
        let mut h = x.clone();
        for (i, unit) in self.units.iter().enumerate() {
            let residual = (i + 1 == self.units.len()).then_some(&around);
            h = unit.evaluate(plan, store, &h, residual, true)?;
        }
        Ok(h)
    }

    pub(super) fn backward(
        &self,
        plan: &mut Plan,
        store: &Store,
        saved: BlockSaved,
        dy: Tensor,
    ) -> Result<Tensor> {
        let BlockSaved { units, shortcut, y } = saved;
        // The sum's ReLU: what passes it is the gradient of both branches.
        let g = vector::mask(plan, &y, &dy)?;
        drop((y, dy));
        let mut branch = g.clone();
        let mut around = Some(g);
        if let (Some(unit), Some(saved)) = (&self.shortcut, shortcut) {
            for saved in saved.all(plan, store, std::slice::from_ref(unit))? {
                around = unit.backward(plan, store, saved, &branch, Wanted::New)?;
            }
        }
        let units_saved = units.all(plan, store, &self.units)?;
        for (i, (unit, saved)) in self.units.iter().zip(units_saved).enumerate().rev() {
            let wanted = match around.take_if(|_| i == 0) {
                Some(sum) => Wanted::AddTo(sum),
                None => Wanted::New,
            };
            if let Some(dx) = unit.backward(plan, store, saved, &branch, wanted)? {
                branch = dx;
            }
        }
        Ok(branch)
    }
}
