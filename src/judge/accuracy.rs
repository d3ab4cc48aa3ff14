//! Shares of right answers, as they are kept and shown.

use serde::{Deserialize, Serialize};

/// kNN accuracy on one split, from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitAccuracy {
    /// The split.
    pub name: String,
    /// Features as they are.
    pub plain: f64,
    /// Features less the mean of the bank.
    pub centred: f64,
}

/// How far a share of `queries` is from the share of endlessly many, 19 times of 20: 1.96 standard errors.
#[must_use]
pub fn margin(share: f64, queries: u64) -> f64 {
    1.96 * (share * (1.0 - share) / queries.max(1) as f64).sqrt()
}

/// kNN accuracy under both centring rules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Features as they are.
    pub plain: f64,
    /// Features less the mean of the bank.
    pub centred: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_queries_make_a_share_surer() {
        assert!((margin(0.5, 400) - 0.049).abs() < 1e-4);
        assert!((margin(0.5, 40_000) - 0.0049).abs() < 1e-5);
        assert_eq!((margin(1.0, 10), margin(0.0, 0)), (0.0, 0.0));
    }
}
