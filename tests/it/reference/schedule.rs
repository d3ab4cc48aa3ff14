//! The learning rate of every iteration: warm-up and cosine.

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
