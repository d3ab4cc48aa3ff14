//! The weights of convolutions: their geometry, and layout work on them, on the device and on the CPU. Twin of
//! `weights.wgsl`.

use super::{input, shader, variant};
use crate::config::ConvUnit;
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const BUFFERS: Shader =
    shader!("weights.wgsl" + "grid.wgsl" + "inputs.buffer.wgsl" + "quads.f32.wgsl", true);
pub(crate) const TEXELS: Shader = shader!(
    "weights.wgsl" + "grid.wgsl" + "inputs.texels.wgsl" + "quads.f32.pairs.wgsl" + "pairs.wgsl",
    false
);

shader_params! {
    struct Params {
        taps: u32, rows: u32, columns: u32, width: u32, out_width: u32, quads: u32, slices: u32, turn: u32,
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
    /// The convolution of a unit of a network.
    #[must_use]
    pub fn of(unit: &ConvUnit) -> Self {
        let [channels, filters, kernel, stride, pad] =
            [unit.channels, unit.filters, unit.kernel, unit.stride, unit.pad()].map(|n| n as u32);
        Self { channels, filters, kernel, stride, pad }
    }

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

    /// Whether each pixel of a result is made of one of the picture, at the same place.
    #[must_use]
    pub fn is_one_pixel(&self) -> bool {
        (self.kernel, self.stride, self.pad) == (1, 1, 0)
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

    /// Result shape for pictures of shape `x`, stored as they are.
    #[must_use]
    pub fn output(&self, x: Shape) -> Shape {
        let side = |size: u32| (size + 2 * self.pad - self.kernel) / self.stride + 1;
        Shape { height: side(x.height), width: side(x.width), channels: self.filters, ..x }
    }

    /// Multiplications and additions of the product with pictures of shape `x`, the same for both gradients.
    pub(super) fn flop(&self, x: Shape) -> u64 {
        let sums = u64::from(self.output(x).rows()) * u64::from(self.filters);
        2 * sums * u64::from(self.channels) * u64::from(self.taps())
    }
}

/// Weights with input and output channels exchanged: what the gradient of the input multiplies by.
pub fn transpose(plan: &mut Plan, filter: &Filter, w: &Tensor) -> Result<Tensor> {
    let turned = Filter { channels: filter.filters, filters: filter.channels, ..*filter };
    let params = Params { rows: filter.rows(), width: filter.width(), ..Params::default() };
    turn_panels(plan, w, &turned, params)
}

/// Rows `[N, D]` as the weights of a linear layer with N outputs, so that a product compares other rows with each of
/// them. Such rows are one panel of weights for D outputs, as wide as they are long, of which this is the transpose.
pub fn pack_rows(plan: &mut Plan, rows: &Tensor) -> Result<Tensor> {
    let shape = rows.shape;
    let params = Params { rows: shape.rows(), width: shape.quads() * 4, ..Params::default() };
    turn_panels(plan, rows, &Filter::linear(shape.channels, shape.rows()), params)
}

/// The panels of `turned`, from those of `from`'s rows and width.
fn turn_panels(plan: &mut Plan, w: &Tensor, turned: &Filter, from: Params) -> Result<Tensor> {
    let out = plan.lease(turned.panels());
    let w = input(plan, w);
    let kernel = plan.gpu().kernel(variant(plan, &BUFFERS, &TEXELS), "transpose_panels", &[])?;
    let params = Params { taps: turned.taps(), columns: turned.rows(), out_width: turned.width(), ..from };
    plan.dispatch(&kernel, Grid::invocations(out.shape.total_quads() / 4, 64), params, &[&w, &out])?;
    Ok(out)
}

/// `dw += Σ partial[slice]`, in the order of the slices.
pub fn reduce_slices(plan: &mut Plan, partial: &Tensor, slices: u32, dw: &Tensor) -> Result<()> {
    let a = input(plan, partial);
    let kernel = plan.gpu().kernel(variant(plan, &BUFFERS, &TEXELS), "reduce_slices", &[])?;
    let quads = partial.shape.total_quads() / slices;
    let params = Params { quads, slices, ..Params::default() };
    plan.dispatch(&kernel, Grid::invocations(quads, 64), params, &[&a, dw])
}

/// OIHW weights (PyTorch) as panels; rows and columns of padding are zero.
#[must_use]
pub fn pack(filter: &Filter, oihw: &[f32]) -> Vec<f32> {
    let mut panels = vec![0.0; (filter.panels().bytes() / 4) as usize];
    for_each(filter, |at, source| panels[at] = oihw[source]);
    panels
}

/// The inverse of [`pack`].
#[must_use]
pub fn unpack(filter: &Filter, panels: &[f32]) -> Vec<f32> {
    let mut oihw = vec![0.0; (filter.filters * filter.channels * filter.taps()) as usize];
    for_each(filter, |at, source| oihw[source] = panels[at]);
    oihw
}

/// Calls `visit` with each weight's place in the panels and in OIHW order.
fn for_each(filter: &Filter, mut visit: impl FnMut(usize, usize)) {
    let (taps, rows, width) = (filter.taps(), filter.rows(), filter.width());
    for n in 0..filter.filters {
        for c in 0..filter.channels {
            for tap in 0..taps {
                let row = (n / width * taps + tap) * rows + c;
                visit((row * width + n % width) as usize, ((n * filter.channels + c) * taps + tap) as usize);
            }
        }
    }
}

/// Geometry of 3×3 windows in panels of shape `w`, with `rows` rows a tap.
fn windows(w: Shape, rows: u32) -> Params {
    Params { rows, width: w.channels, quads: w.total_quads() / 9, ..Params::default() }
}

/// What Winograd's convolution multiplies with: panels `[N / width][16][rows][width]` of the
/// panels `w` of 3×3 windows, which are turned by 180° with `turn`.
pub(crate) fn transform_windows(plan: &mut Plan, w: &Tensor, rows: u32, turn: bool) -> Result<Tensor> {
    let p = Params { turn: u32::from(turn), ..windows(w.shape, rows) };
    let a = input(plan, w);
    let wt = plan.lease(Shape::matrix(w.shape.images / 9 * 16, w.shape.channels));
    let kernel = plan.gpu().kernel(variant(plan, &BUFFERS, &TEXELS), "transform_windows", &[])?;
    plan.dispatch(&kernel, Grid::invocations(p.quads, 64), p, &[&a, &wt])?;
    Ok(wt)
}

/// Adds the gradient of 3×3 windows to `dw`, from slices of partial sums over transformed windows.
pub(crate) fn reduce_windows(
    plan: &mut Plan,
    partial: &Tensor,
    slices: u32,
    dw: &Tensor,
    rows: u32,
) -> Result<()> {
    let p = Params { slices, ..windows(dw.shape, rows) };
    let a = input(plan, partial);
    let kernel = plan.gpu().kernel(variant(plan, &BUFFERS, &TEXELS), "reduce_windows", &[])?;
    plan.dispatch(&kernel, Grid::invocations(p.quads, 64), p, &[&a, dw])
}
