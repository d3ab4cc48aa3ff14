//! Linear classifiers on fixed features, several learning rates at once. Twin of `probe.wgsl`.

use super::conv2d::Filter;
use super::shader;
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Tensor, shader_params};

pub(crate) const SHADER: Shader = shader!("probe.wgsl" + "grid.wgsl", true);

shader_params! {
    struct Params {
        rows: u32, classes: u32, group: u32, groups: u32, stride: u32, depth: u32, width: u32, total: u32,
        momentum: f32, decay: f32,
    }
}

/// The label of a row that has none (the end of a last batch).
pub const NONE: u32 = u32::MAX;

/// Classifiers side by side: `groups` of them with `classes` classes, `group` columns each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Classes.
    pub classes: u32,
    /// Columns of one classifier: `classes` or more.
    pub group: u32,
    /// Classifiers.
    pub groups: u32,
}

/// The gradient of the mean cross-entropy of each classifier over the rows that have a label. `labels`
/// (u32 bits) has a word a row; `rates` has a rate for each classifier and then 1 / rows with a label.
pub fn loss_gradient(
    plan: &mut Plan,
    side: Side,
    logits: &Tensor,
    labels: &Tensor,
    rates: &Tensor,
) -> Result<Tensor> {
    let dlogits = plan.lease(logits.shape);
    let kernel = plan.gpu().kernel(&SHADER, "loss_gradient", &[])?;
    let Side { classes, group, groups } = side;
    let (rows, stride) = (logits.shape.rows(), logits.shape.quads() * 4);
    let params = Params { rows, classes, group, groups, stride, ..Params::default() };
    plan.loops(3 * u64::from(classes) + 6);
    plan.dispatch(&kernel, Grid::invocations(rows * groups, 64), params, &[logits, labels, &dlogits, rates])?;
    Ok(dlogits)
}

/// One step of SGD with momentum and weight decay, each classifier at its own rate; `w`, `dw` and
/// `momentum` are panels of `filter`.
pub fn update(
    plan: &mut Plan,
    side: Side,
    filter: &Filter,
    [dw, momentum, w]: [&Tensor; 3],
    rates: &Tensor,
    momentum_factor: f32,
    decay: f32,
) -> Result<()> {
    let kernel = plan.gpu().kernel(&SHADER, "update", &[])?;
    let total = filter.panels().total_quads() * 4;
    let params = Params {
        group: side.group,
        groups: side.groups,
        depth: filter.rows(),
        width: filter.width(),
        total,
        momentum: momentum_factor,
        decay,
        ..Params::default()
    };
    plan.dispatch(&kernel, Grid::invocations(total, 64), params, &[rates, dw, momentum, w])
}
