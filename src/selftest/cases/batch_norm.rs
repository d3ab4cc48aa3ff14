//! Batch normalisation: training, evaluation and gradient, with and without ReLU and residual.
//!
//! A pre-activation that is nearly zero may fall on either side in `f32`; its gradient is set to zero
//! here, so that both sides say the same.

use crate::error::Result;
use crate::gpu::Tensor;
use crate::ops::batch_norm::{self, Together};
use crate::ops::vector;
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::norm::{self, BatchStats};
use crate::selftest::reference::{Tensor64, relu};
use crate::selftest::suite::Suite;

const TOLERANCE: f64 = 3e-6;

/// Pictures `[N, C, H, W]` and the mean of x in standard deviations. The sums go in chunks of 16 rows
/// up to 4096 rows, in 256 chunks beyond.
const SHAPES: &[([usize; 4], f64)] = &[
    ([1, 1, 1, 1], 0.0), // one value: the variance is zero
    ([2, 3, 1, 1], 0.0),
    ([3, 5, 5, 1], 0.0),
    ([2, 4, 2, 4], 0.0), // one chunk
    ([17, 7, 1, 1], 0.0),
    ([1, 65, 31, 1], 0.0),
    ([2, 64, 3, 7], 0.0),
    ([257, 257, 1, 1], 0.0),
    ([1, 6, 64, 64], 0.0), // 4096 rows: as many chunks as there may be
    ([1, 3, 17, 241], 0.0),
    ([5, 9, 31, 37], 3.0),
    ([4, 8, 16, 16], 1000.0),
];

/// What follows the normalisation.
#[derive(Clone, Copy, Debug)]
struct Tail {
    relu: bool,
    residual: bool,
}

const TAILS: [Tail; 4] = [
    Tail { relu: false, residual: false },
    Tail { relu: true, residual: false },
    Tail { relu: false, residual: true },
    Tail { relu: true, residual: true },
];

struct Inputs {
    x: Tensor64,
    dy: Tensor64,
    residual: Option<Tensor64>,
    /// Weight, bias, running mean and variance.
    channels: [Tensor64; 4],
    old: [Tensor64; 2],
}

impl Inputs {
    fn new(bench: &mut Bench, shape: &[usize; 4], mean: f64, tail: Tail) -> Self {
        let x = bench.random(shape).map(|v| v + mean);
        let x = bench.rounded(&x);
        let dy = bench.random(shape);
        let residual = tail.residual.then(|| bench.random(shape));
        let vector = |bench: &mut Bench| bench.random(&shape[1..2]);
        let channels = [vector(bench), vector(bench), vector(bench), vector(bench).map(|v| v * v + 0.5)];
        let channels = channels.map(|t| t.map(|v| f64::from(v as f32)));
        Self { x, dy, residual, channels, old: [vector(bench), vector(bench)] }
    }

    /// What the ReLU would get.
    fn with_residual(&self, y: &Tensor64) -> Tensor64 {
        self.residual.as_ref().map_or_else(|| y.clone(), |residual| y.add(residual))
    }
}

/// The running estimates after the step. Of a single value PyTorch refuses the variance; here it is 0.
fn running(inputs: &Inputs, stats: &BatchStats) -> (Tensor64, Tensor64) {
    let (mut mean, mut variance) = (inputs.channels[2].clone(), inputs.channels[3].clone());
    norm::update_running(&mut mean, &mut variance, stats);
    if stats.count == 1 {
        variance = inputs.channels[3].map(|v| v * (1.0 - norm::BATCH_NORM_MOMENTUM));
    }
    (mean, variance)
}

/// Row `row` of the coefficients; their padding need not be zero, as long as that of the scale is.
fn coefficients(row: usize, channels: usize) -> impl Fn(&[f32]) -> Result<Vec<f64>, String> {
    move |got| {
        let padded = channels.div_ceil(4) * 4;
        let row = &got[row * padded..row * padded + channels];
        Ok(row.iter().map(|&v| f64::from(v)).collect())
    }
}

fn expect_coefficients(bench: &mut Bench, c: &Tensor, inputs: &Inputs, stats: &BatchStats, rounding: f64) {
    let n = stats.mean.len();
    let [weight, bias, ..] = &inputs.channels;
    let scale: Vec<f64> = weight.data.iter().zip(&stats.inv_std).map(|(w, i)| w * i).collect();
    let size = largest(&inputs.x.data);
    bench.expect_picked("mean", c, coefficients(0, n), &stats.mean, 1e-6, size);
    for (row, what, want) in [(1, "invstd", &stats.inv_std), (2, "scale", &scale), (3, "shift", &bias.data)] {
        bench.expect_picked(what, c, coefficients(row, n), want, rounding, largest(want));
    }
}

fn train(
    bench: &mut Bench,
    shape: &[usize; 4],
    mean: f64,
    tail: Tail,
    together: Option<Together>,
) -> Result<()> {
    let mut inputs = Inputs::new(bench, shape, mean, tail);
    let [weight, bias, ..] = inputs.channels.clone();
    let (normalized, stats) = norm::batch_norm_train(&inputs.x, &weight, &bias);
    let before = inputs.with_residual(&normalized);
    let y = if tail.relu { relu::forward(&before) } else { before.clone() };
    // The mean is rounded to f32: as a share of the deviations that is the more, the farther it is from zero.
    let rounding = TOLERANCE + mean.abs() * 6e-8;
    inputs.dy = inputs.dy.zip(&before, |dy, y| if y.abs() < 1e-3 { 0.0 } else { dy });
    let g = if tail.relu { relu::backward(&y, &inputs.dy) } else { inputs.dy.clone() };
    let (dx, dweight, dbias) = norm::batch_norm_backward(&inputs.x, &weight, &stats, &g);
    let (running_mean, running_variance) = running(&inputs, &stats);

    let (tx, tdy) = (bench.activations(&inputs.x), bench.activations(&inputs.dy));
    let residual = inputs.residual.as_ref().map(|r| bench.activations(r));
    let [weight, bias, mean, variance] = inputs.channels.each_ref().map(|t| bench.upload(t));
    let channels = batch_norm::Channels { weight, bias, mean, variance };
    let [tdweight, tdbias] = inputs.old.each_ref().map(|t| bench.upload(t));
    let plan = bench.plan();
    let (ty, c) = batch_norm::forward(plan, &tx, &channels, residual.as_ref(), tail.relu, together)?;
    // As the layers do it: after a residual the caller masks, else the mask is made from x again.
    let masked = if tail.residual && tail.relu { vector::mask(plan, &ty, &tdy)? } else { tdy };
    let again = tail.relu && !tail.residual;
    let tdx = batch_norm::backward(plan, &tx, &c, &masked, again, [&tdweight, &tdbias], together)?;

    expect_coefficients(bench, &c, &inputs, &stats, TOLERANCE);
    let size = largest(&y.data).max(largest(&before.data));
    bench.expect_scaled("y", &ty, &y, bench.stored(rounding), size);
    let size = largest(&inputs.x.data).max(largest(&running_mean.data));
    bench.expect_scaled("running_mean", &channels.mean, &running_mean, 1e-6, size);
    bench.expect("running_variance", &channels.variance, &running_variance, TOLERANCE);
    // dx is what is left of g after its mean and its part along x are taken away.
    let gain = inputs.channels[0].data.iter().zip(&stats.inv_std).map(|(w, i)| (w * i).abs());
    let size = gain.fold(0.0, f64::max) * largest(&g.data);
    bench.expect_scaled("dx", &tdx, &dx, bench.stored(rounding), size);
    let size = largest(&g.data).max(1.0);
    for (what, tensor, want, old) in
        [("dweight+", &tdweight, dweight, &inputs.old[0]), ("dbias+", &tdbias, dbias, &inputs.old[1])]
    {
        // Of several ranks the first takes them.
        let want = if together.is_none_or(|together| together.first) { want.add(old) } else { old.clone() };
        bench.expect_scaled(what, tensor, &want, rounding, size.max(largest(&want.data)));
    }
    Ok(())
}

fn evaluate(bench: &mut Bench, shape: &[usize; 4], mean: f64, tail: Tail) -> Result<()> {
    let inputs = Inputs::new(bench, shape, mean, tail);
    let [weight, bias, running_mean, running_variance] = &inputs.channels;
    let y = norm::batch_norm_eval(&inputs.x, weight, bias, running_mean, running_variance);
    let y = inputs.with_residual(&y);
    let y = if tail.relu { relu::forward(&y) } else { y };
    let tx = bench.activations(&inputs.x);
    let residual = inputs.residual.as_ref().map(|r| bench.activations(r));
    let [weight, bias, mean, variance] = inputs.channels.each_ref().map(|t| bench.upload(t));
    let channels = batch_norm::Channels { weight, bias, mean, variance };
    let ty = batch_norm::evaluate(bench.plan(), &tx, &channels, residual.as_ref(), tail.relu)?;
    bench.expect_scaled("evaluated", &ty, &y, bench.stored(TOLERANCE), largest(&y.data).max(1.0));
    for (what, tensor, want) in [
        ("kept_mean", &channels.mean, &inputs.channels[2]),
        ("kept_var", &channels.variance, &inputs.channels[3]),
    ] {
        bench.expect(what, tensor, want, 0.0);
    }
    Ok(())
}

pub(super) fn batch_norms(suite: &mut Suite) {
    for (shape, mean) in SHAPES {
        for first in [true, false] {
            // A rank of one has nobody to wait for, and goes the way of several.
            let together = Some(Together { ranks: 1, first });
            suite.both(format!("batch norm {shape:?} around {mean}, as a rank, first: {first}"), |bench| {
                train(bench, shape, *mean, TAILS[1], together)
            });
        }
        for tail in TAILS {
            suite.both(format!("batch norm {shape:?} around {mean}, {tail:?}"), |bench| {
                train(bench, shape, *mean, tail, None)
            });
            suite.both(format!("evaluation {shape:?} around {mean}, {tail:?}"), |bench| {
                evaluate(bench, shape, *mean, tail)
            });
        }
    }
}
