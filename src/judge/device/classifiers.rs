//! Linear classifiers on features, trained on the device by SGD with momentum: several learning rates
//! at once, side by side in one layer. The last of `dim + 1` inputs is 1, so that its weights are biases.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::eval::Features;
use crate::gpu::{Arena, Gpu, Plan, Replay, Session, Shape, Tensor, Usage};
use crate::ops::conv2d::{self, Filter};
use crate::ops::probe::{self, NONE, Side};
use crate::ops::weights;
use crate::rng::{Purpose, Stream};

/// What a classifier learns with (the official `eval_linear.py`).
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifiersSpec {
    /// Length of a feature vector.
    pub dim: usize,
    /// Classes.
    pub classes: usize,
    /// A learning rate for each classifier.
    pub rates: Vec<f64>,
    /// Rows of a step.
    pub batch: usize,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay, of the biases too.
    pub decay: f64,
    /// Where the initial weights N(0, .01) come from.
    pub seed: u64,
}

/// Classifiers in training.
#[derive(Debug)]
pub struct Classifiers {
    spec: ClassifiersSpec,
    side: Side,
    filter: Filter,
    session: Session,
    train: Replay,
    predict: Replay,
    rows: Tensor,
    labels: Tensor,
    rates: Tensor,
    weights: Tensor,
    momentum: Tensor,
    logits: Tensor,
}

impl Classifiers {
    /// Records the plans and draws the initial weights.
    ///
    /// # Errors
    /// [`Error::Config`] for no class or no rate; a shader or limit error.
    pub fn new(gpu: &Arc<Gpu>, spec: &ClassifiersSpec) -> Result<Self> {
        if spec.classes == 0 || spec.rates.is_empty() || spec.batch == 0 {
            return Err(Error::config("linear", "a classifier needs classes, a learning rate and a batch"));
        }
        let group = spec.classes.next_multiple_of(4) as u32;
        let side = Side { classes: spec.classes as u32, group, groups: spec.rates.len() as u32 };
        let filter = Filter::linear(spec.dim as u32 + 1, group * side.groups);
        let arena = Arc::new(Arena::default());
        let lease = |shape, label| arena.lease(shape, Usage::Storage, label);
        let batch = spec.batch as u32;
        let rows = lease(Shape::matrix(batch, filter.channels), "features");
        let labels = lease(Shape::matrix(batch.div_ceil(4), 4), "labels");
        let rates = lease(Shape::matrix(1, side.groups + 1), "rates");
        let [weights, momentum, gradient] =
            ["weights", "momentum", "gradient"].map(|label| lease(filter.panels(), label));
        let mut train = Plan::new(gpu, &arena);
        train.scope("linear");
        let staged = conv2d::stage(&mut train, &rows);
        let y = conv2d::forward(&mut train, &filter, &staged, &weights)?;
        let dy = probe::loss_gradient(&mut train, side, &y, &labels, &rates)?;
        drop(y);
        train.clear(&gradient);
        let dy = conv2d::stage(&mut train, &dy);
        conv2d::backward_weight(&mut train, &filter, &staged, &dy, &gradient)?;
        let tensors = [&gradient, &momentum, &weights];
        probe::update(&mut train, side, &filter, tensors, &rates, spec.momentum as f32, spec.decay as f32)?;
        let mut predict = Plan::new(gpu, &arena);
        predict.scope("predict");
        let staged = conv2d::stage(&mut predict, &rows);
        let logits = conv2d::forward(&mut predict, &filter, &staged, &weights)?;
        let session = Session::allocate(gpu, &arena)?;
        let (train, predict) = (session.bind(train)?, session.bind(predict)?);
        let this = Self {
            spec: spec.clone(),
            side,
            filter,
            session,
            train,
            predict,
            rows,
            labels,
            rates,
            weights,
            momentum,
            logits,
        };
        this.start(&this.drawn())?;
        Ok(this)
    }

    /// The weights that the seed draws, `[classes, dim]`: the same for every rate, biases 0.
    fn drawn(&self) -> Features {
        let (rows, dim) = (self.spec.classes, self.spec.dim);
        let mut stream = Stream::new(self.spec.seed, Purpose::Evaluation, &[u64::MAX]);
        let data = (0..rows * dim).map(|_| (0.01 * stream.normal()) as f32).collect();
        Features { rows, dim, data }
    }

    /// Starts every classifier from these weights, `[classes, dim]`, and biases of 0.
    ///
    /// # Errors
    /// [`Error::Config`] for another shape; what the driver reports.
    pub fn start(&self, first: &Features) -> Result<()> {
        let ClassifiersSpec { dim, classes, .. } = self.spec;
        if first.rows != classes || first.dim != dim {
            return Err(Error::config("linear", format!("weights of {} × {}", first.rows, first.dim)));
        }
        let depth = dim + 1;
        let mut values = vec![0.0; self.filter.filters as usize * depth];
        for member in 0..self.side.groups as usize {
            for class in 0..classes {
                let column = member * self.side.group as usize + class;
                values[column * depth..][..dim].copy_from_slice(first.row(class));
            }
        }
        self.session.write(&self.weights, &weights::pack(&self.filter, &values));
        self.session.write(&self.momentum, &vec![0.0; (self.momentum.shape.bytes() / 4) as usize]);
        self.session.settle()
    }

    /// One step on rows of features (at most a batch) and their labels, all rates times `factor`.
    ///
    /// # Errors
    /// [`Error::Config`] for sizes that do not agree; what the driver reports.
    pub fn step(&self, features: &Features, labels: &[u32], factor: f64) -> Result<()> {
        if features.dim != self.spec.dim || features.rows != labels.len() || features.rows > self.spec.batch {
            let reason =
                format!("a batch of {} × {} with {} labels", features.rows, features.dim, labels.len());
            return Err(Error::config("linear", reason));
        }
        self.session.write(&self.rows, &self.with_ones(features, 0, features.rows));
        let mut words = vec![f32::from_bits(NONE); (self.labels.shape.bytes() / 4) as usize];
        words.iter_mut().zip(labels).for_each(|(word, &label)| *word = f32::from_bits(label));
        self.session.write(&self.labels, &words);
        let share = 1.0 / features.rows.max(1) as f64;
        let rates: Vec<f32> =
            self.spec.rates.iter().map(|rate| (rate * factor) as f32).chain([share as f32]).collect();
        self.session.write(&self.rates, &rates);
        self.session.submit(&self.train)
    }

    /// The logits of each classifier for rows of features, `[rows, classes]`.
    pub fn logits(&self, features: &Features) -> Result<Vec<Features>> {
        let classes = self.spec.classes;
        let mut data: Vec<Vec<f32>> = vec![Vec::new(); self.spec.rates.len()];
        let stride = self.logits.shape.quads() as usize * 4;
        for first in (0..features.rows).step_by(self.spec.batch) {
            let count = self.spec.batch.min(features.rows - first);
            self.session.write(&self.rows, &self.with_ones(features, first, count));
            self.session.run(&self.predict)?;
            for row in self.session.read(&self.logits)?.chunks_exact(stride).take(count) {
                for (member, data) in data.iter_mut().enumerate() {
                    data.extend_from_slice(&row[member * self.side.group as usize..][..classes]);
                }
            }
        }
        data.into_iter().map(|data| Features::new(features.rows, classes, data)).collect()
    }

    /// Weights `[classes, dim + 1]` of each classifier, the bias last.
    pub fn weights(&self) -> Result<Vec<Features>> {
        let values = weights::unpack(&self.filter, &self.session.read(&self.weights)?);
        let depth = self.spec.dim + 1;
        let of = |member: usize| {
            let first = member * self.side.group as usize * depth;
            Features::new(self.spec.classes, depth, values[first..first + self.spec.classes * depth].to_vec())
        };
        (0..self.spec.rates.len()).map(of).collect()
    }

    /// Padded rows with a 1 behind each.
    fn with_ones(&self, features: &Features, first: usize, count: usize) -> Vec<f32> {
        let stride = self.rows.shape.quads() as usize * 4;
        let mut out = vec![0.0; self.spec.batch * stride];
        for row in 0..count {
            let values = &mut out[row * stride..][..=features.dim];
            values[..features.dim].copy_from_slice(features.row(first + row));
            values[features.dim] = 1.0;
        }
        out
    }
}

/// The factor of the learning rate at `step` of `steps`: a cosine from 1 to 0.
#[must_use]
pub fn cosine(step: usize, steps: usize) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps.max(1) as f64).cos())
}
