//! A run's memory: binds plans to real buffers (`submission` hands them over).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::arena::{Arena, TEXEL_ROW, Usage};
use super::device::Gpu;
use super::journal::Journal;
use super::pace::{Pace, Work};
use super::plan::{Command, Dispatch, Plan, SMALLER, mebibytes};
use super::replay::{Bound, Replay};
use super::shader::{BindingKind, texel_format};
use super::submission::Loss;
use super::tensor::{Region, Tensor};
use crate::error::{Error, Result};

#[derive(Clone, Debug)]
enum Memory {
    Buffer(wgpu::Buffer),
    Texels(wgpu::Texture, wgpu::TextureView),
}

/// The allocated arena of one run: binds plans, submits them, moves data (see `transfer`).
#[derive(Debug)]
pub struct Session {
    gpu: Arc<Gpu>,
    memory: Vec<Memory>,
    block_of: Vec<usize>,
    /// Plans that were bound.
    plans: AtomicUsize,
    pub(super) journal: Journal,
    pub(super) pace: Mutex<Pace>,
    /// What goes missing of the next submission, for tests.
    pub(super) loses: Mutex<Option<Loss>>,
}

impl Session {
    /// Allocates what has been recorded on `arena`. No larger tensor can be leased afterwards.
    ///
    /// # Errors
    /// `Error::Limit` for a block over the adapter's largest buffer or texture, and where the driver has
    /// no memory left.
    pub fn allocate(gpu: &Arc<Gpu>, arena: &Arena) -> Result<Self> {
        let mut memory = Vec::new();
        let placement = arena.place();
        let all: u64 = placement.blocks.iter().map(|block| block.bytes).sum();
        let mut taken = 0;
        for block in &placement.blocks {
            let rows = block.bytes / block.usage.unit();
            let (have, fits) = match block.usage {
                Usage::Texels(_) => {
                    let most = u64::from(gpu.limits().max_texture_dimension_2d);
                    (most * block.usage.unit(), rows <= most)
                }
                Usage::Storage | Usage::Uniform => {
                    (gpu.limits().max_buffer_size, block.bytes <= gpu.limits().max_buffer_size)
                }
            };
            if !fits {
                return Err(Error::Limit {
                    what: format!("the buffer of {}", block.label),
                    need: mebibytes(block.bytes),
                    have: format!("{} MiB (this adapter's largest buffer)", have >> 20),
                    remedy: SMALLER.into(),
                });
            }
            let scope = gpu.device().push_error_scope(wgpu::ErrorFilter::OutOfMemory);
            memory.push(allocate_block(gpu, &block.label, block.bytes, block.usage, rows as u32));
            if pollster::block_on(scope.pop()).is_some() {
                return Err(Error::Limit {
                    what: "this run".into(),
                    need: format!("{} of device memory", mebibytes(all)),
                    have: format!("about {} MiB (the driver refused {})", taken >> 20, block.label),
                    remedy: SMALLER.into(),
                });
            }
            taken += block.bytes;
        }
        gpu.check()?;
        let journal = Journal::new(gpu);
        let pace = Mutex::new(Pace::of(gpu.facts(), gpu.submission()));
        let loses = Mutex::default();
        let (gpu, plans) = (Arc::clone(gpu), AtomicUsize::new(0));
        Ok(Self { gpu, memory, block_of: placement.block_of, plans, journal, pace, loses })
    }

    /// Whether the driver gives so many more bytes, which are given back at once.
    ///
    /// # Errors
    /// What the driver reports of anything else.
    pub fn has_room(&self, bytes: u64) -> Result<bool> {
        if bytes > self.gpu.limits().max_buffer_size {
            return Ok(false);
        }
        let scope = self.gpu.device().push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let memory = allocate_block(&self.gpu, "what is on its way", bytes.max(16), Usage::Storage, 1);
        let refused = pollster::block_on(scope.pop()).is_some();
        drop(memory);
        self.gpu.check()?;
        Ok(!refused)
    }

    /// The device.
    #[must_use]
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    fn memory(&self, region: Region) -> &Memory {
        &self.memory[self.block_of[region.lease]]
    }

    pub(super) fn buffer(&self, tensor: &Tensor) -> &wgpu::Buffer {
        self.buffer_of(tensor.region())
    }

    fn buffer_of(&self, region: Region) -> &wgpu::Buffer {
        match self.memory(region) {
            Memory::Buffer(buffer) => buffer,
            Memory::Texels(..) => unreachable!("texels are only filled by copies and read by kernels"),
        }
    }

    /// Makes the bind groups of a plan.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn bind(&self, plan: Plan) -> Result<Replay> {
        let align = u64::from(self.gpu.limits().min_uniform_buffer_offset_alignment);
        let mut slots: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut bytes = Vec::new();
        for command in &plan.commands {
            if let Command::Dispatch(d) = command {
                slots.entry(d.params.clone()).or_insert_with(|| {
                    let at = bytes.len() as u64;
                    bytes.extend_from_slice(&d.params);
                    bytes.resize((bytes.len() as u64).div_ceil(align) as usize * align as usize, 0u8);
                    at
                });
            }
        }
        let params = self.gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("params of all dispatches"),
            size: (bytes.len() as u64).max(16),
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.gpu.queue().write_buffer(&params, 0, &bytes);
        let commands = plan
            .commands
            .into_iter()
            .map(|command| match command {
                Command::Dispatch(d) => self.bind_dispatch(d, &params, &slots),
                Command::Stage { from, to, element } => match self.memory(to) {
                    Memory::Texels(texture, _) => Bound::Stage {
                        from: self.buffer_of(from).clone(),
                        offset: from.offset,
                        texels: from.bytes / element.quad_bytes(),
                        element,
                        to: texture.clone(),
                    },
                    Memory::Buffer(_) => unreachable!("a staged tensor leases texels"),
                },
                Command::Copy { from, to, at } => Bound::Copy {
                    from: self.buffer_of(from).clone(),
                    offset: from.offset,
                    to: self.buffer_of(to).clone(),
                    at: to.offset + at,
                    bytes: from.bytes,
                },
                Command::Stop(stop) => Bound::Stop(stop),
                Command::Clear(t) => {
                    Bound::Clear { buffer: self.buffer_of(t).clone(), offset: t.offset, bytes: t.bytes }
                }
            })
            .collect();
        self.gpu.check()?;
        let number = self.plans.fetch_add(1, Ordering::Relaxed);
        Ok(Replay { number, commands, params_bytes: params.size() })
    }

    fn bind_dispatch(&self, d: Dispatch, params: &wgpu::Buffer, slots: &HashMap<Vec<u8>, u64>) -> Bound {
        let range = |buffer, offset, size| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset,
                size: wgpu::BufferSize::new(size),
            })
        };
        let mut regions = d.regions.iter();
        let mut entries = Vec::with_capacity(d.kernel.bindings.len());
        let mut work = Work { flop: d.flop, bytes: 0 };
        for binding in &d.kernel.bindings {
            let resource = if binding.name == "params" {
                range(params, slots[&d.params], d.params.len() as u64)
            } else {
                let Some(&region) = regions.next() else { unreachable!("counted when recorded") };
                work.bytes += binding.moves * region.bytes;
                match (self.memory(region), binding.kind) {
                    (Memory::Texels(_, view), BindingKind::Texels) => {
                        wgpu::BindingResource::TextureView(view)
                    }
                    (Memory::Buffer(buffer), _) => range(buffer, region.offset, region.bytes.max(16)),
                    (Memory::Texels(..), _) => {
                        unreachable!("{} reads `{}` as a buffer", d.label, binding.name)
                    }
                }
            };
            entries.push(wgpu::BindGroupEntry { binding: binding.index, resource });
        }
        let group = self.gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&d.label),
            layout: &d.kernel.layout,
            entries: &entries,
        });
        Bound::Dispatch { label: d.label, kernel: d.kernel, group, grid: d.grid, work }
    }
}

fn allocate_block(gpu: &Gpu, label: &str, bytes: u64, usage: Usage, rows: u32) -> Memory {
    let copies = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
    let usage = match usage {
        Usage::Storage => wgpu::BufferUsages::STORAGE | copies,
        Usage::Uniform => wgpu::BufferUsages::UNIFORM | copies,
        Usage::Texels(element) => {
            let texture = gpu.device().create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size: wgpu::Extent3d { width: TEXEL_ROW as u32, height: rows, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: texel_format(element),
                usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            });
            let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
            return Memory::Texels(texture, view);
        }
    };
    let descriptor =
        wgpu::BufferDescriptor { label: Some(label), size: bytes, usage, mapped_at_creation: false };
    Memory::Buffer(gpu.device().create_buffer(&descriptor))
}
