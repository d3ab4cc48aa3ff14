//! BYOL (arXiv 2006.07733): from each crop, predict what a slowly following network makes of the picture's other crops.
//!
//! online network and predictor on all crops; target network on the assignment crops → cosine regression → gradients →
//! update → the target follows.

use std::sync::Arc;

use super::objective::{Kept, Objective, Outcome, Stage, parts, pictures};
use super::part::Part;
use super::target::Target;
use crate::config::{Config, RunLength};
use crate::error::Result;
use crate::gpu::{Arena, Plan, Session};
use crate::model::{HeadSpec, Mlp, MlpSpec, Projection, Store};
use crate::ops::batch_norm::Together;
use crate::ops::{Step, normalize, optimizer, regression};

/// The heads, the predictor and the target.
#[derive(Debug)]
pub(super) struct Byol {
    projection: Projection,
    predictor: Mlp,
    target: Target,
    batch: u32,
    crops: usize,
    /// The crops that the target sees.
    assign: Vec<usize>,
    /// The first share that the target keeps, τ; it rises to 1.
    base: f64,
    /// How long the run is, once that is known.
    length: Option<RunLength>,
}

impl Byol {
    pub(super) fn new(config: &Config, store: &mut Store, features: u32) -> Self {
        let spec = HeadSpec::of_config(config, 0);
        // The predictor reads what the head makes before it has unit length.
        let projection = Projection { head: spec.mlp(store, features, false), prototypes: None };
        let target = Target::new(config, store, false);
        let (hidden, out) = (config.predictor as u32, config.embedding as u32);
        let predictor = MlpSpec { name: "predictor", hidden, out, norm: true, unit: false };
        Self {
            projection,
            predictor: Mlp::new(store, out, &predictor),
            target,
            batch: config.batch as u32,
            crops: config.crop_count(),
            assign: config.assign.clone(),
            base: config.target_momentum,
            length: None,
        }
    }

    /// The share that the target keeps after step `step`: a cosine from the first to 1.
    fn share(&self, step: u64) -> f64 {
        let done = |length: &RunLength| length.place(step) / length.at_first().max(1) as f64;
        optimizer::follow_rate(self.base, 1.0, self.length.as_ref().map_or(0.0, done))
    }
}

impl Objective for Byol {
    fn share_statistics(&mut self, together: Together) {
        self.target.share_statistics(together);
    }

    fn lease(&mut self, arena: &Arc<Arena>) {
        self.target.lease(arena);
    }

    fn target(&self) -> Option<&Store> {
        Some(self.target.store())
    }

    fn record_part(&mut self, plan: &mut Plan, part: &Part<'_>) -> Result<()> {
        plan.scope("target");
        self.target.forward_part(plan, part, &parts(part.crops, part.size, &self.assign))
    }

    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome> {
        let Stage { store, features, crops, .. } = stage;
        let head = &self.projection.head;
        let (y, head_saved) = head.forward(plan, store, &features)?;
        drop(features);
        let (p, predictor_saved) = self.predictor.forward(plan, store, &y)?;
        plan.scope("target");
        let targets = self.target.forward(plan, &parts(crops, pictures(crops, self.crops), &self.assign))?;
        plan.scope("loss");
        let assigned = self.assign.iter().fold(0, |bits, &crop| bits | 1 << crop);
        let (dp, losses) = regression::forward_backward(plan, &p, &targets, self.batch, assigned)?;
        drop((p, targets));
        let embeddings = normalize::forward(plan, &y)?;
        let dy = self.predictor.backward(plan, store, predictor_saved, &dp)?;
        let dfeatures = head.backward(plan, store, head_saved, &dy)?;
        Ok(Outcome { dfeatures, losses, rows: None, embeddings, codes: None })
    }

    fn record_end(&self, plan: &mut Plan, store: &Store) -> Result<()> {
        self.target.follow(plan, store)
    }

    fn start(&self, session: &Session, store: &Store) -> Result<()> {
        self.target.copy(session, store)
    }

    fn set_length(&mut self, length: &RunLength) {
        self.length = Some(length.clone());
    }

    fn prepare(&mut self, session: &Session, (step, _): (u64, &[u32]), _: &mut Step) -> Result<()> {
        self.target.keep(session, self.share(step));
        Ok(())
    }

    /// The loss falls to 0 where all embeddings are one: it says nothing about learning, the spread does.
    fn chance(&self) -> Option<f64> {
        None
    }

    fn projection(&self) -> Option<&Projection> {
        Some(&self.projection)
    }

    fn kept(&self) -> Vec<Kept<'_>> {
        vec![Kept::Network { prefix: "target.", store: self.target.store() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Method, Preset};

    #[test]
    fn the_target_stands_still_at_the_end_and_after_it() {
        let config = Config::from_recipe(Preset::Demo, Method::Byol).unwrap();
        let mut byol = Byol::new(&config, &mut Store::new(1 << 27), 128);
        // Until somebody says how long the run is, it follows as at the first step.
        assert_eq!(byol.share(1000), 0.99);
        byol.set_length(&RunLength { total: 200, ..RunLength::default() });
        let found = [0, 50, 100, 200, 201, 300].map(|step| byol.share(step));
        let half = 0.99 + 0.01 * 0.5 * (1.0 - 0.5f64.sqrt());
        for (found, right) in found.iter().zip([0.99, half, 0.995, 1.0, 1.0, 1.0]) {
            assert!((found - right).abs() < 1e-12, "{found} in place of {right}");
        }
    }
}
