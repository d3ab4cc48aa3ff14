//! What a resumed run may change.

use std::path::Path;

use super::settings::Config;
use crate::error::{Error, Result};

/// Where a run's files lie. They may have been moved, which changes nothing that is computed.
const PLACES: [&str; 2] = ["data", "out"];

impl Config {
    /// The settings that a resumed run may change: they decide how long and where it runs, not what it
    /// computes next. `steps` is among them for extending a run, `data` for pictures that were moved.
    pub const RESUMABLE: [&str; 16] = [
        "data",
        "steps",
        "max_time",
        "adapter",
        "kernels",
        "tuned",
        "submission_ms",
        "recompute",
        "workers",
        "cache",
        "prefetch",
        "report_every",
        "checkpoint_every",
        "eval_every",
        "eval_pictures",
        "tensorboard",
    ];

    /// Compares with the settings that a checkpoint was written under, as TOML: where something else
    /// would be computed, the run would not be the one that was stopped. `path` is the checkpoint.
    ///
    /// # Errors
    /// [`Error::Config`] for the first setting that differs and may not.
    pub fn check_resumed(&self, earlier: &str, path: &Path) -> Result<()> {
        let shown = path.display();
        let earlier = Self::from_toml(earlier, &shown.to_string())?;
        let fixed = |key| !Self::RESUMABLE.contains(&key) && !PLACES.contains(&key);
        for setting in Self::SETTINGS.iter().filter(|setting| fixed(setting.key)) {
            let (now, then) = ((setting.get)(self), (setting.get)(&earlier));
            if now != then {
                let reason = format!(
                    "is {now} in the run's config.toml, but {shown} was trained with {then}: put {then} back, or \
                     start a new run"
                );
                return Err(Error::config(setting.key, reason));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_computed_may_change() {
        let (earlier, path) = (Config::default(), Path::new("run/checkpoint.safetensors"));
        let changed = |key: &str, text: &str| {
            let mut now = earlier.clone();
            now.set(key, text).unwrap();
            now.check_resumed(&earlier.to_toml(), path)
        };
        changed("steps", "9").unwrap();
        changed("data", "elsewhere").unwrap();
        changed("lr", "4.80").unwrap();
        let message = changed("lr", "0.7").unwrap_err().to_string();
        assert!(
            message.contains("`lr`") && message.contains("0.7") && message.contains("put 4.8 back"),
            "{message}"
        );
        for key in Config::RESUMABLE.iter().chain(&PLACES) {
            Config::setting(key).unwrap();
        }
    }
}
