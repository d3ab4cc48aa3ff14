//! Batches of crops in order, made ahead by worker threads, in bounded memory.
//!
//! One task is one picture of one batch: decode it, draw and render all its crops straight into the
//! batch's rows. The tasks of a batch share a thread pool. Two lanes make batches in turn (lane 0
//! the even ones, lane 1 the odd ones), so that the pool has work while the last pictures of a batch
//! are under way; the consumer takes from the lanes in turn, which keeps the order exact.

mod make;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::augment::{Augment, CropParams};
use super::dataset::Dataset;
use super::order::{Gallery, epoch_order};
use super::packed::{Packed, Room};
use crate::error::{Error, Result};

/// What a [`Loader`] makes and with how much.
#[derive(Clone, Debug)]
pub struct LoaderSpec {
    /// Seed of the order and of the crops.
    pub seed: u64,
    /// Pictures of a batch.
    pub batch: usize,
    /// Those of each batch that are made here, where several processes share it; `None` for all.
    pub share: Option<Range<usize>>,
    /// How crops are made.
    pub augment: Augment,
    /// Threads that decode and render; 0 for as many as the machine has cores.
    pub workers: usize,
    /// Batches that may be finished or under way beside the one that was handed out; at least 1.
    pub prefetch: usize,
    /// Bytes of decoded pictures that may be kept, one a sample.
    pub cache_bytes: usize,
    /// What a device has room for at once, where it makes the crops itself; `None` renders them here.
    pub pack: Option<Room>,
    /// So many pictures only, the first of an epoch, again and again: for measurements.
    pub few: Option<usize>,
    /// Epoch to start in.
    pub start_epoch: u64,
    /// Batch of that epoch to start with; beyond the last one it runs on into the next epochs.
    pub start_batch: u64,
}

impl LoaderSpec {
    /// The pictures of each batch that are made here, counted in the batch.
    #[must_use]
    pub fn made(&self) -> Range<usize> {
        self.share.clone().unwrap_or(0..self.batch)
    }

    /// Refuses what cannot be loaded from a data set.
    ///
    /// # Errors
    /// [`Error::Config`] where the batch is empty or larger than the data set, or the augmentation
    /// makes no sense.
    pub fn check(&self, dataset: &Dataset) -> Result<()> {
        self.augment.check()?;
        let pictures = dataset.pretrain().len();
        if self.batch == 0 {
            return Err(Error::config("batch", "must be at least 1"));
        }
        if pictures < 2 {
            let reason = match pictures {
                0 => "there is no picture to train on",
                _ => "there is only one picture to train on; two are the least",
            };
            return Err(Error::Data { path: dataset.path().to_owned(), reason: reason.into() });
        }
        if self.batch > pictures {
            let (batch, name) = (self.batch, dataset.name());
            let reason = format!(
                "{batch}, but {name} has only {pictures} pictures to train on; use {pictures} or less"
            );
            return Err(Error::config("batch", reason));
        }
        Ok(())
    }
}

/// The crops of some pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Counted from 0.
    pub epoch: u64,
    /// The batch within its epoch, from 0.
    pub index: u64,
    /// The pictures that were made here, in row order; crop `c` of picture `p` was drawn from
    /// `Stream::new(seed, Purpose::Crop, &[epoch, p, c])`, `c` counted over all groups.
    pub pictures: Vec<u32>,
    /// For each crop group `[count · pictures, size, size, 4·quads]`: all pictures' first crops, then all
    /// second ones, …; channels are normalised and filled up with 0. Empty where they are packed.
    pub groups: Vec<Vec<f32>>,
    /// What to make the crops of, where the device does; else empty.
    pub packed: Packed,
}

/// Makes batches ahead on its own threads, which end when it is dropped.
pub struct Loader {
    lanes: Vec<Receiver<Result<Batch>>>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    next_lane: usize,
    waited: Duration,
}

/// What the lanes and the consumer share.
struct Shared {
    dataset: Arc<Dataset>,
    spec: LoaderSpec,
    gallery: Gallery,
    pool: ThreadPool,
    stop: AtomicBool,
    spare: Mutex<Spare>,
}

/// Buffers that were given back.
#[derive(Default)]
struct Spare {
    /// The groups of rendered batches.
    rendered: Vec<Vec<Vec<f32>>>,
    /// The bytes of packed pictures.
    packed: Vec<Vec<u8>>,
}

impl Loader {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::Config`] where the batch is empty or larger than the data set, or the augmentation
    /// makes no sense; [`Error::Data`] where no thread can be started.
    pub fn new(dataset: Arc<Dataset>, spec: LoaderSpec) -> Result<Self> {
        spec.check(&dataset)?;
        let pool = pool(&dataset, spec.workers)?;
        let lanes = spec.prefetch.clamp(1, 2);
        // A lane holds one batch while it is made or waits to be sent, and the rest in its channel.
        let queued = (spec.prefetch / lanes).saturating_sub(1);
        let shared = Arc::new(Shared {
            gallery: Gallery::new(dataset.clone(), spec.cache_bytes),
            dataset,
            spec,
            pool,
            stop: AtomicBool::new(false),
            spare: Mutex::default(),
        });
        let mut loader =
            Self { lanes: Vec::new(), threads: Vec::new(), shared, next_lane: 0, waited: Duration::ZERO };
        for lane in 0..lanes {
            let (sender, receiver) = sync_channel(queued);
            let shared = loader.shared.clone();
            let thread = std::thread::Builder::new().name(format!("batches-{lane}"));
            let thread = thread.spawn(move || shared.run_lane(lane, lanes, &sender));
            loader.threads.push(thread.map_err(|error| no_threads(&loader.shared.dataset, &error))?);
            loader.lanes.push(receiver);
        }
        Ok(loader)
    }

    /// Batches of an epoch; the last partial one is dropped.
    #[must_use]
    pub fn batches_per_epoch(&self) -> u64 {
        self.shared.batches_per_epoch()
    }

    /// The next batch, waiting for it if need be. There is no end: after an epoch comes the next.
    ///
    /// # Errors
    /// [`Error::Data`] where more than a tenth of the pictures cannot be read, and ever after.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator of results that never ends would need two unwraps"
    )]
    pub fn next(&mut self) -> Result<Batch> {
        let start = Instant::now();
        let received = self.lanes[self.next_lane].recv();
        self.waited += start.elapsed();
        match received {
            Ok(Ok(batch)) => {
                self.next_lane = (self.next_lane + 1) % self.lanes.len();
                Ok(batch)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Data {
                path: self.shared.dataset.path().to_owned(),
                reason: "no more batches: loading stopped at an earlier error".into(),
            }),
        }
    }

    /// How long [`Self::next`] has waited in all: near zero while the device is the slower side.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The pictures that could not be read so far, with the reasons, in ascending order.
    #[must_use]
    pub fn unreadable(&self) -> Vec<(u32, String)> {
        self.shared.gallery.unreadable()
    }

    /// Gives the buffers of a batch back, so that the next one need not allocate.
    pub fn recycle(&self, batch: Batch) {
        let mut spare = self.shared.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.shared.spec.prefetch + 1;
        if !batch.groups.is_empty() && spare.rendered.len() < most {
            spare.rendered.push(batch.groups);
        }
        let room = most.saturating_sub(spare.packed.len());
        spare.packed.extend(batch.packed.parts.into_iter().map(|part| part.bytes).take(room));
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // A lane that waits to send ends when nobody can receive.
        self.lanes.clear();
        for thread in self.threads.drain(..) {
            // A lane that panicked has been noticed by `next`; there is nothing to do about it here.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn batches_per_epoch(&self) -> u64 {
        let pictures = self.dataset.pretrain().len();
        (self.spec.few.map_or(pictures, |few| few.clamp(self.spec.batch, pictures)) / self.spec.batch) as u64
    }

    /// The pictures of an epoch in their order; where they are few, always the same.
    fn order(&self, epoch: u64) -> Vec<u32> {
        let Some(few) = self.spec.few else { return epoch_order(&self.dataset, self.spec.seed, epoch) };
        let mut order = epoch_order(&self.dataset, self.spec.seed, 0);
        order.truncate(few.max(self.spec.batch));
        order
    }

    /// Makes every `lanes`-th batch until nobody wants one or an error.
    fn run_lane(&self, lane: usize, lanes: usize, sender: &SyncSender<Result<Batch>>) {
        let per_epoch = self.batches_per_epoch();
        let mut epoch = self.spec.start_epoch + self.spec.start_batch / per_epoch;
        let mut index = self.spec.start_batch % per_epoch + lane as u64;
        let mut order: Option<(u64, Vec<u32>)> = None;
        loop {
            (epoch, index) = (epoch + index / per_epoch, index % per_epoch);
            let order = match &mut order {
                Some((of, order)) if *of == epoch => order,
                other => &mut other.insert((epoch, self.order(epoch))).1,
            };
            let made = self.pool.install(|| match self.spec.pack {
                None => self.make(epoch, index, order),
                Some(room) => self.pack(epoch, index, order, room),
            });
            let failed = made.is_err();
            // The stop comes before the send: a batch that was cut short must not be handed out.
            if self.stop.load(Ordering::Relaxed) || sender.send(made).is_err() || failed {
                return;
            }
            index += lanes as u64;
        }
    }
}

/// The worker threads; 0 for as many as the machine has cores.
pub(super) fn pool(dataset: &Dataset, workers: usize) -> Result<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(workers).thread_name(|i| format!("crops-{i}"));
    pool.build().map_err(|error| no_threads(dataset, &error))
}

fn no_threads(dataset: &Dataset, error: &dyn std::error::Error) -> Error {
    let reason = format!("the threads that load pictures cannot be started: {error}");
    Error::Data { path: dataset.path().to_owned(), reason }
}

/// The crops of the picture at place `i` of a batch, each with its row in its group's tensor: crop v is
/// row v·batch + i.
pub(super) fn rows_of(
    draws: impl Iterator<Item = (CropParams, usize)>,
    augment: &Augment,
    batch: usize,
    i: usize,
) -> Vec<(usize, usize, CropParams)> {
    let mut rows = vec![i; augment.crops.len()];
    let placed = draws.map(|(params, group)| {
        let row = rows[group];
        rows[group] += batch;
        (row, group, params)
    });
    placed.collect()
}

#[cfg(test)]
#[path = "loader_tests.rs"]
mod tests;
