//! 3×3 convolution with stride 1 by Winograd's minimal filtering (Lavin & Gray 2015): F(2×2, 3×3) takes 4
//! products a pixel where the direct sum takes 9, forward and for both gradients, and loses less to rounding
//! than the direct sum does (`tests/it/winograd_error.rs`).
//!
//! F(4×4) takes 2.25 and was here: a step gained 2 to 8 % on a CPU driver, at ten times the error, and the
//! driver took half a minute to compile it (`benches/README.md`).
//!
//! Twin of `winograd.{subgroup,passes.subgroup,tile}.wgsl`; called by [`conv2d`](super::conv2d) where it pays. The subgroup
//! family transforms what narrow layers multiply as it goes, and what wide ones multiply in passes of their own.

use super::weights::{Filter, panel_width};
use super::{forms, input, of, slices, weights};
use crate::error::Result;
use crate::gpu::{Family, Gpu, Grid, Operation, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SUBGROUP: [Shader; 2] = forms!(
    "winograd.subgroup.wgsl" + "grid.wgsl" + "tiles.wgsl" + "tiles.texels.wgsl" + "store.wgsl" + "lanes.wgsl",
    false
);
pub(crate) const PASSES: [Shader; 2] = forms!(
    "winograd.passes.subgroup.wgsl"
        + "grid.wgsl"
        + "tiles.wgsl"
        + "tiles.texels.wgsl"
        + "store.wgsl"
        + "lanes.wgsl",
    false
);
pub(crate) const TILE: [Shader; 2] =
    forms!("winograd.tile.wgsl" + "grid.wgsl" + "tiles.wgsl" + "store.wgsl" + "products.wgsl", true);

shader_params! {
    struct Params {
        first: u32, images: u32, height: u32, width: u32, source_quads: u32, out_quads: u32,
        accumulate: u32, panels: u32, slice: u32, blocks: u32, stride: u32,
    }
}

/// Tiles that a workgroup of the subgroup family's `multiply` makes, or a turn of `backward_weight` takes.
const TILES: u32 = 8;

/// Tiles that a workgroup of `multiply` makes in passes, and of the tile family's `multiply`.
const MANY_TILES: u32 = 32;

/// Bytes of patches, or of gradients, that a pass transforms: so few that the product finds them in a cache, and so many
/// that dispatches cost nothing beside it.
const PASS: u64 = 2 << 20;

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

/// Quads of channels on both sides from which on the subgroup family transforms in passes of their own: with so many, a
/// transformed value has products enough to pay for its way through memory. Partial sums of the gradient of the weights
/// go that way too, so it takes more of them. Newer drivers (Mesa 26) run a loop that transforms as it multiplies at half
/// the speed of older ones, and passes at the same.
const MULTIPLY_IN_PASSES: u32 = 16;
const SUM_IN_PASSES: u32 = 32;

fn in_passes(gpu: &Gpu, p: &Params, least: u32) -> bool {
    gpu.family() == Family::Subgroup
        && p.source_quads.min(p.out_quads) >= least
        && p.source_quads.is_multiple_of(4)
}

/// The passes of a product, each over some images: [`PASS`], or where weights or their partial sums are much larger,
/// twice as much as those, which each pass reads or writes as a whole.
fn passes(p: Params) -> impl Iterator<Item = Params> {
    let tiles = p.height.div_ceil(2) * p.width.div_ceil(2);
    let quads = [p.source_quads, p.out_quads].map(u64::from);
    let image = u64::from(tiles) * quads[0].max(quads[1]) * 256;
    let bytes = PASS.max(2 * quads[0] * quads[1] * 1024);
    let images = u32::try_from(bytes / image).unwrap_or(u32::MAX).clamp(1, p.images);
    (0..p.images.div_ceil(images)).map(move |slice| {
        let first = slice * images;
        let end = p.images.min(first + images);
        // Whole workgroups of `multiply`, so that it asks for no tile that was not made.
        let blocks = ((end - first) * tiles).div_ceil(MANY_TILES) * MANY_TILES / 8;
        Params { first, images: end, slice, blocks, stride: blocks + 1, ..p }
    })
}

/// `y = x ∗ w`, or with `turn` the same with the window turned; added to `y` with `accumulate`.
/// `x` is staged, `w` panels of as many columns as `y` has channels.
pub(super) fn multiply(
    plan: &mut Plan,
    x: &Tensor,
    w: &Tensor,
    y: &Tensor,
    turn: bool,
    accumulate: bool,
) -> Result<()> {
    let columns = y.shape.channels;
    let p = Params { accumulate: u32::from(accumulate), ..params(x.shape, x.shape.channels, columns) };
    let u = weights::transform_windows(plan, w, p.source_quads * 4, turn)?;
    let u = input(plan, &u);
    if in_passes(plan.gpu(), &p, MULTIPLY_IN_PASSES) {
        let kernel = plan.gpu().kernel(of(&PASSES, y.shape.element), "multiply", &[])?;
        return passes(p).try_for_each(|p| {
            let patches = transform_patches(plan, x, p)?;
            plan.computes(flop(p.blocks * 8, &p));
            plan.dispatch(&kernel, Grid::folded(p.blocks * 8 / MANY_TILES, p.panels), p, &[&patches, &u, y])
        });
    }
    let (forms, made) = match plan.gpu().family() {
        Family::Subgroup => (&SUBGROUP, TILES),
        Family::Tile | Family::Direct | Family::Matrix => (&TILE, MANY_TILES),
    };
    let width = [("WIDTH", f64::from(panel_width(columns)))];
    let kernel = plan.gpu().kernel(of(forms, x.shape.element), "multiply", &width)?;
    plan.computes(flop(count(x.shape), &p));
    plan.dispatch(&kernel, Grid::folded(count(x.shape).div_ceil(made), p.panels), p, &[x, &u, y])
}

/// Multiplications and additions of a product over so many tiles: sixteen products of channels each.
fn flop(tiles: u32, p: &Params) -> u64 {
    2 * 16 * u64::from(tiles) * u64::from(4 * p.source_quads) * u64::from(32 * p.panels)
}

/// `dw += xᵀ ∗ dy`, in slices that are summed in order. `x` and `dy` are staged.
pub(super) fn backward_weight(plan: &mut Plan, x: &Tensor, dy: &Tensor, dw: &Tensor) -> Result<()> {
    let p = params(x.shape, x.shape.channels, dy.shape.channels);
    let (partial, slices) = if in_passes(plan.gpu(), &p, SUM_IN_PASSES) {
        sums_of_passes(plan, x, dy, p)?
    } else {
        sums(plan, x, dy, p)?
    };
    weights::reduce_windows(plan, &partial, slices, dw, p.source_quads * 4)
}

/// Partial sums over transformed windows, and how many slices of them.
fn sums(plan: &mut Plan, x: &Tensor, dy: &Tensor, p: Params) -> Result<(Tensor, u32)> {
    let width = panel_width(dy.shape.channels);
    // A wide panel's gradients are expanded for two quads of channels at once; a narrow one gains nothing.
    let quads = if width == 32 && p.source_quads > 1 { 2 } else { 1 };
    let shares = p.source_quads.div_ceil(quads);
    let tiles = count(x.shape);
    let (slice, slices) = slices(plan, tiles, [64u32.div_ceil(p.panels * shares), 128, TILES]);
    let partial = plan.lease(Shape::matrix(slices * p.panels * p.source_quads * 64, width));
    let constants = [("WIDTH", f64::from(width)), ("QUADS", f64::from(quads))];
    let kernel = plan.gpu().kernel(of(&SUBGROUP, x.shape.element), "backward_weight", &constants)?;
    let grid = Grid([p.panels, shares, slices]);
    plan.computes(flop(tiles, &p));
    plan.dispatch(&kernel, grid, Params { slice, ..p }, &[x, dy, &partial])?;
    Ok((partial, slices))
}

/// The same in passes, a slice each.
fn sums_of_passes(plan: &mut Plan, x: &Tensor, dy: &Tensor, p: Params) -> Result<(Tensor, u32)> {
    let slices = passes(p).count() as u32;
    let partial = plan.lease(Shape::matrix(slices * p.panels * p.source_quads * 64, 32));
    let kernel = plan.gpu().kernel(&PASSES[0], "backward_weight", &[])?;
    for p in passes(p) {
        let patches = transform_patches(plan, x, p)?;
        let gradients = transform_gradients(plan, dy, p)?;
        let grid = Grid([p.panels, p.source_quads / 4, 16]);
        plan.computes(flop(p.blocks * 8, &p));
        plan.dispatch(&kernel, grid, p, &[&patches, &gradients, &partial])?;
    }
    Ok((partial, slices))
}

/// The transformed patches of a pass, staged.
fn transform_patches(plan: &mut Plan, x: &Tensor, p: Params) -> Result<Tensor> {
    let patches = plan.lease(Shape::matrix(16 * p.stride * 8, p.source_quads * 4));
    let kernel = plan.gpu().kernel(of(&PASSES, x.shape.element), "transform_patches", &[])?;
    plan.dispatch(&kernel, Grid::folded(p.blocks, 1), p, &[x, &patches])?;
    Ok(plan.stage(&patches))
}

/// The transformed gradients of a pass, staged.
fn transform_gradients(plan: &mut Plan, dy: &Tensor, p: Params) -> Result<Tensor> {
    let gradients = plan.lease(Shape::matrix(16 * p.stride * 8, p.panels * 32));
    let kernel = plan.gpu().kernel(of(&PASSES, dy.shape.element), "transform_gradients", &[])?;
    plan.dispatch(&kernel, Grid::folded(p.blocks, p.panels), p, &[dy, &gradients])?;
    Ok(plan.stage(&gradients))
}
