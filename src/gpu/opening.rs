//! A device as the settings of a run say.

use super::{Choices, Family, Gpu};
use crate::config::{Config, Kernels, Tuned};
use crate::error::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// Opens the adapter and kernels of the settings.
pub fn open(config: &Config) -> Result<Arc<Gpu>> {
    let gpu = open_adapter(config.adapter.as_deref(), config.kernels, &config.tuned)?;
    Ok(gpu.with_submission(Duration::from_millis(config.submission_ms)))
}

/// Opens an adapter by its name or index, with a kernel family or what a tuning chose.
pub fn open_adapter(adapter: Option<&str>, kernels: Kernels, tuned: &Tuned) -> Result<Arc<Gpu>> {
    let choices = match (kernels, tuned) {
        (Kernels::Auto, Tuned::Choices(text)) => {
            Some(text.parse().map_err(|reason: String| Error::config("tuned", reason))?)
        }
        // Whether something is kept for this adapter is for whoever may read the user's files to find out.
        (Kernels::Auto, Tuned::Auto | Tuned::Off) => None,
        (Kernels::Subgroup, _) => Some(Choices::usual(Family::Subgroup)),
        (Kernels::Tile, _) => Some(Choices::usual(Family::Tile)),
        (Kernels::Direct, _) => Some(Choices::usual(Family::Direct)),
        (Kernels::Matrix, _) => Some(Choices::usual(Family::Matrix)),
    };
    Gpu::open_with(adapter, choices)
}
