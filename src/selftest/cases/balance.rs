//! Sinkhorn over a bank that passes by in blocks: an iteration's sums of columns, and labels.
//!
//! Terms are `score / ε` and potentials, up to some tens, and sums are logarithms of such. A result is the work of a
//! dozen roundings of that size and of a logarithm whose sum is off by fewer, so it may be off by 1e-6 of the
//! largest term.

use crate::error::Result;
use crate::gpu::{Shape, Tensor};
use crate::ops::balance::{self, Block};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::{Tensor64, sinkhorn as reference};
use crate::selftest::suite::Suite;

const TOLERANCE: f64 = 1e-6;

/// Rows of the blocks, rows that a block has room for, prototypes, ε.
type Case = (&'static [usize], usize, usize, f64);

const CASES: &[Case] = &[
    (&[1], 1, 1, 0.05),
    (&[3], 4, 3, 0.05),
    (&[5, 5, 2], 5, 7, 0.05),
    (&[16, 15], 16, 16, 0.04),
    (&[17], 40, 31, 0.03),
    (&[63, 63, 1], 63, 255, 0.05),
    (&[65], 65, 257, 0.05),          // one quad more than invocations
    (&[1040, 1037], 1040, 13, 0.02), // longer chunks, whose rows are no multiple of four
    (&[8, 3], 8, 3000, 0.05),
];

/// The scores of a block as kernels see them. What is not in use must not matter, whatever it is.
fn upload(bench: &mut Bench, scores: &Tensor64, room: usize) -> Tensor {
    let mut stored = scores.data.clone();
    stored.resize(room * scores.shape[1], f64::NAN);
    bench.upload(&Tensor64::new(&[room, scores.shape[1]], stored))
}

fn words(bench: &mut Bench, block: Block) -> Tensor {
    bench.lab.words(&block.words().map(f32::to_bits))
}

/// One iteration over all blocks.
fn sums(bench: &mut Bench, &(sizes, room, k, epsilon): &Case, first: bool) -> Result<()> {
    let rows = sizes.iter().sum();
    let scores = bench.random(&[rows, k]).map(|v| f64::from((0.35 * v).clamp(-1.0, 1.0) as f32));
    let potentials = bench.random(&[k]).map(|v| f64::from((3.0 * v - 15.0) as f32));
    let g = bench.upload(&potentials);
    let columns = bench.plan().lease(Shape::matrix(2, k as u32));
    let mut from = 0;
    for &rows in sizes {
        let tscores = upload(bench, &scores.slice(from, from + rows), room);
        let block = words(bench, Block { rows: rows as u32, later: from > 0, first });
        balance::add_block(bench.plan(), epsilon, &tscores, &block, &g, &columns)?;
        from += rows;
    }
    let row_potentials =
        if first { vec![0.0; rows] } else { reference::row_potentials(&scores, epsilon, &potentials.data) };
    let want = reference::column_sums(&scores, epsilon, &row_potentials);
    let pick = move |got: &[f32]| {
        let (top, sum) = got.split_at(got.len() / 2);
        if top[k..].iter().chain(&sum[k..]).any(|&padding| padding != 0.0) {
            return Err("the padding is not zero".to_owned());
        }
        let log = |(&top, &sum): (&f32, &f32)| f64::from(top) + f64::from(sum).ln();
        Ok(top[..k].iter().zip(sum).map(log).collect())
    };
    let terms = [scores.map(|s| s / epsilon).data, potentials.data, row_potentials].map(|v| largest(&v));
    bench.expect_picked("sums of columns", &columns, pick, &want, TOLERANCE, largest(&terms));
    Ok(())
}

/// Labels of a block. Two prototypes may lead a row almost evenly, so a label is judged by its value.
fn labels(bench: &mut Bench, rows: usize, room: usize, k: usize, epsilon: f64) -> Result<()> {
    let scores = bench.random(&[rows, k]).map(|v| f64::from((0.35 * v).clamp(-1.0, 1.0) as f32));
    let potentials = bench.random(&[k]);
    let values = |row: usize, j: usize| scores.data[row * k + j] / epsilon + potentials.data[j];
    let best = |row: usize| (0..k).map(|j| values(row, j)).fold(f64::NEG_INFINITY, f64::max);
    let want: Vec<f64> = (0..rows).map(best).collect();
    let scale = largest(&scores.data) / epsilon + largest(&potentials.data);
    let (tscores, g) = (upload(bench, &scores, room), bench.upload(&potentials));
    let block = words(bench, Block { rows: rows as u32, later: false, first: false });
    let found = balance::labels(bench.plan(), epsilon, &tscores, &block, &g)?;
    let pick = move |got: &[f32]| {
        let value = |(row, label): (usize, &f32)| match label.to_bits() as usize {
            label if label < k => Ok(scores.data[row * k + label] / epsilon + potentials.data[label]),
            label => Err(format!("{label} is no prototype")),
        };
        got[..rows].iter().enumerate().map(value).collect()
    };
    bench.expect_picked("labels", &found, pick, &want, TOLERANCE, scale);
    Ok(())
}

/// Values in a few steps, so that there are many ties: the first of equal ones wins.
fn ties(bench: &mut Bench, rows: usize, k: usize) -> Result<()> {
    let step = |v: f64| v.round().clamp(-1.0, 1.0);
    let scores = bench.random(&[rows, k]).map(step);
    let potentials = bench.random(&[k]).map(step);
    let want = (0..rows).map(|row| {
        let value = |j: usize| scores.data[row * k + j] + potentials.data[j];
        (0..k).fold(0, |best, j| if value(j) > value(best) { j } else { best }) as f64
    });
    let want: Vec<f64> = want.collect();
    let (tscores, g) = (bench.upload(&scores), bench.upload(&potentials));
    let block = words(bench, Block { rows: rows as u32, later: false, first: false });
    let found = balance::labels(bench.plan(), 1.0, &tscores, &block, &g)?;
    let pick = move |got: &[f32]| Ok(got[..rows].iter().map(|v| f64::from(v.to_bits())).collect());
    bench.expect_picked("labels", &found, pick, &want, 0.0, 1.0);
    Ok(())
}

pub(super) fn banks(suite: &mut Suite) {
    for case @ &(sizes, room, k, epsilon) in CASES {
        for first in [true, false] {
            let name = if first { "first" } else { "later" };
            let name =
                format!("{name} sums of {sizes:?} rows, room for {room}, {k} prototypes, epsilon {epsilon}");
            suite.case(name, |bench| sums(bench, case, first));
        }
        let name = format!("labels of {} rows, room for {room}, {k} prototypes, epsilon {epsilon}", sizes[0]);
        suite.case(name, |bench| labels(bench, sizes[0], room, k, epsilon));
    }
    for (rows, k) in [(1, 1), (33, 5), (64, 300), (7, 1025)] {
        suite.case(format!("labels of {rows} rows with ties among {k}"), |bench| ties(bench, rows, k));
    }
}
