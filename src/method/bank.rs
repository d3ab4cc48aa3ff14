//! Embeddings of an epoch's pictures, kept on the host in the order in which the pictures came: what the clusters of the
//! next epoch are made of. They come from the device a step late, so that it never waits.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::eval::Features;
use crate::gpu::Fetch;
use crate::interop::HostTensor;

/// The numbers of pictures are written as two digits of this base, each exact in a float whatever the number.
const BASE: u32 = 1 << 16;

/// Names in a checkpoint.
const EMBEDDINGS: &str = "bank.embeddings";
const PICTURES: &str = "bank.pictures";

/// A bank for each assignment crop.
#[derive(Debug)]
pub(super) struct Bank {
    rows: usize,
    dim: usize,
    /// `[rows, dim]` each.
    stored: Vec<Vec<f32>>,
    /// The picture of each row.
    pictures: Vec<u32>,
    /// Rows that were ever filled, and the row that comes next.
    filled: usize,
    next: usize,
    pending: Option<Pending>,
}

/// Rows that are on their way from the device.
#[derive(Debug)]
struct Pending {
    /// One for all banks, or one for each.
    fetches: Vec<Fetch>,
    /// The first row of each bank in its fetch.
    firsts: Vec<usize>,
    place: usize,
    count: usize,
}

impl Bank {
    /// Empty banks.
    pub(super) fn new(banks: usize, rows: usize, dim: usize) -> Self {
        let stored = vec![vec![0.0; rows * dim]; banks];
        Self { rows, dim, stored, pictures: vec![0; rows], filled: 0, next: 0, pending: None }
    }

    /// Whether every row has been filled.
    pub(super) fn is_full(&self) -> bool {
        self.filled >= self.rows
    }

    /// The next rows: those of `pictures`, from the row `firsts` of what is fetched (of one tensor for all banks, or of
    /// one for each).
    ///
    /// # Errors
    /// What the driver reports of the rows before.
    pub(super) fn put(&mut self, pictures: &[u32], fetches: Vec<Fetch>, firsts: Vec<usize>) -> Result<()> {
        self.settle()?;
        let count = pictures.len().min(self.rows);
        let place = if self.next + count > self.rows { 0 } else { self.next };
        self.pictures[place..place + count].copy_from_slice(&pictures[..count]);
        self.pending = Some(Pending { fetches, firsts, place, count });
        self.next = (place + count) % self.rows;
        self.filled = (self.filled + count).min(self.rows);
        Ok(())
    }

    /// Waits for the rows that are on their way.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(Pending { fetches, firsts, place, count }) = self.pending.take() else { return Ok(()) };
        let found = fetches.into_iter().map(Fetch::wait).collect::<Result<Vec<_>>>()?;
        let stride = self.dim.next_multiple_of(4);
        for (at, (bank, first)) in self.stored.iter_mut().zip(firsts).enumerate() {
            let values = &found[at.min(found.len() - 1)];
            for row in 0..count {
                let from = &values[(first + row) * stride..][..self.dim];
                bank[(place + row) * self.dim..][..self.dim].copy_from_slice(from);
            }
        }
        Ok(())
    }

    /// The embeddings of a bank, `[rows, dim]`.
    ///
    /// # Errors
    /// Values that are no numbers.
    pub(super) fn features(&self, bank: usize) -> Result<Features> {
        Features::new(self.rows, self.dim, self.stored[bank].clone())
    }

    /// The picture of each row.
    pub(super) fn pictures(&self) -> &[u32] {
        &self.pictures
    }

    /// Rows filled, and the row that comes next; a bank that is not full yet is filled from its beginning again.
    pub(super) fn place(&self) -> [u64; 2] {
        if self.is_full() { [self.filled as u64, self.next as u64] } else { [0, 0] }
    }

    /// Goes on from there.
    pub(super) fn go_on(&mut self, [filled, next]: [u64; 2]) {
        self.pending = None;
        self.filled = (filled as usize).min(self.rows);
        self.next = next as usize % self.rows.max(1);
    }

    /// Names and shapes in a checkpoint.
    pub(super) fn wanted(&self) -> [(String, Vec<usize>); 2] {
        let embeddings = vec![self.stored.len(), self.rows, self.dim];
        [(EMBEDDINGS.into(), embeddings), (PICTURES.into(), vec![self.rows, 2])]
    }

    /// For a checkpoint; nothing may be on its way.
    pub(super) fn export(&self) -> impl Iterator<Item = (String, HostTensor)> {
        let digits = self.pictures.iter().flat_map(|&picture| [picture / BASE, picture % BASE]);
        let digits: Vec<f32> = digits.map(|digit| digit as f32).collect();
        let [embeddings, pictures] = self.wanted();
        let tensors = [(embeddings, self.stored.concat()), (pictures, digits)];
        tensors.into_iter().map(|((name, shape), data)| (name, HostTensor::new(shape, data)))
    }

    /// Takes what [`Bank::export`] gave.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub(super) fn import(&mut self, tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
        let [embeddings, pictures] = self.wanted().map(|(name, shape)| {
            let found = tensors.get(&name).filter(|found| found.shape == shape);
            let wrong =
                || Error::Checkpoint { path: Path::new(&name).into(), reason: format!("is not {shape:?}") };
            found.ok_or_else(wrong)
        });
        let one = (self.rows * self.dim).max(1);
        self.stored = embeddings?.data.chunks_exact(one).map(<[f32]>::to_vec).collect();
        let digits = pictures?.data.chunks_exact(2);
        self.pictures = digits.map(|digits| digits[0] as u32 * BASE + digits[1] as u32).collect();
        Ok(())
    }
}
