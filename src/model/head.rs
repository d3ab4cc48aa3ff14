//! The projection head: Linear – BN – ReLU – Linear, or one linear layer, then unit length.

use super::layers::{BatchNorm, Input, Linear, Normalized};
use super::store::Store;
use crate::error::Result;
use crate::gpu::{Plan, Tensor};
use crate::ops::normalize;

/// From trunk features to unit embeddings.
#[derive(Debug)]
pub struct Head {
    hidden: Option<(Linear, BatchNorm)>,
    last: Linear,
}

/// What the head keeps between forward and backward.
#[derive(Debug)]
pub struct HeadSaved {
    hidden: Option<(Input, Normalized)>,
    last: Input,
    embedding: Tensor,
}

impl Head {
    /// Declares the head's parameters under the official names (`projection_head.0`, `.1`, `.3`; one
    /// linear layer is `projection_head`).
    pub fn new(store: &mut Store, features: u32, hidden: u32, embedding: u32) -> Self {
        if hidden == 0 {
            return Self {
                hidden: None,
                last: Linear::new(store, "projection_head", features, embedding, true, 0),
            };
        }
        let first = Linear::new(store, "projection_head.0", features, hidden, true, 0);
        let norm = BatchNorm::new(store, "projection_head.1".into(), hidden);
        let last = Linear::new(store, "projection_head.3", hidden, embedding, true, 0);
        Self { hidden: Some((first, norm)), last }
    }

    /// `[rows, features]` to unit embeddings `[rows, D]`, with batch statistics over all rows.
    ///
    /// # Errors
    /// A shader or limit error.
    pub fn forward(&self, plan: &mut Plan, store: &Store, features: &Tensor) -> Result<(Tensor, HeadSaved)> {
        let (h, hidden) = match &self.hidden {
            Some((linear, norm)) => {
                let (h, input) = linear.forward(plan, store, features)?;
                let (h, normalized) = norm.forward(plan, store, h, None, true)?;
                (h, Some((input, normalized)))
            }
            None => (features.clone(), None),
        };
        let (embedding, last) = self.last.forward(plan, store, &h)?;
        let z = normalize::forward(plan, &embedding)?;
        Ok((z, HeadSaved { hidden, last, embedding }))
    }

    /// The same with running estimates.
    ///
    /// # Errors
    /// A shader or limit error.
    pub fn evaluate(&self, plan: &mut Plan, store: &Store, features: &Tensor) -> Result<Tensor> {
        let h = match &self.hidden {
            Some((linear, norm)) => {
                let (h, _) = linear.forward(plan, store, features)?;
                norm.evaluate(plan, store, &h, None, true)?
            }
            None => features.clone(),
        };
        let (embedding, _) = self.last.forward(plan, store, &h)?;
        normalize::forward(plan, &embedding)
    }

    /// Adds the head's gradients and gives the features'.
    ///
    /// # Errors
    /// A shader or limit error.
    pub fn backward(&self, plan: &mut Plan, store: &Store, saved: HeadSaved, dz: &Tensor) -> Result<Tensor> {
        let HeadSaved { hidden, last, embedding } = saved;
        let dy = normalize::backward(plan, &embedding, dz)?;
        let dh = self.last.backward(plan, store, last, &dy)?;
        match (&self.hidden, hidden) {
            (Some((linear, norm)), Some((input, normalized))) => {
                let dh = norm.backward(plan, store, normalized, &dh)?;
                linear.backward(plan, store, input, &dh)
            }
            _ => Ok(dh),
        }
    }
}
