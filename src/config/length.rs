//! The length of a run in steps, once the number of steps in an epoch is known.

use super::settings::Config;
use crate::error::Result;

/// Prototypes that a recipe freezes stay frozen for no more than one step in so many of a run. Officially that is one epoch
/// of hundreds; the recipes count it in steps, which in a folder of few pictures are most of a run.
const FROZEN_OF: u64 = 10;

/// Where a run's landmarks lie, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLength {
    /// Steps of the whole run; the learning-rate schedule spans them.
    pub total: u64,
    /// Steps of warm-up, of the total.
    pub warmup: u64,
    /// The first step of the epoch in which the queue starts to fill.
    pub queue_start: u64,
}

impl Config {
    /// Steps in which the prototypes stay as they are; 0 of a method that trains none.
    #[must_use]
    pub fn frozen_steps(&self) -> u64 {
        if self.method.reads("freeze_prototypes") { self.freeze_prototypes } else { 0 }
    }

    /// Has the prototypes of a run of `total` steps frozen for no more than a tenth of it, where nobody chose otherwise; says for
    /// how many steps, where that is not what the recipe says.
    ///
    /// # Errors
    /// None that a preset of this crate has.
    pub(crate) fn fit_frozen(&mut self, total: u64) -> Result<Option<u64>> {
        let Some(preset) = self.preset else { return Ok(None) };
        let recipe = Self::from_recipe(preset, self.method)?;
        let (frozen, most) = (self.frozen_steps(), (total / FROZEN_OF).max(1));
        if frozen != recipe.frozen_steps() || frozen <= most {
            return Ok(None);
        }
        self.freeze_prototypes = most;
        Ok(Some(most))
    }

    /// Rows of the queue: whole batches. 0 of a method that has none.
    #[must_use]
    pub fn queue_rows(&self) -> usize {
        if self.method.reads("queue") { self.queue / self.batch.max(1) * self.batch } else { 0 }
    }

    /// Says that the queue has fewer rows than was asked for, where it does.
    #[must_use]
    pub fn rounded_queue(&self) -> Option<String> {
        let (asked, rows, batch) = (self.queue, self.queue_rows(), self.batch);
        (self.method.reads("queue") && rows != asked)
            .then(|| format!("The queue has {rows} rows, not {asked}: whole batches of {batch} go into it."))
    }

    /// Where `epochs` was shortened and the recipe's own warm-up no longer fits, gives it the share of
    /// the run that it has in the recipe. Without this, `--preset demo --epochs 2` would be refused for
    /// a value that nobody typed.
    pub fn fit_warmup(&mut self, recipe: &Self) {
        if self.warmup >= self.epochs as f64 && self.warmup == recipe.warmup {
            let share = recipe.warmup / recipe.epochs.max(1) as f64;
            self.warmup = share * self.epochs as f64;
        }
    }

    /// The landmarks of a run whose epochs have so many steps.
    ///
    /// With `steps`, the total is that number and warm-up keeps its share of the run, so a short
    /// trial of a long recipe has the same shape; the queue's start stays an epoch, because it waits
    /// for the network to have seen the pictures.
    pub fn length(&self, steps_per_epoch: u64) -> RunLength {
        let total = self.steps.unwrap_or_else(|| self.epochs.saturating_mul(steps_per_epoch));
        let share = self.warmup / self.epochs.max(1) as f64;
        let start = self.queue_start.ceil() as u64;
        RunLength {
            total,
            warmup: ((share * total as f64).round() as u64).min(total),
            queue_start: start.saturating_mul(steps_per_epoch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Method, Preset};

    #[test]
    fn prototypes_are_frozen_for_a_tenth_of_a_short_run_unless_somebody_chose() {
        let recipe = Config::from_recipe(Preset::Photos, Method::Swav).unwrap();
        let photos = || Config { preset: Some(Preset::Photos), ..recipe.clone() };
        let mut few = photos();
        assert_eq!((few.fit_frozen(400).unwrap(), few.freeze_prototypes), (Some(40), 40));
        assert_eq!(photos().fit_frozen(3).unwrap(), Some(1));
        for (mut config, total) in [
            (photos(), 10 * recipe.freeze_prototypes),
            (Config { freeze_prototypes: 120, ..photos() }, 400),
            (Config { freeze_prototypes: 120, preset: None, ..photos() }, 400),
        ] {
            let before = config.clone();
            assert_eq!(config.fit_frozen(total).unwrap(), None);
            assert_eq!(config, before);
        }
        // Another method trains none.
        let simclr = Config::from_recipe(Preset::Photos, Method::Simclr).unwrap();
        assert_eq!(Config { preset: Some(Preset::Photos), ..simclr }.fit_frozen(400).unwrap(), None);
    }

    #[test]
    fn what_a_method_does_not_read_does_not_count() {
        let mut config = Config { batch: 8, queue: 21, freeze_prototypes: 5000, ..Config::default() };
        let mut found = |method| {
            config.method = method;
            (config.frozen_steps(), config.queue_rows(), config.rounded_queue().is_some())
        };
        assert_eq!(found(Method::Swav), (5000, 16, true));
        assert_eq!(found(Method::SelaV2), (5000, 0, false));
        assert_eq!(found(Method::MocoV2), (0, 16, true));
        for method in [Method::Byol, Method::Simclr, Method::DeepclusterV2, Method::Supervised] {
            assert_eq!(found(method), (0, 0, false), "{method}");
        }
        let said = Config { method: Method::MocoV2, ..config.clone() }.rounded_queue().unwrap();
        assert!(said.contains("16 rows, not 21") && said.contains("batches of 8"), "{said}");
        assert_eq!(Config { method: Method::MocoV2, queue: 24, ..config }.rounded_queue(), None);
    }
}
