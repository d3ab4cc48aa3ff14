//! The supervised baseline: a linear classifier on the features of every crop, each with its picture's label.
//!
//! features → classifier → cross-entropy, mean over crops and pictures. No projection head.

use std::sync::Arc;

use super::objective::{Known, Objective, Outcome, Stage};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gpu::{Plan, Session, Shape, Tensor, Usage};
use crate::model::{Linear, Store};
use crate::ops::{Step, cross_entropy, normalize};

/// Deviation of the classifier's first weights.
const DEVIATION: f32 = 0.01;

/// The classifier and the labels.
#[derive(Debug)]
pub(super) struct Supervised {
    classifier: Linear,
    batch: u32,
    crops: u32,
    classes: usize,
    labels: Arc<[u32]>,
    /// The labels of a batch and the weight of a row, once recorded.
    inputs: Option<[Tensor; 2]>,
}

impl Supervised {
    /// # Errors
    /// [`Error::Config`] for pictures without labels.
    pub(super) fn new(config: &Config, known: &Known, store: &mut Store, features: u32) -> Result<Self> {
        if known.classes < 2 {
            let reason = "is supervised, which learns from labels, and the pictures have none of two classes or more: \
                          put them into a folder for each class, name them in a list file, or take another method";
            return Err(Error::config("method", reason));
        }
        Ok(Self {
            classifier: Linear::gaussian(store, "fc", features, known.classes as u32, DEVIATION),
            batch: config.batch as u32,
            crops: config.crop_count() as u32,
            classes: known.classes,
            labels: Arc::clone(&known.labels),
            inputs: None,
        })
    }
}

impl Objective for Supervised {
    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome> {
        let Stage { arena, store, features, .. } = stage;
        let lease = |floats, label| arena.lease(Shape::matrix(1, floats), Usage::Storage, label);
        let [labels, share] = [lease(self.batch.next_multiple_of(4), "labels"), lease(4, "weight of a row")];
        let (logits, saved) = self.classifier.forward(plan, store, &features)?;
        plan.scope("loss");
        let (dlogits, losses) =
            cross_entropy::forward_backward(plan, &logits, &labels, self.batch, &share, 1.0, None)?;
        drop(logits);
        let embeddings = normalize::forward(plan, &features)?;
        drop(features);
        let dfeatures = self.classifier.backward(plan, store, saved, &dlogits)?;
        self.inputs = Some([labels, share]);
        Ok(Outcome { dfeatures, losses, rows: None, embeddings, codes: None })
    }

    fn prepare(&mut self, session: &Session, (_, pictures): (u64, &[u32]), _: &mut Step) -> Result<()> {
        let Some([labels, share]) = &self.inputs else {
            unreachable!("a step is recorded before it is made")
        };
        if pictures.len() != self.batch as usize {
            let reason = format!("a step on {} pictures names {}", self.batch, pictures.len());
            return Err(Error::config("pictures", reason));
        }
        let label =
            |&picture: &u32| self.labels.get(picture as usize).copied().unwrap_or(cross_entropy::NONE);
        let found: Vec<u32> = pictures.iter().map(label).collect();
        let labelled = found.iter().filter(|&&label| label != cross_entropy::NONE).count();
        let weight = if labelled > 0 { 1.0 / (labelled as f64 * f64::from(self.crops)) } else { 0.0 };
        session.write_bytes(labels, 0, bytemuck::cast_slice(&found));
        session.write_from(share, 0, &[weight as f32]);
        Ok(())
    }

    fn chance(&self) -> Option<f64> {
        Some((self.classes as f64).ln())
    }

    fn has_answers(&self) -> bool {
        true
    }
}
