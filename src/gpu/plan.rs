//! The recorded list of dispatches: what a step does, before it has memory.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::arena::{Arena, Usage};
use super::device::Gpu;
use super::kernel::{Kernel, KernelInner, ShaderParams};
use super::shader::BindingKind;
use super::tensor::{Element, Region, Shape, Tensor};
use crate::error::{Error, Result};

/// What helps when something is too large for the adapter.
pub(super) const SMALLER: &str = "add --micro-batch auto or --recompute, or lower --batch, the crop sizes, --queue, --prototypes or --width";

/// Bytes as a person reads them, never less than there are.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// How many workgroups a dispatch starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid(pub [u32; 3]);

/// Groups a dimension that every adapter allows.
const MAX_GROUPS: u32 = 65_535;

impl Grid {
    /// `groups` workgroups folded into x and y (the kernel computes `y * num_workgroups.x + x` and
    /// tests the end), times `z`.
    #[must_use]
    pub fn folded(groups: u32, z: u32) -> Self {
        let rows = groups.div_ceil(MAX_GROUPS).max(1);
        Self([groups.div_ceil(rows).max(1), rows, z.max(1)])
    }

    /// Enough workgroups of `size` invocations for `invocations`.
    #[must_use]
    pub fn invocations(invocations: u32, size: u32) -> Self {
        Self::folded(invocations.div_ceil(size), 1)
    }
}

#[derive(Debug)]
pub(super) struct Dispatch {
    pub(super) label: String,
    pub(super) kernel: Arc<KernelInner>,
    pub(super) grid: [u32; 3],
    pub(super) params: Vec<u8>,
    /// Multiplications and additions, where they take longer than moving the tensors.
    pub(super) flop: u64,
    pub(super) regions: Vec<Region>,
}

impl Dispatch {
    /// What the kernel may write.
    fn written(&self) -> impl Iterator<Item = &Region> {
        let bindings = self.kernel.bindings.iter().filter(|binding| binding.name != "params");
        let pairs = bindings.zip(&self.regions);
        pairs.filter(|(binding, _)| binding.kind == BindingKind::ReadWrite).map(|(_, region)| region)
    }
}

/// Commands name regions, not tensors: a recorded use must not keep bytes from being used again. A stop does, since the
/// outside writes.
#[derive(Debug)]
pub(super) enum Command {
    Dispatch(Dispatch),
    Stage {
        from: Region,
        to: Region,
        element: Element,
    },
    /// `at`: bytes into `to`.
    Copy {
        from: Region,
        to: Region,
        at: u64,
    },
    Clear(Region),
    Stop(Stop),
}

/// A point of a plan at which whoever submits it reads a tensor and writes it anew ([`super::Session::submit_with`]).
#[derive(Clone, Debug)]
pub struct Stop {
    /// The tensor; its bytes are used for nothing else.
    pub tensor: Tensor,
    /// What whoever recorded it says of it.
    pub note: u32,
}

/// What a training step (or an evaluation) does, in order. Recorded once.
#[derive(Debug)]
pub struct Plan {
    gpu: Arc<Gpu>,
    arena: Arc<Arena>,
    pub(super) commands: Vec<Command>,
    scope: String,
    /// Of the next dispatch.
    flop: u64,
    rounds: u64,
}

impl Plan {
    /// An empty plan that leases its memory from `arena`.
    #[must_use]
    pub fn new(gpu: &Arc<Gpu>, arena: &Arc<Arena>) -> Self {
        Self {
            gpu: Arc::clone(gpu),
            arena: Arc::clone(arena),
            commands: Vec::new(),
            scope: String::new(),
            flop: 0,
            rounds: 0,
        }
    }

    /// The device that the plan is for.
    #[must_use]
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// Names what is recorded next: labels read `scope/entry point`.
    pub fn scope(&mut self, scope: impl Into<String>) {
        self.scope = scope.into();
    }

    /// Says how many multiplications and additions the next dispatch does, or it and those that prepare for it:
    /// only products do so many that their tensors' sizes say nothing of their time.
    pub fn computes(&mut self, flop: u64) {
        self.flop = flop;
    }

    /// Says how many rounds the loops of an invocation of the next dispatch take at most, where that goes with its shapes.
    pub fn loops(&mut self, rounds: u64) {
        self.rounds = rounds;
    }

    /// A tensor for a result. Its contents are undefined until a dispatch writes them.
    #[must_use]
    pub fn lease(&self, shape: Shape) -> Tensor {
        self.arena.lease(shape, Usage::Storage, &self.scope)
    }

    /// Records one dispatch. `tensors` are the kernel's bindings after `params`, in binding order.
    ///
    /// # Errors
    /// `Error::Limit` for a tensor that is larger than what a kernel may see on this adapter, and for [`Plan::loops`] that
    /// its driver would end early.
    pub fn dispatch<P: ShaderParams>(
        &mut self,
        kernel: &Kernel<P>,
        grid: Grid,
        params: P,
        tensors: &[&Tensor],
    ) -> Result<()> {
        let inner = &kernel.inner;
        let bindings: Vec<_> = inner.bindings.iter().filter(|b| b.name != "params").collect();
        assert_eq!(tensors.len(), bindings.len(), "{} binds that many tensors", inner.name);
        for (binding, tensor) in bindings.iter().zip(tensors) {
            let fits = binding.element.is_none_or(|element| element == tensor.shape.element);
            assert!(fits, "{}: `{}` is not of {}", inner.name, binding.name, tensor.shape.element);
        }
        let entry = inner.name.rsplit('/').next().unwrap_or_default();
        let label = format!("{}/{entry}", self.scope);
        let limit = self.gpu.limits().max_storage_buffer_binding_size;
        if let Some(large) = tensors.iter().find(|t| t.bytes > limit) {
            return Err(Error::Limit {
                what: format!("a tensor of {} values in {label}", large.shape),
                need: mebibytes(large.bytes),
                have: format!("{} MiB (this adapter's largest binding)", limit >> 20),
                remedy: SMALLER.into(),
            });
        }
        let (rounds, most) = (std::mem::take(&mut self.rounds), self.gpu.facts().rounds());
        if rounds > u64::from(most) {
            return Err(Error::Limit {
                what: format!("a loop in {label}"),
                need: format!("{rounds} rounds"),
                have: format!("{most} (this driver computes on the processor and ends longer loops)"),
                remedy: format!(
                    "{SMALLER}, for features --eval-size; or take another --adapter or --kernels"
                ),
            });
        }
        self.commands.push(Command::Dispatch(Dispatch {
            label,
            kernel: Arc::clone(inner),
            grid: grid.0,
            params: bytemuck::bytes_of(&params).to_vec(),
            flop: std::mem::take(&mut self.flop),
            regions: tensors.iter().map(|t| t.region()).collect(),
        }));
        Ok(())
    }

    /// Copies a tensor into texels. A CPU driver fetches a texel with one vector load, but loops over
    /// the lanes for a buffer load; the copy is a memcpy and pays for itself many times.
    #[must_use]
    pub fn stage(&mut self, tensor: &Tensor) -> Tensor {
        let usage = Usage::Texels(tensor.shape.element);
        let to = self.arena.lease(tensor.shape, usage, &self.scope);
        let element = tensor.shape.element;
        self.commands.push(Command::Stage { from: tensor.region(), to: to.region(), element });
        to
    }

    /// The rows of several matrices, one below the other; a single one is given back as it is.
    #[must_use]
    pub fn stack(&mut self, parts: Vec<Tensor>) -> Tensor {
        if let [part] = parts.as_slice() {
            return part.clone();
        }
        let rows = parts.iter().map(|part| part.shape.rows()).sum();
        let channels = parts.first().map_or(0, |part| part.shape.channels);
        let to = self.lease(Shape::matrix(rows, channels));
        let mut at = 0;
        for from in parts {
            debug_assert_eq!(from.shape.channels, channels, "stacked rows are of one length");
            let bytes = from.bytes;
            self.commands.push(Command::Copy { from: from.region(), to: to.region(), at });
            at += bytes;
        }
        to
    }

    /// Sets a tensor to zero.
    pub fn clear(&mut self, tensor: &Tensor) {
        self.commands.push(Command::Clear(tensor.region()));
    }

    /// Stops with a tensor.
    pub fn stop(&mut self, tensor: &Tensor, note: u32) {
        self.commands.push(Command::Stop(Stop { tensor: tensor.clone(), note }));
    }

    /// The kernels that are dispatched, as `file/entry point`.
    #[must_use]
    pub fn kernels(&self) -> BTreeSet<String> {
        let name = |command: &Command| match command {
            Command::Dispatch(d) => Some(d.kernel.name.clone()),
            _ => None,
        };
        self.commands.iter().filter_map(name).collect()
    }

    /// The kernels that have a part in what `tensor` holds at the end, as `file/entry point`.
    #[must_use]
    pub fn kernels_behind(&self, tensor: &Tensor) -> BTreeSet<String> {
        let mut leases = HashSet::from([tensor.region().lease]);
        let mut kernels = BTreeSet::new();
        for command in self.commands.iter().rev() {
            match command {
                Command::Dispatch(d) if d.written().any(|region| leases.contains(&region.lease)) => {
                    kernels.insert(d.kernel.name.clone());
                    leases.extend(d.regions.iter().map(|region| region.lease));
                }
                Command::Stage { from, to, .. } | Command::Copy { from, to, .. }
                    if leases.contains(&to.lease) =>
                {
                    leases.insert(from.lease);
                }
                _ => {}
            }
        }
        kernels
    }

    /// Number of dispatches.
    #[must_use]
    pub fn dispatches(&self) -> usize {
        self.commands.iter().filter(|c| matches!(c, Command::Dispatch(_))).count()
    }
}
