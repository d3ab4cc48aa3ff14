//! The most similar rows of a bank that passes by in blocks. Twin of `nearest.wgsl`.

use super::{input, lanes, shader, variant};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Tensor, shader_params};

pub(crate) const BUFFERS: Shader =
    shader!("nearest.wgsl" + "grid.wgsl" + "inputs.buffer.wgsl" + "quads.f32.wgsl", true);
pub(crate) const TEXELS: Shader =
    shader!("nearest.wgsl" + "grid.wgsl" + "inputs.texels.wgsl" + "quads.f32.wgsl", true);

shader_params! {
    struct Params { queries: u32, quads: u32, k: u32 }
}

/// Length of a list: the largest k.
pub const LIST: u32 = 256;
/// What a list holds before any row has been seen.
pub const LOWEST: f32 = -3.0e38;

/// Merges the similarities of a block, `[queries, rows]`, into the lists `best` and `best_row` (u32 bits),
/// both `[queries, 256]`: the first `k` of each come out, in no order, with rows of `u32::MAX` where there are fewer.
/// `block` (u32 bits) is `[first row of the bank, rows in this block, 0, 0]`.
pub fn keep_best(
    plan: &mut Plan,
    similarities: &Tensor,
    block: &Tensor,
    best: &Tensor,
    best_row: &Tensor,
    k: u32,
) -> Result<()> {
    let k = k.clamp(1, LIST);
    let [lanes] = lanes(plan);
    // The pool holds 2 · LENGTH. It is kept as small as k allows, since each cut scans all of it.
    let length = k.next_power_of_two().max(2 * lanes.1 as u32).max(64);
    let shader = variant(plan, &BUFFERS, &TEXELS);
    let kernel = plan.gpu().kernel(shader, "keep_best", &[lanes, ("LENGTH", f64::from(length))])?;
    let shape = similarities.shape;
    let a = input(plan, similarities);
    let params = Params { queries: shape.rows(), quads: shape.quads(), k };
    plan.dispatch(&kernel, Grid::folded(params.queries, 1), params, &[&a, block, best, best_row])
}
