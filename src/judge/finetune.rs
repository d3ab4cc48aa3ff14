//! Semi-supervised fine-tuning: a few labels of each class, the whole network trained on them (section 4.1
//! of the paper; the official `eval_semisup.py`). Beside it the same network from random weights, and a linear classifier on raw pixels that sees
//! the same few labels.

use super::fresh::fresh_views;
use super::linear::{LEARNING, LinearOptions, epochs, fit, score};
use super::{Described, Examination, FeatureSource};
use crate::data::Split;
use crate::error::{Error, Result};
use crate::eval::score::Score;
use crate::judge::device::finetune::{Finetune, FinetuneSpec, steps_down};
use crate::pass::{self, Watch};
use crate::rng::{Purpose, Stream};
use crate::trained::Model;
use crate::trained::views::{LOOKING, look};
use serde::Serialize;
use std::collections::BTreeMap;

/// How a network is fine-tuned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FinetuneOptions {
    /// Percent of each class whose labels are used, at least one picture of each.
    pub labels: f64,
    /// Times that every picture is seen.
    pub epochs: usize,
    /// Pictures of a step, at most.
    pub batch: usize,
    /// Learning rates of the trunk and of the classifier.
    pub rates: [f64; 2],
    /// Which labels are used; where the classifier and the crops come from.
    pub seed: u64,
}

impl FinetuneOptions {
    /// What the official code does with `labels` percent of the labels: it has rates for 1 % and for 10 %, and the
    /// nearer ones are taken.
    #[must_use]
    pub fn of_labels(labels: f64) -> Self {
        let rates = if labels < 3.0 { [0.02, 5.0] } else { [0.01, 0.2] };
        Self { labels, epochs: 20, batch: 256, rates, seed: super::SEED }
    }
}

const MOMENTUM: f64 = 0.9;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct FinetuneResult {
    /// The split.
    pub split: String,
    /// What was fine-tuned; raw pixels have a linear classifier.
    pub source: FeatureSource,
    /// Pictures with labels that were learnt from.
    pub train: usize,
    /// Steps of training, 0 for raw pixels.
    pub steps: usize,
    /// How good the guesses on the test side are.
    #[serde(flatten)]
    pub score: Score,
}

/// Fine-tunes on a few labels of each split's bank and tests on its queries, each time as a pass.
///
/// # Errors
/// [`Error::Data`] where no split has labels; [`Error::Config`] for options that make no sense; a batch that does
/// not fit the adapter; what the driver reports; [`Error::Stopped`] where a pass is.
pub fn finetune(
    of: &Examination<'_>,
    options: &FinetuneOptions,
    watch: &mut Watch<'_>,
) -> Result<Vec<FinetuneResult>> {
    of.need_labels()?;
    check(options)?;
    let untrained = of.model.untrained(options.seed)?;
    let splits: Vec<&Split> = of.splits().iter().filter(|split| of.sides(split).is_some()).collect();
    let mut results = Vec::new();
    for split in splits {
        let Some([(rows, labels), test]) = of.sides(split) else { continue };
        let few = few(&labels, options.labels, options.seed);
        let (rows, labels): (Vec<usize>, Vec<u32>) = few.iter().map(|&i| (rows[i], labels[i])).unzip();
        let mut push = |source, steps, score| {
            let (split, train) = (split.name.clone(), labels.len());
            results.push(FinetuneResult { split, source, train, steps, score });
        };
        if let Some(pixels) =
            of.described.iter().find(|one: &&Described| one.source == FeatureSource::RawPixels)
        {
            let usual = LinearOptions { seed: options.seed, ..LinearOptions::default() };
            let (_, _, score) = pass::run(LEARNING, epochs(&usual), watch, |pass| {
                fit(of, pixels, &usual, (&rows, &labels), &test, pass)
            })?;
            push(FeatureSource::RawPixels, 0, score);
        }
        for (source, start) in [(FeatureSource::Untrained, &untrained), (FeatureSource::Trained, of.model)] {
            let (steps, score) = Job { of, options, start }.run((&rows, &labels), &test, watch)?;
            push(source, steps, score);
        }
    }
    Ok(results)
}

fn check(options: &FinetuneOptions) -> Result<()> {
    let FinetuneOptions { labels, epochs, batch, rates, .. } = options;
    if !(*labels > 0.0 && *labels <= 100.0) {
        return Err(Error::config("labels", format!("{labels} % of the labels: use 1 or 10, at most 100")));
    }
    if *epochs == 0 || *batch == 0 {
        return Err(Error::config("epochs", "fine-tuning needs an epoch and a picture a step at least"));
    }
    if rates.iter().any(|rate| !(*rate >= 0.0 && rate.is_finite())) {
        return Err(Error::config("rate", "learning rates must be numbers of 0 or more"));
    }
    Ok(())
}

/// Places of `percent` of the labels of each class, at least one, chosen by `seed`, in ascending order.
fn few(labels: &[u32], percent: f64, seed: u64) -> Vec<usize> {
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    labels.iter().enumerate().for_each(|(place, &label)| members.entry(label).or_default().push(place));
    let mut chosen = Vec::new();
    for (label, mut members) in members {
        Stream::new(seed, Purpose::FewLabels, &[u64::from(label)]).shuffle(&mut members);
        let count = (members.len() as f64 * percent / 100.0).round() as usize;
        chosen.extend_from_slice(&members[..count.clamp(1, members.len())]);
    }
    chosen.sort_unstable();
    chosen
}

/// Steps of an epoch, and pictures of each: as few steps as `most` a step allows, all of equal size. What is missing
/// in the last one comes from the beginning of the epoch.
fn portions(pictures: usize, most: usize) -> (usize, usize) {
    let steps = pictures.div_ceil(most).max(1);
    (steps, pictures.div_ceil(steps))
}

struct Job<'a, 'e> {
    of: &'a Examination<'e>,
    options: &'a FinetuneOptions,
    /// The network to start from.
    start: &'a Model,
}

impl Job<'_, '_> {
    /// Fine-tunes on these rows; the steps that it took, and the score on the test side.
    fn run(
        &self,
        (rows, labels): (&[usize], &[u32]),
        (test_rows, test_labels): &(Vec<usize>, Vec<u32>),
        watch: &mut Watch<'_>,
    ) -> Result<(usize, Score)> {
        let (of, FinetuneOptions { epochs, batch, rates, seed, .. }) = (self.of, *self.options);
        let (steps, batch) = portions(rows.len(), batch);
        let classes = of.dataset.classes().len();
        let view = [of.model.viewing().size; 2];
        let spec = FinetuneSpec { classes, batch, view, rates, momentum: MOMENTUM, seed };
        let network = self.start.inference();
        let tuned = Finetune::new(network.gpu(), network.spec(), &network.export()?, &spec)?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        pass::run(("fine-tuning", "steps"), epochs * steps, watch, |pass| {
            for (epoch, step) in (0..epochs).flat_map(|epoch| (0..steps).map(move |step| (epoch, step))) {
                if step == 0 {
                    Stream::new(seed, Purpose::FinetuneShuffle, &[epoch as u64]).shuffle(&mut order);
                }
                let chunk: Vec<usize> =
                    order.iter().cycle().skip(step * batch).take(batch).copied().collect();
                let pictures: Vec<u32> = chunk.iter().map(|&i| of.pictures()[rows[i]]).collect();
                let wanted: Vec<u32> = chunk.iter().map(|&i| labels[i]).collect();
                let views = fresh_views(of, &pictures, seed, [epoch, step], pass)?;
                tuned.step(&views, &wanted, steps_down(epoch, epochs))?;
                pass.advance(1)?;
            }
            Ok(())
        })?;
        let pictures: Vec<u32> = test_rows.iter().map(|&row| of.pictures()[row]).collect();
        let mut logits = Vec::new();
        let then = |views: &[f32], readable: &[bool]| {
            logits.extend(tuned.logits(views, readable.len())?.data);
            Ok(())
        };
        pass::run(LOOKING, pictures.len(), watch, |pass| {
            look(of.dataset, of.model.viewing(), &pictures, &mut BTreeMap::new(), pass, then)
        })?;
        let logits = crate::eval::Features::new(pictures.len(), classes, logits)?;
        Ok((epochs * steps, score(&logits, test_labels, classes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_labels_of_every_class_are_taken() {
        let labels: Vec<u32> = (0..1000).map(|i| if i < 3 { 7 } else { i % 5 }).collect();
        let chosen = few(&labels, 10.0, 1);
        assert!(chosen.is_sorted() && chosen == few(&labels, 10.0, 1) && chosen != few(&labels, 10.0, 2));
        let of = |class: u32| chosen.iter().filter(|&&i| labels[i] == class).count();
        assert_eq!((of(7), chosen.len()), (1, 101));
        assert!((0..5).all(|class| of(class) == 20));
        assert_eq!(few(&labels, 100.0, 1).len(), 1000);
    }

    #[test]
    fn an_epoch_has_equal_steps() {
        assert_eq!(
            [portions(278, 256), portions(27, 256), portions(512, 256)],
            [(2, 139), (1, 27), (2, 256)]
        );
    }

    #[test]
    fn rates_are_those_of_the_nearer_recipe() {
        assert_eq!([1.0, 10.0].map(|p| FinetuneOptions::of_labels(p).rates), [[0.02, 5.0], [0.01, 0.2]]);
        let refused = |options| check(&options).unwrap_err().to_string();
        assert!(refused(FinetuneOptions::of_labels(0.0)).contains("labels"));
        assert!(
            refused(FinetuneOptions { rates: [f64::NAN, 1.0], ..FinetuneOptions::of_labels(1.0) })
                .contains("rate")
        );
    }
}
