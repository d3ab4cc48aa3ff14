//! L2 normalisation of rows and of prototypes. Twin of `normalize.wgsl`.

use super::conv2d::Filter;
use super::shader;
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("normalize.wgsl" + "grid.wgsl", true);

shader_params! {
    struct Params { rows: u32, quads: u32, width: u32 }
}

/// Rows of unit length.
pub fn forward(plan: &mut Plan, x: &Tensor) -> Result<Tensor> {
    let y = plan.lease(x.shape);
    let kernel = plan.gpu().kernel(&SHADER, "forward", &[])?;
    let params = Params { rows: x.shape.rows(), quads: x.shape.quads(), width: 0 };
    plan.dispatch(&kernel, Grid::invocations(params.rows, 64), params, &[x, &y])?;
    Ok(y)
}

/// The gradient of x; 0 for a row of zeros.
pub fn backward(plan: &mut Plan, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let dx = plan.lease(x.shape);
    let kernel = plan.gpu().kernel(&SHADER, "backward", &[])?;
    let params = Params { rows: x.shape.rows(), quads: x.shape.quads(), width: 0 };
    plan.dispatch(&kernel, Grid::invocations(params.rows, 64), params, &[x, dy, &dx])?;
    Ok(dx)
}

/// Gives each output row of a linear layer's weights unit length, in place (the prototypes).
pub fn in_place(plan: &mut Plan, filter: &Filter, w: &Tensor) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "in_place", &[])?;
    let params = Params { rows: filter.filters, quads: filter.rows() / 4, width: filter.width() };
    plan.dispatch(&kernel, Grid::invocations(params.rows, 64), params, &[w])
}
