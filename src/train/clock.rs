//! How long training took, and how much of it was waiting.

use std::time::{Duration, Instant};

/// Training time, with evaluation, checkpoints and the caller's own time left out.
pub(super) struct Clock {
    /// Seconds of earlier sittings.
    before: f64,
    start: Instant,
    left_out: Duration,
    /// Seconds, submitted steps and waiting time at the last lap.
    lap: (f64, u64, Duration),
    /// What the last lap gave.
    pace: (f64, f64),
}

impl Clock {
    pub(super) fn new(before: f64, step: u64) -> Self {
        let (start, left_out) = (Instant::now(), Duration::ZERO);
        Self { before, start, left_out, lap: (before, step, Duration::ZERO), pace: (0.0, 0.0) }
    }

    /// Begins to count now.
    pub(super) fn restart(&mut self, waited: Duration) {
        *self = Self::new(self.before, self.lap.1);
        self.lap.2 = waited;
    }

    pub(super) fn leave_out(&mut self, time: Duration) {
        self.left_out += time;
    }

    pub(super) fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().saturating_sub(self.left_out).as_secs_f64()
    }

    /// Seconds of training up to the last lap.
    pub(super) fn seconds_at_lap(&self) -> f64 {
        self.lap.0
    }

    /// Steps a second and the share of waiting since the last lap. `submitted` counts the steps that
    /// the device was given, not those that it has reported: the report of the last one before an
    /// evaluation or a checkpoint comes at once after the one before, and would look like a sprint.
    pub(super) fn lap(&mut self, submitted: u64, waited: Duration) -> (f64, f64) {
        let (seconds, step, before) = self.lap;
        let steps = submitted.saturating_sub(step);
        if steps == 0 {
            return self.pace;
        }
        self.lap = (self.seconds(), submitted, waited);
        let seconds = (self.lap.0 - seconds).max(1e-9);
        let waiting = waited.saturating_sub(before).as_secs_f64();
        self.pace = (steps as f64 / seconds, (waiting / seconds).clamp(0.0, 1.0));
        self.pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_without_a_new_step_keeps_the_pace() {
        let mut clock = Clock::new(0.0, 5);
        clock.restart(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(20));
        let pace = clock.lap(7, Duration::from_millis(5));
        assert!(pace.0 > 0.0 && pace.0 <= 100.0 && pace.1 > 0.0 && pace.1 <= 0.25, "{pace:?}");
        assert_eq!(clock.lap(7, Duration::from_secs(1)), pace);
        std::thread::sleep(Duration::from_millis(20));
        assert!(clock.lap(8, Duration::from_millis(5)).0 <= 50.0);
    }
}
