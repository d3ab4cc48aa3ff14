//! Which pictures a run looks at, and what its looks take.

use super::device::search::Search;
use super::run::Judge;
use crate::config::Config;
use crate::data::Split;
use crate::data::spread::some_of;
use crate::error::Result;
use crate::eval::{Features, knn, pixels};
use crate::measure::flop_per_view;
use crate::method::Trainer;
use crate::pass::{self, Pass, Watch};
use crate::trained::views::LOOKING;
use std::time::Instant;

/// Pictures on each side of a split, where nothing else is asked for.
pub(crate) const USUAL: usize = 5000;
/// On a processor an evaluation takes no more operations than this, as long as enough pictures are left: it is a minute
/// of a small machine.
const PROCESSOR: u64 = 2_000_000_000_000;
/// So many are left in any case: a share of 250 is known to within 6 %.
const LEAST: usize = 250;
/// Pictures and queries that a rehearsal looks at.
const TRIED: usize = 64;
/// Seconds that it looks at pictures, about.
const LOOKED: f64 = 2.0;

/// Pictures on each side of a split, at most, and whether they are fewer than usual because a processor computes.
pub(super) fn most(config: &Config, software: bool) -> (usize, bool) {
    match config.eval_pictures {
        Some(0) => (usize::MAX, false),
        Some(most) => (most, false),
        None if software => {
            let views = PROCESSOR / flop_per_view(config).max(1);
            let most = usize::try_from(views / 2).unwrap_or(USUAL).clamp(LEAST, USUAL);
            (most, most < USUAL)
        }
        None => (USUAL, false),
    }
}

/// Seconds that looks take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LookTimes {
    /// Looking at one picture.
    pub(crate) each: f64,
    /// Judging the network.
    pub(crate) network: f64,
    /// Judging raw pixels.
    pub(crate) pixels: f64,
    /// Looking at all pictures that the gallery is chosen from.
    pub(crate) shown: f64,
}

impl Judge {
    /// Finds out what looks take, from a few pictures and queries. Notes what it cannot read.
    pub(crate) fn rehearse(&mut self, trainer: &mut Trainer, watch: &mut Watch<'_>) -> Result<LookTimes> {
        let of = if self.has_labels() { &self.panel.pictures } else { &self.shown };
        let sample = some_of(of, TRIED);
        let mut seen = |judge: &mut Self, pictures: &[u32]| -> Result<(f64, usize)> {
            let (start, mut dim) = (Instant::now(), 0);
            judge.look(pictures, watch, |views, readable| {
                dim = trainer.features(views, readable.len())?.dim;
                Ok(())
            })?;
            Ok((start.elapsed().as_secs_f64(), dim))
        };
        let few = &sample[..sample.len().min(2)];
        // Drivers compile in the first look.
        seen(self, few)?;
        let (mut seconds, mut dim) = seen(self, few)?;
        let mut count = few.len();
        if seconds < LOOKED {
            count = sample.len().min((LOOKED / seconds.max(1e-3) * few.len() as f64) as usize).max(few.len());
            (seconds, dim) = seen(self, &sample[..count])?;
        }
        let each = seconds / count.max(1) as f64;
        let shown = each * self.shown.len() as f64;
        if !self.has_labels() {
            return Ok(LookTimes { each, network: 0.0, pixels: 0.0, shown });
        }
        let (start, channels) = (Instant::now(), self.dataset.reading().channels);
        let dataset = &self.dataset;
        let blank = || crate::data::Picture::black(channels as u32);
        pass::run(LOOKING, sample.len(), watch, |pass| {
            let decode = |row: u32| Ok(dataset.decode(sample[row as usize]).unwrap_or_else(|_| blank()));
            pixels::features(sample.len() as u32, channels, pass, decode)
        })?;
        let reading = start.elapsed().as_secs_f64() / sample.len().max(1) as f64;
        let asked = pass::run(LOOKING, 0, watch, |pass| self.ask_noise(dim, pass))?;
        let values = self.pixel_values() as f64 / dim.max(1) as f64;
        let count = self.count() as f64;
        Ok(LookTimes { each, network: each * count + asked, pixels: reading * count + asked * values, shown })
    }

    /// Seconds of asking all neighbours about features of `dim` values, from a part of the queries and rows of noise.
    fn ask_noise(&self, dim: usize, pass: &Pass) -> Result<f64> {
        let k = self.options.k.iter().copied().max().unwrap_or(1);
        let mut seconds = 0.0;
        for split in &self.panel.splits {
            let tried = split.queries.len().min(4 * TRIED);
            let (bank, queries) = (noise(split.bank.len(), dim), noise(tried, dim));
            if tried == 0 || bank.rows == 0 {
                continue;
            }
            if Search::lists(k) {
                let search = Search::new(&self.gpu, dim, k, bank.rows, queries.rows)?;
                search.nearest_in(pass, &bank, &noise(1, dim))?;
                let start = Instant::now();
                search.nearest_in(pass, &bank, &queries)?;
                seconds += start.elapsed().as_secs_f64() * split.queries.len() as f64 / tried as f64;
            } else {
                let start = Instant::now();
                knn::nearest(&bank, &queries, k, pass)?;
                seconds += start.elapsed().as_secs_f64() * split.queries.len() as f64 / tried as f64;
            }
        }
        // Plain and centred.
        Ok(2.0 * seconds)
    }
}

/// Rows that are like nothing.
fn noise(rows: usize, dim: usize) -> Features {
    let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 16) as f32 / 32_768.0 - 1.0;
    Features { rows, dim, data: (0..rows * dim).map(value).collect() }.unit(None)
}

/// Says of which pictures the figures are, where not of all.
pub(super) fn sampled(
    all: &[Split],
    taken: &[Split],
    shown: usize,
    pictures: usize,
    slow: bool,
) -> Option<String> {
    let sides = |(all, taken): (&Split, &Split)| {
        let [bank, queries] = [(&all.bank, &taken.bank), (&all.queries, &taken.queries)];
        let cut = taken.bank.len() < all.bank.len() || taken.queries.len() < all.queries.len();
        let of = |(all, taken): (&Vec<u32>, &Vec<u32>)| match taken.len() == all.len() {
            true => format!("all {}", all.len()),
            false => format!("{} of {}", taken.len(), all.len()),
        };
        cut.then(|| format!("{} bank pictures and {} queries ({})", of(bank), of(queries), all.name))
    };
    let mut parts: Vec<String> = all.iter().zip(taken).filter_map(sides).collect();
    if shown < pictures {
        parts.push(format!("{shown} of {pictures} for the gallery"));
    }
    let list = parts.join("; ");
    let why = if slow { "; fewer than usual, because a processor computes" } else { "" };
    (!parts.is_empty()).then(|| {
        format!("Evaluation looks at a sample, spread evenly: {list}{why}. --eval-pictures 0 takes all.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(name: &str, bank: u32, queries: u32) -> Split {
        Split { name: name.into(), bank: (0..bank).collect(), queries: (0..queries).collect() }
    }

    #[test]
    fn a_sample_is_said_with_its_size_and_a_whole_set_is_not() {
        let all = [split("test", 80, 20), split("small", 3, 2)];
        assert_eq!(sampled(&all, &all, 100, 100, false), None);
        let taken = [split("test", 40, 20), split("small", 3, 2)];
        let text = sampled(&all, &taken, 70, 100, false).unwrap();
        assert!(
            text.contains("40 of 80 bank pictures and all 20 queries (test); 70 of 100 for the"),
            "{text}"
        );
        assert!(!text.contains("small") && text.contains("--eval-pictures 0"), "{text}");
    }

    #[test]
    fn a_processor_looks_at_fewer_pictures_where_the_network_is_large() {
        let mut config = Config::from_preset(crate::config::Preset::Demo).unwrap();
        // So small a network does not matter.
        assert_eq!(most(&config, true), (USUAL, false));
        config = Config::from_preset(crate::config::Preset::Cifar).unwrap();
        let (few, slow) = most(&config, true);
        // ResNet-18 is 1.1 GFLOP a view of 32 pixels.
        assert!(slow && (800..1000).contains(&few), "{few}");
        assert_eq!(most(&config, false), (USUAL, false));
        assert_eq!(most(&Config::default(), true), (LEAST, true));
        for (asked, got) in [(0, usize::MAX), (7, 7), (90_000, 90_000)] {
            config.eval_pictures = Some(asked);
            assert_eq!(most(&config, true), (got, false));
        }
    }
}
