//! How fast this machine trains, measured once and kept.

use super::speed;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gpu::{self, AdapterFacts};
use crate::pass::Watch;
use crate::tune::{self, Speeds};
use std::path::Path;

/// An adapter and how fast it trains.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// The adapter's name.
    pub adapter: String,
    /// 10⁹ operations a second.
    pub gflop_per_s: f64,
}

impl Machine {
    /// Seconds that so many operations take. The rule of suggestions too.
    #[must_use]
    pub fn seconds(&self, flop: f64) -> f64 {
        flop * 1e-9 / self.gflop_per_s.max(1e-9)
    }

    /// The operations that fit so many seconds.
    #[must_use]
    pub fn flop_within(&self, seconds: f64) -> f64 {
        seconds * self.gflop_per_s.max(1e-9) * 1e9
    }
}

/// The adapter that a run would get (an index, a part of its name, or the best one for `None`) and its speed: as kept below
/// the user's cache folder, or by two seconds of steps with the kernels that were tuned there, which is kept. `None` on a
/// machine that cannot train. A pass.
///
/// # Errors
/// [`Error::Stopped`] where the pass is; nothing is kept then.
pub fn machine(
    adapter: Option<&str>,
    cache: Option<&Path>,
    watch: &mut Watch<'_>,
) -> Result<Option<Machine>> {
    let Ok(facts) = gpu::find(adapter) else { return Ok(None) };
    if let Some(gflop_per_s) = cache.and_then(|cache| Speeds::read(cache).find(&facts)) {
        return Ok(Some(Machine { adapter: facts.name, gflop_per_s }));
    }
    match measured(&facts, cache, watch) {
        Ok(gflop_per_s) => {
            // A cache that cannot be written is no reason to fail: it is measured again the next time.
            drop(cache.map(|cache| Speeds::read(cache).keep(&facts, gflop_per_s)));
            Ok(Some(Machine { adapter: facts.name, gflop_per_s }))
        }
        Err(Error::Stopped) => Err(Error::Stopped),
        Err(_) => Ok(None),
    }
}

/// Measures an adapter whatever is kept of it, and keeps what was found: its kernels have changed.
///
/// # Errors
/// As of [`speed`], and [`Error::Io`] where the cache cannot be written.
pub fn measure_anew(facts: &AdapterFacts, cache: &Path, watch: &mut Watch<'_>) -> Result<()> {
    let found = measured(facts, Some(cache), watch)?;
    Speeds::read(cache).keep(facts, found)
}

/// 10⁹ operations a second with the kernels that were tuned for the adapter.
fn measured(facts: &AdapterFacts, cache: Option<&Path>, watch: &mut Watch<'_>) -> Result<f64> {
    let mut config = Config { adapter: Some(facts.index.to_string()), ..Config::default() };
    if let Some(cache) = cache {
        // Where nothing can be taken, the usual kernels serve.
        drop(tune::take(&mut config, cache));
    }
    speed(&config, watch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass;
    use std::ops::ControlFlow;

    #[test]
    fn what_is_kept_is_not_measured_again_and_what_was_stopped_is_not_kept() {
        let cache = tempfile::tempdir().unwrap();
        let facts = gpu::find(None).unwrap();
        let mut stop = |_: &pass::Progress| ControlFlow::Break(());
        let stopped = machine(None, Some(cache.path()), &mut stop);
        assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
        assert_eq!(Speeds::read(cache.path()).find(&facts), None);

        Speeds::read(cache.path()).keep(&facts, 12.5).unwrap();
        let found = machine(None, Some(cache.path()), &mut stop).unwrap().unwrap();
        assert_eq!(found, Machine { adapter: facts.name, gflop_per_s: 12.5 });
        assert_eq!((found.seconds(25e9), found.flop_within(2.0)), (2.0, 25e9));
        assert!(machine(Some("no such adapter"), None, &mut stop).unwrap().is_none());
    }
}
