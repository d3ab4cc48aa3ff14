//! The optimisers and the learning-rate schedule: LARC, SGD with momentum, AdamW, warm-up and cosine.

use super::Tensor64;

/// Layer-wise adaptive rate scaling, applied to the gradient before SGD. Weight decay is folded in here.
#[derive(Clone)]
pub(crate) struct Larc {
    pub(crate) trust: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    /// Caps the layer's rate at the global one.
    pub(crate) clip: bool,
    /// Leaves biases and batch-norm tensors alone: no scaling, no decay.
    pub(crate) exclude_rank1: bool,
}

impl Larc {
    /// The factor on `g + wd·p`, or `None` where the gradient stays as it is: an excluded tensor, or a zero
    /// norm of the parameter or the gradient.
    pub(crate) fn ratio(&self, p: &Tensor64, g: &Tensor64, lr: f64) -> Option<f64> {
        let (p_norm, g_norm) = (p.norm(), g.norm());
        if p_norm == 0.0 || g_norm == 0.0 || (self.exclude_rank1 && p.shape.len() == 1) {
            return None;
        }
        let ratio = self.trust * p_norm / (g_norm + self.weight_decay * p_norm + self.epsilon);
        Some(if self.clip { (ratio / lr).min(1.0) } else { ratio })
    }

    pub(crate) fn adjust(&self, p: &Tensor64, g: &Tensor64, lr: f64) -> Tensor64 {
        match self.ratio(p, g, lr) {
            Some(ratio) => g.zip(p, |g, p| ratio * (g + self.weight_decay * p)),
            None => g.clone(),
        }
    }
}

/// `v = momentum·v + g` (the first `v` is `g`), `p −= lr·v`.
pub(crate) fn sgd(p: &mut Tensor64, g: &Tensor64, velocity: &mut Option<Tensor64>, momentum: f64, lr: f64) {
    let next = match velocity.as_ref() {
        Some(v) => v.zip(g, |v, g| momentum * v + g),
        None => g.clone(),
    };
    *p = p.zip(&next, |p, v| p - lr * v);
    *velocity = Some(next);
}

/// PyTorch's plain SGD with coupled weight decay: `g + wd·p` before the momentum.
pub(crate) fn sgd_decayed(
    p: &mut Tensor64,
    g: &Tensor64,
    velocity: &mut Option<Tensor64>,
    (momentum, weight_decay): (f64, f64),
    lr: f64,
) {
    let g = g.zip(p, |g, p| g + weight_decay * p);
    sgd(p, &g, velocity, momentum, lr);
}

/// AdamW as PyTorch has it: decay decoupled and scaled by the rate, both moments bias-corrected, `epsilon`
/// added after the root.
#[derive(Clone)]
pub(crate) struct AdamW {
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
}

/// First and second moment of one parameter, and the updates made.
pub(crate) struct Moments {
    pub(crate) m: Tensor64,
    pub(crate) v: Tensor64,
    pub(crate) steps: i32,
}

impl Moments {
    pub(crate) fn new(shape: &[usize]) -> Self {
        Self { m: Tensor64::zeros(shape), v: Tensor64::zeros(shape), steps: 0 }
    }
}

impl AdamW {
    pub(crate) fn step(&self, p: &mut Tensor64, g: &Tensor64, moments: &mut Moments, lr: f64) {
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

/// Linear warm-up (both ends included), then cosine; one value per iteration.
pub(crate) struct Schedule {
    pub(crate) iterations_per_epoch: usize,
    pub(crate) epochs: usize,
    pub(crate) warmup_epochs: usize,
    pub(crate) start: f64,
    pub(crate) base: f64,
    pub(crate) end: f64,
}

impl Schedule {
    pub(crate) fn rates(&self) -> Vec<f64> {
        let warmup = self.iterations_per_epoch * self.warmup_epochs;
        let cosine = self.iterations_per_epoch * self.epochs - warmup;
        let span = (warmup.max(2) - 1) as f64;
        let rising = (0..warmup).map(|t| self.start + (self.base - self.start) * t as f64 / span);
        let falling = (0..cosine).map(|t| {
            let angle = std::f64::consts::PI * t as f64 / cosine as f64;
            self.end + 0.5 * (self.base - self.end) * (1.0 + angle.cos())
        });
        rising.chain(falling).collect()
    }
}
