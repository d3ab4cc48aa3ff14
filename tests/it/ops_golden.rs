//! Single operations (groups 01 to 07) through the production kernels, with every kernel family.

use crate::devices::devices;
use crate::golden::{Case, Golden};
use std::sync::Arc;
use swav_wgpu::gpu::{Gpu, Session, Shape, Tensor};
use swav_wgpu::ops::conv2d::{self, Filter};
use swav_wgpu::ops::sinkhorn::Problem;
use swav_wgpu::ops::{Step, batch_norm, loss, normalize, pool, sinkhorn, vector, weights};
use swav_wgpu::selftest::lab::Lab;
use swav_wgpu::selftest::layout::{from_nhwc4, to_nhwc4};

fn pictures(shape: &[usize]) -> Shape {
    let at = |i: usize| shape.get(i).map_or(1, |&n| n as u32);
    Shape::pictures(at(0), at(2), at(3), at(1))
}

pub(crate) fn upload(lab: &mut Lab, case: &Case<'_>, name: &str) -> Tensor {
    let (shape, data) = case.input(name);
    lab.upload(pictures(&shape), to_nhwc4(&shape, &data))
}

/// The tensor in PyTorch's order.
pub(crate) fn read(session: &Session, tensor: &Tensor) -> Vec<f64> {
    let s = tensor.shape;
    let shape = [s.images, s.channels, s.height, s.width].map(|n| n as usize);
    from_nhwc4(&shape, &session.read(tensor).expect("the device answers")).expect("padding is zero")
}

/// Runs `check` on every case of a group and device, and reports all differences at once.
pub(crate) fn each(
    group: &str,
    accept: impl Fn(&Case<'_>) -> bool,
    check: impl Fn(&Arc<Gpu>, &Case<'_>) -> Vec<String>,
) {
    let golden = Golden::open();
    let cases: Vec<_> = golden.cases(group).into_iter().filter(accept).collect();
    assert!(!cases.is_empty(), "group {group} holds no such case");
    let mut failures = Vec::new();
    for gpu in devices() {
        for case in &cases {
            failures.extend(check(&gpu, case).into_iter().map(|f| format!("{:?}: {f}", gpu.family())));
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

fn compare(case: &Case<'_>, results: &[(&str, Vec<f64>)]) -> Vec<String> {
    results
        .iter()
        .filter(|(name, _)| case.has(name))
        .filter_map(|(name, got)| case.check(name, got).err())
        .collect()
}

/// Forward, both gradients, for convolutions and linear layers alike.
fn filter_case(gpu: &Arc<Gpu>, case: &Case<'_>, filter: Filter) -> Vec<String> {
    let mut lab = Lab::new(gpu);
    let x = upload(&mut lab, case, "x");
    let dy = upload(&mut lab, case, "dy");
    let w = lab.upload(filter.panels(), weights::pack(&filter, &case.input("w").1));
    let dw = lab.zeros(filter.panels());
    let bias = case.has("bias").then(|| lab.vector(&case.input("bias").1));
    let dbias = lab.zeros(Shape::matrix(1, filter.filters));
    let staged = conv2d::stage(&mut lab.plan, &x);
    let y = conv2d::forward(&mut lab.plan, &filter, &staged, &w).expect("records");
    if let Some(bias) = &bias {
        vector::add_bias(&mut lab.plan, &y, bias).expect("records");
    }
    vector::bias_gradient(&mut lab.plan, &dy, &dbias).expect("records");
    let dy = conv2d::stage(&mut lab.plan, &dy);
    conv2d::backward_weight(&mut lab.plan, &filter, &staged, &dy, &dw).expect("records");
    let dx = conv2d::backward_input(&mut lab.plan, &filter, &dy, &w, x.shape, None).expect("records");
    let session = lab.run().expect("the plan runs");
    let panels = session.read(&dw).expect("the device answers");
    let dw = weights::unpack(&filter, &panels).into_iter().map(f64::from).collect();
    compare(
        case,
        &[
            ("y", read(&session, &y)),
            ("dx", read(&session, &dx)),
            ("dw", dw),
            ("dbias", read(&session, &dbias)),
        ],
    )
}

#[test]
fn convolutions() {
    each(
        "01",
        |_| true,
        |gpu, case| {
            let n = |name: &str| case.count(name) as u32;
            let (channels, filters) = (n("cin"), n("cout"));
            filter_case(
                gpu,
                case,
                Filter { channels, filters, kernel: n("kernel"), stride: n("stride"), pad: n("pad") },
            )
        },
    );
}

#[test]
fn linear_layers() {
    each(
        "03",
        |case| case.has("w"),
        |gpu, case| {
            let shape = case.input("w").0;
            filter_case(gpu, case, Filter::linear(shape[1] as u32, shape[0] as u32))
        },
    );
}

#[test]
fn batch_norms() {
    each(
        "02",
        |_| true,
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let (x, dy) = (upload(&mut lab, case, "x"), upload(&mut lab, case, "dy"));
            let mut vector = |name: &str| lab.vector(&case.input(name).1);
            let channels = batch_norm::Channels {
                weight: vector("weight"),
                bias: vector("bias"),
                mean: vector("running_mean"),
                variance: vector("running_var"),
            };
            let (dweight, dbias) = (lab.zeros(channels.weight.shape), lab.zeros(channels.bias.shape));
            let plan = &mut lab.plan;
            let (y, c) = batch_norm::forward(plan, &x, &channels, None, false, None).expect("records");
            let dx =
                batch_norm::backward(plan, &x, &c, &dy, false, [&dweight, &dbias], None).expect("records");
            let evaluated = batch_norm::evaluate(plan, &x, &channels, None, false).expect("records");
            let second = case.has("x2");
            if second {
                let x2 = upload(&mut lab, case, "x2");
                batch_norm::forward(&mut lab.plan, &x2, &channels, None, false, None).expect("records");
            }
            let session = lab.run().expect("the plan runs");
            let suffix = if second { "_new2" } else { "_new" };
            let (mean, var) = (format!("running_mean{suffix}"), format!("running_var{suffix}"));
            // Of the padding only the scale must be zero, so the rows are read as they are.
            let rows = session.read(&c).expect("the device answers");
            let (n, padded) = (dweight.shape.channels as usize, dweight.shape.quads() as usize * 4);
            let coefficients =
                |row: usize| rows[row * padded..row * padded + n].iter().map(|&v| f64::from(v)).collect();
            compare(
                case,
                &[
                    ("y", read(&session, &y)),
                    ("mean", coefficients(0)),
                    ("invstd", coefficients(1)),
                    (&mean, read(&session, &channels.mean)),
                    (&var, read(&session, &channels.variance)),
                    ("dx", read(&session, &dx)),
                    ("dweight", read(&session, &dweight)),
                    ("dbias", read(&session, &dbias)),
                    ("y_eval", read(&session, &evaluated)),
                ],
            )
        },
    );
}

#[test]
fn pools() {
    each(
        "03",
        |case| !case.has("w") && case.has("x") && case.input("x").0.len() == 4,
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let (x, dy) = (upload(&mut lab, case, "x"), upload(&mut lab, case, "dy"));
            let plan = &mut lab.plan;
            let (y, dx) = if case.input("dy").0.len() == 2 {
                let y = plan.lease(Shape::matrix(x.shape.images, x.shape.channels));
                pool::average_forward(plan, &x, &y, 0).expect("records");
                (y, pool::average_backward(plan, &dy, 0, x.shape, None).expect("records"))
            } else {
                let (y, won) = pool::max_forward(plan, &x).expect("records");
                (y, pool::max_backward(plan, &won, &dy, x.shape).expect("records"))
            };
            let session = lab.run().expect("the plan runs");
            compare(case, &[("y", read(&session, &y)), ("dx", read(&session, &dx))])
        },
    );
}

#[test]
fn rows_of_unit_length() {
    each(
        "04",
        |_| true,
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let (x, dy) = (upload(&mut lab, case, "x"), upload(&mut lab, case, "dy"));
            let y = normalize::forward(&mut lab.plan, &x).expect("records");
            let dx = normalize::backward(&mut lab.plan, &x, &dy).expect("records");
            let session = lab.run().expect("the plan runs");
            compare(case, &[("y", read(&session, &y)), ("dx", read(&session, &dx))])
        },
    );
}

#[test]
fn prototypes_of_unit_length() {
    each(
        "07",
        |case| case.has("normalised"),
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let (shape, data) = case.input("weight");
            let filter = Filter::linear(shape[1] as u32, shape[0] as u32);
            let w = lab.upload(filter.panels(), weights::pack(&filter, &data));
            normalize::in_place(&mut lab.plan, &filter, &w).expect("records");
            let session = lab.run().expect("the plan runs");
            let got = weights::unpack(&filter, &session.read(&w).expect("the device answers"));
            compare(case, &[("normalised", got.into_iter().map(f64::from).collect())])
        },
    );
}

/// The codes of plain scores `[B, K]` after `iterations`.
fn codes(gpu: &Arc<Gpu>, case: &Case<'_>, iterations: u32) -> Vec<f64> {
    let mut lab = Lab::new(gpu);
    let scores = upload(&mut lab, case, "scores");
    let step = lab.step(Step::default());
    let batch = scores.shape.images;
    let problem = Problem { queue: 0, batch, assigned: 1, epsilon: case.number("eps") as f32, iterations };
    let (codes, _) = sinkhorn::codes(&mut lab.plan, &problem, &scores, &scores, &step).expect("records");
    read(&lab.run().expect("the plan runs"), &codes)
}

#[test]
fn codes_of_scores() {
    each(
        "05",
        |case| case.has("scores"),
        |gpu, case| {
            let q3 = codes(gpu, case, 3);
            let k = case.input("scores").0[1];
            let mass = (0..k).map(|k0| q3.iter().skip(k0).step_by(k).sum()).collect();
            let q1 = if case.has("q1") { codes(gpu, case, 1) } else { Vec::new() };
            compare(case, &[("q3", q3), ("proto_mass3", mass), ("q1", q1)])
        },
    );
}

/// Scores of embeddings against prototypes, through the production linear kernel.
fn scores_of(lab: &mut Lab, rows: &Tensor, case: &Case<'_>) -> Tensor {
    let (shape, data) = case.input("prototypes");
    let filter = Filter::linear(shape[1] as u32, shape[0] as u32);
    let w = lab.upload(filter.panels(), weights::pack(&filter, &data));
    let staged = conv2d::stage(&mut lab.plan, rows);
    conv2d::forward(&mut lab.plan, &filter, &staged, &w).expect("records")
}

#[test]
fn codes_with_a_queue() {
    each(
        "05",
        |case| case.has("q_batch"),
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let (queue, z) = (upload(&mut lab, case, "queue"), upload(&mut lab, case, "z"));
            let queue_scores = scores_of(&mut lab, &queue, case);
            let scores = scores_of(&mut lab, &z, case);
            let step = lab.step(Step::default());
            let problem = Problem {
                queue: queue.shape.images,
                batch: z.shape.images,
                assigned: 1,
                epsilon: case.number("eps") as f32,
                iterations: case.count("iters") as u32,
            };
            let (codes, _) =
                sinkhorn::codes(&mut lab.plan, &problem, &scores, &queue_scores, &step).expect("records");
            compare(case, &[("q_batch", read(&lab.run().expect("the plan runs"), &codes))])
        },
    );
}

#[test]
fn swapped_losses() {
    each(
        "06",
        |_| true,
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let scores = upload(&mut lab, case, "scores");
            let queue_scores = if case.has("queue") {
                let (shape, data) = case.input("queue");
                let rows = lab.matrix(shape[0] * shape[1], shape[2], &data);
                scores_of(&mut lab, &rows, case)
            } else {
                scores.clone()
            };
            let step = lab.step(Step::default());
            let batch = case.count("bs") as u32;
            let assigned = case.counts("assign").iter().fold(0, |bits, &crop| bits | 1 << crop);
            let (epsilon, iterations) = (case.number("eps") as f32, case.count("iters") as u32);
            let problem = Problem { queue: case.count("L") as u32, batch, assigned, epsilon, iterations };
            let plan = &mut lab.plan;
            let (codes, _) = sinkhorn::codes(plan, &problem, &scores, &queue_scores, &step).expect("records");
            let temperature = case.number("T") as f32;
            let (dscores, rows) =
                loss::forward_backward(plan, &scores, &codes, batch, assigned, temperature).expect("records");
            let session = lab.run().expect("the plan runs");
            let total = read(&session, &rows).iter().sum();
            compare(
                case,
                &[
                    ("loss", vec![total]),
                    ("dscores", read(&session, &dscores)),
                    ("q", read(&session, &codes)),
                ],
            )
        },
    );
}
