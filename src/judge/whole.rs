//! Judging by all pictures, once, at the end of a run whose evaluations look at a sample.
//!
//! The share of right answers depends on how many pictures may be neighbours, so a sample gives less than other programs report
//! for the same network. It serves to watch a run; the figure to compare with others is of the whole set.

use super::SplitAccuracy;
use super::panel::Panel;
use super::run::Judge;
use crate::config::Config;
use crate::data::{Dataset, Split};
use crate::error::Result;
use crate::method::Trainer;
use crate::pass::Watch;

/// Features of so many bytes are held in memory for it, at the most.
const MEMORY: u64 = 1 << 30;

/// The pictures that evaluations leave out, and what it takes to look at all.
#[derive(Debug)]
pub(super) struct Whole {
    panel: Panel,
    /// What the last judgement of the network took, and the last one of raw pixels.
    network: Option<Spent>,
    pixels: Option<Spent>,
}

/// Seconds that went into a judgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) looking: f64,
    pub(super) asking: f64,
}

/// Accuracies of raw pixels and of the network by the same pictures.
pub(crate) struct Verdict {
    pub(crate) pixels: Vec<SplitAccuracy>,
    pub(crate) network: Vec<SplitAccuracy>,
    /// Pictures that were asked about, of each split.
    pub(crate) queries: Vec<(String, u64)>,
}

impl Whole {
    /// All pictures, where evaluations look at fewer though nobody asked for that, and their features have room.
    pub(super) fn beside(taken: &Panel, dataset: &Dataset, config: &Config) -> Option<Self> {
        if config.eval_pictures.is_some() {
            return None;
        }
        let panel = Panel::of_splits(dataset, usize::MAX);
        let bytes = (panel.pictures.len() * config.feature_count() * size_of::<f32>()) as u64;
        let thinned = taken.pictures.len() < panel.pictures.len();
        (thinned && bytes <= MEMORY).then_some(Self { panel, network: None, pixels: None })
    }

    pub(super) fn splits(&self) -> &[Split] {
        &self.panel.splits
    }

    /// Pictures of all splits.
    pub(super) fn count(&self) -> usize {
        self.panel.pictures.len()
    }
}

/// Pairs of a picture that asks and one that may be its neighbour.
fn pairs(splits: &[Split]) -> f64 {
    splits.iter().map(|split| split.bank.len() as f64 * split.queries.len() as f64).sum()
}

impl Judge {
    /// What a judgement took, so that it is known what one by all pictures will take.
    pub(super) fn note(&mut self, of_pixels: bool, spent: Spent) {
        if let Some(whole) = &mut self.whole {
            *(if of_pixels { &mut whole.pixels } else { &mut whole.network }) = Some(spent);
        }
    }

    /// Seconds that judging by all pictures takes, going by the last judgements; none before there was one of the network, and
    /// where evaluations look at all pictures anyway or at as many as somebody asked for.
    pub(crate) fn whole_seconds(&self) -> Option<f64> {
        let whole = self.whole.as_ref()?;
        let looks = whole.count() as f64 / self.count().max(1) as f64;
        let questions = pairs(&whole.panel.splits) / pairs(&self.panel.splits).max(1.0);
        let of = |spent: Spent| spent.looking * looks + spent.asking * questions;
        let network = whole.network?;
        // A run that was resumed knows the figures of raw pixels and not how long they took: no longer than the network.
        Some(of(network) + of(whole.pixels.unwrap_or(network)))
    }

    /// How many pictures that looks at.
    pub(crate) fn whole_count(&self) -> usize {
        self.whole.as_ref().map_or(0, Whole::count)
    }

    /// kNN accuracy by all pictures, of raw pixels and of the network as it is; none where evaluations do that anyway.
    pub(crate) fn whole(&mut self, trainer: &mut Trainer, watch: &mut Watch<'_>) -> Result<Option<Verdict>> {
        let Some(mut whole) = self.whole.take() else { return Ok(None) };
        whole.panel.unreadable.clone_from(&self.panel.unreadable);
        std::mem::swap(&mut self.panel, &mut whole.panel);
        let judged = self.pixels(watch).and_then(|pixels| Ok((pixels, self.network(trainer, watch)?)));
        let queries =
            self.panel.splits.iter().map(|split| (split.name.clone(), self.queries(&split.name))).collect();
        std::mem::swap(&mut self.panel, &mut whole.panel);
        // What only this look found unreadable is listed with the rest.
        self.panel.unreadable.append(&mut whole.panel.unreadable);
        self.whole = Some(whole);
        judged.map(|(pixels, network)| Some(Verdict { pixels, network, queries }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;
    use crate::gpu::Gpu;
    use crate::pass;
    use std::sync::Arc;

    fn config(eval_pictures: Option<usize>) -> Config {
        let mut config = Config::from_preset(Preset::Demo).unwrap();
        for (key, value) in [("width", "4"), ("batch", "8"), ("eval_size", "8"), ("eval_resize", "8")] {
            config.set(key, value).unwrap();
        }
        Config { eval_pictures, ..config }
    }

    #[test]
    fn all_pictures_give_what_evaluations_without_a_sample_give() {
        let gpu = Gpu::open(None, None).unwrap();
        let dataset = Arc::new(Dataset::open(None).unwrap());
        let mut trainer = Trainer::new(&gpu, &config(None)).unwrap();
        let judge = |most| Judge::new(Arc::clone(&dataset), &config(most), &gpu);
        let watch = &mut pass::unwatched;

        let mut full = judge(Some(0));
        assert!(full.whole(&mut trainer, watch).unwrap().is_none());
        let [pixels, network] = [full.pixels(watch).unwrap(), full.network(&mut trainer, watch).unwrap()];

        let mut sampled = judge(Some(60));
        assert!(sampled.whole.is_none(), "whoever chose a number gets no more");
        sampled.whole = Whole::beside(&sampled.panel, &dataset, &config(None));
        let count = sampled.count();
        assert!(count < sampled.whole_count() && sampled.whole_seconds().is_none());
        let of_sample = sampled.network(&mut trainer, watch).unwrap();
        assert!(sampled.whole_seconds().unwrap() > 0.0);
        let verdict = sampled.whole(&mut trainer, watch).unwrap().unwrap();
        assert_eq!((verdict.pixels, verdict.network), (pixels, network));
        for (name, queries) in &verdict.queries {
            assert_eq!(*queries, full.queries(name), "{name}");
            assert!(*queries > sampled.queries(name), "{name}");
        }
        // What follows looks at the sample again.
        assert_eq!((sampled.count(), sampled.network(&mut trainer, watch).unwrap()), (count, of_sample));
    }

    #[test]
    fn features_that_have_no_room_are_not_asked_for() {
        let dataset = Dataset::open(None).unwrap();
        let taken = Panel::of_splits(&dataset, 60);
        assert!(Whole::beside(&taken, &dataset, &config(None)).is_some());
        let wide = Config { width: Some(16_384), ..config(None) };
        assert!(Whole::beside(&taken, &dataset, &wide).is_none());
    }
}
