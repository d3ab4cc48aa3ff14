//! How long a run takes, from what a few of its steps took.
//!
//! Everything that a run spends time on is counted: opening, the first looks, the steps of the first epoch, which decode
//! every picture, those of the later ones, for which decoded pictures are kept, evaluations, checkpoints, and the gallery
//! at the end. So the same figures answer both questions: how long so many steps take, and how many fit a given time.

/// What was measured before a run. Times are in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// From the beginning until the run could begin: listing and measuring the pictures, compiling kernels.
    pub opening: f64,
    /// Judging raw pixels and the untrained network before the first step, and the first look at all pictures of a
    /// method that wants one.
    pub first_looks: f64,
    /// What the very first step takes beyond a usual one: drivers compile in it.
    pub first_step: f64,
    /// A step.
    pub step: StepTimes,
    /// Whether steps were measured. Where one takes many seconds, its time follows from its operations and the speed of
    /// looking at a few pictures.
    pub measured: bool,
    /// What a method does at the beginning of each epoch.
    pub epoch: f64,
    /// An evaluation of the network.
    pub evaluation: f64,
    /// A checkpoint.
    pub checkpoint: f64,
    /// The gallery at the end.
    pub gallery: f64,
    /// Judging by all pictures at the end, where evaluations look at a sample.
    pub whole: f64,
    /// Pictures in a step.
    pub batch: usize,
    /// Floating-point operations of a step.
    pub flop: u64,
    /// Whether matrix units make the products.
    pub matrix_units: bool,
    /// How often things happen.
    pub rhythm: Rhythm,
    /// Steps of the whole run by its settings.
    pub total_steps: u64,
    /// Steps that are done already, of a run that goes on.
    pub done: u64,
    /// What measuring all this took.
    pub measuring: f64,
}

/// What a step takes, in seconds, by where its pictures come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTimes {
    /// With crops that are there already: what the device needs.
    pub device: f64,
    /// With pictures that are decoded for it, as all are in the first epoch.
    pub decoding: f64,
    /// With pictures that are kept decoded.
    pub kept: f64,
    /// The share of the pictures for which there is room to be kept (`cache`).
    pub share: f64,
}

impl StepTimes {
    /// After the first epoch.
    #[must_use]
    pub fn later(&self) -> f64 {
        self.share * self.kept + (1.0 - self.share) * self.decoding
    }
}

/// Periods in steps; 0 where something never happens on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// Steps of an epoch.
    pub epoch: u64,
    /// Steps from one evaluation to the next.
    pub evaluation: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint: u64,
}

impl Rhythm {
    /// Evaluations after step `from` and up to step `to`, which is the last: one comes at the end in any case.
    #[must_use]
    pub fn evaluations(&self, from: u64, to: u64) -> u64 {
        times(self.evaluation, from, to)
    }

    /// Checkpoints likewise.
    #[must_use]
    pub fn checkpoints(&self, from: u64, to: u64) -> u64 {
        times(self.checkpoint, from, to)
    }
}

/// How often something happens after step `from` and up to step `to`: at every multiple of `period`, and at the end.
fn times(period: u64, from: u64, to: u64) -> u64 {
    if to <= from {
        return 0;
    }
    let passed = |steps: u64| steps.checked_div(period).unwrap_or(0);
    let at_the_end = period > 0 && to.is_multiple_of(period);
    passed(to).saturating_sub(passed(from)) + u64::from(!at_the_end)
}

impl Forecast {
    /// Seconds of the steps alone of a run that begins after step `from` and ends at step `to`. Wherever it begins, nothing is
    /// kept decoded yet.
    #[must_use]
    pub fn steps(&self, from: u64, to: u64) -> f64 {
        let all = to.saturating_sub(from);
        let (first, all) = (all.min(self.rhythm.epoch) as f64, all as f64);
        let begins = self.first_step * f64::from(u8::from(all > 0.0));
        begins + first * self.step.decoding + (all - first) * self.step.later()
    }

    /// Seconds of the steps alone from step `from` to step `to` of a run that is under way, and has kept decoded what there is
    /// room for.
    #[must_use]
    pub fn going_on(&self, from: u64, to: u64) -> f64 {
        let first = to.min(self.rhythm.epoch).saturating_sub(from);
        let later = to.saturating_sub(from) - first;
        first as f64 * self.step.decoding + later as f64 * self.step.later()
    }

    /// Seconds of all that a run does beside its steps after step `from`, up to its end at step `to`.
    #[must_use]
    pub fn beside(&self, from: u64, to: u64) -> f64 {
        let evaluations = self.rhythm.evaluations(from, to) as f64 * self.evaluation;
        let checkpoints = self.rhythm.checkpoints(from, to) as f64 * self.checkpoint;
        let length = self.rhythm.epoch.max(1);
        let epochs = to.div_ceil(length).saturating_sub(from.div_ceil(length)) as f64 * self.epoch;
        let looks = if from == 0 { self.first_looks } else { 0.0 };
        looks + evaluations + checkpoints + epochs + self.gallery + self.last(to)
    }

    /// Seconds of judging by all pictures after a run of `total` steps; 0 where that is not done.
    #[must_use]
    pub fn last(&self, total: u64) -> f64 {
        if is_worth(self.whole, self.going_on(0, total)) { self.whole } else { 0.0 }
    }

    /// Seconds from the first look to the end of a run of `total` steps, of which `done` are done.
    #[must_use]
    pub fn seconds(&self, total: u64) -> f64 {
        self.steps(self.done, total) + self.beside(self.done, total)
    }

    /// Seconds of an epoch's steps, once pictures are kept.
    #[must_use]
    pub fn epoch_seconds(&self) -> f64 {
        self.rhythm.epoch as f64 * self.step.later() + self.epoch
    }

    /// Pictures a second in the steps, once pictures are kept.
    #[must_use]
    pub fn images_per_s(&self) -> f64 {
        self.batch as f64 / self.step.later().max(1e-9)
    }

    /// 10⁹ operations a second in the device's own steps.
    #[must_use]
    pub fn gflop_per_s(&self) -> f64 {
        self.flop as f64 * 1e-9 / self.step.device.max(1e-9)
    }

    /// How many times rarer evaluations, and checkpoints, must be than they are in a run of `total` steps, so that either
    /// take no more than a fifth of the time of the steps between them. A few of them there are in any case.
    #[must_use]
    pub fn rarer(&self, total: u64) -> [u64; 2] {
        let times = |each: f64, period: u64| {
            let between = period as f64 * self.step.later();
            let few_enough = total.checked_div(FEW * period).unwrap_or(0);
            if between > 0.0 {
                ((each / (MOST_LOOKING * between)).ceil() as u64).min(few_enough).max(1)
            } else {
                1
            }
        };
        [times(self.evaluation, self.rhythm.evaluation), times(self.checkpoint, self.rhythm.checkpoint)]
    }

    /// The most steps of a run that takes no more than `seconds` from its first look on; 0 where not even one fits.
    #[must_use]
    pub fn steps_within(&self, seconds: f64) -> u64 {
        most_steps(0, |total| self.seconds(total) <= seconds)
    }
}

/// Whether a run whose steps took so many seconds ends with judging by all pictures.
pub(super) fn is_worth(judging: f64, steps: f64) -> bool {
    judging <= MOST_AT_THE_END * steps
}

/// The most steps after step `done` that a run can have so that it `fits`; `done` where not even one does.
pub(super) fn most_steps(done: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut within, mut beyond) = (0, 1);
    while fits(done + beyond) && beyond < MOST {
        (within, beyond) = (beyond, 2 * beyond);
    }
    while beyond - within > 1 {
        let middle = within + (beyond - within) / 2;
        if fits(done + middle) { within = middle } else { beyond = middle }
    }
    done + within
}

/// The time of an evaluation beside that of the steps before it, at the most, of a run that is to take a given time.
const MOST_LOOKING: f64 = 0.2;
/// The time of judging by all pictures at the end of a run beside that of its steps, at the most.
const MOST_AT_THE_END: f64 = 0.1;
/// So many evaluations such a run has all the same.
const FEW: u64 = 4;

/// More steps than any run has.
const MOST: u64 = 1 << 40;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Ten steps an epoch, evaluated every three epochs.
    pub(crate) fn forecast() -> Forecast {
        Forecast {
            opening: 4.0,
            first_looks: 6.0,
            first_step: 2.0,
            step: StepTimes { device: 0.8, decoding: 2.0, kept: 1.0, share: 0.5 },
            measured: true,
            epoch: 0.25,
            evaluation: 5.0,
            checkpoint: 0.5,
            gallery: 3.0,
            whole: 0.0,
            batch: 8,
            flop: 4_000_000_000,
            matrix_units: false,
            rhythm: Rhythm { epoch: 10, evaluation: 30, checkpoint: 25 },
            total_steps: 100,
            done: 0,
            measuring: 10.0,
        }
    }

    #[test]
    fn a_run_is_the_sum_of_what_it_does() {
        let forecast = forecast();
        // 2 s once, ten steps of 2 s, ninety of 1.5 s.
        assert_eq!(forecast.steps(0, 100), 2.0 + 20.0 + 135.0);
        // Evaluations after 30, 60, 90 and at the end; checkpoints after 25, 50, 75 and 100; ten epochs; the gallery.
        assert_eq!(forecast.beside(0, 100), 6.0 + 4.0 * 5.0 + 4.0 * 0.5 + 10.0 * 0.25 + 3.0);
        assert_eq!(forecast.seconds(100), forecast.steps(0, 100) + forecast.beside(0, 100));
        // The last evaluation on the way is the one at the end.
        assert_eq!(forecast.rhythm.evaluations(0, 90), 3);
        assert_eq!((forecast.epoch_seconds(), forecast.gflop_per_s()), (15.25, 5.0));
        // What is left after step 40: no first look, but whoever goes on decodes every picture once more.
        assert_eq!(forecast.steps(40, 100), 2.0 + 20.0 + 75.0);
        assert_eq!(forecast.steps(95, 100), 2.0 + 10.0);
        // A run that is under way has decoded them.
        assert_eq!([forecast.going_on(40, 100), forecast.going_on(4, 12)], [90.0, 12.0 + 3.0]);
        assert_eq!(forecast.beside(40, 100), 3.0 * 5.0 + 3.0 * 0.5 + 6.0 * 0.25 + 3.0);
        let never = Rhythm { evaluation: 0, checkpoint: 0, ..forecast.rhythm };
        assert_eq!((never.evaluations(0, 90), never.checkpoints(0, 90)), (1, 1));
        assert_eq!((forecast.rhythm.evaluations(100, 100), never.checkpoints(90, 90)), (0, 0));
    }

    #[test]
    fn all_pictures_are_judged_by_where_that_is_a_tenth_of_the_steps_at_most() {
        let forecast = Forecast { whole: 12.0, ..forecast() };
        assert_eq!([forecast.last(70), forecast.last(80)], [0.0, 12.0]);
        let without = Forecast { whole: 0.0, ..forecast.clone() };
        assert_eq!(forecast.seconds(70), without.seconds(70));
        assert_eq!(forecast.seconds(80), without.seconds(80) + 12.0);
        assert!(forecast.seconds(forecast.steps_within(200.0)) <= 200.0);
    }

    #[test]
    fn a_fast_machine_trains_more_than_it_judges() {
        // An evaluation of 5 s after 30 steps of 1.5 s, and a checkpoint of .5 s after 25.
        assert_eq!(forecast().rarer(100_000), [1, 1]);
        let step = StepTimes { device: 0.01, decoding: 0.01, kept: 0.01, share: 1.0 };
        let fast = Forecast { step, ..forecast() };
        assert_eq!(fast.rarer(100_000), [84, 10]);
        // A short run is judged a few times all the same, and one that never is stays so.
        assert_eq!(fast.rarer(1000), [8, 10]);
        assert_eq!(fast.rarer(100), [1, 1]);
        let never = Rhythm { evaluation: 0, checkpoint: 0, ..fast.rhythm };
        assert_eq!(Forecast { rhythm: never, ..fast }.rarer(100), [1, 1]);
    }

    #[test]
    fn the_steps_that_fit_a_time_are_the_most_that_do() {
        let forecast = forecast();
        for seconds in [20.0, 21.0, 60.0, 188.5, 1e4, 1e7] {
            let steps = forecast.steps_within(seconds);
            assert!(steps > 0 && forecast.seconds(steps) <= seconds, "{seconds}: {steps}");
            // A step that ends with the evaluation saves the one after it, so that one more may take less.
            let more = (1..=2).map(|more| forecast.seconds(steps + more)).fold(0.0, f64::max);
            assert!(more > seconds, "{seconds}: {steps}");
        }
        // Evaluations, the gallery and one step take more.
        assert_eq!(forecast.steps_within(15.0), 0);
        assert_eq!(Forecast { done: 0, ..forecast }.steps_within(0.0), 0);
    }
}
