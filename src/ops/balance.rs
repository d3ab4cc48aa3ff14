//! Labels for a whole bank by log-domain Sinkhorn-Knopp, its scores in blocks that are not kept. Twin of
//! `balance.wgsl`.

use super::{chunks, input, lanes, shader, variant};
use crate::error::Result;
use crate::gpu::{Grid, Kernel, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const BUFFERS: Shader = shader!(
    "balance.wgsl" + "grid.wgsl" + "log_sum_exp.wgsl" + "inputs.buffer.wgsl" + "quads.f32.wgsl",
    true
);
pub(crate) const TEXELS: Shader = shader!(
    "balance.wgsl" + "grid.wgsl" + "log_sum_exp.wgsl" + "inputs.texels.wgsl" + "quads.f32.wgsl",
    true
);

shader_params! {
    struct Params { rows: u32, prototypes: u32, quads: u32, chunk: u32, chunks: u32, scale: f32 }
}

/// Which block of a bank the kernels see, written before each submission.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Its rows, at most those that scores have room for.
    pub rows: u32,
    /// Whether other blocks of the same iteration came before it.
    pub later: bool,
    /// Whether this is the first iteration: prototypes have no potential yet, and that of each row is 0.
    pub first: bool,
}

impl Block {
    /// The shape of the tensor that holds one.
    #[must_use]
    pub fn shape() -> Shape {
        Shape::matrix(1, 4)
    }

    /// The words as a tensor takes them.
    #[must_use]
    pub fn words(&self) -> [f32; 4] {
        [self.rows, u32::from(self.later), u32::from(self.first), 0].map(f32::from_bits)
    }
}

/// The numbers for scores `[rows, K]`.
fn params(scores: Shape, epsilon: f64) -> Params {
    let (rows, prototypes) = (scores.rows(), scores.channels);
    // Potentials of rows are read four at a time.
    let chunk = chunks(rows, 64).0.next_multiple_of(4);
    let (chunks, scale) = (rows.div_ceil(chunk), epsilon.recip() as f32);
    Params { rows, prototypes, quads: scores.quads(), chunk, chunks, scale }
}

fn kernel(plan: &Plan, entry: &str) -> Result<Kernel<Params>> {
    plan.gpu().kernel(variant(plan, &BUFFERS, &TEXELS), entry, &lanes(plan))
}

/// Joins a block to the sums of an iteration: with `f_i = −ln Σ_j exp(score_ij / ε + g_j)` over the prototypes,
/// `columns` `[2, K]` hold a maximum `m` and a sum `s` with `m_j + ln s_j = ln Σ_i exp(score_ij / ε + f_i)` over the
/// rows of this block and, where it is a later one, of those before it.
///
/// `scores` are `[rows, K]`, `block` a [`Block`], `potentials` g `[1, K]`.
pub fn add_block(
    plan: &mut Plan,
    epsilon: f64,
    scores: &Tensor,
    block: &Tensor,
    potentials: &Tensor,
    columns: &Tensor,
) -> Result<()> {
    let params = params(scores.shape, epsilon);
    let row_potentials = plan.lease(Shape::matrix(1, params.rows));
    let partial = plan.lease(Shape::matrix(2 * params.chunks, params.prototypes));
    let a = input(plan, scores);
    let g = input(plan, potentials);
    let rows = kernel(plan, "balance_rows")?;
    plan.dispatch(&rows, Grid::folded(params.rows, 1), params, &[&a, block, &row_potentials, &g])?;
    let f = input(plan, &row_potentials);
    let sums = kernel(plan, "balance_chunks")?;
    let grid = Grid::invocations(params.chunks * params.quads, 64);
    plan.dispatch(&sums, grid, params, &[&a, block, &partial, &f])?;
    let join = kernel(plan, "join_chunks")?;
    plan.dispatch(&join, Grid::invocations(params.quads, 64), params, &[block, &partial, columns])
}

/// The prototype of each row of a block (u32 bits, `[1, rows]`): the largest `score_ij / ε + g_j`, of equal ones the
/// first. Tensors are those of [`add_block`].
pub fn labels(
    plan: &mut Plan,
    epsilon: f64,
    scores: &Tensor,
    block: &Tensor,
    potentials: &Tensor,
) -> Result<Tensor> {
    let params = params(scores.shape, epsilon);
    let labels = plan.lease(Shape::matrix(1, params.rows));
    let (a, g) = (input(plan, scores), input(plan, potentials));
    let best = kernel(plan, "labels")?;
    plan.dispatch(&best, Grid::folded(params.rows, 1), params, &[&a, block, &labels, &g])?;
    Ok(labels)
}
