//! Max-pool (3×3, stride 2, padding 1) and average pool, global or over a grid. Twin of `pool.wgsl`.

use super::{input, of, shader, variant};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const BUFFERS: [Shader; 2] = [
    shader!("pool.wgsl" + "grid.wgsl" + "inputs.buffer.wgsl" + "scale.none.wgsl" + "quads.f32.wgsl", true),
    shader!(
        "pool.wgsl"
            + "grid.wgsl"
            + "inputs.buffer.wgsl"
            + "scale.state.wgsl"
            + "scale.dynamic.wgsl"
            + "quads.f16.wgsl"
            + "half.wgsl",
        true
    ),
];
pub(crate) const TEXELS: [Shader; 2] = [
    shader!(
        "pool.wgsl"
            + "grid.wgsl"
            + "inputs.texels.wgsl"
            + "scale.none.wgsl"
            + "quads.f32.pairs.wgsl"
            + "pairs.wgsl",
        false
    ),
    shader!(
        "pool.wgsl"
            + "grid.wgsl"
            + "inputs.texels.wgsl"
            + "scale.state.wgsl"
            + "scale.dynamic.wgsl"
            + "quads.f16.pairs.wgsl"
            + "pairs.wgsl"
            + "half.wgsl",
        false
    ),
];

shader_params! {
    struct Params {
        images: u32, height: u32, width: u32, out_height: u32, out_width: u32, quads: u32, first_row: u32,
    }
}

fn params(x: Shape, out: Shape, first_row: u32) -> Params {
    Params {
        images: x.images,
        height: x.height,
        width: x.width,
        out_height: out.height,
        out_width: out.width,
        quads: x.quads(),
        first_row,
    }
}

/// Result shape of the max-pool.
#[must_use]
pub fn max_output(x: Shape) -> Shape {
    Shape { height: x.height.div_ceil(2), width: x.width.div_ceil(2), ..x }
}

/// Max-pool. Returns y, and which pixel of each window won, as backward wants it.
pub fn max_forward(plan: &mut Plan, x: &Tensor) -> Result<(Tensor, Tensor)> {
    let y = plan.lease(max_output(x.shape));
    let winners = plan.lease(Shape::matrix(1, y.shape.total_quads()));
    let a = input(plan, x);
    let kernel =
        plan.gpu().kernel(of(variant(plan, &BUFFERS, &TEXELS), x.shape.element), "max_forward", &[])?;
    plan.dispatch(&kernel, lines(y.shape), params(x.shape, y.shape, 0), &[&a, &y, &winners])?;
    Ok((y, winners))
}

/// Gradient of the max-pool for pictures of shape `x`; the first maximum of a window gets it.
pub fn max_backward(plan: &mut Plan, winners: &Tensor, dy: &Tensor, x: Shape) -> Result<Tensor> {
    let dx = plan.lease(x);
    let b = input(plan, dy);
    let kernel = plan.gpu().kernel(of(variant(plan, &BUFFERS, &TEXELS), x.element), "max_backward", &[])?;
    plan.dispatch(&kernel, lines(x), params(x, dy.shape, 0), &[&b, &dx, winners])?;
    Ok(dx)
}

/// Grid of the passes in which an invocation walks along one column quad of a line.
fn lines(shape: Shape) -> Grid {
    Grid::invocations(shape.images * shape.height * shape.quads(), 64)
}

/// Average pool into rows `first_row ..` of `out`, single precision: `[rows, C]` is the global one, `[n, g, h, C]` one over the
/// cells of a grid of g×h.
pub fn average_forward(plan: &mut Plan, x: &Tensor, out: &Tensor, first_row: u32) -> Result<()> {
    let a = input(plan, x);
    let kernel =
        plan.gpu().kernel(of(variant(plan, &BUFFERS, &TEXELS), x.shape.element), "average_forward", &[])?;
    let grid = Grid::invocations(x.shape.images * out.shape.height * out.shape.width * x.shape.quads(), 64);
    let [rows, columns] =
        [x.shape.height.div_ceil(out.shape.height), x.shape.width.div_ceil(out.shape.width)];
    plan.loops(u64::from(rows + 1) * u64::from(columns + 2));
    plan.dispatch(&kernel, grid, params(x.shape, out.shape, first_row), &[&a, out])
}

/// Gradient of the global average pool for pictures of shape `x`. Where they are half precision, it is
/// multiplied by the scale in `scale` ([`loss_scale`](super::loss_scale)); single precision has none.
pub fn average_backward(
    plan: &mut Plan,
    dy: &Tensor,
    first_row: u32,
    x: Shape,
    scale: Option<&Tensor>,
) -> Result<Tensor> {
    let dx = plan.lease(x);
    let c = input(plan, dy);
    let kernel =
        plan.gpu().kernel(of(variant(plan, &BUFFERS, &TEXELS), x.element), "average_backward", &[])?;
    let grid = Grid::invocations(x.total_quads(), 64);
    let tensors = [&dx, &c].into_iter().chain(scale).collect::<Vec<_>>();
    plan.dispatch(&kernel, grid, params(x, dy.shape, first_row), &tensors)?;
    Ok(dx)
}
