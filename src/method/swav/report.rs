//! What one step says of itself.

use crate::model::Parameter;
use crate::ops::report::Layout;

/// The figures of one step, read from the device a step late.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Which step, from 0.
    pub step: u64,
    /// The swapped prediction loss.
    pub loss: f64,
    /// Mean entropy of the codes, nats.
    pub code_entropy: f64,
    /// Norm of all gradients, before LARC.
    pub gradient_norm: f64,
    /// Gradient values that are not finite.
    pub non_finite: u64,
    /// The first parameter with such a value.
    pub first_bad: Option<String>,
    /// Best prototype of each row of codes (assignment crop by assignment crop).
    pub best_prototypes: Vec<u32>,
    /// Mean of crop 0's unit embeddings, `[D]`.
    pub embedding_mean: Vec<f32>,
}

impl StepReport {
    pub(super) fn read(step: u64, values: &[f32], layout: &Layout, parameters: &[Parameter]) -> Self {
        let first_bad = values[4];
        Self {
            step,
            loss: f64::from(values[0]),
            code_entropy: f64::from(values[1]),
            gradient_norm: f64::from(values[2]),
            non_finite: values[3] as u64,
            first_bad: (first_bad >= 0.0)
                .then(|| parameters.get(first_bad as usize).map(|p| p.name.clone()))
                .flatten(),
            best_prototypes: values[8..8 + layout.code_rows].iter().map(|&v| v as u32).collect(),
            embedding_mean: values[layout.mean_at()..layout.mean_at() + layout.embedding].to_vec(),
        }
    }
}
