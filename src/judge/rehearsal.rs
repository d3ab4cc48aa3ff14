//! What a run's looks at its network take, found out before they are needed.

use super::finder::Finder;
use super::panel::raw_pixels;
use super::run::Judge;
use crate::data::Split;
use crate::data::spread::some_of;
use crate::error::Result;
use crate::eval::{Features, kmeans};
use crate::method::Trainer;
use crate::pass::{self, Pass, Watch};
use crate::trained::views::LOOKING;
use std::collections::BTreeMap;
use std::time::Instant;

/// Pictures and queries that a rehearsal looks at, if views do not go through the network in larger batches.
const TRIED: usize = 64;
/// Seconds that it looks at pictures, about.
const LOOKED: f64 = 2.0;

/// Seconds that looks take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LookTimes {
    /// What the network takes of looking at one picture, without reading it.
    pub(crate) computing: f64,
    /// Judging the network.
    pub(crate) network: f64,
    /// Judging raw pixels.
    pub(crate) pixels: f64,
    /// Judging both by all pictures, where the others look at a sample.
    pub(crate) whole: f64,
    /// Looking at all pictures that the gallery is chosen from, and finding clusters where a method has no prototypes.
    pub(crate) shown: f64,
}

/// What a look at some pictures took.
struct Look {
    seconds: f64,
    /// Of these, what the network took.
    computing: f64,
    /// Values of a feature.
    dim: usize,
}

impl Judge {
    /// Finds out what looks take, from a few pictures and queries; `clusters` stand in for prototypes where a method has
    /// none. Notes what it cannot read.
    pub(crate) fn rehearse(
        &mut self,
        trainer: &mut Trainer,
        clusters: usize,
        watch: &mut Watch<'_>,
    ) -> Result<LookTimes> {
        let of = if self.has_labels() { &self.panel.pictures } else { &self.shown };
        let at_once = trainer.views_at_once();
        let sample = some_of(of, TRIED.max(at_once));
        let mut seen = |judge: &mut Self, pictures: &[u32]| -> Result<Look> {
            let (start, mut computing, mut dim) = (Instant::now(), 0.0, 0);
            judge.look(pictures, watch, |views, readable| {
                let start = Instant::now();
                dim = trainer.features(views, readable.len())?.dim;
                computing += start.elapsed().as_secs_f64();
                Ok(())
            })?;
            Ok(Look { seconds: start.elapsed().as_secs_f64(), computing, dim })
        };
        let few = &sample[..sample.len().min(at_once)];
        // Drivers compile in the first look.
        seen(self, few)?;
        let (mut look, mut count) = (seen(self, few)?, few.len());
        if look.seconds < LOOKED {
            let more = (LOOKED / look.seconds.max(1e-3) * few.len() as f64) as usize;
            count = sample.len().min(more).max(few.len());
            look = seen(self, &sample[..count])?;
        }
        let [each, computing] = [look.seconds, look.computing].map(|seconds| each(seconds, count, at_once));
        let mut shown = each * self.shown.len() as f64;
        if trainer.prototype_count() == 0 {
            let sizes = [self.shown.len(), look.dim, clusters];
            shown += pass::run(kmeans::FINDING, 0, watch, |pass| find_noise(sizes, pass))?;
        }
        if !self.has_labels() {
            return Ok(LookTimes { computing, network: 0.0, pixels: 0.0, whole: 0.0, shown });
        }
        let start = Instant::now();
        let (dataset, mut unreadable) = (&self.dataset, BTreeMap::new());
        pass::run(LOOKING, sample.len(), watch, |pass| raw_pixels(dataset, &sample, &mut unreadable, pass))?;
        let reading = start.elapsed().as_secs_f64() / sample.len().max(1) as f64;
        // A search among long rows is not so many times slower as they are longer.
        let mut asked = |splits: &[Split]| -> Result<[f64; 2]> {
            let dims = [look.dim, self.pixel_values()];
            let mut of = |dim| pass::run(LOOKING, 0, watch, |pass| self.ask_noise(splits, dim, pass));
            Ok([of(dims[0])?, of(dims[1])?])
        };
        let [of_network, of_pixels] = asked(&self.panel.splits)?;
        let count = self.count() as f64;
        let (network, pixels) = (each * count + of_network, reading * count + of_pixels);
        let whole = match &self.whole {
            Some(whole) => {
                asked(whole.splits())?.iter().sum::<f64>() + (each + reading) * whole.count() as f64
            }
            None => 0.0,
        };
        Ok(LookTimes { computing, network, pixels, whole, shown })
    }

    /// Seconds of asking all neighbours about features of `dim` values, from a part of the queries and rows of noise.
    fn ask_noise(&self, splits: &[Split], dim: usize, pass: &Pass) -> Result<f64> {
        let k = self.options.k.iter().copied().max().unwrap_or(1);
        let mut seconds = 0.0;
        for split in splits {
            let tried = split.queries.len().min(4 * TRIED);
            let (bank, queries) = (noise(split.bank.len(), dim), noise(tried, dim));
            if tried == 0 || bank.rows == 0 {
                continue;
            }
            let finder = Finder::new(&self.gpu, dim, k, bank.rows, queries.rows)?;
            // Drivers compile in the first search.
            finder.nearest(&bank, &noise(1, dim), pass)?;
            let start = Instant::now();
            finder.nearest(&bank, &queries, pass)?;
            seconds += start.elapsed().as_secs_f64() * split.queries.len() as f64 / tried as f64;
        }
        // Plain and centred.
        Ok(2.0 * seconds)
    }
}

/// Seconds in which k-means finds so many clusters in rows of so many values, from a few rows of noise.
fn find_noise([rows, dim, clusters]: [usize; 3], pass: &Pass) -> Result<f64> {
    let (tried, clusters) = (rows.min(TRIED), clusters.min(rows));
    if tried == 0 {
        return Ok(0.0);
    }
    let start = Instant::now();
    kmeans::assign(&noise(tried, dim), &noise(clusters, dim), pass)?;
    let round = start.elapsed().as_secs_f64() * rows as f64 / tried as f64;
    // Drawing the first centres compares all rows with all of them once.
    Ok(round * (kmeans::USUAL_ROUNDS + 1) as f64)
}

/// Seconds of looking at one picture of many, where `count` took so long. Views go through the network in whole batches,
/// however few pictures are in the last one.
fn each(seconds: f64, count: usize, at_once: usize) -> f64 {
    seconds / count.max(1).next_multiple_of(at_once.max(1)) as f64
}

/// Rows that are like nothing.
fn noise(rows: usize, dim: usize) -> Features {
    let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 16) as f32 / 32_768.0 - 1.0;
    Features { rows, dim, data: (0..rows * dim).map(value).collect() }.unit(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_with_few_pictures_takes_as_long_as_a_full_one() {
        assert_eq!(each(4.0, 64, 64), 4.0 / 64.0);
        assert_eq!(each(4.0, 2, 64), 4.0 / 64.0);
        assert_eq!(each(8.0, 65, 64), 4.0 / 64.0);
        assert_eq!(each(1.0, 0, 1), 1.0);
    }
}
