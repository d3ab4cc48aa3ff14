//! The swapped prediction loss: every crop predicts the codes of each assignment crop.
//!
//! `loss = 1/|A| Σ_{a∈A} 1/(V−1) Σ_{v≠a} mean_b( − Σ_k q_a[b,k] · log_softmax(s_v / T)[b,k] )`. Scores are view-major:
//! view `v` of the batch occupies rows `v·B .. (v+1)·B`. Codes are constants: no gradient flows through them.

use super::{Tensor64, sinkhorn};

/// What the loss needs to know beside scores and codes.
pub struct Settings {
    /// Pictures a batch.
    pub batch: usize,
    /// The crops whose codes are predicted, in order.
    pub assign: Vec<usize>,
    /// Entropy of the codes, ε.
    pub epsilon: f64,
    /// Row and column normalisations of the codes.
    pub iterations: usize,
    /// Divides the scores before the softmax.
    pub temperature: f64,
}

/// One code matrix `[B, K]` per assignment crop; `queue_scores` has an entry for each of them.
pub fn codes(scores: &Tensor64, queue_scores: &[Option<Tensor64>], settings: &Settings) -> Vec<Tensor64> {
    assert_eq!(queue_scores.len(), settings.assign.len(), "one queue entry per assignment crop");
    let of = |(&crop, queue): (&usize, &Option<Tensor64>)| {
        let rows = scores.slice(crop * settings.batch, (crop + 1) * settings.batch);
        sinkhorn::codes(&rows, queue.as_ref(), settings.epsilon, settings.iterations)
    };
    settings.assign.iter().zip(queue_scores).map(of).collect()
}

/// The logarithm of the softmax of `row / temperature`.
pub(super) fn log_softmax(row: &[f64], temperature: f64) -> Vec<f64> {
    let max = row.iter().fold(f64::NEG_INFINITY, |m, v| m.max(v / temperature));
    let sum: f64 = row.iter().map(|v| (v / temperature - max).exp()).sum();
    row.iter().map(|v| v / temperature - max - sum.ln()).collect()
}

/// The loss and `dloss/dscores`.
pub fn swapped_loss(scores: &Tensor64, codes: &[Tensor64], settings: &Settings) -> (f64, Tensor64) {
    let (rows, prototypes) = scores.dims2();
    let views = rows / settings.batch;
    let weight = 1.0 / (settings.assign.len() * (views - 1) * settings.batch) as f64;
    let (mut loss, mut dscores) = (0.0, Tensor64::zeros(&scores.shape));
    for row in 0..rows {
        let (view, b) = (row / settings.batch, row % settings.batch);
        let here = row * prototypes..(row + 1) * prototypes;
        let log_p = log_softmax(&scores.data[here.clone()], settings.temperature);
        for (&crop, q) in settings.assign.iter().zip(codes) {
            if crop == view {
                continue;
            }
            let q = &q.data[b * prototypes..(b + 1) * prototypes];
            let mass: f64 = q.iter().sum();
            for k in 0..prototypes {
                loss -= weight * q[k] * log_p[k];
                dscores.data[here.start + k] +=
                    weight * (mass * log_p[k].exp() - q[k]) / settings.temperature;
            }
        }
    }
    (loss, dscores)
}

/// What each row of the scores adds to the loss.
pub fn row_losses(scores: &Tensor64, codes: &[Tensor64], settings: &Settings) -> Vec<f64> {
    let views = scores.shape[0] / settings.batch;
    let weight = 1.0 / (settings.assign.len() * (views - 1) * settings.batch) as f64;
    let of_row = |row: usize| {
        let (view, b) = (row / settings.batch, row % settings.batch);
        let log_p = log_softmax(&scores.slice(row, row + 1).data, settings.temperature);
        let others = settings.assign.iter().zip(codes).filter(|&(&crop, _)| crop != view);
        let wanted = others.flat_map(|(_, q)| q.slice(b, b + 1).data.into_iter().zip(&log_p));
        wanted.map(|(q, log_p)| -weight * q * log_p).sum()
    };
    (0..scores.shape[0]).map(of_row).collect()
}
