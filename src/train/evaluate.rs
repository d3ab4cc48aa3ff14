//! Judging a network by plain views: kNN accuracy where there are labels, and best prototypes.
//!
//! The same pictures, neighbours and votes serve the trained network, the untrained one and raw
//! pixels. A picture that cannot be read is left out of all of them, and noted.

use super::events::SplitAccuracy;
use crate::config::Config;
use crate::data::{Dataset, Split, evaluation_view};
use crate::error::Result;
use crate::eval::{Features, knn, pixels};
use crate::method::swav::Trainer;
use image::RgbImage;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Views that are built and handed to the device together, at most.
const VIEWS: usize = 256;
/// Bytes of views that are built together, at most.
const VIEW_BYTES: usize = 64 << 20;
/// Pictures of a bank or of queries that are looked at, at most: all features of a larger set would
/// fill the memory, and the accuracy would change by less than a run's own scatter.
const MOST: usize = 50_000;

/// Looks at pictures as evaluation does.
pub(super) struct Judge {
    dataset: Arc<Dataset>,
    resize: u32,
    size: u32,
    mean: [f32; 3],
    std: [f32; 3],
    neighbours: usize,
    temperature: f64,
    splits: Vec<Split>,
    /// All pictures of the splits, in ascending order.
    pictures: Vec<u32>,
    /// Pictures that could not be read, with the reasons.
    pub(super) unreadable: BTreeMap<u32, String>,
}

impl Judge {
    /// A judge of the pictures of `dataset` by the settings of `config`.
    pub(super) fn new(dataset: Arc<Dataset>, config: &Config) -> Self {
        let splits: Vec<Split> = dataset
            .splits()
            .iter()
            .map(|split| Split {
                name: split.name.clone(),
                bank: thin(&split.bank),
                queries: thin(&split.queries),
            })
            .collect();
        let mut pictures: Vec<u32> =
            splits.iter().flat_map(|split| split.bank.iter().chain(&split.queries).copied()).collect();
        pictures.sort_unstable();
        pictures.dedup();
        Self {
            dataset,
            resize: config.eval_resize,
            size: config.eval_size,
            mean: config.mean.map(|value| value as f32),
            std: config.std.map(|value| value as f32),
            neighbours: config.knn_k,
            temperature: config.knn_temperature,
            splits,
            pictures,
            unreadable: BTreeMap::new(),
        }
    }

    /// Whether there is anything to judge accuracy by.
    pub(super) fn has_labels(&self) -> bool {
        !self.pictures.is_empty()
    }

    /// Side of an evaluation view, pixels.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// kNN accuracy of the network as it is.
    pub(super) fn network(&mut self, trainer: &mut Trainer) -> Result<Vec<SplitAccuracy>> {
        let (mut data, mut dim) = (Vec::new(), 0);
        let pictures = self.pictures.clone();
        self.look(&pictures, |views, readable| {
            let features = trainer.features(views, readable.len())?;
            dim = features.dim;
            data.extend_from_slice(&features.data);
            Ok(())
        })?;
        self.accuracy(&Features::new(pictures.len(), dim, data)?)
    }

    /// kNN accuracy of raw pixels. Comes after [`Self::network`], which finds unreadable pictures.
    pub(super) fn pixels(&self) -> Result<Vec<SplitAccuracy>> {
        let decode = |row: u32| {
            let picture = self.pictures[row as usize];
            // The row of an unreadable picture is only a placeholder.
            Ok(self.dataset.decode(picture).unwrap_or_else(|_| RgbImage::new(1, 1)))
        };
        self.accuracy(&pixels::features(self.pictures.len() as u32, decode)?)
    }

    /// The best prototype of every picture of the data set and the cosine to it; an unreadable one
    /// gets a prototype that does not exist.
    pub(super) fn best_prototypes(&mut self, trainer: &mut Trainer) -> Result<Vec<(u32, f32)>> {
        let pictures: Vec<u32> = (0..self.dataset.len() as u32).collect();
        let mut best = Vec::with_capacity(pictures.len());
        self.look(&pictures, |views, readable| {
            let found = trainer.best_prototypes(views, readable.len())?;
            best.extend(
                found.into_iter().zip(readable).map(|(best, &ok)| if ok { best } else { (u32::MAX, 0.0) }),
            );
            Ok(())
        })?;
        Ok(best)
    }

    /// Hands the views of `pictures` to `then` in portions, with which of them could be read.
    pub(super) fn look(
        &mut self,
        pictures: &[u32],
        mut then: impl FnMut(&[f32], &[bool]) -> Result<()>,
    ) -> Result<()> {
        let row = 4 * self.size as usize * self.size as usize;
        let portion = (VIEW_BYTES / (4 * row)).clamp(1, VIEWS);
        let mut views = vec![0.0; portion.min(pictures.len()) * row];
        for pictures in pictures.chunks(portion) {
            let views = &mut views[..pictures.len() * row];
            let this = &*self;
            let failures: Vec<Option<String>> = views
                .par_chunks_mut(row)
                .zip(pictures)
                .map(|(out, &picture)| match this.dataset.decode(picture) {
                    Ok(pixels) => {
                        evaluation_view(&pixels, this.resize, this.size, this.mean, this.std, out);
                        None
                    }
                    Err(error) => {
                        out.fill(0.0);
                        Some(error.to_string())
                    }
                })
                .collect();
            let readable: Vec<bool> = failures.iter().map(Option::is_none).collect();
            let failed = pictures.iter().zip(failures);
            self.unreadable.extend(failed.filter_map(|(&picture, reason)| Some((picture, reason?))));
            then(views, &readable)?;
        }
        Ok(())
    }

    /// Accuracy on every split; `features` has a row for each of `pictures`.
    fn accuracy(&self, features: &Features) -> Result<Vec<SplitAccuracy>> {
        let mut found = Vec::new();
        for split in &self.splits {
            let ((bank, bank_labels), (queries, labels)) =
                (self.select(features, &split.bank)?, self.select(features, &split.queries)?);
            if bank.rows == 0 || queries.rows == 0 {
                continue;
            }
            let accuracy =
                knn::accuracy(&bank, &bank_labels, &queries, &labels, self.neighbours, self.temperature)?;
            found.push(SplitAccuracy {
                name: split.name.clone(),
                plain: accuracy.plain,
                centred: accuracy.centred,
            });
        }
        Ok(found)
    }

    /// The rows and labels of those of `wanted` that are labelled and readable.
    fn select(&self, features: &Features, wanted: &[u32]) -> Result<(Features, Vec<u32>)> {
        let (mut data, mut labels) = (Vec::with_capacity(wanted.len() * features.dim), Vec::new());
        for picture in wanted.iter().filter(|picture| !self.unreadable.contains_key(picture)) {
            let (Some(label), Ok(row)) = (self.dataset.label(*picture), self.pictures.binary_search(picture))
            else {
                continue;
            };
            data.extend_from_slice(features.row(row));
            labels.push(label);
        }
        Ok((Features::new(labels.len(), features.dim, data)?, labels))
    }
}

/// At most [`MOST`] of the pictures, evenly spread.
fn thin(pictures: &[u32]) -> Vec<u32> {
    if pictures.len() <= MOST {
        return pictures.to_vec();
    }
    (0..MOST).map(|i| pictures[i * pictures.len() / MOST]).collect()
}
