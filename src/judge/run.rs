//! Judging a network by plain views: kNN accuracy where there are labels, and best prototypes.
//!
//! The same pictures, neighbours and votes serve the trained network, the untrained one and raw
//! pixels. A picture that cannot be read is left out of all of them, and noted.

use super::SplitAccuracy;
use crate::config::Config;
use crate::data::spread::{some_of, thinned};
use crate::data::{Dataset, Picture, Split};
use crate::error::Result;
use crate::eval::{Features, kmeans, knn, pixels};
use crate::method::Trainer;
use crate::pass::{self, Pass, Watch};
use crate::trained::views::{ASKING, LOOKING, READING_PIXELS, Viewing, look};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The gallery is chosen from so many times the pictures of one side of a split.
const GALLERY: usize = 4;

/// Looks at pictures as evaluation does.
pub(crate) struct Judge {
    dataset: Arc<Dataset>,
    viewing: Viewing,
    neighbours: usize,
    temperature: f64,
    splits: Vec<Split>,
    /// All pictures of the splits, in ascending order.
    pictures: Vec<u32>,
    /// Pictures that the gallery is chosen from.
    pub(crate) shown: Vec<u32>,
    /// What a person should know: that not all pictures are looked at.
    pub(crate) notice: Option<String>,
    /// Pictures that could not be read, with the reasons.
    pub(crate) unreadable: BTreeMap<u32, String>,
}

impl Judge {
    /// A judge of the pictures of `dataset` by the settings of `config`.
    pub(crate) fn new(dataset: Arc<Dataset>, config: &Config) -> Self {
        let most = if config.eval_pictures == 0 { usize::MAX } else { config.eval_pictures };
        let (splits, pictures) = thinned(dataset.splits(), most);
        let all: Vec<u32> = (0..dataset.len() as u32).collect();
        let shown = some_of(&all, most.saturating_mul(GALLERY));
        let notice = sampled(dataset.splits(), &splits, shown.len(), all.len());
        Self {
            dataset,
            viewing: Viewing::of_config(config),
            neighbours: config.knn_k,
            temperature: config.knn_temperature,
            splits,
            pictures,
            shown,
            notice,
            unreadable: BTreeMap::new(),
        }
    }

    /// Whether there is anything to judge accuracy by.
    pub(crate) fn has_labels(&self) -> bool {
        !self.pictures.is_empty()
    }

    /// How many pictures an evaluation looks at.
    pub(crate) fn count(&self) -> usize {
        self.pictures.len()
    }

    /// Side of an evaluation view, pixels.
    pub(crate) fn size(&self) -> u32 {
        self.viewing.size
    }

    /// kNN accuracy of the network as it is.
    pub(crate) fn network(
        &mut self,
        trainer: &mut Trainer,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<SplitAccuracy>> {
        let (mut data, mut dim) = (Vec::new(), 0);
        let pictures = self.pictures.clone();
        self.look(&pictures, watch, |views, readable| {
            let features = trainer.features(views, readable.len())?;
            dim = features.dim;
            data.extend_from_slice(&features.data);
            Ok(())
        })?;
        self.accuracy(&Features::new(pictures.len(), dim, data)?, watch)
    }

    /// kNN accuracy of raw pixels.
    pub(crate) fn pixels(&mut self, watch: &mut Watch<'_>) -> Result<Vec<SplitAccuracy>> {
        let Self { dataset, pictures, .. } = self;
        let channels = dataset.reading().channels;
        let unreadable = Mutex::new(BTreeMap::new());
        let decode = |row: u32| {
            let picture = pictures[row as usize];
            Ok(dataset.decode(picture).unwrap_or_else(|error| {
                let mut unreadable = unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                unreadable.insert(picture, error.to_string());
                // The row of an unreadable picture is only a placeholder.
                Picture::black(channels as u32)
            }))
        };
        let count = pictures.len();
        let features = pass::run(READING_PIXELS, count, watch, |pass| {
            pixels::features(count as u32, channels, pass, decode)
        })?;
        self.unreadable.extend(unreadable.into_inner().unwrap_or_else(PoisonError::into_inner));
        self.accuracy(&features, watch)
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
        let pictures = self.shown.clone();
        let (mut best, mut can_be_read) = (Vec::with_capacity(pictures.len()), Vec::new());
        let (mut features, mut dim) = (Vec::new(), 0);
        self.look(&pictures, watch, |views, readable| {
            can_be_read.extend_from_slice(readable);
            if let Some(found) = trainer.best_prototypes(views, readable.len())? {
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
        let Self { dataset, viewing, unreadable, .. } = self;
        pass::run(LOOKING, pictures.len(), watch, |pass| {
            look(dataset, viewing, pictures, unreadable, pass, then)
        })
    }

    /// Accuracy on every split; `features` has a row for each of `pictures`.
    fn accuracy(&self, features: &Features, watch: &mut Watch<'_>) -> Result<Vec<SplitAccuracy>> {
        let queries: usize = self.splits.iter().map(|split| split.queries.len()).sum();
        // Plain and centred.
        pass::run(ASKING, 2 * queries, watch, |pass| {
            let found = self.splits.iter().map(|split| self.accuracy_on(split, features, pass));
            Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
    }

    /// None where a side of the split has nothing to offer.
    fn accuracy_on(&self, split: &Split, features: &Features, pass: &Pass) -> Result<Option<SplitAccuracy>> {
        let ((bank, bank_labels), (queries, labels)) =
            (self.select(features, &split.bank)?, self.select(features, &split.queries)?);
        if bank.rows == 0 || queries.rows == 0 {
            return Ok(None);
        }
        let (k, temperature) = (self.neighbours, self.temperature);
        let found = knn::accuracy(&bank, &bank_labels, &queries, &labels, k, temperature, pass)?;
        Ok(Some(SplitAccuracy { name: split.name.clone(), plain: found.plain, centred: found.centred }))
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

/// Says of which pictures the figures are, where not of all.
fn sampled(all: &[Split], taken: &[Split], shown: usize, pictures: usize) -> Option<String> {
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
    (!parts.is_empty())
        .then(|| format!("Evaluation looks at a sample, spread evenly: {list}. --eval-pictures 0 takes all."))
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
        assert_eq!(sampled(&all, &all, 100, 100), None);
        let taken = [split("test", 40, 20), split("small", 3, 2)];
        let text = sampled(&all, &taken, 70, 100).unwrap();
        assert!(
            text.contains("40 of 80 bank pictures and all 20 queries (test); 70 of 100 for the"),
            "{text}"
        );
        assert!(!text.contains("small") && text.contains("--eval-pictures 0"), "{text}");
    }
}
