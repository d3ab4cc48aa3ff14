//! Whether a run that is to take a given time keeps to it, and how many steps it gets where it would not.
//!
//! A run is forecast from a few seconds of measuring, and a machine that is shared or grows warm does not stay as it was. So the
//! run looks at its own pace and, where it would end early or late, gets more or fewer steps: what is left of its schedule
//! is spread over them. Its settings say when it did (`former_steps`), so that it remains the same run for whoever makes
//! it again.

use super::budget::Budget;
use super::forecast::{Forecast, most_steps};
use crate::config::{Value, whole_seconds};
use std::time::Duration;

/// A run stays as it is while it will end within this share of its time from when it should. Half of the tenth that people are
/// promised: the forecast of what is left cannot be exact either.
const NEAR: f64 = 0.05;
/// A run is judged by its pace over this share of its time, and over so many seconds at least, and is left alone for as long
/// after it was given another length: a machine wavers from second to second.
const LATELY: f64 = 0.1;
const LATELY_LEAST: f64 = 15.0;
/// So much of what was planned is left of a run for which there is no time any more, so that its learning rate falls to its end
/// all the same.
const LEAST: f64 = 0.01;
/// A run that has no more than this share of its steps left is not given more: there is too little left of its learning rate
/// to be worth them.
const TAIL: f64 = 0.1;
/// A machine whose pace differs by less than this share is not spoken of as faster or slower.
const ALIKE: f64 = 0.05;

/// A run that has been given as many steps as fit its time.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    budget: Budget,
    forecast: Forecast,
    /// What was changed of the recipe so that it suits the time.
    suited: Vec<String>,
    /// Seconds of steps lately, and what the forecast says of the same steps: those of a while ago count less and less.
    lately: [f64; 2],
    /// Steps that were taken in.
    seen: u64,
    /// Seconds of steps since the run began or got another length.
    watched: f64,
}

/// Another length of a run, and why.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resized {
    pub(super) total_steps: u64,
    pub(super) text: String,
}

impl Keeping {
    pub(super) fn new(budget: Budget, forecast: Forecast, suited: Vec<String>) -> Self {
        Self { budget, forecast, suited, lately: [0.0; 2], seen: 0, watched: 0.0 }
    }

    /// What was decided, and from what.
    pub(super) fn sentence(&self) -> String {
        let Forecast { total_steps, rhythm, step, .. } = &self.forecast;
        let epochs = *total_steps as f64 / rhythm.epoch.max(1) as f64;
        let how = if self.forecast.measured { "" } else { " by its operations, too long to be measured" };
        let unseen =
            if *total_steps < rhythm.epoch { ", so that some pictures are never trained on" } else { "" };
        format!(
            "{} {}: {epochs:.1} epochs{unseen}. A step takes {:.3} s{how}; judging the network, checkpoints and the gallery take \
             {} in all.{}",
            if *total_steps == 1 { "1 step fits".to_owned() } else { format!("{total_steps} steps fit") },
            self.budget.time.show(),
            step.later(),
            whole_seconds(self.forecast.beside(0, *total_steps)),
            match self.suited.as_slice() {
                [] => String::new(),
                suited => format!(" To suit that, the network {}.", suited.join(" and ")),
            }
        )
    }

    /// Whether its time has room for judging by all pictures at the end.
    pub(super) fn has_room_for_all(&self) -> bool {
        self.forecast.last(self.forecast.total_steps) > 0.0
    }

    /// Takes in that steps came at this pace for so many seconds. `submitted` steps are done or under way, and the
    /// caller has had the word for `away`, which does not count. Gives another length where the run would miss its time.
    pub(super) fn observe(
        &mut self,
        submitted: u64,
        steps_per_s: f64,
        seconds: f64,
        away: Duration,
    ) -> Option<Resized> {
        let elapsed = self.budget.since.elapsed().saturating_sub(away).as_secs_f64();
        self.judge(submitted, steps_per_s, seconds, elapsed)
    }

    fn judge(&mut self, submitted: u64, steps_per_s: f64, seconds: f64, elapsed: f64) -> Option<Resized> {
        if !(steps_per_s > 0.0 && steps_per_s.is_finite() && submitted > self.seen) {
            return None;
        }
        let time = self.budget.time.as_secs_f64();
        let window = (LATELY * time).max(LATELY_LEAST);
        let forecast = self.forecast.going_on(self.seen, submitted);
        let took = (submitted - self.seen) as f64 / steps_per_s;
        self.seen = submitted;
        let faded = (-seconds / window).exp();
        self.lately = [self.lately[0] * faded + took, self.lately[1] * faded + forecast];
        self.watched += seconds;
        let total = self.forecast.total_steps;
        if self.watched < window || submitted >= total {
            return None;
        }
        let slowness = self.lately[0] / self.lately[1].max(1e-9);
        let ends = |total: u64| elapsed + slowness * self.left(submitted, total);
        let before = ends(total);
        if (before / time - 1.0).abs() <= NEAR {
            return None;
        }
        let least = submitted + ((LEAST * total as f64) as u64).max(1);
        let fits = most_steps(submitted, |total| ends(total) <= time).max(least);
        let in_tail = ((total - submitted) as f64) < TAIL * total as f64;
        if fits == total || (fits > total && in_tail) {
            return None;
        }
        let text = self.told(slowness, fits, [before, ends(fits)]);
        (self.forecast.total_steps, self.watched) = (fits, 0.0);
        Some(Resized { total_steps: fits, text })
    }

    /// Seconds that are left of a run of `total` steps after step `done`, at the speed of the forecast.
    fn left(&self, done: u64, total: u64) -> f64 {
        self.forecast.going_on(done, total) + self.forecast.beside(done, total)
    }

    fn told(&self, slowness: f64, fits: u64, [before, after]: [f64; 2]) -> String {
        let (total, time) = (self.forecast.total_steps, self.budget.time);
        let why = match slowness {
            slow if slow > 1.0 + ALIKE => {
                format!("Steps take {slow:.2} times as long as when they were measured. ")
            }
            fast if fast < 1.0 - ALIKE => format!("Steps take {fast:.2} of the time that was measured. "),
            _ => String::new(),
        };
        let late = after > (1.0 + NEAR) * time.as_secs_f64();
        let end = match late {
            true => format!("ends as soon as its schedule can be complete, after {}", whole_seconds(after)),
            false => "ends in time with its schedule complete".to_owned(),
        };
        format!(
            "{why}This run would have taken {} in place of {}: it gets {fits} steps in place of {total}, so that it {end}.",
            whole_seconds(before),
            time.show()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::forecast::tests::forecast;
    use std::time::Instant;

    fn keeping(seconds: f64) -> Keeping {
        let forecast = forecast();
        let total_steps = forecast.steps_within(seconds);
        let budget = Budget { time: Duration::from_secs_f64(seconds), since: Instant::now() };
        let forecast = Forecast { total_steps, ..forecast };
        Keeping::new(budget, forecast, Vec::new())
    }

    #[test]
    fn a_run_of_less_than_an_epoch_says_that_it_leaves_pictures_out() {
        let epoch = forecast().rhythm.epoch;
        let said = |total_steps: u64| {
            let budget = Budget { time: Duration::from_secs(60), since: Instant::now() };
            Keeping::new(budget, Forecast { total_steps, ..forecast() }, Vec::new()).sentence()
        };
        let short = said(epoch - 1);
        assert!(short.contains(" epochs, so that some pictures are never trained on."), "{short}");
        for enough in [epoch, 5 * epoch] {
            assert!(!said(enough).contains("never"), "{}", said(enough));
        }
    }

    /// Makes the run on a machine that is `slowness(elapsed)` times as slow as the forecast says; gives when it ended and what
    /// was said.
    fn made(run: &mut Keeping, slowness: impl Fn(f64) -> f64) -> (f64, Vec<Resized>) {
        let (mut step, mut said) = (0, Vec::new());
        let mut elapsed = run.forecast.first_looks;
        while step < run.forecast.total_steps {
            // Everything beside the steps comes on its way, the gallery at the end.
            let Forecast { total_steps, gallery, .. } = run.forecast;
            let beside = |step| {
                run.forecast.beside(step, total_steps)
                    - if step == 0 { run.forecast.first_looks } else { 0.0 }
            };
            let took = slowness(elapsed) * run.forecast.going_on(step, step + 1);
            let others =
                if step + 1 < total_steps { beside(step) - beside(step + 1) } else { beside(step) - gallery };
            step += 1;
            said.extend(run.judge(step, 1.0 / took, took, elapsed + took));
            elapsed += took + slowness(elapsed) * others.max(0.0);
        }
        (elapsed + slowness(elapsed) * run.forecast.gallery, said)
    }

    #[test]
    fn a_run_that_keeps_its_pace_is_left_alone() {
        let mut run = keeping(300.0);
        let total = run.forecast.total_steps;
        let (ended, said) = made(&mut run, |_| 1.0);
        assert_eq!(said, []);
        assert!((285.0..=300.0).contains(&ended), "{ended}");
        assert!(run.sentence().starts_with(&format!("{total} steps fit 5m: ")), "{}", run.sentence());
    }

    #[test]
    fn all_pictures_are_judged_where_that_was_counted() {
        let mut run = keeping(300.0);
        assert!(!run.has_room_for_all(), "evaluations look at all anyway");
        for (seconds, has_room) in [(10.0, true), (60.0, false)] {
            run.forecast.whole = seconds;
            assert_eq!(run.has_room_for_all(), has_room, "{seconds}");
        }
    }

    #[test]
    fn a_run_keeps_its_time_on_a_machine_that_becomes_slower_or_faster() {
        for seconds in [300.0, 3000.0] {
            for (from, slowness) in
                [(0.0, 1.3), (0.0, 2.0), (0.0, 0.6), (0.3, 2.0), (0.5, 2.0), (0.5, 0.4), (0.3, 10.0)]
            {
                let mut run = keeping(seconds);
                let planned = run.forecast.total_steps;
                let (ended, said) =
                    made(&mut run, |elapsed| if elapsed < from * seconds { 1.0 } else { slowness });
                assert!((ended / seconds - 1.0).abs() < 0.1, "{slowness} from {from}: {ended} of {seconds}");
                assert!((1..=6).contains(&said.len()), "{slowness} from {from}: {said:?}");
                assert_eq!(run.forecast.total_steps < planned, slowness > 1.0);
                let first = &said[0].text;
                let word = if slowness > 1.0 { "times as long" } else { "of the time that was measured" };
                assert!(first.contains(word) && first.contains(&format!("in place of {planned}")), "{first}");
            }
        }
    }

    #[test]
    fn a_run_for_which_there_is_no_time_left_ends_soon_and_says_so() {
        let mut run = keeping(300.0);
        let planned = run.forecast.total_steps;
        // Nothing was heard of it for an hour: the machine slept.
        let resized = (1..).find_map(|step| run.judge(step, 1.0, 1.0, 3600.0)).unwrap();
        assert!(resized.total_steps < planned / 4, "{resized:?}");
        assert!(resized.text.contains("as soon as its schedule can be complete"), "{resized:?}");
    }

    #[test]
    fn a_run_that_is_nearly_over_gets_no_more_steps_but_fewer() {
        let late = |slowness: f64| {
            let mut run = keeping(3000.0);
            let total = run.forecast.total_steps;
            let step = total - total / 12;
            let took = slowness * run.forecast.going_on(0, step);
            // So long since the last look that only this pace counts.
            run.judge(step, step as f64 / took, 1e4, if slowness < 1.0 { 1000.0 } else { 2900.0 })
        };
        assert_eq!(late(0.5), None);
        assert!(late(3.0).is_some());
    }

    #[test]
    fn a_machine_that_wavers_does_not_change_a_run_back_and_forth() {
        let mut run = keeping(300.0);
        // From second to second a third faster or slower.
        let (ended, said) = made(&mut run, |elapsed| 1.0 + (elapsed * 0.8).sin() / 3.0);
        assert!(said.len() <= 2, "{said:?}");
        assert!((ended / 300.0 - 1.0).abs() < 0.1, "{ended}");
    }
}
