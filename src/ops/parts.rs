//! Rows of a part of a batch, to and from their places among the rows of the whole. Twin of `parts.wgsl`.

use super::shader;
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("parts.wgsl" + "grid.wgsl", true);

shader_params! {
    struct Params { rows: u32, size: u32, batch: u32, quads: u32 }
}

/// The shape of the tensor that holds the number of a part (`u32` bits in its first word).
#[must_use]
pub fn number() -> Shape {
    Shape::matrix(1, 4)
}

/// Puts the rows of a part `[V · N, D]` where they belong in those of the whole, `[V · B, D]`. Rows are view-major; `size`
/// is N, the pictures of a part, and `number` says which part it is.
///
/// # Errors
/// A shader or limit error.
pub fn place(plan: &mut Plan, part: &Tensor, size: u32, number: &Tensor, whole: &Tensor) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "place", &[])?;
    let params = params(part.shape, size, whole.shape);
    plan.dispatch(&kernel, Grid::invocations(part.shape.total_quads(), 64), params, &[part, whole, number])
}

/// The rows of a part, `[V · N, D]`, out of those of the whole.
///
/// # Errors
/// A shader or limit error.
pub fn take(plan: &mut Plan, whole: &Tensor, rows: u32, size: u32, number: &Tensor) -> Result<Tensor> {
    let part = plan.lease(Shape::matrix(rows, whole.shape.channels));
    let kernel = plan.gpu().kernel(&SHADER, "take", &[])?;
    let params = params(part.shape, size, whole.shape);
    plan.dispatch(&kernel, Grid::invocations(part.shape.total_quads(), 64), params, &[whole, &part, number])?;
    Ok(part)
}

fn params(part: Shape, size: u32, whole: Shape) -> Params {
    let rows = part.rows();
    Params { rows, size, batch: whole.rows() / (rows / size), quads: part.quads() }
}
