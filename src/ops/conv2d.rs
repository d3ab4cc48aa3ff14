//! Convolution forward and backward; a linear layer is a convolution of 1×1 pictures.
//!
//! Twin of `conv2d.subgroup.wgsl` and `conv2d.tile.wgsl`: one Rust side, two kernel families.
//! Weights live on the device as panels `[N / width][kernel² · C][width]` ([`Filter`]).

use super::{input, shader, weights, winograd};
use crate::error::Result;
use crate::gpu::{Family, Grid, Kernel, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SUBGROUP: Shader = shader!("conv2d.subgroup.wgsl" + "grid.wgsl" + "window.wgsl", false);
pub(crate) const TILE: Shader = shader!("conv2d.tile.wgsl" + "grid.wgsl" + "window.wgsl", true);

shader_params! {
    struct Params {
        images: u32, out_height: u32, out_width: u32, source_height: u32, source_width: u32,
        source_quads: u32, out_quads: u32, kernel: u32, stride: u32, pad: u32,
        backward: u32, accumulate: u32, slice: u32,
    }
}

/// Geometry of a convolution: square window, zero padding, no bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Input channels.
    pub channels: u32,
    /// Output channels.
    pub filters: u32,
    /// Window side: 1, 3 or 7.
    pub kernel: u32,
    /// Distance of neighbouring windows.
    pub stride: u32,
    /// Zeros around the picture.
    pub pad: u32,
}

/// Columns of a panel of weights with `columns` columns in all.
#[must_use]
pub fn panel_width(columns: u32) -> u32 {
    if columns > 16 { 32 } else { 16 }
}

impl Filter {
    /// A linear layer from `channels` to `filters`.
    #[must_use]
    pub fn linear(channels: u32, filters: u32) -> Self {
        Self { channels, filters, kernel: 1, stride: 1, pad: 0 }
    }

    /// Taps of the window.
    #[must_use]
    pub fn taps(&self) -> u32 {
        self.kernel * self.kernel
    }

    /// Columns of a panel of these weights.
    #[must_use]
    pub fn width(&self) -> u32 {
        panel_width(self.filters)
    }

    /// Input channels, padded to quads.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.channels.div_ceil(4) * 4
    }

    /// Shape of the panels as a matrix of rows of `width` columns.
    #[must_use]
    pub fn panels(&self) -> Shape {
        Shape::matrix(self.filters.div_ceil(self.width()) * self.taps() * self.rows(), self.width())
    }

    /// Result shape for pictures of shape `x`.
    #[must_use]
    pub fn output(&self, x: Shape) -> Shape {
        let side = |size: u32| (size + 2 * self.pad - self.kernel) / self.stride + 1;
        Shape::pictures(x.images, side(x.height), side(x.width), self.filters)
    }
}

fn kernel(plan: &Plan, entry: &str, width: u32) -> Result<Kernel<Params>> {
    let shader = match plan.gpu().family() {
        Family::Subgroup => &SUBGROUP,
        Family::Tile => &TILE,
    };
    plan.gpu().kernel(shader, entry, &[("WIDTH", f64::from(width))])
}

/// Rows of the result that one workgroup makes.
fn tile_rows(plan: &Plan, width: u32) -> u32 {
    match plan.gpu().family() {
        Family::Subgroup => 32,
        Family::Tile => 4 * 128 * 4 / width,
    }
}

fn params(filter: &Filter, source: Shape, out: Shape) -> Params {
    Params {
        images: out.images,
        out_height: out.height,
        out_width: out.width,
        source_height: source.height,
        source_width: source.width,
        source_quads: source.quads(),
        out_quads: out.quads(),
        kernel: filter.kernel,
        stride: filter.stride,
        pad: filter.pad,
        ..Params::default()
    }
}

/// `y = x ∗ w`. `x` is [`stage`]d.
///
/// # Errors
/// A shader or limit error.
pub fn forward(plan: &mut Plan, filter: &Filter, x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let y = plan.lease(filter.output(x.shape));
    if let Some(tile) = winograd::tile(plan, filter, x.shape, filter.channels) {
        winograd::multiply(plan, tile, x, w, &y, false, false)?;
        return Ok(y);
    }
    let w = input(plan, w);
    let kernel = kernel(plan, "gather_multiply", filter.width())?;
    let tiles = y.shape.rows().div_ceil(tile_rows(plan, filter.width()));
    let grid = Grid::folded(tiles, filter.filters.div_ceil(filter.width()));
    plan.dispatch(&kernel, grid, params(filter, x.shape, y.shape), &[x, &w, &y])?;
    Ok(y)
}

/// An operand in the form that the kernels of this family read; keep it for both uses in backward.
#[must_use]
pub fn stage(plan: &mut Plan, tensor: &Tensor) -> Tensor {
    input(plan, tensor)
}

/// `dx = dy ∗ wᵀ`, added to `sum` where there is one. `dy` is [`stage`]d.
///
/// # Errors
/// A shader or limit error.
pub fn backward_input(
    plan: &mut Plan,
    filter: &Filter,
    dy: &Tensor,
    w: &Tensor,
    x: Shape,
    sum: Option<Tensor>,
) -> Result<Tensor> {
    let transposed = weights::transpose(plan, filter, w)?;
    let accumulate = sum.is_some();
    let dx = sum.unwrap_or_else(|| plan.lease(x));
    if let Some(tile) = winograd::tile(plan, filter, x, filter.filters) {
        winograd::multiply(plan, tile, dy, &transposed, &dx, true, accumulate)?;
        return Ok(dx);
    }
    let transposed = input(plan, &transposed);
    let width = panel_width(filter.channels);
    let kernel = kernel(plan, "gather_multiply", width)?;
    let s = filter.stride;
    let class_rows = x.images * x.height.div_ceil(s) * x.width.div_ceil(s);
    let tiles = class_rows.div_ceil(tile_rows(plan, width));
    let grid = Grid::folded(tiles, filter.channels.div_ceil(width) * s * s);
    let params = Params { backward: 1, accumulate: u32::from(accumulate), ..params(filter, dy.shape, x) };
    plan.dispatch(&kernel, grid, params, &[dy, &transposed, &dx])?;
    Ok(dx)
}

/// `dw += xᵀ ∗ dy`, in slices that are summed in order. `x` and `dy` are [`stage`]d.
///
/// # Errors
/// A shader or limit error.
pub fn backward_weight(plan: &mut Plan, filter: &Filter, x: &Tensor, dy: &Tensor, dw: &Tensor) -> Result<()> {
    if winograd::suits_weights(plan, filter, x.shape) {
        return winograd::backward_weight(plan, x, dy, dw);
    }
    let width = filter.width();
    let panels = filter.filters.div_ceil(width);
    let channel_tile = match plan.gpu().family() {
        Family::Subgroup => 4,
        Family::Tile => 128 * 4 / width,
    };
    let tiles = panels * filter.rows().div_ceil(4).div_ceil(channel_tile) * filter.taps();
    // Enough workgroups to fill the device, but slices long enough to be worth their partial sums.
    let pixels = dy.shape.rows();
    let slices = 256u32.div_ceil(tiles).min(pixels.div_ceil(256)).max(1);
    let slice = pixels.div_ceil(slices).div_ceil(16) * 16;
    let slices = pixels.div_ceil(slice);
    let panel_rows = filter.panels();
    let partial = plan.lease(Shape::matrix(slices * panel_rows.images, panel_rows.channels));
    let kernel = kernel(plan, "backward_weight", width)?;
    let grid = Grid([panels, filter.rows().div_ceil(4).div_ceil(channel_tile), filter.taps() * slices]);
    let params = Params { slice, ..params(filter, x.shape, dy.shape) };
    plan.dispatch(&kernel, grid, params, &[x, dy, &partial])?;
    weights::reduce_slices(plan, &partial, slices, dw)
}
