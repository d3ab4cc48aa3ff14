//! A bench for single operations: uploads, records, runs, reads back.

use std::sync::Arc;

use super::layout::to_nhwc4;
use crate::error::Result;
use crate::gpu::{Arena, Gpu, Plan, Replay, Session, ShaderParams as _, Shape, Tensor, Usage};
use crate::ops::Step;

/// Records on `plan`; `run` allocates, uploads and submits.
pub struct Lab {
    /// What is recorded so far.
    pub plan: Plan,
    arena: Arc<Arena>,
    gpu: Arc<Gpu>,
    uploads: Vec<(Tensor, Vec<f32>)>,
}

/// What is recorded, with memory: ready to be submitted any number of times.
pub struct Ready {
    /// The memory.
    pub session: Session,
    /// The commands.
    pub replay: Replay,
    uploads: Vec<(Tensor, Vec<f32>)>,
}

impl Lab {
    /// Nothing recorded yet.
    pub fn new(gpu: &Arc<Gpu>) -> Self {
        let arena = Arc::new(Arena::default());
        Self { plan: Plan::new(gpu, &arena), arena, gpu: Arc::clone(gpu), uploads: Vec::new() }
    }

    /// A tensor that holds `data` (already padded) when the plan runs.
    pub fn upload(&mut self, shape: Shape, data: Vec<f32>) -> Tensor {
        assert_eq!(data.len(), shape.values(), "{shape:?}");
        let tensor = self.arena.lease(shape, Usage::Storage, "upload");
        self.uploads.push((tensor.clone(), data));
        tensor
    }

    /// A vector, padded here.
    pub fn vector(&mut self, data: &[f32]) -> Tensor {
        self.matrix(1, data.len(), data)
    }

    /// A matrix, its rows padded here.
    pub fn matrix(&mut self, rows: usize, columns: usize, data: &[f32]) -> Tensor {
        let padded = to_nhwc4(&[rows, columns], data);
        self.upload(Shape::matrix(rows as u32, columns as u32), padded)
    }

    /// Words that a kernel reads as `u32`, four a row.
    pub fn words(&mut self, words: &[u32]) -> Tensor {
        let data = words.iter().map(|&w| f32::from_bits(w)).collect();
        self.upload(Shape::matrix(words.len() as u32 / 4, 4), data)
    }

    /// A tensor of zeros.
    pub fn zeros(&mut self, shape: Shape) -> Tensor {
        self.upload(shape, vec![0.0; shape.values()])
    }

    /// The small buffer of a step.
    pub fn step(&mut self, step: Step) -> Tensor {
        let tensor = self.arena.lease(Step::shape(), Usage::Uniform, "step");
        self.uploads.push((tensor.clone(), step.words().to_vec()));
        tensor
    }

    /// Gives the plan memory.
    ///
    /// # Errors
    /// More than the adapter has; what the driver reports.
    pub fn ready(self) -> Result<Ready> {
        let session = Session::allocate(&self.gpu, &self.arena)?;
        let replay = session.bind(self.plan)?;
        Ok(Ready { session, replay, uploads: self.uploads })
    }

    /// Runs the plan once.
    ///
    /// # Errors
    /// More than the adapter has; what the driver reports.
    pub fn run(self) -> Result<Session> {
        let ready = self.ready()?;
        ready.submit()?;
        Ok(ready.session)
    }

    /// Runs twice on the same memory and reads `results` each time.
    ///
    /// Results start as NaN, so that what no kernel writes shows, and the second run finds the
    /// intermediates of the first, as every step of a training run does.
    ///
    /// # Errors
    /// More than the adapter has; what the driver reports.
    pub fn run_twice(self, results: &[&Tensor]) -> Result<[Vec<Vec<f32>>; 2]> {
        let ready = self.ready()?;
        let once = || -> Result<Vec<Vec<f32>>> {
            for tensor in results {
                ready.session.write(tensor, &vec![f32::NAN; tensor.shape.values()]);
            }
            ready.submit()?;
            results.iter().map(|tensor| ready.session.read(tensor)).collect()
        };
        Ok([once()?, once()?])
    }
}

impl Ready {
    /// Uploads the inputs and submits the plan once.
    ///
    /// # Errors
    /// What the driver reported so far.
    pub fn submit(&self) -> Result<()> {
        for (tensor, data) in &self.uploads {
            self.session.write(tensor, data);
        }
        self.session.submit(&self.replay)
    }
}
