//! How long the looks of a run will take, by a sample of its pictures.

use super::Judge;
use crate::data::Picture;
use crate::data::spread::some_of;
use crate::error::Result;
use crate::eval::{Features, knn, pixels};
use crate::method::Trainer;
use crate::pass::{self, Watch};
use crate::trained::views::{ASKING, READING_PIXELS};
use std::time::Instant;

/// Pictures that are looked at to know how long all of them take.
const SAMPLE: usize = 192;
/// Rows of a bank and queries that are enough to know how long a vote takes.
const ROWS: usize = 2048;
const QUERIES: usize = 128;

/// Seconds of looks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LookTimes {
    /// Of kNN accuracy of the network.
    pub(crate) network: f64,
    /// Of kNN accuracy of raw pixels.
    pub(crate) pixels: f64,
    /// Of the best prototypes for the gallery.
    pub(crate) gallery: f64,
}

impl Judge {
    /// Measures a sample, and takes the rest to be like it.
    pub(crate) fn times(&mut self, trainer: &mut Trainer, watch: &mut Watch<'_>) -> Result<LookTimes> {
        let sample = some_of(if self.has_labels() { &self.pictures } else { &self.shown }, SAMPLE);
        if sample.is_empty() {
            return Ok(LookTimes::default());
        }
        let (mut each, mut data, mut dim) = (0.0, Vec::new(), 0);
        // The first time drivers compile.
        for _ in 0..2 {
            data.clear();
            let start = Instant::now();
            self.look(&sample, watch, |views, readable| {
                let features = trainer.features(views, readable.len())?;
                dim = features.dim;
                data.extend_from_slice(&features.data);
                Ok(())
            })?;
            each = start.elapsed().as_secs_f64() / sample.len() as f64;
        }
        let gallery = each * self.shown.len() as f64;
        if !self.has_labels() {
            return Ok(LookTimes { gallery, ..LookTimes::default() });
        }
        let count = self.pictures.len() as f64;
        let network = each * count + self.votes(&Features::new(sample.len(), dim, data)?, watch)?;
        let (dataset, channels) = (&self.dataset, self.dataset.reading().channels);
        let decode = |row: u32| {
            let decoded = dataset.decode(sample[row as usize]);
            Ok(decoded.unwrap_or_else(|_| Picture::black(channels as u32)))
        };
        let start = Instant::now();
        let raw = pass::run(READING_PIXELS, sample.len(), watch, |pass| {
            pixels::features(sample.len() as u32, channels, pass, decode)
        })?;
        let each = start.elapsed().as_secs_f64() / sample.len() as f64;
        Ok(LookTimes { network, pixels: each * count + self.votes(&raw, watch)?, gallery })
    }

    /// Seconds of all votes with features like these.
    fn votes(&self, like: &Features, watch: &mut Watch<'_>) -> Result<f64> {
        let pairs = |split: &crate::data::Split| split.bank.len() as f64 * split.queries.len() as f64;
        let all: f64 = self.splits.iter().map(pairs).sum();
        let again = |rows: usize| like.select(&(0..rows).map(|row| row % like.rows).collect::<Vec<_>>());
        let (bank, queries) = (again(ROWS), again(QUERIES));
        let (k, temperature) = (self.neighbours.min(ROWS), self.temperature);
        let start = Instant::now();
        pass::run(ASKING, 2 * QUERIES, watch, |pass| {
            knn::accuracy(&bank, &[0; ROWS], &queries, &[0; QUERIES], k, temperature, pass)
        })?;
        Ok(start.elapsed().as_secs_f64() * all / (ROWS * QUERIES) as f64)
    }
}
