//! The nearest rows of a bank, exactly, on the device: our own matrix product and top-k.
//!
//! Queries go through in blocks that fit the device, and for each block the bank streams past in
//! blocks, so neither has to fit a binding or the device's memory as a whole.

use rayon::prelude::*;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::eval::{Features, Near};
use crate::gpu::{Arena, Gpu, Plan, Replay, Session, Shape, Tensor, Usage};
use crate::ops::conv2d::{self, Filter};
use crate::ops::nearest::{self, LIST, LOWEST};
use crate::ops::weights;
use crate::pass::Pass;

/// Queries of a block, at most.
const QUERIES: u32 = 1024;
/// Rows of a block of the bank, at most.
const ROWS: usize = 16_384;
/// Rounds of loops that a row takes at most, which is where each is nearer than those before it and some are equal: then
/// the pool is cut as often as it can be.
const ROUNDS: usize = 12;
/// Bytes of a block of the bank and of queries, at most: memory that a run takes beside its own while it judges itself.
const BLOCK_BYTES: u64 = 16 << 20;
const QUERY_BYTES: u64 = 8 << 20;
/// Products of a block of queries with a block of the bank, at most: half a second of a slow processor, so that whoever
/// wants to stop is heard.
const PRODUCTS: u64 = 8 << 30;

/// A search that is ready for features of one length.
#[derive(Debug)]
pub struct Search {
    session: Session,
    replay: Replay,
    queries: Tensor,
    bank: Tensor,
    block: Tensor,
    best: Tensor,
    best_row: Tensor,
    filter: Filter,
    k: usize,
}

impl Search {
    /// Records a search for the `k` nearest by dot product of rows of `dim` values, in a bank of about
    /// `rows` and with about `queries` at once (for the size of the blocks; any number may come).
    ///
    /// # Errors
    /// [`Error::Config`] for k of 0 or over 256; a shader or limit error.
    pub fn new(gpu: &Arc<Gpu>, dim: usize, k: usize, rows: usize, queries: usize) -> Result<Self> {
        let [rows, queries] = blocks(dim, rows, queries, ROWS.min(gpu.facts().rounds() as usize / ROUNDS));
        Self::in_blocks(gpu, dim, k, rows, queries)
    }

    /// Whether so many neighbours have room in a list.
    #[must_use]
    pub fn lists(k: usize) -> bool {
        (1..=LIST as usize).contains(&k)
    }

    /// Device memory of [`Search::new`] at its peak: queries as they come and as they are staged, a block of the bank and
    /// its upload, similarities, and the lists.
    #[must_use]
    pub fn bytes(dim: usize, rows: usize, queries: usize) -> u64 {
        let [rows, queries] = blocks(dim, rows, queries, ROWS).map(u64::from);
        let dim = dim.next_multiple_of(4) as u64;
        4 * (2 * queries * dim + 2 * rows * dim + queries * rows + 3 * queries * u64::from(LIST))
    }

    /// The same with blocks of a given size (a multiple of 32 rows).
    ///
    /// # Errors
    /// As [`Search::new`].
    pub fn in_blocks(gpu: &Arc<Gpu>, dim: usize, k: usize, rows: u32, queries: u32) -> Result<Self> {
        if !Self::lists(k) {
            return Err(Error::config("k", format!("{k} neighbours cannot be asked for: use 1 to {LIST}")));
        }
        let arena = Arc::new(Arena::default());
        let lease = |shape, label| arena.lease(shape, Usage::Storage, label);
        let filter = Filter::linear(dim as u32, rows);
        let asked = lease(Shape::matrix(queries, dim as u32), "queries");
        let bank = lease(filter.panels(), "bank");
        let block = lease(Shape::matrix(1, 4), "block");
        let (best, best_row) =
            (lease(Shape::matrix(queries, LIST), "best"), lease(Shape::matrix(queries, LIST), "rows"));
        let mut plan = Plan::new(gpu, &arena);
        plan.scope("neighbours");
        let staged = conv2d::stage(&mut plan, &asked);
        let similarities = conv2d::forward(&mut plan, &filter, &staged, &bank)?;
        nearest::keep_best(&mut plan, &similarities, &block, &best, &best_row, k as u32)?;
        let session = Session::allocate(gpu, &arena)?;
        let replay = session.bind(plan)?;
        Ok(Self { session, replay, queries: asked, bank, block, best, best_row, filter, k })
    }

    /// The `k` nearest rows of `bank` for each row of `queries`, by dot product, nearest first; of equal ones
    /// the earlier row. Fewer where the bank is smaller, or similarities are not numbers.
    ///
    /// # Errors
    /// [`Error::Config`] for rows of another length; what the driver reports.
    pub fn nearest(&self, bank: &Features, queries: &Features) -> Result<Vec<Vec<Near>>> {
        self.nearest_in(&Pass::default(), bank, queries)
    }

    /// The same as a part of a pass, which counts the queries.
    ///
    /// # Errors
    /// Likewise; [`Error::Stopped`] where the pass is.
    pub fn nearest_in(&self, pass: &Pass, bank: &Features, queries: &Features) -> Result<Vec<Vec<Near>>> {
        let dim = self.filter.channels as usize;
        if bank.dim != dim || queries.dim != dim {
            let reason = format!("rows of {} and {} values, the search is for {dim}", bank.dim, queries.dim);
            return Err(Error::config("features", reason));
        }
        let rows = self.filter.filters as usize;
        let blocks = bank.rows.div_ceil(rows);
        // Packed once where there are several blocks of queries, and not kept where there is one.
        let mut packed: Vec<Vec<f32>> = Vec::new();
        let mut found = Vec::with_capacity(queries.rows);
        let at_once = self.queries.shape.images as usize;
        for first in (0..queries.rows).step_by(at_once) {
            let count = at_once.min(queries.rows - first);
            self.session.write(&self.queries, &queries.padded(first, count, at_once));
            let floats = at_once * LIST as usize;
            self.session.write(&self.best, &vec![LOWEST; floats]);
            self.session.write(&self.best_row, &vec![f32::from_bits(u32::MAX); floats]);
            for block in 0..blocks {
                pass.check()?;
                let from = block * rows;
                let real = rows.min(bank.rows - from);
                if packed.len() == block {
                    packed.push(self.pack(bank, from, real));
                }
                self.session.write(&self.bank, &packed[block]);
                let words = [from as u32, real as u32, 0, 0].map(f32::from_bits);
                self.session.write(&self.block, &words);
                // Uploads that nobody waits for would pile up to the size of the bank.
                self.session.run(&self.replay)?;
                if queries.rows <= at_once {
                    packed[block] = Vec::new();
                }
            }
            let (best, place) = (self.session.read(&self.best)?, self.session.read(&self.best_row)?);
            let lists = (0..count).into_par_iter().map(|query| {
                let list = query * LIST as usize..query * LIST as usize + self.k;
                nearest_first(&best[list.clone()], &place[list])
            });
            found.par_extend(lists);
            pass.advance(count)?;
        }
        Ok(found)
    }

    fn pack(&self, bank: &Features, from: usize, real: usize) -> Vec<f32> {
        let (rows, dim) = (self.filter.filters as usize, bank.dim);
        let mut values = bank.data[from * dim..(from + real) * dim].to_vec();
        values.resize(rows * dim, 0.0);
        weights::pack(&self.filter, &values)
    }
}

/// Rows of a block of the bank, and queries of a block.
fn blocks(dim: usize, rows: usize, queries: usize, most: usize) -> [u32; 2] {
    let wide = dim.next_multiple_of(4).max(4);
    let fitting = (BLOCK_BYTES / (4 * wide as u64)) as usize;
    // Blocks of the same size, so that the last is no emptier than the others. A pool is cut once a block at least, so
    // they should be few.
    let blocks = rows.div_ceil(most.min(fitting).max(1)).max(1);
    let block = (rows.div_ceil(blocks) as u32).next_multiple_of(32).max(32);
    let most = (PRODUCTS / (wide as u64 * u64::from(block))).min(QUERY_BYTES / (4 * wide as u64));
    let most = most.clamp(32, u64::from(QUERIES)) as usize;
    [block, (queries.min(most) as u32).max(1)]
}

/// A list in its order, without the places that hold nothing.
fn nearest_first(similarities: &[f32], rows: &[f32]) -> Vec<Near> {
    let pairs = similarities.iter().zip(rows);
    let near = pairs.map(|(&similarity, row)| Near { similarity, row: row.to_bits() });
    let mut near: Vec<Near> = near.filter(|near| near.row != u32::MAX).collect();
    near.sort_unstable();
    near
}
