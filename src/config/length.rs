//! The length of a run in steps, once the number of steps in an epoch is known.

use super::settings::Config;

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
    use crate::config::Method;

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
