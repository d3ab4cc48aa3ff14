//! Opening everything a run needs: pictures, device, network, run folder, fresh or resumed.
//!
//! The run folder of a fresh run is made last, so that a run that cannot start leaves nothing behind.

use super::checkpoint::{Checkpoint, Loaded};
use super::crops::augment;
use super::evaluate::Judge;
use super::health::Monitor;
use super::memory::Memory;
use super::run_folder::RunFolder;
use super::schedule::Schedule;
use crate::config::{Config, Kernels, Preset, RunLength};
use crate::data::{Dataset, Loader, LoaderSpec};
use crate::error::{Error, Result};
use crate::gpu::{AdapterFacts, Family, Gpu};
use crate::method::swav::{NetworkSpec, Trainer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Batches made ahead: one under way on either lane, and one ready.
const PREFETCH: usize = 3;

/// A run that is ready for its next step.
pub(super) struct Setup {
    pub(super) run: RunFolder,
    pub(super) dataset: Arc<Dataset>,
    pub(super) loader: Loader,
    pub(super) trainer: Trainer,
    pub(super) judge: Judge,
    pub(super) schedule: Schedule,
    pub(super) length: RunLength,
    pub(super) memory: Memory,
    pub(super) adapter: AdapterFacts,
    /// The checkpoint that the run goes on from.
    pub(super) saved: Option<(PathBuf, u64)>,
    /// What a person should know.
    pub(super) notices: Vec<String>,
}

/// Opens the run that `config` and `resume` describe.
pub(super) fn open(config: &Config, resume: Option<&Path>) -> Result<Setup> {
    let earlier = resume.map(earlier).transpose()?;
    let dataset = Arc::new(Dataset::open(config.data.as_deref())?);
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
    // The loader refuses a batch beyond the data set before the device is touched.
    let loader = Loader::new(Arc::clone(&dataset), loader_spec(config, start))?;
    let gpu = gpu(config)?;
    let mut trainer = Trainer::new(&gpu, config)?;
    let judge = Judge::new(Arc::clone(&dataset), config);
    let mut notices = Vec::new();
    if let (Some(init), None) = (&config.init, &earlier) {
        notices.push(start_from(init, config, &mut trainer)?);
    }
    let (run, memory, saved) = match earlier {
        Some((run, loaded)) => {
            let memory = restore(config, &mut trainer, &run, &loaded, &mut notices)?;
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
    let adapter = gpu.facts().clone();
    Ok(Setup { run, dataset, loader, trainer, judge, schedule, length, memory, adapter, saved, notices })
}

/// Opens the adapter and kernel family of the settings.
pub(super) fn gpu(config: &Config) -> Result<Arc<Gpu>> {
    open_adapter(config.adapter.as_deref(), config.kernels)
}

/// Opens an adapter by its name or index, with a kernel family.
pub(super) fn open_adapter(adapter: Option<&str>, kernels: Kernels) -> Result<Arc<Gpu>> {
    let family = match kernels {
        Kernels::Auto => None,
        Kernels::Subgroup => Some(Family::Subgroup),
        Kernels::Tile => Some(Family::Tile),
    };
    Gpu::open(adapter, family)
}

/// The folder and the newest whole checkpoint of an earlier run.
fn earlier(path: &Path) -> Result<(RunFolder, Loaded)> {
    let run = RunFolder::open(path)?;
    let loaded = Checkpoint::load(run.path())?;
    Ok((run, loaded))
}

/// Starts from the weights of a file or run: all that fit, and a sentence that lists the others.
fn start_from(init: &Path, config: &Config, trainer: &mut Trainer) -> Result<String> {
    let (weights, _) = super::trained::read(init)?;
    let fit = NetworkSpec::of_config(config).compare(&weights.tensors);
    if fit.fitting == 0 {
        let reason = format!("none of its weights fit the network of this run: {fit}");
        return Err(Error::Checkpoint { path: weights.path, reason });
    }
    trainer.start_from(&weights.tensors)?;
    Ok(format!("Starting from {}: {fit}.", init.display()))
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
    trainer.import(&checkpoint.tensors, memory.position)?;
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
        prefetch: PREFETCH,
        cache_bytes: config.cache_mb.saturating_mul(1 << 20),
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
