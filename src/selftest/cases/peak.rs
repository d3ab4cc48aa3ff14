//! What measures an adapter's limits computes something too, and right.

use crate::error::Result;
use crate::gpu::Family;
use crate::ops::peak;
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::Tensor64;
use crate::selftest::suite::Suite;

fn copied(bench: &mut Bench, rows: usize, columns: usize) -> Result<()> {
    let x = bench.random(&[rows, columns]);
    let tx = bench.upload(&x);
    let ty = peak::copy(bench.plan(), &tx)?;
    bench.expect("copy", &ty, &x, 0.0);
    Ok(())
}

fn fused(bench: &mut Bench, rows: usize, turns: u32) -> Result<()> {
    let (factor, term) = (0.75f32, 0.5f32);
    let x = bench.random(&[rows, 4]);
    let tx = bench.upload(&x);
    let (ty, flop) = peak::fused(bench.plan(), &tx, turns, [factor, term])?;
    assert_eq!(flop, rows as u64 * 4 * 16 * u64::from(turns));
    let [factor, term] = [factor, term].map(f64::from);
    let end = |start: f64| (0..turns).fold(start, |c, _| c * factor + term);
    let want = x.map(|v| (0..8).map(|i| end(v + f64::from(i) * term)).sum());
    // Each turn rounds once, and what was off before shrinks: four roundings in all, and those of the sum.
    bench.expect("sums", &ty, &want, 1e-6);
    Ok(())
}

/// As many rounds of a loop as kernels may ask for: a driver that ends one before gives a smaller sum, and says nothing.
fn counted(bench: &mut Bench) -> Result<()> {
    let turns = bench.plan().gpu().facts().rounds().min(1 << 16);
    let tx = bench.upload(&Tensor64::new(&[1, 4], vec![0.0; 4]));
    let (ty, _) = peak::fused(bench.plan(), &tx, turns, [1.0, 1.0])?;
    let sum = (0..8).map(|start| f64::from(turns + start)).sum();
    bench.expect("sums", &ty, &Tensor64::new(&[1, 4], vec![sum; 4]), 0.0);
    Ok(())
}

fn multiplied(bench: &mut Bench, turns: u32, blocks: usize) -> Result<()> {
    let side = peak::side(bench.plan()) as usize;
    let x = bench.random(&[2 * side, side]).map(|v| half::f16::from_f64(v).to_f64());
    let tx = bench.upload(&x);
    let (ty, _) = peak::multiply(bench.plan(), &tx, turns, blocks as u32)?;
    let at = |row: usize, column: usize| x.data[row * side + column];
    let product = |i: usize, j: usize| (0..side).map(|k| at(i, k) * at(side + k, j)).sum::<f64>();
    let block: Vec<f64> = (0..side * side).map(|n| f64::from(turns) * product(n / side, n % side)).collect();
    let want = Tensor64::new(&[blocks * side, side], block.repeat(blocks));
    // Units may cut off at each addition (`conv`).
    let tolerance = f64::from(turns + 1) * f64::from(f32::EPSILON);
    bench.expect_scaled("product", &ty, &want, tolerance, largest(&want.data));
    Ok(())
}

pub(super) fn limits(suite: &mut Suite) {
    for (rows, columns) in [(1, 1), (1, 13), (63, 7), (64, 16), (257, 4)] {
        suite.case(format!("copy of {rows} x {columns}"), |bench| copied(bench, rows, columns));
    }
    for (rows, turns) in [(1, 1), (65, 3), (200, 40)] {
        suite.case(format!("{turns} fused turns of {rows} quads"), |bench| fused(bench, rows, turns));
    }
    suite.case("all rounds of a long loop", counted);
    if suite.family() == Family::Matrix {
        for (turns, blocks) in [(1, 1), (7, 3)] {
            suite.case(format!("{turns} products of {blocks} blocks"), |bench| {
                multiplied(bench, turns, blocks)
            });
        }
    }
}
