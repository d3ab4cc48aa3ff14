//! The seam between training and a method.
//!
//! To the trainer, a method is a function from the features of all crops to their gradient. What comes before it (the
//! trunk, once per resolution) and after it (the trunk's gradients, the update, the report) is the same for all of
//! them. What stands on the trunk, the loss, and whatever else a method remembers belong to its [`Objective`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::byol::Byol;
use super::deepcluster::DeepCluster;
use super::moco::Moco;
use super::part::Part;
use super::simclr::SimClr;
use super::supervised::Supervised;
use super::swav::Swav;
use crate::config::{Config, Method, RunLength};
use crate::error::Result;
use crate::gpu::{Arena, Plan, Session, Shape, Tensor};
use crate::interop::HostTensor;
use crate::model::{Projection, Store, Trunk};
use crate::ops::Step;
use crate::ops::batch_norm::Together;
use crate::ops::conv2d::Filter;
use crate::pass::Pass;

/// A method, as the trainer sees it. It is made in the order of its functions: [`objective`] declares its parameters,
/// [`Objective::record`] records its part of a step, and from then on every step asks it to prepare and to advance.
pub(super) trait Objective: fmt::Debug + Send {
    /// Which of the crops go through the trunk: all of them, in their order, unless a method says otherwise.
    fn forwarded(&self, crops: &[Tensor]) -> Vec<Tensor> {
        crops.to_vec()
    }

    /// Takes memory of its own that plans share, before any of them is recorded.
    fn lease(&mut self, _arena: &Arc<Arena>) {}

    /// The network that it keeps beside the one in training, once it has memory.
    fn target(&self) -> Option<&Store> {
        None
    }

    /// Records what happens before the crops are looked at.
    fn record_begin(&self, _plan: &mut Plan, _store: &Store) -> Result<()> {
        Ok(())
    }

    /// Records what this objective makes of the crops themselves, beside what the trunk does, where a batch goes through
    /// in parts: [`Objective::record`] then sees the features of the whole batch and no crops.
    fn record_part(&mut self, _plan: &mut Plan, _part: &Part<'_>) -> Result<()> {
        Ok(())
    }

    /// Records what becomes of the features: their gradient, the loss, and the gradients of the parameters that this
    /// objective declared.
    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome>;

    /// Records a first look at the crops of a batch or part, for methods that must have seen all pictures before they
    /// train, and gives what they want of it; `None` without one.
    fn record_survey(
        &self,
        _plan: &mut Plan,
        _trunk: &Trunk,
        _store: &Store,
        _crops: &[Tensor],
    ) -> Result<Option<Vec<Tensor>>> {
        Ok(None)
    }

    /// Takes the rows that clusters begin as from a fixture, in place of drawing them.
    fn choose(&mut self, _picks: Picks) {}

    /// Whether the pictures of an epoch have to be surveyed before the next step.
    fn wants_survey(&self) -> bool {
        false
    }

    /// The look at these pictures has been submitted; `found` is what it was recorded to give.
    fn surveyed(&mut self, _session: &Session, _pictures: &[u32], _found: &[Tensor]) -> Result<()> {
        Ok(())
    }

    /// The next step is the first of an epoch (counted from 0).
    ///
    /// # Errors
    /// What the driver reports; [`crate::error::Error::Stopped`] where the pass is.
    fn begin_epoch(&mut self, _at: Moment<'_>, _epoch: u64, _pass: &Pass) -> Result<()> {
        Ok(())
    }

    /// Waits for what is still on its way from the device.
    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    /// Has trunks of its own take the statistics of their batch norms with those of other ranks, as that in training does.
    fn share_statistics(&mut self, _together: Together) {}

    /// Records what happens once the parameters have moved.
    fn record_end(&self, _plan: &mut Plan, _store: &Store) -> Result<()> {
        Ok(())
    }

    /// Sets tensors of its own as a run begins, from the weights that the network begins with.
    fn start(&self, _session: &Session, _store: &Store) -> Result<()> {
        Ok(())
    }

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
    fn advance(&mut self, _session: &Session, _at: (u64, &[u32])) -> Result<()> {
        Ok(())
    }

    /// What a checkpoint holds of it beside the parameters: on the device, and (settled) on the host.
    fn kept(&self) -> Vec<Kept<'_>> {
        Vec::new()
    }

    /// Takes what it keeps on the host from a checkpoint.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    fn recall(&mut self, _tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
        Ok(())
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
    /// How many pictures there are: their numbers are below this.
    pub pictures: usize,
    /// The label of each picture by its number, `u32::MAX` where it has none; empty where no picture has one.
    pub labels: Arc<[u32]>,
    /// How many classes the labels are of.
    pub classes: usize,
    /// Pictures of an epoch: whole batches of those that are trained on.
    pub epoch: usize,
}

impl Known {
    /// Pictures that are made up, as many as a batch has, for measurements: every method finds what it wants to know.
    #[must_use]
    pub fn made_up(config: &Config) -> Self {
        let pictures = config.batch;
        let labels = (0..pictures as u32).map(|picture| picture % 10).collect();
        Self { pictures, labels, classes: 10, epoch: pictures.max(*config.sets().iter().max().unwrap_or(&0)) }
    }
}

/// Rows of a bank by epoch and set of prototypes.
pub(crate) type Picks = Vec<Vec<Vec<usize>>>;

/// What an objective records its part of a step on.
pub(super) struct Stage<'a> {
    pub(super) arena: &'a Arc<Arena>,
    pub(super) store: &'a Store,
    /// All crops, one tensor a resolution, view-major. Of a batch in parts those of one part, which
    /// [`Objective::record_part`] has seen.
    pub(super) crops: &'a [Tensor],
    /// `[V · batch, features]`, view-major, of the crops that were forwarded.
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
    /// Rows that lie in a tensor as the weights of a linear layer.
    Weights { name: &'static str, tensor: &'a Tensor, filter: &'a Filter },
    /// The parameters and running estimates of another network; `prefix` goes before their names.
    Network { prefix: &'static str, store: &'a Store },
    /// Something on the host; [`Objective::recall`] takes it back.
    Host { name: String, tensor: HostTensor },
}

/// The device and the parameters between two steps.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) session: &'a Session,
    pub(super) store: &'a Store,
}

/// How many pictures there are `count` crops of.
pub(super) fn pictures(crops: &[Tensor], count: usize) -> u32 {
    crops.iter().map(|group| group.shape.images).sum::<u32>() / count as u32
}

/// The crops of these numbers, counted over all resolutions and in ascending order. Those that lie one after another in
/// a tensor stay together, so that a trunk's batch norms see them together.
pub(super) fn parts(crops: &[Tensor], batch: u32, wanted: &[usize]) -> Vec<Tensor> {
    let (mut parts, mut first) = (Vec::new(), 0);
    for group in crops {
        let count = (group.shape.images / batch) as usize;
        let here: Vec<usize> = wanted
            .iter()
            .filter(|&&crop| (first..first + count).contains(&crop))
            .map(|crop| crop - first)
            .collect();
        for run in here.chunk_by(|a, b| a + 1 == *b) {
            let one = Shape { images: batch, ..group.shape }.bytes();
            let shape = Shape { images: batch * run.len() as u32, ..group.shape };
            parts.push(group.part(run[0] as u64 * one, shape));
        }
        first += count;
    }
    parts
}

/// The objective of a run. Its parameters are declared in `store`, behind those of a trunk with so many features.
///
/// # Errors
/// A method that wants to know more of the pictures than is known.
pub(super) fn objective(
    config: &Config,
    known: &Known,
    store: &mut Store,
    features: u32,
) -> Result<Box<dyn Objective>> {
    Ok(match config.method {
        Method::Swav => Box::new(Swav::new(config, store, features)),
        Method::Simclr => Box::new(SimClr::new(config, store, features)),
        Method::MocoV2 => Box::new(Moco::new(config, store, features)),
        Method::Byol => Box::new(Byol::new(config, store, features)),
        Method::DeepclusterV2 | Method::SelaV2 => Box::new(DeepCluster::new(config, known, store, features)?),
        Method::Supervised => Box::new(Supervised::new(config, known, store, features)?),
    })
}
