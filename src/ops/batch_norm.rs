//! Batch normalisation, with ReLU and residual where asked. Twin of `batch_norm.wgsl`.

use super::{chunks, forms, input, of, variant};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const BUFFERS: [Shader; 2] = forms!("batch_norm.wgsl" + "grid.wgsl" + "inputs.buffer.wgsl", true);
pub(crate) const TEXELS: [Shader; 2] = forms!("batch_norm.wgsl" + "grid.wgsl" + "inputs.texels.wgsl", true);

shader_params! {
    struct Params {
        rows: u32, quads: u32, chunk: u32, chunks: u32, relu: u32, eps: f32, momentum: f32,
    }
}

const EPS: f32 = 1e-5;
const MOMENTUM: f32 = 0.1;

/// Scale, shift and running estimates of the channels, each of shape `[1, C]`.
#[derive(Clone, Debug)]
pub struct Channels {
    /// γ.
    pub weight: Tensor,
    /// β.
    pub bias: Tensor,
    /// Running mean.
    pub mean: Tensor,
    /// Running variance (unbiased).
    pub variance: Tensor,
}

fn params(x: Shape, relu: bool, most: u32) -> Params {
    let (chunk, chunks) = chunks(x.rows(), most);
    let quads = x.quads();
    Params { rows: x.rows(), quads, chunk, chunks, relu: u32::from(relu), eps: EPS, momentum: MOMENTUM }
}

/// Grid of the passes in which an invocation walks down one column quad of a chunk.
fn walk(p: Params) -> Grid {
    Grid::invocations(p.chunks * p.quads, 64)
}

/// Chunks of the sums (few, since one pass adds them up) and of the element-wise passes (many).
const SUMS: u32 = 256;
const ELEMENTS: u32 = 1 << 20;

/// Training mode: statistics of the batch, running estimates updated.
/// Returns y and the coefficients that backward needs.
///
/// # Errors
/// A shader or limit error.
pub fn forward(
    plan: &mut Plan,
    x: &Tensor,
    channels: &Channels,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<(Tensor, Tensor)> {
    let shader = of(variant(plan, &BUFFERS, &TEXELS), x.shape.element);
    let p = params(x.shape, relu, SUMS);
    let a = input(plan, x);
    let partial = plan.lease(Shape::matrix(p.chunks * 2, x.shape.channels));
    let coefficients = plan.lease(Shape::matrix(4, x.shape.channels));
    let kernel = plan.gpu().kernel(shader, "statistics", &[])?;
    plan.dispatch(&kernel, walk(p), p, &[&a, &partial])?;
    let kernel = plan.gpu().kernel(shader, "finish_statistics", &[])?;
    let Channels { weight, bias, mean, variance } = channels;
    let tensors = [&a, weight, bias, mean, variance, &coefficients, &partial];
    plan.dispatch(&kernel, Grid::invocations(p.quads, 64), p, &tensors)?;
    let y = apply(plan, x.shape, &a, &coefficients, residual, relu)?;
    Ok((y, coefficients))
}

/// What [`forward`] made without a residual, once more from its coefficients; no estimate is updated.
///
/// # Errors
/// A shader or limit error.
pub fn again(plan: &mut Plan, x: &Tensor, coefficients: &Tensor, relu: bool) -> Result<Tensor> {
    let a = input(plan, x);
    apply(plan, x.shape, &a, coefficients, None, relu)
}

/// Evaluation mode: the running estimates normalise.
///
/// # Errors
/// A shader or limit error.
pub fn evaluate(
    plan: &mut Plan,
    x: &Tensor,
    channels: &Channels,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    let shader = of(variant(plan, &BUFFERS, &TEXELS), x.shape.element);
    let p = params(x.shape, relu, SUMS);
    let coefficients = plan.lease(Shape::matrix(4, x.shape.channels));
    let kernel = plan.gpu().kernel(shader, "evaluation_coefficients", &[])?;
    let Channels { weight, bias, mean, variance } = channels;
    plan.dispatch(
        &kernel,
        Grid::invocations(p.quads, 64),
        p,
        &[weight, bias, &coefficients, mean, variance],
    )?;
    let a = input(plan, x);
    apply(plan, x.shape, &a, &coefficients, residual, relu)
}

fn apply(
    plan: &mut Plan,
    x: Shape,
    a: &Tensor,
    coefficients: &Tensor,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    let shader = of(variant(plan, &BUFFERS, &TEXELS), x.element);
    let p = params(x, relu, ELEMENTS);
    let y = plan.lease(x);
    if let Some(residual) = residual {
        let b = input(plan, residual);
        let kernel = plan.gpu().kernel(shader, "normalize_add", &[])?;
        plan.dispatch(&kernel, walk(p), p, &[a, &b, &y, coefficients])?;
    } else {
        let kernel = plan.gpu().kernel(shader, "normalize", &[])?;
        plan.dispatch(&kernel, walk(p), p, &[a, &y, coefficients])?;
    }
    Ok(y)
}

/// The gradient of x; adds the gradients of weight and bias. With `relu`, the mask is recomputed from
/// x (a residual must have been masked before, by `vector::mask`).
///
/// # Errors
/// A shader or limit error.
pub fn backward(
    plan: &mut Plan,
    x: &Tensor,
    coefficients: &Tensor,
    dy: &Tensor,
    relu: bool,
    dweight: &Tensor,
    dbias: &Tensor,
) -> Result<Tensor> {
    let shader = of(variant(plan, &BUFFERS, &TEXELS), x.shape.element);
    let p = params(x.shape, relu, SUMS);
    let a = input(plan, x);
    let b = input(plan, dy);
    let partial = plan.lease(Shape::matrix(p.chunks * 2, x.shape.channels));
    let terms = plan.lease(Shape::matrix(2, x.shape.channels));
    let kernel = plan.gpu().kernel(shader, "backward_statistics", &[])?;
    plan.dispatch(&kernel, walk(p), p, &[&a, &b, &partial, coefficients])?;
    let kernel = plan.gpu().kernel(shader, "finish_backward", &[])?;
    plan.dispatch(&kernel, Grid::invocations(p.quads, 64), p, &[dweight, dbias, &terms, &partial])?;
    let p = params(x.shape, relu, ELEMENTS);
    let dx = plan.lease(x.shape);
    let kernel = plan.gpu().kernel(shader, "backward_input", &[])?;
    plan.dispatch(&kernel, walk(p), p, &[&a, &b, &dx, coefficients, &terms])?;
    Ok(dx)
}
