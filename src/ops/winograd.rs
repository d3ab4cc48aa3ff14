//! 3×3 convolution with stride 1 by Winograd's minimal filtering (Lavin & Gray 2015), where the direct
//! sum takes 9 products a pixel: F(2×2, 3×3) takes 4, forward and for both gradients, and F(4×4, 3×3)
//! 2.25, forward and for the gradient of the input.
//!
//! What F(4×4) saves it pays for in rounding: its transforms have larger entries. Relative to the
//! largest value and with weights and pixels of unit scale, it loses 2e-6 with 64 channels, 2 to 4e-6
//! with 128 and up to 7e-6 with 512, the direct sum 1e-6 to 2e-6, F(2×2) half of that. So it serves sums
//! over no more than [`EXACT`] channels: about the 3e-6 that the self-test holds convolutions to
//! (`tests/it/winograd_error.rs`). And only where a tuning has chosen it: a step gains 2 to 8 % by it, but a
//! CPU driver compiles it for half a minute.
//!
//! Twin of `winograd.{subgroup,subgroup_4x4,tile}.wgsl`; called by [`conv2d`](super::conv2d) where it
//! pays.

use super::conv2d::{Filter, panel_width};
use super::{forms, input, of, weights};
use crate::error::Result;
use crate::gpu::{
    Element, Family, Gpu, Grid, Kernel, Operation, Plan, Shader, Shape, Tensor, WinogradTile, shader_params,
};

pub(crate) const SUBGROUP: [Shader; 2] =
    forms!("winograd.subgroup.wgsl" + "grid.wgsl" + "tiles.wgsl" + "patch.wgsl" + "broadcast.wgsl", false);
pub(crate) const SUBGROUP_4X4: [Shader; 2] =
    forms!("winograd.subgroup_4x4.wgsl" + "grid.wgsl" + "tiles.wgsl" + "broadcast.wgsl", false);
pub(crate) const TILE: [Shader; 2] =
    forms!("winograd.tile.wgsl" + "grid.wgsl" + "tiles.wgsl" + "patch.wgsl", true);

shader_params! {
    struct Params {
        images: u32, height: u32, width: u32, source_quads: u32, out_quads: u32,
        accumulate: u32, panels: u32, slice: u32,
    }
}

/// Tiles that a turn of `backward_weight` takes.
const TILES: u32 = 8;

/// Most channels that F(4×4) sums over.
const EXACT: u32 = 128;

/// Tiles of pictures of shape `x`: one is made whole where the picture ends in the middle of it.
fn count(tile: WinogradTile, x: Shape) -> u32 {
    x.images * x.height.div_ceil(tile.side()) * x.width.div_ceil(tile.side())
}

/// Time for pictures of shape `x`, in units of a product of the direct sum. A product here takes longer:
/// it shares its weights with fewer pixels, and its patch is transformed.
fn cost(tile: WinogradTile, operation: Operation, x: Shape) -> f64 {
    let product = if operation == Operation::BackwardWeight { 1.7 } else { 1.4 };
    f64::from(count(tile, x) * tile.positions()) * product
}

/// Whether there is a kernel for this, exact enough, that saves work with pictures of shape `x`.
pub(super) fn suits(gpu: &Gpu, operation: Operation, filter: &Filter, x: Shape, tile: WinogradTile) -> bool {
    let Filter { channels, filters, kernel, stride, pad } = *filter;
    let subgroup = gpu.family() == Family::Subgroup;
    let exists = match (operation, tile) {
        (Operation::BackwardWeight, WinogradTile::Two) => subgroup,
        (Operation::BackwardWeight, WinogradTile::Four) => false,
        (_, WinogradTile::Two) => true,
        (Operation::Forward, WinogradTile::Four) => subgroup && channels <= EXACT,
        (Operation::BackwardInput, WinogradTile::Four) => subgroup && filters <= EXACT,
    };
    exists && (kernel, stride, pad) == (3, 1, 1) && cost(tile, operation, x) < f64::from(x.rows() * 9)
}

/// The tiles to take where nobody has chosen, with pictures of shape `x`; `None` where the direct sum is as
/// fast.
pub(super) fn usual(gpu: &Gpu, operation: Operation, filter: &Filter, x: Shape) -> Option<WinogradTile> {
    suits(gpu, operation, filter, x, WinogradTile::Two).then_some(WinogradTile::Two)
}

/// A kernel and how many tiles a workgroup of it makes.
fn kernel(
    plan: &Plan,
    tile: WinogradTile,
    entry: &str,
    width: u32,
    element: Element,
) -> Result<(Kernel<Params>, u32)> {
    let (forms, tiles) = match (plan.gpu().family(), tile) {
        (Family::Subgroup, WinogradTile::Two) => (&SUBGROUP, TILES),
        (Family::Subgroup, WinogradTile::Four) => (&SUBGROUP_4X4, 8),
        (Family::Tile | Family::Direct, _) => (&TILE, 32),
    };
    Ok((plan.gpu().kernel(of(forms, element), entry, &[("WIDTH", f64::from(width))])?, tiles))
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
    tile: WinogradTile,
    x: &Tensor,
    w: &Tensor,
    y: &Tensor,
    turn: bool,
    accumulate: bool,
) -> Result<()> {
    let columns = y.shape.channels;
    let width = panel_width(columns);
    let p = Params { accumulate: u32::from(accumulate), ..params(x.shape, x.shape.channels, columns) };
    let u = weights::transform_windows(plan, tile, w, p.source_quads * 4, turn)?;
    let u = input(plan, &u);
    let (kernel, made) = kernel(plan, tile, "multiply", width, x.shape.element)?;
    let grid = Grid::folded(count(tile, x.shape).div_ceil(made), p.panels);
    plan.dispatch(&kernel, grid, p, &[x, &u, y])
}

/// `dw += xᵀ ∗ dy`, in slices that are summed in order. `x` and `dy` are staged.
pub(super) fn backward_weight(plan: &mut Plan, x: &Tensor, dy: &Tensor, dw: &Tensor) -> Result<()> {
    let width = panel_width(dy.shape.channels);
    let p = params(x.shape, x.shape.channels, dy.shape.channels);
    // Enough workgroups to fill the device, but slices long enough to be worth their partial sums.
    let tiles = count(WinogradTile::Two, x.shape);
    let slices = 128u32.div_ceil(p.panels * p.source_quads).min(tiles.div_ceil(128)).max(1);
    let slice = tiles.div_ceil(slices).div_ceil(TILES) * TILES;
    let slices = tiles.div_ceil(slice);
    let partial = plan.lease(Shape::matrix(slices * p.panels * p.source_quads * 64, width));
    let (kernel, _) = kernel(plan, WinogradTile::Two, "backward_weight", width, x.shape.element)?;
    let grid = Grid([p.panels, p.source_quads, slices]);
    plan.dispatch(&kernel, grid, Params { slice, ..p }, &[x, dy, &partial])?;
    weights::reduce_windows(plan, &partial, slices, dw, p.source_quads * 4)
}
