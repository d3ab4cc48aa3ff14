//! How long a run will take, by a few of its own steps and looks; and how many steps fit into a time.
//!
//! The network that is measured is thrown away: a run begins as if nothing had been measured.

use super::crops::{self, choose};
use super::run::{PlanFigures, figures};
use super::setup::{known, loader_spec};
use crate::config::{Augmenter, Config};
use crate::data::Loader;
use crate::data::configured::{self, settle_channels};
use crate::error::{Error, Result};
use crate::gpu;
use crate::judge::run::{Judge, LookTimes};
use crate::measure::{Extent, Work};
use crate::method::{Trainer, picture_room};
use crate::pass::{self, Watch};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a person reads while it is measured.
const MEASURING: (&str, &str) = ("measuring a few steps", "steps");
/// Steps that are timed, at least, and the seconds after which there are enough of them.
const STEPS: usize = 3;
const SECONDS: f64 = 2.5;
/// Steps at most, where they are short.
const MOST: usize = 200;
/// The share of a time that a run is fitted into: measuring for seconds is not exact.
const FIT: f64 = 0.97;

/// What a run will take, in seconds on the machine as it was when it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// A step, with the decoding of its pictures as far as the device has to wait for it.
    pub step_s: f64,
    /// A step whose crops are there already.
    pub device_s: f64,
    /// Pictures of a step.
    pub batch: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Steps of the run.
    pub steps: u64,
    /// What comes before the first step: opening, compiling, raw pixels and the untrained network.
    pub before_s: f64,
    /// What the method does before each epoch (clusters of all pictures).
    pub epoch_s: f64,
    /// An evaluation.
    pub look_s: f64,
    /// Steps from one evaluation to the next, 0 for none but the last.
    pub look_every: u64,
    /// The gallery at the end.
    pub gallery_s: f64,
    /// Floating-point operations of a step.
    pub flop: u64,
}

impl Forecast {
    /// Pictures that are trained on in a second.
    #[must_use]
    pub fn images_per_s(&self) -> f64 {
        self.batch as f64 / self.step_s
    }

    /// Evaluations of a run of so many steps, the last included.
    #[must_use]
    pub fn looks(&self, steps: u64) -> u64 {
        if self.look_every == 0 { 1 } else { steps.div_ceil(self.look_every).max(1) }
    }

    /// Seconds of a run of so many steps, from its start to its summary.
    #[must_use]
    pub fn seconds(&self, steps: u64) -> f64 {
        let epochs = steps.div_ceil(self.steps_per_epoch.max(1));
        self.before_s
            + steps as f64 * self.step_s
            + epochs as f64 * self.epoch_s
            + self.looks(steps) as f64 * self.look_s
            + self.gallery_s
    }

    /// The most steps whose run takes no more than so many seconds; 0 where there is no time for one.
    #[must_use]
    pub fn steps_within(&self, seconds: f64) -> u64 {
        // Seconds rise with steps, so that halving finds the place.
        let (mut fits, mut beyond) = (0, (seconds / self.step_s).max(0.0) as u64 + 1);
        while beyond - fits > 1 {
            let middle = fits + (beyond - fits) / 2;
            if self.seconds(middle) <= seconds { fits = middle } else { beyond = middle }
        }
        fits
    }
}

/// What a run with these settings would cost and take. Some steps are trained and some pictures looked at, and nothing
/// is kept; `watch` is told.
///
/// # Errors
/// What a run would be refused for; [`Error::Stopped`] where `watch` says so.
pub fn forecast(config: &Config, watch: &mut Watch<'_>) -> Result<(PlanFigures, Forecast)> {
    let start = Instant::now();
    let mut config = config.clone();
    config.validate()?;
    let dataset = Arc::new(configured::open(&config, watch)?);
    settle_channels(&mut config);
    let mut spec = loader_spec(&config, (0, 0));
    spec.check(&dataset)?;
    let gpu = gpu::open(&config)?;
    config.augment = choose(&config, &spec, &dataset, &gpu)?.0;
    if config.augment == Augmenter::Gpu {
        spec.pack = Some(picture_room(gpu.facts(), &config) as usize);
    }
    let known = known(&config, &dataset);
    let mut trainer = Trainer::knowing(&gpu, &config, &known)?;
    let steps_per_epoch = (dataset.pretrain().len() / config.batch.max(1)) as u64;
    let length = config.length(steps_per_epoch);
    trainer.set_length(&length);
    let mut loader = Loader::new(Arc::clone(&dataset), spec)?;
    let opened = start.elapsed().as_secs_f64();
    let (first_s, step_s, device_s) = pass::run(MEASURING, 0, watch, |pass| {
        let mut step = |trainer: &mut Trainer| {
            pass.check()?;
            let batch = loader.next()?;
            trainer.step(crops::batch(&batch), config.lr)?;
            pass.advance(1)?;
            Ok(batch)
        };
        let start = Instant::now();
        let batch = step(&mut trainer)?;
        trainer.flush()?;
        let first = start.elapsed();
        // One more fills the loader and lets the driver settle.
        step(&mut trainer)?;
        trainer.flush()?;
        let whole = paced(&mut trainer, |trainer| step(trainer).map(drop))?;
        let device = paced(&mut trainer, |trainer| {
            pass.check()?;
            trainer.step(crops::batch(&batch), config.lr).map(drop)
        })?;
        Ok((first.as_secs_f64(), whole.max(device), device))
    })?;
    let mut judge = Judge::new(Arc::clone(&dataset), &config);
    let LookTimes { network, pixels, gallery } = judge.times(&mut trainer, watch)?;
    let work = Work::of(&config, &Extent { pictures: known.epoch, classes: known.classes });
    // What methods do beside the steps is as fast as these, operation by operation.
    let of_step = |flop: u64| step_s * flop as f64 / work.step.max(1) as f64;
    let forecast = Forecast {
        step_s,
        device_s,
        batch: config.batch,
        steps_per_epoch,
        steps: length.total,
        before_s: opened + (first_s - step_s).max(0.0) + network + pixels + of_step(work.first),
        epoch_s: of_step(work.epoch),
        look_s: network,
        look_every: config.eval_every.saturating_mul(steps_per_epoch),
        gallery_s: gallery,
        flop: work.step,
    };
    Ok((figures(&trainer, &gpu), forecast))
}

/// Seconds of a step, over enough of them.
fn paced(trainer: &mut Trainer, mut step: impl FnMut(&mut Trainer) -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    let mut steps = 0;
    while steps < STEPS || (start.elapsed().as_secs_f64() < SECONDS && steps < MOST) {
        step(trainer)?;
        steps += 1;
    }
    trainer.flush()?;
    Ok(start.elapsed().as_secs_f64() / steps as f64)
}

/// The settings with as many steps as fit into `budget`, of which `spent` is over; and what to say.
pub(super) fn fit(
    config: &Config,
    budget: Duration,
    watch: &mut Watch<'_>,
) -> Result<(Config, Forecast, String)> {
    let start = Instant::now();
    let (_, forecast) = forecast(config, watch)?;
    let left = FIT * (budget.as_secs_f64() - start.elapsed().as_secs_f64());
    let steps = forecast.steps_within(left);
    if steps == 0 {
        let needed = forecast.seconds(1) / FIT + start.elapsed().as_secs_f64();
        let reason = format!(
            "there is no time for a single step: opening, compiling and looking at the pictures take {:.0} s here, and \
             a step {:.1} s; allow more than {:.0} s, or take a smaller network or batch",
            needed - forecast.step_s,
            forecast.step_s,
            needed.ceil()
        );
        return Err(Error::config("for", reason));
    }
    let epochs = steps as f64 / forecast.steps_per_epoch.max(1) as f64;
    let said = format!(
        "{steps} steps of {:.2} s ({epochs:.1} epochs) fit into the time, with {} evaluations.",
        forecast.step_s,
        forecast.looks(steps)
    );
    Ok((Config { steps: Some(steps), ..config.clone() }, forecast, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_steps_as_fit_and_no_more() {
        let forecast = Forecast {
            step_s: 0.5,
            device_s: 0.4,
            batch: 64,
            steps_per_epoch: 10,
            steps: 100,
            before_s: 7.0,
            epoch_s: 0.25,
            look_s: 3.0,
            look_every: 20,
            gallery_s: 2.0,
            flop: 1,
        };
        // 50 s of steps, 10 epochs, 5 evaluations.
        assert_eq!(forecast.seconds(100), 7.0 + 50.0 + 2.5 + 15.0 + 2.0);
        assert_eq!(forecast.images_per_s(), 128.0);
        for seconds in [0.0, 7.0, 12.74, 12.75, 13.0, 30.0, 76.5, 1000.0] {
            let steps = forecast.steps_within(seconds);
            assert!(steps == 0 || forecast.seconds(steps) <= seconds, "{seconds}: {steps}");
            assert!(forecast.seconds(steps + 1) > seconds, "{seconds}: {steps}");
        }
        assert_eq!(forecast.steps_within(76.5), 100);
    }
}
