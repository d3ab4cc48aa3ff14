//! How fast an adapter trains, in one number: what suggestions are made by.

use super::{Case, Meter};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pass::{self, Watch};
use std::time::Instant;

/// Seconds of steps that are timed.
const SECONDS: f64 = 1.5;
/// A step that is over so soon does not keep the adapter busy: a larger network says more.
const SOON: f64 = 0.02;
/// The network that any machine trains, and the one for adapters that it keeps idle.
const NETWORKS: [&str; 2] = ["C4a", "C1"];

/// 10⁹ operations a second that the adapter of `like` trains a small network at; takes two seconds or so. A pass.
///
/// # Errors
/// No such adapter; what the driver reports; [`Error::Stopped`] where the pass is.
pub fn speed(like: &Config, watch: &mut Watch<'_>) -> Result<f64> {
    let mut found = 0.0;
    for name in NETWORKS {
        let Some(case) = Case::named(name) else { continue };
        let (seconds, gflop_per_s) = pass::run(("measuring the adapter", "steps"), 0, watch, |pass| {
            timed(case, like, || pass.advance(1))
        })?;
        found = gflop_per_s;
        if seconds > SOON {
            break;
        }
    }
    Ok(found)
}

/// Seconds of a step, and its speed.
fn timed(case: &Case, like: &Config, mut next: impl FnMut() -> Result<()>) -> Result<(f64, f64)> {
    let mut config = case.config()?;
    config.batch = 32;
    (config.adapter, config.kernels) = (like.adapter.clone(), like.kernels);
    (config.tuned, config.precision) = (like.tuned.clone(), like.precision);
    let mut meter = Meter::open(case.name, &config)?;
    for _ in 0..Meter::WARM_UP {
        meter.step()?;
        next()?;
    }
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < SECONDS {
        meter.step()?;
        next()?;
    }
    let figures = meter.figures();
    if figures.step_s.min.is_nan() {
        return Err(Error::config("adapter", "no step of it could be timed"));
    }
    // What else runs makes single steps slower and none faster.
    let least = figures.step_s.min;
    Ok((least, figures.roofline.flop as f64 * 1e-9 / least))
}
