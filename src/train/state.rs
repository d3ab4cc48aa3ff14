//! What the loop remembers beside the tensors, so that a resumed run reports as if it had never
//! stopped. It travels in the checkpoint's `state`.

use super::events::Metrics;
use super::health::{Figures, Monitor};
use crate::config::Method;
use crate::error::{Error, Result};
use crate::eval::cluster::Occupancy;
use crate::judge::SplitAccuracy;
use crate::method::{Position, StepReport};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;
use std::path::Path;

/// Losses that the summary takes the mean of.
const RECENT: usize = 50;

/// The state of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunState {
    /// The trainer's own position.
    pub(super) position: Position,
    /// Pictures to train on when the run began.
    pub(super) pictures: u64,
    /// Steps whose reports were taken in.
    pub(super) reported: u64,
    /// The last losses, oldest first.
    pub(super) recent: VecDeque<f64>,
    /// Code entropy of the last step, where the method has codes.
    pub(super) code_entropy: Option<f64>,
    /// Embedding spread of the last step.
    pub(super) embedding_spread: f64,
    /// Which prototypes were used lately.
    pub(super) occupancy: Occupancy,
    /// Copies among the prototypes at the last evaluation.
    pub(super) duplicated: u64,
    /// The health monitor.
    pub(super) monitor: Monitor,
    /// Seconds of training so far.
    pub(super) seconds: f64,
    /// kNN of the untrained network.
    pub(super) untrained: Vec<SplitAccuracy>,
    /// kNN of raw pixels.
    pub(super) pixels: Vec<SplitAccuracy>,
    /// kNN at the last evaluation.
    pub(super) trained: Vec<SplitAccuracy>,
    /// The step of the last evaluation.
    pub(super) evaluated: Option<u64>,
}

impl RunState {
    /// The state of a run that begins.
    pub(super) fn new(position: Position, prototypes: usize, pictures: usize, monitor: Monitor) -> Self {
        Self {
            position,
            pictures: pictures as u64,
            reported: 0,
            recent: VecDeque::new(),
            code_entropy: None,
            embedding_spread: 0.0,
            occupancy: Occupancy::new(prototypes),
            duplicated: 0,
            monitor,
            seconds: 0.0,
            untrained: Vec::new(),
            pixels: Vec::new(),
            trained: Vec::new(),
            evaluated: None,
        }
    }

    /// Reads it back from a checkpoint's state; `path` is the file, for the message.
    pub(super) fn from_value(state: &Value, path: &Path) -> Result<Self> {
        serde_json::from_value(state.clone()).map_err(|error| Error::Checkpoint {
            path: path.to_owned(),
            reason: format!("the state of the run in it cannot be read: {error}"),
        })
    }

    /// For a checkpoint.
    pub(super) fn to_value(&self, path: &Path) -> Result<Value> {
        serde_json::to_value(self).map_err(|error| Error::Checkpoint {
            path: path.to_owned(),
            reason: format!("the state of the run cannot be written: {error}"),
        })
    }

    /// Takes in a step whose numbers are finite.
    pub(super) fn take(&mut self, report: &StepReport) {
        self.recent.push_back(report.loss);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.code_entropy = report.code_entropy;
        let square: f64 = report.embedding_mean.iter().map(|&value| f64::from(value).powi(2)).sum();
        self.embedding_spread = 1.0 - square;
        self.occupancy.add(&report.best_prototypes);
    }

    /// Mean of the last losses.
    pub(super) fn loss(&self) -> f64 {
        self.recent.iter().sum::<f64>() / self.recent.len().max(1) as f64
    }

    /// What the health monitor wants of a report.
    pub(crate) fn figures(report: &Metrics, method: Method) -> Figures {
        Figures {
            method,
            step: report.step,
            loss: report.loss,
            chance: report.chance,
            code_entropy: report.code_entropy,
            prototypes_used: report.prototypes_used,
            prototypes_duplicated: report.prototypes_duplicated,
            prototypes: report.prototypes_used.zip(report.prototypes_dead).map(|(used, dead)| used + dead),
            embedding_spread: report.embedding_spread,
            gradient_norm: report.gradient_norm,
            non_finite: report.non_finite,
        }
    }
}
