//! Grids of more than 65,535 workgroups: no dimension of a dispatch may be longer, so they are folded.
//!
//! Each operation here has just more workgroups than one row of such a grid holds, and is cheap.

use crate::error::Result;
use crate::gpu::{Family, Shape};
use crate::ops::conv2d::Filter;
use crate::ops::optimizer::{self, Rule, Scaling, Settings, Shard, Span};
use crate::ops::{Step, contrast, loss, normalize, pool, vector};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::Tensor64;
use crate::selftest::reference::pool as pools;
use crate::selftest::suite::Suite;

const GROUPS: usize = 65_535;

/// Numbers that are cheap to make, repeat late, and are exact in `f32`.
fn pattern(rows: usize, columns: usize) -> Tensor64 {
    let data = (0..rows * columns).map(|at| ((at * 7919) % 1009) as f64 / 64.0 - 7.0).collect();
    Tensor64::new(&[rows, columns], data)
}

/// One value for each of 2048 x 2049 pixels.
fn spread_out(bench: &mut Bench) -> Result<()> {
    let dy = bench.random(&[1, 1]);
    let tdy = bench.upload(&dy);
    let tdx = pool::average_backward(bench.plan(), &tdy, 0, Shape::pictures(1, 2048, 2049, 1), None)?;
    bench.expect("daverage", &tdx, &pools::average_pool_backward(&dy, &[1, 1, 2048, 2049]), 1e-6);
    Ok(())
}

fn biased(bench: &mut Bench) -> Result<()> {
    let x = pattern(GROUPS * 64 + 1, 1);
    let bias = bench.random(&[1]);
    let (tx, tbias) = (bench.upload(&x), bench.upload(&bias));
    vector::add_bias(bench.plan(), &tx, &tbias)?;
    bench.expect("biased", &tx, &x.map(|v| v + bias.data[0]), 1e-7);
    Ok(())
}

/// Rows of one value become its sign.
fn unit_rows(bench: &mut Bench) -> Result<()> {
    let x = pattern(GROUPS * 64 + 1, 1).map(|v| v + 0.003_906_25);
    let tx = bench.upload(&x);
    let y = normalize::forward(bench.plan(), &tx)?;
    bench.expect("unit", &y, &x.map(f64::signum), 1e-6);
    Ok(())
}

/// A workgroup a row of the scores.
fn loss_rows(bench: &mut Bench) -> Result<()> {
    let batch = GROUPS / 2 + 1;
    let scores = pattern(2 * batch, 2).map(|v| v / 8.0);
    let codes = Tensor64::new(&[batch, 2], [0.25, 0.75].repeat(batch));
    let (tscores, tcodes) = (bench.upload(&scores), bench.upload(&codes));
    // Only crop 0 is assigned, so only the rows of crop 1 have a loss.
    let (dscores, _) = loss::forward_backward(bench.plan(), &tscores, &tcodes, batch as u32, 1, 1.0)?;
    let mut want = Tensor64::zeros(&scores.shape);
    for row in batch..2 * batch {
        let p = 1.0 / (1.0 + (scores.data[row * 2 + 1] - scores.data[row * 2]).exp());
        want.data[row * 2] = (p - 0.25) / batch as f64;
        want.data[row * 2 + 1] = (0.25 - p) / batch as f64;
    }
    bench.expect("dscores", &dscores, &want, 1e-6);
    Ok(())
}

/// A workgroup a query, each between one key and one old one.
fn queries(bench: &mut Bench) -> Result<()> {
    let rows = GROUPS + 1;
    let (key, old) = (0.75, -0.5);
    let q = pattern(rows, 1);
    let filter = Filter::linear(1, 1);
    let (tq, tkey) = (bench.upload(&q), bench.upload(&Tensor64::new(&[1, 1], vec![key])));
    let ring = bench.upload_panels(&filter, &Tensor64::new(&[1, 1], vec![old]));
    let (dq, _) = contrast::queue(bench.plan(), &tq, &tkey, &filter, &ring, 1.0)?;
    let missed = |q: f64| 1.0 / (1.0 + (q * (key - old)).exp());
    bench.expect("dq", &dq, &q.map(|q| missed(q) * (old - key) / rows as f64), 1e-6);
    Ok(())
}

/// A workgroup a chunk: as many parameters of one quad.
fn chunks(bench: &mut Bench) -> Result<()> {
    let parameters = GROUPS + 2;
    let spans: Vec<_> = (0..parameters as u32).map(|p| Span { first: p, quads: 1, flags: 0 }).collect();
    let (chunks, table) = optimizer::tables(&spans);
    let (chunks, table) = (bench.lab.words(&chunks), bench.lab.words(&table));
    let (value, gradient) = (pattern(parameters, 4), pattern(parameters, 4).map(|v| v * 0.5 + 1.0));
    let shard = Shard {
        value: bench.upload(&value),
        gradient: bench.upload(&gradient),
        moment: bench.upload(&Tensor64::zeros(&value.shape)),
        second: None,
        chunks,
        parameters: table,
    };
    let step = bench.lab.step(Step { learning_rate: 0.5, ..Step::default() });
    let rule = Rule::Sgd { scaling: Scaling::None, momentum: 0.9 };
    let settings = Settings { rule, weight_decay: 0.0, exclude: false };
    let norms = optimizer::update(bench.plan(), &shard, &settings, &step)?;
    let rows = value.data.chunks(4).zip(gradient.data.chunks(4));
    let length = |row: &[f64]| row.iter().map(|v| v * v).sum::<f64>().sqrt();
    let facts = rows.flat_map(|(p, g)| [length(p), length(g), 0.0, 1.0]).collect();
    bench.expect("norms", &norms, &Tensor64::new(&value.shape, facts), 1e-6);
    let after = value.zip(&gradient, |p, g| p - 0.5 * g);
    bench.expect_scaled("value", &shard.value, &after, 1e-6, largest(&value.data));
    Ok(())
}

pub(super) fn grids(suite: &mut Suite) {
    suite.case("4,196,352 pixels", spread_out);
    // The shaders of the others are the same in both families.
    if suite.family() == Family::Tile {
        suite.case("4,194,241 quads plus bias", biased);
        suite.case("4,194,241 rows of unit length", unit_rows);
        suite.case("65,536 rows of the loss", loss_rows);
        suite.case("65,536 queries", queries);
        suite.case("65,537 parameters", chunks);
    }
}
