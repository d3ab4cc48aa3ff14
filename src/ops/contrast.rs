//! Contrastive losses and their gradients: SimCLR's over all crops, MoCo's with a queue. Twin of `contrast.wgsl`.
//!
//! Embeddings are rows of unit length, and gradients are those of the rows as they are given. Products of rows are
//! linear layers: the rows to compare with are its weights, as panels ([`Filter`]).

use super::conv2d::{self, Filter};
use super::{input, lanes, shader, variant, weights};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const BUFFERS: Shader = shader!(
    "contrast.wgsl"
        + "grid.wgsl"
        + "log_sum_exp.wgsl"
        + "step.wgsl"
        + "inputs.buffer.wgsl"
        + "quads.f32.wgsl",
    true
);
pub(crate) const TEXELS: Shader = shader!(
    "contrast.wgsl"
        + "grid.wgsl"
        + "log_sum_exp.wgsl"
        + "step.wgsl"
        + "inputs.texels.wgsl"
        + "quads.f32.pairs.wgsl"
        + "pairs.wgsl",
    false
);

shader_params! {
    struct Params {
        rows: u32, batch: u32, prototypes: u32, quads: u32, depth: u32, width: u32, temperature: f32,
    }
}

/// SimCLR's loss over all crops (NT-Xent for two; appendix A.8 of arXiv 2006.09882 for more): the gradient of `z`
/// `[V · batch, D]`, the crops one after another, at least two, and for each row (`[V · batch, 4]`) its shares of the
/// loss and of the pairs that are told apart: pairs of crops of which the second is more like the first than any crop
/// of another picture is. Loss and share of such pairs are the sums of the first and second channel; the others are 0.
///
/// Other crops of a picture are no negatives. One picture alone has none: its loss is 0.
///
/// # Errors
/// A shader or limit error: similarities of all rows with all are a tensor.
pub fn all_crops(plan: &mut Plan, z: &Tensor, batch: u32, temperature: f32) -> Result<(Tensor, Tensor)> {
    let rows = z.shape.rows();
    let filter = Filter::linear(z.shape.channels, rows);
    let panels = weights::pack_rows(plan, z)?;
    let staged = conv2d::stage(plan, z);
    let products = conv2d::forward(plan, &filter, &staged, &panels)?;
    drop(staged);
    let quads = products.shape.quads();
    let params = Params { rows, batch, prototypes: rows, quads, temperature, ..Params::default() };
    let shader = variant(plan, &BUFFERS, &TEXELS);
    let a = input(plan, &products);

    let [found, losses] = [(); 2].map(|()| plan.lease(Shape::matrix(rows, 4)));
    let anchors = plan.gpu().kernel(shader, "anchors", &lanes(plan))?;
    plan.dispatch(&anchors, Grid::folded(rows, 1), params, &[&a, &found, &losses])?;

    let gradient = plan.lease(products.shape);
    let b = input(plan, &found);
    let pairs = plan.gpu().kernel(shader, "pairs", &[])?;
    plan.dispatch(&pairs, Grid::invocations(rows * quads, 64), params, &[&a, &b, &gradient])?;
    drop((products, a, b));

    let staged = conv2d::stage(plan, &gradient);
    let dz = conv2d::backward_input(plan, &filter, &staged, &panels, z.shape, None)?;
    Ok((dz, losses))
}

/// MoCo's loss (arXiv 1911.05722): the gradient of the queries `q` `[n · batch, D]` and for each of them
/// (`[n · batch, 4]`) its shares of the loss and of the queries whose key is more like them than all of the queue.
/// Loss and share of such queries are the sums of the first and second channel; the others are 0.
///
/// The key of query i is row i mod batch of `keys` `[batch, D]`. The queue of L old keys is `filter`, a linear layer
/// from D to L, with `ring` as its weights; neither it nor the keys get a gradient.
///
/// # Errors
/// A shader or limit error: similarities of all queries with the queue are a tensor.
pub fn queue(
    plan: &mut Plan,
    q: &Tensor,
    keys: &Tensor,
    filter: &Filter,
    ring: &Tensor,
    temperature: f32,
) -> Result<(Tensor, Tensor)> {
    let rows = q.shape.rows();
    let staged = conv2d::stage(plan, q);
    let products = conv2d::forward(plan, filter, &staged, ring)?;
    drop(staged);
    let params = Params { rows, quads: products.shape.quads(), temperature, ..of_queue(keys, filter) };
    let a = input(plan, &products);
    let (gradient, dq) = (plan.lease(products.shape), plan.lease(q.shape));
    let losses = plan.lease(Shape::matrix(rows, 4));
    let queries = plan.gpu().kernel(variant(plan, &BUFFERS, &TEXELS), "queries", &lanes(plan))?;
    let tensors = [&a, &losses, &gradient, q, keys, &dq];
    plan.dispatch(&queries, Grid::folded(rows, 1), params, &tensors)?;
    drop((products, a));
    let staged = conv2d::stage(plan, &gradient);
    let dq = conv2d::backward_input(plan, filter, &staged, ring, q.shape, Some(dq))?;
    Ok((dq, losses))
}

/// Puts `keys` `[batch, D]` into the queue (as in [`queue`]; batch ≤ L) from row `queue_cursor` of the
/// [`Step`](super::Step) in `step` on; rows past its end go to its beginning.
pub fn push(plan: &mut Plan, keys: &Tensor, filter: &Filter, ring: &Tensor, step: &Tensor) -> Result<()> {
    let kernel = plan.gpu().kernel(variant(plan, &BUFFERS, &TEXELS), "push", &[])?;
    let grid = Grid::invocations(keys.shape.total_quads(), 64);
    plan.dispatch(&kernel, grid, of_queue(keys, filter), &[keys, step, ring])
}

/// What keys and a queue say of the parameters.
fn of_queue(keys: &Tensor, filter: &Filter) -> Params {
    Params {
        batch: keys.shape.rows(),
        prototypes: filter.filters,
        depth: keys.shape.quads(),
        width: filter.width(),
        ..Params::default()
    }
}
