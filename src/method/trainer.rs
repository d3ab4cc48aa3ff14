//! A network in training, by whatever method: a step recorded once and replayed.
//!
//! trunk once per resolution → the objective of the method → the trunk's gradients → update → report.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::batch::Batch;
use super::crops::{self, CropMaker};
use super::memory::MemoryUse;
use super::objective::{Known, Objective, objective};
use super::recording::{self, Recorded, Tensors};
use super::report::StepReport;
use super::share::Share;
use super::steps::Steps;
use super::survey::Survey;
use crate::config::{Config, RunLength};
use crate::error::{Error, Result};
use crate::gpu::{Estimate, Fetch, Gpu, Loss, Profile, Replay, Session, ShaderParams as _, Traffic};
use crate::model::Store;
use crate::ops::Step;
use crate::ops::loss_scale::ScaleState;
use crate::ranks::{Alone, Exchange};

/// Where a run stands: everything besides the tensors that the next step depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Steps done.
    pub step: u64,
    /// What the method remembers; of SwAV how far its queue is (`queue_cursor`, `queue_filled`, `queue_started`).
    #[serde(flatten)]
    pub objective: Map<String, Value>,
}

/// The settings that matter between steps.
#[derive(Clone, Copy, Debug)]
struct Rules {
    freeze: u64,
    betas: [f64; 2],
}

/// A model in training: device memory, recorded plans and the position.
#[derive(Debug)]
pub struct Trainer {
    pub(super) session: Session,
    pub(super) store: Store,
    pub(super) objective: Box<dyn Objective>,
    pub(super) maker: Option<CropMaker>,
    pub(super) train: Steps<Replay>,
    pub(super) evaluate: Replay,
    pub(super) survey: Option<Survey<Replay>>,
    pub(super) tensors: Tensors,
    rules: Rules,
    /// The pictures of a batch that go through this trunk.
    pub(super) share: Share,
    /// Those who train with it.
    pub(super) ranks: Arc<dyn Exchange>,
    /// Steps done.
    pub(super) step: u64,
    pub(super) pending: Option<Fetch>,
    /// When the last report came.
    reported: Option<Instant>,
    pub(super) memory: MemoryUse,
    dispatches: usize,
}

impl Trainer {
    /// Records the plans, takes the memory, and draws the initial weights from the seed.
    ///
    /// # Errors
    /// A run that does not fit the adapter; what the driver reports.
    pub fn new(gpu: &Arc<Gpu>, config: &Config) -> Result<Self> {
        Self::knowing(gpu, config, &Known::default())
    }

    /// The same for pictures of which something is known, as some methods want it.
    ///
    /// # Errors
    /// As [`Trainer::new`]; a method that wants to know more.
    pub fn knowing(gpu: &Arc<Gpu>, config: &Config, known: &Known) -> Result<Self> {
        let facts = gpu.facts();
        Self::with_shards(gpu, config, known, facts.max_binding_bytes.min(facts.max_buffer_bytes))
    }

    /// The same with parameters in shards of at most `shard_bytes`, as an adapter wants them that
    /// binds no more at once. What is computed is the same to the last bit.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn with_shards(gpu: &Arc<Gpu>, config: &Config, known: &Known, shard_bytes: u64) -> Result<Self> {
        let make = |store: &mut Store, features| objective(config, known, store, features);
        Self::with(gpu, config, &Alone::ranks(), shard_bytes, make)
    }

    /// The same for one of several ranks, which all do the same with their shares of each batch.
    ///
    /// # Errors
    /// As [`Trainer::new`]; a batch that ranks cannot share equally.
    pub fn among(gpu: &Arc<Gpu>, config: &Config, known: &Known, ranks: &Arc<dyn Exchange>) -> Result<Self> {
        let facts = gpu.facts();
        let shard_bytes = facts.max_binding_bytes.min(facts.max_buffer_bytes);
        let make = |store: &mut Store, features| objective(config, known, store, features);
        Self::with(gpu, config, ranks, shard_bytes, make)
    }

    /// The same with an objective of one's own.
    pub(super) fn with(
        gpu: &Arc<Gpu>,
        config: &Config,
        ranks: &Arc<dyn Exchange>,
        shard_bytes: u64,
        make: impl FnOnce(&mut Store, u32) -> Result<Box<dyn Objective>>,
    ) -> Result<Self> {
        let share = Share::of_rank(config, ranks.rank(), ranks.size())?;
        let recorded = recording::record(gpu, config, (share, ranks.size()), shard_bytes, make)?;
        let Recorded { store, objective, arena, maker, train, evaluate, survey, tensors } = recorded;
        let dispatches = train.dispatches() + maker.as_ref().map_or(0, crops::Recorded::dispatches);
        let session = Session::allocate(gpu, &arena)?;
        let maker = maker.map(|maker| maker.bind(&session)).transpose()?;
        let train = train.bind(&session)?;
        let evaluate = session.bind(evaluate)?;
        let survey = survey.map(|survey| survey.bind(&session)).transpose()?;
        let replays: Vec<&Replay> =
            train.replays().chain([&evaluate]).chain(survey.iter().flat_map(Survey::plans)).collect();
        let kept = objective.kept();
        let memory = MemoryUse::of(&arena, &replays, maker.as_ref(), &store, &tensors, &kept);
        if let Some(scale) = &tensors.scale {
            session.write(scale, ScaleState::initial().words());
        }
        store.initialize(&session, config.seed)?;
        objective.start(&session, &store)?;
        let rules = Rules { freeze: config.freeze_prototypes, betas: [config.beta1, config.beta2] };
        Ok(Self {
            session,
            store,
            objective,
            maker,
            train,
            evaluate,
            survey,
            tensors,
            rules,
            share,
            ranks: Arc::clone(ranks),
            step: 0,
            pending: None,
            reported: None,
            memory,
            dispatches,
        })
    }

    /// The device.
    #[must_use]
    pub fn gpu(&self) -> &Arc<Gpu> {
        self.session.gpu()
    }

    /// Dispatches a step.
    #[must_use]
    pub fn dispatches(&self) -> usize {
        self.dispatches
    }

    /// Bytes that a step moves.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.train.traffic()
    }

    /// Trained numbers.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.store.parameters().iter().map(|p| p.shape.iter().product::<usize>() as u64).sum()
    }

    /// Where the run stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { step: self.step, objective: self.objective.state() }
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// Tells the method where the run's landmarks lie: SwAV's queue starts at one. Without it, none ever comes.
    pub fn set_length(&mut self, length: &RunLength) {
        self.objective.set_length(length);
    }

    /// Submits one step on a batch and gives the report of the step before, so that the device never waits for the CPU.
    ///
    /// # Errors
    /// Crops that are not those of this network; what the driver reports.
    pub fn step<'a>(
        &mut self,
        batch: impl Into<Batch<'a>>,
        learning_rate: f64,
    ) -> Result<Option<StepReport>> {
        let batch = batch.into();
        let pictures = self.all_pictures(&batch)?;
        self.prepare(&pictures, learning_rate)?;
        self.train.submit(&self.session, &*self.ranks, |part| self.take(&batch, part))?;
        self.after_submit(&pictures)
    }

    /// The same with a time stamp around every dispatch.
    ///
    /// # Errors
    /// An adapter without time stamps; as [`Trainer::step`].
    pub fn profile_step<'a>(&mut self, batch: impl Into<Batch<'a>>, learning_rate: f64) -> Result<Profile> {
        if self.train.parts.is_some() {
            let reason = "a step in parts has no profile: profile one of them, with `batch` as large";
            return Err(Error::config("micro_batch", reason));
        }
        let batch = batch.into();
        self.prepare(batch.pictures, learning_rate)?;
        self.take(&batch, 0)?;
        let profile = self.session.profile(&self.train.whole)?;
        self.after_submit(batch.pictures)?;
        // It is done already, so that the time of its report says nothing.
        self.reported = None;
        Ok(profile)
    }

    fn prepare(&mut self, pictures: &[u32], learning_rate: f64) -> Result<()> {
        let step = self.step;
        let correction = |beta: f64, steps: u64| (1.0 - beta.powf(steps as f64)) as f32;
        let late = (step + 1).saturating_sub(self.rules.freeze).max(1);
        let [beta1, beta2] = self.rules.betas;
        let mut numbers = Step {
            learning_rate: learning_rate as f32,
            frozen: u32::from(step < self.rules.freeze),
            correction1: correction(beta1, step + 1),
            correction2: correction(beta2, step + 1),
            late_correction1: correction(beta1, late),
            late_correction2: correction(beta2, late),
            ..Step::default()
        };
        self.objective.prepare(&self.session, (step, pictures), &mut numbers)?;
        self.session.write(&self.tensors.step, numbers.words());
        Ok(())
    }

    fn after_submit(&mut self, pictures: &[u32]) -> Result<Option<StepReport>> {
        let fetch = self.session.fetch(&self.tensors.report);
        let previous = self.pending.replace(fetch);
        self.objective.advance(&self.session, (self.step, pictures))?;
        self.step += 1;
        previous.map(|fetch| self.report(fetch)).transpose()
    }

    /// The report of the last submitted step, once it is done.
    pub fn flush(&mut self) -> Result<Option<StepReport>> {
        self.objective.settle()?;
        self.pending.take().map(|fetch| self.report(fetch)).transpose()
    }

    fn report(&mut self, fetch: Fetch) -> Result<StepReport> {
        let values = fetch.wait()?;
        // From one report to the next the device did a step, and waited at the most.
        let now = Instant::now();
        // Parts are timed one by one.
        if let (Some(before), None) = (self.reported.replace(now), &self.train.parts) {
            self.session.learn(&self.train.whole, now - before);
        }
        let answers = self.objective.has_answers();
        Ok(StepReport::read(&values, &self.tensors.layout, answers, self.store.parameters()))
    }

    /// What a step is expected to take now, and in how many submissions.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        self.train.estimate(&self.session)
    }

    /// Submits every step in so many parts, whatever they take.
    #[doc(hidden)]
    pub fn submit_in(&self, parts: usize) {
        self.session.submit_in(parts);
    }

    /// The next step goes missing in part, as if a driver aborted it and said nothing.
    #[doc(hidden)]
    pub fn lose_part_of_step(&self, part: Loss) {
        self.session.lose(part);
    }

    /// The loss of a network that tells nothing apart, nats, where the method has one.
    #[must_use]
    pub fn chance(&self) -> Option<f64> {
        self.objective.chance()
    }

    /// K, the number of prototypes or clusters that the rows of codes name; 0 for a method without.
    #[must_use]
    pub fn prototype_count(&self) -> usize {
        self.objective.prototype_count()
    }
}
