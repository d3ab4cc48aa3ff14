//! What the thread that decodes is asked for. Only what the last frame wanted is kept: what somebody scrolled past is
//! decoded for nobody.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A picture, and the side that it is to have, pixels.
pub(super) type Wanted = (u32, usize);

#[derive(Debug, Default)]
struct List {
    /// The frame that asked.
    frame: u64,
    waiting: VecDeque<Wanted>,
    known: HashSet<Wanted>,
    /// What is being decoded.
    at_work: Option<Wanted>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    list: Mutex<List>,
    more: Condvar,
    /// Whether the window waits for answers, and needs no other word of them.
    awaited: AtomicBool,
}

impl Shared {
    fn list(&self) -> MutexGuard<'_, List> {
        // A list that somebody dropped while panicking is a list still.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The window's end. Dropping it ends the other.
#[derive(Debug, Default)]
pub(super) struct Asker(Arc<Shared>);

/// The end of the thread that decodes.
#[derive(Debug)]
pub(super) struct Asked(Arc<Shared>);

impl Asker {
    pub(super) fn other(&self) -> Asked {
        Asked(Arc::clone(&self.0))
    }

    /// Asks for something in a frame, in the order in which it is drawn. What earlier frames asked for goes.
    pub(super) fn ask(&self, frame: u64, wanted: Wanted) {
        let mut list = self.0.list();
        if list.frame != frame {
            list.frame = frame;
            list.waiting.clear();
            list.known.clear();
        }
        if list.at_work != Some(wanted) && list.known.insert(wanted) {
            list.waiting.push_back(wanted);
            self.0.more.notify_one();
        }
    }

    /// The window waits for answers from here on, or no longer: then it looks once more for some.
    pub(super) fn awaits(&self, awaits: bool) {
        self.0.awaited.store(awaits, Ordering::SeqCst);
    }

    /// Whether all that was asked for has been answered.
    pub(super) fn is_idle(&self) -> bool {
        let list = self.0.list();
        list.waiting.is_empty() && list.at_work.is_none()
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.list().closed = true;
        self.0.more.notify_all();
    }
}

impl Asked {
    /// Whether the window sees an answer that was sent without being told of it.
    pub(super) fn is_awaited(&self) -> bool {
        self.0.awaited.load(Ordering::SeqCst)
    }

    /// The next thing to decode, once there is one; what came before it has been answered. Nothing once nobody asks.
    pub(super) fn next(&self) -> Option<Wanted> {
        let mut list = self.0.list();
        list.at_work = None;
        while !list.closed {
            if let Some(wanted) = list.waiting.pop_front() {
                list.known.remove(&wanted);
                list.at_work = Some(wanted);
                return Some(wanted);
            }
            list = self.0.more.wait(list).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_last_frame_wanted_is_decoded() {
        let asker = Asker::default();
        let asked = asker.other();
        (0..5000).for_each(|picture| asker.ask(1, (picture, 64)));
        assert_eq!(asked.next(), Some((0, 64)));
        // Scrolled on: the first that is seen now comes next, once, and what is being decoded is not asked for again.
        for _ in 0..2 {
            [0, 9000, 9001].into_iter().for_each(|picture| asker.ask(2, (picture, 64)));
        }
        assert_eq!([asked.next(), asked.next()], [Some((9000, 64)), Some((9001, 64))]);
        assert!(!asker.is_idle());
        let thread = std::thread::spawn(move || asked.next());
        while !asker.is_idle() {
            std::thread::yield_now();
        }
        drop(asker);
        assert_eq!(thread.join().unwrap(), None);
    }
}
