//! How often previews are made, by what they cost.

use std::time::{Duration, Instant};

/// Previews wait this many times what the last one took, so they take at most a hundredth of a run each.
const REST: f64 = 99.0;
/// A young run changes fast, and who began it watches: it waits less, at first this many times, and half of the full wait
/// when it is this old. So a run of five minutes gives them some 1.5 hundredths, and one of an hour little more than one.
const FIRST_REST: f64 = 24.0;
const YOUNG: Duration = Duration::from_secs(30);
/// However cheap they are, previews come at most four times a second.
const LEAST: Duration = Duration::from_millis(250);

/// Decides when the next preview may be made.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    looks: Option<Looks>,
}

/// When the first and the last preview were made, and what the last one cost.
#[derive(Debug)]
struct Looks {
    first: Instant,
    last: Instant,
    cost: Duration,
}

impl Pacer {
    /// A preview was made at `now` and took `cost`. In the first one the driver compiles, which says nothing of
    /// what the next will cost.
    pub(super) fn note(&mut self, now: Instant, cost: Duration) {
        self.looks = Some(match self.looks {
            Some(Looks { first, .. }) => Looks { first, last: now, cost },
            None => Looks { first: now, last: now, cost: Duration::ZERO },
        });
    }

    /// How long to wait for the next one, from `now` on.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        let Some(Looks { first, last, cost }) = &self.looks else { return Duration::ZERO };
        let age = last.duration_since(*first).as_secs_f64();
        let rest = FIRST_REST.max(REST * age / (age + YOUNG.as_secs_f64()));
        LEAST.max(cost.mul_f64(rest)).saturating_sub(now.duration_since(*last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_take_a_hundredth_and_little_more_of_a_young_run() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        assert!(pacer.wait(start).is_zero());
        // The driver compiled.
        pacer.note(start, Duration::from_secs(30));
        assert_eq!(pacer.wait(start), LEAST);
        pacer.note(start, Duration::from_millis(100));
        assert_eq!(pacer.wait(start), Duration::from_millis(2400));
        assert!(pacer.wait(start + Duration::from_secs(3)).is_zero());
        pacer.note(start, Duration::from_micros(1));
        assert_eq!(pacer.wait(start), LEAST);
        // What looks of so long cost a run of so long.
        let share = |look: f64, run: f64| {
            let (mut pacer, mut now, look) = (Pacer::default(), start, Duration::from_secs_f64(look));
            let mut looks = 0;
            while now.duration_since(start).as_secs_f64() < run {
                now += look;
                pacer.note(now, look);
                looks += 1;
                now += pacer.wait(now);
            }
            look.as_secs_f64() * f64::from(looks) / run
        };
        for look in [0.01, 0.1, 1.0, 3.0] {
            // The driver compiles in the first look, so the second comes at once, and the wait for the last ends after the run.
            for (run, most) in [(300.0, 0.016), (3600.0, 0.011)] {
                assert!(share(look, run) < most + 3.0 * look / run, "{look} s in {run} s");
            }
        }
        assert!(share(1.0, 300.0) > 4.0 / 300.0, "a first run is seen to learn");
    }
}
