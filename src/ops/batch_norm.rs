//! Batch normalisation, with ReLU and residual where asked. Twin of `batch_norm.wgsl`.

use super::{LOOP, chunks, forms, input, lanes, of, variant};
use crate::error::Result;
use crate::gpu::{Family, Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const BUFFERS: [Shader; 2] = forms!("batch_norm.wgsl" + "grid.wgsl" + "inputs.buffer.wgsl", true);
pub(crate) const TEXELS: [Shader; 2] = forms!("batch_norm.wgsl" + "grid.wgsl" + "inputs.texels.wgsl", false);

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

/// Ranks that take their statistics together: as many rows each, of which a device sees its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// How many. Where there are others, plans stop with sums for whoever submits them to add ([`Sums`]).
    pub ranks: u32,
    /// Whether this one takes the gradients of weight and bias, which are those of all.
    pub first: bool,
}

/// What a plan stops with: rows 0 and 1 of its tensor `[3, C]` are sums that those of all ranks are to be put in place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// Of x - o and of its square over so many rows, o being row 2: each rank has its own.
    Shifted(u32),
    /// Of what can be added as it is.
    Plain,
}

impl Sums {
    fn note(self) -> u32 {
        match self {
            Self::Shifted(rows) => rows,
            Self::Plain => 0,
        }
    }

    /// What the note of a stop says.
    #[must_use]
    pub fn of_note(note: u32) -> Self {
        if note > 0 { Self::Shifted(note) } else { Self::Plain }
    }
}

/// Where ranks add their sums: the sums of all, and what the passes that follow take them for.
fn added(
    plan: &mut Plan,
    a: &Tensor,
    partial: Tensor,
    (p, sums): (Params, Sums),
    together: Option<Together>,
) -> Result<(Tensor, Params)> {
    let Some(Together { ranks, .. }) = together else { return Ok((partial, p)) };
    let gathered = plan.lease(Shape::matrix(3, partial.shape.channels));
    let shader = of(variant(plan, &BUFFERS, &TEXELS), a.shape.element);
    let shares = shares(plan);
    let kernel = plan.gpu().kernel(shader, "gather_sums", &[("SHARES", f64::from(shares))])?;
    plan.dispatch(&kernel, Grid::invocations(p.quads * shares, 64), p, &[a, &gathered, &partial])?;
    if ranks > 1 {
        plan.stop(&gathered, sums.note());
    }
    Ok((gathered, Params { chunks: 1, rows: p.rows * ranks, ..p }))
}

/// What a pass walks down the rows for.
#[derive(Clone, Copy)]
enum Walk {
    Sums,
    Elements,
}

/// Invocations that keep a large GPU's memory busy: each waits for its loads for most of its time.
const IN_FLIGHT: u32 = 1 << 17;

/// The rows of a chunk of the sums, and how many chunks there are, on a GPU: enough for [`IN_FLIGHT`], but none shorter
/// than what is worth a partial sum, and no more than the one invocation of a CPU driver may add up.
fn chunks_of_sums(rows: u32, quads: u32) -> (u32, u32) {
    chunks(rows, (IN_FLIGHT / quads).clamp(256, LOOP).min(rows.div_ceil(16)))
}

/// Invocations that add up the chunks of one column quad, as many as share a row elsewhere; on a CPU driver one, which
/// needs no barrier.
fn shares(plan: &Plan) -> u32 {
    let [(_, lanes)] = lanes(plan);
    if lanes < 64.0 { 1 } else { 64 }
}

/// Few chunks of the sums, since another pass adds them up, and many of the element-wise passes. A CPU driver is busy
/// with few sums; it runs the invocations of a workgroup one vector after another, and walks through memory in
/// order only where an invocation takes few rows.
fn params(plan: &Plan, x: Shape, relu: bool, of: Walk) -> Params {
    let (rows, quads) = (x.rows(), x.quads());
    let (chunk, chunks) = match (plan.gpu().family(), of) {
        (Family::Subgroup, Walk::Sums) => chunks(rows, (2048 / quads).clamp(16, 256)),
        (Family::Subgroup, Walk::Elements) => (4, rows.div_ceil(4)),
        (_, Walk::Sums) => chunks_of_sums(rows, quads),
        (_, Walk::Elements) => (16, rows.div_ceil(16)),
    };
    Params { rows, quads, chunk, chunks, relu: u32::from(relu), eps: EPS, momentum: MOMENTUM }
}

/// Grid of the passes in which an invocation walks down one column quad of a chunk.
fn walk(p: Params) -> Grid {
    Grid::invocations(p.chunks * p.quads, 64)
}

/// Training mode: statistics of the batch, running estimates updated.
/// Returns y and the coefficients that backward needs.
pub fn forward(
    plan: &mut Plan,
    x: &Tensor,
    channels: &Channels,
    residual: Option<&Tensor>,
    relu: bool,
    together: Option<Together>,
) -> Result<(Tensor, Tensor)> {
    let shader = of(variant(plan, &BUFFERS, &TEXELS), x.shape.element);
    let p = params(plan, x.shape, relu, Walk::Sums);
    let a = input(plan, x);
    let partial = plan.lease(Shape::matrix(p.chunks * 2, x.shape.channels));
    let coefficients = plan.lease(Shape::matrix(4, x.shape.channels));
    let kernel = plan.gpu().kernel(shader, "statistics", &[])?;
    plan.dispatch(&kernel, walk(p), p, &[&a, &partial])?;
    let (partial, p) = added(plan, &a, partial, (p, Sums::Shifted(p.rows)), together)?;
    let shares = shares(plan);
    let kernel = plan.gpu().kernel(shader, "finish_statistics", &[("SHARES", f64::from(shares))])?;
    let Channels { weight, bias, mean, variance } = channels;
    let tensors = [&a, weight, bias, mean, variance, &coefficients, &partial];
    plan.dispatch(&kernel, Grid::invocations(p.quads * shares, 64), p, &tensors)?;
    let y = apply(plan, x.shape, &a, &coefficients, residual, relu)?;
    Ok((y, coefficients))
}

/// What [`forward`] made without a residual, once more from its coefficients; no estimate is updated.
pub fn again(plan: &mut Plan, x: &Tensor, coefficients: &Tensor, relu: bool) -> Result<Tensor> {
    let a = input(plan, x);
    apply(plan, x.shape, &a, coefficients, None, relu)
}

/// Evaluation mode: the running estimates normalise.
pub fn evaluate(
    plan: &mut Plan,
    x: &Tensor,
    channels: &Channels,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    let shader = of(variant(plan, &BUFFERS, &TEXELS), x.shape.element);
    let p = params(plan, x.shape, relu, Walk::Sums);
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
    let p = params(plan, x, relu, Walk::Elements);
    let c = input(plan, coefficients);
    let y = plan.lease(x);
    if let Some(residual) = residual {
        let b = input(plan, residual);
        let kernel = plan.gpu().kernel(shader, "normalize_add", &[])?;
        plan.dispatch(&kernel, walk(p), p, &[a, &b, &y, &c])?;
    } else {
        let kernel = plan.gpu().kernel(shader, "normalize", &[])?;
        plan.dispatch(&kernel, walk(p), p, &[a, &y, &c])?;
    }
    Ok(y)
}

/// The gradient of x; adds the gradients of weight and bias. With `relu`, the mask is recomputed from
/// x (a residual must have been masked before, by `vector::mask`).
pub fn backward(
    plan: &mut Plan,
    x: &Tensor,
    coefficients: &Tensor,
    dy: &Tensor,
    relu: bool,
    [dweight, dbias]: [&Tensor; 2],
    together: Option<Together>,
) -> Result<Tensor> {
    let shader = of(variant(plan, &BUFFERS, &TEXELS), x.shape.element);
    let p = params(plan, x.shape, relu, Walk::Sums);
    let a = input(plan, x);
    let b = input(plan, dy);
    let partial = plan.lease(Shape::matrix(p.chunks * 2, x.shape.channels));
    let c = input(plan, coefficients);
    let terms = plan.lease(Shape::matrix(6, x.shape.channels));
    let kernel = plan.gpu().kernel(shader, "backward_statistics", &[])?;
    plan.dispatch(&kernel, walk(p), p, &[&a, &b, &partial, &c])?;
    let (partial, p) = added(plan, &a, partial, (p, Sums::Plain), together)?;
    // What the first rank takes, the others put where nobody reads it.
    let aside = together.is_some_and(|together| !together.first);
    let aside = aside.then(|| [dweight, dbias].map(|gradient| plan.lease(gradient.shape)));
    let [dweight, dbias] = aside.as_ref().map_or([dweight, dbias], <[Tensor; 2]>::each_ref);
    let shares = shares(plan);
    let kernel = plan.gpu().kernel(shader, "finish_backward", &[("SHARES", f64::from(shares))])?;
    plan.dispatch(
        &kernel,
        Grid::invocations(p.quads * shares, 64),
        p,
        &[dweight, dbias, &terms, &partial, &c],
    )?;
    let p = params(plan, x.shape, relu, Walk::Elements);
    let c = input(plan, &terms);
    let dx = plan.lease(x.shape);
    let kernel = plan.gpu().kernel(shader, "backward_input", &[])?;
    plan.dispatch(&kernel, walk(p), p, &[&a, &b, &dx, &c])?;
    Ok(dx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layers_of_a_resnet_50_keep_a_gpu_busy() {
        // Side and channels after each kind of layer, on 64 pictures with two crops of 224.
        for (side, channels) in
            [(112, 64), (56, 64), (56, 256), (28, 128), (28, 512), (14, 256), (14, 1024), (7, 512), (7, 2048)]
        {
            let (rows, quads) = (128 * side * side, channels / 4);
            let (chunk, chunks) = chunks_of_sums(rows, quads);
            let partial = u64::from(chunks) * 2 * u64::from(channels) * 4;
            assert!(
                chunk * chunks >= rows && chunk * (chunks - 1) < rows,
                "{side} {channels}: every row once"
            );
            // A layer with fewer rows has one invocation for every sixteen.
            let wanted = 100_000.min(rows * quads / 16);
            assert!(chunks * quads >= wanted, "{side} {channels}: {} invocations", chunks * quads);
            assert!(partial <= 8 << 20, "{side} {channels}: {partial} bytes of partial sums");
        }
        assert_eq!(chunks_of_sums(5, 1), (5, 1));
        assert_eq!(chunks_of_sums(1 << 22, 1), (128, LOOP), "of four channels a chunk takes more rows");
    }
}
