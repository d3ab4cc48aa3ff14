//! What a run would take, without making one: memory at once, and time by measuring a few of its steps.

use super::forecast::Forecast;
use super::ground::{self, Ground};
use super::rehearsal::Rehearsal;
use super::setup;
use crate::config::Config;
use crate::data::Dataset;
use crate::error::Result;
use crate::gpu::{DriverMemory, Estimate};
use crate::judge::run::Judge;
use crate::measure::again_share;
use crate::method::{MemoryUse, Trainer};
use crate::pass::{self, Watch};
use crate::ranks::Alone;
use std::sync::Arc;
use std::time::Instant;

/// Seconds that steps of one kind are timed.
const SECONDS: f64 = 2.0;

/// What a run would cost.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanFigures {
    /// Dispatches of a step.
    pub dispatches: usize,
    /// What a step is expected to take, by rough figures of the kind of adapter.
    pub estimate: Estimate,
    /// Device memory.
    pub memory: MemoryUse,
    /// What the driver has allocated once everything is set up, where it tells: `memory.kept`, if the
    /// plan is right.
    pub driver: Option<DriverMemory>,
    /// Weights that are learned.
    pub parameters: u64,
    /// The adapter that it was planned for.
    pub adapter: String,
    /// Pictures of each part of a batch; one part where the batch goes through the trunk as a whole.
    pub parts: Vec<usize>,
    /// Operations that parts add to a step, as a share of those of the step: another forward pass of the trunk.
    pub extra: f64,
}

/// Says what memory a run would take, without training.
///
/// # Errors
/// Settings that make no sense, no adapter, or a run that does not fit.
pub fn plan(config: &Config) -> Result<PlanFigures> {
    let (ground, trainer) = prepare(config, &mut pass::unwatched)?;
    Ok(figures(&ground, &trainer, &ground.judge()))
}

/// The same for pictures that are open already, as these settings read them. Everything is a pass.
///
/// # Errors
/// As of [`plan`]; [`crate::error::Error::Stopped`] where a pass is.
pub(crate) fn plan_on(config: &Config, dataset: Arc<Dataset>, watch: &mut Watch<'_>) -> Result<PlanFigures> {
    config.validate()?;
    let ground = Ground::on(&mut config.clone(), dataset, true, (0, 0), &Alone::ranks(), watch)?;
    let trainer = set_up(&ground, watch)?;
    Ok(figures(&ground, &trainer, &ground.judge()))
}

/// What [`plan`] says, and how long it would take: a few steps are measured, and thrown away. `done` steps of the run are done
/// already, where it goes on. Everything is a pass.
///
/// # Errors
/// As [`plan`]; what the driver or the loader reports; [`crate::error::Error::Stopped`] where a pass is.
pub fn forecast(config: &Config, done: u64, watch: &mut Watch<'_>) -> Result<(PlanFigures, Forecast)> {
    let since = Instant::now();
    let (ground, mut trainer) = prepare(config, watch)?;
    let mut judge = ground.judge();
    let figures = figures(&ground, &trainer, &judge);
    let Ground { config, dataset, spec, .. } = &ground;
    let total_steps = config.length(ground.epoch()).total;
    let rehearsal = Rehearsal { config, dataset, spec, total_steps, done, since, seconds: SECONDS };
    Ok((figures, rehearsal.measure(&mut trainer, &mut judge, watch)?))
}

/// Everything that a fresh run would open and refuse.
fn prepare(config: &Config, watch: &mut Watch<'_>) -> Result<(Ground, Trainer)> {
    config.validate()?;
    let ground = Ground::open(&mut config.clone(), true, (0, 0), &Alone::ranks(), watch)?;
    let trainer = set_up(&ground, watch)?;
    Ok((ground, trainer))
}

/// The network of a fresh run.
fn set_up(ground: &Ground, watch: &mut Watch<'_>) -> Result<Trainer> {
    setup::check(&ground.config)?;
    ground.trainer(watch)
}

fn figures(ground: &Ground, trainer: &Trainer, judge: &Judge) -> PlanFigures {
    PlanFigures {
        extra: again_share(&ground.config),
        parts: trainer.parts(),
        dispatches: trainer.dispatches(),
        estimate: trainer.estimate(),
        memory: ground::memory(&ground.config, trainer, judge),
        driver: ground.gpu.driver_memory(),
        parameters: trainer.parameters(),
        adapter: ground.gpu.facts().name.clone(),
    }
}
