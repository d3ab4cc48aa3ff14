//! What a run is made on: pictures, device and settings, before there is a network or a folder. Runs, plans and measurements
//! all open it the same way.

use super::crops;
use super::schedule::Schedule;
use crate::config::{Augmenter, Config, RunLength};
use crate::data::configured::{self, augment};
use crate::data::{Dataset, LoaderSpec};
use crate::error::Result;
use crate::gpu::{self, Gpu};
use crate::judge::run::Judge;
use crate::method::{Known, MemoryUse, Trainer, picture_room};
use crate::pass::{self, Watch};
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
        watch: &mut Watch<'_>,
    ) -> Result<Self> {
        let dataset = Arc::new(configured::open(config, watch)?);
        let mut notices = dataset.notices().to_vec();
        if fresh {
            configured::settle(config, &dataset);
            notices.extend(configured::settle_channels(config));
            notices.extend(configured::normalize(config, &dataset, watch)?);
        }
        // A batch beyond the data set is refused before the device is touched.
        let mut spec = loader_spec(config, start);
        spec.check(&dataset)?;
        let gpu = gpu::open(config)?;
        let (augment, reason) = if !fresh && config.augment == Augmenter::Auto {
            // A run of before there was a choice.
            (Augmenter::Cpu, None)
        } else {
            crops::choose(config, &spec, &dataset, &gpu)?
        };
        notices.extend(reason);
        let config = Config { augment, ..config.clone() };
        if augment == Augmenter::Gpu {
            spec.pack = Some(picture_room(gpu.facts(), &config) as usize);
        }
        let known = known(&config, &dataset);
        Ok(Self { config, dataset, spec, gpu, known, notices })
    }

    /// A network with initial weights.
    pub(super) fn trainer(&self, watch: &mut Watch<'_>) -> Result<Trainer> {
        pass::run(PREPARING, 0, watch, |_| Trainer::knowing(&self.gpu, &self.config, &self.known))
    }

    pub(super) fn judge(&self) -> Judge {
        Judge::new(Arc::clone(&self.dataset), &self.config, &self.gpu)
    }

    /// Steps of an epoch.
    pub(super) fn epoch(&self) -> u64 {
        (self.dataset.pretrain().len() / self.config.batch.max(1)) as u64
    }

    /// How long the run is, and its learning rates.
    pub(super) fn schedule(&self) -> (RunLength, Schedule) {
        let Config { start_lr, lr, final_lr, .. } = self.config;
        let length = self.config.length(self.epoch());
        let schedule = Schedule {
            steps_per_epoch: self.epoch(),
            total_steps: length.total,
            warmup_steps: length.warmup,
            start_lr,
            base_lr: lr,
            final_lr,
        };
        (length, schedule)
    }
}

/// The device memory of a run with this network and judge, who asks neighbours between steps.
pub(super) fn memory(config: &Config, trainer: &Trainer, judge: &Judge) -> MemoryUse {
    let MemoryUse { kept, transfers } = trainer.memory();
    let asking = judge.bytes(config.trunk().features());
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

fn loader_spec(config: &Config, (start_epoch, start_batch): (u64, u64)) -> LoaderSpec {
    LoaderSpec {
        seed: config.seed,
        batch: config.batch,
        augment: augment(config),
        workers: config.workers,
        prefetch: config.prefetch,
        cache_bytes: usize::try_from(config.cache.0).unwrap_or(usize::MAX),
        pack: None,
        few: None,
        start_epoch,
        start_batch,
    }
}
