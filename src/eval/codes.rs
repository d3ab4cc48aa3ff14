//! Codes of a few samples on the CPU, for looking at: Sinkhorn in the log domain, in the order of the
//! official code. The step computes its own on the device (`ops::sinkhorn`).

use super::vectors::Features;
use crate::error::{Error, Result};
use rayon::prelude::*;

/// Balanced codes of `scores` `[B, K]` (cosines): each row sums to 1, prototypes are nearly equally
/// loaded after a few `iterations`.
///
/// # Errors
/// [`Error::Config`] for an `epsilon` that is not above 0.
pub fn codes(scores: &Features, epsilon: f64, iterations: u32) -> Result<Features> {
    if epsilon.is_nan() || epsilon <= 0.0 {
        return Err(Error::config("epsilon", format!("must be above 0, not {epsilon}")));
    }
    let (rows, k) = (scores.rows, scores.dim);
    // Two potentials say it all: code(b, k) = exp(score / ε + of_prototype[k] + of_sample[b]). Factors that
    // all prototypes or all samples share cancel in the last normalisation.
    let (mut of_sample, mut of_prototype) = (vec![0.0f64; rows], vec![0.0f64; k]);
    let exponent = |row: usize, at: usize| f64::from(scores.row(row)[at]) / epsilon;
    for _ in 0..iterations {
        of_prototype.par_iter_mut().enumerate().for_each(|(at, potential)| {
            *potential = -log_sum_exp((0..rows).map(|row| exponent(row, at) + of_sample[row]));
        });
        of_sample.par_iter_mut().enumerate().for_each(|(row, potential)| {
            *potential = -log_sum_exp((0..k).map(|at| exponent(row, at) + of_prototype[at]));
        });
    }
    let mut data = Vec::with_capacity(rows * k);
    for row in 0..rows {
        let log: Vec<f64> = (0..k).map(|at| exponent(row, at) + of_prototype[at]).collect();
        let mass = log_sum_exp(log.iter().copied());
        data.extend(log.iter().map(|value| (value - mass).exp() as f32));
    }
    Features::new(rows, k, data)
}

/// The prediction that the loss compares with a code: softmax of one row of scores over `temperature`.
#[must_use]
pub fn prediction(scores: &[f32], temperature: f64) -> Vec<f32> {
    let scaled = || scores.iter().map(|&score| f64::from(score) / temperature.max(1e-9));
    let mass = log_sum_exp(scaled());
    scaled().map(|value| (value - mass).exp() as f32).collect()
}

fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + values.map(|value| (value - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::selftest::reference::{Tensor64, sinkhorn::sinkhorn};

    #[test]
    fn codes_are_those_of_the_reference() {
        let (rows, k) = (13, 29);
        let mut random = Stream::new(5, Purpose::Test, &[]);
        let data: Vec<f32> = (0..rows * k).map(|_| random.range(-1.0, 1.0) as f32).collect();
        for (epsilon, iterations) in [(0.05, 3), (0.005, 10), (1.0, 1)] {
            let got = codes(&Features::new(rows, k, data.clone()).unwrap(), epsilon, iterations).unwrap();
            let scores =
                Tensor64 { shape: vec![rows, k], data: data.iter().map(|&v| f64::from(v)).collect() };
            let want = sinkhorn(&scores, epsilon, iterations as usize);
            for (got, want) in got.data.iter().zip(&want.data) {
                assert!((f64::from(*got) - want).abs() < 1e-6, "ε {epsilon}: {got} for {want}");
            }
        }
        assert!(codes(&Features::default(), 0.0, 3).is_err());
        assert_eq!(codes(&Features::default(), 0.1, 3).unwrap().rows, 0);
    }

    #[test]
    fn a_prediction_is_a_softmax() {
        let got = prediction(&[0.1, 0.2, -50.0], 0.1);
        let e = 1f32.exp();
        assert!((got[1] - e / (1.0 + e)).abs() < 1e-6 && (got.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(prediction(&[], 0.1).is_empty());
    }
}
