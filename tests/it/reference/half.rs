//! Half precision as the kernels store it, in `f64`: what is kept in memory is rounded, and nothing else.
//!
//! Two correct programs that round at the same places give different numbers all the same: where a sum comes close to the
//! middle between two numbers of half precision, its last bit in single precision decides which one is stored, and a few
//! layers later many values differ by one place. How far that takes a network apart belongs to the network, so it is
//! measured on the network: `noise` moves every value, before it is rounded, by what sums in single precision may be off.

use super::{Rng64, Tensor64};
use std::cell::Cell;

/// How far a sum of some hundred terms in single precision may be off: eight times its rounding, as a share of the root
/// mean square of its tensor.
const SINGLE: f64 = 8.0 / (1 << 24) as f64;

#[derive(Clone)]
pub(crate) struct Half {
    /// What gradients are multiplied by in the trunk.
    pub(crate) scale: f64,
    /// Whether convolutions multiply with weights of half precision (matrix units).
    pub(crate) weights: bool,
    /// The errors of single precision, where there are to be any.
    noise: Option<Cell<u64>>,
}

impl Half {
    pub(crate) fn new(scale: f64, weights: bool) -> Self {
        Self { scale, weights, noise: None }
    }

    /// The same with errors of single precision, others for each seed.
    pub(crate) fn with_noise(self, seed: u64) -> Self {
        Self { noise: Some(Cell::new(seed)), ..self }
    }

    pub(crate) fn stored(&self, x: &Tensor64) -> Tensor64 {
        let Some(noise) = &self.noise else { return x.map(rounded) };
        let most = SINGLE * x.norm() / (x.len() as f64).sqrt();
        let mut rng = Rng64(noise.get());
        let moved = x.data.iter().map(|&v| {
            let error = most * (2.0 * rng.uniform() - 1.0);
            // Zeros are of ReLU and padding: nothing is summed up to them.
            rounded(if v == 0.0 { v } else { v + error })
        });
        let moved = Tensor64::new(&x.shape, moved.collect());
        noise.set(rng.0);
        moved
    }
}

/// The nearest number of half precision, of two the even one. By hand: the crate `half` drops the low half of the mantissa
/// before it rounds, and so takes what lies just above a middle down to an even number.
pub(crate) fn rounded(v: f64) -> f64 {
    if !v.is_finite() {
        return v;
    }
    // Below 2⁻¹⁴ neighbours lie no closer.
    let exponent = ((v.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(-14);
    let place = 2.0f64.powi(exponent - 10);
    let nearest = (v / place).round_ties_even() * place;
    if nearest.abs() > 65_504.0 { f64::INFINITY.copysign(v) } else { nearest }
}

#[test]
fn the_nearest_half_is_found() {
    for bits in 0..=u16::MAX {
        let half = ::half::f16::from_bits(bits);
        if half.is_nan() {
            continue;
        }
        assert_eq!(rounded(half.to_f64()), half.to_f64());
        // The crate rounds single precision well: around the middle to the next number, and at it.
        let next = ::half::f16::from_bits(bits.wrapping_add(1));
        let middle = ((half.to_f64() + next.to_f64()) / 2.0) as f32;
        for single in [middle.next_down(), middle, middle.next_up()].into_iter().filter(|v| v.is_finite()) {
            let want = ::half::f16::from_f32(single).to_f64();
            assert_eq!(rounded(f64::from(single)), want, "{single:e}");
        }
    }
    let above = 1024.5f64.next_up();
    assert_eq!([rounded(1024.5), rounded(above), rounded(-above)], [1024.0, 1025.0, -1025.0]);
    assert_eq!(
        [rounded(65_519.9), rounded(65_520.0), rounded(-1e9)],
        [65_504.0, f64::INFINITY, f64::NEG_INFINITY]
    );
}
