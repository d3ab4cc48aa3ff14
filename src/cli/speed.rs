//! How fast this machine trains, measured once and kept.

use super::passes::Passes;
use super::tune;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gpu;
use crate::measure::speed;
use crate::tune::Speeds;

/// The adapter that a run would get, and 10⁹ operations a second that it trains at: as kept, or by two seconds of steps.
/// `None` on a machine that cannot train.
///
/// # Errors
/// [`Error::Stopped`] where the pass is.
pub(super) fn of_machine(passes: &mut Passes) -> Result<Option<(String, f64)>> {
    let Ok(facts) = gpu::find(None) else { return Ok(None) };
    let mut kept = dirs::cache_dir().map(|cache| Speeds::read(&cache));
    if let Some(found) = kept.as_ref().and_then(|kept| kept.find(&facts)) {
        return Ok(Some((facts.name, found)));
    }
    match measured(passes) {
        Ok(found) => {
            // A cache that cannot be written is no reason to fail: it is measured again the next time.
            drop(kept.as_mut().map(|kept| kept.keep(&facts, found)));
            Ok(Some((facts.name, found)))
        }
        Err(Error::Stopped) => Err(Error::Stopped),
        Err(_) => Ok(None),
    }
}

/// Measures the adapter with its tuned kernels.
pub(super) fn measured(passes: &mut Passes) -> Result<f64> {
    let mut config = Config::default();
    tune::take_quietly(&mut config);
    speed(&config, &mut passes.watch())
}
