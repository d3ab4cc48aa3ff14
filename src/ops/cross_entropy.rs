//! Cross-entropy against the labels of pictures, with its gradient. Twin of `cross_entropy.wgsl`.

use super::{lanes, shader};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

/// The label of a picture that has none.
pub use super::probe::NONE;

pub(crate) const SHADER: Shader = shader!("cross_entropy.wgsl" + "grid.wgsl" + "log_sum_exp.wgsl", true);

shader_params! {
    struct Params {
        rows: u32, batch: u32, prototypes: u32, quads: u32, accumulate: u32, temperature: f32,
    }
}

/// The gradient of the logits `[V · batch, K]` and the rows' losses `[V · batch, 4]`: each row's weighted loss
/// first, then its weight where the label's logit is the largest, so that the sums of the two are the loss and
/// the share of right rows.
///
/// `labels` has a word (u32) a picture, [`NONE`] for a picture that does not count; all `V` crops of a picture
/// have its label. The first float of `share` is what a row weighs: 1 / (labelled rows · heads), or 0 where no
/// row has a label, so that such a batch counts as 0 and not as 0/0. With `losses` the rows are added to those
/// of another head, and the same tensor is returned.
///
/// Appendix D of arXiv 2006.09882 (DeepCluster-v2, SeLa-v2); with `temperature` 1 the usual loss of a classifier.
pub fn forward_backward(
    plan: &mut Plan,
    logits: &Tensor,
    labels: &Tensor,
    batch: u32,
    share: &Tensor,
    temperature: f32,
    losses: Option<&Tensor>,
) -> Result<(Tensor, Tensor)> {
    let (rows, prototypes, quads) = (logits.shape.rows(), logits.shape.channels, logits.shape.quads());
    debug_assert!(labels.shape.values() >= batch as usize, "a word a picture");
    let dlogits = plan.lease(logits.shape);
    let sums = losses.cloned().unwrap_or_else(|| plan.lease(Shape::matrix(rows, 4)));
    let kernel = plan.gpu().kernel(&SHADER, "forward_backward", &lanes(plan))?;
    let accumulate = u32::from(losses.is_some());
    let params = Params { rows, batch, prototypes, quads, accumulate, temperature };
    plan.dispatch(&kernel, Grid::folded(rows, 1), params, &[logits, labels, share, &dlogits, &sums])?;
    Ok((dlogits, sums))
}
