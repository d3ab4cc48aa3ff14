//! Sinkhorn-Knopp: scores to balanced codes, in the log domain and in the official order.
//!
//! `M = exp(scores / ε) / Σ`, then `iterations` times: each prototype (column) is given mass 1/K, each sample
//! (row) mass 1/B; at last times B. Samples come last, so rows of the result sum to exactly 1.

use super::Tensor64;

fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = values.clone().fold(f64::NEG_INFINITY, f64::max);
    max + values.map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// `scores` `[B, K]` to codes `[B, K]`.
pub fn sinkhorn(scores: &Tensor64, epsilon: f64, iterations: usize) -> Tensor64 {
    let (samples, prototypes) = scores.dims2();
    let (ln_samples, ln_prototypes) = ((samples as f64).ln(), (prototypes as f64).ln());
    let mut log = scores.map(|s| s / epsilon);
    let total = log_sum_exp(log.data.iter().copied());
    log.data.iter_mut().for_each(|v| *v -= total);
    for _ in 0..iterations {
        for k in 0..prototypes {
            let mass = log_sum_exp((0..samples).map(|b| log.data[b * prototypes + k]));
            (0..samples).for_each(|b| log.data[b * prototypes + k] -= mass + ln_prototypes);
        }
        for row in log.data.chunks_mut(prototypes) {
            let mass = log_sum_exp(row.iter().copied());
            row.iter_mut().for_each(|v| *v -= mass + ln_samples);
        }
    }
    log.map(|v| (v + ln_samples).exp())
}

/// Of each row of `scores`, `−ln Σ_j exp(score_ij / ε + g_j)`: the codes `exp(score_ij / ε + f_i + g_j)` of a row sum
/// to 1.
pub fn row_potentials(scores: &Tensor64, epsilon: f64, prototypes: &[f64]) -> Vec<f64> {
    let row = |row: &[f64]| -log_sum_exp(row.iter().zip(prototypes).map(|(s, g)| s / epsilon + g));
    scores.data.chunks(prototypes.len()).map(row).collect()
}

/// Of each column, `ln Σ_i exp(score_ij / ε + f_i)`.
pub fn column_sums(scores: &Tensor64, epsilon: f64, rows: &[f64]) -> Vec<f64> {
    let k = scores.shape[1];
    let column = |j: usize| {
        let scores = scores.data.iter().skip(j).step_by(k);
        log_sum_exp(scores.zip(rows).map(|(s, f)| s / epsilon + f))
    };
    (0..k).map(column).collect()
}

/// The potentials g of the prototypes after `iterations` over all rows of `scores` (at least one): what [`sinkhorn`]
/// computes is the soft-max of `score_ij / ε + g_j` over the prototypes.
pub fn potentials(scores: &Tensor64, epsilon: f64, iterations: usize) -> Vec<f64> {
    let (rows, k) = scores.dims2();
    let share = (rows as f64 / k as f64).ln();
    let mut found = Vec::new();
    for iteration in 0..iterations {
        let rows = match iteration {
            0 => vec![0.0; rows],
            _ => row_potentials(scores, epsilon, &found),
        };
        found = column_sums(scores, epsilon, &rows).iter().map(|sum| share - sum).collect();
    }
    found
}

/// The codes of a batch: queue rows, if any, stand before it and only the batch's rows are kept.
pub fn codes(scores: &Tensor64, queue: Option<&Tensor64>, epsilon: f64, iterations: usize) -> Tensor64 {
    let Some(queue) = queue else { return sinkhorn(scores, epsilon, iterations) };
    let all = sinkhorn(&Tensor64::concat(&[queue.clone(), scores.clone()]), epsilon, iterations);
    all.slice(queue.shape[0], all.shape[0])
}

/// Per row of codes: the entropy in nats, and the prototype with the largest share (the first of equals).
pub fn figures(codes: &Tensor64) -> (Vec<f64>, Vec<f64>) {
    let rows = || codes.data.chunks(codes.shape[1]);
    let entropy = |row: &[f64]| -> f64 { row.iter().filter(|&&q| q > 0.0).map(|q| -q * q.ln()).sum() };
    let best = |row: &[f64]| (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best });
    (rows().map(entropy).collect(), rows().map(|row| best(row) as f64).collect())
}

/// What each prototype gets from all rows of the codes.
pub fn masses(codes: &Tensor64) -> Vec<f64> {
    let prototypes = codes.shape[1];
    (0..prototypes).map(|k| codes.data.iter().skip(k).step_by(prototypes).sum()).collect()
}
