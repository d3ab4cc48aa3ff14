//! Small passes: ReLU and its gradient, biases. Twin of `vector.wgsl`.

use super::{chunks, forms, input, of, variant, weights};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const BUFFERS: [Shader; 2] = forms!("vector.wgsl" + "grid.wgsl" + "inputs.buffer.wgsl", true);
pub(crate) const TEXELS: [Shader; 2] = forms!("vector.wgsl" + "grid.wgsl" + "inputs.texels.wgsl", false);

shader_params! {
    struct Params { rows: u32, quads: u32, chunk: u32, chunks: u32, slices: u32, accumulate: u32 }
}

/// `max(x, 0)`, where no batch norm does it on its way.
pub fn relu(plan: &mut Plan, x: &Tensor) -> Result<Tensor> {
    let out = plan.lease(x.shape);
    let a = input(plan, x);
    let kernel = plan.gpu().kernel(of(variant(plan, &BUFFERS, &TEXELS), x.shape.element), "relu", &[])?;
    let params = Params { rows: x.shape.rows(), quads: x.shape.quads(), ..Params::default() };
    let grid = Grid::invocations(x.shape.total_quads().div_ceil(4), 64);
    plan.dispatch(&kernel, grid, params, &[&a, &out])?;
    Ok(out)
}

/// `dy` where `y > 0`, else 0: the gradient of ReLU.
pub fn mask(plan: &mut Plan, y: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let out = plan.lease(y.shape);
    let a = input(plan, y);
    let b = input(plan, dy);
    let kernel = plan.gpu().kernel(of(variant(plan, &BUFFERS, &TEXELS), y.shape.element), "mask", &[])?;
    let params = Params { rows: y.shape.rows(), quads: y.shape.quads(), ..Params::default() };
    plan.dispatch(
        &kernel,
        Grid::invocations(y.shape.total_quads().div_ceil(4), 64),
        params,
        &[&a, &b, &out],
    )?;
    Ok(out)
}

/// `x[r, :] += bias`, in place.
pub fn add_bias(plan: &mut Plan, x: &Tensor, bias: &Tensor) -> Result<()> {
    let kernel = plan.gpu().kernel(of(&BUFFERS, x.shape.element), "add_bias", &[])?;
    let params = Params { rows: x.shape.rows(), quads: x.shape.quads(), ..Params::default() };
    plan.dispatch(&kernel, Grid::invocations(x.shape.total_quads(), 64), params, &[bias, x])
}

/// `dbias += Σ_r dy[r, :]`.
pub fn bias_gradient(plan: &mut Plan, dy: &Tensor, dbias: &Tensor) -> Result<()> {
    let (chunk, chunks) = chunks(dy.shape.rows(), 64);
    let partial = plan.lease(Shape::matrix(chunks, dy.shape.channels));
    let a = input(plan, dy);
    let kernel =
        plan.gpu().kernel(of(variant(plan, &BUFFERS, &TEXELS), dy.shape.element), "column_sums", &[])?;
    let (rows, quads) = (dy.shape.rows(), dy.shape.quads());
    let params = Params { rows, quads, chunk, chunks, ..Params::default() };
    plan.dispatch(&kernel, Grid::invocations(chunks * params.quads, 64), params, &[&a, &partial])?;
    weights::reduce_slices(plan, &partial, chunks, dbias)
}

/// `y = Σ partial[slice]`, in the order of the slices; added to `y` with `accumulate`.
pub fn join(plan: &mut Plan, partial: &Tensor, slices: u32, y: &Tensor, accumulate: bool) -> Result<()> {
    let c = input(plan, partial);
    let kernel = plan.gpu().kernel(of(variant(plan, &BUFFERS, &TEXELS), y.shape.element), "join", &[])?;
    let (rows, quads) = (y.shape.rows(), y.shape.quads());
    let params = Params { rows, quads, slices, accumulate: u32::from(accumulate), ..Params::default() };
    plan.dispatch(&kernel, Grid::invocations(rows * quads, 64), params, &[y, &c])
}
