//! A bench for single operations: uploads, records, runs once, reads back.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
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

    /// Runs twice on the same memory and reads `results` each time.
    ///
    /// Results start as NaN, so that what no kernel writes shows, and the second run finds the
    /// intermediates of the first, as every step of a training run does.
    pub(crate) fn run_twice(self, results: &[&Tensor]) -> [Vec<Vec<f32>>; 2] {
        let session = Session::allocate(&self.gpu, &self.arena).expect("small tensors fit");
        let replay = session.bind(self.plan).expect("the plan binds");
        [(); 2].map(|()| {
            for tensor in results {
                session.write(tensor, &vec![f32::NAN; (tensor.shape.bytes() / 4) as usize]);
            }
            for (tensor, data) in &self.uploads {
                session.write(tensor, data);
            }
            session.submit(&replay).expect("the plan runs");
            results.iter().map(|tensor| session.read(tensor).expect("the device answers")).collect()
        })
    }

    /// The kernels that the plan dispatches, as `file/entry point`.
    ///
    /// They are read from the plan's debug text: a plan shows its dispatches nowhere else. The device
    /// stands in the same text with a table of all its kernels, but those are not called `kernel`.
    pub(crate) fn kernels(&self) -> BTreeSet<String> {
        let text = format!("{:?}", self.plan);
        let dispatches = text.split("kernel: KernelInner { name: \"").skip(1);
        dispatches.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }
}

/// One device for each family, the same for all that ask.
pub(crate) fn shared_devices() -> &'static [Arc<Gpu>] {
    static DEVICES: OnceLock<Vec<Arc<Gpu>>> = OnceLock::new();
    DEVICES.get_or_init(devices)
}

/// One device for each family.
pub(crate) fn devices() -> Vec<Arc<Gpu>> {
    let open = |family| Gpu::open(None, Some(family)).expect("an adapter; `make test` installs one");
    let tile = open(Family::Tile);
    if tile.facts().supports(Family::Subgroup) { vec![open(Family::Subgroup), tile] } else { vec![tile] }
}
