//! The ResNet trunk, in torchvision's layout and names (He et al. 2015; RECIPE "Model").

use super::layers::{BatchNorm, Conv, Input, Normalized, Wanted};
use super::store::Store;
use crate::config::{Block as BlockKind, Stem, TrunkSpec};
use crate::error::Result;
use crate::gpu::{Plan, Shape, Tensor};
use crate::ops::conv2d::Filter;
use crate::ops::{pool, vector};

/// A convolution and its batch norm.
#[derive(Debug)]
struct Unit {
    conv: Conv,
    norm: BatchNorm,
}

type UnitSaved = (Input, Normalized);

impl Unit {
    fn new(store: &mut Store, conv: String, norm: String, filter: Filter) -> Self {
        let conv = Conv::new(store, conv, filter);
        Self { conv, norm: BatchNorm::new(store, norm, filter.filters) }
    }

    fn forward(
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

    fn evaluate(
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

    fn backward(
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

/// A residual block: units one after another, and a shortcut around them.
#[derive(Debug)]
struct Block {
    units: Vec<Unit>,
    shortcut: Option<Unit>,
}

struct BlockSaved {
    units: Vec<UnitSaved>,
    shortcut: Option<UnitSaved>,
    y: Tensor,
}

impl Block {
    fn new(
        store: &mut Store,
        name: &str,
        kind: BlockKind,
        channels: u32,
        width: u32,
        stride: u32,
    ) -> (Self, u32) {
        let square = |channels, filters, stride| Filter { channels, filters, kernel: 3, stride, pad: 1 };
        let point = |channels, filters, stride| Filter { channels, filters, kernel: 1, stride, pad: 0 };
        let (filters, out) = match kind {
            BlockKind::Basic => (vec![square(channels, width, stride), square(width, width, 1)], width),
            BlockKind::Bottleneck => {
                let out = width * 4;
                (vec![point(channels, width, 1), square(width, width, stride), point(width, out, 1)], out)
            }
        };
        let unit = |store: &mut Store, i: usize, filter| {
            Unit::new(store, format!("{name}.conv{}", i + 1), format!("{name}.bn{}", i + 1), filter)
        };
        let units = filters.into_iter().enumerate().map(|(i, filter)| unit(store, i, filter)).collect();
        let shortcut = (stride != 1 || channels != out).then(|| {
            let names = (format!("{name}.downsample.0"), format!("{name}.downsample.1"));
            Unit::new(store, names.0, names.1, point(channels, out, stride))
        });
        (Self { units, shortcut }, out)
    }

    fn forward(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<(Tensor, BlockSaved)> {
        let (around, shortcut) = match &self.shortcut {
            Some(unit) => unit.forward(plan, store, x, None, false).map(|(y, saved)| (y, Some(saved)))?,
            None => (x.clone(), None),
        };
        let mut saved = Vec::new();
        let mut h = x.clone();
        for (i, unit) in self.units.iter().enumerate() {
            let residual = (i + 1 == self.units.len()).then_some(&around);
            let (y, s) = unit.forward(plan, store, &h, residual, true)?;
            saved.push(s);
            h = y;
        }
        Ok((h.clone(), BlockSaved { units: saved, shortcut, y: h }))
    }

    fn evaluate(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<Tensor> {
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

    fn backward(&self, plan: &mut Plan, store: &Store, saved: BlockSaved, dy: &Tensor) -> Result<Tensor> {
        let BlockSaved { units, shortcut, y } = saved;
        // The sum's ReLU: what passes it is the gradient of both branches.
        let g = vector::mask(plan, &y, dy)?;
        drop(y);
        let mut branch = g.clone();
        let mut around = match (&self.shortcut, shortcut) {
            (Some(unit), Some(saved)) => unit.backward(plan, store, saved, &g, Wanted::New)?,
            _ => Some(g.clone()),
        };
        drop(g);
        for (i, (unit, saved)) in self.units.iter().zip(units).enumerate().rev() {
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

/// Stem, four stages of blocks, global average pool.
#[derive(Debug)]
pub struct Trunk {
    stem: Unit,
    pool: bool,
    blocks: Vec<Block>,
    features: u32,
}

/// What a trunk keeps between forward and backward of one resolution.
pub struct TrunkSaved {
    stem: UnitSaved,
    pooled: Option<Tensor>,
    blocks: Vec<BlockSaved>,
    last: Shape,
}

impl std::fmt::Debug for TrunkSaved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrunkSaved").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

impl Trunk {
    /// Declares the trunk's parameters.
    pub fn new(store: &mut Store, spec: &TrunkSpec, stem: Stem) -> Self {
        let width = spec.width as u32;
        let (kernel, stride, pad) = match stem {
            Stem::Imagenet => (7, 2, 3),
            Stem::Cifar => (3, 1, 1),
            Stem::Stride2 => (3, 2, 1),
        };
        let filter = Filter { channels: 3, filters: width, kernel, stride, pad };
        let first = Unit::new(store, "conv1".into(), "bn1".into(), filter);
        let mut blocks = Vec::new();
        let mut channels = width;
        for (stage, &count) in spec.blocks.iter().enumerate() {
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", stage + 1);
                let (block, out) = Block::new(store, &name, spec.block, channels, width << stage, stride);
                blocks.push(block);
                channels = out;
            }
        }
        Self { stem: first, pool: stem == Stem::Imagenet, blocks, features: channels }
    }

    /// Length of a feature vector.
    #[must_use]
    pub fn features(&self) -> u32 {
        self.features
    }

    /// Pictures `[n, s, s, 3]` to rows `first_row ..` of `features`, with batch statistics.
    ///
    /// # Errors
    /// A shader or limit error.
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
            let y = pool::max_forward(plan, &h)?;
            pooled = Some(std::mem::replace(&mut h, y));
        }
        let mut blocks = Vec::new();
        for block in &self.blocks {
            let (y, saved) = block.forward(plan, store, &h)?;
            blocks.push(saved);
            h = y;
        }
        plan.scope("avgpool");
        pool::average_forward(plan, &h, features, first_row)?;
        Ok(TrunkSaved { stem, pooled, blocks, last: h.shape })
    }

    /// The same with running estimates, for evaluation.
    ///
    /// # Errors
    /// A shader or limit error.
    pub fn evaluate(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<Tensor> {
        let mut h = self.stem.evaluate(plan, store, x, None, true)?;
        if self.pool {
            plan.scope("maxpool");
            h = pool::max_forward(plan, &h)?;
        }
        for block in &self.blocks {
            h = block.evaluate(plan, store, &h)?;
        }
        plan.scope("avgpool");
        let features = plan.lease(Shape::matrix(x.shape.images, self.features));
        pool::average_forward(plan, &h, &features, 0)?;
        Ok(features)
    }

    /// Adds all gradients of the trunk's parameters, from rows `first_row ..` of `dfeatures`.
    ///
    /// # Errors
    /// A shader or limit error.
    pub fn backward(
        &self,
        plan: &mut Plan,
        store: &Store,
        saved: TrunkSaved,
        dfeatures: &Tensor,
        first_row: u32,
    ) -> Result<()> {
        let TrunkSaved { stem, pooled, blocks, last } = saved;
        plan.scope("avgpool");
        let mut dy = pool::average_backward(plan, dfeatures, first_row, last)?;
        for (block, saved) in self.blocks.iter().zip(blocks).rev() {
            dy = block.backward(plan, store, saved, &dy)?;
        }
        if let Some(x) = pooled {
            plan.scope("maxpool");
            dy = pool::max_backward(plan, &x, &dy)?;
        }
        self.stem.backward(plan, store, stem, &dy, Wanted::Nothing)?;
        Ok(())
    }
}
