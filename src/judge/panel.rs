//! The pictures of a judgement, whoever judges: which they are, which of them can be read, and what the neighbours of
//! each query say of its class.
//!
//! The judge of a run and examinations of finished networks both look through this, so that the same pictures, neighbours
//! and votes serve every source of features. A picture that cannot be read is left out of all of them, and noted.

use super::finder::Finder;
use crate::data::spread::{some_of, thinned};
use crate::data::{Dataset, Picture, Split};
use crate::error::Result;
use crate::eval::score::Score;
use crate::eval::{Features, Near, knn, pixels};
use crate::gpu::Gpu;
use crate::pass::{self, Pass, Watch};
use crate::trained::views::{LOOKING, READING_PIXELS, Viewing, look};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows and labels of one side of a split.
pub(crate) type Side = (Vec<usize>, Vec<u32>);

/// The pictures, with what is known of them.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) splits: Vec<Split>,
    /// In ascending order: the rows of all features.
    pub(crate) pictures: Vec<u32>,
    /// Pictures that could not be read, with the reasons.
    pub(crate) unreadable: BTreeMap<u32, String>,
}

/// How neighbours vote.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearestOptions {
    /// How many neighbours, each of which is a result of its own.
    pub k: Vec<usize>,
    /// A neighbour's weight is exp(cosine / this).
    pub temperature: f64,
}

/// How good the guesses of one vote are.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) split: String,
    /// Whether the mean of the bank was taken off first.
    pub(crate) centred: bool,
    /// Neighbours that voted, at most.
    pub(crate) k: usize,
    /// Pictures whose labels voted.
    pub(crate) bank: usize,
    pub(crate) score: Score,
}

impl Panel {
    /// The pictures of all splits, at most `most` of each side, evenly spread; none where there are no splits.
    pub(crate) fn of_splits(dataset: &Dataset, most: usize) -> Self {
        let (splits, pictures) = thinned(dataset.splits(), most);
        Self { splits, pictures, unreadable: BTreeMap::new() }
    }

    /// The same, but at most `most` of all pictures where there are no splits.
    pub(crate) fn of_all(dataset: &Dataset, most: usize) -> Self {
        let mut panel = Self::of_splits(dataset, most);
        if panel.splits.is_empty() {
            panel.pictures = some_of(&(0..dataset.len() as u32).collect::<Vec<_>>(), most);
        }
        panel
    }

    /// Rows and labels of those of `wanted` that can be read and have a label.
    pub(crate) fn labelled(&self, dataset: &Dataset, wanted: &[u32]) -> Side {
        let readable = wanted.iter().filter(|picture| !self.unreadable.contains_key(picture));
        let find =
            |picture: &u32| Some((self.pictures.binary_search(picture).ok()?, dataset.label(*picture)?));
        readable.filter_map(find).unzip()
    }

    /// Both sides of a split, where each has a picture with a label.
    pub(crate) fn sides(&self, dataset: &Dataset, split: &Split) -> Option<[Side; 2]> {
        let sides = [self.labelled(dataset, &split.bank), self.labelled(dataset, &split.queries)];
        sides.iter().all(|(rows, _)| !rows.is_empty()).then_some(sides)
    }

    /// Leaves out what cannot be read; says which rows stay.
    pub(crate) fn drop_unreadable(&mut self) -> Vec<usize> {
        let readable = |&row: &usize| !self.unreadable.contains_key(&self.pictures[row]);
        let kept: Vec<usize> = (0..self.pictures.len()).filter(readable).collect();
        self.pictures = kept.iter().map(|&row| self.pictures[row]).collect();
        kept
    }

    /// Hands the views of `pictures` to `then` in portions, with which of them could be read. A pass.
    pub(crate) fn look(
        &mut self,
        dataset: &Dataset,
        viewing: &Viewing,
        pictures: &[u32],
        watch: &mut Watch<'_>,
        then: impl FnMut(&[f32], &[bool]) -> Result<()> + Send,
    ) -> Result<()> {
        let unreadable = &mut self.unreadable;
        pass::run(LOOKING, pictures.len(), watch, |pass| {
            look(dataset, viewing, pictures, unreadable, pass, then)
        })
    }

    /// Raw pixels, a row for each of `pictures`; what cannot be read is a blank one. A pass.
    pub(crate) fn pixels(&mut self, dataset: &Dataset, watch: &mut Watch<'_>) -> Result<Features> {
        let Self { pictures, unreadable, .. } = self;
        pass::run(READING_PIXELS, pictures.len(), watch, |pass| {
            raw_pixels(dataset, pictures, unreadable, pass)
        })
    }

    /// Pictures that are asked about, over all splits.
    pub(crate) fn queries(&self, dataset: &Dataset) -> usize {
        self.splits.iter().filter_map(|split| Some(self.sides(dataset, split)?[1].0.len())).sum()
    }

    /// What the nearest pictures of each split's bank guess of each query, for plain and for mean-centred features, for
    /// every number of neighbours in `options`. `features` has a row for each of `pictures`. `pass` counts each query
    /// twice.
    pub(crate) fn ask(
        &self,
        dataset: &Dataset,
        gpu: &Arc<Gpu>,
        features: &Features,
        options: &NearestOptions,
        pass: &Pass,
    ) -> Result<Vec<Answer>> {
        let most = options.k.iter().copied().max().unwrap_or(0);
        let mut answers = Vec::new();
        for split in &self.splits {
            let Some([(bank_rows, bank_labels), (rows, labels)]) = self.sides(dataset, split) else {
                continue;
            };
            let (bank, queries) = (features.select(&bank_rows), features.select(&rows));
            let finder = Finder::new(gpu, bank.dim, most, bank.rows, queries.rows)?;
            for centred in [false, true] {
                let mean = centred.then(|| bank.mean());
                let (bank_rows, asked) = (bank.unit(mean.as_deref()), queries.unit(mean.as_deref()));
                let near = finder.nearest(&bank_rows, &asked, pass)?;
                for &k in &options.k {
                    let score = score(&near, k, &bank_labels, &labels, options.temperature, dataset);
                    answers.push(Answer { split: split.name.clone(), centred, k, bank: bank.rows, score });
                }
            }
        }
        Ok(answers)
    }
}

/// Raw pixels, a row for each of `pictures`; what cannot be read is a blank one, and noted. `pass` counts them.
pub(super) fn raw_pixels(
    dataset: &Dataset,
    pictures: &[u32],
    unreadable: &mut BTreeMap<u32, String>,
    pass: &Pass,
) -> Result<Features> {
    let channels = dataset.reading().channels;
    let failures = Mutex::new(BTreeMap::new());
    let decode = |row: u32| {
        let picture = pictures[row as usize];
        Ok(dataset.decode(picture).unwrap_or_else(|error| {
            let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.insert(picture, error.to_string());
            Picture::black(channels as u32)
        }))
    };
    let features = pixels::features(pictures.len() as u32, channels, pass, decode)?;
    unreadable.extend(failures.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(features)
}

fn score(
    near: &[Vec<Near>],
    k: usize,
    bank_labels: &[u32],
    labels: &[u32],
    temperature: f64,
    dataset: &Dataset,
) -> Score {
    let guess = |near: &Vec<Near>| knn::ranking(&near[..k.min(near.len())], bank_labels, temperature);
    let guesses: Vec<Vec<u32>> = near.iter().map(guess).collect();
    Score::of(guesses.iter().map(Vec::as_slice), labels, dataset.classes().len())
}
