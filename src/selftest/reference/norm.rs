//! Batch normalisation (training, gradient, evaluation) and L2 normalisation of rows.
//!
//! Batch norm works over axis 1: `y = (x − mean) / sqrt(var + eps) · weight + bias`, with the biased variance
//! over all other axes. The running variance takes the unbiased one, as PyTorch does.

use super::Tensor64;

/// Added to the variance.
pub const BATCH_NORM_EPSILON: f64 = 1e-5;
/// Share of the new value in the running estimates.
pub const BATCH_NORM_MOMENTUM: f64 = 0.1;
/// A row shorter than this has no direction.
pub const L2_EPSILON: f64 = 1e-12;

/// What the training forward leaves for the backward, per channel.
#[derive(Clone)]
pub struct BatchStats {
    /// Mean of the batch.
    pub mean: Vec<f64>,
    /// Biased: divided by the count.
    pub var: Vec<f64>,
    /// `1 / sqrt(var + eps)`.
    pub inv_std: Vec<f64>,
    /// Values per channel.
    pub count: usize,
}

/// The flat indices of channel `c` of an `[N, C]` or `[N, C, H, W]` tensor.
fn channel(shape: &[usize], c: usize) -> impl Iterator<Item = usize> + use<> {
    let (batch, channels) = (shape[0], shape[1]);
    let inner: usize = shape[2..].iter().product();
    (0..batch).flat_map(move |n| (0..inner).map(move |i| (n * channels + c) * inner + i))
}

/// The statistics of each channel.
pub fn batch_stats(x: &Tensor64) -> BatchStats {
    let count = x.len() / x.shape[1];
    let mean_of = |c: usize, f: &dyn Fn(f64) -> f64| {
        channel(&x.shape, c).map(|i| f(x.data[i])).sum::<f64>() / count as f64
    };
    let mean: Vec<f64> = (0..x.shape[1]).map(|c| mean_of(c, &|v| v)).collect();
    let var: Vec<f64> = (0..x.shape[1]).map(|c| mean_of(c, &|v| (v - mean[c]).powi(2))).collect();
    let inv_std = var.iter().map(|v| 1.0 / (v + BATCH_NORM_EPSILON).sqrt()).collect();
    BatchStats { mean, var, inv_std, count }
}

fn scale_and_shift(
    x: &Tensor64,
    mean: &[f64],
    inv_std: &[f64],
    weight: &Tensor64,
    bias: &Tensor64,
) -> Tensor64 {
    let mut y = Tensor64::zeros(&x.shape);
    for c in 0..x.shape[1] {
        for i in channel(&x.shape, c) {
            y.data[i] = (x.data[i] - mean[c]) * inv_std[c] * weight.data[c] + bias.data[c];
        }
    }
    y
}

/// Normalised with the statistics of the batch, which are given back too.
pub fn batch_norm_train(x: &Tensor64, weight: &Tensor64, bias: &Tensor64) -> (Tensor64, BatchStats) {
    let stats = batch_stats(x);
    (scale_and_shift(x, &stats.mean, &stats.inv_std, weight, bias), stats)
}

/// Normalised with the running estimates.
pub fn batch_norm_eval(
    x: &Tensor64,
    weight: &Tensor64,
    bias: &Tensor64,
    running_mean: &Tensor64,
    running_var: &Tensor64,
) -> Tensor64 {
    let inv_std: Vec<f64> = running_var.data.iter().map(|v| 1.0 / (v + BATCH_NORM_EPSILON).sqrt()).collect();
    scale_and_shift(x, &running_mean.data, &inv_std, weight, bias)
}

/// One update of the running estimates, once per forward (so once per resolution group in the trunk).
pub fn update_running(running_mean: &mut Tensor64, running_var: &mut Tensor64, stats: &BatchStats) {
    let unbias = stats.count as f64 / (stats.count - 1) as f64;
    let blend = |old: &mut f64, new: f64| *old += BATCH_NORM_MOMENTUM * (new - *old);
    for c in 0..stats.mean.len() {
        blend(&mut running_mean.data[c], stats.mean[c]);
        blend(&mut running_var.data[c], stats.var[c] * unbias);
    }
}

/// `(dx, dweight, dbias)` through the batch statistics.
pub fn batch_norm_backward(
    x: &Tensor64,
    weight: &Tensor64,
    stats: &BatchStats,
    dy: &Tensor64,
) -> (Tensor64, Tensor64, Tensor64) {
    let channels = x.shape[1];
    let (mut dx, mut dweight, mut dbias) =
        (Tensor64::zeros(&x.shape), Tensor64::zeros(&[channels]), Tensor64::zeros(&[channels]));
    for c in 0..channels {
        let normalised = |i: usize| (x.data[i] - stats.mean[c]) * stats.inv_std[c];
        dbias.data[c] = channel(&x.shape, c).map(|i| dy.data[i]).sum();
        dweight.data[c] = channel(&x.shape, c).map(|i| dy.data[i] * normalised(i)).sum();
        // The mean and the variance both depend on x: they take the gradient's mean and its part along x away.
        let (mean_dy, mean_dy_x) = (dbias.data[c] / stats.count as f64, dweight.data[c] / stats.count as f64);
        for i in channel(&x.shape, c) {
            dx.data[i] =
                weight.data[c] * stats.inv_std[c] * (dy.data[i] - mean_dy - normalised(i) * mean_dy_x);
        }
    }
    (dx, dweight, dbias)
}

/// Rows divided by `max(‖row‖, 1e-12)`.
pub fn l2_normalize(x: &Tensor64) -> Tensor64 {
    let mut y = x.clone();
    for row in y.data.chunks_mut(x.shape[1]) {
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt().max(L2_EPSILON);
        row.iter_mut().for_each(|v| *v /= norm);
    }
    y
}

/// `dx = (dy − y (y·dy)) / ‖x‖`. A row without direction gets no gradient.
pub fn l2_normalize_backward(x: &Tensor64, dy: &Tensor64) -> Tensor64 {
    let mut dx = Tensor64::zeros(&x.shape);
    let rows = x.data.chunks(x.shape[1]).zip(dy.data.chunks(x.shape[1])).zip(dx.data.chunks_mut(x.shape[1]));
    for ((x, dy), dx) in rows {
        let norm = x.iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm <= L2_EPSILON {
            continue;
        }
        let along: f64 = x.iter().zip(dy).map(|(x, d)| x / norm * d).sum();
        for i in 0..x.len() {
            dx[i] = (dy[i] - x[i] / norm * along) / norm;
        }
    }
    dx
}
