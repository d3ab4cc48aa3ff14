//! Linear classifiers on a frozen network.
//!
//! *Fast*: features of the plain views, once; several learning rates at once, of which the best on a fifth
//! of the training side is trained again on all of it. *Recipe*: every epoch on fresh crops and flips, at
//! the one rate of the official code. Pictures of the test side are looked at once, at the end.

use super::fresh::fresh_views;
use super::{Described, Examination, FeatureSource};
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::eval::score::{Score, ranked};
use crate::judge::device::classifiers::{Classifiers, ClassifiersSpec, cosine};
use crate::pass::{self, Pass, Watch};
use crate::rng::{Purpose, Stream};
use serde::Serialize;

/// How classifiers learn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinearOptions {
    /// Times that every picture is seen.
    pub epochs: usize,
    /// Pictures of a step.
    pub batch: usize,
    /// Learning rates to choose from; the recipe takes the first.
    pub rates: Vec<f64>,
    /// Weight decay.
    pub decay: f64,
    /// Where initial weights, order and crops come from.
    pub seed: u64,
    /// Fresh crops in every epoch, of the trained network only.
    pub recipe: bool,
}

impl Default for LinearOptions {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch: 256,
            rates: vec![0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0],
            decay: 1e-6,
            seed: super::SEED,
            recipe: false,
        }
    }
}

/// The recipe's learning rate.
const RECIPE_RATE: f64 = 0.3;
/// The pass in which classifiers learn.
pub(super) const LEARNING: (&str, &str) = ("training linear classifiers", "epochs");
const MOMENTUM: f64 = 0.9;
/// One in so many pictures of the training side chooses the rate.
const HELD_OUT: usize = 5;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct LinearResult {
    /// The split.
    pub split: String,
    /// Where the features come from.
    pub source: FeatureSource,
    /// Pictures that were learnt from.
    pub train: usize,
    /// The learning rate that was used.
    pub rate: f64,
    /// Accuracy on the held-out part of the training side at each rate; empty in recipe mode.
    pub held_out: Vec<f64>,
    /// How good the guesses on the test side are.
    #[serde(flatten)]
    pub score: Score,
}

/// Trains classifiers on the bank of each split and tests them on its queries, as a pass.
///
/// # Errors
/// [`Error::Data`] where no split has labels; [`Error::Config`] for options that make no sense; what the
/// driver reports; [`Error::Stopped`] where the pass is.
pub fn linear(
    of: &Examination<'_>,
    options: &LinearOptions,
    watch: &mut Watch<'_>,
) -> Result<Vec<LinearResult>> {
    of.need_labels()?;
    if options.rates.is_empty() || options.rates.iter().any(|rate| !(*rate > 0.0 && rate.is_finite())) {
        return Err(Error::config("rates", "learning rates must be positive numbers, such as 0.03,0.3,3"));
    }
    let wanted = |source: FeatureSource| !options.recipe || source == FeatureSource::Trained;
    let jobs: Vec<_> = of
        .described
        .iter()
        .filter(|described| wanted(described.source))
        .flat_map(|described| of.splits().iter().map(move |split| (described, split)))
        .filter(|(_, split)| of.sides(split).is_some())
        .collect();
    pass::run(LEARNING, jobs.len() * epochs(options), watch, |pass| {
        let mut results = Vec::new();
        for (described, split) in jobs {
            let Some([(rows, labels), test]) = of.sides(split) else { continue };
            let (rate, held_out, score) = fit(of, described, options, (&rows, &labels), &test, pass)?;
            let (split, source, train) = (split.name.clone(), described.source, labels.len());
            results.push(LinearResult { split, source, train, rate, held_out, score });
        }
        Ok(results)
    })
}

/// The epochs of one [`fit`]: once more where rates are chosen first.
pub(super) fn epochs(options: &LinearOptions) -> usize {
    options.epochs * if options.recipe { 1 } else { 2 }
}

/// Trains on the rows and labels of `bank` and tests on those of `test`: the learning rate, how each one did on
/// the held-out part, and the score. `pass` counts the epochs.
pub(super) fn fit(
    of: &Examination<'_>,
    described: &Described,
    options: &LinearOptions,
    (rows, labels): (&[usize], &[u32]),
    (test_rows, test_labels): &(Vec<usize>, Vec<u32>),
    pass: &Pass,
) -> Result<(f64, Vec<f64>, Score)> {
    let mut job = Job { of, options, labels, features: described.features.select(rows), fresh: None };
    let (rate, held_out) = if options.recipe {
        job.fresh = Some(rows.iter().map(|&row| of.pictures()[row]).collect());
        (RECIPE_RATE, Vec::new())
    } else {
        job.choose(pass)?
    };
    let all: Vec<usize> = (0..labels.len()).collect();
    let classifier = job.train(&all, &[rate], pass)?;
    let logits = classifier.logits(&described.features.select(test_rows))?;
    Ok((rate, held_out, score(&logits[0], test_labels, of.dataset.classes().len())))
}

/// How good the classes with the largest logits are.
pub(super) fn score(logits: &Features, labels: &[u32], classes: usize) -> Score {
    let guesses: Vec<Vec<u32>> = (0..logits.rows).map(|row| ranked(logits.row(row))).collect();
    Score::of(guesses.iter().map(Vec::as_slice), labels, classes)
}

/// The training side of one split and source.
struct Job<'a, 'e> {
    of: &'a Examination<'e>,
    options: &'a LinearOptions,
    labels: &'a [u32],
    features: Features,
    /// The pictures behind the rows, where they are to be cropped afresh.
    fresh: Option<Vec<u32>>,
}

impl Job<'_, '_> {
    /// The rate that does best on a part that is held out, and what each of them does there.
    fn choose(&self, pass: &Pass) -> Result<(f64, Vec<f64>)> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        Stream::new(self.options.seed, Purpose::RateChoice, &[]).shuffle(&mut order);
        let (held, kept) = order.split_at(order.len() / HELD_OUT);
        if held.is_empty() {
            pass.advance(self.options.epochs)?;
            return Ok((self.options.rates[0], Vec::new()));
        }
        let classifiers = self.train(kept, &self.options.rates, pass)?;
        let labels: Vec<u32> = held.iter().map(|&row| self.labels[row]).collect();
        let classes = self.of.dataset.classes().len();
        let logits = classifiers.logits(&self.features.select(held))?;
        let shares: Vec<f64> = logits.iter().map(|logits| score(logits, &labels, classes).top1).collect();
        // The first of equals: the smaller rate.
        let best = (0..shares.len()).fold(0, |best, i| if shares[i] > shares[best] { i } else { best });
        Ok((self.options.rates[best], shares))
    }

    /// Trains on these rows, with a cosine over the epochs as the official code has it.
    fn train(&self, rows: &[usize], rates: &[f64], pass: &Pass) -> Result<Classifiers> {
        let LinearOptions { epochs, batch, decay, seed, .. } = *self.options;
        let spec = ClassifiersSpec {
            dim: self.features.dim,
            classes: self.of.dataset.classes().len(),
            rates: rates.to_vec(),
            batch: batch.clamp(1, rows.len().max(1)),
            momentum: MOMENTUM,
            decay,
            seed,
        };
        let linear = Classifiers::new(self.of.model.gpu(), &spec)?;
        let mut order = rows.to_vec();
        for epoch in 0..epochs {
            Stream::new(seed, Purpose::ClassifierShuffle, &[epoch as u64]).shuffle(&mut order);
            for (step, chunk) in order.chunks(spec.batch).enumerate() {
                pass.check()?;
                let labels: Vec<u32> = chunk.iter().map(|&row| self.labels[row]).collect();
                let features = match &self.fresh {
                    Some(pictures) => {
                        let pictures: Vec<u32> = chunk.iter().map(|&row| pictures[row]).collect();
                        let views = fresh_views(self.of, &pictures, seed, [epoch, step], pass)?;
                        self.of.model.look(&views, pictures.len())?.features
                    }
                    None => self.features.select(chunk),
                };
                linear.step(&features, &labels, cosine(epoch, epochs))?;
            }
            // A queue of uploads without end would fill the memory.
            self.of.model.gpu().wait()?;
            pass.advance(1)?;
        }
        Ok(linear)
    }
}
