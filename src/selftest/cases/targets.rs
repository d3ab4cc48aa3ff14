//! Losses against targets that are given: labels, stored clusters, the rows of a target network.

use crate::error::Result;
use crate::gpu::Tensor;
use crate::ops::cross_entropy::{self, NONE};
use crate::ops::regression;
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::Tensor64;
use crate::selftest::reference::cross_entropy as reference;
use crate::selftest::reference::regression::{self as regressed, Regression};
use crate::selftest::suite::Suite;

/// As for the swapped loss: a chain of an exponential, a logarithm and sums of at most thousands of terms.
const TOLERANCE: f64 = 2e-6;

/// Crops, pictures, classes, which pictures have no label (each so many'th; 1: none has one), temperature.
const LABELLED: &[(usize, usize, usize, usize, f64)] = &[
    (1, 1, 1, 9, 0.1),
    (2, 3, 3, 9, 0.1),
    (3, 5, 2, 2, 1.0),
    (2, 4, 7, 1, 0.1),
    (6, 3, 31, 3, 0.1),
    (1, 17, 64, 5, 1.0),
    (4, 5, 127, 4, 0.05),
    (2, 7, 255, 3, 0.1),
    (3, 2, 256, 9, 0.1),
    (5, 3, 257, 2, 1.0),
    (2, 2, 300, 9, 0.1),
    (2, 2, 3001, 9, 0.1),
];

/// A column of a tensor of four.
fn column(at: usize) -> impl Fn(&[f32]) -> Result<Vec<f64>, String> {
    move |got| Ok(got.iter().skip(at).step_by(4).map(|&v| f64::from(v)).collect())
}

/// The labels of pictures as the device takes them.
fn upload_labels(bench: &mut Bench, labels: &[Option<usize>]) -> Tensor {
    let mut words: Vec<u32> = labels.iter().map(|label| label.map_or(NONE, |k| k as u32)).collect();
    // What follows the last picture must not matter.
    words.resize(words.len().div_ceil(4) * 4, 0);
    bench.lab.words(&words)
}

/// One head, or two whose losses add up.
fn labelled_loss(
    bench: &mut Bench,
    heads: usize,
    &(views, batch, k, missing, temperature): &(usize, usize, usize, usize, f64),
) -> Result<()> {
    let temperature = f64::from(temperature as f32);
    let (mut losses, mut right) = (vec![0.0; views * batch], vec![0.0; views * batch]);
    let mut sums = None;
    for head in 0..heads {
        let pictures: Vec<Option<usize>> =
            (0..batch).map(|b| (b % missing != missing - 1).then_some((b * 7 + head) % k)).collect();
        let labels = pictures.repeat(views);
        let counted = labels.iter().flatten().count();
        let weight = if counted == 0 { 0.0 } else { 1.0 / (counted * heads) as f32 };
        // Few distinct values, so that the largest logit is often there twice.
        let logits = bench.random(&[views * batch, k]).map(|v| (v * 4.0).round() / 8.0);
        let wide = f64::from(weight);
        let (rows, dlogits) =
            reference::cross_entropy(&logits, &reference::one_hot(&labels, k), wide, temperature);
        losses.iter_mut().zip(&rows).for_each(|(sum, loss)| *sum += loss);
        let hits = reference::right(&logits, &labels);
        right.iter_mut().zip(hits).for_each(|(sum, hit)| *sum += wide * f64::from(u8::from(hit)));

        let mut stored = logits.clone();
        // What stands in a row without a label must not matter either.
        for (row, _) in stored.data.chunks_mut(k).zip(&labels).filter(|(_, label)| label.is_none()) {
            row.fill(f64::NAN);
        }
        let (tlogits, tlabels) = (bench.upload(&stored), upload_labels(bench, &pictures));
        let share = bench.lab.vector(&[weight]);
        let (tdlogits, tsums) = cross_entropy::forward_backward(
            bench.plan(),
            &tlogits,
            &tlabels,
            batch as u32,
            &share,
            temperature as f32,
            sums.as_ref(),
        )?;
        // With one class softmax and target are both 1, and their difference is nothing.
        let whole = (wide / temperature).max(f64::MIN_POSITIVE);
        let scale = if k == 1 { whole } else { largest(&dlogits.data).max(f64::MIN_POSITIVE) };
        bench.expect_scaled(format!("dlogits of head {head}"), &tdlogits, &dlogits, TOLERANCE, scale);
        sums = Some(tsums);
    }
    let sums = sums.expect("there is a head");
    let share = 1.0 / (views * batch) as f64;
    bench.expect_picked("row_loss", &sums, column(0), &losses, TOLERANCE, largest(&losses).max(share));
    bench.expect_picked("right", &sums, column(1), &right, TOLERANCE, share);
    bench.expect_picked("unused", &sums, column(2), &vec![0.0; views * batch], 0.0, 1.0);
    Ok(())
}

/// A label that is not the best by one step of `f32`, or level with an earlier class: wrong all the same.
fn close_calls(bench: &mut Bench) -> Result<()> {
    let next = f64::from(1.0f32.next_up());
    let logits = [[1.0, next, 0.0], [1.0, next, 0.0], [1.0, 1.0, 0.5], [1.0, 1.0, 0.5]].concat();
    let labels = [Some(0), Some(1), Some(0), Some(1)];
    let (tlogits, tlabels) = (bench.upload(&Tensor64::new(&[4, 3], logits)), upload_labels(bench, &labels));
    let share = bench.lab.vector(&[0.25]);
    let (_, sums) = cross_entropy::forward_backward(bench.plan(), &tlogits, &tlabels, 4, &share, 1.0, None)?;
    bench.expect_picked("right", &sums, column(1), &[0.0, 0.25, 0.25, 0.0], 0.0, 1.0);
    Ok(())
}

pub(super) fn labelled(suite: &mut Suite) {
    for case in LABELLED {
        for heads in [1, 2] {
            let (views, batch, k, missing, temperature) = case;
            let name = format!(
                "cross-entropy of {heads} heads, {views} crops x {batch}, {k} classes, each {missing}. without a \
                 label, T {temperature}"
            );
            suite.case(name, |bench| labelled_loss(bench, heads, case));
        }
    }
    suite.case("labels that are almost the best", close_calls);
}

/// Crops, pictures, D, target crops, whether some rows are zeros.
const REGRESSIONS: &[(usize, usize, usize, &[usize], bool)] = &[
    (2, 1, 1, &[0, 1], false),
    (2, 3, 3, &[0], false),
    (2, 3, 3, &[0, 1], true),
    (3, 5, 7, &[0, 2], false),
    (4, 3, 5, &[1], true),
    (8, 4, 31, &[0, 1], false),
    (2, 33, 127, &[0, 1], true),
    (2, 65, 129, &[0, 1], false),
    (5, 3, 256, &[0, 1], false),
    (3, 2, 301, &[0, 1, 2], true),
];

fn regression_case(
    bench: &mut Bench,
    &(views, batch, dim, assigned, zeros): &(usize, usize, usize, &[usize], bool),
) -> Result<()> {
    let mut p = bench.random(&[views * batch, dim]).map(|v| f64::from((3.0 * v) as f32));
    let mut targets = bench.random(&[assigned.len() * batch, dim]);
    if zeros {
        // A prediction, and the target of another picture.
        p.data[..dim].fill(0.0);
        targets.data[dim..2 * dim].fill(0.0);
    }
    let want = regressed::regression(&p, &targets, batch, assigned);
    let Regression { losses, cosines, dp } = want;
    let bits = assigned.iter().fold(0, |bits, crop| bits | 1 << crop);
    let (tp, ttargets) = (bench.upload(&p), bench.upload(&targets));
    let (tdp, tlosses) = regression::forward_backward(bench.plan(), &tp, &ttargets, batch as u32, bits)?;
    // A row of one value has a direction that does not change: dp is then the difference of two equal terms.
    let term = 2.0 / batch as f64;
    let shortest = p.data.iter().fold(f64::INFINITY, |least, v| least.min(v.abs()));
    let scale = if dim == 1 { term / shortest } else { largest(&dp.data) };
    bench.expect_scaled("dp", &tdp, &dp, TOLERANCE, scale);
    bench.expect_picked("row_loss", &tlosses, column(0), &losses, TOLERANCE, largest(&losses).max(term));
    let share = 1.0 / ((views - 1) * batch) as f64;
    bench.expect_picked("cosine", &tlosses, column(1), &cosines, TOLERANCE, share);
    bench.expect_picked("unused", &tlosses, column(3), &vec![0.0; views * batch], 0.0, 1.0);
    Ok(())
}

pub(super) fn regressions(suite: &mut Suite) {
    for case in REGRESSIONS {
        let (views, batch, dim, assigned, zeros) = case;
        let name = format!(
            "regression of {views} crops x {batch} on crops {assigned:?}, {dim} values, zeros {zeros}"
        );
        suite.case(name, |bench| regression_case(bench, case));
    }
}
