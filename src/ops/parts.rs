//! Rows of a part of a batch, to and from their places among the rows of the whole, and sums of what parts gave, weighed or
//! not. Twin of `parts.wgsl`.

use super::shader;
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("parts.wgsl" + "grid.wgsl", true);

shader_params! {
    struct Params { rows: u32, size: u32, batch: u32, quads: u32, weight: f32 }
}

/// The shape of the tensor that holds the number of a part's first picture (`u32` bits in its first word).
#[must_use]
pub fn first() -> Shape {
    Shape::matrix(1, 4)
}

/// Puts the rows of a part `[V · N, D]` where they belong in those of the whole, `[V · B, D]`. Rows are view-major; `size`
/// is N, the pictures of the part, and `first` says which picture of the batch is its first.
pub fn place(plan: &mut Plan, part: &Tensor, size: u32, first: &Tensor, whole: &Tensor) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "place", &[])?;
    let params = params(part.shape, size, whole.shape);
    plan.dispatch(&kernel, Grid::invocations(part.shape.total_quads(), 64), params, &[part, whole, first])
}

/// The rows of a part, `[V · N, D]`, out of those of the whole.
pub fn take(plan: &mut Plan, whole: &Tensor, rows: u32, size: u32, first: &Tensor) -> Result<Tensor> {
    let part = plan.lease(Shape::matrix(rows, whole.shape.channels));
    let kernel = plan.gpu().kernel(&SHADER, "take", &[])?;
    let params = params(part.shape, size, whole.shape);
    plan.dispatch(&kernel, Grid::invocations(part.shape.total_quads(), 64), params, &[whole, &part, first])?;
    Ok(part)
}

/// Adds what a part gave to what those before it gave, value by value.
pub fn add(plan: &mut Plan, part: &Tensor, sum: &Tensor) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "add", &[])?;
    plan.dispatch(&kernel, Grid::invocations(sum.shape.total_quads(), 64), all(sum, 1), &[part, sum])
}

/// What a part gave, times its weight, in `weighed`.
pub fn weigh(plan: &mut Plan, part: &Tensor, weight: f32, weighed: &Tensor) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "weigh", &[])?;
    let params = Params { weight, ..all(weighed, 1) };
    plan.dispatch(&kernel, Grid::invocations(weighed.shape.total_quads(), 64), params, &[part, weighed])
}

/// The sum of so many parts that lie one after another in `parts`, each as large as `sum`, to the last bit that of
/// [`add`] part by part.
pub fn sum(plan: &mut Plan, parts: &Tensor, count: u32, sum: &Tensor) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "sum", &[])?;
    plan.dispatch(&kernel, Grid::invocations(sum.shape.total_quads(), 64), all(sum, count), &[parts, sum])
}

/// All values of a tensor, of so many parts.
fn all(tensor: &Tensor, count: u32) -> Params {
    Params { rows: tensor.shape.total_quads(), size: count, batch: 1, quads: 1, weight: 1.0 }
}

fn params(part: Shape, size: u32, whole: Shape) -> Params {
    let rows = part.rows();
    Params { rows, size, batch: whole.rows() / (rows / size), quads: part.quads(), weight: 1.0 }
}
