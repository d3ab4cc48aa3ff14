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

/// kNN accuracy under both centring rules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Features as they are.
    pub plain: f64,
    /// Features less the mean of the bank.
    pub centred: f64,
}
