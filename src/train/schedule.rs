//! The learning rate of every step: linear warm-up, then cosine, set per iteration.
//!
//! Numpy's `linspace` and the official formula, with their edges: the warm-up includes both ends
//! (step 0 has exactly the start value, the base value is used twice) and the cosine never quite
//! reaches the final value.

use std::f64::consts::PI;

/// A learning-rate schedule; rates are per iteration and for one parameter group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Steps of the warm-up, 0 for none.
    pub warmup_steps: u64,
    /// The rate of step 0 when there is a warm-up.
    pub start_lr: f64,
    /// The rate at the end of the warm-up and at the start of the cosine.
    pub base_lr: f64,
    /// The rate that the cosine falls towards.
    pub final_lr: f64,
}

impl Schedule {
    /// The learning rate of `step`, from 0. Past the end it stays at `final_lr`.
    #[must_use]
    pub fn lr(&self, step: u64) -> f64 {
        if step < self.warmup_steps.min(self.total_steps) {
            return self.warm_up(step);
        }
        if step >= self.total_steps {
            return self.final_lr;
        }
        let (done, length) = (step - self.warmup_steps, self.total_steps - self.warmup_steps);
        let fall = 0.5 * (1.0 + (PI * done as f64 / length as f64).cos());
        self.final_lr + fall * (self.base_lr - self.final_lr)
    }

    /// `np.linspace(start, base, warmup_steps)[step]`: one value alone is the start value.
    fn warm_up(&self, step: u64) -> f64 {
        match self.warmup_steps - 1 {
            0 => self.start_lr,
            last if step == last => self.base_lr,
            last => self.start_lr + step as f64 * ((self.base_lr - self.start_lr) / last as f64),
        }
    }

    /// The epoch that `step` belongs to, from 0, and its place in that epoch.
    #[must_use]
    pub fn epoch(&self, step: u64) -> (u64, u64) {
        let length = self.steps_per_epoch.max(1);
        (step / length, step % length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::safetensors;
    use serde_json::Value;
    use std::path::PathBuf;

    /// Every case of the manifest whose name starts with `lr_`.
    #[test]
    fn equals_the_official_schedule() {
        let folder = std::env::var_os("SWAV_GOLDEN")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from);
        let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let mut checked = 0;
        for (file, entry) in manifest["files"].as_object().unwrap() {
            let cases = entry["cases"].as_object().into_iter().flatten();
            for (name, case) in cases.filter(|(name, _)| name.starts_with("lr_")) {
                let tensors = safetensors::read(&folder.join(file)).unwrap().tensors;
                check(&case["attrs"], &case["tensors"]["lr"], &tensors[&format!("{name}/lr")].data);
                checked += 1;
            }
        }
        assert!(checked > 0, "no lr_ cases in {}", folder.display());
    }

    fn check(attrs: &Value, expected: &Value, want: &[f32]) {
        let number = |key: &str| attrs[key].as_f64().unwrap();
        let steps = |key: &str| attrs["iters_per_epoch"].as_u64().unwrap() * attrs[key].as_u64().unwrap();
        let schedule = Schedule {
            steps_per_epoch: attrs["iters_per_epoch"].as_u64().unwrap(),
            total_steps: steps("epochs"),
            warmup_steps: steps("warmup_epochs"),
            start_lr: number("start_warmup"),
            base_lr: number("base_lr"),
            final_lr: number("final_lr"),
        };
        assert_eq!(want.len() as u64, schedule.total_steps);
        let (atol, rtol) = (expected["atol"].as_f64().unwrap(), expected["rtol"].as_f64().unwrap());
        for (step, &want) in want.iter().enumerate() {
            let (got, want) = (schedule.lr(step as u64), f64::from(want));
            assert!(
                (got - want).abs() <= atol + rtol * want.abs(),
                "{attrs} step {step}: {got}, want {want}"
            );
        }
    }

    #[test]
    fn edges_are_finite() {
        let mut schedule = Schedule {
            steps_per_epoch: 4,
            total_steps: 10,
            warmup_steps: 3,
            start_lr: 0.1,
            base_lr: 1.0,
            final_lr: 0.01,
        };
        assert_eq!((schedule.lr(0), schedule.lr(2), schedule.lr(3)), (0.1, 1.0, 1.0));
        assert!(schedule.lr(9) > 0.01);
        assert_eq!((schedule.lr(10), schedule.lr(u64::MAX)), (0.01, 0.01));
        assert_eq!(schedule.epoch(9), (2, 1));
        // A run shorter than its warm-up, all warm-up, and none at all.
        for (total, warmup) in [(2, 5), (5, 5), (5, 0), (0, 0), (1, 1)] {
            (schedule.total_steps, schedule.warmup_steps) = (total, warmup);
            assert!((0..8).all(|step| schedule.lr(step).is_finite()), "{total} {warmup}");
        }
        schedule.steps_per_epoch = 0;
        assert_eq!(schedule.epoch(3), (3, 0));
    }
}
