//! What a run is made on: pictures, device and settings, before there is a network or a folder. Runs, plans and measurements
//! all open it the same way.

use super::crops;
use super::room;
use super::schedule::Schedule;
use crate::config::{Augmenter, Config, Method};
use crate::data::configured::{self, augment};
use crate::data::{Dataset, LoaderSpec};
use crate::error::Result;
use crate::gpu::{self, Gpu};
use crate::judge::run::Judge;
use crate::method::{Known, MemoryUse, Trainer, pictures_of_rank};
use crate::pass::{self, Watch};
use crate::ranks::Exchange;
use std::sync::Arc;

/// Compiling kernels and making room for tensors, which drivers may take their time for.
pub(super) const PREPARING: (&str, &str) = ("preparing the device", "");

/// What a run is made on, before there is a network or a folder.
pub(super) struct Ground {
    /// The settings, with what they left open decided.
    pub(super) config: Config,
    pub(super) dataset: Arc<Dataset>,
    /// How the loader reads pictures.
    pub(super) spec: LoaderSpec,
    pub(super) gpu: Arc<Gpu>,
    pub(super) known: Known,
    /// Those who train together.
    ranks: Arc<dyn Exchange>,
    /// What a person should know.
    pub(super) notices: Vec<String>,
}

impl Ground {
    /// Opens pictures and device. A fresh run that is normalised by its pictures gets their mean and deviation written
    /// into `config`; a resumed one has them there. `start` is where the loader begins: an epoch and a batch of it.
    pub(super) fn open(
        config: &mut Config,
        fresh: bool,
        start: (u64, u64),
        ranks: &Arc<dyn Exchange>,
        watch: &mut Watch<'_>,
    ) -> Result<Self> {
        let dataset = Arc::new(configured::open(config, watch)?);
        Self::on(config, dataset, fresh, start, ranks, watch)
    }

    /// The same for pictures that are open already, as `config` reads them.
    pub(super) fn on(
        config: &mut Config,
        dataset: Arc<Dataset>,
        fresh: bool,
        start: (u64, u64),
        ranks: &Arc<dyn Exchange>,
        watch: &mut Watch<'_>,
    ) -> Result<Self> {
        let mut notices = dataset.notices().to_vec();
        if fresh {
            configured::settle(config, &dataset);
            notices.extend(configured::settle_channels(config));
            notices.extend(configured::normalize(config, &dataset, watch)?);
        }
        // A batch beyond the data set is refused before the device is touched.
        let mut spec = loader_spec(config, start, &**ranks)?;
        spec.check(&dataset)?;
        let gpu = gpu::open_seat(config, ranks.seat().0)?;
        let (augment, reason) = if !fresh && config.augment == Augmenter::Auto {
            // A run of before there was a choice.
            (Augmenter::Cpu, None)
        } else {
            crops::choose(config, &spec, &dataset, &gpu)?
        };
        notices.extend(reason);
        let config = Config { augment, ..config.clone() };
        let known = known(&config, &dataset);
        notices.extend(config.rounded_queue());
        notices.extend(unlabelled(&config, &dataset, &known));
        // The parts of a batch, where they are left open.
        let settle = |_: &_| room::settle(&gpu, &config, &known, ranks);
        let (config, reason) = pass::run(PREPARING, 0, watch, settle)?;
        notices.extend(reason);
        // As the trainer takes it, which depends on the parts.
        if augment == Augmenter::Gpu {
            spec.pack = Some(crops::room(gpu.facts(), &config, ranks.size()));
        }
        Ok(Self { config, dataset, spec, gpu, known, ranks: Arc::clone(ranks), notices })
    }

    /// A network with initial weights.
    pub(super) fn trainer(&self, watch: &mut Watch<'_>) -> Result<Trainer> {
        let Self { gpu, config, known, ranks, .. } = self;
        pass::run(PREPARING, 0, watch, |_| Trainer::among(gpu, config, known, ranks))
    }

    /// What tells whether another rank has the same pictures: a hash of their names in order, of which are trained on, and
    /// of their labels.
    pub(super) fn pictures(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for picture in 0..self.dataset.len() as u32 {
            hash.update(self.dataset.picture_name(picture).as_bytes());
            hash.update(&self.dataset.label(picture).unwrap_or(u32::MAX).to_le_bytes());
        }
        hash.update(bytemuck::cast_slice(self.dataset.pretrain()));
        hash.finalize().to_hex().to_string()
    }

    pub(super) fn judge(&self) -> Judge {
        Judge::new(Arc::clone(&self.dataset), &self.config, &self.gpu)
    }

    /// Steps of an epoch.
    pub(super) fn epoch(&self) -> u64 {
        (self.dataset.pretrain().len() / self.config.batch.max(1)) as u64
    }

    /// How long the run is, and its learning rates.
    pub(super) fn schedule(&self) -> Schedule {
        Schedule::of_config(&self.config, self.epoch())
    }
}

/// The device memory of a run with this network and judge, who asks neighbours between steps.
pub(super) fn memory(config: &Config, trainer: &Trainer, judge: &Judge) -> MemoryUse {
    let MemoryUse { kept, transfers } = trainer.memory();
    let asking = judge.bytes(config.feature_count());
    MemoryUse { kept, transfers: transfers.max(asking) }
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

/// Says how many pictures supervised training learns nothing from.
fn unlabelled(config: &Config, dataset: &Dataset, known: &Known) -> Option<String> {
    let pictures = dataset.pretrain();
    let of = |picture: &&u32| dataset.label(**picture).is_none();
    let count = pictures.iter().filter(of).count();
    // Without any label the method refuses them all.
    let some = config.method == Method::Supervised && known.classes > 0 && count > 0;
    some.then(|| {
        let all = pictures.len();
        format!(
            "{count} of {all} pictures have no label and are left out of the loss of supervised training."
        )
    })
}

fn loader_spec(
    config: &Config,
    (start_epoch, start_batch): (u64, u64),
    ranks: &dyn Exchange,
) -> Result<LoaderSpec> {
    Ok(LoaderSpec {
        seed: config.seed,
        batch: config.batch,
        share: pictures_of_rank(config, ranks)?,
        augment: augment(config),
        workers: workers(config.workers, ranks.seat().1),
        prefetch: config.prefetch,
        cache_bytes: usize::try_from(config.cache.0).unwrap_or(usize::MAX),
        pack: None,
        few: None,
        start_epoch,
        start_batch,
    })
}

/// Threads that load pictures, where so many ranks share a machine's cores.
fn workers(wanted: usize, seats: usize) -> usize {
    match (wanted, seats) {
        (0, 2..) => (std::thread::available_parallelism().map_or(1, usize::from) / seats).max(1),
        _ => wanted,
    }
}
