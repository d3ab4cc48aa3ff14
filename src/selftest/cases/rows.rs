//! Pools, normalisation of rows, masks and biases: passes that read little and add up less.

use crate::error::Result;
use crate::gpu::{Element, ShaderParams as _, Shape};
use crate::ops::conv2d::Filter;
use crate::ops::loss_scale::ScaleState;
use crate::ops::{normalize, pool, vector};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::{Tensor64, linear, norm, pool as pools, relu};
use crate::selftest::suite::Suite;

const TOLERANCE: f64 = 1e-6;

/// Pictures, among them those that a window of 3 does not fit in.
const PICTURES: &[[usize; 4]] = &[
    [1, 1, 1, 1],
    [2, 3, 5, 7],
    [1, 2, 8, 6],
    [3, 5, 1, 4],
    [1, 4, 2, 1],
    [1, 63, 3, 2],
    [2, 13, 11, 31],
    [1, 17, 16, 16],
    [1, 65, 2, 2],
];

fn shape_of(shape: &[usize; 4], element: Element) -> Shape {
    let [n, c, h, w] = shape.map(|n| n as u32);
    Shape::pictures(n, h, w, c).stored(element)
}

/// `ties`: few distinct values, so that windows have several maxima; all negative, so that padding
/// would win if it could.
fn max_pool(bench: &mut Bench, shape: &[usize; 4], ties: bool) -> Result<()> {
    let x = bench.random(shape);
    let x = if ties { x.map(|v| v.round() - 9.0) } else { x };
    let (y, winners) = pools::max_pool(&x);
    let dy = bench.random(&y.shape);
    let (tx, tdy) = (bench.activations(&x), bench.activations(&dy));
    let (ty, won) = pool::max_forward(bench.plan(), &tx)?;
    let tdx = pool::max_backward(bench.plan(), &won, &tdy, tx.shape)?;
    bench.expect("max", &ty, &y, 0.0);
    let dx = pools::max_pool_backward(&winners, &dy, shape);
    bench.expect("dmax", &tdx, &dx, bench.stored(TOLERANCE));
    Ok(())
}

/// The pooled rows lie at `first` among others, which must stay as they are.
fn average_pool(bench: &mut Bench, shape: &[usize; 4], first: usize) -> Result<()> {
    let [n, c, ..] = *shape;
    let x = bench.random(shape);
    let (before, after) = (bench.random(&[first + 1, c]), bench.random(&[2, c]));
    let all = |rows: Tensor64| Tensor64::concat(&[before.slice(0, first), rows, after.clone()]);
    let out = bench.random(&[n, c]);
    let dy = bench.random(&[n, c]);
    let (tx, tout, tdy) = (bench.activations(&x), bench.upload(&all(out)), bench.upload(&all(dy.clone())));
    // Half precision gets its gradients multiplied.
    let shape_of = shape_of(shape, bench.element());
    let scale = if bench.element() == Element::F16 { 1024.0 } else { 1.0 };
    let state = ScaleState { scale: scale as f32, ..ScaleState::initial() };
    let state = (scale > 1.0).then(|| bench.lab.upload(ScaleState::shape(), state.words().to_vec()));
    pool::average_forward(bench.plan(), &tx, &tout, first as u32)?;
    let tdx = pool::average_backward(bench.plan(), &tdy, first as u32, shape_of, state.as_ref())?;
    bench.expect("average", &tout, &all(pools::average_pool(&x)), TOLERANCE);
    let dx = pools::average_pool_backward(&dy, shape).map(|v| v * scale);
    bench.expect("daverage", &tdx, &dx, bench.stored(TOLERANCE));
    Ok(())
}

/// Means over a grid, also one that does not divide the picture and one of more cells than it has pixels.
fn grid_pool(bench: &mut Bench, shape: &[usize; 4], grid: [usize; 2]) -> Result<()> {
    let x = bench.random(shape);
    let tx = bench.activations(&x);
    let [rows, columns] = grid.map(|n| n as u32);
    let out = Shape::pictures(tx.shape.images, rows, columns, tx.shape.channels);
    let out = bench.plan().lease(out);
    pool::average_forward(bench.plan(), &tx, &out, 0)?;
    bench.expect("means of a grid", &out, &pools::grid_pool(&x, grid), TOLERANCE);
    Ok(())
}

pub(super) fn pooled(suite: &mut Suite) {
    for shape in PICTURES {
        for ties in [false, true] {
            let name = format!("max-pool {shape:?}{}", if ties { " with ties" } else { "" });
            suite.both(name, |bench| max_pool(bench, shape, ties));
        }
        for grid in [[2, 2], [3, 4], [1, 5]] {
            suite.both(format!("average pool {shape:?} over a grid {grid:?}"), |bench| {
                grid_pool(bench, shape, grid)
            });
        }
        for first in [0, 3] {
            suite.both(format!("average pool {shape:?} from row {first}"), |bench| {
                average_pool(bench, shape, first)
            });
        }
    }
}

/// Rows of very different lengths, and where there are several, one of zeros.
fn uneven(bench: &mut Bench, rows: usize, columns: usize) -> Tensor64 {
    let mut x = bench.random(&[rows, columns]);
    for (r, row) in x.data.chunks_mut(columns).enumerate() {
        let size = if r == 2 { 0.0 } else { [1.0, 1e-4, 1e3][r % 3] };
        row.iter_mut().for_each(|v| *v = f64::from((*v * size) as f32));
    }
    x
}

fn unit_rows(bench: &mut Bench, rows: usize, columns: usize) -> Result<()> {
    let x = uneven(bench, rows, columns);
    let dy = bench.random(&[rows, columns]);
    let (tx, tdy) = (bench.upload(&x), bench.upload(&dy));
    let ty = normalize::forward(bench.plan(), &tx)?;
    let tdx = normalize::backward(bench.plan(), &tx, &tdy)?;
    bench.expect("unit", &ty, &norm::l2_normalize(&x), TOLERANCE);
    // dx ~ dy / |x|, of which the part along x is taken away; each row is judged by its own size.
    let dx = norm::l2_normalize_backward(&x, &dy);
    for row in 0..rows {
        let length = x.slice(row, row + 1).norm();
        let want = dx.slice(row, row + 1).data;
        let size = if length > 0.0 { dy.slice(row, row + 1).norm() / length } else { 1.0 };
        let from = row * columns.div_ceil(4) * 4;
        let pick = move |got: &[f32]| {
            let padded = &got[from..from + columns.div_ceil(4) * 4];
            let clean = padded[columns..].iter().all(|&v| v == 0.0);
            let values = padded[..columns].iter().map(|&v| f64::from(v)).collect();
            if clean { Ok(values) } else { Err(format!("the padding holds {:?}", &padded[columns..])) }
        };
        bench.expect_picked(format!("dunit of row {row}"), &tdx, pick, &want, TOLERANCE, size);
    }
    Ok(())
}

pub(super) fn unit_length(suite: &mut Suite) {
    for (rows, columns) in [(1, 1), (1, 4), (3, 5), (63, 3), (64, 128), (65, 127), (129, 129), (7, 2048)] {
        suite.case(format!("normalise {rows} rows of {columns}"), |bench| unit_rows(bench, rows, columns));
        suite.case(format!("prototypes {rows} of {columns}"), |bench| {
            let w = uneven(bench, rows, columns);
            let filter = Filter::linear(columns as u32, rows as u32);
            let tw = bench.upload_panels(&filter, &w);
            normalize::in_place(bench.plan(), &filter, &tw)?;
            bench.expect_panels("prototypes", &tw, filter, &norm::l2_normalize(&w), TOLERANCE);
            Ok(())
        });
    }
}

pub(super) fn vectors(suite: &mut Suite) {
    for (rows, columns) in [
        (1, 1),
        (3, 3),
        (5, 4),
        (16, 7),
        (17, 12),
        (255, 4),
        (257, 4),
        (64, 65),
        (1024, 5),
        (1025, 63),
        (4099, 2),
    ] {
        suite.both(format!("vectors {rows} x {columns}"), |bench| {
            let (x, dy) = (bench.random(&[rows, columns]), bench.random(&[rows, columns]));
            let (bias, old) = (bench.random(&[columns]), bench.random(&[columns]));
            // A third of the activations is exactly zero, as after a ReLU.
            let y = x.map(|v| if v > 0.5 { v } else { v.min(0.0) });
            let [tx, ty, tdy] = [&x, &y, &dy].map(|t| bench.activations(t));
            let [tbias, told] = [&bias, &old].map(|t| bench.upload(t));
            let plan = bench.plan();
            let rectified = vector::relu(plan, &tx)?;
            let masked = vector::mask(plan, &ty, &tdy)?;
            vector::add_bias(plan, &tx, &tbias)?;
            vector::bias_gradient(plan, &tdy, &told)?;
            bench.expect("rectified", &rectified, &relu::forward(&x), 0.0);
            bench.expect("masked", &masked, &relu::backward(&y, &dy), 0.0);
            let mut biased = x.clone();
            for row in biased.data.chunks_mut(columns) {
                row.iter_mut().zip(&bias.data).for_each(|(x, b)| *x += b);
            }
            bench.expect("biased", &tx, &biased, bench.stored(1e-7));
            let dbias = linear::backward_bias(&dy).add(&old);
            let scale = largest(&dbias.data).max(largest(&dy.data));
            bench.expect_scaled("dbias+", &told, &dbias, TOLERANCE, scale);
            Ok(())
        });
        suite.both(format!("3 slices of {rows} x {columns}"), |bench| {
            let parts: Vec<_> = (0..3).map(|_| bench.random(&[rows, columns])).collect();
            let (sum, old) = (parts[0].add(&parts[1]).add(&parts[2]), bench.random(&[rows, columns]));
            let partial = bench.upload(&Tensor64::concat(&parts));
            let [joined, added] = [&old, &old].map(|old| bench.activations(old));
            vector::join(bench.plan(), &partial, 3, &joined, false)?;
            vector::join(bench.plan(), &partial, 3, &added, true)?;
            let stored = bench.stored(TOLERANCE);
            bench.expect("joined", &joined, &sum, stored);
            bench.expect("joined+", &added, &sum.add(&old), stored);
            Ok(())
        });
    }
}
