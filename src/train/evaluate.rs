//! Judging a network by plain views: kNN accuracy where there are labels, and best prototypes.
//!
//! The same pictures, neighbours and votes serve the trained network, the untrained one and raw
//! pixels. A picture that cannot be read is left out of all of them, and noted.

use super::events::SplitAccuracy;
use super::views::{Viewing, look};
use crate::config::Config;
use crate::data::{Dataset, Picture, Split};
use crate::error::Result;
use crate::eval::{Features, knn, pixels};
use crate::method::swav::Trainer;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pictures of a bank or of queries that are looked at, at most: all features of a larger set would
/// fill the memory, and the accuracy would change by less than a run's own scatter.
const MOST: usize = 50_000;

/// Looks at pictures as evaluation does.
pub(super) struct Judge {
    dataset: Arc<Dataset>,
    viewing: Viewing,
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
            viewing: Viewing::of_config(config),
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
        self.viewing.size
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
        let channels = self.dataset.reading().channels;
        let decode = |row: u32| {
            let picture = self.pictures[row as usize];
            // The row of an unreadable picture is only a placeholder.
            Ok(self.dataset.decode(picture).unwrap_or_else(|_| Picture::black(channels as u32)))
        };
        self.accuracy(&pixels::features(self.pictures.len() as u32, channels, decode)?)
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
        then: impl FnMut(&[f32], &[bool]) -> Result<()>,
    ) -> Result<()> {
        look(&self.dataset, &self.viewing, pictures, &mut self.unreadable, then)
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
