//! LARC, SGD with momentum and AdamW over all parameters at once. Twin of `optimizer.wgsl`.

use super::{lanes, shader};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("optimizer.wgsl" + "grid.wgsl" + "step.wgsl", true);

shader_params! {
    struct Params {
        parameters: u32, chunks: u32, weight_decay: f32, trust: f32, momentum: f32, beta1: f32, beta2: f32,
        clip: u32, exclude: u32,
    }
}

/// Flag of a parameter: frozen at first (the prototypes).
pub const PROTOTYPES: u32 = 1;
/// Flag of a parameter: a bias or a batch-norm vector.
pub const VECTOR: u32 = 2;
/// Quads a chunk.
const CHUNK: u32 = 1024;

/// The update rule.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// SGD with momentum; with `trust` > 0 inside LARC (apex, as the official code uses it).
    Sgd {
        /// LARC's trust coefficient, or 0 for none.
        trust: f32,
        /// Momentum.
        momentum: f32,
        /// LARC's clipping (off in the official recipe).
        clip: bool,
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
    /// [`PROTOTYPES`], [`VECTOR`].
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

/// Updates all parameters. Returns, per parameter, `[|p|, |g|, non-finite gradient values, ratio]`.
///
/// # Errors
/// A shader or limit error.
pub fn update(
    plan: &mut Plan,
    shard: &Shard,
    rule: Rule,
    weight_decay: f32,
    exclude: bool,
    step: &Tensor,
) -> Result<Tensor> {
    let (chunks, parameters) = (shard.chunks.shape.rows(), shard.parameters.shape.rows());
    let base = Params { parameters, chunks, weight_decay, exclude: u32::from(exclude), ..Params::default() };
    let params = match rule {
        Rule::Sgd { trust, momentum, clip } => Params { trust, momentum, clip: u32::from(clip), ..base },
        Rule::AdamW { beta1, beta2 } => Params { beta1, beta2, ..base },
    };
    let partial = plan.lease(Shape::matrix(chunks, 4));
    let norms = plan.lease(Shape::matrix(parameters, 4));
    let each_chunk = Grid::folded(chunks, 1);
    let Shard { value, gradient, moment, second, chunks, parameters } = shard;
    let kernel = plan.gpu().kernel(&SHADER, "norms", &lanes(plan))?;
    plan.dispatch(&kernel, each_chunk, params, &[chunks, gradient, &partial, value])?;
    let kernel = plan.gpu().kernel(&SHADER, "finish_norms", &[])?;
    let per_parameter = Grid::invocations(params.parameters, 64);
    plan.dispatch(&kernel, per_parameter, params, &[parameters, &norms, step, &partial])?;
    match second {
        Some(second) => {
            let kernel = plan.gpu().kernel(&SHADER, "update_adamw", &lanes(plan))?;
            let tensors = [chunks, parameters, gradient, value, moment, second, step];
            plan.dispatch(&kernel, each_chunk, params, &tensors)?;
        }
        None => {
            let kernel = plan.gpu().kernel(&SHADER, "update_sgd", &lanes(plan))?;
            let tensors = [chunks, parameters, gradient, value, moment, step, &norms];
            plan.dispatch(&kernel, each_chunk, params, &tensors)?;
        }
    }
    Ok(norms)
}
