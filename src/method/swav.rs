//! SwAV (arXiv 2006.09882), as the official `main_swav.py` makes a step.
//!
//! normalise prototypes → head once on all crops → scores → codes of the assignment crops, balanced together with the
//! queue → swapped loss → gradients → the new embeddings go into the queue.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::objective::{Kept, Objective, Outcome, Stage};
use crate::config::{Config, RunLength};
use crate::error::Result;
use crate::gpu::{Plan, Session, Shape, Tensor, Usage};
use crate::model::{HeadSpec, Linear, Projection, Store};
use crate::ops::sinkhorn::Problem;
use crate::ops::{Step, conv2d, loss, normalize, queue, sinkhorn};

/// The head, the prototypes and the queue, with the settings of the loss.
#[derive(Debug)]
pub(super) struct Swav {
    projection: Projection,
    embedding: u32,
    problem: Problem,
    temperature: f32,
    queue: Option<Tensor>,
    filling: Filling,
    /// The first step whose embeddings go into the queue.
    queue_start: u64,
}

/// How far the queue is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Filling {
    /// Its row of the newest embedding.
    #[serde(rename = "queue_cursor")]
    cursor: u64,
    /// Rows filled since it was started; it takes part once all are.
    #[serde(rename = "queue_filled")]
    filled: u64,
    /// Whether embeddings go into it.
    #[serde(rename = "queue_started")]
    started: bool,
}

impl Swav {
    pub(super) fn new(config: &Config, store: &mut Store, features: u32) -> Self {
        let problem = Problem {
            // A batch replaces whole rows of it.
            queue: config.queue_rows() as u32,
            batch: config.batch as u32,
            assigned: config.assign.iter().fold(0, |bits, &crop| bits | 1 << crop),
            epsilon: config.epsilon as f32,
            iterations: config.sinkhorn_iterations,
        };
        Self {
            projection: Projection::new(store, features, &HeadSpec::of_config(config, config.prototypes)),
            embedding: config.embedding as u32,
            problem,
            temperature: config.temperature as f32,
            queue: None,
            filling: Filling::default(),
            queue_start: u64::MAX,
        }
    }

    fn prototypes(&self) -> &Linear {
        match &self.projection.prototypes {
            Some(prototypes) => prototypes,
            None => unreachable!("the settings of SwAV have prototypes"),
        }
    }

    /// Similarities of the queue's embeddings to the prototypes; any tensor where there is no queue.
    fn queue_scores(&self, plan: &mut Plan, store: &Store, scores: &Tensor) -> Result<Tensor> {
        let Some(queue) = &self.queue else { return Ok(scores.clone()) };
        plan.scope("queue");
        let staged = conv2d::stage(plan, queue);
        let prototypes = self.prototypes();
        conv2d::forward(plan, prototypes.filter(), &staged, &prototypes.weight(store))
    }

    fn is_started(&self, step: u64) -> bool {
        self.problem.queue > 0 && (self.filling.started || step >= self.queue_start)
    }

    /// The queue's row of the embeddings of step `step`: they stand before what was the newest so far.
    fn next_row(&self, step: u64) -> u64 {
        let (rows, batch) = (u64::from(self.problem.queue), u64::from(self.problem.batch));
        match self.is_started(step) {
            true => (self.filling.cursor + rows - batch) % rows,
            false => self.filling.cursor,
        }
    }
}

impl Objective for Swav {
    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome> {
        let Stage { arena, store, features, step, .. } = stage;
        let Problem { queue, batch, assigned, .. } = self.problem;
        if queue > 0 {
            let shape = Shape::matrix(assigned.count_ones() * queue, self.embedding);
            self.queue = Some(arena.lease(shape, Usage::Storage, "queue"));
        }
        let (head, prototypes) = (&self.projection.head, self.prototypes());
        plan.scope("prototypes");
        normalize::in_place(plan, prototypes.filter(), &prototypes.weight(store))?;
        let (z, head_saved) = head.forward(plan, store, &features)?;
        drop(features);
        let (scores, prototypes_saved) = prototypes.forward(plan, store, &z)?;

        // Codes, without gradient, then the loss.
        let queue_scores = self.queue_scores(plan, store, &scores)?;
        plan.scope("codes");
        let (codes, rows) = sinkhorn::codes(plan, &self.problem, &scores, &queue_scores, step)?;
        drop(queue_scores);
        plan.scope("loss");
        let (dscores, losses) =
            loss::forward_backward(plan, &scores, &codes, batch, assigned, self.temperature)?;
        drop(scores);

        let dz = prototypes.backward(plan, store, prototypes_saved, &dscores)?;
        drop(dscores);
        let dfeatures = head.backward(plan, store, head_saved, &dz)?;
        drop(dz);
        if let Some(queue) = &self.queue {
            plan.scope("queue");
            queue::push(plan, &z, queue, batch, assigned, step)?;
        }
        Ok(Outcome { dfeatures, losses, rows: Some(rows), embeddings: z, codes: Some(codes) })
    }

    fn chance(&self) -> Option<f64> {
        Some((self.prototype_count() as f64).ln())
    }

    fn prototype_count(&self) -> usize {
        self.prototypes().filter().filters as usize
    }

    fn projection(&self) -> Option<&Projection> {
        Some(&self.projection)
    }

    fn set_length(&mut self, length: &RunLength) {
        self.queue_start = length.queue_start;
    }

    fn prepare(&mut self, _session: &Session, (step, _): (u64, &[u32]), numbers: &mut Step) -> Result<()> {
        let rows = self.problem.queue;
        let in_use = self.filling.started && rows > 0 && self.filling.filled >= u64::from(rows);
        numbers.first_row = if in_use { 0 } else { rows };
        numbers.queue_cursor = self.next_row(step) as u32;
        Ok(())
    }

    fn advance(&mut self, _: &Session, (step, _): (u64, &[u32])) -> Result<()> {
        if self.is_started(step) {
            let filled = self.filling.filled + u64::from(self.problem.batch);
            self.filling = Filling {
                cursor: self.next_row(step),
                filled: filled.min(u64::from(self.problem.queue)),
                started: true,
            };
        }
        Ok(())
    }

    fn kept(&self) -> Vec<Kept<'_>> {
        let rings = self.problem.assigned.count_ones() as usize;
        let first = self.filling.cursor as usize;
        self.queue.iter().map(|tensor| Kept::Rings { name: "queue", tensor, rings, first }).collect()
    }

    fn state(&self) -> Map<String, Value> {
        match serde_json::to_value(self.filling) {
            Ok(Value::Object(state)) => state,
            _ => unreachable!("a struct of numbers is an object"),
        }
    }

    fn restore(&mut self, state: &Map<String, Value>) -> Result<(), String> {
        self.filling =
            serde_json::from_value(Value::Object(state.clone())).map_err(|error| error.to_string())?;
        Ok(())
    }
}
