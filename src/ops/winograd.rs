//! 3×3 convolution with stride 1 by Winograd's minimal filtering (Lavin & Gray 2015): F(2×2, 3×3) takes 4
//! products a pixel where the direct sum takes 9, forward and for both gradients, and loses less to rounding
//! than the direct sum does (`tests/it/winograd_error.rs`).
//!
//! F(4×4) takes 2.25 and was here: a step gained 2 to 8 % on a CPU driver, at ten times the error, and the
//! driver took half a minute to compile it (`benches/README.md`).
//!
//! Twin of `winograd.{subgroup,tile}.wgsl`; called by [`conv2d`](super::conv2d) where it pays.

use super::conv2d::{Filter, panel_width};
use super::{forms, input, of, weights};
use crate::error::Result;
use crate::gpu::{Family, Gpu, Grid, Operation, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SUBGROUP: [Shader; 2] =
    forms!("winograd.subgroup.wgsl" + "grid.wgsl" + "tiles.wgsl" + "store.wgsl", false);
pub(crate) const TILE: [Shader; 2] =
    forms!("winograd.tile.wgsl" + "grid.wgsl" + "tiles.wgsl" + "store.wgsl", true);

shader_params! {
    struct Params {
        images: u32, height: u32, width: u32, source_quads: u32, out_quads: u32,
        accumulate: u32, panels: u32, slice: u32,
    }
}

/// Tiles that a workgroup of `multiply` makes, or a turn of `backward_weight` takes.
const TILES: u32 = 8;

/// Tiles of pictures of shape `x`: one is made whole where the picture ends in the middle of it.
fn count(x: Shape) -> u32 {
    x.images * x.height.div_ceil(2) * x.width.div_ceil(2)
}

/// Whether there is a kernel for this that saves work with pictures of shape `x`. A product here takes longer
/// than one of the direct sum: it shares its weights with fewer pixels, and its patch is transformed.
pub(super) fn suits(gpu: &Gpu, operation: Operation, filter: &Filter, x: Shape) -> bool {
    let Filter { kernel, stride, pad, .. } = *filter;
    let backward_weight = operation == Operation::BackwardWeight;
    let exists = !backward_weight || gpu.family() == Family::Subgroup;
    let product = if backward_weight { 1.3 } else { 1.4 };
    let saves = f64::from(count(x) * 16) * product < f64::from(x.rows() * 9);
    exists && (kernel, stride, pad) == (3, 1, 1) && saves
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
    let (forms, made) = match plan.gpu().family() {
        Family::Subgroup => (&SUBGROUP, TILES),
        Family::Tile | Family::Direct => (&TILE, 32),
    };
    let shader = of(forms, x.shape.element);
    let kernel = plan.gpu().kernel(shader, "multiply", &[("WIDTH", f64::from(width))])?;
    let grid = Grid::folded(count(x.shape).div_ceil(made), p.panels);
    plan.dispatch(&kernel, grid, p, &[x, &u, y])
}

/// `dw += xᵀ ∗ dy`, in slices that are summed in order. `x` and `dy` are staged.
pub(super) fn backward_weight(plan: &mut Plan, x: &Tensor, dy: &Tensor, dw: &Tensor) -> Result<()> {
    let width = panel_width(dy.shape.channels);
    let p = params(x.shape, x.shape.channels, dy.shape.channels);
    // Enough workgroups to fill the device, but slices long enough to be worth their partial sums.
    let tiles = count(x.shape);
    // A wide panel's gradients are expanded for two quads of channels at once; a narrow one gains nothing.
    let quads = if width == 32 && p.source_quads > 1 { 2 } else { 1 };
    let shares = p.source_quads.div_ceil(quads);
    let slices = 64u32.div_ceil(p.panels * shares).min(tiles.div_ceil(128)).max(1);
    let slice = tiles.div_ceil(slices).div_ceil(TILES) * TILES;
    let slices = tiles.div_ceil(slice);
    let partial = plan.lease(Shape::matrix(slices * p.panels * p.source_quads * 64, width));
    let shader = of(&SUBGROUP, x.shape.element);
    let constants = [("WIDTH", f64::from(width)), ("QUADS", f64::from(quads))];
    let kernel = plan.gpu().kernel(shader, "backward_weight", &constants)?;
    let grid = Grid([p.panels, shares, slices]);
    plan.dispatch(&kernel, grid, Params { slice, ..p }, &[x, dy, &partial])?;
    weights::reduce_windows(plan, &partial, slices, dw, p.source_quads * 4)
}
