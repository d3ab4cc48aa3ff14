//! k nearest neighbours: what the labels of a bank of features say about those of others.
//!
//! The field's rule: cosine similarity ([`nearest`]), the k most similar rows of the bank vote for their label
//! with weight exp(similarity / T) ([`ranking`]). Nothing is random: equal similarities go to the earlier row of
//! the bank, equal votes to the smaller label.

use super::vectors::{Features, Unit, dots};
use crate::error::{Error, Result};
use crate::pass::Pass;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

/// Queries that go through the bank together: few enough that a block of bank rows is read once for
/// several of them, and many enough blocks to keep all threads busy.
const QUERIES: usize = 32;
/// Bank rows of one block: 64 rows of 512 values are 128 KiB, which stays in a core's cache.
const BANK_ROWS: usize = 64;

/// The `k` nearest rows of `bank` for each row of `queries` by cosine, nearest first; of equal ones the earlier row. `pass`
/// counts the queries. The device's search finds the same, sooner, but no more than it has room for in a list.
///
/// # Errors
/// [`Error::Config`] where sizes disagree; [`Error::Stopped`] where the pass is.
pub fn nearest(bank: &Features, queries: &Features, k: usize, pass: &Pass) -> Result<Vec<Vec<Near>>> {
    bank.check("knn bank")?;
    queries.check("knn queries")?;
    if bank.dim != queries.dim {
        let reason = format!("bank rows have {} values, queries {}", bank.dim, queries.dim);
        return Err(Error::config("knn", reason));
    }
    let (bank, queries) = (bank.normalised(None), queries.normalised(None));
    let of_block = |block: usize| {
        let range = block * QUERIES..((block + 1) * QUERIES).min(queries.rows);
        let found = of_range(&bank, &queries, range.clone(), k, pass)?;
        pass.advance(range.len())?;
        // A heap has no order of its own, and sums of floats depend on order.
        Ok(found.into_iter().map(BinaryHeap::into_sorted_vec).collect())
    };
    let blocks: Result<Vec<Vec<Vec<Near>>>> =
        (0..queries.rows.div_ceil(QUERIES)).into_par_iter().map(of_block).collect();
    Ok(blocks?.into_iter().flatten().collect())
}

/// The `k` nearest bank rows of each query of a range.
fn of_range(
    bank: &Unit,
    queries: &Unit,
    range: std::ops::Range<usize>,
    k: usize,
    pass: &Pass,
) -> Result<Vec<BinaryHeap<Near>>> {
    let mut nearest: Vec<BinaryHeap<Near>> = range.clone().map(|_| BinaryHeap::new()).collect();
    for block in (0..bank.rows).step_by(BANK_ROWS) {
        pass.check()?;
        let rows = block..(block + BANK_ROWS).min(bank.rows);
        for (i, nearest) in nearest.iter_mut().enumerate() {
            let query = queries.row(range.start + i);
            let mut row = rows.start;
            while row + 4 <= rows.end {
                let four = [bank.row(row), bank.row(row + 1), bank.row(row + 2), bank.row(row + 3)];
                for (j, similarity) in dots(four, query).into_iter().enumerate() {
                    offer(nearest, k, similarity, row + j);
                }
                row += 4;
            }
            for row in row..rows.end {
                offer(nearest, k, dots([bank.row(row)], query)[0], row);
            }
        }
    }
    Ok(nearest)
}

/// Keeps a row if it is among the `k` best so far. Rows come in order, so at equal similarity the
/// earlier one stays. A similarity that is not a number is no neighbour.
fn offer(nearest: &mut BinaryHeap<Near>, k: usize, similarity: f32, row: usize) {
    let neighbour = Near { similarity, row: row as u32 };
    if nearest.len() < k {
        if !similarity.is_nan() {
            nearest.push(neighbour);
        }
    } else if let Some(mut worst) = nearest.peek_mut()
        && similarity > worst.similarity
    {
        *worst = neighbour;
    }
}

/// One of the nearest rows of a bank. Nearest first, of equal ones the earlier row: the one to throw out is on top
/// of a heap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Its similarity to the query.
    pub similarity: f32,
    /// Its number.
    pub row: u32,
}

impl Eq for Near {}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        other.similarity.total_cmp(&self.similarity).then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The labels that the nearest rows vote for with weight exp(similarity / `temperature`), most votes first,
/// equal votes to the smaller label; labels without a vote are not in it. `near` comes nearest first. Weights
/// are taken relative to the best neighbour, which changes no vote and keeps small temperatures from
/// overflowing.
#[must_use]
pub fn ranking(near: &[Near], labels: &[u32], temperature: f64) -> Vec<u32> {
    let Some(best) = near.iter().map(|near| near.similarity).max_by(f32::total_cmp) else {
        return Vec::new();
    };
    let mut votes: BTreeMap<u32, f64> = BTreeMap::new();
    for near in near {
        let weight = (f64::from(near.similarity - best) / temperature).exp();
        *votes.entry(labels[near.row as usize]).or_default() += weight;
    }
    let mut ranked: Vec<(u32, f64)> = votes.into_iter().collect();
    // The sort is stable, and the labels come in order.
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().map(|(label, _)| label).collect()
}

#[cfg(test)]
#[path = "knn_tests.rs"]
mod tests;
