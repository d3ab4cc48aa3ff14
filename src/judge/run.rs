//! Judging a network by plain views: kNN accuracy where there are labels, and best prototypes.
//!
//! The same pictures, neighbours and votes serve the trained network, the untrained one and raw
//! pixels. A picture that cannot be read is left out of all of them, and noted.

use super::panel::{Answer, NearestOptions, Panel};
use super::sample::{self, sampled};
use super::whole::{Spent, Whole};
use super::{SplitAccuracy, device::search::Search};
use crate::config::Config;
use crate::data::Dataset;
use crate::data::spread::some_of;
use crate::error::Result;
use crate::eval::{Features, kmeans, pixels};
use crate::gpu::Gpu;
use crate::method::Trainer;
use crate::pass::{self, Watch};
use crate::trained::views::{ASKING, Viewing};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The gallery is chosen from so many times the pictures of one side of a split.
const GALLERY: usize = 4;

/// Looks at pictures as evaluation does.
pub(crate) struct Judge {
    pub(super) dataset: Arc<Dataset>,
    pub(super) gpu: Arc<Gpu>,
    pub(super) viewing: Viewing,
    pub(super) options: NearestOptions,
    pub(super) panel: Panel,
    /// All pictures, where the panel is a sample of them.
    pub(super) whole: Option<Whole>,
    /// Pictures that the gallery is chosen from.
    pub(crate) shown: Vec<u32>,
    /// What a person should know: that not all pictures are looked at.
    pub(crate) notice: Option<String>,
}

impl Judge {
    /// A judge of the pictures of `dataset` by the settings of `config`, on `gpu`.
    pub(crate) fn new(dataset: Arc<Dataset>, config: &Config, gpu: &Arc<Gpu>) -> Self {
        let (most, slow) = sample::most(config, gpu.facts().software);
        let panel = Panel::of_splits(&dataset, most);
        let all: Vec<u32> = (0..dataset.len() as u32).collect();
        let shown = some_of(&all, most.saturating_mul(GALLERY));
        let notice = sampled(dataset.splits(), &panel.splits, shown.len(), all.len(), slow);
        let whole = Whole::beside(&panel, &dataset, config);
        Self {
            dataset,
            whole,
            gpu: Arc::clone(gpu),
            viewing: Viewing::of_config(config),
            options: NearestOptions { k: vec![config.knn_k], temperature: config.knn_temperature },
            panel,
            shown,
            notice,
        }
    }

    /// Whether there is anything to judge accuracy by.
    pub(crate) fn has_labels(&self) -> bool {
        !self.panel.pictures.is_empty()
    }

    /// How many pictures an evaluation looks at.
    pub(crate) fn count(&self) -> usize {
        self.panel.pictures.len()
    }

    /// How many pictures of a split are asked about.
    pub(crate) fn queries(&self, split: &str) -> u64 {
        let named = self.panel.splits.iter().find(|one| one.name == split);
        let sides = named.and_then(|split| self.panel.sides(&self.dataset, split));
        sides.map_or(0, |[_, (rows, _)]| rows.len() as u64)
    }

    /// Side of an evaluation view, pixels.
    pub(crate) fn size(&self) -> u32 {
        self.viewing.size
    }

    /// Pictures that could not be read, with the reasons.
    pub(crate) fn unreadable(&self) -> &BTreeMap<u32, String> {
        &self.panel.unreadable
    }

    /// Device memory that asking neighbours takes while it lasts, for features of so many values.
    pub(crate) fn bytes(&self, features: usize) -> u64 {
        let dim = features.max(self.pixel_values());
        let of = |split: &crate::data::Split| Search::bytes(dim, split.bank.len(), split.queries.len());
        self.panel.splits.iter().map(of).max().unwrap_or(0)
    }

    /// Values of a picture's raw pixels.
    pub(super) fn pixel_values(&self) -> usize {
        (pixels::SIDE * pixels::SIDE) as usize * self.dataset.reading().channels
    }

    /// kNN accuracy of the network as it is.
    pub(crate) fn network(
        &mut self,
        trainer: &mut Trainer,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<SplitAccuracy>> {
        let (mut data, mut dim) = (Vec::new(), 0);
        let pictures = self.panel.pictures.clone();
        let start = Instant::now();
        self.look(&pictures, watch, |views, readable| {
            let features = trainer.features(views, readable.len())?;
            dim = features.dim;
            data.extend_from_slice(&features.data);
            Ok(())
        })?;
        let looking = start.elapsed().as_secs_f64();
        let accuracy = self.accuracy(&Features::new(pictures.len(), dim, data)?, watch)?;
        self.note(false, Spent { looking, asking: start.elapsed().as_secs_f64() - looking });
        Ok(accuracy)
    }

    /// kNN accuracy of raw pixels.
    pub(crate) fn pixels(&mut self, watch: &mut Watch<'_>) -> Result<Vec<SplitAccuracy>> {
        let start = Instant::now();
        let features = self.panel.pixels(&self.dataset, watch)?;
        let looking = start.elapsed().as_secs_f64();
        // Of grey pictures one channel says as much as three, in a third of the time.
        let grey = pixels::of_one_channel(&features, self.dataset.reading().channels);
        let accuracy = self.accuracy(&grey.unwrap_or(features), watch)?;
        self.note(true, Spent { looking, asking: start.elapsed().as_secs_f64() - looking });
        Ok(accuracy)
    }

    /// The best prototype of each of [`Self::shown`] and the cosine to it; an unreadable one gets a prototype
    /// that does not exist. Where the method has no prototypes, the `clusters` of k-means on the features take their
    /// place.
    pub(crate) fn best_prototypes(
        &mut self,
        trainer: &mut Trainer,
        (clusters, seed): (usize, u64),
        watch: &mut Watch<'_>,
    ) -> Result<Vec<(u32, f32)>> {
        let (pictures, prototypes) = (self.shown.clone(), trainer.prototypes()?);
        let (mut best, mut can_be_read) = (Vec::with_capacity(pictures.len()), Vec::new());
        let (mut features, mut dim) = (Vec::new(), 0);
        self.look(&pictures, watch, |views, readable| {
            can_be_read.extend_from_slice(readable);
            if let Some(prototypes) = &prototypes
                && let Some(found) = trainer.best_prototypes(views, readable.len(), prototypes)?
            {
                best.extend(found);
                return Ok(());
            }
            let found = trainer.features(views, readable.len())?;
            dim = found.dim;
            let rows = (0..found.rows).filter(|&row| readable[row]);
            features.extend(rows.flat_map(|row| found.row(row)).copied());
            Ok(())
        })?;
        if best.is_empty() && dim > 0 {
            let features = Features::new(features.len() / dim, dim, features)?;
            let found = pass::run(kmeans::FINDING, 0, watch, |pass| {
                kmeans::clusters(&features, clusters, seed, pass)
            })?;
            let mut found = found.best(&features).into_iter();
            best.extend(
                can_be_read.iter().map(|&ok| if ok { found.next() } else { None }.unwrap_or_default()),
            );
        }
        let known = |(best, ok)| if ok { best } else { (u32::MAX, 0.0) };
        Ok(best.into_iter().zip(can_be_read).map(known).collect())
    }

    /// Hands the views of `pictures` to `then` in portions, with which of them could be read.
    pub(crate) fn look(
        &mut self,
        pictures: &[u32],
        watch: &mut Watch<'_>,
        then: impl FnMut(&[f32], &[bool]) -> Result<()> + Send,
    ) -> Result<()> {
        self.panel.look(&self.dataset, &self.viewing, pictures, watch, then)
    }

    /// Accuracy on every split; `features` has a row for each of the pictures.
    fn accuracy(&self, features: &Features, watch: &mut Watch<'_>) -> Result<Vec<SplitAccuracy>> {
        let Self { dataset, gpu, panel, options, .. } = self;
        // Plain and centred.
        let all = 2 * panel.queries(dataset);
        let answers = pass::run(ASKING, all, watch, |pass| panel.ask(dataset, gpu, features, options, pass))?;
        let pairs = answers.chunks_exact(2);
        Ok(pairs.map(|pair| accuracy(&pair[0], &pair[1])).collect())
    }
}

fn accuracy(plain: &Answer, centred: &Answer) -> SplitAccuracy {
    SplitAccuracy { name: plain.split.clone(), plain: plain.score.top1, centred: centred.score.top1 }
}
