//! Watching the passes of a command: how far they are, and Ctrl-C.

use std::ops::ControlFlow;

use super::interrupt::Interrupt;
use super::progress::Progress;
use crate::pass;

/// Shows passes while it lives, and stops them where Ctrl-C was pressed.
pub(super) struct Passes {
    progress: Progress,
    interrupt: Interrupt,
}

impl Passes {
    /// For a command that has nothing to lose before it writes its results.
    pub(super) fn new() -> Self {
        Self::of(Interrupt::new("Stopping.", "Stopping once this file is written."))
    }

    /// For one that Ctrl-C tells something else.
    pub(super) fn of(interrupt: Interrupt) -> Self {
        Self { progress: Progress::new(), interrupt }
    }

    /// What passes are to be watched by.
    pub(super) fn watch(&mut self) -> impl FnMut(&pass::Progress) -> ControlFlow<()> + '_ {
        |progress| {
            self.progress.pass(progress);
            if progress.total > 0 && progress.done >= progress.total {
                self.progress.clear();
            }
            if self.interrupt.is_set() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }

    /// Shows a sentence above the line or in the log.
    pub(super) fn say(&mut self, text: &str) {
        self.progress.message(text);
    }

    /// Results are about to be written: Ctrl-C no longer ends the process before they are.
    pub(super) fn keep(&self) {
        self.interrupt.keep();
    }
}

impl Drop for Passes {
    fn drop(&mut self) {
        self.progress.clear();
        self.progress.finish();
    }
}
