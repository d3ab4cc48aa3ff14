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

/// The nearest number of half precision.
pub(crate) fn rounded(v: f64) -> f64 {
    ::half::f16::from_f64(v).to_f64()
}
