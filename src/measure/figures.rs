//! What a measurement found.

use serde::Serialize;

use crate::gpu::{AdapterFacts, Profile, ProfileRow, Traffic};

/// The middle and the ends of some seconds or ratios.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The one in the middle, or the mean of the two there.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of at least one value; NaN where there is none.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let (n, last) = (sorted.len(), sorted.len().saturating_sub(1));
        Self { median: 0.5 * (at(last / 2) + at(n / 2)), min: at(0), max: at(last) }
    }
}

/// A measured training step. Seconds are those of the clock on the wall, report included.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// The name of the configuration.
    pub config: String,
    /// Its settings, in a line.
    pub settings: String,
    /// The adapter and what it can do.
    pub adapter: AdapterFacts,
    /// The kernel family that ran, and whether its kernels were tuned.
    pub kernels: String,
    /// Pictures a step.
    pub batch: usize,
    /// Parts in which a batch goes through the trunk: one where it does as a whole.
    pub parts: usize,
    /// Pictures of a part; the last may have fewer.
    pub part: usize,
    /// Steps that were timed.
    pub steps: usize,
    /// Seconds of a step, after the warm-up.
    pub step_s: Spread,
    /// Seconds of the very first step, in which drivers compile.
    pub first_step_s: f64,
    /// Pictures a second at the median, crops counted once.
    pub images_per_s: f64,
    /// Device memory taken: known from the plan before the first step.
    pub memory_bytes: u64,
    /// Weights that are learned.
    pub parameters: u64,
    /// Dispatches of a step.
    pub dispatches: usize,
    /// Submissions of a step, by the time that was measured.
    pub submissions: usize,
    /// Work and speed.
    pub roofline: Roofline,
    /// Where the time goes, on an adapter with time stamps.
    pub device: Option<DeviceTime>,
}

/// What a step asks of any adapter, and what this one gave at the median.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Roofline {
    /// Floating-point operations of a step ([`super::flop_per_step`]).
    pub flop: u64,
    /// Bytes that the kernels of a step move: an estimate from what they bind ([`Traffic`]).
    pub kernel_bytes: u64,
    /// Bytes that copies between them move. On CPU drivers, which get operands staged as texels, this
    /// is a good part of the whole; the tiles of a GPU need hardly any.
    pub copy_bytes: u64,
    /// Operations a byte of both.
    pub flop_per_byte: f64,
    /// 10⁹ operations a second.
    pub gflop_per_s: f64,
    /// 10⁹ bytes a second of both.
    pub gigabyte_per_s: f64,
}

impl Roofline {
    pub(super) fn new(flop: u64, traffic: Traffic, seconds: f64) -> Self {
        let Traffic { kernels, copies } = traffic;
        let (operations, moved) = (flop as f64, (kernels + copies) as f64);
        Self {
            flop,
            kernel_bytes: kernels,
            copy_bytes: copies,
            flop_per_byte: operations / moved,
            gflop_per_s: operations * 1e-9 / seconds,
            gigabyte_per_s: moved * 1e-9 / seconds,
        }
    }

    /// What `images_per_s` would take of an adapter that gives `batch` of them a step: 10⁹ operations
    /// and 10⁹ bytes a second.
    #[must_use]
    pub fn needed(&self, images_per_s: f64, batch: usize) -> (f64, f64) {
        let steps_per_s = images_per_s / batch as f64;
        let bytes = self.kernel_bytes + self.copy_bytes;
        (self.flop as f64 * 1e-9 * steps_per_s, bytes as f64 * 1e-9 * steps_per_s)
    }
}

/// The device time of one step that ran with a time stamp around every dispatch.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceTime {
    /// Seconds of that step on the wall, time stamps included.
    pub step_s: f64,
    /// Seconds between the stamps, all dispatches together.
    pub kernels_s: f64,
    /// Seconds between dispatches with a copy in between: most of it stages operands for CPU drivers.
    pub copies_s: f64,
    /// Share of `step_s` that neither kernels nor copies take: recording, submission, waits, reading back.
    /// All three are of this one step, so that a change of the machine's load between two steps is not
    /// taken for it. The stamps are a part of it, so a step without them has a little less outside.
    pub outside: f64,
    /// By operation, the longest first.
    pub operations: Vec<Operation>,
}

/// The dispatches of one entry point.
#[derive(Clone, Debug, Serialize)]
pub struct Operation {
    /// The entry point.
    pub name: String,
    /// Dispatches a step.
    pub calls: usize,
    /// Milliseconds a step.
    pub milliseconds: f64,
    /// Of the time of all kernels.
    pub share: f64,
    /// Bytes that they move ([`Traffic`]).
    pub bytes: u64,
}

impl DeviceTime {
    pub(super) fn new(step_s: f64, profile: &Profile) -> Self {
        let total = profile.total().max(1e-9);
        let kernels_s = total * 1e-3;
        let operation = |row: ProfileRow| Operation {
            share: row.milliseconds / total,
            name: row.label,
            calls: row.calls,
            milliseconds: row.milliseconds,
            bytes: row.bytes,
        };
        let operations = profile.by_operation().into_iter().map(operation).collect();
        let copies_s = profile.copies.milliseconds * 1e-3;
        Self { step_s, kernels_s, copies_s, outside: (step_s - kernels_s - copies_s) / step_s, operations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 9.0]), Spread { median: 3.0, min: 1.0, max: 9.0 });
        assert_eq!(Spread::of(&[0.5]), Spread { median: 0.5, min: 0.5, max: 0.5 });
        assert!(Spread::of(&[]).median.is_nan());
    }

    #[test]
    fn the_roofline_is_work_by_time() {
        let traffic = Traffic { kernels: 1_500_000_000, copies: 500_000_000 };
        let line = Roofline::new(8_000_000_000, traffic, 0.5);
        assert_eq!((line.flop_per_byte, line.gflop_per_s, line.gigabyte_per_s), (4.0, 16.0, 4.0));
        // Two steps a second take as much as one in half a second.
        assert_eq!(line.needed(64.0, 32), (16.0, 4.0));
    }
}
