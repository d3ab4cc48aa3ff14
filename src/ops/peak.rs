//! What an adapter can do at the most, to measure steps against. Twin of `peak.wgsl` and `peak.matrix.wgsl`.

use super::{matrix_form, shader};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("peak.wgsl" + "grid.wgsl", true);
/// For blocks of 16 and of 8, and for the latter on Metal.
pub(crate) const MATRIX: [Shader; 3] = [
    shader!("peak.matrix.wgsl" + "grid.wgsl" + "matrix.16.wgsl" + "matrix.quads.wgsl", false),
    shader!("peak.matrix.wgsl" + "grid.wgsl" + "matrix.8.wgsl" + "matrix.quads.wgsl", false),
    shader!("peak.matrix.wgsl" + "grid.wgsl" + "matrix.8.wgsl" + "matrix.scalars.wgsl", false),
];

shader_params! {
    struct Params { quads: u32, turns: u32, factor: f32, term: f32 }
}

/// A copy of `x`, which moves twice its bytes.
pub fn copy(plan: &mut Plan, x: &Tensor) -> Result<Tensor> {
    let y = plan.lease(x.shape);
    let kernel = plan.gpu().kernel(&SHADER, "copy", &[])?;
    let quads = x.shape.total_quads();
    let params = Params { quads, ..Params::default() };
    plan.dispatch(&kernel, Grid::invocations(quads.div_ceil(4), 64), params, &[x, &y])?;
    Ok(y)
}

/// Of each value v of `x` the sum of eight: v, v + term, v + 2 term, …, each after `turns` times
/// `c = c · factor + term`. Gives the result, and how many multiplications and additions it took.
pub fn fused(plan: &mut Plan, x: &Tensor, turns: u32, [factor, term]: [f32; 2]) -> Result<(Tensor, u64)> {
    let y = plan.lease(x.shape);
    let kernel = plan.gpu().kernel(&SHADER, "fused", &[])?;
    let quads = x.shape.total_quads();
    let flop = u64::from(quads) * u64::from(turns) * 8 * 4 * 2;
    plan.computes(flop);
    plan.dispatch(&kernel, Grid::invocations(quads, 64), Params { quads, turns, factor, term }, &[x, &y])?;
    Ok((y, flop))
}

/// Side of the blocks that [`multiply`] takes and gives.
///
/// # Panics
/// On an adapter without matrix units.
#[must_use]
pub fn side(plan: &Plan) -> u32 {
    matrix_form(plan.gpu(), &MATRIX).side
}

/// `turns` times the product of the two blocks of `x` (`[2 · side, side]`, rounded to half precision), `blocks` times
/// over. Gives the result, and how many multiplications and additions it took.
pub fn multiply(plan: &mut Plan, x: &Tensor, turns: u32, blocks: u32) -> Result<(Tensor, u64)> {
    let form = matrix_form(plan.gpu(), &MATRIX);
    let y = plan.lease(Shape::matrix(blocks * form.side, form.side));
    let kernel = plan.gpu().kernel(form.shader, "multiply", &[form.invocations])?;
    let flop = u64::from(blocks) * u64::from(turns) * 16 * 2 * u64::from(form.side).pow(3);
    plan.computes(flop);
    let params = Params { quads: y.shape.total_quads(), turns, factor: 0.0, term: 1.0 };
    plan.dispatch(&kernel, Grid::folded(blocks, 1), params, &[x, &y])?;
    Ok((y, flop))
}
