//! Whether a run that is to take a given time keeps to it.

use super::budget::Budget;
use super::forecast::Forecast;
use crate::config::{Value, whole_seconds};

/// A run is called late when it will take so many times what it was given.
const LATE: f64 = 1.1;
/// And once more when it has become so many times as late as was said.
const WORSE: f64 = 1.5;
/// Seconds of steps before a run is judged by them.
const SETTLED: f64 = 5.0;
/// A run is judged by its pace over this share of its time, and over so many seconds at least: a machine that is shared or
/// grows warm wavers from second to second, and a run that is told late and in time by turns tells nothing.
const LATELY: f64 = 0.1;
const LATELY_LEAST: f64 = 15.0;

/// A run that has been given as many steps as fit its time.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    budget: Budget,
    forecast: Forecast,
    /// What was changed of the recipe so that it suits the time.
    suited: Vec<String>,
    /// Seconds and steps lately: those of a while ago count less and less.
    lately: [f64; 2],
    /// Seconds of steps so far.
    watched: f64,
    /// How late the run was when that was said last, as a multiple of its time.
    told: Option<f64>,
}

impl Keeping {
    pub(super) fn new(budget: Budget, forecast: Forecast, suited: Vec<String>) -> Self {
        Self { budget, forecast, suited, lately: [0.0; 2], watched: 0.0, told: None }
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

    /// Takes in that steps came at this pace for so many seconds, `step` of them being done; says so where the run will
    /// miss its time, or will not after all.
    pub(super) fn observe(&mut self, step: u64, steps_per_s: f64, seconds: f64) -> Option<String> {
        self.judge(step, steps_per_s, seconds, self.budget.since.elapsed().as_secs_f64())
    }

    fn judge(&mut self, step: u64, steps_per_s: f64, seconds: f64, elapsed: f64) -> Option<String> {
        if !(steps_per_s > 0.0 && steps_per_s.is_finite()) {
            return None;
        }
        let (total, time) = (self.forecast.total_steps, self.budget.time.as_secs_f64());
        let faded = (-seconds / (LATELY * time).max(LATELY_LEAST)).exp();
        self.lately = [self.lately[0] * faded + seconds, self.lately[1] * faded + seconds * steps_per_s];
        self.watched += seconds;
        if self.watched < SETTLED || step >= total {
            return None;
        }
        let pace = self.lately[0] / self.lately[1];
        let left = total.saturating_sub(step) as f64 * pace + self.forecast.beside(step, total);
        let late = (elapsed + left) / time;
        match self.told {
            None if late > LATE => {}
            Some(told) if late > WORSE * told => {}
            Some(_) if late < 1.0 => {
                self.told = None;
                return Some(format!(
                    "This run is in time again: it will end after {}.",
                    whole_seconds(elapsed + left)
                ));
            }
            _ => return None,
        }
        self.told = Some(late);
        let measured = self.forecast.step.later();
        let why = if pace > LATE * measured {
            format!(": a step takes {pace:.3} s, and took {measured:.3} s when it was measured")
        } else {
            String::new()
        };
        Some(format!(
            "This run will take {} in place of {}{why}. It goes on to step {total}, so that its schedule is complete; stopping it \
             keeps a checkpoint.",
            whole_seconds(elapsed + left),
            self.budget.time.show()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::forecast::tests::forecast;
    use std::time::{Duration, Instant};

    fn keeping(seconds: f64) -> Keeping {
        let forecast = forecast();
        let total_steps = forecast.steps_within(seconds);
        let budget = Budget { time: Duration::from_secs_f64(seconds), since: Instant::now() };
        let forecast = Forecast { total_steps, ..forecast };
        Keeping::new(budget, forecast, Vec::new())
    }

    #[test]
    fn a_run_that_keeps_its_pace_is_not_spoken_of() {
        let mut run = keeping(300.0);
        let total = run.forecast.total_steps;
        for step in (10..total).step_by(10) {
            let elapsed = run.forecast.seconds(total) - run.forecast.steps(step, total) + 2.0
                - run.forecast.beside(step, total);
            assert_eq!(run.judge(step, 1.0 / 1.5, 15.0, elapsed), None, "{step}");
        }
        assert!(run.sentence().starts_with(&format!("{total} steps fit 5m: ")), "{}", run.sentence());
    }

    #[test]
    fn a_machine_that_slows_to_a_tenth_is_noticed_early_and_not_in_every_report() {
        let mut run = keeping(300.0);
        let total = run.forecast.total_steps;
        assert_eq!(run.judge(10, 1.0 / 1.5, 15.0, 30.0), None);
        let said: Vec<String> =
            (11..40).filter_map(|step| run.judge(step, 1.0 / 15.0, 15.0, 15.0 * step as f64)).collect();
        assert!((1..=4).contains(&said.len()), "{said:?}");
        assert!(
            said[0].contains("in place of 5m") && said[0].contains(&format!("to step {total}")),
            "{said:?}"
        );
        // Fast again, and so fast that it makes up for it.
        let said: Vec<String> = (40..60).filter_map(|step| run.judge(step, 1e3, 1.0, 60.0)).collect();
        assert!(said.len() == 1 && said[0].contains("in time again"), "{said:?}");
    }

    #[test]
    fn a_machine_that_wavers_is_not_called_late_and_in_time_by_turns() {
        let mut run = keeping(300.0);
        let total = run.forecast.total_steps;
        // A tenth slower than it was measured, and from second to second a third faster or slower than that.
        let slow = 1.1 * run.forecast.step.later();
        let (mut step, mut elapsed, mut said) = (0.0, 20.0_f64, Vec::new());
        while step < total as f64 {
            let pace = slow * (1.0 + (elapsed * 0.8).sin() / 3.0);
            step += 1.0 / pace;
            elapsed += 1.0;
            said.extend(run.judge(step as u64, 1.0 / pace, 1.0, elapsed));
        }
        assert!(said.len() <= 1, "{said:?}");
    }
}
