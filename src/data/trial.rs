//! A batch of a few pictures of a set, made as often as one likes: to see how long crops take, without
//! what decoding takes.

use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::augment::Augment;
use super::dataset::Dataset;
use super::loader::{LoaderSpec, pool, rows_of};
use super::packed::{Packed, Room, Source, fits, pack};
use super::picture::Picture;
use super::showcase::draws;
use super::spread;
use super::view::render;
use crate::error::Result;

/// Pictures that are decoded, at most.
const PICTURES: usize = 32;

/// Some decoded pictures, standing in for those of a batch.
pub struct Trial {
    pictures: Vec<Arc<Picture>>,
    augment: Augment,
    batch: usize,
    seed: u64,
    pool: ThreadPool,
}

impl Trial {
    /// Decodes some pictures; `None` where none of them can be read, or all are too large for `room`.
    ///
    /// # Errors
    /// [`crate::error::Error::Data`] where no thread can be started.
    pub fn new(dataset: &Dataset, spec: &LoaderSpec, room: Room) -> Result<Option<Self>> {
        let pool = pool(dataset, spec.workers)?;
        let all = dataset.pretrain();
        let chosen: Vec<u32> = spread::firsts(all.len(), PICTURES).map(|i| all[i]).collect();
        let decode = |&picture: &u32| dataset.decode(picture).ok().filter(|p| fits(p, room)).map(Arc::new);
        let pictures: Vec<_> = pool.install(|| chosen.par_iter().filter_map(decode).collect());
        let (augment, batch, seed) = (spec.augment.clone(), spec.batch, spec.seed);
        Ok((!pictures.is_empty()).then_some(Self { pictures, augment, batch, seed, pool }))
    }

    /// The pictures of the batch with their draws.
    fn sources(&self) -> impl IndexedParallelIterator<Item = Source> {
        (0..self.batch).into_par_iter().map(|i| {
            let pixels = Arc::clone(&self.pictures[i % self.pictures.len()]);
            let draws = draws(&self.augment, self.seed, 0, i as u32, pixels.dimensions());
            Source { crops: rows_of(draws, &self.augment, self.batch, i), pixels }
        })
    }

    /// Makes all crops of the batch on the worker threads, and throws them away.
    pub fn render(&self) {
        self.pool.install(|| {
            self.sources().for_each_init(Vec::new, |out, source| {
                for (_, group, params) in &source.crops {
                    let size = self.augment.crops[*group].size as u32;
                    out.resize(self.augment.floats(size), 0.0);
                    render(&source.pixels, params, size, &self.augment, out);
                }
            });
        });
    }

    /// Packs the batch in parts for which there is `room`.
    #[must_use]
    pub fn pack(&self, room: Room) -> Packed {
        self.pool.install(|| {
            let sources: Vec<Source> = self.sources().collect();
            Packed { parts: pack(&sources, room.bytes, Vec::new), rendered: Vec::new() }
        })
    }
}
