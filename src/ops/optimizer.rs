//! LARC, LARS, SGD with momentum and AdamW over all parameters at once, and averages of parameters over time. Twin of `optimizer.wgsl`.

use super::{input, lanes, scaled, shader, variant};
use crate::error::Result;
use crate::gpu::{Family, Grid, Plan, Shader, Shape, Tensor, shader_params};

/// Without and with a loss scale.
pub(crate) const BUFFERS: [Shader; 2] = [
    shader!(
        "optimizer.wgsl" + "grid.wgsl" + "step.wgsl" + "scale.none.wgsl" + "parameters.buffer.wgsl",
        true
    ),
    shader!(
        "optimizer.wgsl"
            + "grid.wgsl"
            + "step.wgsl"
            + "scale.state.wgsl"
            + "scale.dynamic.wgsl"
            + "parameters.buffer.wgsl",
        true
    ),
];
/// The same for adapters of the subgroup family.
pub(crate) const TEXELS: [Shader; 2] = [
    shader!(
        "optimizer.wgsl"
            + "grid.wgsl"
            + "step.wgsl"
            + "scale.none.wgsl"
            + "parameters.texels.wgsl"
            + "pairs.wgsl",
        false
    ),
    shader!(
        "optimizer.wgsl"
            + "grid.wgsl"
            + "step.wgsl"
            + "scale.state.wgsl"
            + "scale.dynamic.wgsl"
            + "parameters.texels.wgsl"
            + "pairs.wgsl",
        false
    ),
];

shader_params! {
    struct Params {
        parameters: u32, chunks: u32, weight_decay: f32, trust: f32, momentum: f32, beta1: f32, beta2: f32,
        clip: u32, lars: u32, exclude: u32,
    }
}

/// Flag of a parameter: frozen at first (the prototypes).
pub const PROTOTYPES: u32 = 1;
/// Flag of a parameter: a bias or a batch-norm vector.
pub const VECTOR: u32 = 2;
/// Flag of a parameter: its gradient comes through half precision, multiplied by the loss scale.
pub const SCALED: u32 = 4;
/// Quads a chunk.
const CHUNK: u32 = 1024;

/// How SGD scales the gradient of a tensor by the norms of the tensor and of the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// LARC, as NVIDIA's apex has it and the official code of SwAV uses it.
    Larc {
        /// The size of a step as a share of the tensor's norm.
        trust: f32,
        /// Never above the learning rate (off in the official recipe).
        clip: bool,
    },
    /// LARS, as the official code of SimCLR and BYOL has it: the norm of the gradient *with* decay is below the line.
    Lars {
        /// The size of a step as a share of the tensor's norm.
        trust: f32,
    },
}

/// The update rule.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// SGD with momentum.
    Sgd {
        /// How each tensor's gradient is scaled first.
        scaling: Scaling,
        /// Momentum.
        momentum: f32,
    },
    /// Adam with decoupled weight decay (PyTorch AdamW).
    AdamW {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
    },
}

/// One parameter's place in the shard.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// First quad.
    pub first: u32,
    /// Quads.
    pub quads: u32,
    /// [`PROTOTYPES`], [`VECTOR`], [`SCALED`].
    pub flags: u32,
}

/// The buffers of all parameters, each of the same layout.
#[derive(Clone, Debug)]
pub struct Shard {
    /// Weights.
    pub value: Tensor,
    /// Gradients.
    pub gradient: Tensor,
    /// Momentum, or AdamW's first moment.
    pub moment: Tensor,
    /// AdamW's second moment.
    pub second: Option<Tensor>,
    /// Which chunk belongs to whom (u32 bits), `[chunks, 4]`.
    pub chunks: Tensor,
    /// Each parameter's chunks and flags (u32 bits), `[parameters, 4]`.
    pub parameters: Tensor,
}

/// The two tables of a shard as u32 words: (chunks, parameters).
#[must_use]
pub fn tables(spans: &[Span]) -> (Vec<u32>, Vec<u32>) {
    let (mut chunks, mut parameters) = (Vec::new(), Vec::new());
    for (index, span) in spans.iter().enumerate() {
        let first_chunk = chunks.len() as u32 / 4;
        for at in (0..span.quads).step_by(CHUNK as usize) {
            chunks.extend([index as u32, span.first + at, CHUNK.min(span.quads - at), 0]);
        }
        parameters.extend([first_chunk, chunks.len() as u32 / 4 - first_chunk, span.flags, 0]);
    }
    (chunks, parameters)
}

/// What an update is made with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The rule.
    pub rule: Rule,
    /// Pull towards zero.
    pub weight_decay: f32,
    /// Neither scaling nor decay for biases and batch norms.
    pub exclude: bool,
}

fn params(shard: &Shard, settings: &Settings) -> Params {
    let (chunks, parameters) = (shard.chunks.shape.rows(), shard.parameters.shape.rows());
    let Settings { rule, weight_decay, exclude } = *settings;
    let base = Params { parameters, chunks, weight_decay, exclude: u32::from(exclude), ..Params::default() };
    match rule {
        Rule::Sgd { scaling, momentum } => {
            let (trust, clip, lars) = match scaling {
                Scaling::None => (0.0, false, false),
                Scaling::Larc { trust, clip } => (trust, clip, false),
                Scaling::Lars { trust } => (trust, false, true),
            };
            Params { trust, momentum, clip: u32::from(clip), lars: u32::from(lars), ..base }
        }
        Rule::AdamW { beta1, beta2 } => Params { beta1, beta2, ..base },
    }
}

/// Per parameter, `[|p|, |g|, non-finite gradient values, ratio]`.
pub fn measure(plan: &mut Plan, shard: &Shard, settings: &Settings, step: &Tensor) -> Result<Tensor> {
    let params = params(shard, settings);
    let partial = plan.lease(Shape::matrix(params.chunks, 4));
    let norms = plan.lease(Shape::matrix(params.parameters, 4));
    let Shard { chunks, parameters, .. } = shard;
    let shader = &variant(plan, &BUFFERS, &TEXELS)[0];
    let (gradient, value) = (input(plan, &shard.gradient), input(plan, &shard.value));
    let kernel = plan.gpu().kernel(shader, "norms", &lanes(plan))?;
    let each_chunk = Grid::folded(params.chunks, 1);
    plan.dispatch(&kernel, each_chunk, params, &[chunks, &gradient, &partial, &value])?;
    let kernel = plan.gpu().kernel(shader, "finish_norms", &[])?;
    let per_parameter = Grid::invocations(params.parameters, 64);
    plan.dispatch(&kernel, per_parameter, params, &[parameters, &norms, step, &partial])?;
    Ok(norms)
}

/// Updates all parameters of a shard that [`measure`] gave `norms` of, unless the loss scale's verdict in
/// `scale` is to skip the step.
pub fn apply(
    plan: &mut Plan,
    shard: &Shard,
    settings: &Settings,
    step: &Tensor,
    norms: &Tensor,
    scale: Option<&Tensor>,
) -> Result<()> {
    let params = params(shard, settings);
    let Shard { value, gradient, moment, second, chunks, parameters } = shard;
    let gradient = input(plan, gradient);
    // What an update replaces is read from copies where it is read as texels.
    let before: Vec<Tensor> = match plan.gpu().family() {
        Family::Subgroup => [Some(value), Some(moment), second.as_ref()]
            .into_iter()
            .flatten()
            .map(|t| plan.stage(t))
            .collect(),
        Family::Tile | Family::Direct | Family::Matrix => Vec::new(),
    };
    let (entry, mut tensors) = match second {
        Some(second) => ("update_adamw", vec![chunks, parameters, &gradient, value, moment, second, step]),
        None => ("update_sgd", vec![chunks, parameters, &gradient, value, moment, step, norms]),
    };
    tensors.extend(&before);
    tensors.extend(scale);
    let shader = scaled(variant(plan, &BUFFERS, &TEXELS), scale);
    let kernel = plan.gpu().kernel(shader, entry, &lanes(plan))?;
    plan.dispatch(&kernel, Grid::folded(params.chunks, 1), params, &tensors)
}

/// Updates all parameters of a shard. Returns what [`measure`] does.
pub fn update(plan: &mut Plan, shard: &Shard, settings: &Settings, step: &Tensor) -> Result<Tensor> {
    let norms = measure(plan, shard, settings, step)?;
    apply(plan, shard, settings, step, &norms, None)?;
    Ok(norms)
}

/// Moves the parameters of `target` towards those of `online`: `t = m·t + (1 − m)·p`, an exponential moving average
/// over the steps. The first float of `rate` is m, which the host writes before a submission: 0 copies and 1 keeps,
/// both to the last bit and whatever the other network holds.
///
/// Only weights, biases, and scales and shifts of batch norms are in shards, so running estimates stay the target's
/// own. `online` must have the parameters of `target` at the same places and may have more behind them; that two
/// stores do is checked by `Store::follow`, which knows their names.
///
/// Section 3.1 of arXiv 2006.07733 (BYOL) and equation 2 of arXiv 1911.05722 (MoCo).
pub fn follow(plan: &mut Plan, target: &Shard, online: &Shard, rate: &Tensor) -> Result<()> {
    let (value, chunks) = (&target.value, &target.chunks);
    debug_assert!(
        value.shape.rows() <= online.value.shape.rows(),
        "a target has no more than what it follows"
    );
    let shader = &variant(plan, &BUFFERS, &TEXELS)[0];
    let followed = input(plan, &online.value);
    // What is replaced is read from a copy where it is read as texels.
    let before = match plan.gpu().family() {
        Family::Subgroup => Some(plan.stage(value)),
        Family::Tile | Family::Direct | Family::Matrix => None,
    };
    let mut tensors = vec![chunks, value];
    tensors.extend(&before);
    tensors.extend([&followed, rate]);
    let kernel = plan.gpu().kernel(shader, "follow", &lanes(plan))?;
    let params = Params { chunks: chunks.shape.rows(), ..Params::default() };
    plan.dispatch(&kernel, Grid::folded(params.chunks, 1), params, &tensors)
}

/// The rate of [`follow`] when the share `done` of a run's steps is done: from `base` to `end` along half a cosine. `end` is 1 in
/// the official code of BYOL (section 3.2 of arXiv 2006.07733).
#[must_use]
pub fn follow_rate(base: f64, end: f64, done: f64) -> f64 {
    end - (end - base) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
}
