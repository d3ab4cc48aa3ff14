//! Who owns which bytes.
//!
//! While a plan is recorded nothing is allocated: tensors take *leases*, and the arena notes when each
//! began and when its last handle was dropped. Once all is recorded, leases whose lives do not overlap
//! are placed in one *block*, largest first, so the peak is known before the first byte is asked of
//! the driver. A lease that is still held then is one that the outside writes or reads between
//! replays: it shares with nothing. Blocks are separate buffers, not parts of one: a kernel must not
//! read and write the same buffer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tensor::{Element, Shape, Tensor};

/// Texels a row of the textures that stage operands for CPU drivers (`Plan::stage`).
pub(super) const TEXEL_ROW: u64 = 4096;

/// What a block is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A storage buffer.
    Storage,
    /// A uniform buffer, written by the CPU before each step.
    Uniform,
    /// A texture of `rgba32float` or `rgba16float` texels, one quad each, filled by a copy.
    Texels(Element),
}

impl Usage {
    /// What the bytes of its blocks are a multiple of.
    pub(super) fn unit(self) -> u64 {
        match self {
            Self::Texels(element) => TEXEL_ROW * element.quad_bytes(),
            Self::Storage | Self::Uniform => 16,
        }
    }
}

/// What has been leased, and for how long. Times are counts of leases begun and ended.
#[derive(Debug)]
struct Record {
    bytes: u64,
    usage: Usage,
    begun: u64,
    ended: Option<u64>,
    label: String,
}

impl Record {
    /// The span of a replay in which the bytes are in use.
    fn life(&self) -> (u64, u64) {
        self.ended.map_or((0, u64::MAX), |ended| (self.begun, ended))
    }
}

/// A buffer or texture that leases share in turn.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) bytes: u64,
    pub(super) usage: Usage,
    /// The tensor that made it so large.
    pub(super) label: String,
    lives: Vec<(u64, u64)>,
}

impl Block {
    fn has_room(&self, record: &Record) -> bool {
        let (begun, ended) = record.life();
        self.usage == record.usage && self.lives.iter().all(|&(from, to)| ended < from || to < begun)
    }
}

/// Blocks, and which of them each lease lives in.
#[derive(Debug, Default)]
pub(super) struct Placement {
    pub(super) blocks: Vec<Block>,
    pub(super) block_of: Vec<usize>,
}

#[derive(Debug, Default)]
struct Ledger {
    records: Vec<Record>,
    now: u64,
}

/// The leases of one session.
#[derive(Debug, Default)]
pub struct Arena {
    ledger: Mutex<Ledger>,
}

/// The right to use bytes; dropping it gives them to what is recorded next.
#[derive(Debug)]
pub(super) struct Lease {
    arena: Arc<Arena>,
    pub(super) number: usize,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut ledger = self.arena.ledger();
        ledger.now += 1;
        ledger.records[self.number].ended = Some(ledger.now);
    }
}

impl Arena {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leases the shape's bytes. `label` names them in errors.
    pub fn lease(self: &Arc<Self>, shape: Shape, usage: Usage, label: &str) -> Tensor {
        let begun = self.ledger().now + 1;
        self.lease_since(begun, shape, usage, label)
    }

    /// The same for bytes that are in use since before anything was recorded: for what a plan leaves to others while it is
    /// replayed several times.
    pub fn lease_before_all(self: &Arc<Self>, shape: Shape, usage: Usage, label: &str) -> Tensor {
        self.lease_since(0, shape, usage, label)
    }

    fn lease_since(self: &Arc<Self>, begun: u64, shape: Shape, usage: Usage, label: &str) -> Tensor {
        let bytes = shape.bytes().next_multiple_of(usage.unit()).max(16);
        let mut ledger = self.ledger();
        ledger.now += 1;
        ledger.records.push(Record { bytes, usage, begun, ended: None, label: label.into() });
        let number = ledger.records.len() - 1;
        Tensor {
            lease: Arc::new(Lease { arena: Arc::clone(self), number }),
            offset: 0,
            bytes: shape.bytes(),
            shape,
        }
    }

    /// Finds each lease a block: the smallest one with room, the largest leases first.
    pub(super) fn place(&self) -> Placement {
        let ledger = self.ledger();
        let mut order: Vec<usize> = (0..ledger.records.len()).collect();
        order.sort_by_key(|&number| std::cmp::Reverse(ledger.records[number].bytes));
        let mut blocks: Vec<Block> = Vec::new();
        let mut block_of = vec![0; order.len()];
        for number in order {
            let record = &ledger.records[number];
            // Blocks were made in falling order of size.
            let block = blocks.iter().rposition(|block| block.has_room(record)).unwrap_or_else(|| {
                let Record { bytes, usage, ref label, .. } = *record;
                blocks.push(Block { bytes, usage, label: label.clone(), lives: Vec::new() });
                blocks.len() - 1
            });
            blocks[block].lives.push(record.life());
            block_of[number] = block;
        }
        Placement { blocks, block_of }
    }

    /// Bytes of all blocks: the device memory that the session will take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.place().blocks.iter().map(|b| b.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(arena: &Arc<Arena>, rows: u32) -> Tensor {
        arena.lease(Shape::matrix(rows, 4), Usage::Storage, "test")
    }

    #[test]
    fn lives_that_do_not_overlap_share_a_block() {
        let arena = Arc::new(Arena::default());
        for rows in [10, 30, 20] {
            drop(lease(&arena, rows));
        }
        assert_eq!(arena.bytes(), 30 * 16);
    }

    #[test]
    fn a_small_lease_that_lives_on_takes_no_large_block() {
        let arena = Arc::new(Arena::default());
        drop(lease(&arena, 1000));
        let small = lease(&arena, 1);
        let large = lease(&arena, 1000);
        drop((small, large));
        assert_eq!(arena.bytes(), 1001 * 16);
    }

    #[test]
    fn what_is_still_held_shares_with_nothing() {
        let arena = Arc::new(Arena::default());
        drop(lease(&arena, 10));
        let held = lease(&arena, 10);
        assert_eq!(arena.bytes(), 20 * 16);
        drop(held);
        assert_eq!(arena.bytes(), 10 * 16);
    }

    #[test]
    fn what_was_there_before_all_shares_with_nothing_earlier() {
        let arena = Arc::new(Arena::default());
        drop(lease(&arena, 10));
        let early = arena.lease_before_all(Shape::matrix(10, 4), Usage::Storage, "test");
        assert_eq!(arena.bytes(), 20 * 16);
        drop(early);
        drop(lease(&arena, 10));
        assert_eq!(arena.bytes(), 20 * 16);
    }

    #[test]
    fn texels_and_buffers_do_not_mix() {
        let arena = Arc::new(Arena::default());
        drop(lease(&arena, 4096));
        drop(arena.lease(Shape::matrix(4096, 4), Usage::Texels(Element::F32), "test"));
        assert_eq!(arena.bytes(), 2 * 4096 * 16);
        // Nor do texels of different formats.
        let halves = Shape::matrix(4096, 4).stored(Element::F16);
        drop(arena.lease(halves, Usage::Texels(Element::F16), "test"));
        assert_eq!(arena.bytes(), 2 * 4096 * 16 + 4096 * 8);
    }
}
