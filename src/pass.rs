//! Passes over a set of pictures: work outside the steps that may take minutes. One mechanism tells how far
//! each of them is, and ends it.
//!
//! The work runs on a thread of its own and only counts ([`Pass::advance`], from as many threads as it likes).
//! The thread that asked for it looks at the count ten times a second, tells whoever watches, and passes on the
//! wish to stop: the next [`Pass::advance`] or [`Pass::check`] is then [`Error::Stopped`], which travels up by
//! `?`. So whoever watches need not be shared between threads and is heard however slow a picture is, and what
//! is computed depends on nothing of it.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How often whoever watches is told.
const TICK: Duration = Duration::from_millis(100);

/// How far a pass is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// What it does, as a person says it: `looking at pictures`.
    pub doing: &'static str,
    /// What is counted, such as `pictures`.
    pub unit: &'static str,
    /// How many are done.
    pub done: usize,
    /// How many there are, 0 where nobody knows yet.
    pub total: usize,
    /// Seconds since it began.
    pub seconds: f64,
}

impl Progress {
    /// How many are done in a second, once some are.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.done > 0 && self.seconds > 0.0).then(|| self.done as f64 / self.seconds)
    }

    /// The seconds that are left at this rate, where the total is known.
    #[must_use]
    pub fn seconds_left(&self) -> Option<f64> {
        let rest = self.total.checked_sub(self.done)?;
        (self.total > 0).then_some(())?;
        Some(rest as f64 / self.rate()?)
    }
}

/// Things a second as a person reads them: whole numbers would hide what slow machines do.
#[must_use]
pub fn per_second(rate: f64) -> String {
    let digits = match rate {
        rate if rate < 1.0 => 2,
        rate if rate < 10.0 => 1,
        _ => 0,
    };
    format!("{rate:.digits$}")
}

/// Whoever watches passes: is told how far they are, and says whether they go on.
pub type Watch<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;

/// Watches nothing and stops nothing.
pub fn unwatched(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A pass as the work sees it.
#[derive(Debug, Default)]
pub struct Pass {
    done: AtomicUsize,
    total: AtomicUsize,
    stopped: AtomicBool,
}

impl Pass {
    /// Says how many there are to do, where that turns out only now.
    pub fn expect(&self, total: usize) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Says that what is done is all that there is, where it was enough sooner than expected.
    pub fn complete(&self) {
        self.expect(self.done.load(Ordering::Relaxed));
    }

    /// Counts `more` as done.
    ///
    /// # Errors
    /// [`Error::Stopped`] once whoever watches wants the pass to end.
    pub fn advance(&self, more: usize) -> Result<()> {
        self.done.fetch_add(more, Ordering::Relaxed);
        self.check()
    }

    /// Counts nothing, but ends like [`Pass::advance`].
    ///
    /// # Errors
    /// Likewise.
    pub fn check(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
    }
}

/// Does `work` as a pass over `total` things (0 where that is not known), watched by `watch`, which is told at the
/// beginning, ten times a second, and at the end.
///
/// # Errors
/// Those of `work`, of which [`Error::Stopped`] is one: it comes where `watch` answered
/// [`ControlFlow::Break`] before the work was done.
pub fn run<T: Send>(
    (doing, unit): (&'static str, &'static str),
    total: usize,
    watch: &mut Watch<'_>,
    work: impl FnOnce(&Pass) -> Result<T> + Send,
) -> Result<T> {
    let pass = Pass::default();
    pass.expect(total);
    let start = Instant::now();
    let mut tell = || {
        let [done, total] = [&pass.done, &pass.total].map(|count| count.load(Ordering::Relaxed));
        let progress = Progress { doing, unit, done, total, seconds: start.elapsed().as_secs_f64() };
        if watch(&progress).is_break() {
            pass.stopped.store(true, Ordering::Relaxed);
        }
    };
    tell();
    pass.check()?;
    let result = std::thread::scope(|scope| {
        // The sender is dropped when the work ends, be it by a panic.
        let (sender, ended) = channel::<()>();
        let pass = &pass;
        let worker = scope.spawn(move || {
            let _sender = sender;
            work(pass)
        });
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(TICK) {
            tell();
        }
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    if result.is_ok() {
        tell();
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: (&str, &str) = ("counting", "sheep");

    #[test]
    fn a_slow_rate_is_not_nothing() {
        assert_eq!([0.267, 1.84, 23.4, 812.4].map(per_second), ["0.27", "1.8", "23", "812"]);
    }

    #[test]
    fn whoever_watches_is_told_the_beginning_and_the_end() {
        let mut told = Vec::new();
        let mut watch = |progress: &Progress| {
            told.push((progress.doing, progress.done, progress.total));
            ControlFlow::Continue(())
        };
        let sum = run(NAME, 3, &mut watch, |pass| {
            (1..=3).map(|n| pass.advance(1).map(|()| n)).sum::<Result<i32>>()
        });
        assert_eq!(sum.unwrap(), 6);
        assert_eq!(told.first(), Some(&("counting", 0, 3)));
        assert_eq!(told.last(), Some(&("counting", 3, 3)));
    }

    #[test]
    fn what_is_enough_sooner_is_whole() {
        let mut last = None;
        let mut watch = |progress: &Progress| {
            last = Some((progress.done, progress.total));
            ControlFlow::Continue(())
        };
        run(NAME, 50, &mut watch, |pass| pass.advance(20).map(|()| pass.complete())).unwrap();
        assert_eq!(last, Some((20, 20)));
    }

    #[test]
    fn a_stop_is_heard_by_work_that_would_never_end() {
        let mut watch = |progress: &Progress| {
            if progress.done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let ended: Result<()> = run(NAME, 0, &mut watch, |pass| {
            loop {
                pass.advance(1)?;
                std::thread::yield_now();
            }
        });
        assert!(matches!(ended, Err(Error::Stopped)));
    }

    #[test]
    fn a_stop_before_the_beginning_does_nothing() {
        let mut begun = false;
        let ended = run(NAME, 1, &mut |_| ControlFlow::Break(()), |_| {
            begun = true;
            Ok(())
        });
        assert!(matches!(ended, Err(Error::Stopped)) && !begun);
    }

    #[test]
    fn errors_and_panics_of_the_work_come_back() {
        let failed: Result<()> = run(NAME, 1, &mut unwatched, |_| Err(Error::config("lr", "wrong")));
        assert!(failed.unwrap_err().to_string().contains("lr"));
        let panicked =
            std::panic::catch_unwind(|| run(NAME, 1, &mut unwatched, |_| -> Result<()> { panic!("oh") }));
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"oh"));
    }

    #[test]
    fn the_time_left_follows_the_rate() {
        let at = |done, total, seconds| Progress { doing: "", unit: "", done, total, seconds };
        assert_eq!(at(20, 100, 4.0).rate(), Some(5.0));
        assert_eq!(at(20, 100, 4.0).seconds_left(), Some(16.0));
        assert_eq!([at(0, 100, 4.0), at(20, 0, 4.0)].map(|p| p.seconds_left()), [None; 2]);
        assert_eq!(at(100, 100, 4.0).seconds_left(), Some(0.0));
    }
}
