//! Opening everything a run needs: pictures, device, network, run folder, fresh or resumed.
//!
//! The run folder of a fresh run is made last, so that a run that cannot start leaves nothing behind.

use super::beginning;
use super::budget::Budget;
use super::caller::Caller;
use super::earlier;
use super::ground::{self, Ground};
use super::health::Monitor;
use super::keeping::Keeping;
use super::lead::Leader;
use super::schedule::Schedule;
use super::state::RunState;
use super::tensorboard::Board;
use crate::config::Config;
use crate::data::{Dataset, Loader, LoaderSpec};
use crate::error::Result;
use crate::gpu::AdapterFacts;
use crate::judge::run::Judge;
use crate::method::Trainer;
use crate::pass;
use crate::ranks::Exchange;
use crate::runs::checkpoint::{Checkpoint, Loaded};
use crate::runs::run_folder::RunFolder;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run that is ready for its next step.
pub(super) struct Setup {
    /// The settings, with what they left open decided.
    pub(super) config: Config,
    pub(super) run: RunFolder,
    pub(super) board: Option<Board>,
    pub(super) dataset: Arc<Dataset>,
    pub(super) loader: Loader,
    /// How the loader reads pictures.
    pub(super) spec: LoaderSpec,
    pub(super) trainer: Trainer,
    pub(super) judge: Judge,
    pub(super) schedule: Schedule,
    pub(super) state: RunState,
    pub(super) adapter: AdapterFacts,
    /// What the driver has allocated for all this, where it tells.
    pub(super) driver_bytes: Option<u64>,
    /// The time that the run is to take, where it was given one.
    pub(super) keeping: Option<Keeping>,
    /// The checkpoint that the run goes on from.
    pub(super) saved: Option<(PathBuf, u64)>,
    /// Pictures that other ranks could not read, as of the last checkpoint.
    pub(super) elsewhere: BTreeMap<u32, String>,
    /// What a person should know.
    pub(super) notices: Vec<String>,
}

/// Suits to a short run how long its prototypes are frozen, and says so.
pub(super) fn frozen(ground: &mut Ground) -> Result<()> {
    let (usual, total) = (ground.config.frozen_steps(), ground.schedule().length.at_first());
    if let Some(most) = ground.config.fit_frozen(total)? {
        ground.notices.push(format!(
            "The prototypes are frozen for the first {most} of {total} steps: the recipe's {usual} are too many for a run this \
             short."
        ));
    }
    Ok(())
}

/// Opens the run that `config` and `resume` describe, with as many steps as fit `budget` where there is one.
///
/// `caller` watches what takes long; a run that it stops here leaves nothing behind.
pub(super) fn open(
    config: &mut Config,
    resume: Option<&Path>,
    budget: Option<Budget>,
    leader: &Leader,
    caller: &mut Caller<'_>,
) -> Result<Setup> {
    let earlier = resume.map(open_earlier).transpose()?;
    let mut watch = |progress: &_| caller.watch_opening(progress);
    let start = earlier::start(earlier.as_ref().map(|(_, loaded)| loaded));
    if earlier.is_none() {
        // Nobody wants to wait for pictures to be listed and measured to hear this.
        beginning::check(config)?;
    }
    let mut ground = Ground::open(config, earlier.is_none(), start, leader.ranks(), &mut watch)?;
    let (mut trainer, keeping) = match budget {
        Some(budget) => {
            let (trainer, keeping) = budget.fit(&mut ground, &mut watch)?;
            (trainer, Some(keeping))
        }
        None => {
            if earlier.is_none() {
                frozen(&mut ground)?;
            }
            (leader.open(&ground, start, || ground.trainer(&mut watch))?, None)
        }
    };
    let loader = Loader::new(Arc::clone(&ground.dataset), ground.spec.clone())?;
    let schedule = ground.schedule();
    trainer.set_length(&schedule.length);
    // The watch is asked once more before anything is written: a run that was stopped leaves no folder.
    pass::run(ground::PREPARING, 0, &mut watch, |_| Ok(()))?;
    let judge = ground.judge();
    let Ground { config: chosen, dataset, spec, gpu, mut notices, .. } = ground;
    notices.extend(judge.notice.clone());
    notices.extend(keeping.as_ref().map(Keeping::sentence));
    notices.extend(exchanged(&trainer, &**leader.ranks()));
    if earlier.is_none() {
        notices.extend(beginning::start_from(&chosen, &mut trainer)?);
    }
    let pictures = dataset.pretrain().len();
    let (run, state, saved) = match earlier {
        Some((run, loaded)) => {
            let state = restore(config, &mut trainer, &run, &loaded)?;
            notices.extend(earlier::changes(&chosen, &loaded, pictures as u64, state.pictures)?);
            record(&chosen, &run)?;
            let step = loaded.checkpoint.meta.step;
            (run, state, Some((loaded.path, step)))
        }
        None => {
            let run = beginning::new_folder(&chosen)?;
            run.write_text_atomic(&run.config(), &chosen.to_toml())?;
            let monitor = Monitor::new(schedule.length.at_first(), chosen.frozen_steps());
            (run, RunState::new(trainer.position(), chosen.prototypes, pictures, monitor), None)
        }
    };
    leader.hand_over(&trainer)?;
    let board = chosen.tensorboard.then(|| Board::begin(run.path(), state.reported)).transpose()?;
    Ok(Setup {
        adapter: gpu.facts().clone(),
        driver_bytes: gpu.driver_memory().map(|memory| memory.allocated),
        config: chosen,
        run,
        board,
        dataset,
        loader,
        spec,
        trainer,
        judge,
        schedule,
        state,
        keeping,
        saved,
        elsewhere: BTreeMap::new(),
        notices,
    })
}

/// What several ranks send one another, in a sentence.
fn exchanged(trainer: &Trainer, ranks: &dyn Exchange) -> Option<String> {
    let (count, bytes) = (ranks.size(), trainer.exchanged_bytes());
    (count > 1)
        .then(|| format!("{count} ranks: each sends {:.1} MB to the others in a step.", bytes as f64 * 1e-6))
}

/// The folder and the newest whole checkpoint of an earlier run.
fn open_earlier(path: &Path) -> Result<(RunFolder, Loaded)> {
    let run = RunFolder::open(path)?;
    let loaded = Checkpoint::load(run.path())?;
    Ok((run, loaded))
}

/// Puts a checkpoint into the trainer and cuts the metrics back to it.
fn restore(config: &Config, trainer: &mut Trainer, run: &RunFolder, loaded: &Loaded) -> Result<RunState> {
    let state = earlier::check(config, trainer, loaded)?;
    trainer.import(&loaded.checkpoint.tensors, &state.position)?;
    run.truncate_metrics_after(loaded.checkpoint.meta.step)?;
    Ok(state)
}

/// Records changed settings of a resumed run.
fn record(config: &Config, run: &RunFolder) -> Result<()> {
    let text = config.to_toml();
    if std::fs::read_to_string(run.config()).ok().as_deref() != Some(text.as_str()) {
        run.write_text_atomic(&run.config(), &text)?;
    }
    Ok(())
}
