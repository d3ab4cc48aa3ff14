//! SimCLR (arXiv 2002.05709): every crop must find the others of its picture among those of all other pictures.
//!
//! head on all crops → similarities of all with all → NT-Xent, with more than two crops as appendix A.8 of
//! arXiv 2006.09882 has it.

use super::objective::{Objective, Outcome, Stage};
use crate::config::Config;
use crate::error::Result;
use crate::gpu::Plan;
use crate::model::{HeadSpec, Projection, Store};
use crate::ops::contrast;

/// The head, with the settings of the loss.
#[derive(Debug)]
pub(super) struct SimClr {
    projection: Projection,
    batch: u32,
    crops: u32,
    temperature: f32,
}

impl SimClr {
    pub(super) fn new(config: &Config, store: &mut Store, features: u32) -> Self {
        Self {
            projection: Projection::new(store, features, &HeadSpec::of_config(config, 0)),
            batch: config.batch as u32,
            crops: config.crop_count() as u32,
            temperature: config.temperature as f32,
        }
    }
}

impl Objective for SimClr {
    fn record(&mut self, plan: &mut Plan, stage: Stage<'_>) -> Result<Outcome> {
        let Stage { store, features, .. } = stage;
        let (z, saved) = self.projection.head.forward(plan, store, &features)?;
        drop(features);
        plan.scope("loss");
        let (dz, losses) = contrast::all_crops(plan, &z, self.batch, self.temperature)?;
        let dfeatures = self.projection.head.backward(plan, store, saved, &dz)?;
        Ok(Outcome { dfeatures, losses, rows: None, embeddings: z, codes: None })
    }

    /// Embeddings that are all equal: each positive is as likely as any crop of another picture.
    fn chance(&self) -> Option<f64> {
        Some((f64::from((self.batch - 1) * self.crops)).ln_1p())
    }

    fn has_answers(&self) -> bool {
        true
    }

    fn projection(&self) -> Option<&Projection> {
        Some(&self.projection)
    }
}
