//! Who owns which bytes.
//!
//! While a plan is recorded nothing is allocated: tensors lease *blocks*, and a block whose last
//! lease is gone is leased again. A block may still grow then, so the sizes settle to what the whole
//! recording needs, and the peak is known before the first byte is asked of the driver. Blocks are
//! separate buffers, not parts of one: a kernel must not read and write the same buffer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tensor::{Shape, Tensor};

/// Texels a row of the textures that stage operands for CPU drivers (`Plan::stage`).
pub(super) const TEXEL_ROW: u64 = 4096;

/// What a block is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A storage buffer.
    Storage,
    /// A uniform buffer, written by the CPU before each step.
    Uniform,
    /// A texture of `rgba32float` texels, one quad each, filled by a copy.
    Texels,
}

#[derive(Debug)]
pub(super) struct Block {
    pub(super) bytes: u64,
    pub(super) usage: Usage,
    pub(super) leased: bool,
    pub(super) label: String,
}

/// The blocks of one session.
#[derive(Debug, Default)]
pub struct Arena {
    blocks: Mutex<Vec<Block>>,
}

/// The right to use a block; dropping it frees the block for the next recording.
#[derive(Debug)]
pub(super) struct Lease {
    arena: Arc<Arena>,
    pub(super) block: usize,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.arena.blocks()[self.block].leased = false;
    }
}

impl Arena {
    pub(super) fn blocks(&self) -> MutexGuard<'_, Vec<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leases a block of at least the shape's bytes: the smallest free one that is large enough,
    /// else the largest free one, grown, else a new one.
    pub fn lease(self: &Arc<Self>, shape: Shape, usage: Usage, label: &str) -> Tensor {
        let bytes = match usage {
            Usage::Texels => shape.bytes().div_ceil(TEXEL_ROW * 16) * TEXEL_ROW * 16,
            Usage::Storage | Usage::Uniform => shape.bytes().max(16),
        };
        let mut blocks = self.blocks();
        let free = blocks.iter().enumerate().filter(|(_, b)| !b.leased && b.usage == usage);
        let block = free
            .min_by_key(|(_, b)| if b.bytes >= bytes { (0, b.bytes) } else { (1, u64::MAX - b.bytes) })
            .map(|(i, _)| i);
        let block = block.unwrap_or_else(|| {
            blocks.push(Block { bytes: 0, usage, leased: false, label: String::new() });
            blocks.len() - 1
        });
        let entry = &mut blocks[block];
        entry.leased = true;
        if entry.bytes < bytes {
            entry.bytes = bytes;
            entry.label = label.into();
        }
        Tensor {
            lease: Arc::new(Lease { arena: Arc::clone(self), block }),
            offset: 0,
            bytes: shape.bytes(),
            shape,
        }
    }

    /// Bytes of all blocks: the device memory that the session will take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.blocks().iter().map(|b| b.bytes).sum()
    }

    /// The largest block, with the tensor that made it so large.
    #[must_use]
    pub fn largest(&self) -> Option<(u64, String)> {
        self.blocks().iter().max_by_key(|b| b.bytes).map(|b| (b.bytes, b.label.clone()))
    }
}
