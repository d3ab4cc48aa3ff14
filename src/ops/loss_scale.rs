//! Dynamic loss scaling for activations of half precision (Micikevicius et al. 2018). Twin of
//! `loss_scale.wgsl`.
//!
//! Half precision ends at 6·10⁻⁸, and gradients of activations are a batch's loss spread over all
//! pixels: most of them lie below. Multiplied by a large scale they fit, and the gradients of the weights
//! are divided by it again. A fixed scale would have to be found for every network, and gradients grow
//! when training goes badly; so it is halved where a step overflows, and doubled after many that did not.
//! The numbers are those of apex, with which the official code trains.

use super::optimizer::{Rule, Shard};
use super::{lanes, shader};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Tensor, shader_params};

pub(crate) const SHADER: Shader =
    shader!("loss_scale.wgsl" + "grid.wgsl" + "step.wgsl" + "scale.state.wgsl", true);

shader_params! {
    struct Params {
        chunks: u32, parameters: u32, patience: u32, floor: f32, ceiling: f32, beta1: f32, beta2: f32,
    }
}

/// The scale of the first step.
pub const FIRST: f32 = 65_536.0;
/// The least scale: a gradient that overflows here does so by itself.
pub const FLOOR: f32 = 1.0;
/// The largest scale.
pub const CEILING: f32 = 16_777_216.0;
/// Good steps in a row before the scale is doubled.
pub const PATIENCE: u32 = 2000;

shader_params! {
    /// The scale, and what a step needs to know of those before it (`shaders/shared/scale.state.wgsl`).
    pub struct ScaleState {
        /// Of the next step.
        scale: f32,
        /// Good steps since it changed.
        good_steps: f32,
        /// Skipped steps in all.
        skipped_steps: f32,
        /// 1: the step moved nothing.
        skipped: f32,
        /// Of the step.
        current: f32,
        /// Not used.
        unused0: f32,
        /// Not used.
        unused1: f32,
        /// Not used.
        unused2: f32,
        /// β1 to the power of the steps taken (AdamW).
        power1: f32,
        /// The same of β2.
        power2: f32,
        /// [`ScaleState::power1`] over the steps in which prototypes moved.
        late_power1: f32,
        /// [`ScaleState::power2`] over them.
        late_power2: f32,
    }
}

impl ScaleState {
    /// Before the first step.
    #[must_use]
    pub fn initial() -> Self {
        Self { scale: FIRST, power1: 1.0, power2: 1.0, late_power1: 1.0, late_power2: 1.0, ..Self::default() }
    }
}

/// Divides the gradients of a shard's parameters with the flag `SCALED` by this step's scale.
pub fn unscale(plan: &mut Plan, shard: &Shard, state: &Tensor) -> Result<()> {
    let Shard { chunks, parameters, gradient, .. } = shard;
    let kernel = plan.gpu().kernel(&SHADER, "unscale", &lanes(plan))?;
    let params = Params { chunks: chunks.shape.rows(), ..Params::default() };
    plan.dispatch(&kernel, Grid::folded(params.chunks, 1), params, &[chunks, parameters, gradient, state])
}

/// Decides from the norms of all parameters whether this step is skipped, and what the next scale is.
/// The scale is doubled after `patience` good steps.
pub fn adjust(
    plan: &mut Plan,
    norms: &Tensor,
    state: &Tensor,
    step: &Tensor,
    rule: Rule,
    patience: u32,
) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "adjust", &[])?;
    let (beta1, beta2) = match rule {
        Rule::AdamW { beta1, beta2 } => (beta1, beta2),
        Rule::Sgd { .. } => (1.0, 1.0),
    };
    let parameters = norms.shape.rows();
    let params = Params { chunks: 0, parameters, patience, floor: FLOOR, ceiling: CEILING, beta1, beta2 };
    plan.dispatch(&kernel, Grid([1, 1, 1]), params, &[norms, state, step])
}
