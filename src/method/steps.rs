//! The plans of a step, and how a batch goes through them.
//!
//! Usually one plan is a step. A batch that does not fit the device goes through the trunk in parts, one after another
//! (`micro_batch`), and meets again as features, so that codes, queue, loss, gradients of the head, update and report are
//! those of the whole batch:
//!
//! 1. each part forward, of which only the features are kept;
//! 2. the objective, on the features of the whole batch;
//! 3. each part forward once more, and backward from its rows of the features' gradient;
//! 4. the update, from the sum of the parts' gradients, and the report.
//!
//! Batch norms of the trunk see one part at a time, as they see one device's share where several train together; those of
//! the head see the whole batch. Their running estimates move once a step, by the last part's statistics. The second look
//! at a part computes the first one's numbers once more, to the last bit: only memory is saved, for about a third more time.

use crate::error::Result;
use crate::gpu::{Estimate, Plan, Replay, Session, Tensor, Traffic};

/// The plans of a step, before or after they have memory.
#[derive(Debug)]
pub(super) struct Steps<P> {
    /// The whole step, or the objective where there are parts.
    pub(super) whole: P,
    pub(super) parts: Option<Parts<P>>,
}

/// What happens to each part, and at the end.
#[derive(Debug)]
pub(super) struct Parts<P> {
    pub(super) begin: P,
    pub(super) forward: P,
    /// The same for the last part, whose statistics move the running estimates.
    pub(super) last: P,
    pub(super) backward: P,
    pub(super) end: P,
    /// Says which part it is.
    pub(super) number: Tensor,
    pub(super) count: usize,
}

impl<P> Steps<P> {
    /// How many parts a batch has.
    pub(super) fn count(&self) -> usize {
        self.parts.as_ref().map_or(1, |parts| parts.count)
    }

    /// Each plan with how often a step runs it, in order.
    fn runs(&self) -> Vec<(&P, usize)> {
        match &self.parts {
            None => vec![(&self.whole, 1)],
            Some(Parts { begin, forward, last, backward, end, count, .. }) => {
                vec![
                    (begin, 1),
                    (forward, count - 1),
                    (last, 1),
                    (&self.whole, 1),
                    (backward, *count),
                    (end, 1),
                ]
            }
        }
    }
}

impl Steps<Plan> {
    /// Dispatches a step.
    pub(super) fn dispatches(&self) -> usize {
        self.runs().into_iter().map(|(plan, times)| times * plan.dispatches()).sum()
    }

    pub(super) fn bind(self, session: &Session) -> Result<Steps<Replay>> {
        let bind = |plan| session.bind(plan);
        let parts = |parts: Parts<Plan>| -> Result<Parts<Replay>> {
            let Parts { begin, forward, last, backward, end, number, count } = parts;
            let [begin, forward, last] = [bind(begin)?, bind(forward)?, bind(last)?];
            Ok(Parts { begin, forward, last, backward: bind(backward)?, end: bind(end)?, number, count })
        };
        Ok(Steps { whole: bind(self.whole)?, parts: self.parts.map(parts).transpose()? })
    }
}

impl Steps<Replay> {
    /// All of them, once each.
    pub(super) fn replays(&self) -> impl Iterator<Item = &Replay> {
        self.runs().into_iter().map(|(replay, _)| replay)
    }

    /// Makes a step. `take` brings the crops of a part to the device.
    ///
    /// # Errors
    /// What `take` says; what the driver reports.
    pub(super) fn submit(&self, session: &Session, take: impl Fn(usize) -> Result<()>) -> Result<()> {
        let Some(parts) = &self.parts else {
            take(0)?;
            return session.submit(&self.whole);
        };
        let one = |at: usize, replay: &Replay| {
            // What is on its way would pile up to the size of the batch.
            session.settle()?;
            take(at)?;
            session.write(&parts.number, &[f32::from_bits(at as u32), 0.0, 0.0, 0.0]);
            session.submit(replay)
        };
        session.submit(&parts.begin)?;
        for at in 0..parts.count {
            one(at, if at + 1 == parts.count { &parts.last } else { &parts.forward })?;
        }
        session.submit(&self.whole)?;
        for at in 0..parts.count {
            one(at, &parts.backward)?;
        }
        session.submit(&parts.end)
    }

    /// What a step is expected to take now, and in how many submissions.
    pub(super) fn estimate(&self, session: &Session) -> Estimate {
        let mut all = Estimate { submissions: 0, seconds: 0.0, longest: (String::new(), 0.0) };
        for (replay, times) in self.runs() {
            let one = session.estimate(replay);
            all.submissions += times * one.submissions;
            all.seconds += times as f64 * one.seconds;
            if one.longest.1 >= all.longest.1 {
                all.longest = one.longest;
            }
        }
        all
    }

    /// Bytes that a step moves.
    pub(super) fn traffic(&self) -> Traffic {
        let add = |all: Traffic, (replay, times): (&Replay, usize)| {
            let one = replay.traffic();
            Traffic {
                kernels: all.kernels + times as u64 * one.kernels,
                copies: all.copies + times as u64 * one.copies,
            }
        };
        self.runs().into_iter().fold(Traffic { kernels: 0, copies: 0 }, add)
    }
}
