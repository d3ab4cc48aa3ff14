//! What a checkpoint holds of a trainer, and how a trainer goes on from it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Position, Trainer};
use crate::error::{Error, Result};
use crate::interop::HostTensor;

/// The name of the loss scale's state (`ops::loss_scale`).
const SCALE: &str = "loss_scale";

impl Trainer {
    /// Everything a checkpoint holds: weights under their torchvision names, running estimates,
    /// PyTorch's counters, moments, the queue `[A, L, D]`, newest row first, and with half precision the
    /// state of the loss scale.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn export(&self) -> Result<BTreeMap<String, HostTensor>> {
        let mut tensors = self.store.export(&self.session)?;
        tensors.extend(self.counters());
        if let Some(queue) = &self.tensors.queue {
            let rows = self.rules.queue as usize;
            let (crops, dim) = (queue.shape.rows() as usize / rows, queue.shape.channels as usize);
            let stored = self.session.read(queue)?;
            let row_floats = queue.shape.quads() as usize * 4;
            let mut data = Vec::with_capacity(crops * rows * dim);
            for crop in 0..crops {
                for row in 0..rows {
                    let at = crop * rows + (row + self.position.queue_cursor as usize) % rows;
                    data.extend_from_slice(&stored[at * row_floats..at * row_floats + dim]);
                }
            }
            tensors.insert("queue".into(), HostTensor::new([crops, rows, dim], data));
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
        let step = self.position.step;
        let resolutions = self.tensors.crops.len() as u64;
        self.store.names().into_iter().filter_map(move |(name, _)| {
            let norm = name.strip_suffix(".running_mean")?;
            let passes = if norm.starts_with("projection_head.") { 1 } else { resolutions };
            Some((format!("{norm}.num_batches_tracked"), HostTensor::counter(step * passes)))
        })
    }

    /// Continues from what [`Trainer::export`] gave at `position`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn import(&mut self, tensors: &BTreeMap<String, HostTensor>, position: Position) -> Result<()> {
        self.store.import(&self.session, tensors)?;
        if let (Some(queue), Some(found)) = (&self.tensors.queue, tensors.get("queue")) {
            let rows = self.rules.queue as usize;
            let (crops, dim) = (queue.shape.rows() as usize / rows, queue.shape.channels as usize);
            if found.shape != [crops, rows, dim] {
                let reason =
                    format!("the queue has shape {:?}, this run wants {:?}", found.shape, [crops, rows, dim]);
                return Err(Error::Checkpoint { path: Path::new("queue").into(), reason });
            }
            // Rows go back to where they lay: sums then run in the same order, to the last bit.
            let row_floats = queue.shape.quads() as usize * 4;
            let mut stored = vec![0.0; crops * rows * row_floats];
            for (index, values) in found.data.chunks_exact(dim).enumerate() {
                let at = index / rows * rows + (index % rows + position.queue_cursor as usize) % rows;
                stored[at * row_floats..at * row_floats + dim].copy_from_slice(values);
            }
            self.session.write(queue, &stored);
            self.session.settle()?;
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
        self.position = position;
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
        if let Some(queue) = &self.tensors.queue {
            let rows = self.rules.queue as usize;
            let shape = vec![queue.shape.rows() as usize / rows, rows, queue.shape.channels as usize];
            wanted.push(("queue".into(), shape));
        }
        if let Some(scale) = &self.tensors.scale {
            wanted.push((SCALE.into(), vec![scale.shape.values()]));
        }
        wanted
    }
}
