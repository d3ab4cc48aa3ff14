//! The loop of a run, from a configuration to a summary. Synchronous; prints nothing.
//!
//! The trainer reports a step late, so that the device always has work. Where the loop needs a state
//! that is known to be sound (a checkpoint, an evaluation), it first waits for the last report. What
//! a step computes depends on nothing but the settings and the step: evaluations, reports and
//! restarts change no bit of it.

use super::budget::{self, Budget};
use super::caller::Caller;
use super::clock::Clock;
use super::crops;
use super::events::{Event, Flow, Started, Summary};
use super::ground;
use super::lead::{Leader, Order};
use super::setup::{self, Setup};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ranks::{Alone, Exchange};
use crate::runs::checkpoint::{Checkpoint, FORMAT, Meta};
use crate::runs::run_folder::resume_command;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What to train and how.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// Every setting; of a resumed run those of its folder, with the few that may change.
    pub config: Config,
    /// The run folder to go on with.
    pub resume: Option<PathBuf>,
    /// Measure one step by kernel at the end.
    pub profile: bool,
    /// The time that the whole run is to take, from its beginning to its results, in place of a number of steps: a few
    /// are measured first, and as many as fit become the setting `steps`.
    pub within: Option<Duration>,
}

/// How the loop came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Finished,
    TimeUp,
    Stopped,
}

/// A run under way.
pub(super) struct Engine<'a> {
    pub(super) leader: Leader,
    pub(super) config: Config,
    pub(super) setup: Setup,
    pub(super) caller: Caller<'a>,
    pub(super) clock: Clock,
    /// Steps that the device was given.
    pub(super) submitted: u64,
    /// How long the last evaluation took.
    pub(super) looked: Option<Duration>,
}

/// Trains, and tells `on_event` what happens; pausing is `on_event` not returning.
///
/// # Errors
/// Whatever is wrong with the settings, the pictures, the device, the run folder or the checkpoint;
/// [`crate::error::Error::Diverged`] when the numbers are no longer finite, with the checkpoints left as they were;
/// [`crate::error::Error::Stopped`] when it was asked to stop before there was anything to keep.
pub fn train(request: TrainOptions, on_event: &mut dyn FnMut(Event) -> Flow) -> Result<Summary> {
    train_among(request, &Alone::ranks(), on_event)
}

/// The same as rank 0 of several, each with a share of every batch; the others call [`super::follow`]. They see this run's
/// pictures under the same paths; the run folder is needed by this one alone.
///
/// # Errors
/// As [`train`]; a batch that ranks cannot share; what another rank cannot do.
pub fn train_among(
    request: TrainOptions,
    ranks: &Arc<dyn Exchange>,
    on_event: &mut dyn FnMut(Event) -> Flow,
) -> Result<Summary> {
    // However this ends, the others end with it.
    let leader = Leader::new(ranks);
    let TrainOptions { mut config, resume, profile, within } = request;
    config.validate()?;
    within.map_or(Ok(()), |_| budget::check(&config, resume.is_some()))?;
    alone_only(&leader, within.is_some(), profile)?;
    let budget = within.map(|time| Budget { time, since: Instant::now() });
    // A time beyond what the clock can say is no limit.
    let deadline = config.max_time.and_then(|most| Instant::now().checked_add(most));
    let mut caller = Caller::new(on_event, deadline);
    let opened = setup::open(&mut config, resume.as_deref(), budget, &leader, &mut caller);
    let mut setup = opened.map_err(|error| match error {
        Error::Stopped if !caller.stop => Error::config(
            "max_time",
            "it was over while the pictures were looked at, before the first step, and nothing was written; \
             allow more time",
        ),
        error => error,
    })?;
    let config = std::mem::take(&mut setup.config);
    let submitted = setup.state.reported;
    let clock = Clock::new(setup.state.seconds, submitted);
    let mut engine = Engine { leader, config, setup, caller, clock, submitted, looked: None };
    engine.announce();
    engine.serve()?;
    engine.first_look()?;
    engine.survey()?;
    engine.clock.restart(engine.setup.loader.waited());
    let ending = engine.steps()?;
    engine.settle()?;
    if ending == Ending::TimeUp {
        let (step, resume) = (engine.submitted, resume_command(engine.setup.run.path()));
        let text = format!("The time is up at step {step}; `{resume}` goes on.");
        engine.emit(Event::Notice(text));
    }
    let summary = engine.finish(ending == Ending::Finished)?;
    if profile && !summary.interrupted {
        engine.profile()?;
    }
    // What is still asked for is asked by somebody who is there to wait for it.
    engine.caller.deadline = None;
    engine.emit(Event::Finished(Box::new(summary.clone())));
    engine.serve()?;
    Ok(summary)
}

/// Refuses what is measured on one device alone.
fn alone_only(leader: &Leader, within: bool, profile: bool) -> Result<()> {
    let (flag, instead) = match (within, profile) {
        _ if leader.is_alone() => return Ok(()),
        (true, _) => ("for", "give `--steps` or `--epochs`, or `--max-time`, which cuts the schedule"),
        (_, true) => ("profile", "profile a run of one process"),
        _ => return Ok(()),
    };
    Err(Error::config(flag, format!("cannot be measured with several ranks: {instead}")))
}

impl Engine<'_> {
    /// Hands an event over; its time does not count as training.
    pub(super) fn emit(&mut self, event: Event) {
        let start = Instant::now();
        self.caller.tell(event);
        self.clock.leave_out(start.elapsed());
    }

    fn announce(&mut self) {
        let Setup { run, dataset, loader, trainer, judge, schedule, adapter, driver_bytes, notices, .. } =
            &mut self.setup;
        let notices = std::mem::take(notices);
        let started = Started {
            adapter: adapter.name.clone(),
            software: adapter.software,
            pictures: dataset.pretrain().len(),
            classes: dataset.classes().len(),
            steps_per_epoch: loader.batches_per_epoch(),
            total_steps: schedule.length.total,
            start_step: self.submitted,
            memory_bytes: ground::memory(&self.config, trainer, judge).peak(),
            driver_bytes: *driver_bytes,
            dispatches: trainer.dispatches(),
            run_folder: run.path().to_owned(),
        };
        self.emit(Event::Started(started));
        for notice in notices {
            self.emit(Event::Notice(notice));
        }
        if self.submitted > 0 && self.submitted >= self.setup.schedule.length.total {
            let text = "This run is finished already: nothing to train, only its results are written again.";
            self.emit(Event::Notice(text.to_owned()));
        }
    }

    fn steps(&mut self) -> Result<Ending> {
        while self.submitted < self.setup.schedule.length.total {
            if self.caller.stop {
                return Ok(Ending::Stopped);
            }
            if self.is_time_to_end() {
                return Ok(Ending::TimeUp);
            }
            self.step()?;
        }
        Ok(Ending::Finished)
    }

    fn step(&mut self) -> Result<()> {
        let batch = match self.setup.loader.next() {
            Ok(batch) => batch,
            Err(error) => return Err(self.out_of_pictures(error)),
        };
        // A pass that was stopped ends the run, and is made again when it is resumed.
        while batch.index == 0 && !self.begin_epoch(batch.epoch)? {
            if self.caller.must_end() {
                return Ok(());
            }
        }
        let Setup { loader, trainer, schedule, .. } = &mut self.setup;
        let lr = schedule.lr(self.submitted);
        #[cfg(test)]
        tests::before_step(self.submitted, trainer);
        let step = || trainer.step(crops::batch(&batch), lr);
        let report = match self.leader.with_batch(&Order::Step(lr.to_bits()), step) {
            // Another rank has no batch: nobody has done a step.
            Err(error @ Error::Ranks(_)) => return Err(self.out_of_pictures(error)),
            done => done?,
        };
        loader.recycle(batch);
        self.submitted += 1;
        if let Some(report) = report {
            self.absorb(&report)?;
        }
        let every = self.config.checkpoint_every;
        let due = every > 0 && self.submitted.is_multiple_of(every);
        if due || self.is_evaluation(self.submitted) {
            self.flush()?;
        }
        if due {
            self.save()?;
        }
        self.emit(Event::Step { step: self.submitted });
        self.serve()
    }

    /// Too many pictures cannot be read: keeps what was learned, lists the pictures, and gives the
    /// error back.
    fn out_of_pictures(&mut self, error: Error) -> Error {
        // Should the disk be the reason for both, the first error is the one to tell.
        if let Ok(1..) = self.settle().and_then(|()| self.write_unreadable()) {
            let (list, resume) = (self.setup.run.unreadable(), resume_command(self.setup.run.path()));
            let text = format!(
                "The pictures that cannot be read are listed in {}. Once they are repaired, `{resume}` goes on from \
                 step {}.",
                list.display(),
                self.submitted
            );
            self.emit(Event::Notice(text));
        }
        error
    }

    /// Whether the network is judged after so many steps.
    pub(super) fn is_evaluation(&self, step: u64) -> bool {
        let period = self.config.eval_every.saturating_mul(self.setup.schedule.steps_per_epoch);
        step == self.setup.schedule.length.total || (period > 0 && step.is_multiple_of(period))
    }

    /// Waits for the report of the last submitted step.
    fn flush(&mut self) -> Result<()> {
        match self.setup.trainer.flush()? {
            // A step that was reported already has nothing new to say.
            Some(report) if self.setup.state.reported < self.submitted => self.absorb(&report),
            _ => Ok(()),
        }
    }

    /// Waits for the last step and makes sure that a checkpoint has it.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.flush()?;
        if self.setup.saved.as_ref().is_some_and(|(_, step)| *step == self.submitted) {
            return Ok(());
        }
        self.save()
    }

    /// Writes a checkpoint; all reports of submitted steps have been taken in and are finite.
    fn save(&mut self) -> Result<()> {
        let start = Instant::now();
        self.setup.state.seconds = self.clock.seconds();
        let Setup { run, trainer, schedule, state, .. } = &mut self.setup;
        state.position = trainer.position();
        let (epoch, batch_in_epoch) = schedule.epoch(self.submitted);
        let meta = Meta {
            format: FORMAT.to_owned(),
            config: self.config.to_toml(),
            step: self.submitted,
            epoch,
            batch_in_epoch,
            state: state.to_value(&run.checkpoint())?,
        };
        run.sync_metrics()?;
        let path = Checkpoint { tensors: trainer.export()?, meta }.save(run.path())?;
        self.setup.elsewhere = self.leader.unreadable()?;
        self.setup.saved = Some((path.clone(), self.submitted));
        self.write_unreadable()?;
        self.clock.leave_out(start.elapsed());
        self.emit(Event::Checkpoint { path, step: self.submitted });
        Ok(())
    }

    /// Times one more step. The checkpoint and the results are on the disk already.
    fn profile(&mut self) -> Result<()> {
        if !self.setup.adapter.timestamps {
            let text = "This adapter has no time stamps: there is no profile.";
            self.emit(Event::Notice(text.to_owned()));
            return Ok(());
        }
        let batch = self.setup.loader.next()?;
        let lr = self.setup.schedule.lr(self.submitted);
        let profile = self.setup.trainer.profile_step(crops::batch(&batch), lr)?;
        self.emit(Event::Profiled(profile));
        Ok(())
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
