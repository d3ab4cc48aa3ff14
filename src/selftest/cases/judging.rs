//! What judges features: the nearest rows of a bank, and linear classifiers.

use crate::error::Result;
use crate::gpu::Shape;
use crate::ops::conv2d::Filter;
use crate::ops::nearest::{self, LIST, LOWEST};
use crate::ops::probe::{self, NONE, Side};
use crate::selftest::bench::Bench;
use crate::selftest::reference::Tensor64;
use crate::selftest::suite::Suite;

const TOLERANCE: f64 = 1e-6;

/// Similarities in a few steps, so that there are many ties, in blocks of the bank. The last quarter of a block
/// is better than the rest: all of a sudden there are more to keep than there is room for.
fn blocks(bench: &mut Bench, queries: usize, sizes: &[usize], k: usize, steps: f64) -> Result<()> {
    let lists = Shape::matrix(queries as u32, LIST);
    let floats = queries * LIST as usize;
    let best = bench.lab.upload(lists, vec![LOWEST; floats]);
    let rows = bench.lab.upload(lists, vec![f32::from_bits(u32::MAX); floats]);
    let mut all: Vec<Vec<(f64, usize)>> = vec![Vec::new(); queries];
    let mut first = 0;
    for &size in sizes {
        // No negative zeros: `total_cmp` puts them below the others, to a kernel they are equal.
        let stepped = |v: f64| f64::from(((v * steps).round() / steps) as f32) + 0.0;
        let mut x = bench.random(&[queries, size]);
        for row in x.data.chunks_mut(size) {
            row[size - size / 4..].iter_mut().for_each(|v| *v += 3.0);
        }
        let x = x.map(stepped);
        for (query, found) in all.iter_mut().enumerate() {
            found.extend((0..size).map(|column| (x.data[query * size + column], first + column)));
        }
        let similarities = bench.upload(&x);
        let block = bench.lab.words(&[first as u32, size as u32, 0, 0]);
        nearest::keep_best(bench.plan(), &similarities, &block, &best, &rows, k as u32)?;
        first += size;
    }
    let (mut values, mut places) = (Vec::new(), Vec::new());
    for found in &mut all {
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let sure = found.iter().take(k);
        values.extend(sure.clone().map(|(value, _)| *value));
        let mut rows: Vec<f64> = sure.map(|(_, row)| *row as f64).collect();
        rows.sort_by(f64::total_cmp);
        places.extend(rows);
    }
    let kept = k.min(first);
    // They come in no order: similarities are compared falling, rows rising.
    let firsts = move |got: &[f32], as_number: fn(f32) -> f64, sign: f64| {
        let list = |list: &[f32]| {
            let mut list: Vec<f64> = list[..kept].iter().map(|&v| as_number(v)).collect();
            list.sort_by(|a, b| (sign * a).total_cmp(&(sign * b)));
            list
        };
        got.chunks(LIST as usize).flat_map(list).collect::<Vec<f64>>()
    };
    let pick = move |got: &[f32]| Ok(firsts(got, f64::from, -1.0));
    bench.expect_picked("similarities", &best, pick, &values, 0.0, 1.0);
    let pick = move |got: &[f32]| Ok(firsts(got, |v| f64::from(v.to_bits()), 1.0));
    bench.expect_picked("rows", &rows, pick, &places, 0.0, 1.0);
    Ok(())
}

pub(super) fn neighbours(suite: &mut Suite) {
    for (queries, sizes, k, steps) in [
        (1, &[1][..], 1, 4.0),
        (3, &[7, 5], 20, 2.0),
        (5, &[63, 65], 1, 1e6),
        (9, &[257, 1, 300], 200, 3.0),
        (2, &[2048, 1000], 256, 1e6),
        (33, &[129], 20, 0.1),
        (2, &[9001], 20, 1e6),
    ] {
        suite.case(format!("{k} nearest of {sizes:?} for {queries}"), |bench| {
            blocks(bench, queries, sizes, k, steps)
        });
    }
}

/// One step of several classifiers beside the same in f64; some rows have no label.
fn step(bench: &mut Bench, rows: usize, depth: usize, side: Side) -> Result<()> {
    let Side { classes, group, groups } = side;
    let [classes, group, groups] = [classes, group, groups].map(|n| n as usize);
    let columns = group * groups;
    let labels: Vec<u32> =
        (0..rows).map(|row| if row % 5 == 4 { NONE } else { (row * 7 % classes) as u32 }).collect();
    let known = labels.iter().filter(|&&label| label != NONE).count();
    let rates: Vec<f32> = (0..groups).map(|g| 0.1 * (g + 1) as f32).chain([1.0 / known as f32]).collect();
    let logits = bench.random(&[rows, columns]).map(|v| 3.0 * v);
    let mut want = Tensor64 { shape: vec![rows, columns], data: vec![0.0; rows * columns] };
    for row in (0..rows).filter(|&row| labels[row] != NONE) {
        for g in 0..groups {
            let first = row * columns + g * group;
            let exps: Vec<f64> = logits.data[first..first + classes].iter().map(|v| v.exp()).collect();
            let sum: f64 = exps.iter().sum();
            for (c, e) in exps.iter().enumerate() {
                let wanted = f64::from(u8::from(c == labels[row] as usize));
                want.data[first + c] = (e / sum - wanted) * f64::from(rates[groups]);
            }
        }
    }
    let mut words = labels;
    words.resize(rows.div_ceil(4) * 4, NONE);
    let (tlogits, tlabels, trates) =
        (bench.upload(&logits), bench.lab.words(&words), bench.lab.vector(&rates));
    let dlogits = probe::loss_gradient(bench.plan(), side, &tlogits, &tlabels, &trates)?;
    bench.expect("dlogits", &dlogits, &want, TOLERANCE);

    let filter = Filter::linear(depth as u32, columns as u32);
    let [w, v, dw] = [(); 3].map(|()| bench.random(&[columns, depth]));
    let [tw, tv, tdw] = [&w, &v, &dw].map(|t| bench.upload_panels(&filter, t));
    probe::update(bench.plan(), side, &filter, [&tdw, &tv, &tw], &trates, 0.9, 0.01)?;
    let (mut new_w, mut new_v) = (w.clone(), v.clone());
    for (at, (w, v)) in new_w.data.iter_mut().zip(&mut new_v.data).enumerate() {
        *v = f64::from(0.9f32) * *v + dw.data[at] + f64::from(0.01f32) * *w;
        *w -= f64::from(rates[at / depth / group]) * *v;
    }
    bench.expect_panels("momentum", &tv, filter, &new_v, TOLERANCE);
    bench.expect_panels("weights", &tw, filter, &new_w, TOLERANCE);
    Ok(())
}

pub(super) fn classifiers(suite: &mut Suite) {
    for (rows, depth, classes, group, groups) in
        [(1, 1, 1, 4, 1), (7, 5, 3, 4, 2), (64, 33, 16, 16, 7), (33, 129, 10, 12, 5), (3, 8, 1000, 1000, 1)]
    {
        let side = Side { classes, group, groups };
        suite.case(format!("{groups} classifiers of {classes} classes, {rows} x {depth}"), |bench| {
            step(bench, rows, depth, side)
        });
    }
}
