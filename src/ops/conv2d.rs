//! Convolution forward and backward; a linear layer is a convolution of 1×1 pictures.
//!
//! Twin of `conv2d.{subgroup,tile,direct,matrix}.wgsl`: one Rust side, four kernel families, of which two come
//! in several geometries. Which of them makes a product is chosen by operation and class of shapes
//! ([`Choices`](crate::gpu::Choices)), or else what is usual for the family. The matrix family leaves to the others
//! what is single precision in memory, which is the projection head and the prototypes: they are less than a
//! hundredth of a step's work, and gradients reach them before they are scaled for half precision. Weights live as
//! panels `[N / width][kernel² · C][width]` ([`Filter`]), they and their gradients in single precision.

pub use super::weights::{Filter, panel_width};
use super::{MatrixForm, forms, input, matrix_form, of, shader, slices, vector, weights, winograd};
use crate::error::Result;
use crate::gpu::{
    Class, Element, Family, Geometry, Gpu, Grid, Kernel, Method, Operation, Plan, Shader, Shape, Tensor,
    shader_params,
};

pub(crate) const SUBGROUP: [Shader; 2] =
    forms!("conv2d.subgroup.wgsl" + "grid.wgsl" + "window.wgsl" + "store.wgsl" + "lanes.wgsl", false);
pub(crate) const TILE: [Shader; 2] = forms!(
    "conv2d.tile.wgsl" + "grid.wgsl" + "window.wgsl" + "store.wgsl" + "products.wgsl" + "sums.wgsl",
    true
);
pub(crate) const DIRECT: [Shader; 2] = forms!(
    "conv2d.direct.wgsl" + "grid.wgsl" + "window.wgsl" + "store.wgsl" + "products.wgsl" + "sums.wgsl",
    true
);

/// For blocks of 16 and of 8, and for the latter on Metal.
pub(crate) const MATRIX: [Shader; 3] = [
    shader!(
        "conv2d.matrix.wgsl"
            + "grid.wgsl"
            + "window.wgsl"
            + "store.wgsl"
            + "matrix.16.wgsl"
            + "matrix.quads.wgsl"
            + "quads.f16.wgsl"
            + "half.wgsl",
        false
    ),
    shader!(
        "conv2d.matrix.wgsl"
            + "grid.wgsl"
            + "window.wgsl"
            + "store.wgsl"
            + "matrix.8.wgsl"
            + "matrix.quads.wgsl"
            + "quads.f16.wgsl"
            + "half.wgsl",
        false
    ),
    shader!(
        "conv2d.matrix.wgsl"
            + "grid.wgsl"
            + "window.wgsl"
            + "store.wgsl"
            + "matrix.8.wgsl"
            + "matrix.scalars.wgsl"
            + "quads.f16.wgsl"
            + "half.wgsl",
        false
    ),
];

shader_params! {
    struct Params {
        images: u32, out_height: u32, out_width: u32, source_height: u32, source_width: u32,
        source_quads: u32, out_quads: u32, kernel: u32, stride: u32, pad: u32,
        backward: u32, accumulate: u32, slice: u32, slices: u32,
    }
}

/// Direct sums as the workgroups of one kernel make them.
struct Launch {
    shader: &'static Shader,
    constants: Vec<(&'static str, f64)>,
    /// Rows of the result that a workgroup makes.
    rows: u32,
    /// Of the gradient of the weights, quads of rows.
    quads: u32,
    /// Panels that it makes of them.
    panels: u32,
    /// Terms of a step of a sum; 0 where sums are not cut into slices.
    depth: u32,
}

impl Launch {
    /// The launch for `columns` outputs. Panels of 16 columns have 4×4 tiles only.
    fn new(gpu: &Gpu, method: Method, element: Element, filter: &Filter, columns: u32) -> Self {
        let width = panel_width(columns);
        let most = columns.div_ceil(width);
        let constant = |name, value: u32| (name, f64::from(value));
        let mut constants = vec![constant("WIDTH", width)];
        // Another kernel costs a GPU's driver little to compile; that of a processor takes seconds.
        if filter.is_one_pixel() && method != Method::Subgroup {
            constants.push(constant("LINE", 1));
        }
        let (forms, invocations, geometry) = match method {
            Method::Matrix => {
                let MatrixForm { shader, side, invocations } = matrix_form(gpu, &MATRIX);
                constants.push(invocations);
                return Self {
                    shader,
                    constants,
                    rows: 8 * side,
                    quads: 2 * side,
                    panels: 4 * side / width,
                    depth: 32,
                };
            }
            Method::Tile(geometry) if width == 16 => {
                (&TILE, 128, Geometry { rows: 4, columns: 4, depth: geometry.depth.min(16) })
            }
            Method::Tile(geometry) => (&TILE, 128, geometry),
            Method::Direct(geometry) => (&DIRECT, 64, geometry),
            Method::Subgroup | Method::Winograd => {
                return Self {
                    shader: of(&SUBGROUP, element),
                    constants,
                    rows: 32,
                    quads: 4,
                    panels: 1,
                    depth: 0,
                };
            }
        };
        let Geometry { rows, columns, depth } = geometry;
        let panels = (columns / 4).min(most);
        constants.extend([constant("ROWS", rows), constant("PANELS", panels)]);
        if depth > 0 {
            constants.push(constant("DEPTH", depth));
        }
        let rows = rows * invocations * 4 / width;
        Self { shader: of(forms, element), constants, rows, quads: rows / 4, panels, depth }
    }

    fn kernel(&self, plan: &Plan, entry: &str) -> Result<Kernel<Params>> {
        plan.gpu().kernel(self.shader, entry, &self.constants)
    }
}

/// How a device makes a product for pictures of shape `x`: as chosen, where that is possible and saves
/// work, or as its family usually does.
#[must_use]
pub fn method(gpu: &Gpu, operation: Operation, filter: &Filter, x: Shape) -> Method {
    if gpu.family() == Family::Matrix && x.element == Element::F16 {
        return Method::Matrix;
    }
    let Filter { channels, filters, kernel, stride, .. } = *filter;
    let class = Class::of(channels, filters, kernel, stride);
    match gpu.choices().method(operation, class) {
        Some(Method::Winograd) if !winograd::suits(gpu, operation, filter, x) => {}
        Some(method) => return method,
        None => {}
    }
    // Direct sums are faster than Winograd's kernel for workgroup memory, which drivers of that family emulate.
    if gpu.family() != Family::Direct && winograd::suits(gpu, operation, filter, x) {
        return Method::Winograd;
    }
    usual_sums(gpu, operation, filter, x)
}

/// The usual direct sums of a family: the largest register tile, which saves the most loads, unless a
/// GPU would have too few workgroups to be busy. Slices fill it up in the gradient of the weights.
fn usual_sums(gpu: &Gpu, operation: Operation, filter: &Filter, x: Shape) -> Method {
    let large = Geometry { rows: 8, columns: 8, depth: 16 };
    let (rows, columns) = match operation {
        Operation::Forward => (filter.output(x).rows(), filter.filters),
        Operation::BackwardInput => (x.rows(), filter.channels),
        Operation::BackwardWeight => (u32::MAX, filter.filters),
    };
    let busy = rows.div_ceil(128).saturating_mul(columns.div_ceil(64)) >= gpu.width();
    match gpu.family() {
        Family::Subgroup => Method::Subgroup,
        Family::Tile | Family::Matrix if busy => Method::Tile(large),
        Family::Tile | Family::Matrix => Method::Tile(Geometry { rows: 4, columns: 4, depth: 16 }),
        Family::Direct if busy => Method::Direct(Geometry { depth: 0, ..large }),
        Family::Direct => Method::Direct(Geometry { rows: 4, columns: 4, depth: 0 }),
    }
}

fn params(filter: &Filter, source: Shape, out: Shape) -> Params {
    // To a window of one pixel all pixels are one line, and kernels need not find out which picture one is of.
    let line = |shape: Shape| Shape { images: 1, height: 1, width: shape.rows(), ..shape };
    let [source, out] = [source, out].map(|shape| if filter.is_one_pixel() { line(shape) } else { shape });
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
pub fn forward(plan: &mut Plan, filter: &Filter, x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let y = plan.lease(filter.output(x.shape));
    let method = method(plan.gpu(), Operation::Forward, filter, x.shape);
    if method == Method::Winograd {
        winograd::multiply(plan, x, w, &y, false, false)?;
        return Ok(y);
    }
    let w = input(plan, w);
    let launch = Launch::new(plan.gpu(), method, x.shape.element, filter, filter.filters);
    plan.computes(filter.flop(x.shape));
    let panels = filter.filters.div_ceil(filter.width()).div_ceil(launch.panels);
    let grid = [y.shape.rows().div_ceil(launch.rows), panels];
    gather(plan, &launch, [x, &w, &y], grid, params(filter, x.shape, y.shape))?;
    Ok(y)
}

/// The product of a picture and panels, by a grid of tiles and (panels and classes): in one go, or where that gives a
/// device less than half of what keeps it busy, in slices of its sums that are joined.
fn gather(
    plan: &mut Plan,
    launch: &Launch,
    operands: [&Tensor; 3],
    [tiles, panels]: [u32; 2],
    params: Params,
) -> Result<()> {
    /// Steps of a slice at least: fewer are not worth the way of their sums through memory.
    const LEAST: u32 = 8;
    let [x, w, y] = operands;
    // A class of pixels with a stride has the taps that meet it.
    let side = if params.backward == 1 { params.kernel.div_ceil(params.stride) } else { params.kernel };
    let steps =
        if launch.depth > 0 { (side * side * params.source_quads * 4).div_ceil(launch.depth) } else { 0 };
    let most = plan.gpu().width() / tiles.saturating_mul(panels).max(1);
    let slices = most.min(steps / LEAST);
    // A round for each quad of terms and each tap. Where workgroups share what they load, a step of four quads takes ten
    // rounds, of loads and products too.
    let taps = u64::from(side * side);
    let quads = taps * u64::from(params.source_quads);
    plan.loops(if launch.depth > 0 { 3 * quads } else { quads + taps });
    if slices < 2 {
        let kernel = launch.kernel(plan, "gather_multiply")?;
        return plan.dispatch(&kernel, Grid::folded(tiles, panels), params, &[x, w, y]);
    }
    let slice = steps.div_ceil(slices);
    let slices = steps.div_ceil(slice);
    let partial = plan.lease(Shape::matrix(slices * y.shape.rows(), y.shape.channels));
    let kernel = launch.kernel(plan, "gather_slices")?;
    let sliced = Params { slice, slices, ..params };
    plan.dispatch(&kernel, Grid::folded(tiles, panels * slices), sliced, &[x, w, &partial])?;
    vector::join(plan, &partial, slices, y, params.accumulate == 1)
}

/// An operand in the form that the kernels of this family read; keep it for both uses in backward.
#[must_use]
pub fn stage(plan: &mut Plan, tensor: &Tensor) -> Tensor {
    input(plan, tensor)
}

/// `dx = dy ∗ wᵀ`, added to `sum` where there is one. `dy` is [`stage`]d.
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
    let method = method(plan.gpu(), Operation::BackwardInput, filter, x);
    if method == Method::Winograd {
        winograd::multiply(plan, dy, &transposed, &dx, true, accumulate)?;
        return Ok(dx);
    }
    let transposed = input(plan, &transposed);
    let launch = Launch::new(plan.gpu(), method, x.element, filter, filter.channels);
    let s = filter.stride;
    let class_rows = x.images * x.height.div_ceil(s) * x.width.div_ceil(s);
    let panels = filter.channels.div_ceil(panel_width(filter.channels)).div_ceil(launch.panels);
    let params = Params { backward: 1, accumulate: u32::from(accumulate), ..params(filter, dy.shape, x) };
    plan.computes(filter.flop(x));
    gather(
        plan,
        &launch,
        [dy, &transposed, &dx],
        [class_rows.div_ceil(launch.rows), panels * s * s],
        params,
    )?;
    Ok(dx)
}

/// `dw += xᵀ ∗ dy`, in slices that are summed in order. `x` and `dy` are [`stage`]d.
pub fn backward_weight(plan: &mut Plan, filter: &Filter, x: &Tensor, dy: &Tensor, dw: &Tensor) -> Result<()> {
    let method = method(plan.gpu(), Operation::BackwardWeight, filter, x.shape);
    if method == Method::Winograd {
        return winograd::backward_weight(plan, x, dy, dw);
    }
    let mut launch = Launch::new(plan.gpu(), method, x.shape.element, filter, filter.filters);
    if method == Method::Subgroup && filter.rows().is_multiple_of(4 * launch.quads) {
        launch.constants.push(("ONE_TAP", 1.0));
    }
    let panels = filter.filters.div_ceil(filter.width()).div_ceil(launch.panels);
    // Rows are quads of channels, of every tap: the few of a stem fill a tile with several taps.
    let quads = (filter.taps() * filter.rows() / 4).div_ceil(launch.quads);
    let pixels = dy.shape.rows();
    let groups = if plan.gpu().facts().software { 256 } else { 4 * plan.gpu().width() };
    let (slice, slices) = slices(plan, pixels, [groups.div_ceil(panels * quads), 256, 32]);
    let panel_rows = filter.panels();
    let partial = plan.lease(Shape::matrix(slices * panel_rows.images, panel_rows.channels));
    let kernel = launch.kernel(plan, "backward_weight")?;
    let params = Params { slice, ..params(filter, x.shape, dy.shape) };
    plan.computes(filter.flop(x.shape));
    plan.dispatch(&kernel, Grid([panels, quads, slices]), params, &[x, dy, &partial])?;
    weights::reduce_slices(plan, &partial, slices, dw)
}
