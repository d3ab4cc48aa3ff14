//! 3×3 convolution with stride 1 by Winograd's minimal filtering (Lavin & Gray 2015), where the direct
//! sum takes 9 products a pixel: F(2×2, 3×3) takes 4, forward and for both gradients, and F(4×4, 3×3)
//! 2.25, forward and for the gradient of the input.
//!
//! What F(4×4) saves it pays for in rounding: its transforms have larger entries. Relative to the
//! largest value and with weights and pixels of unit scale, it loses 2e-6 with 64 channels and 4e-6
//! with 512, the direct sum 1e-6 and 2e-6, F(2×2) half of that. So it serves sums over no more than
//! [`EXACT`] channels, which stay within the bound that all convolutions are held to.
//!
//! Twin of `winograd.subgroup.wgsl` and `winograd.subgroup_4x4.wgsl`; called by [`conv2d`](super::conv2d)
//! where it pays.

use super::conv2d::{Filter, panel_width};
use super::{input, shader, weights};
use crate::error::Result;
use crate::gpu::{Family, Grid, Kernel, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("winograd.subgroup.wgsl" + "grid.wgsl", false);
pub(crate) const SHADER_4X4: Shader = shader!("winograd.subgroup_4x4.wgsl" + "grid.wgsl", false);

shader_params! {
    struct Params {
        images: u32, height: u32, width: u32, source_quads: u32, out_quads: u32,
        accumulate: u32, panels: u32, slice: u32,
    }
}

/// Tiles that one workgroup makes, and that a turn of `backward_weight` takes.
const TILES: u32 = 8;

/// Most channels that F(4×4) sums over.
const EXACT: u32 = 128;

/// Side of the tiles of pixels that are made at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tile {
    /// F(2×2, 3×3).
    Two = 2,
    /// F(4×4, 3×3).
    Four = 4,
}

impl Tile {
    fn side(self) -> u32 {
        self as u32
    }

    /// Products of a tile for one pair of channels.
    pub(crate) fn positions(self) -> u32 {
        (self.side() + 2).pow(2)
    }

    /// Tiles of pictures of shape `x`.
    fn count(self, x: Shape) -> u32 {
        x.images * x.height.div_ceil(self.side()) * x.width.div_ceil(self.side())
    }

    /// Products of pictures of shape `x` for one pair of channels, in units of the time of the direct
    /// sum's. A product here takes longer: it shares its weights with fewer pixels, and its patch is
    /// transformed. A tile is made whole where the picture ends in the middle of it.
    fn cost(self, x: Shape) -> f64 {
        f64::from(self.count(x) * self.positions()) * 1.4
    }
}

/// Whether there are kernels for this adapter that can do a convolution this way.
fn possible(plan: &Plan, filter: &Filter) -> bool {
    let Filter { kernel, stride, pad, .. } = *filter;
    plan.gpu().family() == Family::Subgroup && (kernel, stride, pad) == (3, 1, 1)
}

/// The tiles with which [`multiply`] is fastest for pictures of shape `x`; `None` where the direct sum is.
/// `channels`: how many it sums over.
pub(super) fn tile(plan: &Plan, filter: &Filter, x: Shape, channels: u32) -> Option<Tile> {
    if !possible(plan, filter) {
        return None;
    }
    let tiles: &[Tile] = if channels <= EXACT { &[Tile::Four, Tile::Two] } else { &[Tile::Two] };
    let best = tiles.iter().copied().min_by(|a, b| a.cost(x).total_cmp(&b.cost(x)))?;
    (best.cost(x) < f64::from(x.rows() * 9)).then_some(best)
}

/// Whether [`backward_weight`] can do it, and gains by it: with more than a quarter of all tiles wasted
/// (sides 1, 3, 5) the direct sum is faster.
pub(super) fn suits_weights(plan: &Plan, filter: &Filter, x: Shape) -> bool {
    let whole = Tile::Two.count(x) * 4;
    possible(plan, filter) && x.rows() >= whole - whole / 4
}

fn kernel(plan: &Plan, shader: &Shader, entry: &str, width: u32) -> Result<Kernel<Params>> {
    plan.gpu().kernel(shader, entry, &[("WIDTH", f64::from(width))])
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
    tile: Tile,
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
    let grid = Grid::folded(tile.count(x.shape).div_ceil(TILES), p.panels);
    let shader = match tile {
        Tile::Two => &SHADER,
        Tile::Four => &SHADER_4X4,
    };
    let kernel = kernel(plan, shader, "multiply", width)?;
    plan.dispatch(&kernel, grid, p, &[x, &u, y])
}

/// `dw += xᵀ ∗ dy`, in slices that are summed in order. `x` and `dy` are staged.
pub(super) fn backward_weight(plan: &mut Plan, x: &Tensor, dy: &Tensor, dw: &Tensor) -> Result<()> {
    let width = panel_width(dy.shape.channels);
    let p = params(x.shape, x.shape.channels, dy.shape.channels);
    // Enough workgroups to fill the device, but slices long enough to be worth their partial sums.
    let tiles = Tile::Two.count(x.shape);
    let slices = 128u32.div_ceil(p.panels * p.source_quads).min(tiles.div_ceil(128)).max(1);
    let slice = tiles.div_ceil(slices).div_ceil(TILES) * TILES;
    let slices = tiles.div_ceil(slice);
    let partial = plan.lease(Shape::matrix(slices * p.panels * p.source_quads * 64, width));
    let kernel = kernel(plan, &SHADER, "backward_weight", width)?;
    let grid = Grid([p.panels, p.source_quads, slices]);
    plan.dispatch(&kernel, grid, Params { slice, ..p }, &[x, &partial, dy])?;
    weights::reduce_windows(plan, &partial, slices, dw, p.source_quads * 4)
}
