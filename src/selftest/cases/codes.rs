//! Codes by Sinkhorn-Knopp, their figures, and what must hold for any scores.
//!
//! Scores are cosines. Logits are score / ε, up to 200, and their last digit is an error of the
//! exponent: so the tolerance has a part that grows with 1/ε.

use crate::error::Result;
use crate::gpu::Tensor;
use crate::ops::Step;
use crate::ops::sinkhorn::{self, Problem};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::{Tensor64, sinkhorn as reference};
use crate::selftest::suite::Suite;

fn tolerance(epsilon: f64) -> f64 {
    2e-6 + 2e-7 / epsilon
}

/// `[crops, pictures, prototypes, queue rows, first queue row in use]`, assignment crops, iterations, ε.
type Case = ([usize; 5], &'static [usize], u32, f64);

const CASES: &[Case] = &[
    ([2, 1, 1, 0, 0], &[0, 1], 3, 0.05),
    ([2, 5, 3, 0, 0], &[0, 1], 1, 0.05),
    ([2, 5, 3, 0, 0], &[1], 2, 0.05),
    ([4, 7, 5, 0, 0], &[1, 3], 3, 0.03),
    ([2, 16, 16, 0, 0], &[0, 1], 10, 0.05),
    ([2, 17, 31, 16, 0], &[0, 1], 3, 0.05),  // a full queue
    ([2, 17, 31, 16, 16], &[0, 1], 3, 0.05), // an empty one
    ([3, 13, 33, 29, 11], &[0, 2], 3, 0.05), // one in part
    ([2, 63, 255, 0, 0], &[0, 1], 3, 0.05),
    ([2, 64, 256, 0, 0], &[0], 3, 0.1),
    ([2, 65, 257, 0, 0], &[0, 1], 3, 0.05), // one quad more than invocations
    ([2, 31, 13, 1009, 0], &[0, 1], 3, 0.05), // 1040 rows: longer chunks
    ([2, 31, 13, 1009, 500], &[0, 1], 5, 0.02),
    ([8, 8, 300, 0, 0], &[0, 1], 3, 0.05),
];

/// Cosines of embeddings with prototypes.
fn cosines(bench: &mut Bench, rows: usize, columns: usize) -> Tensor64 {
    bench.random(&[rows, columns]).map(|v| f64::from((0.35 * v).clamp(-1.0, 1.0) as f32))
}

fn bits(assigned: &[usize]) -> u32 {
    assigned.iter().fold(0, |bits, crop| bits | 1 << crop)
}

/// Entropy and best prototype of each row. Two prototypes may share a row almost evenly, so the best one
/// is judged by the code that it has.
fn expect_figures(bench: &mut Bench, figures: &Tensor, codes: &Tensor64, epsilon: f64) {
    let (entropy, best) = reference::figures(codes);
    let k = codes.shape[1];
    let column = |got: &[f32], c: usize| -> Vec<f64> {
        got.iter().skip(c).step_by(4).map(|&v| f64::from(v)).collect()
    };
    let scale = (k as f64).ln().max(1.0);
    let first = move |got: &[f32]| Ok(column(got, 0));
    bench.expect_picked("entropy", figures, first, &entropy, tolerance(epsilon), scale);
    let share = move |codes: &Tensor64, best: &[f64]| {
        let code = |(row, &at): (usize, &f64)| {
            let known = at >= 0.0 && at < k as f64 && at.fract() == 0.0;
            if known { Ok(codes.data[row * k + at as usize]) } else { Err(format!("{at} is no prototype")) }
        };
        best.iter().enumerate().map(code).collect::<Result<Vec<_>, _>>()
    };
    let want = share(codes, &best).expect("the reference knows its prototypes");
    let codes = codes.clone();
    let of_best = move |got: &[f32]| share(&codes, &column(got, 1));
    bench.expect_picked("best", figures, of_best, &want, tolerance(epsilon), largest(&want));
}

fn codes(suite: &mut Suite) {
    for &([views, batch, k, queue, first_row], assigned, iterations, epsilon) in CASES {
        let name = format!(
            "codes of {views} crops x {batch}, {k} prototypes, assigned {assigned:?}, queue {queue} from {first_row}, \
             {iterations} iterations, epsilon {epsilon}"
        );
        suite.case(name, |bench| {
            let scores = cosines(bench, views * batch, k);
            let queue_scores = cosines(bench, assigned.len() * queue.max(1), k);
            let of_crop = |(ring, &crop): (usize, &usize)| {
                let used = queue_scores.slice(ring * queue + first_row, (ring + 1) * queue);
                let used = (first_row < queue).then_some(used);
                let rows = scores.slice(crop * batch, (crop + 1) * batch);
                reference::codes(&rows, used.as_ref(), epsilon, iterations as usize)
            };
            let want = Tensor64::concat(&assigned.iter().enumerate().map(of_crop).collect::<Vec<_>>());
            // What is not in use must not matter, whatever it is.
            let mut stored = queue_scores.clone();
            for ring in stored.data.chunks_mut(queue.max(1) * k) {
                ring[..first_row * k].fill(f64::NAN);
            }
            let (tscores, tqueue) = (bench.upload(&scores), bench.upload(&stored));
            let step = bench.lab.step(Step { first_row: first_row as u32, ..Step::default() });
            let (queue, batch, epsilon32) = (queue as u32, batch as u32, epsilon as f32);
            let problem = Problem { queue, batch, assigned: bits(assigned), epsilon: epsilon32, iterations };
            let (q, figures) = sinkhorn::codes(bench.plan(), &problem, &tscores, &tqueue, &step)?;
            bench.expect("codes", &q, &want, tolerance(epsilon));
            expect_figures(bench, &figures, &want, epsilon);
            Ok(())
        });
    }
}

/// Codes of one crop without a queue.
fn plain(bench: &mut Bench, scores: &Tensor64, epsilon: f64, iterations: u32) -> Result<Tensor> {
    let tscores = bench.upload(scores);
    let step = bench.lab.step(Step::default());
    let batch = scores.shape[0] as u32;
    let problem = Problem { queue: 0, batch, assigned: 1, epsilon: epsilon as f32, iterations };
    Ok(sinkhorn::codes(bench.plan(), &problem, &tscores, &tscores, &step)?.0)
}

/// The numbers of a matrix without its padding.
fn dense(columns: usize, got: &[f32]) -> Vec<f64> {
    let rows = got.chunks(columns.div_ceil(4) * 4);
    rows.flat_map(|row| row[..columns].iter().map(|&v| f64::from(v))).collect()
}

/// Samples come last: rows sum to 1 at any ε. Prototypes have what the iterations leave them, which
/// goes to B/K; at small ε the way there is long.
fn marginals(suite: &mut Suite) {
    const LONG: u32 = 60;
    for (batch, k) in [(24, 7), (11, 65)] {
        for epsilon in [0.005, 0.0113, 0.02, 0.05, 0.09, 0.3, 1.0] {
            suite.case(format!("marginals of {batch} x {k} at epsilon {epsilon}"), |bench| {
                let scores = cosines(bench, batch, k);
                let sums =
                    move |got: &[f32]| Ok(dense(k, got).chunks(k).map(|row| row.iter().sum()).collect());
                let masses =
                    move |got: &[f32]| Ok(reference::masses(&Tensor64::new(&[batch, k], dense(k, got))));
                for iterations in [3, LONG] {
                    let want = reference::sinkhorn(&scores, epsilon, iterations as usize);
                    let q = plain(bench, &scores, epsilon, iterations)?;
                    let allowed = tolerance(epsilon);
                    bench.expect(format!("codes after {iterations}"), &q, &want, allowed);
                    bench.expect_picked(
                        format!("row_sums after {iterations}"),
                        &q,
                        sums,
                        &vec![1.0; batch],
                        allowed,
                        1.0,
                    );
                    let want = reference::masses(&want);
                    bench.expect_picked(
                        format!("masses after {iterations}"),
                        &q,
                        masses,
                        &want,
                        allowed,
                        largest(&want),
                    );
                    if iterations == LONG && epsilon >= 0.09 && k < batch {
                        let share = batch as f64 / k as f64;
                        bench.expect_picked("balanced", &q, masses, &vec![share; k], 1e-5, share);
                    }
                }
                Ok(())
            });
        }
    }
}

/// Renaming the prototypes renames the codes.
fn permutations(suite: &mut Suite) {
    for (batch, k, step) in [(9, 7, 3), (33, 65, 7), (16, 301, 100)] {
        suite.case(format!("{k} prototypes renamed"), |bench| {
            let scores = cosines(bench, batch, k);
            // `step` and `k` have no common divisor: a permutation.
            let renamed = |x: &Tensor64| {
                let data = (0..batch * k).map(|at| x.data[at / k * k + at % k * step % k]).collect();
                Tensor64::new(&[batch, k], data)
            };
            let q = plain(bench, &renamed(&scores), 0.05, 3)?;
            let back = move |got: &[f32]| {
                let mut codes = vec![0.0; batch * k];
                for (at, value) in dense(k, got).into_iter().enumerate() {
                    codes[at / k * k + at % k * step % k] = value;
                }
                Ok(codes)
            };
            let want = reference::sinkhorn(&scores, 0.05, 3);
            bench.expect_picked("renamed", &q, back, &want.data, tolerance(0.05), largest(&want.data));
            Ok(())
        });
    }
}

pub(super) fn sinkhorn(suite: &mut Suite) {
    codes(suite);
    marginals(suite);
    permutations(suite);
}
