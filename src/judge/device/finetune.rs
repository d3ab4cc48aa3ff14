//! Fine-tuning: a whole trunk with a linear classifier on it, trained on pictures with labels by SGD with momentum
//! and no decay, each of the two at a rate of its own (the official `eval_semisup.py`).
//!
//! views → trunk with batch statistics → features → classifier → cross-entropy → gradients → update.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Readout;
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::gpu::{Arena, Gpu, Plan, Replay, Session, ShaderParams as _, Shape, Tensor, Usage};
use crate::interop::HostTensor;
use crate::model::evaluation::look;
use crate::model::{Linear, NetworkSpec, Store, Trunk, views_at_once};
use crate::ops::Step;
use crate::ops::optimizer::{self, Rule, Scaling};
use crate::ops::probe::{self, Side};

/// What a network is fine-tuned with.
#[derive(Clone, Debug, PartialEq)]
pub struct FinetuneSpec {
    /// Classes.
    pub classes: usize,
    /// Pictures of a step.
    pub batch: usize,
    /// Height and width of the views.
    pub view: [u32; 2],
    /// Learning rates of the trunk and of the classifier.
    pub rates: [f64; 2],
    /// Momentum.
    pub momentum: f64,
    /// Where the classifier's initial weights come from.
    pub seed: u64,
}

/// A network in fine-tuning.
#[derive(Debug)]
pub struct Finetune {
    spec: FinetuneSpec,
    session: Session,
    /// The trunk's and the classifier's parameters, each with the numbers of its step.
    parts: [(Store, Tensor); 2],
    train: Replay,
    predict: Replay,
    views: Tensor,
    labels: Tensor,
    test_views: Tensor,
    logits: Tensor,
}

impl Finetune {
    /// Records the plans and starts from the trunk in `weights`, with a new classifier.
    ///
    /// # Errors
    /// [`Error::Config`] for no class or an empty batch; [`Error::Limit`] for a batch that does not fit the
    /// adapter; weights that are missing.
    pub fn new(
        gpu: &Arc<Gpu>,
        network: &NetworkSpec,
        weights: &BTreeMap<String, HostTensor>,
        spec: &FinetuneSpec,
    ) -> Result<Self> {
        if spec.classes == 0 || spec.batch == 0 {
            return Err(Error::config("batch", "fine-tuning needs classes and at least one picture a step"));
        }
        let most = gpu.facts().max_binding_bytes.min(gpu.facts().max_buffer_bytes);
        let [mut body, mut head] = [(); 2].map(|()| Store::new(most));
        let trunk = Trunk::new(&mut body, &network.trunk, network.stem, network.channels, false);
        let (inputs, classes, batch) = (trunk.features(), spec.classes as u32, spec.batch as u32);
        let classifier = Linear::new(&mut head, "classifier", inputs, classes, true, 0);
        let arena = Arc::new(Arena::default());
        body.lease(&arena, 1);
        head.lease(&arena, 1);
        let [height, width] = spec.view;
        let lease = |shape, label| arena.lease(shape, Usage::Storage, label);
        let views = lease(Shape::pictures(batch, height, width, network.channels as u32), "views");
        let labels = lease(Shape::matrix(batch.div_ceil(4), 4), "labels");
        let share = lease(Shape::matrix(1, 2), "share of a row");
        let steps =
            ["trunk step", "classifier step"].map(|label| arena.lease(Step::shape(), Usage::Uniform, label));

        let mut train = Plan::new(gpu, &arena);
        for shard in body.shards().iter().chain(head.shards()) {
            train.clear(&shard.gradient);
        }
        let features = train.lease(Shape::matrix(batch, inputs));
        let saved = trunk.forward(&mut train, &body, &views, &features, 0)?;
        let (logits, input) = classifier.forward(&mut train, &head, &features)?;
        drop(features);
        let side = Side { classes, group: classes.next_multiple_of(4), groups: 1 };
        let dlogits = probe::loss_gradient(&mut train, side, &logits, &labels, &share)?;
        drop(logits);
        let dfeatures = classifier.backward(&mut train, &head, input, &dlogits)?;
        drop(dlogits);
        trunk.backward(&mut train, &body, saved, &dfeatures, 0, None)?;
        train.scope("optimizer");
        let rule = Rule::Sgd { scaling: Scaling::None, momentum: spec.momentum as f32 };
        let settings = optimizer::Settings { rule, weight_decay: 0.0, exclude: false };
        for (store, step) in [&body, &head].into_iter().zip(&steps) {
            for shard in store.shards() {
                optimizer::update(&mut train, shard, &settings, step)?;
            }
        }

        let mut predict = Plan::new(gpu, &arena);
        let at_once = views_at_once(height, width);
        let test_views =
            lease(Shape::pictures(at_once, height, width, network.channels as u32), "test views");
        let features = trunk.evaluate(&mut predict, &body, &test_views, Readout::default(), false)?.features;
        let (logits, _) = classifier.forward(&mut predict, &head, &features)?;

        let session = Session::allocate(gpu, &arena)?;
        let (train, predict) = (session.bind(train)?, session.bind(predict)?);
        for store in [&body, &head] {
            store.initialize(&session, spec.seed)?;
        }
        body.import(&session, weights)?;
        session.write(&share, &[0.0, 1.0 / spec.batch as f32]);
        let [trunk_step, head_step] = steps;
        let parts = [(body, trunk_step), (head, head_step)];
        Ok(Self { spec: spec.clone(), session, parts, train, predict, views, labels, test_views, logits })
    }

    /// Overwrites the classifier's weights: `classifier.weight` `[classes, features]` and `classifier.bias`.
    ///
    /// # Errors
    /// One that is missing or of another shape.
    pub fn start_classifier(&self, weights: &BTreeMap<String, HostTensor>) -> Result<()> {
        self.parts[1].0.import(&self.session, weights)
    }

    /// One step on a whole batch of views and their labels, both rates times `factor`.
    ///
    /// # Errors
    /// [`Error::Config`] for another number of pictures than a batch, or a label that is no class; what the
    /// driver reports.
    pub fn step(&self, views: &[f32], labels: &[u32], factor: f64) -> Result<()> {
        let floats = (self.views.shape.bytes() / 4) as usize;
        let known = labels.iter().all(|&label| (label as usize) < self.spec.classes);
        if views.len() != floats || labels.len() != self.spec.batch || !known {
            let reason =
                format!("{} labels and {} values are no batch of this network", labels.len(), views.len());
            return Err(Error::config("batch", reason));
        }
        self.session.write(&self.views, views);
        let mut words = vec![f32::from_bits(probe::NONE); labels.len().next_multiple_of(4)];
        words.iter_mut().zip(labels).for_each(|(word, &label)| *word = f32::from_bits(label));
        self.session.write(&self.labels, &words);
        for ((_, step), rate) in self.parts.iter().zip(self.spec.rates) {
            let learning_rate = (rate * factor) as f32;
            self.session.write(step, Step { learning_rate, ..Step::default() }.words());
        }
        // Uploads that nobody waits for would pile up.
        self.session.run(&self.train)
    }

    /// The classifier's logits for `n` views in evaluation mode, `[n, classes]`.
    pub fn logits(&self, views: &[f32], n: usize) -> Result<Features> {
        let found = look(&self.session, &self.predict, &self.test_views, views, n, &[&self.logits])?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// The weights and running estimates of trunk and classifier.
    pub fn export(&self) -> Result<BTreeMap<String, HostTensor>> {
        let mut all = self.parts[0].0.export(&self.session)?;
        all.extend(self.parts[1].0.export(&self.session)?);
        Ok(all)
    }
}

/// The factor of both rates in `epoch` of `epochs`: a fifth from 60 % of them on, and a fifth of that from 80 % on
/// (epochs 12 and 16 of 20).
#[must_use]
pub fn steps_down(epoch: usize, epochs: usize) -> f64 {
    [3, 4].into_iter().filter(|&fifths| 5 * epoch >= fifths * epochs).fold(1.0, |factor, _| factor * 0.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_goes_down_twice() {
        let factors: Vec<f64> = [0, 11, 12, 15, 16, 19].map(|epoch| steps_down(epoch, 20)).to_vec();
        let wanted = [1.0, 1.0, 0.2, 0.2, 0.04, 0.04];
        assert!(factors.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{factors:?}");
    }
}
