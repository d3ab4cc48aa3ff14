//! Records the plans of a step whose batch goes through the trunk in parts, as `steps` says.

use std::cell::RefCell;
use std::sync::Arc;

use super::estimates::Estimates;
use super::meeting::{Meeting, gradients};
use super::objective::{Objective, Stage};
use super::part::Part;
use super::recording::{Inputs, Outputs, Passes, forward, record_end};
use super::share::{Alike, Share};
use super::steps::{Kind, Parts, Steps};
use crate::config::Config;
use crate::error::Result;
use crate::gpu::{Gpu, Plan, Shape, Tensor, Usage};
use crate::model::{Store, Trunk};
use crate::ops::parts;

/// What all plans of parts are recorded on.
struct Shared<'a> {
    gpu: &'a Arc<Gpu>,
    inputs: Inputs<'a>,
    trunk: &'a Trunk,
    store: &'a Store,
    estimates: Estimates,
    /// Those of the network that the method keeps beside the one in training.
    of_target: Option<Estimates>,
    first: Tensor,
    share: Share,
    /// The sum of this rank's parts, where there are others.
    own: Option<Store>,
    /// What is kept of parts for the objective.
    kept: RefCell<Vec<Tensor>>,
}

impl Shared<'_> {
    fn plan(&self) -> Plan {
        Plan::new(self.gpu, self.inputs.arena)
    }

    fn all_estimates(&self) -> impl Iterator<Item = &Estimates> {
        [&self.estimates].into_iter().chain(&self.of_target)
    }

    /// One part forward, of which the features are kept and, of the first part of a share, what backward needs.
    fn look(
        &self,
        objective: &mut dyn Objective,
        (size, is_first): (usize, bool),
        features: &mut Option<Tensor>,
    ) -> Result<(Plan, Option<Passes>)> {
        let Self { trunk, ref first, share, ref kept, inputs: Inputs { arena, crops, .. }, .. } = *self;
        let target = self.of_target.as_ref();
        let crops = of_part(crops, share, size);
        let forwarded = objective.forwarded(&crops);
        let (size, batch) = (size as u32, share.batch as u32);
        let part = Part { arena, crops: &crops, first, size, batch, target, kept };
        let mut plan = self.plan();
        let found = plan.lease(Shape::matrix(rows(&forwarded), trunk.features()));
        let passes = self.estimates.of_part(&mut plan, part.size as usize, |plan, store| {
            forward(plan, (store, trunk), &forwarded, &found)
        })?;
        let passes = is_first.then_some(passes);
        part.keep(&mut plan, &found, features)?;
        drop(found);
        objective.record_part(&mut plan, &part)?;
        Ok((plan, passes))
    }

    /// One part forward once more, unless `passes` were kept, and backward; its gradient goes to those of the parts before it.
    fn backward(
        &self,
        objective: &dyn Objective,
        size: usize,
        dfeatures: &Tensor,
        passes: Option<Passes>,
    ) -> Result<Plan> {
        let Self { trunk, store, ref first, share, inputs: Inputs { crops, scale, .. }, .. } = *self;
        let aside = &self.estimates.aside;
        let forwarded = objective.forwarded(&of_part(crops, share, size));
        let mut plan = self.plan();
        for shard in aside.shards() {
            plan.clear(&shard.gradient);
        }
        let passes = match passes {
            Some(passes) => passes,
            None => {
                let part = plan.lease(Shape::matrix(rows(&forwarded), trunk.features()));
                forward(&mut plan, (aside, trunk), &forwarded, &part)?
            }
        };
        let dfeatures = parts::take(&mut plan, dfeatures, rows(&forwarded), size as u32, first)?;
        for (saved, first_row) in passes.into_iter().rev() {
            trunk.backward(&mut plan, aside, saved, &dfeatures, first_row, scale)?;
        }
        plan.scope("sum of the parts");
        for (part, all) in aside.shards().iter().zip(self.own.as_ref().unwrap_or(store).shards()) {
            parts::add(&mut plan, &part.gradient, &all.gradient)?;
        }
        Ok(plan)
    }
}

/// The crops of a part of so many pictures, in the tensors of those of the largest.
pub(super) fn of_part(crops: &[Tensor], share: Share, size: usize) -> Vec<Tensor> {
    let of = |group: &Tensor| {
        let images = group.shape.images / share.part() as u32 * size as u32;
        group.part(0, Shape { images, ..group.shape })
    };
    crops.iter().map(of).collect()
}

fn rows(crops: &[Tensor]) -> u32 {
    crops.iter().map(|crop| crop.shape.images).sum()
}

/// The steps of a batch in parts.
pub(super) fn record(
    gpu: &Arc<Gpu>,
    config: &Config,
    (store, trunk): (&Store, &Trunk),
    objective: &mut dyn Objective,
    inputs: &Inputs<'_>,
    (share, ranks): (Share, usize),
) -> Result<(Steps<Plan>, Outputs)> {
    let Inputs { arena, crops, step, .. } = *inputs;
    // What all plans share lives as long as they do.
    let first = arena.lease(parts::first(), Usage::Storage, "first picture of the part");
    let estimates = Estimates::new(arena, store, share.batch);
    let of_target = objective.target().map(|store| Estimates::new(arena, store, share.batch));
    let own = (ranks > 1).then(|| store.aside(arena));
    let kept = RefCell::default();
    let shared = Shared { gpu, inputs: *inputs, trunk, store, estimates, of_target, first, share, own, kept };
    let mut begin = shared.plan();
    for shard in shared.own.iter().flat_map(Store::shards) {
        begin.clear(&shard.gradient);
    }
    shared.all_estimates().for_each(|estimates| estimates.begin(&mut begin));
    objective.record_begin(&mut begin, store)?;
    let (mut looks, mut features) = (Vec::new(), None);
    for Alike { size, count } in share.kinds_but_first() {
        let (forward, _) = shared.look(objective, (size, false), &mut features)?;
        looks.push((size, count, forward));
    }
    let (first_forward, passes) = shared.look(objective, (share.part(), true), &mut features)?;
    let Some(features) = features else { unreachable!("a part has features") };

    let mut whole = shared.plan();
    for shard in store.shards() {
        whole.clear(&shard.gradient);
    }
    shared.all_estimates().try_for_each(|estimates| estimates.end(&mut whole))?;
    let mut outcome = objective.record(&mut whole, Stage { arena, store, crops, features, step })?;

    let first_backward = shared.backward(objective, share.part(), &outcome.dfeatures, passes)?;
    let mut kinds = Vec::new();
    for (size, count, forward) in looks {
        let backward = shared.backward(objective, size, &outcome.dfeatures, None)?;
        kinds.push(Kind { count, forward, backward });
    }
    let mut end = shared.plan();
    let meeting = match &shared.own {
        None => None,
        Some(own) => {
            for (own, all) in own.shards().iter().zip(store.shards()) {
                parts::add(&mut end, &own.gradient, &all.gradient)?;
            }
            let mut meeting = Meeting::record(gpu, arena, ranks, gradients(own, inputs.trunk_parameters))?;
            meeting.gathered = shared.kept.take();
            meeting.estimates = shared.all_estimates().map(|estimates| estimates.sum().clone()).collect();
            Some(meeting)
        }
    };
    let outputs = record_end(&mut end, config, store, objective, inputs, &mut outcome)?;
    let parts =
        Parts { begin, kinds, first_forward, first_backward, end, first: shared.first, share, meeting };
    Ok((Steps { whole, parts: Some(parts) }, outputs))
}
