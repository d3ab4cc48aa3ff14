//! The swapped prediction loss and its gradient. Twin of `loss.wgsl`.

use super::{lanes, shader};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: Shader =
    shader!("loss.wgsl" + "grid.wgsl" + "log_sum_exp.wgsl" + "targets.wgsl", true);

shader_params! {
    struct Params {
        crops: u32, batch: u32, prototypes: u32, quads: u32, assigned: u32, temperature: f32,
    }
}

/// The gradient of the scores `[V · batch, K]` and each row's share of the loss (`[V · batch, 4]`,
/// first channel; the loss is their sum).
pub fn forward_backward(
    plan: &mut Plan,
    scores: &Tensor,
    codes: &Tensor,
    batch: u32,
    assigned: u32,
    temperature: f32,
) -> Result<(Tensor, Tensor)> {
    let rows = scores.shape.rows();
    let dscores = plan.lease(scores.shape);
    let loss = plan.lease(Shape::matrix(rows, 4));
    let kernel = plan.gpu().kernel(&SHADER, "forward_backward", &lanes(plan))?;
    let prototypes = scores.shape.channels;
    let params =
        Params { crops: rows / batch, batch, prototypes, quads: scores.shape.quads(), assigned, temperature };
    // At least eight invocations share a row.
    plan.loops(u64::from(params.quads).div_ceil(8) * u64::from(assigned.count_ones() + 3));
    plan.dispatch(&kernel, Grid::folded(rows, 1), params, &[scores, codes, &dscores, &loss])?;
    Ok((dscores, loss))
}
