//! Codes by log-domain Sinkhorn-Knopp. Twin of `sinkhorn.wgsl`.

use super::{chunks, input, lanes, shader, variant};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const BUFFERS: Shader = shader!(
    "sinkhorn.wgsl"
        + "grid.wgsl"
        + "log_sum_exp.wgsl"
        + "crops.wgsl"
        + "step.wgsl"
        + "inputs.buffer.wgsl"
        + "quads.f32.wgsl",
    true
);
pub(crate) const TEXELS: Shader = shader!(
    "sinkhorn.wgsl"
        + "grid.wgsl"
        + "log_sum_exp.wgsl"
        + "crops.wgsl"
        + "step.wgsl"
        + "inputs.texels.wgsl"
        + "quads.f32.pairs.wgsl"
        + "pairs.wgsl",
    false
);

shader_params! {
    struct Params {
        rows: u32, queue: u32, batch: u32, prototypes: u32, quads: u32, chunk: u32, chunks: u32,
        first: u32, crops: u32, epsilon: f32,
    }
}

/// The settings of the assignment.
#[derive(Clone, Copy, Debug)]
pub struct Problem {
    /// Queue rows of each assignment crop.
    pub queue: u32,
    /// Pictures a batch.
    pub batch: u32,
    /// Bit i is set where crop i is an assignment crop.
    pub assigned: u32,
    /// Entropy of the codes, ε.
    pub epsilon: f32,
    /// Row and column normalisations.
    pub iterations: u32,
}

/// Codes `[A · batch, K]` of the assignment crops, and per row its entropy (nats) and best prototype.
///
/// `scores` are those of all crops `[V · batch, K]`, `queue_scores` `[A · queue, K]` those of the queue
/// (any tensor where the queue has no rows), `step` the small buffer whose `first_row` says whether
/// the queue takes part.
pub fn codes(
    plan: &mut Plan,
    problem: &Problem,
    scores: &Tensor,
    queue_scores: &Tensor,
    step: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let k = scores.shape.channels;
    let quads = scores.shape.quads();
    let crops = problem.assigned.count_ones();
    let rows = problem.queue + problem.batch;
    let (chunk, chunks) = chunks(rows, 64);
    let params = Params {
        rows,
        queue: problem.queue,
        batch: problem.batch,
        prototypes: k,
        quads,
        chunk,
        chunks,
        first: 0,
        crops: problem.assigned,
        epsilon: problem.epsilon,
    };
    let logits = plan.lease(Shape::matrix(crops * rows, k));
    let partial = plan.lease(Shape::matrix(crops * chunks * 2, k));
    let u = plan.lease(Shape::matrix(crops, k));
    let v = plan.lease(Shape::matrix(crops, rows));
    let codes = plan.lease(Shape::matrix(crops * problem.batch, k));
    let figures = plan.lease(Shape::matrix(crops * problem.batch, 4));
    let folded = |n: u32| Grid::folded(n, crops);
    let kernel = |plan: &Plan, entry| {
        plan.gpu().kernel::<Params>(variant(plan, &BUFFERS, &TEXELS), entry, &lanes(plan))
    };

    let gather = kernel(plan, "gather_scores")?;
    let (a, b) = (input(plan, scores), input(plan, queue_scores));
    plan.dispatch(&gather, folded((rows * quads).div_ceil(64)), params, &[&a, &b, &logits])?;
    drop((a, b));
    let l = input(plan, &logits);
    for iteration in 0..problem.iterations {
        let p = Params { first: u32::from(iteration == 0), ..params };
        let sums = kernel(plan, "prototype_chunks")?;
        let c = input(plan, &v);
        plan.dispatch(&sums, folded((chunks * quads).div_ceil(64)), p, &[&l, &partial, step, &c])?;
        let finish = kernel(plan, "finish_prototypes")?;
        plan.dispatch(&finish, folded(quads.div_ceil(64)), p, &[&partial, &u])?;
        let samples = kernel(plan, "samples")?;
        let c = input(plan, &u);
        plan.dispatch(&samples, folded(rows), p, &[&l, &v, step, &c])?;
    }
    let last = kernel(plan, "codes")?;
    let c = input(plan, &u);
    plan.dispatch(&last, folded(problem.batch), params, &[&l, step, &v, &codes, &figures, &c])?;
    Ok((codes, figures))
}
