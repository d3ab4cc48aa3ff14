//! What a run would take, without making one: memory at once, and time by measuring a few of its steps.

use super::budget::Budget;
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
use std::time::{Duration, Instant};

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
    let ground = open(config, &mut pass::unwatched)?;
    let trainer = set_up(&ground, &mut pass::unwatched)?;
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

/// What a run would take, memory and time.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Memory.
    pub figures: PlanFigures,
    /// Time.
    pub forecast: Forecast,
    /// What of the recipe would be changed so that it suits the time that the run is given, in words that follow "the network".
    pub suited: Vec<String>,
}

/// What [`plan`] says, and how long it would take: a few steps are measured, and thrown away. A run that is to end `within` a
/// time has as many steps as fit it. Of one that goes on, `done` steps are done already. Everything is a pass.
///
/// # Errors
/// As [`plan`]; a time in which not even one step fits; what the driver or the loader reports;
/// [`crate::error::Error::Stopped`] where a pass is.
pub fn forecast(
    config: &Config,
    within: Option<Duration>,
    done: u64,
    watch: &mut Watch<'_>,
) -> Result<Planned> {
    let since = Instant::now();
    let budget = within.map(|time| Budget { time, since });
    let mut ground = open(config, watch)?;
    let start = Instant::now();
    let (mut trainer, mut judge) = (set_up(&ground, watch)?, ground.judge());
    let making = start.elapsed().as_secs_f64();
    let figures = figures(&ground, &trainer, &judge);
    let Ground { config, dataset, spec, .. } = &ground;
    let total_steps = config.length(ground.epoch()).total;
    let seconds = budget.map_or(SECONDS, Budget::measuring);
    let rehearsal = Rehearsal { config, dataset, spec, total_steps, done, since, seconds };
    let measured = rehearsal.measure(&mut trainer, &mut judge, watch)?;
    let settled = budget.map(|budget| budget.settle(&mut ground.config, &measured, making));
    let (forecast, suited) = settled.transpose()?.unwrap_or((measured, Vec::new()));
    Ok(Planned { figures, forecast, suited })
}

/// Everything that a fresh run would open and refuse.
fn open(config: &Config, watch: &mut Watch<'_>) -> Result<Ground> {
    config.validate()?;
    Ground::open(&mut config.clone(), true, (0, 0), &Alone::ranks(), watch)
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
