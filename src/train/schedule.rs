//! The learning rate of every step: linear warm-up, then cosine, set per iteration.
//!
//! Numpy's `linspace` and the official formula, with their edges: the warm-up includes both ends
//! (step 0 has exactly the start value, the base value is used twice) and the cosine never quite
//! reaches the final value.

use crate::config::{Config, RunLength};
use std::f64::consts::PI;

/// A learning-rate schedule; rates are per iteration and for one parameter group.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
    /// How long the run and its warm-up are.
    pub length: RunLength,
    /// The rate of step 0 when there is a warm-up.
    pub start_lr: f64,
    /// The rate at the end of the warm-up and at the start of the cosine.
    pub base_lr: f64,
    /// The rate that the cosine falls towards.
    pub final_lr: f64,
}

impl Schedule {
    /// That of a run with these settings, whose epochs have so many steps.
    pub(super) fn of_config(config: &Config, steps_per_epoch: u64) -> Self {
        let Config { start_lr, lr: base_lr, final_lr, .. } = *config;
        Self { steps_per_epoch, length: config.length(steps_per_epoch), start_lr, base_lr, final_lr }
    }

    /// The learning rate of `step`, from 0. Past the end it stays at `final_lr`.
    #[must_use]
    pub fn lr(&self, step: u64) -> f64 {
        let RunLength { total, warmup, .. } = self.length;
        if step >= total {
            return self.final_lr;
        }
        let place = self.length.place(step);
        if place < warmup as f64 {
            return self.warm_up(place);
        }
        let (done, length) = (place - warmup as f64, (self.length.at_first() - warmup) as f64);
        let fall = 0.5 * (1.0 + (PI * done / length).cos());
        self.final_lr + fall * (self.base_lr - self.final_lr)
    }

    /// `np.linspace(start, base, warmup)[place]`: one value alone is the start value.
    fn warm_up(&self, place: f64) -> f64 {
        match (self.length.warmup - 1) as f64 {
            0.0 => self.start_lr,
            last if place >= last => self.base_lr,
            last => self.start_lr + place * ((self.base_lr - self.start_lr) / last),
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
    use crate::config::Former;
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
            length: RunLength {
                total: steps("epochs"),
                warmup: steps("warmup_epochs"),
                ..RunLength::default()
            },
            start_lr: number("start_warmup"),
            base_lr: number("base_lr"),
            final_lr: number("final_lr"),
        };
        assert_eq!(want.len() as u64, schedule.length.total);
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
            length: RunLength { total: 10, warmup: 3, ..RunLength::default() },
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
            (schedule.length.total, schedule.length.warmup) = (total, warmup);
            assert!((0..8).all(|step| schedule.lr(step).is_finite()), "{total} {warmup}");
        }
        schedule.steps_per_epoch = 0;
        assert_eq!(schedule.epoch(3), (3, 0));
    }

    #[test]
    fn a_run_of_another_length_has_the_whole_schedule_all_the_same() {
        let plain = Schedule {
            steps_per_epoch: 4,
            length: RunLength { total: 100, warmup: 10, ..RunLength::default() },
            start_lr: 0.1,
            base_lr: 1.0,
            final_lr: 0.0,
        };
        // In warm-up, in the cosine, and longer or shorter than before.
        for (until, total) in [(5, 52), (5, 195), (60, 64), (60, 80), (60, 400)] {
            let former = vec![Former { total: 100, until }];
            let other =
                Schedule { length: RunLength { total, former, ..plain.length.clone() }, ..plain.clone() };
            assert!((0..until).all(|step| other.lr(step) == plain.lr(step)), "{total}");
            assert_eq!(other.lr(until), plain.lr(until), "it goes on from where it was");
            // What 100 - until steps would have seen is seen in total - until.
            for step in until..total {
                let place =
                    until as f64 + (step - until) as f64 * (100 - until) as f64 / (total - until) as f64;
                let [before, after] = [place as u64, place as u64 + 1].map(|step| plain.lr(step));
                let between = before.min(after) - 1e-9..=before.max(after) + 1e-9;
                assert!(between.contains(&other.lr(step)), "{total}: {step}");
            }
            assert_eq!(other.lr(total), 0.0);
        }
    }
}
