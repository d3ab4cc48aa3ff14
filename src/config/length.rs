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
