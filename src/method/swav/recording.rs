//! Records the two plans of a run: the training step, and the evaluation of a batch of views.

use std::sync::Arc;

use super::evaluation;
use super::network::{Network, NetworkSpec};
use super::{Tensors, augmentation};
use crate::config::{Config, CropGroup, Optimizer, Precision};
use crate::error::Result;
use crate::gpu::{Arena, Element, Gpu, Plan, Shape, Tensor, Usage};
use crate::model::{Linear, Mlp, Store, Trunk};
use crate::ops::Step;
use crate::ops::optimizer::{Rule, Settings};
use crate::ops::sinkhorn::Problem;
use crate::ops::{conv2d, loss, loss_scale, normalize, optimizer, queue, report, sinkhorn};

/// Both plans, with what they were recorded on.
pub(super) struct Recorded {
    pub(super) store: Store,
    pub(super) arena: Arc<Arena>,
    pub(super) maker: Option<augmentation::Recorded>,
    pub(super) train: Plan,
    pub(super) evaluate: Plan,
    pub(super) tensors: Tensors,
    pub(super) queue_rows: u32,
}

/// Views that one evaluation takes at once: enough to fill a device, but no more pixels than the
/// largest group of crops in a step has, so that what fits while training fits then too.
fn evaluation_views(config: &Config) -> u32 {
    let pixels = |group: &CropGroup| group.count * config.batch * group.size * group.size;
    let most = config.crops.iter().map(pixels).max().unwrap_or(0) as u32;
    (most / config.eval_size.pow(2)).clamp(1, 64)
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

pub(super) fn record(gpu: &Arc<Gpu>, config: &Config, shard_bytes: u64) -> Result<Recorded> {
    let mut store = Store::new(shard_bytes);
    let network = Network::new(&mut store, &NetworkSpec::of_config(config), config.recompute);
    let d = config.embedding as u32;
    let arena = Arc::new(Arena::default());
    store.lease(&arena, if config.optimizer == Optimizer::Adamw { 2 } else { 1 });

    let queue_rows = (config.queue / config.batch * config.batch) as u32;
    let assigned = config.assign.iter().fold(0u32, |bits, &crop| bits | 1 << crop);
    let step = arena.lease(Step::shape(), Usage::Uniform, "step");
    let element = element(config);
    let scale =
        (element == Element::F16).then(|| arena.lease(loss_scale::shape(), Usage::Storage, "loss scale"));
    let queue = (queue_rows > 0)
        .then(|| arena.lease(Shape::matrix(assigned.count_ones() * queue_rows, d), Usage::Storage, "queue"));
    let mut plan = Plan::new(gpu, &arena);
    let crops = lease_crops(&arena, config);
    // Before the step in time, so that it may use the memory of what comes later.
    let maker = augmentation::record(gpu, &arena, config, &crops)?;
    let problem = Problem {
        queue: queue_rows,
        batch: config.batch as u32,
        assigned,
        epsilon: config.epsilon as f32,
        iterations: config.sinkhorn_iterations,
    };
    let inputs = Inputs { crops: &crops, queue: queue.as_ref(), step: &step, scale: scale.as_ref(), problem };
    let Some((head, Some(prototypes))) = &network.head else {
        unreachable!("SwAV has a head and prototypes")
    };
    let layers = Layers { trunk: &network.trunk, head, prototypes };
    let outputs = record_step(&mut plan, config, &store, &layers, &inputs)?;
    let mut evaluate = Plan::new(gpu, &arena);
    let side = config.eval_size;
    let views = Shape::pictures(evaluation_views(config), side, side, config.channels as u32).stored(element);
    let views = arena.lease(views, Usage::Storage, "views");
    let looking = evaluation::record(&mut evaluate, &store, &network, views)?;
    let Outputs { report, layout, codes, embeddings } = outputs;
    let tensors = Tensors { crops, step, scale, report, layout, queue, looking, codes, embeddings };
    Ok(Recorded { store, arena, maker, train: plan, evaluate, tensors, queue_rows })
}

/// The network's layers, all of which a step needs.
struct Layers<'a> {
    trunk: &'a Trunk,
    head: &'a Mlp,
    prototypes: &'a Linear,
}

struct Inputs<'a> {
    crops: &'a [Tensor],
    queue: Option<&'a Tensor>,
    step: &'a Tensor,
    scale: Option<&'a Tensor>,
    problem: Problem,
}

struct Outputs {
    report: Tensor,
    layout: report::Layout,
    codes: Tensor,
    embeddings: Tensor,
}

fn record_step(
    plan: &mut Plan,
    config: &Config,
    store: &Store,
    layers: &Layers<'_>,
    inputs: &Inputs<'_>,
) -> Result<Outputs> {
    let Layers { trunk, head, prototypes } = layers;
    let Inputs { crops, queue, step, scale, problem } = inputs;
    for shard in store.shards() {
        plan.clear(&shard.gradient);
    }
    plan.scope("prototypes");
    normalize::in_place(plan, prototypes.filter(), &prototypes.weight(store))?;

    // Forward: the trunk by resolution, everything after it on all crops at once.
    let rows = crops.iter().map(|c| c.shape.images).sum();
    let features = plan.lease(Shape::matrix(rows, trunk.features()));
    let mut first_row = 0;
    let mut trunks = Vec::new();
    for crop in *crops {
        trunks.push((trunk.forward(plan, store, crop, &features, first_row)?, first_row));
        first_row += crop.shape.images;
    }
    let (z, head_saved) = head.forward(plan, store, &features)?;
    drop(features);
    let (scores, prototypes_saved) = prototypes.forward(plan, store, &z)?;

    // Codes, without gradient, then the loss.
    let queue_scores = match queue {
        Some(queue) => {
            plan.scope("queue");
            let staged = conv2d::stage(plan, queue);
            conv2d::forward(plan, prototypes.filter(), &staged, &prototypes.weight(store))?
        }
        None => scores.clone(),
    };
    plan.scope("codes");
    let (codes, figures) = sinkhorn::codes(plan, problem, &scores, &queue_scores, step)?;
    drop(queue_scores);
    plan.scope("loss");
    let temperature = config.temperature as f32;
    let (dscores, rows_loss) =
        loss::forward_backward(plan, &scores, &codes, problem.batch, problem.assigned, temperature)?;
    drop(scores);

    // Backward, in the reverse order.
    let dz = prototypes.backward(plan, store, prototypes_saved, &dscores)?;
    drop(dscores);
    let dfeatures = head.backward(plan, store, head_saved, &dz)?;
    drop(dz);
    for (saved, first_row) in trunks.into_iter().rev() {
        trunk.backward(plan, store, saved, &dfeatures, first_row, *scale)?;
    }

    plan.scope("optimizer");
    let norms = record_update(plan, config, store, step, *scale)?;
    if let Some(queue) = queue {
        plan.scope("queue");
        queue::push(plan, &z, queue, problem.batch, problem.assigned, step)?;
    }
    plan.scope("report");
    let (report, layout) = report::summarize(plan, &rows_loss, &figures, &norms, &z, problem.batch, *scale)?;
    Ok(Outputs { report, layout, codes, embeddings: z })
}

/// Moves all parameters; gives their norms, of all shards together.
fn record_update(
    plan: &mut Plan,
    config: &Config,
    store: &Store,
    step: &Tensor,
    scale: Option<&Tensor>,
) -> Result<Tensor> {
    let settings = Settings { rule: rule(config), weight_decay: config.weight_decay as f32, exclude: false };
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
    match config.optimizer {
        Optimizer::Larc => {
            Rule::Sgd { trust: config.trust as f32, momentum: config.momentum as f32, clip: false }
        }
        Optimizer::Sgd => Rule::Sgd { trust: 0.0, momentum: config.momentum as f32, clip: false },
        Optimizer::Adamw => Rule::AdamW { beta1: config.beta1 as f32, beta2: config.beta2 as f32 },
    }
}
