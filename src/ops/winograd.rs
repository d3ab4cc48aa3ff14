//! 3×3 convolution with stride 1 by Winograd's F(2×2, 3×3) (Lavin & Gray 2015): 16 products for 4
//! pixels where the direct sum takes 36, forward and for both gradients.
//!
//! Twin of `winograd.subgroup.wgsl`; called by [`conv2d`](super::conv2d) where it pays.

use super::conv2d::{Filter, panel_width};
use super::{input, of, shader, weights};
use crate::error::Result;
use crate::gpu::{Element, Family, Grid, Kernel, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: [Shader; 2] = [
    shader!("winograd.subgroup.wgsl" + "grid.wgsl" + "quads.f32.wgsl", false),
    shader!("winograd.subgroup.wgsl" + "grid.wgsl" + "quads.f16.wgsl", false),
];

shader_params! {
    struct Params {
        images: u32, height: u32, width: u32, source_quads: u32, out_quads: u32,
        accumulate: u32, panels: u32, slice: u32,
    }
}

/// Tiles of two by two pixels that one workgroup makes, and that a turn of `backward_weight` takes.
const TILES: u32 = 8;

/// Whether these kernels can do a convolution of pictures of shape `x` on this adapter, and gain by it.
/// A tile is made whole where the picture ends in the middle of it: with more than a quarter of all
/// tiles wasted (sides 1, 3, 5) the direct sum is faster.
pub(super) fn suits(plan: &Plan, filter: &Filter, x: Shape) -> bool {
    let Filter { kernel, stride, pad, .. } = *filter;
    let whole = tiles(x) * 4;
    plan.gpu().family() == Family::Subgroup
        && (kernel, stride, pad) == (3, 1, 1)
        && x.rows() >= whole - whole / 4
}

fn kernel(plan: &Plan, entry: &str, width: u32, element: Element) -> Result<Kernel<Params>> {
    plan.gpu().kernel(of(&SHADER, element), entry, &[("WIDTH", f64::from(width))])
}

fn tiles(x: Shape) -> u32 {
    x.images * x.height.div_ceil(2) * x.width.div_ceil(2)
}

/// Geometry of a product from `channels` channels of pictures of shape `x` to `columns` channels.
fn params(x: Shape, channels: u32, columns: u32) -> Params {
    Params {
        images: x.images,
        height: x.height,
        width: x.width,
        source_quads: channels.div_ceil(4),
        out_quads: columns.div_ceil(4),
        panels: columns.div_ceil(panel_width(columns)),
        ..Params::default()
    }
}

/// `y = x ∗ w`, or with `turn` the same with the window turned; added to `y` with `accumulate`.
/// `x` is staged, `w` panels of `columns` columns.
pub(super) fn multiply(
    plan: &mut Plan,
    x: &Tensor,
    w: &Tensor,
    y: &Tensor,
    turn: bool,
    accumulate: bool,
) -> Result<()> {
    let columns = y.shape.channels;
    let width = panel_width(columns);
    let p = Params { accumulate: u32::from(accumulate), ..params(x.shape, x.shape.channels, columns) };
    let u = weights::transform_windows(plan, w, p.source_quads * 4, turn)?;
    let u = input(plan, &u);
    let grid = Grid::folded(tiles(x.shape).div_ceil(TILES), p.panels);
    let kernel = kernel(plan, "multiply", width, x.shape.element)?;
    plan.dispatch(&kernel, grid, p, &[x, &u, y])
}

/// `dw += xᵀ ∗ dy`, in slices that are summed in order. `x` and `dy` are staged.
pub(super) fn backward_weight(plan: &mut Plan, x: &Tensor, dy: &Tensor, dw: &Tensor) -> Result<()> {
    let width = panel_width(dy.shape.channels);
    let p = params(x.shape, x.shape.channels, dy.shape.channels);
    // Enough workgroups to fill the device, but slices long enough to be worth their partial sums.
    let tiles = tiles(x.shape);
    let slices = 128u32.div_ceil(p.panels * p.source_quads).min(tiles.div_ceil(128)).max(1);
    let slice = tiles.div_ceil(slices).div_ceil(TILES) * TILES;
    let slices = tiles.div_ceil(slice);
    let partial = plan.lease(Shape::matrix(slices * p.panels * p.source_quads * 64, width));
    let kernel = kernel(plan, "backward_weight", width, x.shape.element)?;
    let grid = Grid([p.panels, p.source_quads, slices]);
    plan.dispatch(&kernel, grid, Params { slice, ..p }, &[x, dy, &partial])?;
    weights::reduce_windows(plan, &partial, slices, dw, p.source_quads * 4)
}
