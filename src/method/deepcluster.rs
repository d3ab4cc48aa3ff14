//! DeepCluster-v2 and SeLa-v2 (section 3.1 and appendix D of arXiv 2006.09882): predict the cluster that a picture was
//! given before the epoch began.
//!
//! head on all crops → scores with each set of prototypes → cross-entropy with the pictures' labels → gradients. The
//! embeddings of the assignment crops go into banks (`bank`), of which the labels are made before the next epoch:
//!
//! * DeepCluster-v2 by spherical k-means; the centroids are the prototypes and are not trained.
//! * SeLa-v2 by Sinkhorn-Knopp over the whole bank; the prototypes are trained, and have unit length before each step.

mod sets;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::bank::Bank;
use super::objective::{Kept, Known, Moment, Objective, Outcome, Picks, Stage, parts, pictures};
use crate::config::{Config, HEADS, Method};
use crate::error::{Error, Result};
use crate::gpu::{Plan, Session, Shape, Tensor, Usage};
use crate::interop::HostTensor;
use crate::model::{HeadSpec, Linear, Projection, Store, Trunk};
use crate::ops::conv2d::{self, Filter};
use crate::ops::optimizer::PROTOTYPES;
use crate::ops::{Step, cross_entropy, normalize};
use crate::pass::Pass;
use sets::Set;

/// Names in a checkpoint.
const LABELS: &str = "labels";
const CENTROIDS: [&str; HEADS] = [
    "centroids.0",
    "centroids.1",
    "centroids.2",
    "centroids.3",
    "centroids.4",
    "centroids.5",
    "centroids.6",
    "centroids.7",
];

/// The head, the sets of prototypes, the banks and the labels.
#[derive(Debug)]
pub(super) struct DeepCluster {
    projection: Projection,
    sets: Vec<Set>,
    bank: Bank,
    batch: u32,
    crops: u32,
    embedding: usize,
    /// The crops whose embeddings go into banks.
    assign: Vec<usize>,
    temperature: f32,
    epsilon: f64,
    seed: u64,
    /// The rows that clusters begin as, by epoch and set, where they are not drawn.
    picks: Option<Picks>,
    /// The weight of a row and the embeddings of a step, once recorded.
    tensors: Option<Tensors>,
}

#[derive(Debug)]
struct Tensors {
    share: Tensor,
    z: Tensor,
}

impl DeepCluster {
    /// # Errors
    /// [`Error::Config`] for more prototypes than a bank has rows.
    pub(super) fn new(config: &Config, known: &Known, store: &mut Store, features: u32) -> Result<Self> {
        let rows = if known.epoch > 0 { known.epoch } else { config.batch };
        let sizes = config.sets();
        if let Some(most) = sizes.iter().max().filter(|&&most| most > rows && known.epoch > 0) {
            let reason = format!(
                "gives sets of {most}, more than the {rows} pictures of an epoch: clusters begin as pictures, so use \
                 fewer"
            );
            return Err(Error::config(if config.heads.is_some() { "heads" } else { "prototypes" }, reason));
        }
        let projection = Projection::new(store, features, &HeadSpec::of_config(config, 0));
        let embedding = config.embedding as u32;
        let set = |(set, prototypes): (usize, u32)| Set {
            filter: Filter::linear(embedding, prototypes),
            trained: (config.method == Method::SelaV2).then(|| {
                Linear::new(
                    store,
                    &format!("prototypes.prototypes{set}"),
                    embedding,
                    prototypes,
                    false,
                    PROTOTYPES,
                )
            }),
            centroids: None,
            words: None,
            labels: vec![cross_entropy::NONE; known.pictures],
        };
        Ok(Self {
            sets: sizes.iter().map(|&size| size as u32).enumerate().map(set).collect(),
            projection,
            bank: Bank::new(config.assign.len(), rows, config.embedding),
            batch: config.batch as u32,
            crops: config.crop_count() as u32,
            embedding: config.embedding,
            assign: config.assign.clone(),
            temperature: config.temperature as f32,
            epsilon: config.epsilon,
            seed: config.seed,
            picks: None,
            tensors: None,
        })
    }

    fn tensors(&self) -> &Tensors {
        match &self.tensors {
            Some(tensors) => tensors,
            None => unreachable!("a step is recorded before it is made"),
        }
    }
}

impl Objective for DeepCluster {
    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome> {
        let Stage { arena, store, features, .. } = stage;
        let lease = |shape, label| arena.lease(shape, Usage::Storage, label);
        let share = lease(Shape::matrix(1, 4), "weight of a row");
        let (z, saved) = self.projection.head.forward(plan, store, &features)?;
        drop(features);
        let (mut dz, mut losses): (Option<Tensor>, Option<Tensor>) = (None, None);
        for (at, set) in self.sets.iter_mut().enumerate() {
            plan.scope(format!("prototypes {at}"));
            let words = lease(Shape::matrix(1, self.batch.next_multiple_of(4)), "labels");
            let panels = match &set.trained {
                Some(prototypes) => {
                    normalize::in_place(plan, &set.filter, &prototypes.weight(store))?;
                    prototypes.weight(store)
                }
                None => lease(set.filter.panels(), "centroids"),
            };
            let staged = conv2d::stage(plan, &z);
            let scores = conv2d::forward(plan, &set.filter, &staged, &panels)?;
            let temperature = self.temperature;
            let (dscores, found) = cross_entropy::forward_backward(
                plan,
                &scores,
                &words,
                self.batch,
                &share,
                temperature,
                losses.as_ref(),
            )?;
            drop(scores);
            let dscores = conv2d::stage(plan, &dscores);
            if let Some(prototypes) = &set.trained {
                conv2d::backward_weight(plan, &set.filter, &staged, &dscores, &prototypes.gradient(store))?;
            }
            drop(staged);
            dz = Some(conv2d::backward_input(plan, &set.filter, &dscores, &panels, z.shape, dz.take())?);
            losses = Some(found);
            set.centroids = set.trained.is_none().then_some(panels);
            set.words = Some(words);
        }
        let (Some(dz), Some(losses)) = (dz, losses) else { unreachable!("there is a set of prototypes") };
        let dfeatures = self.projection.head.backward(plan, store, saved, &dz)?;
        self.tensors = Some(Tensors { share, z: z.clone() });
        Ok(Outcome { dfeatures, losses, rows: None, embeddings: z, codes: None })
    }

    /// Each assignment crop by itself, in training mode: the official model is never put into that of evaluation.
    fn record_survey(
        &self,
        plan: &mut Plan,
        trunk: &Trunk,
        store: &Store,
        crops: &[Tensor],
    ) -> Result<Option<Vec<Tensor>>> {
        // The pictures of a part, where a batch goes through the trunk in parts.
        let size = pictures(crops, self.crops as usize);
        let mut looked = Vec::new();
        for &crop in &self.assign {
            for part in parts(crops, size, &[crop]) {
                let features = plan.lease(Shape::matrix(size, trunk.features()));
                drop(trunk.forward(plan, store, &part, &features, 0)?);
                looked.push(self.projection.head.forward(plan, store, &features)?.0);
            }
        }
        Ok(Some(looked))
    }

    fn choose(&mut self, picks: Picks) {
        self.picks = Some(picks);
    }

    fn wants_survey(&self) -> bool {
        !self.bank.is_full()
    }

    fn surveyed(&mut self, session: &Session, pictures: &[u32], found: &[Tensor]) -> Result<()> {
        let fetches = found.iter().map(|z| session.fetch(z)).collect();
        self.bank.put(pictures, fetches, (0..self.assign.len()).map(|_| 0).collect())
    }

    fn begin_epoch(&mut self, at: Moment<'_>, epoch: u64, pass: &Pass) -> Result<()> {
        self.bank.settle()?;
        if self.bank.is_full() { self.label(at, epoch, pass) } else { Ok(()) }
    }

    fn settle(&mut self) -> Result<()> {
        self.bank.settle()
    }

    fn prepare(&mut self, session: &Session, (_, pictures): (u64, &[u32]), _: &mut Step) -> Result<()> {
        let mut labelled = 0;
        for set in &self.sets {
            let Some(words) = &set.words else { continue };
            let mut found = set.of(pictures);
            found.resize(self.batch as usize, cross_entropy::NONE);
            labelled = found.iter().filter(|&&label| label != cross_entropy::NONE).count();
            session.write_bytes(words, 0, bytemuck::cast_slice(&found));
        }
        let rows = labelled as f64 * f64::from(self.crops) * self.sets.len() as f64;
        let share = if labelled > 0 { 1.0 / rows } else { 0.0 };
        session.write_from(&self.tensors().share, 0, &[share as f32]);
        Ok(())
    }

    fn advance(&mut self, session: &Session, (_, pictures): (u64, &[u32])) -> Result<()> {
        if pictures.is_empty() {
            return Ok(());
        }
        let z = session.fetch(&self.tensors().z);
        self.bank.put(pictures, vec![z], self.assign.iter().map(|crop| crop * self.batch as usize).collect())
    }

    fn chance(&self) -> Option<f64> {
        let levels = self.sets.iter().map(|set| f64::from(set.filter.filters).ln());
        Some(levels.sum::<f64>() / self.sets.len() as f64)
    }

    fn has_answers(&self) -> bool {
        true
    }

    fn projection(&self) -> Option<&Projection> {
        Some(&self.projection)
    }

    fn kept(&self) -> Vec<Kept<'_>> {
        let mut kept = Vec::new();
        for (set, name) in self.sets.iter().zip(CENTROIDS) {
            kept.extend(set.centroids.iter().map(|tensor| Kept::Weights {
                name,
                tensor,
                filter: &set.filter,
            }));
        }
        kept.extend(self.bank.export().map(|(name, tensor)| Kept::Host { name, tensor }));
        let label = |&label: &u32| if label == cross_entropy::NONE { -1.0 } else { label as f32 };
        let labels: Vec<f32> = self.sets.iter().flat_map(|set| set.labels.iter().map(label)).collect();
        let shape = [self.sets.len(), labels.len() / self.sets.len().max(1)];
        kept.push(Kept::Host { name: LABELS.into(), tensor: HostTensor::new(shape, labels) });
        kept
    }

    fn recall(&mut self, tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
        // Weights alone leave everything else as it begins.
        let Some(labels) = tensors.get(LABELS) else { return Ok(()) };
        self.bank.import(tensors)?;
        let pictures = self.sets.first().map_or(0, |set| set.labels.len());
        if labels.shape != [self.sets.len(), pictures] {
            let reason = format!("labels of shape {:?}, this run has {pictures} pictures", labels.shape);
            return Err(Error::Checkpoint { path: LABELS.into(), reason });
        }
        let label = |&label: &f32| if label < 0.0 { cross_entropy::NONE } else { label as u32 };
        for (set, labels) in self.sets.iter_mut().zip(labels.data.chunks_exact(pictures.max(1))) {
            set.labels = labels.iter().map(label).collect();
        }
        Ok(())
    }

    fn state(&self) -> Map<String, Value> {
        Map::from_iter([("bank".to_owned(), json!(self.bank.place()))])
    }

    fn restore(&mut self, state: &Map<String, Value>) -> Result<(), String> {
        let place = state.get("bank").cloned().unwrap_or_else(|| json!([0, 0]));
        self.bank.go_on(serde_json::from_value(place).map_err(|error| error.to_string())?);
        Ok(())
    }
}
