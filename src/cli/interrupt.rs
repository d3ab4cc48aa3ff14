//! Ctrl-C: the first asks for a clean end, the second ends at once.

use crate::launch::end;
use crate::words::about;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The exit code of a program that Ctrl-C ended.
const CODE: i32 = 130;
/// How long work that has nothing to lose may take to hear that it should end: a driver that compiles hears
/// nothing. Whoever presses Ctrl-C should see it end within two seconds, on a machine with other work too.
const PATIENCE: Duration = Duration::from_millis(1200);
/// A wait that is told how long it is.
const WAIT: Duration = Duration::from_secs(2);

/// Lets Ctrl-C pass: a process that another one tells when to end must not end before it.
pub(super) fn ignore() {
    drop(ctrlc::set_handler(|| {}));
}

/// What Ctrl-C sets, and whether there is something to keep.
#[derive(Clone)]
pub(super) struct Interrupt {
    stop: Arc<AtomicBool>,
    keeps: Arc<AtomicBool>,
    /// When training will have ended that is asked to stop now, where that is known.
    ends: Arc<Mutex<Option<Instant>>>,
}

/// What training says that was asked to stop.
fn stopping(wait: Option<Duration>) -> String {
    let wait = wait.filter(|wait| *wait >= WAIT);
    let wait = wait.map_or_else(String::new, |wait| format!(", {}", about(wait.as_secs_f64())));
    format!(
        "Stopping after the step under way{wait}, with a checkpoint. Ctrl-C again stops at once, without one."
    )
}

impl Interrupt {
    /// Until [`Interrupt::keep`] there is nothing to lose: Ctrl-C says `before`, and where the work does not end by
    /// itself, the process does. From then on it says `after`, and the work ends in its own time.
    pub(super) fn new(before: &'static str, after: &'static str) -> Self {
        Self::told(before, move |_| after.to_owned())
    }

    /// For training, which ends after a step: from [`Interrupt::keep`] on it says how long that takes.
    pub(super) fn training(before: &'static str) -> Self {
        Self::told(before, stopping)
    }

    fn told(before: &'static str, after: impl Fn(Option<Duration>) -> String + Send + 'static) -> Self {
        let [stop, keeps] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let new = Self { stop, keeps, ends: Arc::default() };
        let heard = new.clone();
        let handler = move || {
            let Self { stop, keeps, .. } = &heard;
            if stop.swap(true, Ordering::Relaxed) {
                // The second time, whoever presses it does not want to wait for the clean end.
                end(CODE);
            }
            let kept = keeps.load(Ordering::Relaxed);
            let wait = heard.ends().map(|ends| ends.saturating_duration_since(Instant::now()));
            let _ = writeln!(std::io::stderr(), "\n{}", if kept { after(wait) } else { before.to_owned() });
            if !kept {
                let keeps = Arc::clone(keeps);
                std::thread::spawn(move || {
                    std::thread::sleep(PATIENCE);
                    if !keeps.load(Ordering::Relaxed) {
                        end(CODE);
                    }
                });
            }
        };
        // Where no handler can be set, Ctrl-C ends the process: what is on the disk is whole all the same.
        let _ = ctrlc::set_handler(handler);
        new
    }

    fn ends(&self) -> MutexGuard<'_, Option<Instant>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Training that is asked to stop from now on ends after so long, where that is known.
    pub(super) fn ends_after(&self, wait: Option<Duration>) {
        *self.ends() = wait.and_then(|wait| Instant::now().checked_add(wait));
    }

    /// There is something to keep now: a run folder, a file that is being written.
    pub(super) fn keep(&self) {
        self.keeps.store(true, Ordering::Relaxed);
    }

    /// It is kept: from now on there is nothing to lose again.
    pub(super) fn kept(&self) {
        self.keeps.store(false, Ordering::Relaxed);
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn is_set(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_is_long_is_told_at_once() {
        let text = stopping(Some(Duration::from_millis(16_700)));
        assert!(text.starts_with("Stopping after the step under way, about 17 seconds, with"), "{text}");
        for short in [None, Some(Duration::ZERO), Some(Duration::from_millis(1900))] {
            assert!(stopping(short).starts_with("Stopping after the step under way, with a checkpoint."));
        }
    }
}
