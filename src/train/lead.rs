//! Rank 0 of several that train together, and what it tells the others to do.
//!
//! Rank 0 runs the loop, looks at its network, writes and prints. The others decide nothing: they wait for an [`Order`]
//! and do with their share of the pictures what rank 0 does with its own, so that every meeting within a step finds all
//! of them in the same place. With one rank an order is nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::ground::Ground;
use crate::error::{Error, Result};
use crate::interop::{HostTensor, ScalarType};
use crate::method::{Position, Trainer};
use crate::ranks::{self, Exchange};

/// What every rank does next.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Opens pictures and device, and makes a network.
    Open(Box<Opening>),
    /// Takes the network of rank 0, whatever it has been through: where it stands, and the names and shapes of the tensors
    /// that follow.
    Take(Position, Vec<(String, Vec<usize>)>),
    /// Looks at the next batch without training on it.
    Survey,
    /// Begins this epoch.
    Epoch(u64),
    /// Trains on the next batch, with a learning rate of these bits: text would round it.
    Step(u64),
    /// Names the pictures that it could not read.
    Unreadable,
    /// Ends.
    End,
}

/// What a run is made on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Opening {
    /// The settings, with everything decided that rank 0 decides, as TOML.
    pub(super) config: String,
    /// The epoch and the batch of it to begin with.
    pub(super) start: (u64, u64),
    /// What the pictures are: their names in order, and those that are trained on.
    pub(super) pictures: String,
}

impl Order {
    /// What rank 0 says next.
    pub(super) fn hear(ranks: &dyn Exchange) -> Result<Self> {
        let said = ranks::told(ranks, &[])?;
        serde_json::from_slice(&said)
            .map_err(|error| Error::Ranks(format!("rank 0 said what cannot be understood: {error}")))
    }
}

/// Rank 0 and the others.
#[derive(Debug)]
pub(super) struct Leader {
    ranks: Arc<dyn Exchange>,
    /// Whether the others are told to end when this is dropped.
    leads: AtomicBool,
}

impl Leader {
    pub(super) fn new(ranks: &Arc<dyn Exchange>) -> Self {
        Self { ranks: Arc::clone(ranks), leads: AtomicBool::new(ranks.size() > 1) }
    }

    pub(super) fn ranks(&self) -> &Arc<dyn Exchange> {
        &self.ranks
    }

    /// Whether there are others.
    pub(super) fn is_alone(&self) -> bool {
        self.ranks.size() == 1
    }

    fn say(&self, order: &Order) -> Result<()> {
        let text = serde_json::to_vec(order).map_err(|error| Error::Ranks(error.to_string()))?;
        ranks::told(&*self.ranks, &text).map(drop)
    }

    /// Has all ranks open what this one has opened, and make a network each.
    pub(super) fn open(
        &self,
        ground: &Ground,
        start: (u64, u64),
        own: impl FnOnce() -> Result<Trainer>,
    ) -> Result<Trainer> {
        if self.is_alone() {
            return own();
        }
        let (config, pictures) = (ground.config.to_toml(), ground.pictures());
        self.say(&Order::Open(Box::new(Opening { config, start, pictures })))?;
        ranks::agree(&*self.ranks, own())
    }

    /// Hands the network to all ranks.
    pub(super) fn hand_over(&self, trainer: &Trainer) -> Result<()> {
        if self.is_alone() {
            return Ok(());
        }
        // Counters follow from the position.
        let mut tensors = trainer.export()?;
        tensors.retain(|_, tensor| tensor.kind == ScalarType::F32);
        let shapes = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone()));
        self.say(&Order::Take(trainer.position(), shapes.collect()))?;
        for tensor in tensors.values_mut() {
            self.ranks.broadcast(0, bytemuck::cast_slice_mut(&mut tensor.data))?;
        }
        Ok(())
    }

    /// Has every rank take its share of a batch, and once all of them have, do `work` with it.
    pub(super) fn with_batch<T>(&self, order: &Order, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.is_alone() {
            return work();
        }
        self.say(order)?;
        ranks::agree(&*self.ranks, Ok(()))?;
        // Whoever fails from here on leaves others in the middle of a meeting.
        work().inspect_err(|error| {
            self.leads.store(false, Ordering::Relaxed);
            self.ranks.leave(&error.to_string());
        })
    }

    /// Has every rank do what each does by itself.
    pub(super) fn each(&self, order: &Order) -> Result<()> {
        if self.is_alone() { Ok(()) } else { self.say(order) }
    }

    /// The pictures that other ranks could not read.
    pub(super) fn unreadable(&self) -> Result<BTreeMap<u32, String>> {
        if self.is_alone() {
            return Ok(BTreeMap::new());
        }
        self.say(&Order::Unreadable)?;
        let said = ranks::say(&*self.ranks, "")?;
        let lists =
            said.iter().map(|list| serde_json::from_str::<Vec<(u32, String)>>(list).unwrap_or_default());
        Ok(lists.flatten().collect())
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if *self.leads.get_mut() {
            // Where even that fails, there is nobody left to hear it.
            drop(self.say(&Order::End));
        }
    }
}

/// The tensors that follow an order to take them.
pub(super) fn receive(
    ranks: &dyn Exchange,
    shapes: Vec<(String, Vec<usize>)>,
) -> Result<BTreeMap<String, HostTensor>> {
    let one = |(name, shape): (String, Vec<usize>)| {
        let mut data = vec![0.0f32; shape.iter().product()];
        ranks.broadcast(0, bytemuck::cast_slice_mut(&mut data))?;
        Ok((name, HostTensor::new(shape, data)))
    };
    shapes.into_iter().map(one).collect()
}
