//! BYOL's regression: crops predict the rows that a target network gives other crops.
//!
//! `loss = Σ_a Σ_{v≠a} mean_b (2 − 2 cos(p_v[b], t_a[b]))`. Targets are constants. A row without direction has
//! cosine 0 with every other and gets no gradient.

use super::Tensor64;
use super::norm::{l2_normalize, l2_normalize_backward};

/// What a regression gives.
pub struct Regression {
    /// What each prediction adds to the loss.
    pub losses: Vec<f64>,
    /// What each prediction adds to the mean cosine of all pairs.
    pub cosines: Vec<f64>,
    /// The gradient of the predictions.
    pub dp: Tensor64,
}

/// Predictions `[V · batch, D]` and targets `[A · batch, D]` of the crops `assigned`, both view-major.
pub fn regression(p: &Tensor64, targets: &Tensor64, batch: usize, assigned: &[usize]) -> Regression {
    let (rows, columns) = p.dims2();
    assert_eq!(targets.shape, [assigned.len() * batch, columns]);
    let (z, t) = (l2_normalize(p), l2_normalize(targets));
    let pairs = (assigned.len() * (rows / batch - 1) * batch) as f64;
    let (mut losses, mut cosines, mut dz) = (vec![0.0; rows], vec![0.0; rows], Tensor64::zeros(&p.shape));
    for row in 0..rows {
        let (view, b) = (row / batch, row % batch);
        for (at, _) in assigned.iter().enumerate().filter(|&(_, &crop)| crop != view) {
            let target = t.slice(at * batch + b, at * batch + b + 1);
            let cosine = z.slice(row, row + 1).dot(&target);
            losses[row] += (2.0 - 2.0 * cosine) / batch as f64;
            cosines[row] += cosine / pairs;
            for (dz, t) in dz.data[row * columns..].iter_mut().zip(&target.data) {
                *dz -= 2.0 * t / batch as f64;
            }
        }
    }
    Regression { losses, cosines, dp: l2_normalize_backward(p, &dz) }
}
