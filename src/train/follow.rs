//! A rank other than the first of those that train together: it does what rank 0 says, until it says that all is over.

use std::sync::Arc;

use super::crops;
use super::ground::Ground;
use super::lead::{self, Opening, Order};
use super::schedule::Schedule;
use crate::config::Config;
use crate::data::{Batch, Loader, LoaderSpec};
use crate::error::{Error, Result};
use crate::method::{Position, Trainer};
use crate::pass::{self, Pass};
use crate::ranks::{self, Exchange};

/// A rank that is ready for orders.
struct Follower<'a> {
    ranks: &'a Arc<dyn Exchange>,
    ground: Ground,
    schedule: Schedule,
    trainer: Trainer,
    loader: Loader,
    /// The first look at all pictures, and how many of its batches are left.
    survey: Option<(Loader, u64)>,
}

/// Trains with rank 0, which runs [`super::train_among`], and returns when it ends, well or not: it says how.
///
/// # Errors
/// What makes this rank unable to go on in the middle of a step; a rank that is gone.
pub fn follow(ranks: &Arc<dyn Exchange>) -> Result<()> {
    let mut follower: Option<Follower<'_>> = None;
    loop {
        let order = Order::hear(&**ranks)?;
        match (order, &mut follower) {
            (Order::End, _) => return Ok(()),
            (Order::Open(opening), _) => {
                // What fails here, rank 0 says and ends.
                follower = ranks::agree(&**ranks, Follower::open(ranks, &opening)).ok();
            }
            (order, Some(follower)) => {
                follower.obey(order).inspect_err(|error| ranks.leave(&error.to_string()))?;
            }
            (_, None) => return Err(Error::Ranks("rank 0 began before this rank was ready".into())),
        }
    }
}

impl<'a> Follower<'a> {
    fn open(ranks: &'a Arc<dyn Exchange>, opening: &Opening) -> Result<Self> {
        let mut config = Config::of_run(&opening.config, "the settings of rank 0")?;
        config.validate()?;
        // Everything is decided, as it is for a run that goes on.
        let ground = Ground::open(&mut config, false, opening.start, ranks, &mut pass::unwatched)?;
        if ground.pictures() != opening.pictures {
            let path = ground.dataset.path().to_owned();
            let reason = "here are other pictures than rank 0 found: every rank needs the same ones".into();
            return Err(Error::Data { path, reason });
        }
        let mut trainer = ground.trainer(&mut pass::unwatched)?;
        let schedule = ground.schedule();
        trainer.set_length(&schedule.length);
        let loader = Loader::new(Arc::clone(&ground.dataset), ground.spec.clone())?;
        Ok(Self { ranks, ground, schedule, trainer, loader, survey: None })
    }

    fn obey(&mut self, order: Order) -> Result<()> {
        match order {
            Order::Take(position, shapes) => self.take(&position, shapes),
            Order::Survey => self.look(),
            Order::Epoch(epoch) => self.trainer.begin_epoch(epoch, &Pass::default()),
            Order::Step(learning_rate) => self.step(f64::from_bits(learning_rate)),
            Order::Unreadable => {
                let list = serde_json::to_string(&self.loader.unreadable()).unwrap_or_default();
                ranks::say(&**self.ranks, &list).map(drop)
            }
            Order::Open(_) | Order::End => Ok(()),
        }
    }

    fn take(&mut self, position: &Position, shapes: Vec<(String, Vec<usize>)>) -> Result<()> {
        let tensors = lead::receive(&**self.ranks, shapes)?;
        self.trainer.import(&tensors, position)
    }

    fn step(&mut self, learning_rate: f64) -> Result<()> {
        let Some(batch) = agreed(&**self.ranks, self.loader.next()) else { return Ok(()) };
        self.trainer.step(crops::batch(&batch), learning_rate)?;
        self.loader.recycle(batch);
        Ok(())
    }

    fn look(&mut self) -> Result<()> {
        let (mut loader, left) = match self.survey.take() {
            Some(survey) => survey,
            None => {
                let spec = LoaderSpec { start_epoch: 0, start_batch: 0, ..self.ground.spec.clone() };
                (Loader::new(Arc::clone(&self.ground.dataset), spec)?, self.schedule.steps_per_epoch)
            }
        };
        let Some(batch) = agreed(&**self.ranks, loader.next()) else { return Ok(()) };
        self.trainer.survey(crops::batch(&batch))?;
        loader.recycle(batch);
        self.survey = (left > 1).then(|| (loader, left - 1));
        Ok(())
    }
}

/// The share of a batch, where all ranks have theirs; where not, rank 0 says why and ends.
fn agreed(ranks: &dyn Exchange, own: Result<Batch>) -> Option<Batch> {
    ranks::agree(ranks, own).ok()
}
