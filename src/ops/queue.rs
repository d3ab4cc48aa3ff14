//! The queue of past embeddings. Twin of `queue.wgsl`.

use super::shader;
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("queue.wgsl" + "grid.wgsl" + "crops.wgsl" + "step.wgsl", true);

shader_params! {
    struct Params { length: u32, batch: u32, quads: u32, crops: u32 }
}

/// Puts the embeddings of the assignment crops at the cursor of `queue` (`[A · L, D]`).
pub fn push(
    plan: &mut Plan,
    z: &Tensor,
    queue: &Tensor,
    batch: u32,
    assigned: u32,
    step: &Tensor,
) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "push", &[])?;
    let crops = assigned.count_ones();
    let params =
        Params { length: queue.shape.rows() / crops, batch, quads: z.shape.quads(), crops: assigned };
    let groups = (batch * params.quads).div_ceil(64);
    plan.dispatch(&kernel, Grid::folded(groups, crops), params, &[z, queue, step])
}
