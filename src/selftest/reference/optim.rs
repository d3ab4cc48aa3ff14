//! The optimisers: LARC, LARS, SGD with momentum, AdamW.

use super::Tensor64;

/// Layer-wise adaptive rate scaling, applied to the gradient before SGD. Weight decay is folded in here.
#[derive(Clone)]
pub struct Larc {
    /// The trust coefficient.
    pub trust: f64,
    /// Added to the divisor.
    pub epsilon: f64,
    /// Added to the gradient as a share of the parameter.
    pub weight_decay: f64,
    /// Caps the layer's rate at the global one.
    pub clip: bool,
    /// Leaves biases and batch-norm tensors alone: no scaling, no decay.
    pub exclude_rank1: bool,
}

impl Larc {
    /// The factor on `g + wd·p`, or `None` where the gradient stays as it is: an excluded tensor, or a zero
    /// norm of the parameter or the gradient.
    pub fn ratio(&self, p: &Tensor64, g: &Tensor64, lr: f64) -> Option<f64> {
        let (p_norm, g_norm) = (p.norm(), g.norm());
        if p_norm == 0.0 || g_norm == 0.0 || (self.exclude_rank1 && p.shape.len() == 1) {
            return None;
        }
        let ratio = self.trust * p_norm / (g_norm + self.weight_decay * p_norm + self.epsilon);
        Some(if self.clip { (ratio / lr).min(1.0) } else { ratio })
    }

    /// The gradient that SGD gets.
    pub fn adjust(&self, p: &Tensor64, g: &Tensor64, lr: f64) -> Tensor64 {
        match self.ratio(p, g, lr) {
            Some(ratio) => g.zip(p, |g, p| ratio * (g + self.weight_decay * p)),
            None => g.clone(),
        }
    }
}

/// `v = momentum·v + g` (the first `v` is `g`), `p −= lr·v`.
pub fn sgd(p: &mut Tensor64, g: &Tensor64, velocity: &mut Option<Tensor64>, momentum: f64, lr: f64) {
    let next = match velocity.as_ref() {
        Some(v) => v.zip(g, |v, g| momentum * v + g),
        None => g.clone(),
    };
    *p = p.zip(&next, |p, v| p - lr * v);
    *velocity = Some(next);
}

/// A gradient with coupled weight decay, as PyTorch's SGD has it: `g + wd·p` before the momentum.
pub fn decayed(p: &Tensor64, g: &Tensor64, weight_decay: f64) -> Tensor64 {
    g.zip(p, |g, p| g + weight_decay * p)
}

/// The factor of LARS on `g + wd·p`, as in the official code of SimCLR (`lars_optimizer.py`) and BYOL (`optimizers.py`):
/// `trust·|p| / |g + wd·p|`, and 1 where a norm is 0.
pub fn lars_ratio(p: &Tensor64, g: &Tensor64, trust: f64, weight_decay: f64) -> f64 {
    let norms = (p.norm(), decayed(p, g, weight_decay).norm());
    if norms.0 == 0.0 || norms.1 == 0.0 { 1.0 } else { trust * norms.0 / norms.1 }
}

/// One step of an exponential moving average: `target = m·target + (1 − m)·p`.
pub fn follow(target: &mut Tensor64, p: &Tensor64, m: f64) {
    *target = target.zip(p, |t, p| m * t + (1.0 - m) * p);
}

/// AdamW as PyTorch has it: decay decoupled and scaled by the rate, both moments bias-corrected, `epsilon`
/// added after the root.
#[derive(Clone)]
pub struct AdamW {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Share of the parameter that a rate of 1 takes away.
    pub weight_decay: f64,
}

/// First and second moment of one parameter, and the updates made.
pub struct Moments {
    /// First moment.
    pub m: Tensor64,
    /// Second moment.
    pub v: Tensor64,
    /// Updates made.
    pub steps: i32,
}

impl Moments {
    /// No update made yet.
    pub fn new(shape: &[usize]) -> Self {
        Self { m: Tensor64::zeros(shape), v: Tensor64::zeros(shape), steps: 0 }
    }
}

impl AdamW {
    /// One update.
    pub fn step(&self, p: &mut Tensor64, g: &Tensor64, moments: &mut Moments, lr: f64) {
        moments.steps += 1;
        moments.m = moments.m.zip(g, |m, g| self.beta1 * m + (1.0 - self.beta1) * g);
        moments.v = moments.v.zip(g, |v, g| self.beta2 * v + (1.0 - self.beta2) * g * g);
        let correct1 = 1.0 - self.beta1.powi(moments.steps);
        let correct2 = 1.0 - self.beta2.powi(moments.steps);
        for i in 0..p.len() {
            let (m, v) = (moments.m.data[i] / correct1, moments.v.data[i] / correct2);
            p.data[i] *= 1.0 - lr * self.weight_decay;
            p.data[i] -= lr * m / (v.sqrt() + self.epsilon);
        }
    }
}
