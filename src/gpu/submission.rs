//! Plans on their way to the device: in parts of bounded work, up to each stop and on from there.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pace::{Estimate, Pace};
use super::plan::Stop;
use super::replay::{Bound, Replay, encode_copy};
use super::session::Session;
use crate::error::{Error, Result};

/// The part of a submission that goes missing, for tests.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The first of several.
    First,
    /// The last.
    Last,
}

/// A plan that was submitted.
#[derive(Debug)]
pub(crate) struct UnderWay<'a> {
    replay: &'a Replay,
    index: wgpu::SubmissionIndex,
    since: Instant,
}

impl Session {
    /// Submits a plan in parts of bounded work ([`Pace`]), and returns at once. What is computed is the same to the
    /// last bit however it is cut.
    ///
    /// # Errors
    /// What the driver reported so far.
    pub fn submit(&self, replay: &Replay) -> Result<()> {
        self.submit_with(replay, &mut alone)
    }

    /// The same for a plan that stops, each time with `at_stop`.
    ///
    /// # Errors
    /// As [`Session::submit`]; what `at_stop` says.
    pub fn submit_with(&self, replay: &Replay, at_stop: &mut dyn FnMut(&Stop) -> Result<()>) -> Result<()> {
        let mut ends = self.cuts(replay);
        let is_stop = |(at, command): (usize, &Bound)| matches!(command, Bound::Stop(_)).then_some(at);
        ends.extend(replay.commands.iter().enumerate().filter_map(is_stop));
        ends.sort_unstable();
        ends.dedup();
        let mut loses = self.loses().take();
        let mut first = 0;
        for &end in &ends {
            if first < end {
                let mut encoder =
                    self.gpu().device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                encode(&mut encoder, &replay.commands[first..end]);
                self.journal.enter(&mut encoder);
                // What is to be lost is lost once: at the first part that meets it.
                if loses == Some(Loss::First) || (loses.is_some() && ends.last() == Some(&end)) {
                    loses = None;
                } else {
                    self.gpu().queue().submit([encoder.finish()]);
                }
            }
            first = end;
            if let Some(Bound::Stop(stop)) = replay.commands.get(end) {
                at_stop(stop)?;
                first += 1;
            }
        }
        self.gpu().check()
    }

    /// The numbers of the commands after which the parts of a plan end.
    pub(super) fn cuts(&self, replay: &Replay) -> Vec<usize> {
        self.pace().cuts(replay.number, replay.works())
    }

    /// What a plan is expected to take now.
    #[must_use]
    pub fn estimate(&self, replay: &Replay) -> Estimate {
        let pace = self.pace();
        let mut estimate = Estimate::default();
        for (command, work) in replay.commands.iter().zip(replay.works()) {
            let seconds = pace.seconds(replay.number, work);
            estimate.seconds += seconds;
            if let Bound::Dispatch { label, .. } = command {
                estimate.dispatch(label, seconds);
            }
        }
        estimate.submissions = pace.cuts(replay.number, replay.works()).len();
        let mut all = Estimate::default();
        all.add(estimate, 1);
        all
    }

    /// Takes in how long a plan took, for its parts when it comes again.
    pub fn learn(&self, replay: &Replay, took: Duration) {
        self.pace().learn(replay.number, replay.works(), took);
    }

    /// Submits a plan, waits until it is done, and takes in how long that took.
    ///
    /// # Errors
    /// As [`Session::submit`].
    pub fn run(&self, replay: &Replay) -> Result<()> {
        self.run_with(replay, &mut alone)
    }

    /// The same of a plan that stops ([`Session::submit_with`]); what happens at its stops counts as its time.
    ///
    /// # Errors
    /// As [`Session::submit_with`].
    pub fn run_with(&self, replay: &Replay, at_stop: &mut dyn FnMut(&Stop) -> Result<()>) -> Result<()> {
        let start = Instant::now();
        self.submit_with(replay, at_stop)?;
        self.gpu().wait()?;
        self.learn(replay, start.elapsed());
        Ok(())
    }

    /// Submits a plan and returns at once, for whoever waits for it later ([`Session::end`]) and prepares the next one meanwhile.
    ///
    /// # Errors
    /// As [`Session::submit`].
    pub(crate) fn begin<'a>(&self, replay: &'a Replay) -> Result<UnderWay<'a>> {
        let since = Instant::now();
        self.submit(replay)?;
        let index = self.gpu().queue().submit([]);
        Ok(UnderWay { replay, index, since })
    }

    /// Waits until a plan is done that is under way, whatever was submitted after it, and takes in how long it took since what
    /// came before it was done, at `free`. Says when it was done.
    ///
    /// # Errors
    /// As [`Session::submit`].
    pub(crate) fn end(&self, one: UnderWay<'_>, free: Option<Instant>) -> Result<Instant> {
        let UnderWay { replay, index, since } = one;
        self.gpu().wait_for(index)?;
        let done = Instant::now();
        self.learn(replay, done.duration_since(free.map_or(since, |free| free.max(since))));
        Ok(done)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Submits every plan in so many parts, whatever they take.
    #[doc(hidden)]
    pub fn submit_in(&self, parts: usize) {
        self.pace().fix(parts);
    }

    fn loses(&self) -> MutexGuard<'_, Option<Loss>> {
        self.loses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over all of the next submission but one part, as a driver does that aborts it and says nothing.
    #[doc(hidden)]
    pub fn lose(&self, part: Loss) {
        *self.loses() = Some(part);
    }
}

/// At a stop of a plan that is submitted as if there were no other ranks.
fn alone(_: &Stop) -> Result<()> {
    Err(Error::Ranks("a plan that stops for other ranks was submitted without any".into()))
}

/// Encodes commands in order; dispatches that follow each other share a pass.
fn encode(encoder: &mut wgpu::CommandEncoder, commands: &[Bound]) {
    let mut commands = commands.iter().peekable();
    while let Some(command) = commands.peek() {
        if matches!(command, Bound::Dispatch { .. }) {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            while let Some(Bound::Dispatch { kernel, group, grid, .. }) =
                commands.next_if(|c| matches!(c, Bound::Dispatch { .. }))
            {
                pass.set_pipeline(&kernel.pipeline);
                pass.set_bind_group(0, group, &[]);
                pass.dispatch_workgroups(grid[0], grid[1], grid[2]);
            }
        } else if let Some(command) = commands.next() {
            encode_copy(encoder, command);
        }
    }
}

#[cfg(test)]
#[path = "submission_tests.rs"]
mod tests;
