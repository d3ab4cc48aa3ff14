//! Convolution, batch norm and linear layers: parameters plus the operations on them.

use super::store::{EstimateId, Init, ParameterId, Store};
use crate::error::Result;
use crate::gpu::{Plan, Shape, Tensor};
use crate::ops::batch_norm::Together;
use crate::ops::conv2d::{self, Filter};
use crate::ops::{batch_norm, vector};

/// A convolution without bias.
#[derive(Debug)]
pub struct Conv {
    name: String,
    filter: Filter,
    weight: ParameterId,
}

/// What a convolution or linear layer keeps: its input.
#[derive(Debug)]
pub struct Input(Tensor);

/// Where the gradient of a layer's input goes.
#[derive(Debug)]
pub enum Wanted {
    /// Nobody asks for it (the stem).
    Nothing,
    /// A new tensor.
    New,
    /// Added to this one (a shortcut's gradient).
    AddTo(Tensor),
}

impl Conv {
    /// Declares the weights `{name}.weight`.
    pub fn new(store: &mut Store, name: String, filter: Filter) -> Self {
        let weight = store.filter(format!("{name}.weight"), filter, false, Init::Normal, 0);
        Self { name, filter, weight }
    }

    /// `[n, h, w, channels]` to `[n, h', w', filters]`.
    pub fn forward(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<(Tensor, Input)> {
        plan.scope(&self.name);
        let staged = conv2d::stage(plan, x);
        let y = conv2d::forward(plan, &self.filter, &staged, &store.value(self.weight))?;
        Ok((y, Input(x.clone())))
    }

    /// Adds the weights' gradient and gives the input's where it is wanted.
    pub fn backward(
        &self,
        plan: &mut Plan,
        store: &Store,
        saved: Input,
        dy: &Tensor,
        wanted: Wanted,
    ) -> Result<Option<Tensor>> {
        plan.scope(&self.name);
        let shape = saved.0.shape;
        let dy = conv2d::stage(plan, dy);
        let x = conv2d::stage(plan, &saved.0);
        drop(saved);
        conv2d::backward_weight(plan, &self.filter, &x, &dy, &store.gradient(self.weight))?;
        drop(x);
        let sum = match wanted {
            Wanted::Nothing => return Ok(None),
            Wanted::New => None,
            Wanted::AddTo(sum) => Some(sum),
        };
        conv2d::backward_input(plan, &self.filter, &dy, &store.value(self.weight), shape, sum).map(Some)
    }
}

/// Batch normalisation, with ReLU or residual where the call says so.
#[derive(Debug)]
pub struct BatchNorm {
    name: String,
    weight: ParameterId,
    bias: ParameterId,
    mean: EstimateId,
    variance: EstimateId,
    /// The ranks with which it takes its statistics, where they are not its own.
    together: Option<Together>,
}

/// What a batch norm keeps: its input, its coefficients, and its result where a residual was added.
#[derive(Debug)]
pub struct Normalized {
    x: Tensor,
    coefficients: Tensor,
    relu: bool,
}

/// What stays of [`Normalized`] where the input can be made again: the coefficients.
#[derive(Debug)]
pub struct Statistics {
    coefficients: Tensor,
    relu: bool,
}

impl Normalized {
    /// Lets the input go.
    #[must_use]
    pub fn forget(self) -> Statistics {
        Statistics { coefficients: self.coefficients, relu: self.relu }
    }
}

impl Statistics {
    /// Completed with the input.
    #[must_use]
    pub fn of(self, x: Tensor) -> Normalized {
        Normalized { x, coefficients: self.coefficients, relu: self.relu }
    }
}

impl BatchNorm {
    /// Declares weight 1, bias 0, running mean 0 and running variance 1.
    pub fn new(store: &mut Store, name: String, channels: u32) -> Self {
        Self {
            weight: store.vector(format!("{name}.weight"), channels, Init::Constant(1.0)),
            bias: store.vector(format!("{name}.bias"), channels, Init::Constant(0.0)),
            mean: store.estimate(format!("{name}.running_mean"), channels, 0.0),
            variance: store.estimate(format!("{name}.running_var"), channels, 1.0),
            together: None,
            name,
        }
    }

    /// Has it take its statistics with those of other ranks.
    pub fn share_statistics(&mut self, together: Together) {
        self.together = Some(together);
    }

    fn channels(&self, store: &Store) -> batch_norm::Channels {
        batch_norm::Channels {
            weight: store.value(self.weight),
            bias: store.value(self.bias),
            mean: store.running(self.mean),
            variance: store.running(self.variance),
        }
    }

    /// Normalises with the batch's statistics, adds the residual, applies ReLU.
    pub fn forward(
        &self,
        plan: &mut Plan,
        store: &Store,
        x: Tensor,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<(Tensor, Normalized)> {
        plan.scope(&self.name);
        let (y, coefficients) =
            batch_norm::forward(plan, &x, &self.channels(store), residual, relu, self.together)?;
        // After a residual the mask cannot be recomputed from x: the caller masks dy with y.
        Ok((y, Normalized { x, coefficients, relu: relu && residual.is_none() }))
    }

    /// The result of [`BatchNorm::forward`] once more (without residual), to the last bit. The running
    /// estimates have seen this batch: they are left alone.
    pub fn again(&self, plan: &mut Plan, saved: &Normalized) -> Result<Tensor> {
        plan.scope(&self.name);
        batch_norm::again(plan, &saved.x, &saved.coefficients, saved.relu)
    }

    /// Normalises with the running estimates.
    pub fn evaluate(
        &self,
        plan: &mut Plan,
        store: &Store,
        x: &Tensor,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor> {
        plan.scope(&self.name);
        batch_norm::evaluate(plan, x, &self.channels(store), residual, relu)
    }

    /// Adds the gradients of weight and bias, and gives the input's.
    pub fn backward(&self, plan: &mut Plan, store: &Store, saved: Normalized, dy: &Tensor) -> Result<Tensor> {
        plan.scope(&self.name);
        let Normalized { x, coefficients, relu } = saved;
        let (dweight, dbias) = (store.gradient(self.weight), store.gradient(self.bias));
        batch_norm::backward(plan, &x, &coefficients, dy, relu, [&dweight, &dbias], self.together)
    }
}

/// A linear layer, with or without bias.
#[derive(Debug)]
pub struct Linear {
    name: String,
    filter: Filter,
    weight: ParameterId,
    bias: Option<ParameterId>,
}

impl Linear {
    /// Declares `{name}.weight` and, with `bias`, `{name}.bias`.
    pub fn new(store: &mut Store, name: &str, inputs: u32, outputs: u32, bias: bool, flags: u32) -> Self {
        let filter = Filter::linear(inputs, outputs);
        let init = Init::Uniform(inputs);
        Self {
            weight: store.filter(format!("{name}.weight"), filter, true, init, flags),
            bias: bias.then(|| store.vector(format!("{name}.bias"), outputs, init)),
            name: name.into(),
            filter,
        }
    }

    /// The same with biases that start at 0 and weights of a normal distribution of this deviation.
    pub fn gaussian(store: &mut Store, name: &str, inputs: u32, outputs: u32, deviation: f32) -> Self {
        let filter = Filter::linear(inputs, outputs);
        Self {
            weight: store.filter(format!("{name}.weight"), filter, true, Init::Gaussian(deviation), 0),
            bias: Some(store.vector(format!("{name}.bias"), outputs, Init::Constant(0.0))),
            name: name.into(),
            filter,
        }
    }

    /// The weights' geometry.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The weights.
    #[must_use]
    pub fn weight(&self, store: &Store) -> Tensor {
        store.value(self.weight)
    }

    /// The gradient of the weights.
    #[must_use]
    pub fn gradient(&self, store: &Store) -> Tensor {
        store.gradient(self.weight)
    }

    /// `[rows, inputs]` to `[rows, outputs]`.
    pub fn forward(&self, plan: &mut Plan, store: &Store, x: &Tensor) -> Result<(Tensor, Input)> {
        plan.scope(&self.name);
        let staged = conv2d::stage(plan, x);
        let y = conv2d::forward(plan, &self.filter, &staged, &store.value(self.weight))?;
        if let Some(bias) = self.bias {
            vector::add_bias(plan, &y, &store.value(bias))?;
        }
        Ok((y, Input(x.clone())))
    }

    /// Adds the gradients of weight and bias, and gives the input's.
    pub fn backward(&self, plan: &mut Plan, store: &Store, saved: Input, dy: &Tensor) -> Result<Tensor> {
        plan.scope(&self.name);
        if let Some(bias) = self.bias {
            vector::bias_gradient(plan, dy, &store.gradient(bias))?;
        }
        let dy = conv2d::stage(plan, dy);
        let Input(input) = saved;
        let x = conv2d::stage(plan, &input);
        conv2d::backward_weight(plan, &self.filter, &x, &dy, &store.gradient(self.weight))?;
        let shape: Shape = input.shape;
        conv2d::backward_input(plan, &self.filter, &dy, &store.value(self.weight), shape, None)
    }
}
