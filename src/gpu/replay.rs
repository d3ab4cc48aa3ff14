//! A plan bound to memory: what a submission encodes.

use std::sync::Arc;

use super::arena::TEXEL_ROW;
use super::kernel::KernelInner;
use super::pace::Work;
use super::plan::Stop;
use super::tensor::Element;

/// A plan with real buffers: ready to be submitted any number of times.
#[derive(Debug)]
pub struct Replay {
    /// Among the plans of its session.
    pub(super) number: usize,
    pub(super) commands: Vec<Bound>,
    pub(super) params_bytes: u64,
}

#[derive(Debug)]
pub(super) enum Bound {
    /// The bytes of `work` are what it reads and writes ([`Traffic`]).
    Dispatch {
        label: String,
        kernel: Arc<KernelInner>,
        group: wgpu::BindGroup,
        grid: [u32; 3],
        work: Work,
    },
    Stage {
        from: wgpu::Buffer,
        offset: u64,
        texels: u64,
        element: Element,
        to: wgpu::Texture,
    },
    Copy {
        from: wgpu::Buffer,
        offset: u64,
        to: wgpu::Buffer,
        at: u64,
        bytes: u64,
    },
    Clear {
        buffer: wgpu::Buffer,
        offset: u64,
        bytes: u64,
    },
    Stop(Stop),
}

impl Bound {
    /// Bytes that a copy or clear moves.
    pub(super) fn copied(&self) -> u64 {
        match self {
            Self::Dispatch { .. } | Self::Stop(_) => 0,
            Self::Stage { texels, element, .. } => texels * element.quad_bytes() * 2,
            Self::Copy { bytes, .. } => bytes * 2,
            Self::Clear { bytes, .. } => *bytes,
        }
    }
}

/// Bytes that a submission moves, as an estimate from what its commands name: every tensor that a
/// kernel binds counts whole, once where it is read or written and twice where it is both. What a
/// kernel fetches again because no cache kept it comes on top; a kernel that looks at a part of a
/// tensor moves less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Of dispatches.
    pub kernels: u64,
    /// Of copies and clears between them: on CPU drivers most of it stages operands as texels.
    pub copies: u64,
}

impl Replay {
    /// Device memory of the dispatches' parameters, bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.params_bytes
    }

    /// Where it stops, in order.
    pub fn stops(&self) -> impl Iterator<Item = &Stop> {
        self.commands.iter().filter_map(|command| match command {
            Bound::Stop(stop) => Some(stop),
            _ => None,
        })
    }

    /// What each command does, in order.
    pub(super) fn works(&self) -> impl Iterator<Item = Work> + '_ {
        self.commands.iter().map(|command| match command {
            Bound::Dispatch { work, .. } => *work,
            copy => Work { flop: 0, bytes: copy.copied() },
        })
    }

    /// What a submission moves.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let mut traffic = Traffic::default();
        for command in &self.commands {
            match command {
                Bound::Dispatch { work, .. } => traffic.kernels += work.bytes,
                copy => traffic.copies += copy.copied(),
            }
        }
        traffic
    }
}

/// Encodes a command that is not a dispatch.
pub(super) fn encode_copy(encoder: &mut wgpu::CommandEncoder, command: &Bound) {
    match command {
        Bound::Copy { from, offset, to, at, bytes } => {
            encoder.copy_buffer_to_buffer(from, *offset, to, *at, *bytes);
        }
        Bound::Clear { buffer, offset, bytes } => encoder.clear_buffer(buffer, *offset, Some(*bytes)),
        Bound::Stage { from, offset, texels, element, to } => {
            let row_bytes = TEXEL_ROW * element.quad_bytes();
            let (rows, rest) = (texels / TEXEL_ROW, texels % TEXEL_ROW);
            let mut copy = |row: u64, width: u64, height: u64| {
                let layout = wgpu::TexelCopyBufferLayout {
                    offset: offset + row * row_bytes,
                    bytes_per_row: Some(row_bytes as u32),
                    rows_per_image: None,
                };
                let mut target = to.as_image_copy();
                target.origin.y = row as u32;
                let size =
                    wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 };
                encoder.copy_buffer_to_texture(
                    wgpu::TexelCopyBufferInfo { buffer: from, layout },
                    target,
                    size,
                );
            };
            if rows > 0 {
                copy(0, TEXEL_ROW, rows);
            }
            if rest > 0 {
                copy(rows, rest, 1);
            }
        }
        Bound::Dispatch { .. } => unreachable!("dispatches need a pass"),
        Bound::Stop(_) => unreachable!("submissions end at stops"),
    }
}
