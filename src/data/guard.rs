//! Readers of strangers' files that are not ours: should one panic, that is one unreadable file, not a dead
//! run, and nobody reads of it but in our words.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// How many guards this thread stands in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Calls a reader; `None` where it panicked.
pub(super) fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(read));
    DEPTH.set(DEPTH.get() - 1);
    result.ok()
}

/// Keeps panics that are caught here off standard error; all others are told as before. For programs: a
/// library does not choose what a process prints.
pub fn hush_guarded_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if DEPTH.get() == 0 {
                usual(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_none_and_the_guard_is_left() {
        hush_guarded_panics();
        assert_eq!(guarded(|| 7), Some(7));
        assert_eq!(guarded(|| -> u8 { panic!("a reader's words") }), None);
        assert_eq!(guarded(|| guarded(|| -> u8 { panic!("within") })), Some(None));
        assert_eq!(DEPTH.get(), 0);
    }
}
