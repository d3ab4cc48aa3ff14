//! What a run would take, without making one: memory at once, and time by measuring a few of its steps.

use super::beginning;
use super::budget::{self, Budget};
use super::earlier;
use super::forecast::Forecast;
use super::ground::{self, Ground};
use super::rehearsal::Rehearsal;
use super::run::TrainOptions;
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
use crate::runs::checkpoint::Checkpoint;
use crate::runs::run_folder::RunFolder;
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
    /// What a run would say before its first step, where it is the plan of a run.
    pub notices: Vec<String>,
}

/// Says what memory a fresh run of these settings would take, without training. Where its folder would be is looked at only
/// where the settings name one.
///
/// # Errors
/// Settings that make no sense, no adapter, or a run that does not fit.
pub fn plan(config: &Config) -> Result<PlanFigures> {
    config.validate()?;
    beginning::check_named(config)?;
    let watch: &mut Watch<'_> = &mut pass::unwatched;
    let ground = Ground::open(&mut config.clone(), true, (0, 0), &Alone::ranks(), watch)?;
    let trainer = ground.trainer(watch)?;
    Ok(figures(&ground, &trainer, &ground.judge(), Vec::new()))
}

/// The same for pictures that are open already, as these settings read them. Everything is a pass.
///
/// # Errors
/// As of [`plan`]; [`crate::error::Error::Stopped`] where a pass is.
pub(crate) fn plan_on(config: &Config, dataset: Arc<Dataset>, watch: &mut Watch<'_>) -> Result<PlanFigures> {
    config.validate()?;
    beginning::check_named(config)?;
    let ground = Ground::on(&mut config.clone(), dataset, true, (0, 0), &Alone::ranks(), watch)?;
    let trainer = ground.trainer(watch)?;
    Ok(figures(&ground, &trainer, &ground.judge(), Vec::new()))
}

/// Says what memory a run would take, fresh or resumed, and what it would say before its first step. It is refused for what
/// the run would be refused for, and changes nothing. Everything is a pass.
///
/// # Errors
/// As [`super::train`], but for what only training finds; [`crate::error::Error::Stopped`] where a pass is.
pub fn plan_run(request: &TrainOptions, watch: &mut Watch<'_>) -> Result<PlanFigures> {
    let Stage { ground, trainer, judge, notices, .. } = Stage::open(request, watch)?;
    Ok(figures(&ground, &trainer, &judge, notices))
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

/// What [`plan_run`] says, and how long it would take: a few steps are measured, and thrown away. A run that is to take a
/// time has as many steps as fit it. Everything is a pass.
///
/// # Errors
/// As [`plan_run`]; a time in which not even one step fits; what the driver or the loader reports.
pub fn forecast(request: &TrainOptions, watch: &mut Watch<'_>) -> Result<Planned> {
    let since = Instant::now();
    let budget = request.within.map(|time| Budget { time, since });
    let Stage { mut ground, mut trainer, mut judge, notices, done, making } = Stage::open(request, watch)?;
    let figures = figures(&ground, &trainer, &judge, notices);
    let Ground { config, dataset, spec, .. } = &ground;
    let total_steps = config.length(ground.epoch()).total;
    let seconds = budget.map_or(SECONDS, Budget::measuring);
    let rehearsal = Rehearsal { config, dataset, spec, total_steps, done, since, seconds };
    let measured = rehearsal.measure(&mut trainer, &mut judge, watch)?;
    let settled = budget.map(|budget| budget.settle(&mut ground.config, &measured, making));
    let (forecast, suited) = settled.transpose()?.unwrap_or((measured, Vec::new()));
    Ok(Planned { figures, forecast, suited })
}

/// Everything that a run would open and refuse, short of its folder.
struct Stage {
    ground: Ground,
    trainer: Trainer,
    judge: Judge,
    /// What the run would say.
    notices: Vec<String>,
    /// Steps that are done already.
    done: u64,
    /// Seconds of setting up the network.
    making: f64,
}

impl Stage {
    fn open(request: &TrainOptions, watch: &mut Watch<'_>) -> Result<Self> {
        let TrainOptions { config, resume, within, .. } = request;
        config.validate()?;
        within.map_or(Ok(()), |_| budget::check(config, resume.is_some()))?;
        // The run itself would claim its folder, where another may go on meanwhile.
        let earlier =
            resume.as_deref().map(|path| RunFolder::find(path).and_then(|_| Checkpoint::load(path)));
        let earlier = earlier.transpose()?;
        if earlier.is_none() {
            beginning::check(config)?;
        }
        let (mut config, start) = (config.clone(), earlier::start(earlier.as_ref()));
        let mut ground = Ground::open(&mut config, earlier.is_none(), start, &Alone::ranks(), watch)?;
        if earlier.is_none() && within.is_none() {
            setup::frozen(&mut ground)?;
        }
        let since = Instant::now();
        let (mut trainer, judge) = (ground.trainer(watch)?, ground.judge());
        let making = since.elapsed().as_secs_f64();
        let mut notices = std::mem::take(&mut ground.notices);
        notices.extend(judge.notice.clone());
        let done = match &earlier {
            Some(loaded) => {
                let before = earlier::check(&config, &trainer, loaded)?.pictures;
                let pictures = ground.dataset.pretrain().len() as u64;
                notices.extend(earlier::changes(&ground.config, loaded, pictures, before)?);
                loaded.checkpoint.meta.step
            }
            None => {
                notices.extend(beginning::start_from(&ground.config, &mut trainer)?);
                0
            }
        };
        Ok(Self { ground, trainer, judge, notices, done, making })
    }
}

fn figures(ground: &Ground, trainer: &Trainer, judge: &Judge, notices: Vec<String>) -> PlanFigures {
    PlanFigures {
        notices,
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
