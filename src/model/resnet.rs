//! The ResNet trunk, in torchvision's layout and names (He et al. 2015; the official `resnet50.py`).

use super::block::{Block, BlockSaved, Unit, UnitSaved};
use super::layers::Wanted;
use super::store::Store;
use crate::config::{Layout, Readout, Stem, TrunkSpec};
use crate::error::Result;
use crate::gpu::{Plan, Shape, Tensor};
use crate::ops::batch_norm::Together;
use crate::ops::pool;

/// Stem, four stages of blocks, average pool.
#[derive(Debug)]
pub struct Trunk {
    stem: Unit,
    pool: bool,
    blocks: Vec<Block>,
    spec: TrunkSpec,
    recompute: bool,
}

/// What an evaluation finds, single precision.
pub struct Evaluated {
    /// The features that were asked for, `[n, grid, grid, C]`.
    pub features: Tensor,
    /// The last stage, globally pooled, `[n, C]`: what a head stands on. `None` where nobody wanted it.
    pub pooled: Option<Tensor>,
}

/// What a trunk keeps between forward and backward of one resolution.
pub struct TrunkSaved {
    stem: UnitSaved,
    /// The winners of the max-pool, and the shape of what it saw.
    pooled: Option<(Tensor, Shape)>,
    blocks: Vec<BlockSaved>,
    last: Shape,
}

impl std::fmt::Debug for TrunkSaved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrunkSaved").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

impl Trunk {
    /// Declares the parameters of a trunk for pictures of so many `channels`. With `recompute`, blocks make again in
    /// backward what they would have kept: the same bits in less memory and more time.
    pub fn new(store: &mut Store, spec: &TrunkSpec, stem: Stem, channels: usize, recompute: bool) -> Self {
        let Layout { stem, pool, blocks } = spec.layout(stem, channels);
        let stem = Unit::new(store, &stem);
        let blocks = blocks.iter().map(|block| Block::new(store, block)).collect();
        Self { stem, pool, blocks, spec: *spec, recompute }
    }

    /// Has all its batch norms take their statistics with those of other ranks.
    pub fn share_statistics(&mut self, together: Together) {
        self.stem.share_statistics(together);
        self.blocks.iter_mut().for_each(|block| block.share_statistics(together));
    }

    /// Length of the globally pooled vector, on which heads stand.
    #[must_use]
    pub fn features(&self) -> u32 {
        self.spec.features() as u32
    }

    /// Pictures `[n, s, s, channels]` to rows `first_row ..` of `features`, with batch statistics. All that lies
    /// between is stored as the pictures are; the features are single precision.
    pub fn forward(
        &self,
        plan: &mut Plan,
        store: &Store,
        x: &Tensor,
        features: &Tensor,
        first_row: u32,
    ) -> Result<TrunkSaved> {
        let (mut h, stem) = self.stem.forward(plan, store, x, None, true)?;
        let mut pooled = None;
        if self.pool {
            plan.scope("maxpool");
            let (y, winners) = pool::max_forward(plan, &h)?;
            pooled = Some((winners, h.shape));
            h = y;
        }
        let mut blocks = Vec::new();
        for block in &self.blocks {
            let (y, saved) = block.forward(plan, store, &h, self.recompute)?;
            blocks.push(saved);
            h = y;
        }
        plan.scope("avgpool");
        pool::average_forward(plan, &h, features, first_row)?;
        Ok(TrunkSaved { stem, pooled, blocks, last: h.shape })
    }

    /// The same with running estimates, for evaluation: the features that `readout` says, and with `pooled` what a head
    /// stands on. Stages that neither needs are left out.
    pub fn evaluate(
        &self,
        plan: &mut Plan,
        store: &Store,
        x: &Tensor,
        readout: Readout,
        pooled: bool,
    ) -> Result<Evaluated> {
        let mut h = self.stem.evaluate(plan, store, x, None, true)?;
        if self.pool {
            plan.scope("maxpool");
            (h, _) = pool::max_forward(plan, &h)?;
        }
        let (read, rest) = self.blocks.split_at(self.spec.blocks.iter().take(readout.stage).sum());
        for block in read {
            h = block.evaluate(plan, store, &h)?;
        }
        let features = average(plan, &h, readout.grid)?;
        if !pooled {
            return Ok(Evaluated { features, pooled: None });
        }
        for block in rest {
            h = block.evaluate(plan, store, &h)?;
        }
        let same = rest.is_empty() && readout.grid == 1;
        let pooled = if same { features.clone() } else { average(plan, &h, 1)? };
        Ok(Evaluated { features, pooled: Some(pooled) })
    }

    /// Adds all gradients of the trunk's parameters, from rows `first_row ..` of `dfeatures`. With
    /// pictures of half precision they are multiplied by the loss scale in `scale`.
    pub fn backward(
        &self,
        plan: &mut Plan,
        store: &Store,
        saved: TrunkSaved,
        dfeatures: &Tensor,
        first_row: u32,
        scale: Option<&Tensor>,
    ) -> Result<()> {
        let TrunkSaved { stem, pooled, blocks, last } = saved;
        plan.scope("avgpool");
        let mut dy = pool::average_backward(plan, dfeatures, first_row, last, scale)?;
        for (block, saved) in self.blocks.iter().zip(blocks).rev() {
            dy = block.backward(plan, store, saved, dy)?;
        }
        if let Some((winners, shape)) = pooled {
            plan.scope("maxpool");
            dy = pool::max_backward(plan, &winners, &dy, shape)?;
        }
        self.stem.backward(plan, store, stem, &dy, Wanted::Nothing)?;
        Ok(())
    }
}

/// Means over a grid of so many rows and columns, `[n, grid, grid, C]`.
fn average(plan: &mut Plan, h: &Tensor, grid: usize) -> Result<Tensor> {
    plan.scope("avgpool");
    let out = plan.lease(Shape::pictures(h.shape.images, grid as u32, grid as u32, h.shape.channels));
    pool::average_forward(plan, h, &out, 0)?;
    Ok(out)
}
