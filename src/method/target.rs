//! A second network that is not trained: each of its parameters is an average over time of those that are (the target
//! network of BYOL, the key network of MoCo).

use super::part::Part;
use crate::config::Config;
use crate::error::Result;
use crate::gpu::{Arena, Plan, Session, Shape, Tensor, Usage};
use crate::interop::HostTensor;
use crate::model::{HeadSpec, Mlp, NetworkSpec, Store, Trunk};
use crate::ops::batch_norm::Together;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A trunk and a projection head that follow those in training.
#[derive(Debug)]
pub(super) struct Target {
    store: Store,
    trunk: Trunk,
    head: Mlp,
    /// How much of a parameter is kept, once recorded.
    rate: Option<Tensor>,
    /// The features of the whole batch, where it goes through in parts.
    features: Option<Tensor>,
}

impl Target {
    /// Declares the parameters, in the order of the network that they follow: `online` has them first.
    pub(super) fn new(config: &Config, online: &Store, unit: bool) -> Self {
        let mut store = online.sibling();
        let trunk = NetworkSpec::of_config(config).trunk(&mut store, false);
        let head = HeadSpec::of_config(config, 0).mlp(&mut store, trunk.features(), unit);
        Self { store, trunk, head, rate: None, features: None }
    }

    /// Has the trunk's batch norms take their statistics with those of other ranks.
    pub(super) fn share_statistics(&mut self, together: Together) {
        self.trunk.share_statistics(together);
    }

    /// Takes its memory.
    pub(super) fn lease(&mut self, arena: &Arc<Arena>) {
        self.store.lease(arena, 0);
        self.rate = Some(arena.lease(Shape::matrix(1, 4), Usage::Storage, "share that a target keeps"));
    }

    /// What it makes of some crops, without gradients; batch norms see them as in training, and its running estimates
    /// are its own. Of a batch in parts the crops have been seen already.
    pub(super) fn forward(&self, plan: &mut Plan, crops: &[Tensor]) -> Result<Tensor> {
        let features = match &self.features {
            Some(features) => features.clone(),
            None => self.look(plan, &self.store, crops)?,
        };
        Ok(self.head.forward(plan, &self.store, &features)?.0)
    }

    /// Sees the crops of a part.
    pub(super) fn forward_part(&mut self, plan: &mut Plan, part: &Part<'_>, crops: &[Tensor]) -> Result<()> {
        let Some(estimates) = part.target else { unreachable!("the method says that it has a target") };
        let found =
            estimates.of_part(plan, part.size as usize, |plan, store| self.look(plan, store, crops))?;
        part.keep(plan, &found, &mut self.features)
    }

    fn look(&self, plan: &mut Plan, store: &Store, crops: &[Tensor]) -> Result<Tensor> {
        let rows = crops.iter().map(|crop| crop.shape.images).sum();
        let features = plan.lease(Shape::matrix(rows, self.trunk.features()));
        let mut first = 0;
        for crop in crops {
            drop(self.trunk.forward(plan, store, crop, &features, first)?);
            first += crop.shape.images;
        }
        Ok(features)
    }

    /// Moves its parameters towards those of the network in training.
    pub(super) fn follow(&self, plan: &mut Plan, online: &Store) -> Result<()> {
        let Some(rate) = &self.rate else { unreachable!("memory is leased before anything is recorded") };
        plan.scope("target");
        self.store.follow(plan, online, rate)
    }

    /// Sets how much of each parameter the next move keeps.
    pub(super) fn keep(&self, session: &Session, share: f64) {
        if let Some(rate) = &self.rate {
            session.write_from(rate, 0, &[share as f32]);
        }
    }

    /// Begins as a copy of the network in training, running estimates included.
    pub(super) fn copy(&self, session: &Session, online: &Store) -> Result<()> {
        // For the tables of its chunks; the weights are overwritten.
        self.store.initialize(session, 0)?;
        let mut weights: BTreeMap<String, HostTensor> = online.export(session)?;
        let own: Vec<(String, Vec<usize>)> = self.store.names();
        weights.retain(|name, _| own.iter().any(|(known, _)| known == name));
        self.store.import(session, &weights)
    }

    /// Its parameters and running estimates.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }
}
