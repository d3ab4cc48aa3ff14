//! Ctrl-C: the first asks for a clean end, the second ends at once.

use crate::launch::end;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The exit code of a program that Ctrl-C ended.
const CODE: i32 = 130;
/// How long work that has nothing to lose may take to hear that it should end: a driver that compiles hears
/// nothing.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Lets Ctrl-C pass: a process that another one tells when to end must not end before it.
pub(super) fn ignore() {
    drop(ctrlc::set_handler(|| {}));
}

/// What Ctrl-C sets, and whether there is something to keep.
#[derive(Clone)]
pub(super) struct Interrupt {
    stop: Arc<AtomicBool>,
    keeps: Arc<AtomicBool>,
}

impl Interrupt {
    /// Until [`Interrupt::keep`] there is nothing to lose: Ctrl-C says `before`, and where the work does not end by
    /// itself, the process does. From then on it says `after`, and the work ends in its own time.
    pub(super) fn new(before: &'static str, after: &'static str) -> Self {
        let [stop, keeps] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let new = Self { stop, keeps };
        let Self { stop, keeps } = new.clone();
        let handler = move || {
            if stop.swap(true, Ordering::Relaxed) {
                // The second time, whoever presses it does not want to wait for the clean end.
                end(CODE);
            }
            let kept = keeps.load(Ordering::Relaxed);
            let _ = writeln!(std::io::stderr(), "\n{}", if kept { after } else { before });
            if !kept {
                let keeps = Arc::clone(&keeps);
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
