//! Measuring a few steps before a run begins: the same device, loader, crops and network as the run will have, on its own
//! pictures. What is trained here is thrown away: the network of the run is made anew, so that nothing of a measurement
//! gets into it.

use super::crops;
use super::forecast::{Forecast, Rhythm, StepTimes};
use crate::config::{Config, Precision};
use crate::data::spread::some_of;
use crate::data::{Batch, Dataset, Loader, LoaderSpec};
use crate::error::{Error, Result};
use crate::gpu::Family;
use crate::judge::run::Judge;
use crate::measure::{Extent, Work, flop_per_view, repeated_share};
use crate::method::Trainer;
use crate::pages::gallery;
use crate::pass::{self, Pass, Watch};
use std::sync::Arc;
use std::time::Instant;

const MEASURING: (&str, &str) = ("measuring a few steps", "steps");
/// Rows of clusters are kept from a first look; it goes forward only, which is about a third of a step.
const FORWARD: f64 = 1.0 / 3.0;
/// Pictures whose size, decoding and drawing stand for those of all.
const PICTURES: usize = 24;
/// Bytes a second that a slow disk takes a checkpoint at.
const DISK: f64 = 100e6;
/// A step that takes so many seconds is measured once of each kind, after one that is not.
const LONG: f64 = 2.0;
/// One that will take so many is not measured: what it takes follows from its operations, at the speed of the looks.
const SLOW: f64 = 8.0;
/// Steps of one kind that are timed, at most.
const MOST: usize = 200;

/// What is measured.
pub(super) struct Rehearsal<'a> {
    pub(super) config: &'a Config,
    pub(super) dataset: &'a Arc<Dataset>,
    /// How the run reads pictures.
    pub(super) spec: &'a LoaderSpec,
    /// Steps of the whole run, and those that are done.
    pub(super) total_steps: u64,
    pub(super) done: u64,
    /// When the run was asked for.
    pub(super) since: Instant,
    /// Seconds that steps of one kind are timed.
    pub(super) seconds: f64,
}

impl Rehearsal<'_> {
    /// Measures the steps of `trainer`, which is of no use afterwards, and what `judge` takes for its looks.
    ///
    /// # Errors
    /// What the driver or the loader reports; [`Error::Stopped`] where the pass is.
    pub(super) fn measure(
        &self,
        trainer: &mut Trainer,
        judge: &mut Judge,
        watch: &mut Watch<'_>,
    ) -> Result<Forecast> {
        let opening = self.since.elapsed().as_secs_f64();
        let looks = judge.rehearse(trainer, self.config.prototypes, watch)?;
        // The steps that are measured fill what a first look is to fill.
        let wants_survey = trainer.wants_survey();
        let per_epoch = (self.dataset.pretrain().len() / self.config.batch) as u64;
        let pictures = per_epoch as usize * self.config.batch;
        let work = Work::of(self.config, &Extent { pictures, classes: self.dataset.classes().len() });
        let operations = work.step as f64 * (1.0 + repeated_share(self.config));
        let expected = operations * looks.computing / flop_per_view(self.config).max(1) as f64;
        let measured = expected < SLOW;
        let (first_step, step) = if measured {
            pass::run(MEASURING, 0, watch, |pass| self.steps(trainer, pass))?
        } else {
            (0.0, StepTimes { device: expected, decoding: expected, kept: expected, share: self.kept()? })
        };
        let checkpoint = checkpoint(trainer)?;
        let each = step.device / work.step.max(1) as f64;
        let survey = if wants_survey {
            per_epoch as f64 * (step.decoding - (1.0 - FORWARD) * step.device).max(FORWARD * step.device)
        } else {
            0.0
        };
        Ok(Forecast {
            opening,
            first_looks: looks.network + looks.pixels + survey,
            first_step,
            step,
            epoch: each * work.epoch as f64,
            evaluation: looks.network,
            checkpoint,
            gallery: looks.shown + self.drawing(),
            whole: looks.whole,
            measured,
            batch: self.config.batch,
            flop: work.step,
            matrix_units: trainer.gpu().family() == Family::Matrix && self.config.precision == Precision::F16,
            rhythm: Rhythm {
                epoch: per_epoch,
                evaluation: self.config.eval_every.saturating_mul(per_epoch),
                checkpoint: self.config.checkpoint_every,
            },
            total_steps: self.total_steps,
            done: self.done,
            measuring: self.since.elapsed().as_secs_f64() - opening,
        })
    }

    /// What the first step takes beyond others, and what others take.
    fn steps(&self, trainer: &mut Trainer, pass: &Pass) -> Result<(f64, StepTimes)> {
        let loader = |few: Option<usize>| {
            let spec = LoaderSpec { start_epoch: 0, start_batch: 0, few, ..self.spec.clone() };
            Loader::new(Arc::clone(self.dataset), spec)
        };
        let mut fresh = loader(None)?;
        let batch = fresh.next()?;
        let start = Instant::now();
        one(trainer, &batch)?;
        trainer.flush()?;
        let first = start.elapsed().as_secs_f64();
        // The loader ends first: what it makes ahead takes from the device's time where both are the processor's.
        drop(fresh);
        let device = self.pace(first, pass, || one(trainer, &batch))?;
        trainer.flush()?;
        let mut fed = |few| -> Result<f64> {
            let mut loader = loader(few)?;
            let pace = self.pace(first, pass, || {
                let batch = loader.next()?;
                one(trainer, &batch)?;
                loader.recycle(batch);
                Ok(())
            })?;
            trainer.flush()?;
            Ok(pace)
        };
        let decoding = fed(None)?;
        let share = self.kept()?;
        // Beside a long step, decoding is nothing.
        let differs = share > 0.0 && first <= LONG;
        let kept = if differs { fed(Some(self.config.batch))? } else { decoding };
        Ok(((first - decoding).max(0.0), StepTimes { device, decoding, kept, share }))
    }

    /// Seconds of a step in the long run: the first of them are not timed, because batches were made ahead for them.
    fn pace(&self, first: f64, pass: &Pass, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
        let (ahead, least) = if first > LONG { (1, 1) } else { (self.spec.prefetch + 2, 4) };
        let mut next = || {
            pass.check()?;
            step()?;
            pass.advance(1)
        };
        for _ in 0..ahead {
            next()?;
        }
        let (start, mut timed) = (Instant::now(), 0);
        while timed < least || (timed < MOST && start.elapsed().as_secs_f64() < self.seconds) {
            next()?;
            timed += 1;
        }
        Ok(start.elapsed().as_secs_f64() / timed as f64)
    }

    /// The share of the pictures that the cache has room for.
    fn kept(&self) -> Result<f64> {
        let sample = some_of(self.dataset.pretrain(), PICTURES);
        let decoded = sample.iter().filter_map(|&picture| self.dataset.decode(picture).ok());
        let sizes: Vec<usize> = decoded.map(|picture| picture.samples().len()).collect();
        if sizes.is_empty() {
            let reason = "none of the pictures that were tried can be read".to_owned();
            return Err(Error::Data { path: self.dataset.path().to_owned(), reason });
        }
        let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
        let all = mean * self.dataset.pretrain().len() as f64;
        Ok((self.spec.cache_bytes as f64 / all.max(1.0)).min(1.0))
    }

    /// Seconds of drawing the gallery, whose thumbnails are made by as many threads as there are.
    fn drawing(&self) -> f64 {
        let all: Vec<u32> = (0..self.dataset.len() as u32).collect();
        let sample = some_of(&all, PICTURES);
        let start = Instant::now();
        sample.iter().for_each(|&picture| drop(self.dataset.show(picture)));
        let each = start.elapsed().as_secs_f64() / sample.len().max(1) as f64;
        let shown = gallery::most_thumbnails(self.config.prototypes);
        let threads = rayon::current_num_threads().max(1);
        each * shown.min(all.len()) as f64 / threads as f64
    }
}

/// Seconds of a checkpoint: reading everything back, and writing it to a slow disk.
fn checkpoint(trainer: &Trainer) -> Result<f64> {
    let start = Instant::now();
    let bytes: usize = trainer.export()?.values().map(|tensor| 4 * tensor.data.len()).sum();
    Ok(start.elapsed().as_secs_f64() + bytes as f64 / DISK)
}

/// A step at a learning rate of nothing: weights stay sound, whatever the pictures are.
fn one(trainer: &mut Trainer, batch: &Batch) -> Result<()> {
    trainer.step(crops::batch(batch), 0.0).map(drop)
}
