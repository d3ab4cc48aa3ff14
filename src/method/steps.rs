//! The plans of a step, and how a batch goes through them.
//!
//! Usually one plan is a step. A batch that does not fit the device goes through the trunk in parts, one after another
//! (`micro_batch`), and meets again as features, so that codes, queue, loss, gradients of the head, update and report are
//! those of the whole batch:
//!
//! 1. each part forward, of which only the features are kept; the first part comes last, and all of it is kept;
//! 2. the objective, on the features of the whole batch;
//! 3. the first part backward from its rows of the features' gradient, then each other part forward once more and backward;
//! 4. the update, from the sum of the parts' gradients, and the report.
//!
//! Batch norms of the trunk see one part at a time (or, of ranks that take their share in one, those of several:
//! `statistics`), as they see one device's share where several train together; those of the head see the whole batch. Their
//! running estimates move once a step, by all parts (`estimates`). The second look at a part computes the first one's
//! numbers once more, to the last bit: only memory is saved, for up to a third more time. The part that is looked at last
//! needs no second look, so a rank whose share is one part looks at it once.
//! Each part's gradient of the trunk is made by itself and then added to those before it, so that it is the same sum
//! wherever the parts are made.
//!
//! Several ranks (`ranks`) each do this with a run of consecutive parts. They meet after the first pass, to gather the
//! features, and after the second, to add the gradients (`meeting`); the objective and the update each computes for itself.
//!
//! Where the parts do not divide the batch, the last one is smaller and has plans of its own.

use super::meeting::Meeting;
use super::share::Share;
use super::statistics;
use crate::error::Result;
use crate::gpu::{Estimate, Plan, Replay, Session, Stop, Tensor, Traffic};
use crate::ranks::Exchange;

/// The plans of a step, before or after they have memory.
#[derive(Debug)]
pub(super) struct Steps<P> {
    /// The whole step, or the objective where there are parts.
    pub(super) whole: P,
    pub(super) parts: Option<Parts<P>>,
}

/// What happens to the parts, and at the end.
#[derive(Debug)]
pub(super) struct Parts<P> {
    pub(super) begin: P,
    /// The parts but the first, by their size, in their order.
    pub(super) kinds: Vec<Kind<P>>,
    /// The first part forward, and backward from what that left.
    pub(super) first_forward: P,
    pub(super) first_backward: P,
    pub(super) end: P,
    /// Says which picture is a part's first.
    pub(super) first: Tensor,
    pub(super) share: Share,
    /// Where a batch is shared with other ranks.
    pub(super) meeting: Option<Meeting<P>>,
}

/// What happens to each of some parts of the same size.
#[derive(Debug)]
pub(super) struct Kind<P> {
    pub(super) count: usize,
    pub(super) forward: P,
    pub(super) backward: P,
}

impl<P> Steps<P> {
    /// Each plan with how often a step runs it, in order.
    fn runs(&self) -> Vec<(&P, usize)> {
        let Some(Parts { begin, kinds, first_forward, first_backward, end, .. }) = &self.parts else {
            return vec![(&self.whole, 1)];
        };
        let mut runs = vec![(begin, 1)];
        runs.extend(kinds.iter().map(|kind| (&kind.forward, kind.count)));
        runs.extend([(first_forward, 1), (&self.whole, 1), (first_backward, 1)]);
        runs.extend(kinds.iter().map(|kind| (&kind.backward, kind.count)));
        runs.push((end, 1));
        runs
    }
}

impl Steps<Plan> {
    /// Dispatches a step.
    pub(super) fn dispatches(&self) -> usize {
        self.runs().into_iter().map(|(plan, times)| times * plan.dispatches()).sum()
    }

    pub(super) fn bind(self, session: &Session) -> Result<Steps<Replay>> {
        let parts = |parts: Parts<Plan>| -> Result<Parts<Replay>> {
            let kinds = parts.kinds.into_iter().map(|kind| kind.bind(session)).collect::<Result<_>>()?;
            Ok(Parts {
                begin: session.bind(parts.begin)?,
                kinds,
                first_forward: session.bind(parts.first_forward)?,
                first_backward: session.bind(parts.first_backward)?,
                end: session.bind(parts.end)?,
                first: parts.first,
                share: parts.share,
                meeting: parts.meeting.map(|meeting| meeting.bind(session)).transpose()?,
            })
        };
        Ok(Steps { whole: session.bind(self.whole)?, parts: self.parts.map(parts).transpose()? })
    }
}

impl Kind<Plan> {
    fn bind(self, session: &Session) -> Result<Kind<Replay>> {
        let Self { count, forward, backward } = self;
        Ok(Kind { count, forward: session.bind(forward)?, backward: session.bind(backward)? })
    }
}

impl Steps<Replay> {
    /// All of them, once each.
    pub(super) fn replays(&self) -> impl Iterator<Item = &Replay> {
        let meeting = self.parts.as_ref().and_then(|parts| parts.meeting.as_ref());
        self.runs().into_iter().map(|(replay, _)| replay).chain(meeting.map(Meeting::plan))
    }

    /// Makes a step. `take` brings the crops of a part to the device.
    ///
    /// # Errors
    /// What `take` says; what the driver reports.
    pub(super) fn submit(
        &self,
        session: &Session,
        ranks: &dyn Exchange,
        take: impl Fn(usize) -> Result<()>,
    ) -> Result<()> {
        let Some(parts) = &self.parts else {
            take(0)?;
            return session.submit(&self.whole);
        };
        session.submit(&parts.begin)?;
        let group = parts.share.group;
        let mut meet = |stop: &Stop| statistics::meet(session, ranks, group, stop);
        parts.each_other(session, &take, |kind| &kind.forward)?;
        parts.bring(session, &take, 0, parts.share.first)?;
        parts.run_first(session, &parts.first_forward, &mut meet)?;
        if let Some(meeting) = &parts.meeting {
            meeting.after_forward(session, ranks, parts.share)?;
        }
        session.submit(&self.whole)?;
        parts.run_first(session, &parts.first_backward, &mut meet)?;
        parts.each_other(session, &take, |kind| &kind.backward)?;
        if let Some(meeting) = &parts.meeting {
            meeting.after_backward(session, ranks)?;
        }
        session.submit(&parts.end)
    }

    /// Bytes of the sums that a rank hands on within a step.
    pub(super) fn stops_bytes(&self) -> u64 {
        let stops = self.runs().into_iter().flat_map(|(replay, times)| {
            replay.stops().map(move |stop| times as u64 * stop.tensor.shape.bytes())
        });
        stops.sum()
    }

    /// What a step is expected to take now, and in how many submissions.
    pub(super) fn estimate(&self, session: &Session) -> Estimate {
        let mut all = Estimate::default();
        for (replay, times) in self.runs() {
            all.add(session.estimate(replay), times);
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

impl Parts<Replay> {
    /// Submits a plan of the first part. Ranks wait for it in any case, as they read what it left, and so it is timed there.
    fn run_first(
        &self,
        session: &Session,
        replay: &Replay,
        meet: &mut dyn FnMut(&Stop) -> Result<()>,
    ) -> Result<()> {
        if self.meeting.is_some() { session.run_with(replay, meet) } else { session.submit(replay) }
    }

    /// Brings part `at` to the device, of which picture `first` is the first.
    fn bring(
        &self,
        session: &Session,
        take: &impl Fn(usize) -> Result<()>,
        at: usize,
        first: usize,
    ) -> Result<()> {
        take(at)?;
        session.write(&self.first, &[f32::from_bits(first as u32), 0.0, 0.0, 0.0]);
        Ok(())
    }

    /// Brings each part but the first to the device and submits what `choose` takes for it. While the device makes one, the
    /// next is encoded; no third is prepared before the first is done, as what is on its way would pile up to the size of
    /// the batch.
    fn each_other(
        &self,
        session: &Session,
        take: &impl Fn(usize) -> Result<()>,
        choose: impl Fn(&Kind<Replay>) -> &Replay,
    ) -> Result<()> {
        let kinds = self.kinds.iter().flat_map(|kind| std::iter::repeat_n(kind, kind.count));
        let others = self.share.parts().enumerate().skip(1);
        let (mut before, mut free) = (None, None);
        for (kind, (at, (first, _))) in kinds.zip(others) {
            self.bring(session, take, at, first)?;
            let next = session.begin(choose(kind))?;
            if let Some(before) = before.replace(next) {
                free = Some(session.end(before, free)?);
            }
        }
        before.map_or(Ok(()), |last| session.end(last, free).map(drop))
    }
}
