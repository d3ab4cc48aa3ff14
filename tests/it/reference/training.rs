//! One full SwAV training step in `f64`, in the recipe's order, over a [`Network`].
//!
//! Normalise the prototypes, forward all crops, codes of the assignment crops (queue rows first once the queue is
//! full), swapped loss, backward, drop the prototypes' gradient while they are frozen, LARC, SGD with momentum.

use super::loss::{self, Settings};
use super::network::{Mode, Network, Pass};
use super::optim::{Larc, sgd};
use super::{Tensor64, Weights, linear};
use std::collections::BTreeMap;

#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) assign: Vec<usize>,
    pub(crate) epsilon: f64,
    pub(crate) iterations: usize,
    pub(crate) temperature: f64,
    pub(crate) larc: Larc,
    pub(crate) momentum: f64,
    /// Steps during which the prototypes are not trained.
    pub(crate) freeze: usize,
    /// Rows kept per assignment crop; 0 is no queue.
    pub(crate) queue_length: usize,
    /// The step at which the empty queue is made.
    pub(crate) queue_start: usize,
}

pub(crate) struct Trainer {
    pub(crate) recipe: Recipe,
    pub(crate) network: Network,
    /// SGD's velocity; a tensor without an update yet has none.
    pub(crate) velocity: BTreeMap<String, Option<Tensor64>>,
    /// Newest embeddings first, `[L, D]` for each assignment crop.
    pub(crate) queue: Option<Vec<Tensor64>>,
    pub(crate) step: usize,
}

/// What one step computed, from before the weights moved.
pub(crate) struct StepValues {
    pub(crate) loss: f64,
    pub(crate) queue_used: bool,
    pub(crate) pass: Pass,
    pub(crate) codes: Vec<Tensor64>,
    /// Gradients before LARC, the frozen prototypes' included.
    pub(crate) grads: Weights,
    /// LARC's factor of each updated tensor, 1 where its rule leaves the gradient alone.
    pub(crate) ratios: BTreeMap<String, f64>,
}

impl Trainer {
    pub(crate) fn new(network: Network, recipe: Recipe) -> Self {
        Self { recipe, network, velocity: BTreeMap::new(), queue: None, step: 0 }
    }

    pub(crate) fn step(&mut self, crops: &[Tensor64], lr: f64) -> StepValues {
        let batch = crops[0].shape[0];
        self.network.normalize_prototypes();
        let pass = self.network.forward(crops, Mode::Train);
        let queue_scores = self.score_and_fill_queue(&pass.embeddings, batch);
        let settings = Settings {
            batch,
            assign: self.recipe.assign.clone(),
            epsilon: self.recipe.epsilon,
            iterations: self.recipe.iterations,
            temperature: self.recipe.temperature,
        };
        let codes = loss::codes(&pass.scores, &queue_scores, &settings);
        let (loss, dscores) = loss::swapped_loss(&pass.scores, &codes, &settings);
        let grads = self.network.backward(&pass, &dscores);
        let ratios = self.update(&grads, lr);
        self.step += 1;
        StepValues { loss, queue_used: queue_scores.iter().any(Option::is_some), pass, codes, grads, ratios }
    }

    /// Scores of the queue rows where the queue is full, then this step's embeddings at its front.
    fn score_and_fill_queue(&mut self, embeddings: &Tensor64, batch: usize) -> Vec<Option<Tensor64>> {
        let (length, crops) = (self.recipe.queue_length, self.recipe.assign.len());
        if length == 0 || self.step < self.recipe.queue_start {
            return vec![None; crops];
        }
        let prototypes = self.network.weight("prototypes.weight");
        let queue =
            self.queue.get_or_insert_with(|| vec![Tensor64::zeros(&[length, embeddings.shape[1]]); crops]);
        let mut scores = Vec::new();
        for (rows, &crop) in queue.iter_mut().zip(&self.recipe.assign) {
            let full = rows.slice(length - 1, length).data.iter().any(|&v| v != 0.0);
            scores.push(full.then(|| linear::forward(rows, prototypes, None)));
            let newest = embeddings.slice(crop * batch, (crop + 1) * batch);
            *rows = Tensor64::concat(&[newest, rows.slice(0, length - batch)]);
        }
        scores
    }

    fn update(&mut self, grads: &Weights, lr: f64) -> BTreeMap<String, f64> {
        let mut ratios = BTreeMap::new();
        for (name, grad) in grads {
            if name == "prototypes.weight" && self.step < self.recipe.freeze {
                continue;
            }
            let weight = self.network.weights.get_mut(name).expect("a gradient belongs to a weight");
            ratios.insert(name.clone(), self.recipe.larc.ratio(weight, grad, lr).unwrap_or(1.0));
            let grad = self.recipe.larc.adjust(weight, grad, lr);
            sgd(weight, &grad, self.velocity.entry(name.clone()).or_default(), self.recipe.momentum, lr);
        }
        ratios
    }
}
