//! What a checkpoint holds of a trainer, and how a trainer goes on from it.

use std::collections::BTreeMap;
use std::path::Path;

use super::objective::Kept;
use super::{Position, Trainer};
use crate::error::{Error, Result};
use crate::gpu::{Session, Tensor};
use crate::interop::HostTensor;
use crate::ops::conv2d::Filter;
use crate::ops::weights;

/// The name of the loss scale's state (`ops::loss_scale`).
const SCALE: &str = "loss_scale";

impl Trainer {
    /// Everything a checkpoint holds: weights under their torchvision names, running estimates, PyTorch's counters,
    /// moments, what the method keeps (of SwAV the queue `[A, L, D]`, newest row first), and with half precision
    /// the state of the loss scale.
    pub fn export(&self) -> Result<BTreeMap<String, HostTensor>> {
        let mut tensors = self.store.export(&self.session)?;
        tensors.extend(self.counters());
        for kept in self.objective.kept() {
            kept.export(&self.session, &mut tensors)?;
        }
        if let Some(scale) = &self.tensors.scale {
            let state = self.session.read(scale)?;
            tensors.insert(SCALE.into(), HostTensor::new([state.len()], state));
        }
        Ok(tensors)
    }

    /// How often each batch norm has run, as PyTorch counts it and `load_state_dict` wants it: the
    /// trunk once per resolution and step, the head once per step. They follow from the position, so
    /// a file need not have them.
    fn counters(&self) -> impl Iterator<Item = (String, HostTensor)> {
        let step = self.step;
        let resolutions = self.objective.forwarded(&self.tensors.crops).len() as u64;
        self.store.names().into_iter().filter_map(move |(name, _)| {
            let norm = name.strip_suffix(".running_mean")?;
            let is_of_trunk = norm == "bn1" || norm.starts_with("layer");
            let passes = if is_of_trunk { resolutions } else { 1 };
            Some((format!("{norm}.num_batches_tracked"), HostTensor::counter(step * passes)))
        })
    }

    /// Continues from what [`Trainer::export`] gave at `position`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn import(&mut self, tensors: &BTreeMap<String, HostTensor>, position: &Position) -> Result<()> {
        self.store.import(&self.session, tensors)?;
        // First, because where rows lie is part of it.
        let wrong = |reason| Error::Checkpoint { path: Path::new("position").into(), reason };
        self.objective.restore(&position.objective).map_err(wrong)?;
        for kept in self.objective.kept() {
            kept.import(&self.session, tensors)?;
        }
        self.objective.recall(tensors)?;
        if let (Some(scale), Some(found)) = (&self.tensors.scale, tensors.get(SCALE)) {
            let want = scale.shape.values();
            if found.data.len() != want {
                let reason = format!("its state has {} values, this program wants {want}", found.data.len());
                return Err(Error::Checkpoint { path: Path::new(SCALE).into(), reason });
            }
            self.session.write(scale, &found.data);
            self.session.settle()?;
        }
        self.step = position.step;
        self.pending = None;
        Ok(())
    }

    /// Takes those of `tensors` that are weights of this network in the right shape; the others keep what
    /// the seed gave them. The position stays at the beginning.
    pub fn start_from(&mut self, tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
        let mut all = self.store.export(&self.session)?;
        for (name, own) in &mut all {
            if let Some(found) = tensors.get(name).filter(|found| found.shape == own.shape) {
                own.data.clone_from(&found.data);
            }
        }
        self.store.import(&self.session, &all)?;
        self.objective.start(&self.session, &self.store)
    }

    /// Names and shapes of everything that a checkpoint must hold to go on from it.
    #[must_use]
    pub fn wanted_tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut wanted = self.store.names();
        wanted.extend(self.objective.kept().iter().flat_map(Kept::wanted));
        if let Some(scale) = &self.tensors.scale {
            wanted.push((SCALE.into(), vec![scale.shape.values()]));
        }
        wanted
    }
}

impl Kept<'_> {
    /// Names and shapes in a checkpoint.
    fn wanted(&self) -> Vec<(String, Vec<usize>)> {
        match *self {
            Self::Rings { name, tensor, rings, .. } => {
                vec![(name.into(), ring_shape(tensor, rings).to_vec())]
            }
            Self::Weights { name, filter, .. } => vec![(name.into(), weights_shape(filter).to_vec())],
            Self::Host { ref name, ref tensor } => vec![(name.clone(), tensor.shape.clone())],
            Self::Network { prefix, store } => {
                store.names().into_iter().map(|(name, shape)| (format!("{prefix}{name}"), shape)).collect()
            }
        }
    }

    /// The most that is read from the device at once to write it.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Rings { tensor, .. } | Self::Weights { tensor, .. } => tensor.shape.bytes(),
            Self::Network { store, .. } => store.transfer_bytes(),
            Self::Host { .. } => 0,
        }
    }

    fn export(&self, session: &Session, into: &mut Tensors) -> Result<()> {
        match *self {
            Self::Rings { name, tensor, rings, first } => {
                let (stored, shape) = (session.read(tensor)?, ring_shape(tensor, rings));
                let row = |at: usize| &stored[at..at + shape[2]];
                let data = ring_places(tensor, rings, first).flat_map(row).copied().collect();
                into.insert(name.into(), HostTensor::new(shape, data));
            }
            Self::Weights { name, tensor, filter } => {
                let data = weights::unpack(filter, &session.read(tensor)?);
                into.insert(name.into(), HostTensor::new(weights_shape(filter), data));
            }
            Self::Network { prefix, store } => {
                let tensors = store.export(session)?.into_iter();
                into.extend(tensors.map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
            }
            Self::Host { ref name, ref tensor } => {
                into.insert(name.clone(), tensor.clone());
            }
        }
        Ok(())
    }

    fn import(&self, session: &Session, from: &Tensors) -> Result<()> {
        match *self {
            Self::Rings { name, tensor, rings, first } => {
                let Some(found) = from.get(name) else { return Ok(()) };
                let shape = ring_shape(tensor, rings);
                expect(name, found, &shape)?;
                // Rows go back to where they lay: sums then run in the same order, to the last bit.
                let mut stored = vec![0.0; (tensor.shape.bytes() / 4) as usize];
                for (values, at) in found.data.chunks_exact(shape[2]).zip(ring_places(tensor, rings, first)) {
                    stored[at..at + values.len()].copy_from_slice(values);
                }
                session.write(tensor, &stored);
                session.settle()
            }
            Self::Weights { name, tensor, filter } => {
                let Some(found) = from.get(name) else { return Ok(()) };
                expect(name, found, &weights_shape(filter))?;
                session.write(tensor, &weights::pack(filter, &found.data));
                session.settle()
            }
            Self::Network { prefix, store } => {
                let own = |(name, tensor): (&String, &HostTensor)| {
                    Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone()))
                };
                let found: Tensors = from.iter().filter_map(own).collect();
                if found.is_empty() { Ok(()) } else { store.import(session, &found) }
            }
            Self::Host { .. } => Ok(()),
        }
    }
}

type Tensors = BTreeMap<String, HostTensor>;

fn expect(name: &str, found: &HostTensor, shape: &[usize]) -> Result<()> {
    if found.shape == shape {
        return Ok(());
    }
    let reason = format!("the {name} has shape {:?}, this run wants {shape:?}", found.shape);
    Err(Error::Checkpoint { path: Path::new(name).into(), reason })
}

fn weights_shape(filter: &Filter) -> [usize; 2] {
    [filter.filters as usize, filter.channels as usize]
}

fn ring_shape(tensor: &Tensor, rings: usize) -> [usize; 3] {
    [rings, tensor.shape.rows() as usize / rings, tensor.shape.channels as usize]
}

/// Where each row of the file lies on the device, in floats.
fn ring_places(tensor: &Tensor, rings: usize, first: usize) -> impl Iterator<Item = usize> {
    let [_, rows, _] = ring_shape(tensor, rings);
    let stride = tensor.shape.quads() as usize * 4;
    (0..rings * rows).map(move |at| (at / rows * rows + (at % rows + first) % rows) * stride)
}
