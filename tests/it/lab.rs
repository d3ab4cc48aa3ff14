//! A bench for single operations: uploads, records, runs once, reads back.

use std::sync::Arc;
use swav_wgpu::gpu::{Arena, Family, Gpu, Plan, Session, Shape, Tensor, Usage};

/// Records on `plan`; `run` allocates, uploads and submits.
pub(crate) struct Lab {
    pub(crate) plan: Plan,
    arena: Arc<Arena>,
    gpu: Arc<Gpu>,
    uploads: Vec<(Tensor, Vec<f32>)>,
}

impl Lab {
    pub(crate) fn new(gpu: &Arc<Gpu>) -> Self {
        let arena = Arc::new(Arena::default());
        Self { plan: Plan::new(gpu, &arena), arena, gpu: Arc::clone(gpu), uploads: Vec::new() }
    }

    /// A tensor that holds `data` (already padded) when the plan runs.
    pub(crate) fn upload(&mut self, shape: Shape, data: Vec<f32>) -> Tensor {
        assert_eq!(data.len() as u64 * 4, shape.bytes(), "{shape:?}");
        let tensor = self.arena.lease(shape, Usage::Storage, "upload");
        self.uploads.push((tensor.clone(), data));
        tensor
    }

    /// A vector, padded here.
    pub(crate) fn vector(&mut self, data: &[f32]) -> Tensor {
        self.matrix(1, data.len(), data)
    }

    /// A matrix, its rows padded here.
    pub(crate) fn matrix(&mut self, rows: usize, columns: usize, data: &[f32]) -> Tensor {
        let padded = crate::layout::to_nhwc4(&[rows, columns], data);
        self.upload(Shape::matrix(rows as u32, columns as u32), padded)
    }

    /// A tensor of zeros.
    pub(crate) fn zeros(&mut self, shape: Shape) -> Tensor {
        self.upload(shape, vec![0.0; (shape.bytes() / 4) as usize])
    }

    /// The small buffer of a step.
    pub(crate) fn step(&mut self, words: [u32; 8]) -> Tensor {
        let tensor = self.arena.lease(Shape::matrix(1, 8), Usage::Uniform, "step");
        self.uploads.push((tensor.clone(), words.map(f32::from_bits).to_vec()));
        tensor
    }

    pub(crate) fn run(self) -> Session {
        let session = Session::allocate(&self.gpu, &self.arena).expect("small tensors fit");
        let replay = session.bind(self.plan).expect("the plan binds");
        for (tensor, data) in &self.uploads {
            session.write(tensor, data);
        }
        session.submit(&replay).expect("the plan runs");
        session
    }
}

/// One device for each family.
pub(crate) fn devices() -> Vec<Arc<Gpu>> {
    let open = |family| Gpu::open(None, Some(family)).expect("an adapter; `make test` installs one");
    let tile = open(Family::Tile);
    if tile.facts().supports(Family::Subgroup) { vec![open(Family::Subgroup), tile] } else { vec![tile] }
}
