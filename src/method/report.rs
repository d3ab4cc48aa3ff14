//! What one step says of itself.

use crate::model::Parameter;
use crate::ops::loss_scale;
use crate::ops::report::Layout;

/// The figures of one step, read from the device a step late.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// The loss, nats.
    pub loss: f64,
    /// The share of right answers, of a method that asks questions.
    pub accuracy: Option<f64>,
    /// Mean entropy of the codes, nats, of a method that has codes.
    pub code_entropy: Option<f64>,
    /// Norm of all gradients, before LARC.
    pub gradient_norm: f64,
    /// Gradient values that are not finite.
    pub non_finite: u64,
    /// The loss scale, where activations are half precision.
    pub scaling: Option<Scaling>,
    /// The first parameter with such a value.
    pub first_bad: Option<String>,
    /// Best prototype of each row of codes (assignment crop by assignment crop); none without codes.
    pub best_prototypes: Vec<u32>,
    /// Mean of crop 0's unit embeddings, `[D]`.
    pub embedding_mean: Vec<f32>,
}

/// What the loss scale was, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// What this step's gradients were multiplied by.
    pub scale: f64,
    /// Whether they overflowed: then the step moved nothing, and the next scale is half of this.
    pub skipped: bool,
    /// Steps that were skipped so far, this one included.
    pub skipped_steps: u64,
}

impl StepReport {
    /// Whether the step was left out because the loss scale was too large for it.
    #[must_use]
    pub fn skipped(&self) -> bool {
        self.scaling.is_some_and(|scaling| scaling.skipped && scaling.scale > f64::from(loss_scale::FLOOR))
    }

    /// Whether the run can go on: everything is finite, or a smaller loss scale will make it so. No
    /// scale helps a loss that is not finite.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.loss.is_finite() && (self.non_finite == 0 || self.skipped())
    }

    pub(super) fn read(values: &[f32], layout: &Layout, answers: bool, parameters: &[Parameter]) -> Self {
        let figures = Layout::figures(values);
        Self {
            loss: f64::from(figures.loss),
            accuracy: answers.then(|| f64::from(figures.answers)),
            code_entropy: (layout.code_rows > 0).then(|| f64::from(figures.code_entropy)),
            gradient_norm: f64::from(figures.gradient_norm),
            non_finite: figures.non_finite as u64,
            scaling: (figures.scale > 0.0).then(|| Scaling {
                scale: f64::from(figures.scale),
                skipped: figures.skipped > 0.0,
                skipped_steps: figures.skipped_steps as u64,
            }),
            first_bad: (figures.first_bad >= 0.0)
                .then(|| parameters.get(figures.first_bad as usize).map(|p| p.name.clone()))
                .flatten(),
            best_prototypes: values[Layout::BEST..Layout::BEST + layout.code_rows]
                .iter()
                .map(|&v| v as u32)
                .collect(),
            embedding_mean: values[layout.mean_at()..layout.mean_at() + layout.embedding].to_vec(),
        }
    }
}
