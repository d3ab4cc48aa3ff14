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

/// How far a share of `queries` may be from the share of endlessly many, 19 times of 20: to the further end of Wilson's
/// interval, which does not shrink to nothing where all or none are right.
#[must_use]
pub fn margin(share: f64, queries: u64) -> f64 {
    const Z: f64 = 1.96;
    let n = queries.max(1) as f64;
    let widened = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / widened;
    let half = Z / widened * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    (centre - share).abs() + half
}

/// kNN accuracy under both centring rules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Features as they are.
    pub plain: f64,
    /// Features less the mean of the bank.
    pub centred: f64,
}

impl Pair {
    /// The better of the two.
    #[must_use]
    pub fn better(self) -> f64 {
        self.plain.max(self.centred)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_queries_make_a_share_surer() {
        assert!((margin(0.5, 400) - 0.0488).abs() < 1e-4);
        assert!((margin(0.5, 40_000) - 0.0049).abs() < 1e-5);
        assert!(margin(1.0, 10) > 0.1 && margin(0.0, 0) > 0.1);
        assert!((margin(1.0, 10) - margin(0.0, 10)).abs() < 1e-12);
        // Intervals of R. G. Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3.
        for (right, of, [low, high]) in [
            (81, 263, [0.2553, 0.3662]),
            (15, 148, [0.0624, 0.1605]),
            (0, 20, [0.0, 0.1611]),
            (1, 29, [0.0061, 0.1718]),
        ] {
            let share = f64::from(right) / of as f64;
            let wanted = f64::max(share - low, high - share);
            assert!((margin(share, of) - wanted).abs() < 1e-4, "{right} of {of}: {}", margin(share, of));
        }
    }
}
