//! How long training took, and how much of it was waiting.

use std::time::{Duration, Instant};

/// Training time, with evaluation, checkpoints and the caller's own time left out.
pub(super) struct Clock {
    /// Seconds of earlier sittings.
    before: f64,
    start: Instant,
    left_out: Duration,
    /// Seconds, step and waiting time at the last lap.
    lap: (f64, u64, Duration),
}

impl Clock {
    pub(super) fn new(before: f64, step: u64) -> Self {
        let (start, left_out) = (Instant::now(), Duration::ZERO);
        Self { before, start, left_out, lap: (before, step, Duration::ZERO) }
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

    /// Steps a second and the share of waiting since the last lap.
    pub(super) fn lap(&mut self, step: u64, waited: Duration) -> (f64, f64) {
        let now = (self.seconds(), step, waited);
        let last = std::mem::replace(&mut self.lap, now);
        let seconds = (now.0 - last.0).max(1e-9);
        let waiting = waited.saturating_sub(last.2).as_secs_f64();
        (step.saturating_sub(last.1) as f64 / seconds, (waiting / seconds).clamp(0.0, 1.0))
    }
}
