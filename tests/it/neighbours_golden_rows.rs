//! What SwAV's neighbours compute of rows (groups 12, 14_deepcluster_loss, 16 and the cross-entropy of 15) through the
//! production kernels, with every kernel family. The averages of 12 are in `target_store`.
//!
//! The soft targets of 15 are no operation here: the original SeLa and the paper's discrete codes are hard.

use crate::golden::Case;
use crate::mlps::{self, Perceptron, write};
use crate::ops_golden::{each, read, upload};
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_wgpu::gpu::{Gpu, Session, Tensor};
use swav_wgpu::interop::HostTensor;
use swav_wgpu::model::MlpSpec;
use swav_wgpu::ops::conv2d::{self, Filter};
use swav_wgpu::ops::cross_entropy::{self, NONE};
use swav_wgpu::ops::{regression, vector, weights};
use swav_wgpu::selftest::lab::Lab;

/// The differences; a tensor that the case does not have is a mistake of the test.
pub(crate) fn compare(case: &Case<'_>, results: &[(&str, Vec<f64>)]) -> Vec<String> {
    results.iter().filter_map(|(name, got)| case.check(name, got).err()).collect()
}

/// A linear layer on rows, as the scores of clusters and as a classifier.
struct Scores {
    filter: Filter,
    w: Tensor,
    logits: Tensor,
}

fn scores(lab: &mut Lab, case: &Case<'_>, staged: &Tensor, weight: &str) -> Scores {
    let (shape, data) = case.input(weight);
    let filter = Filter::linear(shape[1] as u32, shape[0] as u32);
    let w = lab.upload(filter.panels(), weights::pack(&filter, &data));
    let logits = conv2d::forward(&mut lab.plan, &filter, staged, &w).expect("records");
    Scores { filter, w, logits }
}

/// The gradient of the rows, added to `sum` where there is one.
fn rows_gradient(
    lab: &mut Lab,
    scores: &Scores,
    dlogits: &Tensor,
    x: &Tensor,
    sum: Option<Tensor>,
) -> Tensor {
    let dlogits = conv2d::stage(&mut lab.plan, dlogits);
    conv2d::backward_input(&mut lab.plan, &scores.filter, &dlogits, &scores.w, x.shape, sum).expect("records")
}

/// The gradient of the weights, as panels that start at zero.
fn weights_gradient(lab: &mut Lab, scores: &Scores, dlogits: &Tensor, staged: &Tensor) -> Tensor {
    let dw = lab.zeros(scores.filter.panels());
    let dlogits = conv2d::stage(&mut lab.plan, dlogits);
    conv2d::backward_weight(&mut lab.plan, &scores.filter, staged, &dlogits, &dw).expect("records");
    dw
}

fn unpacked(session: &Session, filter: &Filter, panels: &Tensor) -> Vec<f64> {
    let panels = session.read(panels).expect("the device answers");
    weights::unpack(filter, &panels).into_iter().map(f64::from).collect()
}

/// Labels as words, a negative one for none, and what a row weighs: 1 / (labelled rows · heads).
fn labels(lab: &mut Lab, values: &[f32], views: usize, heads: usize) -> (Tensor, Tensor, f32) {
    let mut words: Vec<u32> = values.iter().map(|&v| if v < 0.0 { NONE } else { v as u32 }).collect();
    let counted = words.iter().filter(|&&word| word != NONE).count() * views * heads;
    words.resize(words.len().div_ceil(4) * 4, NONE);
    let share = if counted == 0 { 0.0 } else { 1.0 / counted as f32 };
    (lab.words(&words), lab.vector(&[share]), share)
}

/// The sum of a column of a matrix of four.
fn sum(session: &Session, losses: &Tensor, column: usize) -> f64 {
    read(session, losses).iter().skip(column).step_by(4).sum()
}

#[test]
fn stored_clusters_of_several_heads() {
    each(
        "14_deepcluster_loss",
        |_| true,
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let z = upload(&mut lab, case, "z");
            let (shape, targets) = case.input("targets");
            let (heads, batch) = (shape[0], shape[1]);
            let temperature = case.number("T") as f32;
            let staged = conv2d::stage(&mut lab.plan, &z);
            let (mut dz, mut all, mut each_head) = (None, None, Vec::new());
            for head in 0..heads {
                let scores = scores(&mut lab, case, &staged, &format!("centroids_{head}"));
                let of_head = &targets[head * batch..(head + 1) * batch];
                let (words, share, _) = labels(&mut lab, of_head, case.count("V"), heads);
                let mut record = |sums: Option<&Tensor>| {
                    let (plan, batch) = (&mut lab.plan, batch as u32);
                    cross_entropy::forward_backward(
                        plan,
                        &scores.logits,
                        &words,
                        batch,
                        &share,
                        temperature,
                        sums,
                    )
                    .expect("records")
                };
                each_head.push(record(None).1);
                let (dlogits, sums) = record(all.as_ref());
                all = Some(sums);
                dz = Some(rows_gradient(&mut lab, &scores, &dlogits, &z, dz));
            }
            let (dz, all) = (dz.expect("there is a head"), all.expect("there is a head"));
            let session = lab.run().expect("the plan runs");
            let of_head = |losses| sum(&session, losses, 0) * heads as f64;
            compare(
                case,
                &[
                    ("loss", vec![sum(&session, &all, 0)]),
                    ("head_loss", each_head.iter().map(of_head).collect()),
                    ("dz", read(&session, &dz)),
                ],
            )
        },
    );
}

#[test]
fn labels_with_prototypes_that_learn() {
    each(
        "15",
        |case| case.has("dprototypes"),
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let z = upload(&mut lab, case, "z");
            let staged = conv2d::stage(&mut lab.plan, &z);
            let scores = scores(&mut lab, case, &staged, "prototypes");
            let (shape, targets) = case.input("targets");
            let (words, share, _) = labels(&mut lab, &targets, case.count("V"), 1);
            let (dlogits, losses) = cross_entropy::forward_backward(
                &mut lab.plan,
                &scores.logits,
                &words,
                shape[0] as u32,
                &share,
                case.number("T") as f32,
                None,
            )
            .expect("records");
            let dz = rows_gradient(&mut lab, &scores, &dlogits, &z, None);
            let dw = weights_gradient(&mut lab, &scores, &dlogits, &staged);
            let session = lab.run().expect("the plan runs");
            compare(
                case,
                &[
                    ("loss", vec![sum(&session, &losses, 0)]),
                    ("dz", read(&session, &dz)),
                    ("dprototypes", unpacked(&session, &scores.filter, &dw)),
                ],
            )
        },
    );
}

#[test]
fn classifiers_of_labels() {
    each(
        "16",
        |_| true,
        |gpu, case| {
            let mut lab = Lab::new(gpu);
            let x = upload(&mut lab, case, "x");
            let staged = conv2d::stage(&mut lab.plan, &x);
            let scores = scores(&mut lab, case, &staged, "weight");
            let bias = lab.vector(&case.input("bias").1);
            vector::add_bias(&mut lab.plan, &scores.logits, &bias).expect("records");
            let (shape, values) = case.input("labels");
            let (words, share, weight) = labels(&mut lab, &values, case.count("V"), 1);
            let (dlogits, losses) = cross_entropy::forward_backward(
                &mut lab.plan,
                &scores.logits,
                &words,
                shape[0] as u32,
                &share,
                1.0,
                None,
            )
            .expect("records");
            let dx = rows_gradient(&mut lab, &scores, &dlogits, &x, None);
            let dw = weights_gradient(&mut lab, &scores, &dlogits, &staged);
            let dbias = lab.zeros(bias.shape);
            vector::bias_gradient(&mut lab.plan, &dlogits, &dbias).expect("records");
            let session = lab.run().expect("the plan runs");
            compare(
                case,
                &[
                    ("logits", read(&session, &scores.logits)),
                    ("loss", vec![sum(&session, &losses, 0)]),
                    ("correct", vec![sum(&session, &losses, 1) / f64::from(weight)]),
                    ("dlogits", read(&session, &dlogits)),
                    ("dx", read(&session, &dx)),
                    ("dweight", unpacked(&session, &scores.filter, &dw)),
                    ("dbias", read(&session, &dbias)),
                ],
            )
        },
    );
}

/// The weights and running estimates that a case gives a predictor.
fn predictor_weights(case: &Case<'_>) -> BTreeMap<String, HostTensor> {
    let given = case.tensors.keys().filter(|name| name.starts_with("predictor.") && !name.ends_with("_new"));
    given
        .map(|name| {
            let (shape, data) = case.input(name);
            (name.clone(), HostTensor::new(shape, data))
        })
        .collect()
}

/// The predictor, the regression and all gradients. With batch-norm groups of a view each the layers run once a view:
/// rows of a view may start where no binding can, so they are tensors of their own, and the host takes dp apart.
fn byol(gpu: &Arc<Gpu>, case: &Case<'_>) -> Vec<String> {
    let n = |name: &str| case.count(name) as u32;
    let (views, batch, dim, groups) = (n("V"), n("bs"), n("D"), n("bn_groups"));
    let spec = MlpSpec { name: "predictor", hidden: n("hidden"), out: dim, norm: true, unit: false };
    let perceptron = Perceptron::new(dim, &spec);
    let Perceptron { arena, store, mlp } = &perceptron;
    let rows = views * batch / groups;
    let matrices = |count| (0..count).map(|_| perceptron.lease(rows, dim)).collect::<Vec<_>>();
    let (ys, dps) = (matrices(groups), matrices(groups));
    let targets = perceptron.lease(2 * batch, dim);

    let mut forward = perceptron.plan(gpu);
    let passes = ys.iter().map(|y| mlp.forward(&mut forward, store, y).expect("records"));
    let (ps, saved): (Vec<_>, Vec<_>) = passes.collect();
    let p = forward.stack(ps);
    // The target network has seen crops 0 and 1.
    let (dp, losses) =
        regression::forward_backward(&mut forward, &p, &targets, batch, 0b11).expect("records");
    let mut backward = perceptron.plan(gpu);
    let dys: Vec<Tensor> = saved
        .into_iter()
        .zip(&dps)
        .map(|(saved, dp)| mlp.backward(&mut backward, store, saved, dp).expect("records"))
        .collect();

    let session = Session::allocate(gpu, arena).expect("there is memory");
    let [forward, backward] = [forward, backward].map(|plan| session.bind(plan).expect("binds"));
    store.initialize(&session, 0).expect("the device answers");
    store.import(&session, &predictor_weights(case)).expect("the case has all weights");
    let scatter = |tensors: &[Tensor], values: &[f32]| {
        let each = (rows * dim) as usize;
        tensors.iter().zip(values.chunks(each)).for_each(|(tensor, part)| write(&session, tensor, part));
    };
    scatter(&ys, &case.input("y").1);
    write(&session, &targets, &case.input("t").1);
    session.submit(&forward).expect("the plan runs");
    let dp = mlps::read(&session, &dp);
    let (p, loss) = (mlps::read(&session, &p), sum(&session, &losses, 0));
    scatter(&dps, &dp.iter().map(|&v| v as f32).collect::<Vec<_>>());
    session.submit(&backward).expect("the plan runs");
    let dy = dys.iter().flat_map(|dy| mlps::read(&session, dy)).collect();
    // Σ (2 − 2 cos) over the pairs of the mean cosine.
    let pairs = case.number("pairs");
    let from_cosine = pairs * (2.0 - 2.0 * sum(&session, &losses, 1));
    let mut failures = compare(case, &[("p", p), ("loss", vec![loss]), ("dp", dp), ("dy", dy)]);
    failures.extend(compare(case, &[("loss", vec![from_cosine])]));
    let wide = |t: HostTensor| t.data.into_iter().map(f64::from).collect::<Vec<_>>();
    let gradients = store.export_gradients(&session).expect("the device answers");
    let after = store.export(&session).expect("the device answers");
    let running = after.into_iter().filter(|(name, _)| name.contains("running"));
    let named = gradients.into_iter().map(|(name, t)| (format!("d{name}"), t));
    let named = named.chain(running.map(|(name, t)| (format!("{name}_new"), t)));
    named.for_each(|(name, t)| failures.extend(compare(case, &[(&name, wide(t))])));
    failures
}

#[test]
fn predictors_and_their_regression() {
    each("12", |case| case.has("t"), byol);
}
