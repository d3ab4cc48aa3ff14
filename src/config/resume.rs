//! What a resumed run may change.

use std::path::Path;

use super::settings::Config;
use crate::error::{Error, Result};

/// Where a run's files lie. They may have been moved, which changes nothing that is computed.
const PLACES: [&str; 2] = ["data", "out"];

impl Config {
    /// The settings that a resumed run may change: they decide how long and where it runs, not what it
    /// computes next. `steps` is among them for extending a run, `data` for pictures that were moved. `micro_batch` and
    /// `sync_bn` are, though they decide which pictures a batch norm sees: a run of many devices must be able to go on
    /// with the memory of one.
    pub const RESUMABLE: [&str; 19] = [
        "data",
        "steps",
        "former_steps",
        "max_time",
        "adapter",
        "kernels",
        "tuned",
        "submission_ms",
        "recompute",
        "micro_batch",
        "sync_bn",
        "workers",
        "cache",
        "prefetch",
        "report_every",
        "checkpoint_every",
        "eval_every",
        "eval_pictures",
        "tensorboard",
    ];

    /// A sentence where batch norms of the trunk see other pictures than they did under the settings of `earlier`.
    #[must_use]
    pub fn other_statistics(&self, earlier: &Self) -> Option<String> {
        let changed = ["micro_batch", "sync_bn"].into_iter().filter_map(|key| {
            let setting = Self::setting(key).ok()?;
            let (now, then) = ((setting.get)(self), (setting.get)(earlier));
            (now != then).then(|| format!("`{key}` is {now}, and was {then}"))
        });
        let changed: Vec<String> = changed.collect();
        (!changed.is_empty()).then(|| {
            format!(
                "{}: batch norms see other pictures at once, so the run goes on, but not as it would have.",
                changed.join("; ")
            )
        })
    }

    /// Compares with the settings that a checkpoint was written under, as TOML: where something else
    /// would be computed, the run would not be the one that was stopped. `path` is the checkpoint.
    ///
    /// # Errors
    /// [`Error::Config`] for the first setting that differs and may not.
    pub fn check_resumed(&self, earlier: &str, path: &Path) -> Result<()> {
        let shown = path.display();
        let earlier = Self::of_run(earlier, &shown.to_string())?;
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
        changed("micro_batch", "8").unwrap();
        let cut = Config { micro_batch: Some(crate::config::MicroBatch::Of(8)), ..earlier.clone() };
        let said = cut.other_statistics(&earlier).unwrap();
        assert!(said.contains("`micro_batch` is 8, and was "), "{said}");
        assert_eq!(cut.other_statistics(&cut), None);
        for key in Config::RESUMABLE.iter().chain(&PLACES) {
            Config::setting(key).unwrap();
        }
    }
}
