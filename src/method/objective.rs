//! The seam between training and a method.
//!
//! To the trainer, a method is a function from the features of all crops to their gradient. What comes before it (the
//! trunk, once per resolution) and after it (the trunk's gradients, the update, the report) is the same for all of
//! them. What stands on the trunk, the loss, and whatever else a method remembers belong to its [`Objective`].

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::swav::Swav;
use crate::config::{Config, Method, RunLength};
use crate::error::Result;
use crate::gpu::{Arena, Plan, Session, Tensor};
use crate::model::{Projection, Store};
use crate::ops::Step;

/// A method, as the trainer sees it. It is made in the order of its functions: [`objective`] declares its parameters,
/// [`Objective::record`] records its part of a step, and from then on every step asks it to prepare and to advance.
pub(super) trait Objective: fmt::Debug + Send {
    /// Records what becomes of the features: their gradient, the loss, and the gradients of the parameters that this
    /// objective declared.
    ///
    /// # Errors
    /// A shader or limit error.
    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome>;

    /// The loss of a network that tells nothing apart, nats, where the method has such a level.
    fn chance(&self) -> Option<f64>;

    /// Whether the second channel of the losses says which answers are right.
    fn has_answers(&self) -> bool {
        false
    }

    /// K: how many prototypes the rows of codes name; 0 without codes.
    fn prototype_count(&self) -> usize {
        0
    }

    /// What stands on the trunk in evaluation.
    fn projection(&self) -> Option<&Projection> {
        None
    }

    /// Told how long the run is and where its landmarks lie, once that is known.
    fn set_length(&mut self, _length: &RunLength) {}

    /// Sets what this objective's kernels read of the numbers of a step (counted from 0) on pictures of these numbers,
    /// or writes tensors of its own, before the step is submitted. A step that is then not submitted must leave no trace.
    ///
    /// # Errors
    /// Pictures that it knows nothing of.
    fn prepare(&mut self, _session: &Session, _at: (u64, &[u32]), _numbers: &mut Step) -> Result<()> {
        Ok(())
    }

    /// The step that was prepared has been submitted.
    fn advance(&mut self, _step: u64) {}

    /// What a checkpoint holds of it beside the parameters.
    fn kept(&self) -> Vec<Kept<'_>> {
        Vec::new()
    }

    /// Its part of [`super::Position`].
    fn state(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Goes on from what [`Objective::state`] gave.
    ///
    /// # Errors
    /// In words: what is missing or of another kind.
    fn restore(&mut self, _state: &Map<String, Value>) -> Result<(), String> {
        Ok(())
    }
}

/// What is known of the pictures that a run trains on.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The label of each picture by its number, `u32::MAX` where it has none; empty where no picture has one.
    pub labels: Arc<[u32]>,
    /// How many classes the labels are of.
    pub classes: usize,
    /// Pictures of an epoch: whole batches of those that are trained on.
    pub epoch: usize,
}

/// What an objective records its part of a step on.
pub(super) struct Stage<'a> {
    pub(super) arena: &'a Arc<Arena>,
    pub(super) store: &'a Store,
    /// `[V · batch, features]`, view-major.
    pub(super) features: Tensor,
    /// The uniform tensor of [`Step`].
    pub(super) step: &'a Tensor,
}

/// What an objective made of the features.
pub(super) struct Outcome {
    /// The gradient of the features.
    pub(super) dfeatures: Tensor,
    /// `[n, 4]`: the loss is the sum of the first channel, the accuracy that of the second, where the objective says
    /// that there are right answers.
    pub(super) losses: Tensor,
    /// `[n, 4]`, of a method with codes: the entropy of each, nats, and its best prototype.
    pub(super) rows: Option<Tensor>,
    /// Embeddings of all crops, `[V · batch, D]`, of unit length.
    pub(super) embeddings: Tensor,
    /// What the crops are trained to predict, for those who look into a step.
    pub(super) codes: Option<Tensor>,
}

/// Something that a checkpoint holds.
pub(super) enum Kept<'a> {
    /// Rings of rows that lie one after another in a tensor. They are written `[rings, rows, channels]`, each from its
    /// row `first` on, which is the newest where rings grow towards their beginning.
    Rings { name: &'static str, tensor: &'a Tensor, rings: usize, first: usize },
}

/// The objective of a run. Its parameters are declared in `store`, behind those of a trunk with so many features.
///
/// # Errors
/// A method that wants to know more of the pictures than is known.
pub(super) fn objective(
    config: &Config,
    _known: &Known,
    store: &mut Store,
    features: u32,
) -> Result<Box<dyn Objective>> {
    Ok(match config.method {
        Method::Swav => Box::new(Swav::new(config, store, features)),
    })
}
