//! What stands on a trunk, and on what stands there: Linear – BN – ReLU – Linear or one linear layer.
//!
//! SwAV's projection head is one that ends in unit length. BYOL's predictor is one that does not, and reads a
//! head's rows before they have unit length; MoCo v2's head has no batch norm.

use super::layers::{BatchNorm, Input, Linear, Normalized};
use super::store::Store;
use crate::error::Result;
use crate::gpu::{Plan, Tensor};
use crate::ops::{normalize, vector};

/// What a perceptron consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MlpSpec<'a> {
    /// What the names of its parameters start with.
    pub name: &'a str,
    /// Length of the hidden layer; 0 is one linear layer.
    pub hidden: u32,
    /// Length of a result.
    pub out: u32,
    /// A batch norm before the ReLU of the hidden layer.
    pub norm: bool,
    /// Results of unit length.
    pub unit: bool,
}

/// A multi-layer perceptron.
#[derive(Debug)]
pub struct Mlp {
    hidden: Option<Hidden>,
    last: Linear,
    unit: bool,
}

/// The layers before the last.
#[derive(Debug)]
struct Hidden {
    linear: Linear,
    norm: Option<BatchNorm>,
}

/// What a perceptron keeps between forward and backward.
#[derive(Debug)]
pub struct MlpSaved {
    hidden: Option<(Input, Activation)>,
    last: Input,
    /// The result before it has unit length.
    long: Option<Tensor>,
}

/// What the gradient of the ReLU needs: a batch norm makes it again, a bare one is masked by its result.
#[derive(Debug)]
enum Activation {
    Normalized(Normalized),
    Rectified(Tensor),
}

impl Mlp {
    /// Declares the parameters under the names that their places in PyTorch's `Sequential` give: `{name}.0`, `.1`
    /// and `.3`, without batch norm `.0` and `.2`, and `{name}` for one linear layer. All linear layers have biases.
    pub fn new(store: &mut Store, inputs: u32, spec: &MlpSpec<'_>) -> Self {
        let MlpSpec { name, hidden, out, norm, unit } = *spec;
        if hidden == 0 {
            return Self { hidden: None, last: Linear::new(store, name, inputs, out, true, 0), unit };
        }
        let linear = Linear::new(store, &format!("{name}.0"), inputs, hidden, true, 0);
        let norm = norm.then(|| BatchNorm::new(store, format!("{name}.1"), hidden));
        let place = if norm.is_some() { 3 } else { 2 };
        let last = Linear::new(store, &format!("{name}.{place}"), hidden, out, true, 0);
        Self { hidden: Some(Hidden { linear, norm }), last, unit }
    }

    /// `[rows, inputs]` to `[rows, out]`, with batch statistics over all rows.
    pub fn forward(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<(Tensor, MlpSaved)> {
        let (h, hidden) = match &self.hidden {
            Some(hidden) => {
                let (h, saved) = hidden.forward(plan, store, x)?;
                (h, Some(saved))
            }
            None => (x.clone(), None),
        };
        let (y, last) = self.last.forward(plan, store, &h)?;
        if !self.unit {
            return Ok((y, MlpSaved { hidden, last, long: None }));
        }
        let z = normalize::forward(plan, &y)?;
        Ok((z, MlpSaved { hidden, last, long: Some(y) }))
    }

    /// The same with running estimates.
    pub fn evaluate(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<Tensor> {
        let h = match &self.hidden {
            Some(Hidden { linear, norm }) => {
                let (h, _) = linear.forward(plan, store, x)?;
                match norm {
                    Some(norm) => norm.evaluate(plan, store, &h, None, true)?,
                    None => vector::relu(plan, &h)?,
                }
            }
            None => x.clone(),
        };
        let (y, _) = self.last.forward(plan, store, &h)?;
        if self.unit { normalize::forward(plan, &y) } else { Ok(y) }
    }

    /// Results of unit length with running estimates, whether or not those of [`Mlp::forward`] have it.
    pub fn embed(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<Tensor> {
        let y = self.evaluate(plan, store, x)?;
        if self.unit { Ok(y) } else { normalize::forward(plan, &y) }
    }

    /// Adds the gradients of the parameters and gives that of the input.
    pub fn backward(&self, plan: &mut Plan, store: &Store, saved: MlpSaved, dz: &Tensor) -> Result<Tensor> {
        let MlpSaved { hidden, last, long } = saved;
        let dy = match long {
            Some(y) => normalize::backward(plan, &y, dz)?,
            None => dz.clone(),
        };
        let dh = self.last.backward(plan, store, last, &dy)?;
        match (&self.hidden, hidden) {
            (Some(hidden), Some(saved)) => hidden.backward(plan, store, saved, &dh),
            _ => Ok(dh),
        }
    }
}

impl Hidden {
    fn forward(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<(Tensor, (Input, Activation))> {
        let (h, input) = self.linear.forward(plan, store, x)?;
        let (y, activation) = match &self.norm {
            Some(norm) => {
                let (y, normalized) = norm.forward(plan, store, h, None, true)?;
                (y, Activation::Normalized(normalized))
            }
            None => {
                let y = vector::relu(plan, &h)?;
                (y.clone(), Activation::Rectified(y))
            }
        };
        Ok((y, (input, activation)))
    }

    fn backward(
        &self,
        plan: &mut Plan,
        store: &Store,
        (input, activation): (Input, Activation),
        dy: &Tensor,
    ) -> Result<Tensor> {
        let dh = match (&self.norm, activation) {
            (Some(norm), Activation::Normalized(normalized)) => norm.backward(plan, store, normalized, dy)?,
            (None, Activation::Rectified(y)) => vector::mask(plan, &y, dy)?,
            _ => unreachable!("what a layer saves is of its own kind"),
        };
        self.linear.backward(plan, store, input, &dh)
    }
}
