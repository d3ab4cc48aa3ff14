//! Records the plans of a run: the training step, the evaluation of a batch of views, and the first look of methods that
//! want one.

use std::sync::Arc;

use super::crops;
use super::objective::{Objective, Outcome, Stage};
use super::parts;
use super::share::Share;
use super::steps::Steps;
use super::survey::{self, Survey};
use crate::config::{Config, CropGroup, Optimizer, Precision};
use crate::error::Result;
use crate::gpu::{Arena, Element, Gpu, Plan, ShaderParams as _, Shape, Tensor, Usage};
use crate::model::{NetworkSpec, Store, Trunk, TrunkSaved, evaluation, views_at_once};
use crate::ops::batch_norm::Together;
use crate::ops::loss_scale::ScaleState;
use crate::ops::optimizer::{Rule, Scaling, Settings};
use crate::ops::{Step, loss_scale, optimizer, report};

/// Both plans, with what they were recorded on.
pub(super) struct Recorded {
    pub(super) store: Store,
    pub(super) objective: Box<dyn Objective>,
    pub(super) arena: Arc<Arena>,
    pub(super) maker: Option<crops::Recorded>,
    pub(super) train: Steps<Plan>,
    pub(super) evaluate: Plan,
    /// The first look of methods that want one.
    pub(super) survey: Option<Survey<Plan>>,
    pub(super) tensors: Tensors,
}

/// The tensors that the CPU writes or reads.
#[derive(Debug)]
pub(super) struct Tensors {
    pub(super) crops: Vec<Tensor>,
    pub(super) step: Tensor,
    /// The state of the loss scale, with half precision.
    pub(super) scale: Option<Tensor>,
    pub(super) report: Tensor,
    pub(super) layout: report::Layout,
    pub(super) looking: evaluation::Looking,
    pub(super) codes: Option<Tensor>,
    pub(super) embeddings: Tensor,
}

/// Views that one evaluation takes at once: as many as whoever looks hands over, but no more pixels than the
/// largest group of crops in a step has, so that what fits while training fits then too.
fn evaluation_views(config: &Config) -> u32 {
    let pixels = |group: &CropGroup| group.count * config.batch * group.size * group.size;
    let most = config.crops.iter().map(pixels).max().unwrap_or(0) as u32;
    let side = config.eval_size;
    (most / side.pow(2)).clamp(1, views_at_once(side, side))
}

/// The tensors of the crops, one a group.
pub(super) fn lease_crops(arena: &Arc<Arena>, config: &Config) -> Vec<Tensor> {
    let lease = |group: &CropGroup| {
        let (n, side) = ((group.count * config.batch) as u32, group.size as u32);
        arena.lease(
            Shape::pictures(n, side, side, config.channels as u32).stored(element(config)),
            Usage::Storage,
            "crops",
        )
    };
    config.crops.iter().map(lease).collect()
}

/// How activations are stored.
fn element(config: &Config) -> Element {
    match config.precision {
        Precision::F32 => Element::F32,
        Precision::F16 => Element::F16,
    }
}

pub(super) fn record(
    gpu: &Arc<Gpu>,
    config: &Config,
    (share, ranks): (Share, usize),
    shard_bytes: u64,
    make: impl FnOnce(&mut Store, u32) -> Result<Box<dyn Objective>>,
) -> Result<Recorded> {
    let mut store = Store::new(shard_bytes);
    let mut trunk = NetworkSpec::of_config(config).trunk(&mut store, config.recompute);
    let trunk_parameters = store.parameters().len();
    let mut objective = make(&mut store, trunk.features())?;
    if share.group > 1 {
        let together = Together { ranks: share.group as u32, first: share.is_first_of_group() };
        trunk.share_statistics(together);
        objective.share_statistics(together);
    }
    let arena = Arc::new(Arena::default());
    store.lease(&arena, if config.optimizer == Optimizer::Adamw { 2 } else { 1 });
    objective.lease(&arena);

    let step = arena.lease(Step::shape(), Usage::Uniform, "step");
    let element = element(config);
    let scale =
        (element == Element::F16).then(|| arena.lease(ScaleState::shape(), Usage::Storage, "loss scale"));
    let part = Config { batch: share.part(), ..config.clone() };
    let crops = lease_crops(&arena, &part);
    // Before the step in time, so that it may use the memory of what comes later.
    let maker = crops::record(gpu, &arena, config, &crops, ranks)?;
    let inputs =
        Inputs { arena: &arena, crops: &crops, step: &step, scale: scale.as_ref(), trunk_parameters };
    let network = (&store, &trunk);
    let (train, outputs) = if share.is_whole() {
        record_step(gpu, config, network, objective.as_mut(), &inputs)?
    } else {
        parts::record(gpu, config, network, objective.as_mut(), &inputs, (share, ranks))?
    };
    let Outputs { report, layout, codes, embeddings } = outputs;

    let mut evaluate = Plan::new(gpu, &arena);
    let side = config.eval_size;
    let views = Shape::pictures(evaluation_views(&part), side, side, config.channels as u32).stored(element);
    let views = arena.lease(views, Usage::Storage, "views");
    let looking = evaluation::record(
        &mut evaluate,
        &store,
        &trunk,
        objective.projection(),
        views,
        config.fitting_readout(),
    )?;
    let survey = survey::record(gpu, network, objective.as_ref(), &inputs, share)?;
    let tensors = Tensors { crops, step, scale, report, layout, looking, codes, embeddings };
    Ok(Recorded { store, objective, arena, maker, train, evaluate, survey, tensors })
}

#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) arena: &'a Arc<Arena>,
    /// Of the largest part.
    pub(super) crops: &'a [Tensor],
    pub(super) step: &'a Tensor,
    pub(super) scale: Option<&'a Tensor>,
    /// How many parameters the trunk has, which are declared first.
    pub(super) trunk_parameters: usize,
}

pub(super) struct Outputs {
    report: Tensor,
    layout: report::Layout,
    codes: Option<Tensor>,
    embeddings: Tensor,
}

/// What the forward passes of the trunk keep, each with its first row among the features.
pub(super) type Passes = Vec<(TrunkSaved, u32)>;

/// The trunk, once per resolution; features go into `features`.
pub(super) fn forward(
    plan: &mut Plan,
    (store, trunk): (&Store, &Trunk),
    crops: &[Tensor],
    features: &Tensor,
) -> Result<Passes> {
    let mut first_row = 0;
    let mut passes = Vec::new();
    for crop in crops {
        passes.push((trunk.forward(plan, store, crop, features, first_row)?, first_row));
        first_row += crop.shape.images;
    }
    Ok(passes)
}

/// The whole batch in one plan: the trunk by resolution, everything after it on all crops at once.
fn record_step(
    gpu: &Arc<Gpu>,
    config: &Config,
    (store, trunk): (&Store, &Trunk),
    objective: &mut dyn Objective,
    inputs: &Inputs<'_>,
) -> Result<(Steps<Plan>, Outputs)> {
    let Inputs { arena, crops, step, scale, .. } = *inputs;
    let mut plan = Plan::new(gpu, arena);
    for shard in store.shards() {
        plan.clear(&shard.gradient);
    }
    objective.record_begin(&mut plan, store)?;
    let forwarded = objective.forwarded(crops);
    let rows = forwarded.iter().map(|c| c.shape.images).sum();
    let features = plan.lease(Shape::matrix(rows, trunk.features()));
    let passes = forward(&mut plan, (store, trunk), &forwarded, &features)?;
    let mut outcome = objective.record(&mut plan, Stage { arena, store, crops, features, step })?;
    for (saved, first_row) in passes.into_iter().rev() {
        trunk.backward(&mut plan, store, saved, &outcome.dfeatures, first_row, scale)?;
    }
    let outputs = record_end(&mut plan, config, store, objective, inputs, &mut outcome)?;
    Ok((Steps { whole: plan, parts: None }, outputs))
}

/// The update and the report.
pub(super) fn record_end(
    plan: &mut Plan,
    config: &Config,
    store: &Store,
    objective: &dyn Objective,
    inputs: &Inputs<'_>,
    outcome: &mut Outcome,
) -> Result<Outputs> {
    let Inputs { step, scale, .. } = *inputs;
    plan.scope("optimizer");
    let norms = record_update(plan, config, store, step, scale)?;
    objective.record_end(plan, store)?;
    plan.scope("report");
    let Outcome { losses, rows, embeddings, codes, .. } = outcome;
    let batch = config.batch as u32;
    let (report, layout) = report::summarize(plan, losses, rows.as_ref(), &norms, embeddings, batch, scale)?;
    Ok(Outputs { report, layout, codes: codes.take(), embeddings: embeddings.clone() })
}

/// Moves all parameters; gives their norms, of all shards together.
fn record_update(
    plan: &mut Plan,
    config: &Config,
    store: &Store,
    step: &Tensor,
    scale: Option<&Tensor>,
) -> Result<Tensor> {
    let settings = Settings {
        rule: rule(config),
        weight_decay: config.weight_decay as f32,
        exclude: config.exclude_norms,
    };
    let mut norms = Vec::new();
    for shard in store.shards() {
        if let Some(scale) = scale {
            loss_scale::unscale(plan, shard, scale)?;
        }
        norms.push(optimizer::measure(plan, shard, &settings, step)?);
    }
    let all = plan.stack(norms.clone());
    if let Some(scale) = scale {
        loss_scale::adjust(plan, &all, scale, step, settings.rule, loss_scale::PATIENCE)?;
    }
    for (shard, norms) in store.shards().iter().zip(&norms) {
        optimizer::apply(plan, shard, &settings, step, norms, scale)?;
    }
    Ok(all)
}

fn rule(config: &Config) -> Rule {
    let sgd = |scaling| Rule::Sgd { scaling, momentum: config.momentum as f32 };
    match config.optimizer {
        Optimizer::Larc => sgd(Scaling::Larc { trust: config.trust as f32, clip: config.clip }),
        Optimizer::Lars => sgd(Scaling::Lars { trust: config.trust as f32 }),
        Optimizer::Sgd => sgd(Scaling::None),
        Optimizer::Adamw => Rule::AdamW { beta1: config.beta1 as f32, beta2: config.beta2 as f32 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever looks hands over `views_at_once`, and a plan computes all of its views, however few are handed over.
    #[test]
    fn no_evaluation_computes_more_views_than_it_is_given() {
        for (crop, eval_size, batch) in [(32, 32, 64), (160, 160, 32), (224, 224, 64), (224, 224, 2)] {
            let crops = vec![CropGroup { count: 2, size: crop, scale: [0.2, 1.0] }];
            let views = evaluation_views(&Config { crops, eval_size, batch, ..Config::default() });
            assert!(views <= views_at_once(eval_size, eval_size), "{views} of {eval_size}");
            assert!(views <= 2 * batch as u32, "{views} of {batch}");
        }
    }
}
