//! MoCo v2 (arXiv 2003.04297): a crop must find the key of its picture, made by a slowly following network of another
//! crop, among a long queue of old keys.
//!
//! key network follows → trunk and head on the queries; key network on crop 1 → InfoNCE over the queue → gradients → the
//! keys go into the queue. The official code has one query a picture, crop 0. With more crops all but the key's own are
//! queries: as in multi-crop of others, small crops only go through the network that is trained.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::objective::{Kept, Objective, Outcome, Stage, parts, pictures};
use super::part::Part;
use super::target::Target;
use crate::config::Config;
use crate::error::Result;
use crate::gpu::{Arena, Plan, Session, Tensor, Usage};
use crate::model::{HeadSpec, Projection, Store};
use crate::ops::batch_norm::Together;
use crate::ops::conv2d::Filter;
use crate::ops::{Step, contrast, weights};
use crate::rng::{Purpose, Stream};

/// The crop whose keys are searched for.
const KEY: usize = 1;

/// The head, the key network and the queue.
#[derive(Debug)]
pub(super) struct Moco {
    projection: Projection,
    target: Target,
    batch: u32,
    crops: usize,
    temperature: f32,
    momentum: f64,
    seed: u64,
    /// The queue as the weights of a linear layer.
    ring: Filter,
    queue: Option<Tensor>,
    /// The queue's row of the next keys.
    cursor: u64,
}

impl Moco {
    pub(super) fn new(config: &Config, store: &mut Store, features: u32) -> Self {
        let rows = config.queue_rows() as u32;
        Self {
            projection: Projection::new(store, features, &HeadSpec::of_config(config, 0)),
            target: Target::new(config, store, true),
            batch: config.batch as u32,
            crops: config.crop_count(),
            temperature: config.temperature as f32,
            momentum: config.target_momentum,
            seed: config.seed,
            ring: Filter::linear(config.embedding as u32, rows),
            queue: None,
            cursor: 0,
        }
    }

    fn queue(&self) -> &Tensor {
        match &self.queue {
            Some(queue) => queue,
            None => unreachable!("a step is recorded before it is made"),
        }
    }
}

impl Objective for Moco {
    fn share_statistics(&mut self, together: Together) {
        self.target.share_statistics(together);
    }

    fn forwarded(&self, crops: &[Tensor]) -> Vec<Tensor> {
        let queries: Vec<usize> = (0..self.crops).filter(|&crop| crop != KEY).collect();
        parts(crops, pictures(crops, self.crops), &queries)
    }

    fn lease(&mut self, arena: &Arc<Arena>) {
        self.target.lease(arena);
    }

    fn target(&self) -> Option<&Store> {
        Some(self.target.store())
    }

    fn record_begin(&self, plan: &mut Plan, store: &Store) -> Result<()> {
        self.target.follow(plan, store)
    }

    fn record_part(&mut self, plan: &mut Plan, part: &Part<'_>) -> Result<()> {
        plan.scope("target");
        self.target.forward_part(plan, part, &parts(part.crops, part.size, &[KEY]))
    }

    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome> {
        let Stage { arena, store, features, crops, step } = stage;
        let queue = arena.lease(self.ring.panels(), Usage::Storage, "queue");
        let keys = self.target.forward(plan, &parts(crops, pictures(crops, self.crops), &[KEY]))?;
        let head = &self.projection.head;
        let (q, saved) = head.forward(plan, store, &features)?;
        drop(features);
        plan.scope("loss");
        let (dq, losses) = contrast::queue(plan, &q, &keys, &self.ring, &queue, self.temperature)?;
        plan.scope("queue");
        contrast::push(plan, &keys, &self.ring, &queue, step)?;
        drop(keys);
        let dfeatures = head.backward(plan, store, saved, &dq)?;
        self.queue = Some(queue);
        Ok(Outcome { dfeatures, losses, rows: None, embeddings: q, codes: None })
    }

    /// The key network begins as a copy, and the queue with random keys.
    fn start(&self, session: &Session, store: &Store) -> Result<()> {
        self.target.copy(session, store)?;
        let (rows, dim) = (self.ring.filters as usize, self.ring.channels as usize);
        let mut random = Stream::new(self.seed, Purpose::Weights, &[u64::MAX]);
        let row = |_| {
            let row: Vec<f64> = (0..dim).map(|_| random.normal()).collect();
            let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
            row.into_iter().map(move |value| (value / length) as f32).collect::<Vec<_>>()
        };
        let keys: Vec<f32> = (0..rows).flat_map(row).collect();
        session.write(self.queue(), &weights::pack(&self.ring, &keys));
        session.settle()
    }

    fn prepare(&mut self, session: &Session, _: (u64, &[u32]), numbers: &mut Step) -> Result<()> {
        self.target.keep(session, self.momentum);
        numbers.queue_cursor = self.cursor as u32;
        Ok(())
    }

    fn advance(&mut self, _: &Session, _: (u64, &[u32])) -> Result<()> {
        self.cursor = (self.cursor + u64::from(self.batch)) % u64::from(self.ring.filters);
        Ok(())
    }

    /// The key is as likely as any row of the queue.
    fn chance(&self) -> Option<f64> {
        Some(f64::from(self.ring.filters).ln_1p())
    }

    fn has_answers(&self) -> bool {
        true
    }

    fn projection(&self) -> Option<&Projection> {
        Some(&self.projection)
    }

    fn kept(&self) -> Vec<Kept<'_>> {
        let queue = Kept::Weights { name: "queue", tensor: self.queue(), filter: &self.ring };
        vec![queue, Kept::Network { prefix: "target.", store: self.target.store() }]
    }

    fn state(&self) -> Map<String, Value> {
        Map::from_iter([("queue_cursor".to_owned(), json!(self.cursor))])
    }

    fn restore(&mut self, state: &Map<String, Value>) -> Result<(), String> {
        let cursor = state.get("queue_cursor").and_then(Value::as_u64).ok_or("`queue_cursor` is missing")?;
        self.cursor = cursor % u64::from(self.ring.filters);
        Ok(())
    }
}
