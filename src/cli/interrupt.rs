//! Ctrl-C: the first asks for a clean end, the second ends at once.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that Ctrl-C sets, saying `text` at once: work is only left between two steps.
pub(super) fn flag(text: &'static str) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let handler = move || {
        if seen.swap(true, Ordering::Relaxed) {
            // The second time, whoever presses it does not want to wait for the clean end.
            std::process::exit(130);
        }
        let _ = writeln!(std::io::stderr(), "\n{text}");
    };
    // Where no handler can be set, Ctrl-C ends the process: what is on the disk is whole all the same.
    let _ = ctrlc::set_handler(handler);
    stop
}
