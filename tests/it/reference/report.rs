//! The figures of a step: what the loss, codes, parameters and embeddings come to.

use super::Tensor64;

/// What is known of one parameter's gradient.
#[derive(Clone, Copy)]
pub(crate) struct GradientFacts {
    pub(crate) norm: f64,
    pub(crate) non_finite: f64,
}

pub(crate) struct Figures {
    pub(crate) loss: f64,
    pub(crate) entropy: f64,
    pub(crate) gradient_norm: f64,
    pub(crate) non_finite: f64,
    /// Index of the first parameter with a non-finite gradient, or -1.
    pub(crate) first_bad: f64,
    /// Of crop 0.
    pub(crate) mean_embedding: Vec<f64>,
}

/// `loss` and `entropy` have an entry a row, `z` is `[V · B, D]` with crop 0 first.
pub(crate) fn summarize(
    loss: &[f64],
    entropy: &[f64],
    gradients: &[GradientFacts],
    z: &Tensor64,
    batch: usize,
) -> Figures {
    let dim = z.shape[1];
    let mean = |d: usize| (0..batch).map(|row| z.data[row * dim + d]).sum::<f64>() / batch as f64;
    Figures {
        loss: loss.iter().sum(),
        entropy: entropy.iter().sum::<f64>() / entropy.len() as f64,
        gradient_norm: gradients.iter().map(|g| g.norm * g.norm).sum::<f64>().sqrt(),
        non_finite: gradients.iter().map(|g| g.non_finite).sum(),
        first_bad: gradients.iter().position(|g| g.non_finite > 0.0).map_or(-1.0, |p| p as f64),
        mean_embedding: (0..dim).map(mean).collect(),
    }
}
