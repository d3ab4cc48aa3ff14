//! How far correct kernels may be from `f64`, by the theory of rounding alone (Higham, Accuracy and Stability of Numerical
//! Algorithms, chapter 3): a sum of n products, in whatever order, is off by at most γₙ = n·u / (1 − n·u) of the sum of the
//! products' sizes, u being the unit of rounding. What is stored in half precision is rounded once more.
//!
//! Accuracies of division and square root are those that WGSL asks of an adapter.

use super::Tensor64;
use super::norm::{BATCH_NORM_EPSILON, BatchStats};
use std::array::from_fn;

/// The unit of rounding of single precision: half a place.
pub(crate) const SINGLE: f64 = 1.0 / (1 << 24) as f64;
/// WGSL: a division is off by at most 2.5 units of the last place, each two of [`SINGLE`].
const DIVISION: usize = 5;
/// `1 / sqrt(v)`: a square root is as good as one divided by an inverse square root of 2 units; then another division.
const INVERSE: f64 = 14.0;

/// γ of so many roundings.
pub(crate) fn gamma(roundings: usize, unit: f64) -> f64 {
    let sum = roundings as f64 * unit;
    sum / (1.0 - sum)
}

/// How an adapter stores half precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Storage {
    /// Of a value, and of the smallest ones: half a place, or a whole one where what does not fit is cut off.
    relative: f64,
    least: f64,
}

impl Storage {
    pub(crate) fn nearest() -> Self {
        Self { relative: 2.0f64.powi(-11), least: 2.0f64.powi(-25) }
    }

    pub(crate) fn cut_off() -> Self {
        Self { relative: 2.0f64.powi(-10), least: 2.0f64.powi(-24) }
    }

    /// What is allowed of values that are off by these errors and then stored.
    pub(crate) fn of(self, want: &Tensor64, errors: &Tensor64) -> Tensor64 {
        want.zip(errors, |want, error| error + ((want.abs() + error) * self.relative).max(self.least))
    }
}

/// `m` to `L m L'`, L being what `line` does to a line.
fn both_ways<const I: usize, const O: usize>(
    m: [[f64; I]; I],
    line: impl Fn([f64; I]) -> [f64; O],
) -> [[f64; O]; O] {
    let rows = m.map(&line);
    let columns: [[f64; O]; O] = from_fn(|o| line(from_fn(|i| rows[i][o])));
    from_fn(|r| from_fn(|c| columns[c][r]))
}

type Positions = [[f64; 4]; 4];

/// Winograd's transforms with the sizes of their coefficients: of a patch, a window, the sums, and gradients.
fn patch(m: Positions) -> Positions {
    both_ways(m, |[a, b, c, d]| [a + c, b + c, b + c, b + d])
}

fn window(m: [[f64; 3]; 3]) -> Positions {
    both_ways(m, |[a, b, c]| [a, (a + b + c) / 2.0, (a + b + c) / 2.0, c])
}

fn tile(m: Positions) -> [[f64; 2]; 2] {
    both_ways(m, |[a, b, c, d]| [a + b + c, b + c + d])
}

fn gradients(m: [[f64; 2]; 2]) -> Positions {
    both_ways(m, |[a, b]| [a, a + b, a + b, b])
}

fn window_of_sums(m: Positions) -> [[f64; 3]; 3] {
    both_ways(m, |[a, b, c, d]| [a + (b + c) / 2.0, (b + c) / 2.0, (b + c) / 2.0 + d])
}

/// A square of the picture; zero beyond its border.
fn square<const S: usize>(x: &Tensor64, [n, c]: [usize; 2], [top, left]: [usize; 2]) -> [[f64; S]; S] {
    let [_, channels, height, width] = x.dims4();
    // Corners are counted from the padding of one pixel on.
    let at = |row: usize, column: usize| {
        let inside = (1..=height).contains(&row) && (1..=width).contains(&column);
        if inside { x.data[((n * channels + c) * height + row - 1) * width + column - 1] } else { 0.0 }
    };
    from_fn(|i| from_fn(|j| at(top + i, left + j)))
}

fn add_products(sums: &mut Positions, a: &Positions, b: &Positions) {
    for (sum, (a, b)) in sums.as_flattened_mut().iter_mut().zip(a.as_flattened().iter().zip(b.as_flattened()))
    {
        *sum += a * b;
    }
}

/// Corners of all tiles: picture, first row and column.
fn tiles(x: &Tensor64) -> impl Iterator<Item = [usize; 3]> + use<> {
    let [n, _, height, width] = x.dims4();
    (0..n).flat_map(move |n| {
        (0..height).step_by(2).flat_map(move |i| (0..width).step_by(2).map(move |j| [n, i, j]))
    })
}

/// Roundings on the way of each product, beside its sum over channels or tiles: a transform adds up to 16 values.
const TRANSFORMS: usize = 4 * 4 + 3 * 3 + 4 * 4;

/// What F(2×2, 3×3) may be off by in `x ∗ w`, stride 1, padding 1.
pub(crate) fn winograd(x: &Tensor64, w: &Tensor64) -> Tensor64 {
    let (x, w) = (x.map(f64::abs), w.map(f64::abs));
    let ([n, channels, height, width], outputs) = (x.dims4(), w.shape[0]);
    let windows: Vec<_> = w.data.chunks(9).map(|g| window(from_fn(|i| from_fn(|j| g[3 * i + j])))).collect();
    let mut sizes = Tensor64::zeros(&[n, outputs, height, width]);
    for [n, top, left] in tiles(&x) {
        let patches: Vec<_> = (0..channels).map(|c| patch(square(&x, [n, c], [top, left]))).collect();
        for (o, windows) in windows.chunks(channels).enumerate() {
            let mut sums = Positions::default();
            patches.iter().zip(windows).for_each(|(patch, window)| add_products(&mut sums, patch, window));
            let made = tile(sums);
            for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                if top + i < height && left + j < width {
                    sizes.data[((n * outputs + o) * height + top + i) * width + left + j] = made[i][j];
                }
            }
        }
    }
    sizes.map(|size| size * gamma(channels + TRANSFORMS, SINGLE))
}

/// The same of the gradient of the weights.
pub(crate) fn winograd_weight(x: &Tensor64, dy: &Tensor64) -> Tensor64 {
    let (x, dy) = (x.map(f64::abs), dy.map(f64::abs));
    let (channels, outputs) = (x.shape[1], dy.shape[1]);
    let mut sums = vec![Positions::default(); outputs * channels];
    for [n, top, left] in tiles(&x) {
        let patches: Vec<_> = (0..channels).map(|c| patch(square(&x, [n, c], [top, left]))).collect();
        for (o, sums) in sums.chunks_mut(channels).enumerate() {
            // Without padding: a tile of dy begins where that of y does.
            let expanded = gradients(square(&dy, [n, o], [top + 1, left + 1]));
            sums.iter_mut().zip(&patches).for_each(|(sums, patch)| add_products(sums, patch, &expanded));
        }
    }
    let sizes = sums.into_iter().flat_map(|sums| window_of_sums(sums).as_flattened().to_vec()).collect();
    let roundings = tiles(&x).count() + TRANSFORMS;
    Tensor64::new(&[outputs, channels, 3, 3], sizes).map(|size| size * gamma(roundings, SINGLE))
}

/// How far a product of two numbers of these sizes is off, which are off themselves.
fn product([a, a_error]: [f64; 2], [b, b_error]: [f64; 2]) -> f64 {
    (a + a_error) * (b + b_error) * (1.0 + SINGLE) - a * b
}

/// What a batch norm may be off by. Its kernels sum x − o and its square, o being the first pixel.
pub(crate) struct Norm<'a> {
    x: &'a Tensor64,
    stats: &'a BatchStats,
    weight: &'a Tensor64,
    /// Of each channel: the error of the mean, and that of `1 / sqrt(variance + ε)` as a share.
    channels: Vec<[f64; 2]>,
}

impl<'a> Norm<'a> {
    pub(crate) fn new(x: &'a Tensor64, stats: &'a BatchStats, weight: &'a Tensor64) -> Self {
        let channels = (0..x.shape[1]).map(|c| Self::channel(x, stats, c)).collect();
        Self { x, stats, weight, channels }
    }

    fn of(x: &Tensor64, channel: usize) -> impl Iterator<Item = usize> + use<> {
        let (channels, inner) = (x.shape[1], x.shape[2..].iter().product::<usize>());
        (0..x.shape[0]).flat_map(move |n| {
            let first = (n * channels + channel) * inner;
            first..first + inner
        })
    }

    fn channel(x: &Tensor64, stats: &BatchStats, c: usize) -> [f64; 2] {
        let (n, mean, variance) = (stats.count, stats.mean[c], stats.var[c]);
        let origin = x.data[Self::of(x, c).next().expect("a channel has pixels")];
        let average =
            |f: fn(f64) -> f64| Self::of(x, c).map(|i| f(x.data[i] - origin)).sum::<f64>() / n as f64;
        // The differences are rounded, and the quotient.
        let shift = average(f64::abs) * gamma(n + 1 + DIVISION, SINGLE);
        let square = average(|d| d * d) * gamma(n + 3 + DIVISION, SINGLE);
        let difference = square + product([(mean - origin).abs(), shift], [(mean - origin).abs(), shift]);
        let with_epsilon = variance + BATCH_NORM_EPSILON;
        // Two sums are rounded, and ε.
        let error = difference + 3.0 * SINGLE * (with_epsilon + difference);
        assert!(error < with_epsilon, "the variance {variance} is lost to rounding");
        let inverse = (with_epsilon / (with_epsilon - error)).sqrt() * (1.0 + INVERSE * SINGLE) - 1.0;
        [shift + SINGLE * (mean.abs() + shift), inverse]
    }

    /// The size of x − mean and its error, the factors of it, and their relative errors: `1 / sqrt(…)` and that times weight.
    fn at(&self, i: usize) -> ([f64; 2], [f64; 2], [f64; 2]) {
        let inner: usize = self.x.shape[2..].iter().product();
        let c = i / inner % self.x.shape[1];
        let [mean_error, inverse] = self.channels[c];
        let d = (self.x.data[i] - self.stats.mean[c]).abs();
        let s = self.stats.inv_std[c];
        let error = mean_error + SINGLE * (d + mean_error);
        let scale = s * self.weight.data[c].abs();
        ([d, error], [s, s * inverse], [scale, scale * ((1.0 + inverse) * (1.0 + SINGLE) - 1.0)])
    }

    /// Errors of `y`, the batch norm with its residual added.
    pub(crate) fn forward(&self, y: &Tensor64, bias: &Tensor64, residual: Option<&Tensor64>) -> Tensor64 {
        let inner: usize = y.shape[2..].iter().product();
        let of = |i: usize| {
            let (d, _, scale) = self.at(i);
            let added =
                bias.data[i / inner % self.x.shape[1]].abs() + residual.map_or(0.0, |r| r.data[i].abs());
            let error = product(d, scale);
            error + gamma(2, SINGLE) * (d[0] * scale[0] + error + added)
        };
        Tensor64::new(&y.shape, (0..y.len()).map(of).collect())
    }

    /// Errors of the gradients of x, weight and bias, where `g` reaches the batch norm.
    pub(crate) fn backward(&self, g: &Tensor64) -> [Tensor64; 3] {
        let (channels, n) = (self.x.shape[1], self.stats.count);
        let mut errors = [&g.shape[..], &[channels], &[channels]].map(Tensor64::zeros);
        for c in 0..channels {
            let normal = |i: usize| {
                let (d, inverse, _) = self.at(i);
                [d[0] * inverse[0], product(d, inverse)]
            };
            let sum = |f: &dyn Fn(usize) -> f64| Self::of(self.x, c).map(f).sum::<f64>();
            let signed = |i: usize| normal(i)[0].copysign(self.x.data[i] - self.stats.mean[c]);
            let dbias = sum(&|i| g.data[i].abs()) * gamma(n, SINGLE);
            let dweight = sum(&|i| {
                let [size, error] = normal(i);
                g.data[i].abs() * (error + (size + error) * gamma(n + 1, SINGLE))
            });
            let mean_of = |sum: f64, error: f64| {
                [sum / n as f64, (error + gamma(DIVISION, SINGLE) * (sum.abs() + error)) / n as f64]
            };
            let [mean, mean_error] = mean_of(sum(&|i| g.data[i]), dbias);
            let [along, along_error] = mean_of(sum(&|i| g.data[i] * signed(i)), dweight);
            for i in Self::of(self.x, c) {
                let (_, _, scale) = self.at(i);
                let part = product(normal(i), [along.abs(), along_error]);
                let terms = g.data[i].abs() + mean.abs() + normal(i)[0] * along.abs();
                let error = mean_error + part + gamma(2, SINGLE) * (terms + mean_error + part);
                let left = (g.data[i] - mean - signed(i) * along).abs();
                errors[0].data[i] = product([left, error], scale);
            }
            errors[1].data[c] = dweight;
            errors[2].data[c] = dbias;
        }
        errors
    }
}
