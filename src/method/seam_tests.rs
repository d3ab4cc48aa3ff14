//! A method of thirty lines, to see that the seam asks for no more: the mean-squared distance of the features of two crops at
//! unit length, which is 2 − 2 cos.

use std::sync::Arc;

use super::Trainer;
use super::objective::{Objective, Outcome, Stage};
use crate::config::Config;
use crate::error::Result;
use crate::gpu::{Gpu, Plan};
use crate::ops::{normalize, regression};
use crate::ranks::{Alone, Exchange};

#[derive(Debug)]
struct Distance {
    batch: u32,
}

impl Objective for Distance {
    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome> {
        let targets = stage.features.clone();
        let (dfeatures, losses) =
            regression::forward_backward(plan, &stage.features, &targets, self.batch, 0b11)?;
        let embeddings = normalize::forward(plan, &stage.features)?;
        Ok(Outcome { dfeatures, losses, rows: None, embeddings, codes: None })
    }

    fn chance(&self) -> Option<f64> {
        None
    }
}

#[test]
fn a_method_of_thirty_lines_trains() {
    let mut config = Config::default();
    for (key, value) in [
        ("block", "basic"),
        ("blocks", "1,1,1,1"),
        ("width", "4"),
        ("stem", "cifar"),
        ("batch", "4"),
        ("crops", "2x8@0.4-1"),
        ("eval_size", "8"),
        ("optimizer", "sgd"),
    ] {
        config.set(key, value).unwrap();
    }
    let gpu: Arc<Gpu> = Gpu::open(None, None).unwrap();
    let alone: Arc<dyn Exchange> = Arc::new(Alone);
    let distance = Box::new(Distance { batch: 4 });
    let mut trainer = Trainer::with(&gpu, &config, &alone, u64::MAX, |_, _| Ok(distance)).unwrap();
    let pixel = |at: usize| if at % 4 == 3 { 0.0 } else { (at as f32).sin() };
    let groups: Vec<Vec<f32>> = vec![(0..2 * 4 * 8 * 8 * 4).map(pixel).collect()];
    let mut step = || {
        trainer.step(&groups, 0.1).unwrap();
        trainer.flush().unwrap().unwrap().loss
    };
    let losses: Vec<f64> = (0..12).map(|_| step()).collect();
    // Nothing keeps the features apart, so they meet.
    assert!(losses[0] > 0.0 && losses[11] < 0.5 * losses[0], "{losses:?}");
    let weights = trainer.export().unwrap();
    assert!(
        weights.contains_key("conv1.weight")
            && !weights.keys().any(|name| name.starts_with("projection_head"))
    );
}
