//! Opening everything a run needs: pictures, device, network, run folder, fresh or resumed.
//!
//! The run folder of a fresh run is made last, so that a run that cannot start leaves nothing behind.

use super::caller::Caller;
use super::crops;
use super::health::Monitor;
use super::memory::Memory;
use super::room;
use super::schedule::Schedule;
use super::tensorboard::Board;
use crate::config::{Augmenter, Config, Preset, RunLength};
use crate::data::configured::{self, augment};
use crate::data::{Dataset, Loader, LoaderSpec};
use crate::error::{Error, Result};
use crate::gpu::{self, AdapterFacts};
use crate::interop::weights::Weights;
use crate::judge::run::Judge;
use crate::method::{Known, Trainer, picture_room};
use crate::model::{Fit, NetworkSpec, adapt_stem};
use crate::pass;
use crate::runs::checkpoint::{Checkpoint, Loaded};
use crate::runs::run_folder::RunFolder;
use crate::trained;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Compiling kernels and making room for tensors, which drivers may take their time for.
const PREPARING: (&str, &str) = ("preparing the device", "");

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
    pub(super) length: RunLength,
    pub(super) memory: Memory,
    pub(super) adapter: AdapterFacts,
    /// What the driver has allocated for all this, where it tells.
    pub(super) driver_bytes: Option<u64>,
    /// The checkpoint that the run goes on from.
    pub(super) saved: Option<(PathBuf, u64)>,
    /// What a person should know.
    pub(super) notices: Vec<String>,
}

/// Opens the run that `config` and `resume` describe. A fresh run that is normalised by its pictures gets
/// their mean and deviation written into `config`; a resumed one has them there.
///
/// `caller` watches what takes long; a run that it stops here leaves nothing behind.
pub(super) fn open(config: &mut Config, resume: Option<&Path>, caller: &mut Caller<'_>) -> Result<Setup> {
    let earlier = resume.map(earlier).transpose()?;
    let mut watch = |progress: &_| caller.watch_opening(progress);
    let dataset = Arc::new(configured::open(config, &mut watch)?);
    let mut notices = dataset.notices().to_vec();
    if earlier.is_none() {
        configured::settle(config, &dataset);
        notices.extend(configured::settle_channels(config));
        notices.extend(configured::normalize(config, &dataset, &mut watch)?);
    }
    let config = &*config;
    let steps_per_epoch = (dataset.pretrain().len() / config.batch.max(1)) as u64;
    let length = config.length(steps_per_epoch);
    let schedule = Schedule {
        steps_per_epoch,
        total_steps: length.total,
        warmup_steps: length.warmup,
        start_lr: config.start_lr,
        base_lr: config.lr,
        final_lr: config.final_lr,
    };
    let start = earlier.as_ref().map_or((0, 0), |(_, loaded)| {
        let meta = &loaded.checkpoint.meta;
        (meta.epoch, meta.batch_in_epoch)
    });
    // A batch beyond the data set is refused before the device is touched.
    let mut spec = loader_spec(config, start);
    spec.check(&dataset)?;
    let gpu = gpu::open(config)?;
    let given = config;
    let (augment, reason) = match resume {
        // A run of before there was a choice.
        Some(_) if config.augment == Augmenter::Auto => (Augmenter::Cpu, None),
        _ => crops::choose(config, &spec, &dataset, &gpu)?,
    };
    notices.extend(reason);
    let config = &Config { augment, ..given.clone() };
    if augment == Augmenter::Gpu {
        spec.pack = Some(picture_room(gpu.facts(), config) as usize);
    }
    let loader = Loader::new(Arc::clone(&dataset), spec.clone())?;
    // The watch is asked once more before anything is written: a run that was stopped leaves no folder.
    let known = known(config, &dataset);
    let settle = |_: &_| room::settle(&gpu, config, &known);
    let (settled, reason) = pass::run(PREPARING, 0, &mut watch, settle)?;
    notices.extend(reason);
    let config = &settled;
    let mut trainer = pass::run(PREPARING, 0, &mut watch, |_| Trainer::knowing(&gpu, config, &known))?;
    trainer.set_length(&length);
    pass::run(PREPARING, 0, &mut watch, |_| Ok(()))?;
    let judge = Judge::new(Arc::clone(&dataset), config);
    notices.extend(judge.notice.clone());
    if let (Some(init), None) = (&config.init, &earlier) {
        notices.push(start_from(init, config, &mut trainer)?);
    }
    let (run, memory, saved) = match earlier {
        Some((run, loaded)) => {
            let memory = restore(given, &mut trainer, &run, &loaded, &mut notices)?;
            note_changes(config, &run, &memory, dataset.pretrain().len(), &mut notices)?;
            let step = loaded.checkpoint.meta.step;
            (run, memory, Some((loaded.path, step)))
        }
        None => {
            let run = new_folder(config)?;
            run.write_text_atomic(&run.config(), &config.to_toml())?;
            let monitor = Monitor::new(length.total, config.freeze_prototypes);
            let pictures = dataset.pretrain().len();
            (run, Memory::new(trainer.position(), config.prototypes, pictures, monitor), None)
        }
    };
    let board = config.tensorboard.then(|| Board::begin(run.path(), memory.reported)).transpose()?;
    let adapter = gpu.facts().clone();
    let driver_bytes = gpu.driver_memory().map(|memory| memory.allocated);
    let config = config.clone();
    Ok(Setup {
        config,
        run,
        board,
        dataset,
        loader,
        spec,
        trainer,
        judge,
        schedule,
        length,
        memory,
        adapter,
        driver_bytes,
        saved,
        notices,
    })
}

/// The folder and the newest whole checkpoint of an earlier run.
fn earlier(path: &Path) -> Result<(RunFolder, Loaded)> {
    let run = RunFolder::open(path)?;
    let loaded = Checkpoint::load(run.path())?;
    Ok((run, loaded))
}

/// Refuses what a fresh run would be refused for, before anything is written and before the device is asked for
/// memory: pictures that are not there, a batch above them, weights that do not fit, a run folder in use.
///
/// Gives what is known of the pictures.
pub(super) fn check(config: &Config) -> Result<Known> {
    let dataset = configured::open(config, &mut pass::unwatched)?;
    loader_spec(config, (0, 0)).check(&dataset)?;
    if let Some(init) = &config.init {
        fitting(init, config)?;
    }
    config.out.as_deref().map_or(Ok(()), RunFolder::check_new)?;
    Ok(known(config, &dataset))
}

/// What a method may know of the pictures.
fn known(config: &Config, dataset: &Dataset) -> Known {
    let classes = dataset.classes().len();
    let label = |picture| dataset.label(picture).unwrap_or(u32::MAX);
    Known {
        pictures: dataset.len(),
        labels: if classes > 0 { (0..dataset.len() as u32).map(label).collect() } else { Arc::default() },
        classes,
        epoch: dataset.pretrain().len() / config.batch * config.batch,
    }
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
    let (weights, fit, stem) = fitting(init, config)?;
    trainer.start_from(&weights.tensors)?;
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
) -> Result<Memory> {
    let Loaded { checkpoint, path, warning } = loaded;
    checkpoint.expect_shapes(path, &trainer.wanted_tensors())?;
    config.check_resumed(&checkpoint.meta.config, path)?;
    let memory = Memory::from_state(&checkpoint.meta.state, path)?;
    if memory.position.step != checkpoint.meta.step || memory.reported != checkpoint.meta.step {
        let reason = format!("its parts disagree about the step ({})", checkpoint.meta.step);
        return Err(Error::Checkpoint { path: path.clone(), reason });
    }
    trainer.import(&checkpoint.tensors, &memory.position)?;
    run.truncate_metrics_after(checkpoint.meta.step)?;
    notices.extend(warning.clone());
    Ok(memory)
}

/// Records changed settings of a resumed run, and says so when the pictures are not the same.
fn note_changes(
    config: &Config,
    run: &RunFolder,
    memory: &Memory,
    pictures: usize,
    notices: &mut Vec<String>,
) -> Result<()> {
    if memory.pictures != pictures as u64 {
        notices.push(format!(
            "The data set has {pictures} pictures now, {} when the run began: it goes on, but not as it would have.",
            memory.pictures
        ));
    }
    let text = config.to_toml();
    if std::fs::read_to_string(run.config()).ok().as_deref() != Some(text.as_str()) {
        run.write_text_atomic(&run.config(), &text)?;
    }
    Ok(())
}

fn loader_spec(config: &Config, (start_epoch, start_batch): (u64, u64)) -> LoaderSpec {
    LoaderSpec {
        seed: config.seed,
        batch: config.batch,
        augment: augment(config),
        workers: config.workers,
        prefetch: config.prefetch,
        cache_bytes: usize::try_from(config.cache.0).unwrap_or(usize::MAX),
        pack: None,
        start_epoch,
        start_batch,
    }
}

/// The folder that was asked for, or the next `runs/<preset>-N`.
fn new_folder(config: &Config) -> Result<RunFolder> {
    match &config.out {
        Some(out) => RunFolder::create(out),
        None => RunFolder::create_next(Path::new("runs"), config.preset.map_or("run", Preset::name)),
    }
}
