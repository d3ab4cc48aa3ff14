//! The looks of a run at its own network: before the first step, on the way, and at the end.
//!
//! Each is a pass that whoever started the run may stop, and that ends when the time of the run is up. What is
//! left undone then changes no bit of what is trained, and is made up for when the run is resumed.

use super::events::Event;
use super::run::Engine;
use super::setup::Setup;
use crate::error::{Error, Result};
use crate::eval::cluster;
use crate::pass;
use std::time::Instant;

/// What the pass is called that looks for prototypes that are copies: K² / 2 products on the processor.
const COMPARING: (&str, &str) = ("comparing prototypes", "prototypes");
/// The last look may take this share of `max_time`; where it would take more, it is left to a resumed run.
const LAST_LOOK: u32 = 4;

impl Engine<'_> {
    /// What the trained network will be compared with; of a resumed run the checkpoint knows it, or the
    /// evaluation that was due when the run was stopped.
    pub(super) fn first_look(&mut self) -> Result<()> {
        if self.caller.must_end() {
            return Ok(());
        }
        if self.submitted > 0 {
            // That of the last step is made by the last look.
            let due = self.is_evaluation(self.submitted) && self.submitted < self.setup.schedule.length.total;
            if due && self.setup.state.evaluated != Some(self.submitted) {
                self.make_up(self.submitted)?;
            }
            return Ok(());
        }
        match self.judge_untrained() {
            Err(Error::Stopped) => Ok(()),
            judged => judged,
        }
    }

    fn judge_untrained(&mut self) -> Result<()> {
        let Setup { judge, state, .. } = &mut self.setup;
        let caller = &mut self.caller;
        if !judge.has_labels() {
            return Ok(());
        }
        let watch = &mut |progress: &_| caller.watch(progress);
        // Raw pixels come first: they are soon known, and nothing can be worse.
        if state.pixels.is_empty() {
            state.pixels = judge.pixels(watch)?;
            let splits = state.pixels.clone();
            self.emit(Event::Pixels { splits });
        }
        let Setup { judge, trainer, state, .. } = &mut self.setup;
        let (caller, start) = (&mut self.caller, Instant::now());
        if state.untrained.is_empty() {
            state.untrained = judge.network(trainer, &mut |progress| caller.watch(progress))?;
            self.looked = Some(start.elapsed());
            let splits = state.untrained.clone();
            self.emit(Event::Evaluated { step: 0, splits });
        }
        Ok(())
    }

    /// Judges the network; only when no later step is under way. Says whether it came to its end.
    pub(super) fn evaluate(&mut self, step: u64) -> Result<bool> {
        let start = Instant::now();
        let Setup { judge, trainer, state, .. } = &mut self.setup;
        let caller = &mut self.caller;
        let watch = &mut |progress: &_| caller.watch(progress);
        let copies = trainer.prototypes()?.map_or(Ok(0), |prototypes| {
            pass::run(COMPARING, prototypes.rows, watch, |pass| cluster::duplicated(&prototypes, pass))
        });
        let judged = copies.and_then(|copies| {
            let splits = if judge.has_labels() { judge.network(trainer, watch)? } else { Vec::new() };
            Ok((copies, splits))
        });
        self.clock.leave_out(start.elapsed());
        let splits = match judged {
            Ok((copies, splits)) => {
                state.duplicated = copies as u64;
                splits
            }
            Err(Error::Stopped) => return Ok(false),
            Err(error) => return Err(error),
        };
        (state.trained, state.evaluated) = (splits.clone(), Some(step));
        self.looked = Some(start.elapsed());
        if !splits.is_empty() {
            self.emit(Event::Evaluated { step, splits });
        }
        Ok(true)
    }

    /// Makes the evaluation in which the run was stopped, after whose step it reported without one.
    pub(super) fn make_up(&mut self, step: u64) -> Result<bool> {
        let evaluated = self.evaluate(step)?;
        let Setup { state, run, .. } = &self.setup;
        if evaluated && self.is_evaluation(step) && !state.trained.is_empty() {
            run.amend_metrics(step, "knn", &state.trained)?;
        }
        Ok(evaluated)
    }

    /// Whether the steps must end for the time that is left: at the end, or so long before it that there is
    /// time for the last look.
    pub(super) fn is_time_to_end(&self) -> bool {
        let Some(deadline) = self.caller.deadline else { return false };
        let most = self.config.max_time.unwrap_or_default() / LAST_LOOK;
        let needed = self.last_look_seconds().filter(|&needed| needed <= most.as_secs_f64()).unwrap_or(0.0);
        deadline.saturating_duration_since(Instant::now()).as_secs_f64() <= needed
    }

    /// What the last look takes, going by the last evaluation: as much again, and the gallery.
    fn last_look_seconds(&self) -> Option<f64> {
        let judge = &self.setup.judge;
        let shown = judge.shown.len() as f64 / judge.count().max(1) as f64;
        Some(self.looked?.as_secs_f64() * (1.0 + shown))
    }
}
