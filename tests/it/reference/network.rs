//! A whole SwAV network in `f64`: ResNet trunk, projection head, prototypes; forward and backward.
//!
//! Weights go by torchvision names. Crops arrive as a list; consecutive crops of one size share a trunk pass (and
//! so its batch statistics), and the head sees the rows of all crops at once.
//!
//! With [`Half`] it rounds to half precision what the kernels store so, where they store it.

use super::arch::{Arch, BlockPlan, Stem, Unit};
use super::half::Half;
use super::norm::{self, BatchStats};
use super::seen::Seen;
use super::{Tensor64, Weights, accumulate, conv, linear, pool, relu};
use std::borrow::Cow;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// Batch statistics; running estimates move.
    Train,
    /// Running estimates; nothing moves.
    Evaluate,
}

pub(super) struct UnitSaved {
    pub(super) x: Tensor64,
    pub(super) conv: Tensor64,
    stats: Option<BatchStats>,
    /// As it is computed, before it is stored: kernels take the sign of a ReLU from the batch norm once more.
    y: Tensor64,
}

struct BlockSaved {
    main: Vec<UnitSaved>,
    downsample: Option<UnitSaved>,
    /// What is added to the last batch norm.
    shortcut: Tensor64,
    y: Tensor64,
}

struct TrunkSaved {
    stem: UnitSaved,
    winners: Option<Vec<usize>>,
    blocks: Vec<BlockSaved>,
    /// Where its rows stand among the features of all crops.
    rows: Vec<(usize, usize)>,
}

struct HeadSaved {
    hidden: Option<UnitSaved>,
    projected: Tensor64,
}

/// Everything one forward computed. Rows are view-major: view 0 of every image, then view 1, and so on.
pub(crate) struct Pass {
    /// Pooled trunk outputs `[views·B, features]`.
    pub(crate) features: Tensor64,
    /// Unit-length embeddings `[views·B, D]`.
    pub(crate) embeddings: Tensor64,
    /// `[views·B, K]`
    pub(crate) scores: Tensor64,
    trunk: Vec<TrunkSaved>,
    head: HeadSaved,
}

#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) arch: Arch,
    pub(crate) weights: Weights,
    /// How the trunk's activations and their gradients are stored, where that is not exactly.
    pub(crate) half: Option<Half>,
    /// Pictures that the trunk's batch norms see together, where a batch goes through in parts: the last part has what is
    /// left. Running estimates become the mean of where each part would move them, a picture counting as much as another.
    pub(crate) part: Option<usize>,
    /// Where backward writes down what each layer saw, if it is to.
    pub(crate) seen: Option<Seen>,
}

impl Network {
    pub(crate) fn new(arch: Arch, weights: Weights) -> Self {
        Self { arch, weights, half: None, part: None, seen: None }
    }

    /// An activation of the trunk or a gradient of one, as it is in memory.
    fn stored(&self, x: Tensor64) -> Tensor64 {
        match &self.half {
            Some(half) => half.stored(&x),
            None => x,
        }
    }

    /// The weights of a convolution as it multiplies with them.
    fn filter(&self, name: &str) -> Cow<'_, Tensor64> {
        let weight = self.weight(name);
        match &self.half {
            Some(half) if half.weights => Cow::Owned(weight.map(super::half::rounded)),
            _ => Cow::Borrowed(weight),
        }
    }

    pub(crate) fn weight(&self, name: &str) -> &Tensor64 {
        self.weights.get(name).unwrap_or_else(|| panic!("the net has no tensor {name}"))
    }

    /// The prototypes' rows are made unit length in place, as at the start of each training step.
    pub(crate) fn normalize_prototypes(&mut self) {
        let normal = norm::l2_normalize(self.weight("prototypes.weight"));
        self.weights.insert("prototypes.weight".into(), normal);
    }

    pub(crate) fn forward(&mut self, crops: &[Tensor64], mode: Mode) -> Pass {
        let (mut features, mut trunk) = (Vec::new(), Vec::new());
        let mut first_row = 0;
        for group in crops.chunk_by(|a, b| a.shape == b.shape) {
            let batch = group[0].shape[0];
            let part = self.part.unwrap_or(batch);
            let mut views = vec![Vec::new(); group.len()];
            let (before, mut mean) = (self.weights.clone(), Weights::new());
            for first in (0..batch).step_by(part) {
                let end = batch.min(first + part);
                let crops: Vec<_> = group.iter().map(|crop| crop.slice(first, end)).collect();
                let (pooled, mut saved) = self.trunk_forward(&Tensor64::concat(&crops), mode);
                let moved = std::mem::replace(&mut self.weights, before.clone());
                for (name, value) in moved.into_iter().filter(|(name, _)| name.contains("running_")) {
                    accumulate(&mut mean, &name, value.map(|v| v * (end - first) as f64 / batch as f64));
                }
                for (view, rows) in views.iter_mut().enumerate() {
                    let from = first_row + view * batch;
                    saved.rows.push((from + first, from + end));
                    rows.push(pooled.slice(view * (end - first), (view + 1) * (end - first)));
                }
                trunk.push(saved);
            }
            self.weights.extend(mean);
            first_row += group.len() * batch;
            features.extend(views.into_iter().flatten());
        }
        let features = Tensor64::concat(&features);
        let head = self.head_forward(&features, mode);
        let embeddings = norm::l2_normalize(&head.projected);
        let scores = linear::forward(&embeddings, self.weight("prototypes.weight"), None);
        Pass { features, embeddings, scores, trunk, head }
    }

    /// Gradients of every parameter, from that of the scores.
    pub(crate) fn backward(&self, pass: &Pass, dscores: &Tensor64) -> Weights {
        let mut grads = Weights::new();
        accumulate(&mut grads, "prototypes.weight", linear::backward_weight(&pass.embeddings, dscores));
        let dembeddings = linear::backward_input(self.weight("prototypes.weight"), dscores);
        let dprojected = norm::l2_normalize_backward(&pass.head.projected, &dembeddings);
        let dfeatures = self.head_backward(pass, &dprojected, &mut grads);
        for saved in &pass.trunk {
            let rows: Vec<_> = saved.rows.iter().map(|&(from, to)| dfeatures.slice(from, to)).collect();
            self.trunk_backward(saved, &Tensor64::concat(&rows), &mut grads);
        }
        grads
    }

    fn batch_norm(&mut self, name: &str, x: &Tensor64, mode: Mode) -> (Tensor64, Option<BatchStats>) {
        let [weight, bias, mean, var] =
            ["weight", "bias", "running_mean", "running_var"].map(|s| format!("{name}.{s}"));
        if mode == Mode::Evaluate {
            let [weight, bias, mean, var] = [weight, bias, mean, var].map(|n| self.weight(&n));
            return (norm::batch_norm_eval(x, weight, bias, mean, var), None);
        }
        let (y, stats) = norm::batch_norm_train(x, self.weight(&weight), self.weight(&bias));
        let (mut new_mean, mut new_var) = (self.weight(&mean).clone(), self.weight(&var).clone());
        norm::update_running(&mut new_mean, &mut new_var, &stats);
        self.weights.insert(mean, new_mean);
        self.weights.insert(var, new_var);
        (y, Some(stats))
    }

    fn batch_norm_backward(
        &self,
        name: &str,
        saved: &UnitSaved,
        dy: &Tensor64,
        grads: &mut Weights,
    ) -> Tensor64 {
        let stats = saved.stats.as_ref().expect("only a training pass has a backward");
        let weight = self.weight(&format!("{name}.weight"));
        let (dx, dweight, dbias) = norm::batch_norm_backward(&saved.conv, weight, stats, dy);
        accumulate(grads, &format!("{name}.weight"), dweight);
        accumulate(grads, &format!("{name}.bias"), dbias);
        dx
    }

    fn unit_forward(&mut self, unit: &Unit, x: Tensor64, mode: Mode) -> UnitSaved {
        let conv = self.stored(conv::forward(&x, &self.filter(&unit.conv), unit.geometry()));
        let (y, stats) = self.batch_norm(&unit.bn, &conv, mode);
        let y = if unit.relu { relu::forward(&y) } else { y };
        UnitSaved { x, conv, stats, y }
    }

    /// The gradient of the unit's input, added to `sum` where there is one. What `residual` added is masked already.
    fn unit_backward(
        &self,
        unit: &Unit,
        saved: &UnitSaved,
        dy: &Tensor64,
        [residual, sum]: [Option<&Tensor64>; 2],
        grads: &mut Weights,
    ) -> Tensor64 {
        let masked = if unit.relu { relu::backward(&saved.y, dy) } else { dy.clone() };
        let dconv = self.stored(self.batch_norm_backward(&unit.bn, saved, &masked, grads));
        if let Some(seen) = &self.seen {
            seen.unit(self, unit, saved, [residual, sum], [dy, &dconv]);
        }
        let dw = conv::backward_weight(&saved.x, &dconv, &unit.shape, unit.geometry());
        accumulate(grads, &unit.conv, dw);
        let dx = conv::backward_input(&self.filter(&unit.conv), &dconv, &saved.x.shape, unit.geometry());
        self.stored(sum.map_or_else(|| dx.clone(), |sum| dx.add(sum)))
    }

    fn block_forward(&mut self, plan: &BlockPlan, x: &Tensor64, mode: Mode) -> BlockSaved {
        let mut main: Vec<UnitSaved> = Vec::new();
        for unit in &plan.main {
            let input = main.last().map_or_else(|| x.clone(), |unit| self.stored(unit.y.clone()));
            main.push(self.unit_forward(unit, input, mode));
        }
        let downsample = plan.downsample.as_ref().map(|unit| self.unit_forward(unit, x.clone(), mode));
        let shortcut = downsample.as_ref().map_or_else(|| x.clone(), |unit| self.stored(unit.y.clone()));
        // The last batch norm, the sum and its ReLU are one kernel.
        let y = self.stored(relu::of_sum(&main.last().expect("a block has units").y, &shortcut));
        BlockSaved { main, downsample, shortcut, y }
    }

    fn block_backward(
        &self,
        plan: &BlockPlan,
        saved: &BlockSaved,
        dy: &Tensor64,
        grads: &mut Weights,
    ) -> Tensor64 {
        let dsum = relu::backward(&saved.y, dy);
        let around = match (&plan.downsample, &saved.downsample) {
            (Some(unit), Some(saved)) => self.unit_backward(unit, saved, &dsum, [None; 2], grads),
            _ => dsum.clone(),
        };
        let (mut dmain, shortcut) = (dsum, &saved.shortcut);
        for (i, (unit, saved)) in plan.main.iter().zip(&saved.main).enumerate().rev() {
            let residual = (i + 1 == plan.main.len()).then_some(shortcut);
            dmain = self.unit_backward(unit, saved, &dmain, [residual, (i == 0).then_some(&around)], grads);
        }
        dmain
    }

    /// The output of a stage (from 1) in evaluation mode, over a grid of so many cells each way, `[n, channels, grid, grid]`.
    pub(crate) fn read(&mut self, images: &Tensor64, stage: usize, grid: usize) -> Tensor64 {
        let blocks = self.trunk_forward(images, Mode::Evaluate).1.blocks;
        let last = self.arch.layers[..stage].iter().sum::<usize>() - 1;
        pool::grid_pool(&blocks[last].y, [grid; 2])
    }

    fn trunk_forward(&mut self, images: &Tensor64, mode: Mode) -> (Tensor64, TrunkSaved) {
        let stem = self.unit_forward(&self.arch.stem(), self.stored(images.clone()), mode);
        let (mut y, mut winners) = (self.stored(stem.y.clone()), None);
        if self.arch.stem == Stem::ImageNet {
            let (pooled, won) = pool::max_pool(&y);
            (y, winners) = (pooled, Some(won));
        }
        let mut blocks = Vec::new();
        for plan in self.arch.blocks() {
            let saved = self.block_forward(&plan, &y, mode);
            y = saved.y.clone();
            blocks.push(saved);
        }
        (pool::average_pool(&y), TrunkSaved { stem, winners, blocks, rows: Vec::new() })
    }

    /// Gradients are multiplied by the loss scale on their way through the trunk.
    fn trunk_backward(&self, saved: &TrunkSaved, dfeatures: &Tensor64, grads: &mut Weights) {
        let scale = self.half.as_ref().map_or(1.0, |half| half.scale);
        let mut scaled = Weights::new();
        let last = &saved.blocks.last().expect("a trunk has blocks").y;
        let mut dy = self.stored(pool::average_pool_backward(&dfeatures.map(|v| v * scale), &last.shape));
        for (plan, saved) in self.arch.blocks().iter().zip(&saved.blocks).rev() {
            dy = self.block_backward(plan, saved, &dy, &mut scaled);
        }
        if let Some(winners) = &saved.winners {
            dy = self.stored(pool::max_pool_backward(winners, &dy, &saved.stem.y.shape));
        }
        self.unit_backward(&self.arch.stem(), &saved.stem, &dy, [None; 2], &mut scaled);
        for (name, grad) in scaled {
            accumulate(grads, &name, grad.map(|v| v / scale));
        }
    }

    /// Name and input of the head's last linear layer.
    fn last_linear<'a>(
        features: &'a Tensor64,
        hidden: Option<&'a UnitSaved>,
    ) -> (&'static str, &'a Tensor64) {
        hidden.map_or(("projection_head", features), |unit| ("projection_head.3", &unit.y))
    }

    fn head_forward(&mut self, features: &Tensor64, mode: Mode) -> HeadSaved {
        let hidden = (self.arch.hidden > 0).then(|| {
            let bias = self.weight("projection_head.0.bias");
            let conv = linear::forward(features, self.weight("projection_head.0.weight"), Some(bias));
            let (y, stats) = self.batch_norm("projection_head.1", &conv, mode);
            UnitSaved { x: features.clone(), conv, stats, y: relu::forward(&y) }
        });
        let (name, x) = Self::last_linear(features, hidden.as_ref());
        let bias = self.weight(&format!("{name}.bias"));
        let projected = linear::forward(x, self.weight(&format!("{name}.weight")), Some(bias));
        HeadSaved { hidden, projected }
    }

    fn linear_backward(&self, name: &str, x: &Tensor64, dy: &Tensor64, grads: &mut Weights) -> Tensor64 {
        if let Some(seen) = &self.seen {
            seen.linear(self, name, x, dy);
        }
        accumulate(grads, &format!("{name}.weight"), linear::backward_weight(x, dy));
        accumulate(grads, &format!("{name}.bias"), linear::backward_bias(dy));
        linear::backward_input(self.weight(&format!("{name}.weight")), dy)
    }

    fn head_backward(&self, pass: &Pass, dprojected: &Tensor64, grads: &mut Weights) -> Tensor64 {
        let (name, x) = Self::last_linear(&pass.features, pass.head.hidden.as_ref());
        let dx = self.linear_backward(name, x, dprojected, grads);
        let Some(hidden) = &pass.head.hidden else { return dx };
        let dnormal = relu::backward(&hidden.y, &dx);
        let dlinear = self.batch_norm_backward("projection_head.1", hidden, &dnormal, grads);
        self.linear_backward("projection_head.0", &hidden.x, &dlinear, grads)
    }
}
