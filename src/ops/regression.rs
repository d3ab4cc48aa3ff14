//! BYOL's regression of one network's rows on those of another. Twin of `regression.wgsl`.

use super::{normalize, shader};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("regression.wgsl" + "grid.wgsl" + "targets.wgsl", true);

shader_params! {
    struct Params { crops: u32, batch: u32, quads: u32, assigned: u32 }
}

/// The gradient of the predictions `p` `[V · batch, D]`, and the rows' losses `[V · batch, 4]`: each row's part of
/// the loss, then its part of the mean cosine, so that the sums of the two are the loss and that mean.
///
/// `targets` `[A · batch, D]` are the rows of the crops whose bits are set in `assigned`, in their order; `V` is 2
/// or more. Neither has to be of unit length. A row of zeros has no direction: it is at right angles to every
/// other, and has no gradient ([`normalize`]).
///
/// Equation 2 of arXiv 2006.07733, summed over all pairs of a target and another crop.
pub fn forward_backward(
    plan: &mut Plan,
    p: &Tensor,
    targets: &Tensor,
    batch: u32,
    assigned: u32,
) -> Result<(Tensor, Tensor)> {
    let rows = p.shape.rows();
    let z = normalize::forward(plan, p)?;
    let targets = normalize::forward(plan, targets)?;
    let dz = plan.lease(p.shape);
    let losses = plan.lease(Shape::matrix(rows, 4));
    let kernel = plan.gpu().kernel(&SHADER, "forward_backward", &[])?;
    let params = Params { crops: rows / batch, batch, quads: p.shape.quads(), assigned };
    plan.loops(u64::from(params.quads) * u64::from(assigned.count_ones() + 2));
    plan.dispatch(&kernel, Grid::invocations(rows, 64), params, &[&z, &targets, &dz, &losses])?;
    drop((z, targets));
    let dp = normalize::backward(plan, p, &dz)?;
    Ok((dp, losses))
}
