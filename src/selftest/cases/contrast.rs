//! Contrastive losses with their gradients, and the queue of keys in panels.
//!
//! An exponent is the difference of two similarities over T. A product of two rows of unit length is exact to some 1e-7,
//! and its quotient by T, up to 1/T, to half a unit of its last place: so the tolerance has a part that grows with 1/T.

use crate::error::Result;
use crate::gpu::Tensor;
use crate::ops::conv2d::Filter;
use crate::ops::{Step, contrast};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::contrast::{self as reference, Contrast};
use crate::selftest::reference::{Tensor64, norm, queue as queues};
use crate::selftest::suite::Suite;

fn tolerance(temperature: f64) -> f64 {
    2e-6 + 2.0 * (1e-7 + 6e-8) / temperature
}

/// Rows of unit length, such that row i is somewhat like row i mod `batch`. Products with others are about 1/√D, and
/// with those about twice as large: which of them is the largest is neither always right nor always wrong.
fn alike(bench: &mut Bench, rows: usize, like: &Tensor64) -> Tensor64 {
    let (batch, dim) = like.dims2();
    let mut x = bench.random(&[rows, dim]);
    for (row, x) in x.data.chunks_mut(dim).enumerate() {
        let like = &like.data[row % batch * dim..][..dim];
        let size = like.iter().map(|v| v * v).sum::<f64>().sqrt();
        x.iter_mut().zip(like).for_each(|(x, like)| *x += like / size * (2.0 * (dim as f64).sqrt()).sqrt());
    }
    norm::l2_normalize(&x).map(|v| f64::from(v as f32))
}

/// The gradient, and what each row has a share in.
fn expect(bench: &mut Bench, results: &(Tensor, Tensor), want: &Contrast, temperature: f64) {
    let ((gradient, losses), allowed) = (results, tolerance(temperature));
    bench.expect_scaled("gradient", gradient, &want.gradient, allowed, largest(&want.terms.data));
    let one = 1.0 / want.shares.len() as f64;
    let columns = [("loss", want.shares.clone()), ("right", want.right.clone())];
    for (column, (what, want)) in columns.into_iter().enumerate() {
        let pick = move |got: &[f32]| Ok(got.iter().skip(column).step_by(4).map(|&v| f64::from(v)).collect());
        bench.expect_picked(what, losses, pick, &want, allowed, largest(&want).max(one));
    }
    let rest = |got: &[f32]| Ok(got.chunks(4).flat_map(|row| [row[2], row[3]]).map(f64::from).collect());
    bench.expect_picked("other channels", losses, rest, &vec![0.0; 2 * want.shares.len()], 0.0, one);
}

/// Crops, pictures, embedding, temperature.
const CROPS: &[([usize; 3], f64)] = &[
    ([2, 1, 8], 0.1), // one picture: no negatives, nothing to learn
    ([4, 1, 5], 0.01),
    ([2, 2, 1], 0.5),
    ([2, 3, 3], 0.1),
    ([3, 5, 7], 0.2),
    ([8, 5, 16], 0.07),
    ([2, 33, 20], 0.1),
    ([2, 16, 128], 0.01),
    ([6, 11, 13], 0.01),
    ([8, 33, 31], 0.1), // more quads than invocations
    ([3, 64, 129], 0.5),
    ([2, 515, 5], 0.1), // more than they take in one go
];

fn all_crops(bench: &mut Bench, &([views, batch, dim], temperature): &([usize; 3], f64)) -> Result<()> {
    let pictures = bench.random(&[batch, dim]);
    let z = alike(bench, views * batch, &pictures);
    // The temperature is a number of the device too.
    let temperature = f64::from(temperature as f32);
    let want = reference::all_crops(&z, batch, temperature);
    let tz = bench.upload(&z);
    let results = contrast::all_crops(bench.plan(), &tz, batch as u32, temperature as f32)?;
    expect(bench, &results, &want, temperature);
    Ok(())
}

/// All rows the same: every other row is as likely, and forces cancel out.
fn collapsed(bench: &mut Bench, [views, batch, dim]: [usize; 3], temperature: f64) -> Result<()> {
    let rows = views * batch;
    let one = bench.random(&[1, dim]);
    let one = norm::l2_normalize(&one).map(|v| f64::from(v as f32));
    let z = Tensor64::new(&[rows, dim], one.data.repeat(rows));
    let temperature = f64::from(temperature as f32);
    let want = reference::all_crops(&z, batch, temperature);
    let chance = (1.0 + ((batch - 1) * views) as f64).ln();
    assert!((want.loss() - chance).abs() < 1e-9, "the loss is at chance level");
    let tz = bench.upload(&z);
    let results = contrast::all_crops(bench.plan(), &tz, batch as u32, temperature as f32)?;
    expect(bench, &results, &want, temperature);
    Ok(())
}

/// Queries of a key, keys, embedding, length of the queue, temperature.
const QUEUES: &[([usize; 4], f64)] = &[
    ([1, 1, 1, 1], 0.5),
    ([1, 7, 16, 1], 0.1),
    ([1, 1, 8, 10], 0.2),
    ([2, 3, 5, 10], 0.2),
    ([1, 5, 12, 65], 0.07),
    ([1, 16, 32, 256], 0.2),
    ([7, 33, 31, 129], 0.1),
    ([2, 4, 13, 1031], 0.01),
    ([1, 3, 128, 5000], 0.2),
];

fn queue(bench: &mut Bench, &([each, batch, dim, length], temperature): &([usize; 4], f64)) -> Result<()> {
    let pictures = bench.random(&[batch, dim]);
    let (q, keys) = (alike(bench, each * batch, &pictures), alike(bench, batch, &pictures));
    let others = bench.random(&[length, dim]);
    let ring = norm::l2_normalize(&others).map(|v| f64::from(v as f32));
    let temperature = f64::from(temperature as f32);
    let want = reference::queue(&q, &keys, &ring, temperature);
    let filter = Filter::linear(dim as u32, length as u32);
    let (tq, tkeys, tring) = (bench.upload(&q), bench.upload(&keys), bench.upload_panels(&filter, &ring));
    let results = contrast::queue(bench.plan(), &tq, &tkeys, &filter, &tring, temperature as f32)?;
    expect(bench, &results, &want, temperature);
    Ok(())
}

fn push(bench: &mut Bench, [batch, dim, length, cursor]: [usize; 4]) -> Result<()> {
    let (keys, old) = (bench.random(&[batch, dim]), bench.random(&[length, dim]));
    let filter = Filter::linear(dim as u32, length as u32);
    let (tkeys, ring) = (bench.upload(&keys), bench.upload_panels(&filter, &old));
    let step = bench.lab.step(Step { queue_cursor: cursor as u32, ..Step::default() });
    contrast::push(bench.plan(), &tkeys, &filter, &ring, &step)?;
    bench.expect_panels("queue", &ring, filter, &queues::push(&old, &keys, batch, &[0], cursor), 0.0);
    Ok(())
}

pub(super) fn losses(suite: &mut Suite) {
    for case in CROPS {
        let ([views, batch, dim], temperature) = case;
        let name = format!("{views} crops x {batch}, embedding {dim}, T {temperature}");
        suite.case(name, |bench| all_crops(bench, case));
    }
    suite.case("4 crops x 5, all alike", |bench| collapsed(bench, [4, 5, 12], 0.1));
    suite.case("2 crops x 9, all alike and cold", |bench| collapsed(bench, [2, 9, 7], 0.01));
    for case in QUEUES {
        let ([each, batch, dim, length], temperature) = case;
        let name = format!("{each} queries x {batch}, embedding {dim}, queue {length}, T {temperature}");
        suite.case(name, |bench| queue(bench, case));
    }
}

pub(super) fn rings(suite: &mut Suite) {
    // Keys, embedding, length, cursor.
    let cases = [
        [1, 1, 1, 0],
        [4, 5, 12, 8],
        [4, 5, 12, 11], // goes round
        [7, 128, 7, 6], // the whole ring
        [5, 33, 40, 30],
        [64, 3, 65, 64],
        [65, 7, 131, 130],
    ];
    for sizes in cases {
        let [batch, dim, length, cursor] = sizes;
        suite.case(format!("queue of {length} x {dim} in panels, {batch} at {cursor}"), |bench| {
            push(bench, sizes)
        });
    }
}
