//! Labels for a whole bank of features that give every prototype as many rows: those of SeLa-v2 (appendix D of arXiv
//! 2006.09882; labels by Sinkhorn-Knopp over all rows from arXiv 1911.05371).
//!
//! The scores of all rows with all prototypes, `[N, K]`, are never stored. In the log domain the codes are
//! `q_ij = exp(s_ij / ε + f_i + g_j)` with a potential for each row and one for each prototype, and f follows from g.
//! So an iteration makes the scores again, block after block, and needs the sums of the columns alone: K numbers that
//! the device adds up and the processor reads once an iteration, turns into g in f64 and judges.
//!
//! The device works in f32. `s / ε` and potentials are up to about 25 and rounded by 1e-6, so that an entry of q is off
//! by a few millionths of itself, less than 1e-5, however long it runs (2e-6 in the tests, beside f64). A label is the
//! exact one where it leads by more than that, and masses come no closer to their share than that.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::eval::Features;
use crate::gpu::{Arena, Gpu, Plan, Replay, Session, Shape, Tensor, Usage};
use crate::ops::balance::{self, Block};
use crate::ops::conv2d::{self, Filter};
use crate::ops::weights;
use crate::pass::Pass;

/// Rows of a block, at most.
const ROWS: usize = 16_384;
/// Bytes of a block's scores, at most: they and their copy as texels should stay in the cache of a processor.
const BLOCK_BYTES: usize = 16 << 20;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// Iterations at most.
    pub most: usize,
    /// Once no prototype's mass is off N / K by this share of it, that is enough. 0: all iterations.
    pub tolerance: f64,
}

impl Default for Rounds {
    /// 60 iterations, which bring the masses of SeLa-v2's ε of .05 within 1e-6 (golden group 15), or once no
    /// prototype is off by a ten-thousandth: few rows lead by less.
    fn default() -> Self {
        Self { most: 60, tolerance: 1e-4 }
    }
}

/// What a bank has been balanced to.
#[derive(Clone, Debug, PartialEq)]
pub struct Balanced {
    /// The prototype of each row: the largest entry of its code, of equal ones the first.
    pub labels: Vec<u32>,
    /// g `[K]`: the code of a row is the soft-max of `s_ij / ε + g_j`.
    pub potentials: Vec<f32>,
    /// Iterations that were made.
    pub iterations: usize,
    /// The most that a prototype's mass was off its share before the last iteration; infinite before the second.
    pub deviation: f64,
}

/// Sinkhorn-Knopp for rows of one length and a number of prototypes, ready for any bank.
#[derive(Debug)]
pub struct Balancer {
    session: Session,
    sum: Replay,
    label: Replay,
    rows: Tensor,
    prototypes: Tensor,
    block: Tensor,
    potentials: Tensor,
    columns: Tensor,
    labels: Tensor,
    filter: Filter,
}

impl Balancer {
    /// Records the kernels for rows of `dim` values, in banks of about `rows` (for the size of the blocks; any number
    /// may come), with an entropy of the codes of `epsilon`.
    ///
    /// # Errors
    /// [`Error::Config`] for no prototypes or an ε that is not above 0; a shader or limit error.
    pub fn new(gpu: &Arc<Gpu>, dim: usize, prototypes: usize, rows: usize, epsilon: f64) -> Result<Self> {
        let fitting = (BLOCK_BYTES / (4 * prototypes.next_multiple_of(4).max(4))).max(1);
        // Blocks of the same size, so that the last is no emptier than the others.
        let blocks = rows.div_ceil(ROWS.min(fitting)).max(1);
        Self::in_blocks(gpu, dim, prototypes, rows.div_ceil(blocks) as u32, epsilon)
    }

    /// The same with blocks of a given number of rows.
    ///
    /// # Errors
    /// As [`Balancer::new`].
    pub fn in_blocks(gpu: &Arc<Gpu>, dim: usize, prototypes: usize, rows: u32, epsilon: f64) -> Result<Self> {
        if prototypes == 0 {
            return Err(Error::config("prototypes", "there has to be one at least"));
        }
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            return Err(Error::config("epsilon", format!("{epsilon} is no number above 0")));
        }
        let arena = Arc::new(Arena::default());
        let lease = |shape, label| arena.lease(shape, Usage::Storage, label);
        let filter = Filter::linear(dim as u32, prototypes as u32);
        let rows = lease(Shape::matrix(rows.max(1), filter.channels), "rows of the bank");
        let weights = lease(filter.panels(), "prototypes");
        let block = lease(Block::shape(), "block");
        let potentials = lease(Shape::matrix(1, filter.filters), "potentials");
        let columns = lease(Shape::matrix(2, filter.filters), "sums of columns");
        let plan = |scope: &str| -> Result<(Plan, Tensor)> {
            let mut plan = Plan::new(gpu, &arena);
            plan.scope(scope);
            let staged = conv2d::stage(&mut plan, &rows);
            let scores = conv2d::forward(&mut plan, &filter, &staged, &weights)?;
            Ok((plan, scores))
        };
        let (mut sum, scores) = plan("balance")?;
        balance::add_block(&mut sum, epsilon, &scores, &block, &potentials, &columns)?;
        drop(scores);
        let (mut label, scores) = plan("labels")?;
        let labels = balance::labels(&mut label, epsilon, &scores, &block, &potentials)?;
        let session = Session::allocate(gpu, &arena)?;
        let (sum, label) = (session.bind(sum)?, session.bind(label)?);
        Ok(Self {
            session,
            sum,
            label,
            rows,
            prototypes: weights,
            block,
            potentials,
            columns,
            labels,
            filter,
        })
    }

    /// Labels the rows of a bank. Prototypes are normalised first and rows last, as in SwAV's codes, and again until
    /// `rounds` says that it is enough. The same bits every time. `pass` counts rows, each once an iteration and once for its label.
    ///
    /// # Errors
    /// [`Error::Config`] for an empty bank, rows or prototypes of another length or number, and values that are no
    /// numbers; [`Error::Stopped`] where the pass is; what the driver reports.
    pub fn balance(
        &self,
        pass: &Pass,
        bank: &Features,
        prototypes: &Features,
        rounds: Rounds,
    ) -> Result<Balanced> {
        self.begin(bank, prototypes)?;
        let share = bank.rows as f64 / prototypes.rows as f64;
        let mut potentials = vec![0.0; prototypes.rows];
        let (mut iterations, mut deviation) = (0, f64::INFINITY);
        while iterations < rounds.most && deviation >= rounds.tolerance {
            self.each_block(pass, bank, &self.sum, iterations == 0, |_| Ok(()))?;
            let sums = self.column_sums()?;
            if iterations > 0 {
                // What was in the columns of the codes, whose rows sum to 1.
                let masses = potentials.iter().zip(&sums).map(|(&g, sum)| (f64::from(g) + sum).exp());
                deviation = masses.fold(0.0, |most, mass| (mass / share - 1.0).abs().max(most));
            }
            potentials = sums.iter().map(|sum| (share.ln() - sum) as f32).collect();
            self.write_potentials(&potentials);
            iterations += 1;
        }
        let labels = self.labels(pass, bank)?;
        Ok(Balanced { labels, potentials, iterations, deviation })
    }

    /// The prototype with the largest score for each row, of equal ones the first: labels without any balance, whatever
    /// ε is. `pass` counts rows.
    ///
    /// # Errors
    /// As [`Balancer::balance`].
    pub fn nearest(&self, pass: &Pass, bank: &Features, prototypes: &Features) -> Result<Vec<u32>> {
        self.begin(bank, prototypes)?;
        self.labels(pass, bank)
    }

    /// Labels by the potentials that the device has.
    fn labels(&self, pass: &Pass, bank: &Features) -> Result<Vec<u32>> {
        let mut labels = Vec::with_capacity(bank.rows);
        self.each_block(pass, bank, &self.label, false, |rows| {
            let found = self.session.read(&self.labels)?;
            labels.extend(found[..rows].iter().map(|label| label.to_bits()));
            Ok(())
        })?;
        Ok(labels)
    }

    /// Hands over prototypes, with potentials of 0.
    fn begin(&self, bank: &Features, prototypes: &Features) -> Result<()> {
        self.check(bank, prototypes)?;
        self.session.write(&self.prototypes, &weights::pack(&self.filter, &prototypes.data));
        self.write_potentials(&vec![0.0; prototypes.rows]);
        Ok(())
    }

    fn check(&self, bank: &Features, prototypes: &Features) -> Result<()> {
        let Filter { channels, filters, .. } = self.filter;
        let sizes = [bank.dim, prototypes.dim, prototypes.rows];
        if bank.rows == 0 || sizes != [channels, channels, filters].map(|size| size as usize) {
            let reason = format!(
                "{} rows of {} and {} prototypes of {}, not some rows of {channels} and {filters} prototypes",
                bank.rows, bank.dim, prototypes.rows, prototypes.dim
            );
            return Err(Error::config("features", reason));
        }
        // One such value would reach every potential.
        if [bank, prototypes].iter().any(|rows| !rows.data.iter().all(|value| value.is_finite())) {
            return Err(Error::config("features", "some hold what is no number"));
        }
        Ok(())
    }

    fn write_potentials(&self, potentials: &[f32]) {
        let mut quads = potentials.to_vec();
        quads.resize(potentials.len().next_multiple_of(4), 0.0);
        self.session.write(&self.potentials, &quads);
    }

    /// Runs a plan on all blocks of the bank, and after each of them `then` with the number of its rows.
    fn each_block(
        &self,
        pass: &Pass,
        bank: &Features,
        replay: &Replay,
        first: bool,
        mut then: impl FnMut(usize) -> Result<()>,
    ) -> Result<()> {
        let at_once = self.rows.shape.images as usize;
        for from in (0..bank.rows).step_by(at_once) {
            let rows = at_once.min(bank.rows - from);
            self.session.write(&self.rows, &bank.padded(from, rows, at_once));
            let block = Block { rows: rows as u32, later: from > 0, first };
            self.session.write(&self.block, &block.words());
            // Uploads that nobody waits for would pile up to the size of the bank.
            self.session.run(replay)?;
            then(rows)?;
            pass.advance(rows)?;
        }
        Ok(())
    }

    /// `ln Σ_i exp(s_ij / ε + f_i)` of each prototype, over all blocks of an iteration.
    fn column_sums(&self) -> Result<Vec<f64>> {
        let columns = self.session.read(&self.columns)?;
        let (top, sum) = columns.split_at(columns.len() / 2);
        let log = |(&top, &sum): (&f32, &f32)| f64::from(top) + f64::from(sum).ln();
        let sums: Vec<f64> = top.iter().zip(sum).take(self.filter.filters as usize).map(log).collect();
        if sums.iter().all(|sum| sum.is_finite()) {
            return Ok(sums);
        }
        Err(Error::config(
            "epsilon",
            "it is so small, or scores are so large, that their quotient is no number",
        ))
    }
}
