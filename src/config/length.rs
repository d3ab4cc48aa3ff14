//! The length of a run in steps, once the number of steps in an epoch is known.

use super::former::Former;
use super::settings::Config;
use crate::error::Result;

/// Prototypes that a recipe freezes stay frozen for no more than one step in so many of a run. Officially that is one epoch
/// of hundreds; the recipes count it in steps, which in a folder of few pictures are most of a run.
const FROZEN_OF: u64 = 10;

/// Where a run's landmarks lie, in steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunLength {
    /// Steps of the whole run.
    pub total: u64,
    /// Steps of warm-up, of those that the run was to have at first.
    pub warmup: u64,
    /// The first step of the epoch in which the queue starts to fill.
    pub queue_start: u64,
    /// The totals that the run had before, in their order.
    pub former: Vec<Former>,
}

impl RunLength {
    /// Steps that the run was to have when it began. Its schedules span them.
    #[must_use]
    pub fn at_first(&self) -> u64 {
        self.former.first().map_or(self.total, |former| former.total)
    }

    /// Where `step` stands among the steps of a run as long as this one was to be at first, from 0 to [`Self::at_first`]:
    /// `step` itself, unless the run was given another length. Then what was left of its schedules is spread over what was
    /// left of the run: they go on from where they were, and still come to their end.
    #[must_use]
    pub fn place(&self, step: u64) -> f64 {
        let (first, step) = (self.at_first() as f64, step.min(self.total));
        let (mut place, mut from) = (0.0, 0);
        let ends = self.former.iter().map(|former| (former.until, former.total));
        for (until, total) in ends.chain([(u64::MAX, self.total)]) {
            let (done, left) = (step.min(until) - from, total.saturating_sub(from).max(1));
            place += (first - place) * done as f64 / left as f64;
            if step <= until {
                break;
            }
            from = until;
        }
        place
    }
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
        let mut length = RunLength {
            total,
            warmup: 0,
            queue_start: start.saturating_mul(steps_per_epoch),
            former: self.former_steps.0.clone(),
        };
        let first = length.at_first();
        length.warmup = ((share * first as f64).round() as u64).min(first);
        length
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
    fn a_run_of_another_length_goes_on_from_where_it_was_and_comes_to_its_end() {
        let plain = RunLength { total: 100, ..RunLength::default() };
        for (step, place) in [(0, 0.0), (1, 1.0), (55, 55.0), (99, 99.0), (100, 100.0), (200, 100.0)] {
            assert_eq!(plain.place(step), place);
        }
        // 60 steps at the usual pace, the other 40 in 20.
        let short = RunLength { total: 80, former: vec![Former { total: 100, until: 60 }], ..plain.clone() };
        assert!((0..=60).all(|step| short.place(step) == plain.place(step)));
        for (step, place) in [(61, 62.0), (70, 80.0), (80, 100.0), (200, 100.0)] {
            assert!((short.place(step) - place).abs() < 1e-9, "{step}: {}", short.place(step));
        }
        // Twice: 20, then the other 80 in 40, of which only half are made before the rest is spread over 80.
        let former = vec![Former { total: 100, until: 20 }, Former { total: 60, until: 40 }];
        let twice = RunLength { total: 120, former, ..plain };
        assert_eq!(twice.at_first(), 100);
        for (step, place) in [(20, 20.0), (30, 40.0), (40, 60.0), (80, 80.0), (120, 100.0)] {
            assert!((twice.place(step) - place).abs() < 1e-9, "{step}: {}", twice.place(step));
        }
        let places: Vec<f64> = (0..=120).map(|step| twice.place(step)).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
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
