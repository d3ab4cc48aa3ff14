//! Gaussian blur of a plane: a true, separable Gaussian with replicated edges.
//!
//! The official pipeline uses PIL's, which is three box blurs and up to 16 of 255 levels away from a
//! Gaussian at small radii. We take the true one: it is what the paper says, it is defined for any
//! radius without tables, and a device does it with the same few lines.

/// Where the kernel ends, in standard deviations: what is left out is below 1e-5.
const REACH: f32 = 4.5;

/// Outputs that are summed together.
const WIDE: usize = 32;

/// Buffers and weights that are reused from plane to plane.
#[derive(Default)]
pub(super) struct Blur {
    weights: Vec<f32>,
    /// The plane with `radius` replicated rows above and below.
    tall: Vec<f32>,
    /// One row with `radius` replicated pixels left and right.
    wide: Vec<f32>,
}

impl Blur {
    /// Prepares a standard deviation in pixels. False where the blur would change nothing.
    #[inline(always)]
    pub(super) fn set(&mut self, sigma: f32) -> bool {
        self.weights.clear();
        let narrow = 1.0 / (2.0 * f64::from(sigma) * f64::from(sigma));
        if sigma <= 0.0 || (-narrow).exp() < 1e-7 {
            return false;
        }
        let radius = (REACH * sigma).ceil() as i32;
        let weight = |d: i32| (-f64::from(d) * f64::from(d) * narrow).exp();
        let total: f64 = (-radius..=radius).map(weight).sum();
        self.weights.extend((-radius..=radius).map(|d| (weight(d) / total) as f32));
        true
    }

    /// Blurs a `size`×`size` plane in place.
    #[inline(always)]
    pub(super) fn run(&mut self, plane: &mut [f32], size: usize) {
        let radius = self.weights.len() / 2;
        if size == 0 || radius == 0 {
            return;
        }
        let last = plane.len() - size;
        self.tall.clear();
        (0..radius).for_each(|_| self.tall.extend_from_slice(&plane[..size]));
        self.tall.extend_from_slice(plane);
        (0..radius).for_each(|_| self.tall.extend_from_slice(&plane[last..]));
        self.wide.resize(size + 2 * radius, 0.0);
        for (y, out) in plane.chunks_exact_mut(size).enumerate() {
            convolve(&self.tall[y * size..], size, &self.weights, &mut self.wide[radius..radius + size]);
            let (first, last) = (self.wide[radius], self.wide[radius + size - 1]);
            self.wide[..radius].fill(first);
            self.wide[radius + size..].fill(last);
            convolve(&self.wide, 1, &self.weights, out);
        }
    }
}

/// out[x] = Σ_k weights[k] · source[k · stride + x]. The weights are symmetric, so equally distant
/// samples are added first; many outputs at a time stay in registers.
#[inline(always)]
fn convolve(source: &[f32], stride: usize, weights: &[f32], out: &mut [f32]) {
    let mut at = 0;
    while at < out.len() {
        let rest = &mut out[at..];
        at += match rest.len() {
            WIDE.. => convolve_block::<WIDE>(&source[at..], stride, weights, rest),
            8.. => convolve_block::<8>(&source[at..], stride, weights, rest),
            _ => convolve_block::<1>(&source[at..], stride, weights, rest),
        };
    }
}

/// The first `N` outputs; returns how many that are.
#[inline(always)]
fn convolve_block<const N: usize>(source: &[f32], stride: usize, weights: &[f32], out: &mut [f32]) -> usize {
    let radius = weights.len() / 2;
    // Arrays, not slices: only so do the sums stay in registers.
    let row = |k: usize| source[k * stride..].first_chunk::<N>();
    let (Some(centre), Some(out)) = (row(radius), out.first_chunk_mut::<N>()) else { return N };
    let mut sums = centre.map(|value| value * weights[radius]);
    for (k, &weight) in weights[..radius].iter().enumerate() {
        let (Some(before), Some(after)) = (row(k), row(2 * radius - k)) else { return N };
        for lane in 0..N {
            sums[lane] += weight * (before[lane] + after[lane]);
        }
    }
    *out = sums;
    N
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Kind, close, difference, golden_cases};

    /// The golden blur pictures are not square: each plane is blurred as the top of a square one that
    /// is continued by its own last row or column, which is what replicated edges mean.
    fn blur(values: &[f32], width: usize, height: usize, sigma: f32) -> Vec<f32> {
        let size = width.max(height);
        let mut blur = Blur::default();
        let change = blur.set(sigma);
        let mut out = Vec::new();
        for plane in values.chunks(width * height) {
            let mut square: Vec<f32> = (0..size * size)
                .map(|i| plane[(i / size).min(height - 1) * width + (i % size).min(width - 1)])
                .collect();
            if change {
                blur.run(&mut square, size);
            }
            out.extend((0..width * height).map(|i| square[i / width * size + i % width]));
        }
        out
    }

    #[test]
    fn blurs_match_the_true_gaussian_and_are_as_far_from_pil_as_it_is() {
        for case in golden_cases(Kind::Blur) {
            let picture = case.picture(&format!("sub{}", case.attr("sub")));
            let (width, height) = (picture.width() as usize, picture.height() as usize);
            let sigma = case.attr("sigma").as_f64().unwrap() as f32;
            let got = blur(&crate::data::testing::planes_of(&picture), width, height, sigma);
            close(&case, "true_f", &got, &case.expected("true_f").unwrap());
            let (most, mean) = difference(&case, "pil", &got);
            // Half a level for rounding to 8 bit.
            assert!(
                most <= case.attr("pil_vs_true_max_levels").as_f64().unwrap() + 0.51,
                "{}: {most}",
                case.name
            );
            assert!(
                mean <= case.attr("pil_vs_true_mean_levels").as_f64().unwrap() + 0.51,
                "{}: {mean}",
                case.name
            );
        }
    }

    #[test]
    fn a_flat_plane_stays_flat_and_any_size_works() {
        let mut blur = Blur::default();
        for size in [1, 2, 15, 16, 17, 33] {
            for sigma in [0.3, 2.0, 20.0] {
                assert!(blur.set(sigma));
                let mut plane = vec![0.7; size * size];
                blur.run(&mut plane, size);
                assert!(plane.iter().all(|v| (v - 0.7).abs() < 1e-5), "{size} {sigma}");
            }
        }
        assert!(!blur.set(0.0) && !blur.set(0.1));
    }
}
