//! What a method does between steps: a first look at all pictures, and what begins an epoch.
//!
//! Both are passes that whoever started the run may stop. A run that is stopped in one has done no step since its last
//! checkpoint, so that a resumed run makes the whole pass again and computes the same.

use super::crops;
use super::lead::Order;
use super::run::Engine;
use super::setup::Setup;
use crate::data::{Loader, LoaderSpec};
use crate::error::{Error, Result};
use crate::pass;
use std::sync::Arc;
use std::time::Instant;

const SURVEYING: (&str, &str) = ("looking at all pictures once", "pictures");
const LABELLING: (&str, &str) = ("clustering the pictures", "rows");

impl Engine<'_> {
    /// The first look, for a method that wants one: an epoch of crops, without training.
    pub(super) fn survey(&mut self) -> Result<()> {
        let start = Instant::now();
        let Setup { dataset, spec, trainer, schedule, .. } = &mut self.setup;
        if !trainer.wants_survey() {
            return Ok(());
        }
        let (caller, leader) = (&mut self.caller, &self.leader);
        let spec = LoaderSpec { start_epoch: 0, start_batch: 0, ..spec.clone() };
        let (batch, steps) = (spec.batch, schedule.steps_per_epoch as usize);
        let mut loader = Loader::new(Arc::clone(dataset), spec)?;
        let watch = &mut |progress: &_| caller.watch(progress);
        let surveyed = pass::run(SURVEYING, steps * batch, watch, |pass| {
            for _ in 0..steps {
                let batch = loader.next()?;
                leader.with_batch(&Order::Survey, || trainer.survey(crops::batch(&batch)))?;
                pass.advance(batch.pictures.len())?;
                loader.recycle(batch);
            }
            Ok(())
        });
        self.clock.leave_out(start.elapsed());
        match surveyed {
            // The loop of steps sees it too and ends the run.
            Err(Error::Stopped) => Ok(()),
            surveyed => surveyed,
        }
    }

    /// Lets the method begin an epoch; says whether it came to its end.
    pub(super) fn begin_epoch(&mut self, epoch: u64) -> Result<bool> {
        let start = Instant::now();
        self.leader.each(&Order::Epoch(epoch))?;
        let Setup { trainer, .. } = &mut self.setup;
        let caller = &mut self.caller;
        let watch = &mut |progress: &_| caller.watch(progress);
        let begun = pass::run(LABELLING, 0, watch, |pass| trainer.begin_epoch(epoch, pass));
        self.clock.leave_out(start.elapsed());
        match begun {
            Ok(()) => Ok(true),
            Err(Error::Stopped) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
