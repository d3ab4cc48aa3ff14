//! What a checkpoint holds of a trainer, and how a trainer goes on from it.

use std::collections::BTreeMap;
use std::path::Path;

use super::objective::Kept;
use super::{Position, Trainer};
use crate::error::{Error, Result};
use crate::gpu::Session;
use crate::interop::HostTensor;

/// The name of the loss scale's state (`ops::loss_scale`).
const SCALE: &str = "loss_scale";

impl Trainer {
    /// Everything a checkpoint holds: weights under their torchvision names, running estimates, PyTorch's counters,
    /// moments, what the method keeps (of SwAV the queue `[A, L, D]`, newest row first), and with half precision
    /// the state of the loss scale.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn export(&self) -> Result<BTreeMap<String, HostTensor>> {
        let mut tensors = self.store.export(&self.session)?;
        tensors.extend(self.counters());
        for kept in self.objective.kept() {
            tensors.insert(kept.name().into(), kept.read(&self.session)?);
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
        let resolutions = self.tensors.crops.len() as u64;
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
    pub fn import(&mut self, tensors: &BTreeMap<String, HostTensor>, position: Position) -> Result<()> {
        self.store.import(&self.session, tensors)?;
        // First, because where rows lie is part of it.
        let wrong = |reason| Error::Checkpoint { path: Path::new("position").into(), reason };
        self.objective.restore(&position.objective).map_err(wrong)?;
        for kept in self.objective.kept() {
            if let Some(found) = tensors.get(kept.name()) {
                kept.write(&self.session, found)?;
            }
        }
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
    ///
    /// # Errors
    /// What the driver reports.
    pub fn start_from(&mut self, tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
        let mut all = self.store.export(&self.session)?;
        for (name, own) in &mut all {
            if let Some(found) = tensors.get(name).filter(|found| found.shape == own.shape) {
                own.data.clone_from(&found.data);
            }
        }
        self.store.import(&self.session, &all)
    }

    /// Names and shapes of everything that a checkpoint must hold to go on from it.
    #[must_use]
    pub fn wanted_tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut wanted = self.store.names();
        wanted.extend(self.objective.kept().iter().map(|kept| (kept.name().into(), kept.shape())));
        if let Some(scale) = &self.tensors.scale {
            wanted.push((SCALE.into(), vec![scale.shape.values()]));
        }
        wanted
    }
}

impl Kept<'_> {
    /// The name in a checkpoint.
    fn name(&self) -> &'static str {
        let Self::Rings { name, .. } = *self;
        name
    }

    /// The shape in a checkpoint.
    fn shape(&self) -> Vec<usize> {
        let Self::Rings { tensor, rings, .. } = *self;
        vec![rings, tensor.shape.rows() as usize / rings, tensor.shape.channels as usize]
    }

    /// What is read from the device to write it.
    pub(super) fn bytes(&self) -> u64 {
        let Self::Rings { tensor, .. } = self;
        tensor.shape.bytes()
    }

    /// Where each row of the file lies on the device, in floats.
    fn places(&self) -> impl Iterator<Item = usize> {
        let Self::Rings { tensor, rings, first, .. } = *self;
        let rows = tensor.shape.rows() as usize / rings;
        let stride = tensor.shape.quads() as usize * 4;
        (0..rings * rows).map(move |at| (at / rows * rows + (at % rows + first) % rows) * stride)
    }

    fn read(&self, session: &Session) -> Result<HostTensor> {
        let Self::Rings { tensor, .. } = self;
        let (stored, shape) = (session.read(tensor)?, self.shape());
        let row = |at: usize| &stored[at..at + shape[2]];
        let data = self.places().flat_map(row).copied().collect();
        Ok(HostTensor::new(shape, data))
    }

    /// Rows go back to where they lay: sums then run in the same order, to the last bit.
    fn write(&self, session: &Session, found: &HostTensor) -> Result<()> {
        let Self::Rings { name, tensor, .. } = self;
        let shape = self.shape();
        if found.shape != shape {
            let reason = format!("the {name} has shape {:?}, this run wants {shape:?}", found.shape);
            return Err(Error::Checkpoint { path: Path::new(name).into(), reason });
        }
        let mut stored = vec![0.0; (tensor.shape.bytes() / 4) as usize];
        for (values, at) in found.data.chunks_exact(shape[2]).zip(self.places()) {
            stored[at..at + values.len()].copy_from_slice(values);
        }
        session.write(tensor, &stored);
        session.settle()
    }
}
