//! SwAV (arXiv 2006.09882), one step as the official `main_swav.py` makes it, recorded once and replayed.
//!
//! normalise prototypes → trunk once per resolution → head once on all crops → scores → codes of the
//! assignment crops (with the queue) → swapped loss → gradients → update → queue → report.

mod augmentation;
mod checkpoint;
pub(super) mod evaluation;
pub(super) mod inference;
mod memory;
mod network;
mod recording;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::Result;
use crate::eval::Features;
use crate::gpu::{Estimate, Fetch, Gpu, Profile, Replay, Session, Tensor, Traffic};
use crate::interop::HostTensor;
use crate::model::Store;
use crate::ops::{Step, loss_scale};
use augmentation::CropMaker;
pub use augmentation::{Crop, CropBench, Kind, Pictures, picture_room};
pub use evaluation::best_prototypes;
pub use inference::{Inference, Seen, views_at_once};
pub use memory::MemoryUse;
pub use network::{Fit, HeadSpec, NetworkSpec, adapt_stem};
use recording::Recorded;
pub use report::{Scaling, StepReport};

/// Where a run stands: everything besides the tensors that the next step depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Steps done.
    pub step: u64,
    /// Queue row of the newest entry.
    pub queue_cursor: u64,
    /// Queue rows filled since the queue started; the queue is used once all are.
    pub queue_filled: u64,
    /// Whether the queue's start epoch has come.
    pub queue_started: bool,
}

/// The settings that matter between steps.
#[derive(Clone, Copy, Debug)]
struct Rules {
    batch: u64,
    queue: u64,
    freeze: u64,
    betas: [f64; 2],
}

/// A model in training: device memory, recorded plans and the position.
#[derive(Debug)]
pub struct Trainer {
    session: Session,
    store: Store,
    maker: Option<CropMaker>,
    train: Replay,
    evaluate: Replay,
    tensors: Tensors,
    rules: Rules,
    position: Position,
    pending: Option<(u64, Fetch)>,
    /// When the last report came.
    reported: Option<Instant>,
    memory: MemoryUse,
    dispatches: usize,
}

/// The tensors that the CPU writes or reads.
#[derive(Debug)]
struct Tensors {
    crops: Vec<Tensor>,
    step: Tensor,
    /// The state of the loss scale, with half precision.
    scale: Option<Tensor>,
    report: Tensor,
    layout: crate::ops::report::Layout,
    queue: Option<Tensor>,
    looking: evaluation::Looking,
    codes: Tensor,
    embeddings: Tensor,
}

impl Trainer {
    /// Records the plans, takes the memory, and draws the initial weights from the seed.
    ///
    /// # Errors
    /// A run that does not fit the adapter; what the driver reports.
    pub fn new(gpu: &Arc<Gpu>, config: &Config) -> Result<Self> {
        let facts = gpu.facts();
        Self::with_shards(gpu, config, facts.max_binding_bytes.min(facts.max_buffer_bytes))
    }

    /// The same with parameters in shards of at most `shard_bytes`, as an adapter wants them that
    /// binds no more at once. What is computed is the same to the last bit.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn with_shards(gpu: &Arc<Gpu>, config: &Config, shard_bytes: u64) -> Result<Self> {
        let recorded = recording::record(gpu, config, shard_bytes)?;
        let Recorded { store, arena, maker, train, evaluate, tensors, queue_rows } = recorded;
        let dispatches = train.dispatches() + maker.as_ref().map_or(0, augmentation::Recorded::dispatches);
        let session = Session::allocate(gpu, &arena)?;
        let maker = maker.map(|maker| maker.bind(&session)).transpose()?;
        let train = session.bind(train)?;
        let evaluate = session.bind(evaluate)?;
        let memory = MemoryUse::of(&arena, &[&train, &evaluate], maker.as_ref(), &store, &tensors);
        if let Some(scale) = &tensors.scale {
            session.write(scale, &loss_scale::initial());
        }
        store.initialize(&session, config.seed)?;
        let rules = Rules {
            batch: config.batch as u64,
            queue: u64::from(queue_rows),
            freeze: config.freeze_prototypes,
            betas: [config.beta1, config.beta2],
        };
        let position = Position::default();
        Ok(Self {
            session,
            store,
            maker,
            train,
            evaluate,
            tensors,
            rules,
            position,
            pending: None,
            reported: None,
            memory,
            dispatches,
        })
    }

    /// Device memory that the run takes.
    #[must_use]
    pub fn memory(&self) -> MemoryUse {
        self.memory
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
        self.position
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.position.step
    }

    /// From the next step on, embeddings go into the queue. Calling it again changes nothing.
    pub fn start_queue(&mut self) {
        self.position.queue_started = true;
    }

    /// Whether the queue takes part in the next step: it is full.
    #[must_use]
    pub fn queue_in_use(&self) -> bool {
        self.position.queue_started && self.rules.queue > 0 && self.position.queue_filled >= self.rules.queue
    }

    /// Submits one step on `groups` (one per resolution: view-major rows of `[s, s, 4]` pixels; none
    /// where [`Trainer::make_crops`] has made them) and gives the report of the step before, so that the
    /// device never waits for the CPU.
    ///
    /// # Errors
    /// Crops that are not those of this network; what the driver reports.
    pub fn step(&mut self, groups: &[Vec<f32>], learning_rate: f64) -> Result<Option<StepReport>> {
        self.write_inputs(groups, learning_rate)?;
        self.session.submit(&self.train)?;
        self.after_submit()
    }

    /// The same with a time stamp around every dispatch.
    ///
    /// # Errors
    /// An adapter without time stamps; as [`Trainer::step`].
    pub fn profile_step(&mut self, groups: &[Vec<f32>], learning_rate: f64) -> Result<Profile> {
        self.write_inputs(groups, learning_rate)?;
        let profile = self.session.profile(&self.train)?;
        self.after_submit()?;
        Ok(profile)
    }

    fn write_inputs(&mut self, groups: &[Vec<f32>], learning_rate: f64) -> Result<()> {
        self.check_groups(groups)?;
        for (tensor, data) in self.tensors.crops.iter().zip(groups) {
            self.session.write(tensor, data);
        }
        let Position { step, queue_cursor, .. } = self.position;
        let cursor = if self.rules.queue > 0 && self.position.queue_started {
            // The newest batch stands before what was the newest so far.
            (queue_cursor + self.rules.queue - self.rules.batch) % self.rules.queue
        } else {
            queue_cursor
        };
        let correction = |beta: f64, steps: u64| (1.0 - beta.powf(steps as f64)) as f32;
        let late = (step + 1).saturating_sub(self.rules.freeze).max(1);
        let [beta1, beta2] = self.rules.betas;
        let numbers = Step {
            learning_rate: learning_rate as f32,
            frozen: u32::from(step < self.rules.freeze),
            first_row: if self.queue_in_use() { 0 } else { self.rules.queue as u32 },
            queue_cursor: cursor as u32,
            correction1: correction(beta1, step + 1),
            correction2: correction(beta2, step + 1),
            late_correction1: correction(beta1, late),
            late_correction2: correction(beta2, late),
        };
        self.session.write(&self.tensors.step, numbers.words());
        if self.rules.queue > 0 && self.position.queue_started {
            self.position.queue_cursor = cursor;
            self.position.queue_filled =
                (self.position.queue_filled + self.rules.batch).min(self.rules.queue);
        }
        Ok(())
    }

    fn after_submit(&mut self) -> Result<Option<StepReport>> {
        let fetch = self.session.fetch(&self.tensors.report);
        let previous = self.pending.replace((self.position.step, fetch));
        self.position.step += 1;
        previous.map(|(step, fetch)| self.report(step, fetch)).transpose()
    }

    /// The report of the last submitted step, once it is done.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn flush(&mut self) -> Result<Option<StepReport>> {
        self.pending.take().map(|(step, fetch)| self.report(step, fetch)).transpose()
    }

    fn report(&mut self, step: u64, fetch: Fetch) -> Result<StepReport> {
        let values = fetch.wait()?;
        // From one report to the next the device did a step, and waited at the most.
        let now = Instant::now();
        if let Some(before) = self.reported.replace(now) {
            self.session.learn(&self.train, now - before);
        }
        Ok(StepReport::read(step, &values, &self.tensors.layout, self.store.parameters()))
    }

    /// What a step is expected to take now, and in how many submissions.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        self.session.estimate(&self.train)
    }

    /// Submits every step in so many parts, whatever they take.
    #[doc(hidden)]
    pub fn submit_in(&self, parts: usize) {
        self.session.submit_in(parts);
    }

    /// The next step goes missing in part, as if a driver aborted it and said nothing.
    #[doc(hidden)]
    pub fn lose_part_of_step(&self) {
        self.session.lose_last_part();
    }

    /// The prototypes as they are stored, `[K, D]`.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn prototypes(&self) -> Result<Features> {
        let Some(found) = self.store.export_one(&self.session, "prototypes.weight")? else {
            unreachable!("every model declares its prototypes")
        };
        Features::new(found.shape[0], found.shape[1], found.data)
    }

    /// Codes of the last step, `[A · batch, K]` with K padded to a multiple of four, and embeddings
    /// of all crops, `[V · batch, D]` likewise.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn codes_and_embeddings(&self) -> Result<(Vec<f32>, Vec<f32>)> {
        Ok((self.session.read(&self.tensors.codes)?, self.session.read(&self.tensors.embeddings)?))
    }

    /// The gradients of the last step by parameter name (before LARC), in PyTorch's shapes.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn gradients(&self) -> Result<BTreeMap<String, HostTensor>> {
        self.store.export_gradients(&self.session)
    }
}
