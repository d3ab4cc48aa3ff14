//! The figures of a step: what the loss, codes, parameters and embeddings come to.

use super::Tensor64;

/// What is known of one parameter's gradient.
#[derive(Clone, Copy)]
pub struct GradientFacts {
    /// Its Euclidean norm.
    pub norm: f64,
    /// How many of its values are no numbers.
    pub non_finite: f64,
}

/// What a step reports.
pub struct Figures {
    /// Sum over the rows.
    pub loss: f64,
    /// Likewise, of the right answers' weights.
    pub accuracy: f64,
    /// Mean over the rows, nats; 0 without rows.
    pub entropy: f64,
    /// Of all parameters together.
    pub gradient_norm: f64,
    /// Gradient values that are no numbers.
    pub non_finite: f64,
    /// Index of the first parameter with a non-finite gradient, or -1.
    pub first_bad: f64,
    /// Mean embedding of crop 0.
    pub mean_embedding: Vec<f64>,
}

/// `loss` (with the weight of a right answer) and `entropy` have an entry a row, `z` is `[V · B, D]` with crop 0 first.
pub fn summarize(
    loss: &[[f64; 2]],
    entropy: &[f64],
    gradients: &[GradientFacts],
    z: &Tensor64,
    batch: usize,
) -> Figures {
    let dim = z.shape[1];
    let mean = |d: usize| (0..batch).map(|row| z.data[row * dim + d]).sum::<f64>() / batch as f64;
    Figures {
        loss: loss.iter().map(|row| row[0]).sum(),
        accuracy: loss.iter().map(|row| row[1]).sum(),
        entropy: entropy.iter().sum::<f64>() / entropy.len().max(1) as f64,
        gradient_norm: gradients.iter().map(|g| g.norm * g.norm).sum::<f64>().sqrt(),
        non_finite: gradients.iter().map(|g| g.non_finite).sum(),
        first_bad: gradients.iter().position(|g| g.non_finite > 0.0).map_or(-1.0, |p| p as f64),
        mean_embedding: (0..dim).map(mean).collect(),
    }
}
