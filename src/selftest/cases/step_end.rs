//! What ends a step: the loss and its gradient, the queue, and the report.

use crate::error::Result;
use crate::ops::report::{Layout, Report};
use crate::ops::{Step, loss, queue, report};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::loss::{self as losses, Settings};
use crate::selftest::reference::report::{self as reports, GradientFacts};
use crate::selftest::reference::{Tensor64, queue as queues};
use crate::selftest::suite::Suite;
use std::mem::offset_of;

const TOLERANCE: f64 = 2e-6;

fn bits(assigned: &[usize]) -> u32 {
    assigned.iter().fold(0, |bits, crop| bits | 1 << crop)
}

/// Codes: rows that sum to 1.
fn shares(bench: &mut Bench, rows: usize, columns: usize) -> Tensor64 {
    let mut q = bench.random(&[rows, columns]).map(|v| (2.0 * v).exp());
    for row in q.data.chunks_mut(columns) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|v| *v = f64::from((*v / sum) as f32));
    }
    q
}

/// Crops, pictures, prototypes, assignment crops, temperature.
const LOSSES: &[(usize, usize, usize, &[usize], f64)] = &[
    (2, 1, 1, &[0, 1], 0.1),
    (2, 3, 3, &[0], 0.1),
    (3, 5, 7, &[1], 0.1),
    (4, 3, 5, &[0, 2, 3], 0.1),
    (8, 4, 31, &[0, 1], 0.1),
    (2, 7, 255, &[0, 1], 0.1),
    (3, 2, 256, &[2], 0.05),
    (5, 3, 257, &[0, 1], 1.0),
    (2, 2, 3001, &[0, 1], 0.1),
];

fn swapped_loss(
    bench: &mut Bench,
    &(views, batch, k, assigned, temperature): &(usize, usize, usize, &[usize], f64),
) -> Result<()> {
    let scores = bench.random(&[views * batch, k]).map(|v| f64::from((0.4 * v) as f32));
    let codes: Vec<_> = assigned.iter().map(|_| shares(bench, batch, k)).collect();
    // The temperature is a number of the device too.
    let temperature = f64::from(temperature as f32);
    let settings = Settings { batch, assign: assigned.to_vec(), epsilon: 0.05, iterations: 3, temperature };
    let (total, dscores) = losses::swapped_loss(&scores, &codes, &settings);
    let rows = losses::row_losses(&scores, &codes, &settings);
    assert!((rows.iter().sum::<f64>() - total).abs() < 1e-12, "the rows make up the loss");
    let (tscores, tcodes) = (bench.upload(&scores), bench.upload(&Tensor64::concat(&codes)));
    let (tdscores, tloss) = loss::forward_backward(
        bench.plan(),
        &tscores,
        &tcodes,
        batch as u32,
        bits(assigned),
        temperature as f32,
    )?;
    // With one prototype softmax and target are both 1, and their difference is nothing.
    let whole = 1.0 / ((views - 1) * batch) as f64 / temperature;
    let scale = if k == 1 { whole } else { largest(&dscores.data) };
    bench.expect_scaled("dscores", &tdscores, &dscores, TOLERANCE, scale);
    let first = |got: &[f32]| Ok(got.iter().step_by(4).map(|&v| f64::from(v)).collect());
    bench.expect_picked("row_loss", &tloss, first, &rows, TOLERANCE, largest(&rows).max(whole * temperature));
    let sum = |got: &[f32]| Ok(vec![got.iter().map(|&v| f64::from(v)).sum()]);
    bench.expect_picked("loss", &tloss, sum, &[total], TOLERANCE, total.abs().max(1.0));
    Ok(())
}

pub(super) fn swapped(suite: &mut Suite) {
    for case in LOSSES {
        let (views, batch, k, assigned, temperature) = case;
        let name = format!(
            "loss of {views} crops x {batch}, {k} prototypes, assigned {assigned:?}, T {temperature}"
        );
        suite.case(name, |bench| swapped_loss(bench, case));
    }
}

pub(super) fn rings(suite: &mut Suite) {
    // [crops, pictures, embedding, rows of a ring, cursor], assignment crops.
    let cases: &[([usize; 5], &[usize])] = &[
        ([1, 1, 1, 1, 0], &[0]),
        ([2, 4, 5, 12, 8], &[0, 1]),
        ([2, 4, 5, 12, 11], &[0, 1]), // goes round
        ([3, 5, 4, 7, 3], &[0, 2]),
        ([3, 7, 128, 7, 6], &[1]), // the whole ring
        ([4, 64, 3, 65, 64], &[0, 1, 3]),
        ([2, 65, 7, 131, 130], &[1]),
    ];
    for &([views, batch, dim, length, cursor], assigned) in cases {
        let name = format!("queue of {length} x {dim}, {batch} of crops {assigned:?} at {cursor}");
        suite.case(name, |bench| {
            let (z, old) =
                (bench.random(&[views * batch, dim]), bench.random(&[assigned.len() * length, dim]));
            let (tz, told) = (bench.upload(&z), bench.upload(&old));
            let step = bench.lab.step(Step { queue_cursor: cursor as u32, ..Step::default() });
            queue::push(bench.plan(), &tz, &told, batch as u32, bits(assigned), &step)?;
            bench.expect("queue", &told, &queues::push(&old, &z, batch, assigned, cursor), 0.0);
            Ok(())
        });
    }
}

/// Rows of the loss, rows of the codes, parameters, pictures, embedding, parameters with bad gradients.
type ReportCase = (usize, usize, usize, usize, usize, &'static [usize]);

const REPORTS: &[ReportCase] = &[
    (1, 1, 1, 1, 1, &[]),
    (63, 5, 63, 3, 5, &[0]),
    (64, 64, 64, 7, 128, &[63]),
    (65, 66, 65, 2, 257, &[64]),
    (1031, 31, 161, 65, 64, &[160, 70, 66]), // the first is not where the workgroup sees it first
    (256, 257, 7, 1, 3, &[1, 2, 3]),
    (130, 0, 9, 4, 6, &[]), // a method without codes
];

fn summary(
    bench: &mut Bench,
    &(loss_rows, code_rows, parameters, batch, dim, bad): &ReportCase,
) -> Result<()> {
    let column = |bench: &mut Bench, n: usize| bench.random(&[n]).map(|v| f64::from(v.abs() as f32)).data;
    let (loss, right, entropy) =
        (column(bench, loss_rows), column(bench, loss_rows), column(bench, code_rows));
    let loss: Vec<[f64; 2]> = loss.into_iter().zip(right).map(<[f64; 2]>::from).collect();
    let best: Vec<f64> = (0..code_rows).map(|row| (row * 37 % 3000) as f64).collect();
    let gradients: Vec<_> = column(bench, parameters)
        .into_iter()
        .enumerate()
        .map(|(p, norm)| GradientFacts {
            norm,
            non_finite: if bad.contains(&p) { 2.0 + p as f64 } else { 0.0 },
        })
        .collect();
    let z = bench.random(&[batch + 3, dim]);
    let want = reports::summarize(&loss, &entropy, &gradients, &z, batch);

    let quads = |rows: Vec<[f64; 4]>| Tensor64::new(&[rows.len(), 4], rows.concat());
    let tloss = bench.upload(&quads(loss.iter().map(|&[l, right]| [l, right, 0.0, 0.0]).collect()));
    let figures = entropy.iter().zip(&best).map(|(&e, &b)| [e, b, 0.0, 0.0]).collect();
    let tfigures = (code_rows > 0).then(|| bench.upload(&quads(figures)));
    // |p| and the ratio are of no concern here.
    let tnorms = bench.upload(&quads(gradients.iter().map(|g| [7.0, g.norm, g.non_finite, 9.0]).collect()));
    let tz = bench.upload(&z);
    let (treport, layout) =
        report::summarize(bench.plan(), &tloss, tfigures.as_ref(), &tnorms, &tz, batch as u32, None)?;
    assert_eq!((layout.code_rows, layout.embedding), (code_rows, dim));
    let at = |bytes: usize| bytes / size_of::<f32>();
    let mut part = |what: &str, from: usize, want: &[f64], tolerance: f64| {
        let range = from..from + want.len();
        let pick = move |got: &[f32]| Ok(got[range.clone()].iter().map(|&v| f64::from(v)).collect());
        bench.expect_picked(what, &treport, pick, want, tolerance, largest(want).max(1e-3));
    };
    part("loss", at(offset_of!(Report, loss)), &[want.loss], TOLERANCE);
    part("entropy", at(offset_of!(Report, code_entropy)), &[want.entropy], TOLERANCE);
    part("gradient_norm", at(offset_of!(Report, gradient_norm)), &[want.gradient_norm], TOLERANCE);
    part("non_finite", at(offset_of!(Report, non_finite)), &[want.non_finite, want.first_bad], 0.0);
    part("answers", at(offset_of!(Report, answers)), &[want.accuracy], TOLERANCE);
    part("best", Layout::BEST, &best, 0.0);
    part("mean_embedding", layout.mean_at(), &want.mean_embedding, TOLERANCE);
    let tail = vec![0.0; dim.div_ceil(4) * 4 - dim];
    part("padding", layout.mean_at() + dim, &tail, 0.0);
    Ok(())
}

pub(super) fn reports(suite: &mut Suite) {
    for case in REPORTS {
        let (loss_rows, code_rows, parameters, batch, dim, bad) = case;
        let name = format!(
            "report of {loss_rows} rows, {code_rows} codes, {parameters} parameters, {batch} x {dim}, bad {bad:?}"
        );
        suite.case(name, |bench| summary(bench, case));
    }
}
