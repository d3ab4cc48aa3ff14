//! Opening everything a run needs: pictures, device, network, run folder, fresh or resumed.
//!
//! The run folder of a fresh run is made last, so that a run that cannot start leaves nothing behind.

use super::budget::Budget;
use super::caller::Caller;
use super::ground::{self, Ground};
use super::health::Monitor;
use super::keeping::Keeping;
use super::lead::Leader;
use super::schedule::Schedule;
use super::state::RunState;
use super::tensorboard::Board;
use crate::config::{Config, Preset};
use crate::data::{Dataset, Loader, LoaderSpec};
use crate::error::{Error, Result};
use crate::gpu::AdapterFacts;
use crate::interop::weights::Weights;
use crate::judge::run::Judge;
use crate::method::Trainer;
use crate::model::{Fit, NetworkSpec, adapt_stem};
use crate::pass;
use crate::ranks::Exchange;
use crate::runs::checkpoint::{Checkpoint, Loaded};
use crate::runs::run_folder::RunFolder;
use crate::trained;
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
fn frozen(ground: &mut Ground) -> Result<()> {
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
    let earlier = resume.map(earlier).transpose()?;
    let mut watch = |progress: &_| caller.watch_opening(progress);
    let start = earlier.as_ref().map_or((0, 0), |(_, loaded)| {
        let meta = &loaded.checkpoint.meta;
        (meta.epoch, meta.batch_in_epoch)
    });
    if budget.is_some() {
        // Nobody wants to wait for a measurement to hear this.
        check(config)?;
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
    if let (Some(init), None) = (&chosen.init, &earlier) {
        notices.push(start_from(init, &chosen, &mut trainer)?);
    }
    let pictures = dataset.pretrain().len();
    let (run, state, saved) = match earlier {
        Some((run, loaded)) => {
            let state = restore(config, &mut trainer, &run, &loaded, &mut notices)?;
            note_changes(&chosen, &run, &loaded, pictures as u64, state.pictures, &mut notices)?;
            let step = loaded.checkpoint.meta.step;
            (run, state, Some((loaded.path, step)))
        }
        None => {
            let run = new_folder(&chosen)?;
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
fn earlier(path: &Path) -> Result<(RunFolder, Loaded)> {
    let run = RunFolder::open(path)?;
    let loaded = Checkpoint::load(run.path())?;
    Ok((run, loaded))
}

/// Refuses what a fresh run would be refused for once its pictures are open, before anything is written and before the
/// device is asked for memory: weights that do not fit, a run folder in use.
pub(super) fn check(config: &Config) -> Result<()> {
    if let Some(init) = &config.init {
        fitting(init, config)?;
    }
    config.out.as_deref().map_or(Ok(()), RunFolder::check_new)
}

/// The weights of a file or run, how they fit the network of the settings, and how many channels their stem was
/// for where that is another number.
fn fitting(init: &Path, config: &Config) -> Result<(Weights, Fit, Option<usize>)> {
    let (mut weights, _) = trained::read(init, config.weights_key.as_deref())?;
    let stem = adapt_stem(&mut weights.tensors, config.channels);
    let fit = NetworkSpec::of_config(config).compare(&weights.tensors);
    if fit.fitting == 0 {
        let reason = format!("none of its weights fit the network of this run: {fit}");
        return Err(Error::Checkpoint { path: weights.path, reason });
    }
    Ok((weights, fit, stem))
}

/// Starts from the weights of a file or run: all that fit, and a sentence that lists the others.
fn start_from(init: &Path, config: &Config, trainer: &mut Trainer) -> Result<String> {
    let (weights, mut fit, stem) = fitting(init, config)?;
    trainer.start_from(&weights.tensors)?;
    // A method has tensors of its own beside those of the network, which come along: a predictor, classes, sets.
    let wanted: BTreeMap<String, Vec<usize>> = trainer.wanted_tensors().into_iter().collect();
    let before = fit.unused.len();
    fit.unused.retain(|name| wanted.get(name) != weights.tensors.get(name).map(|tensor| &tensor.shape));
    fit.fitting += before - fit.unused.len();
    let which = weights.notice.map_or_else(String::new, |notice| format!(" {notice}"));
    let stem = stem.map(|channels| {
        format!(
            " Its stem takes {channels} channels: each of the {} here has their average, so that equal values add up to \
             the same.",
            config.channels
        )
    });
    Ok(format!("Starting from {}: {fit}.{which}{}", init.display(), stem.unwrap_or_default()))
}

/// Puts a checkpoint into the trainer and cuts the metrics back to it.
fn restore(
    config: &Config,
    trainer: &mut Trainer,
    run: &RunFolder,
    loaded: &Loaded,
    notices: &mut Vec<String>,
) -> Result<RunState> {
    let Loaded { checkpoint, path, warning } = loaded;
    checkpoint.expect_shapes(path, &trainer.wanted_tensors())?;
    config.check_resumed(&checkpoint.meta.config, path)?;
    let state = RunState::from_value(&checkpoint.meta.state, path)?;
    if state.position.step != checkpoint.meta.step || state.reported != checkpoint.meta.step {
        let reason = format!("its parts disagree about the step ({})", checkpoint.meta.step);
        return Err(Error::Checkpoint { path: path.clone(), reason });
    }
    trainer.import(&checkpoint.tensors, &state.position)?;
    run.truncate_metrics_after(checkpoint.meta.step)?;
    notices.extend(warning.clone());
    Ok(state)
}

/// Records changed settings of a resumed run, and says so when it cannot go on as it would have.
fn note_changes(
    config: &Config,
    run: &RunFolder,
    loaded: &Loaded,
    pictures: u64,
    before: u64,
    notices: &mut Vec<String>,
) -> Result<()> {
    if before != pictures {
        notices.push(format!(
            "The data set has {pictures} pictures now, {before} when the run began: it goes on, but not as it would have."
        ));
    }
    let earlier = Config::from_toml(&loaded.checkpoint.meta.config, &loaded.path.display().to_string())?;
    notices.extend(config.other_statistics(&earlier));
    let text = config.to_toml();
    if std::fs::read_to_string(run.config()).ok().as_deref() != Some(text.as_str()) {
        run.write_text_atomic(&run.config(), &text)?;
    }
    Ok(())
}

/// The folder that was asked for, or the next `runs/<preset>-N`.
fn new_folder(config: &Config) -> Result<RunFolder> {
    match &config.out {
        Some(out) => RunFolder::create(out),
        None => RunFolder::create_next(Path::new("runs"), config.preset.map_or("run", Preset::name)),
    }
}
