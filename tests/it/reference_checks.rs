//! The `f64` reference against every golden case of single operations (groups 01 to 07).
//!
//! Each expected tensor of each case must be produced: a tensor that no rule below knows fails the test, so a
//! golden folder with more in it cannot pass unseen.

use crate::golden::{Case, Golden};
use crate::reference::conv::{self, Geometry};
use crate::reference::loss::{self, Settings};
use crate::reference::optim::{Larc, sgd};
use crate::reference::schedule::Schedule;
use crate::reference::{Tensor64, linear, norm, pool, relu, sinkhorn};
use std::collections::BTreeMap;

pub(crate) type Outputs = BTreeMap<String, Tensor64>;

pub(crate) fn tensor(case: &Case<'_>, name: &str) -> Tensor64 {
    let (shape, data) = case.input(name);
    Tensor64::from_f32(&shape, &data)
}

pub(crate) fn vector(values: &[f64]) -> Tensor64 {
    Tensor64::new(&[values.len()], values.to_vec())
}

pub(crate) fn outputs<const N: usize>(tensors: [(&str, Tensor64); N]) -> Outputs {
    tensors.into_iter().map(|(name, tensor)| (name.to_string(), tensor)).collect()
}

/// Compares everything the cases of `group` expect with what `compute` makes of them; all failures are shown.
fn check_group(group: &str, compute: impl Fn(&Case<'_>) -> Outputs) {
    check_cases(group, |_| true, compute);
}

/// The same of those cases of the group that are accepted.
pub(crate) fn check_cases(
    group: &str,
    accept: impl Fn(&Case<'_>) -> bool,
    compute: impl Fn(&Case<'_>) -> Outputs,
) {
    let (golden, mut failures, mut compared) = (Golden::open(), Vec::new(), 0);
    for case in golden.cases(group).into_iter().filter(|case| accept(case)) {
        let computed = compute(&case);
        for name in case.expected() {
            compared += 1;
            match computed.get(name) {
                Some(got) => failures.extend(case.check(name, &got.data).err()),
                None => failures.push(format!("{}: {name} is expected but not computed", case.label())),
            }
        }
    }
    assert!(compared > 0, "group {group} expects nothing");
    assert!(failures.is_empty(), "{} of {compared} tensors:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn convolution_matches_golden() {
    check_group("01", |case| {
        let geometry = Geometry { stride: case.count("stride"), pad: case.count("pad") };
        let (x, w, dy) = (tensor(case, "x"), tensor(case, "w"), tensor(case, "dy"));
        outputs([
            ("y", conv::forward(&x, &w, geometry)),
            ("dx", conv::backward_input(&w, &dy, &x.shape, geometry)),
            ("dw", conv::backward_weight(&x, &dy, &w.dims4(), geometry)),
        ])
    });
}

#[test]
fn batch_norm_matches_golden() {
    check_group("02", |case| {
        let [x, weight, bias, dy] = ["x", "weight", "bias", "dy"].map(|n| tensor(case, n));
        let (mut mean, mut var) = (tensor(case, "running_mean"), tensor(case, "running_var"));
        let (y, stats) = norm::batch_norm_train(&x, &weight, &bias);
        norm::update_running(&mut mean, &mut var, &stats);
        let (dx, dweight, dbias) = norm::batch_norm_backward(&x, &weight, &stats, &dy);
        let mut computed = outputs([
            ("y", y),
            ("mean", vector(&stats.mean)),
            ("var_biased", vector(&stats.var)),
            ("invstd", vector(&stats.inv_std)),
            ("dx", dx),
            ("dweight", dweight),
            ("dbias", dbias),
            ("y_eval", norm::batch_norm_eval(&x, &weight, &bias, &mean, &var)),
            ("running_mean_new", mean.clone()),
            ("running_var_new", var.clone()),
        ]);
        if case.has("x2") {
            norm::update_running(&mut mean, &mut var, &norm::batch_stats(&tensor(case, "x2")));
            computed.extend(outputs([("running_mean_new2", mean), ("running_var_new2", var)]));
        }
        computed
    });
}

#[test]
fn pooling_activation_and_linear_match_golden() {
    check_group("03", |case| {
        let dy = tensor(case, "dy");
        if case.has("a") {
            let y = relu::of_sum(&tensor(case, "a"), &tensor(case, "b"));
            let d = relu::backward(&y, &dy);
            return outputs([("y", y), ("da", d.clone()), ("db", d)]);
        }
        let x = tensor(case, "x");
        if case.has("w") {
            let (w, bias) = (tensor(case, "w"), case.has("bias").then(|| tensor(case, "bias")));
            return outputs([
                ("y", linear::forward(&x, &w, bias.as_ref())),
                ("dx", linear::backward_input(&w, &dy)),
                ("dw", linear::backward_weight(&x, &dy)),
                ("dbias", linear::backward_bias(&dy)),
            ]);
        }
        // The three that are left are told apart by their name, as the manifest's text does.
        if case.name.starts_with("maxpool") {
            let (y, winners) = pool::max_pool(&x);
            outputs([("y", y), ("dx", pool::max_pool_backward(&winners, &dy, &x.shape))])
        } else if case.name.starts_with("gap") {
            outputs([("y", pool::average_pool(&x)), ("dx", pool::average_pool_backward(&dy, &x.shape))])
        } else {
            let y = relu::forward(&x);
            let dx = relu::backward(&y, &dy);
            outputs([("y", y), ("dx", dx)])
        }
    });
}

#[test]
fn l2_normalisation_matches_golden() {
    check_group("04", |case| {
        let (x, dy) = (tensor(case, "x"), tensor(case, "dy"));
        outputs([("y", norm::l2_normalize(&x)), ("dx", norm::l2_normalize_backward(&x, &dy))])
    });
}

#[test]
fn sinkhorn_matches_golden() {
    check_group("05", |case| {
        let epsilon = case.number("eps");
        if case.has("queue") {
            let prototypes = tensor(case, "prototypes");
            let [queue, batch] = ["queue", "z"].map(|n| linear::forward(&tensor(case, n), &prototypes, None));
            let q = sinkhorn::codes(&batch, Some(&queue), epsilon, case.count("iters"));
            return outputs([("q_batch", q)]);
        }
        let scores = tensor(case, "scores");
        let q3 = sinkhorn::sinkhorn(&scores, epsilon, 3);
        let prototypes = scores.shape[1];
        let mass =
            (0..prototypes).map(|k| q3.data.iter().skip(k).step_by(prototypes).sum()).collect::<Vec<f64>>();
        let mut computed = outputs([
            ("proto_mass3", vector(&mass)),
            ("q3", q3),
            ("q1", sinkhorn::sinkhorn(&scores, epsilon, 1)),
        ]);
        if case.has("q_inf") {
            let converged = sinkhorn::sinkhorn(&scores, epsilon, case.count("iters_conv"));
            computed.extend(outputs([("q_inf", converged)]));
        }
        computed
    });
}

#[test]
fn swapped_loss_matches_golden() {
    check_group("06", |case| {
        let settings = Settings {
            batch: case.count("bs"),
            assign: case.counts("assign"),
            epsilon: case.number("eps"),
            iterations: case.count("iters"),
            temperature: case.number("T"),
        };
        let scores = tensor(case, "scores");
        let mut queue_scores = vec![None; settings.assign.len()];
        if case.has("queue") {
            let (queue, prototypes) = (tensor(case, "queue"), tensor(case, "prototypes"));
            let [_, length, width] = queue.shape[..] else { panic!("a queue is [crops, L, D]") };
            for (rows, scores) in queue.data.chunks(length * width).zip(&mut queue_scores) {
                let rows = Tensor64::new(&[length, width], rows.to_vec());
                *scores = Some(linear::forward(&rows, &prototypes, None));
            }
        }
        let codes = loss::codes(&scores, &queue_scores, &settings);
        let (loss, dscores) = loss::swapped_loss(&scores, &codes, &settings);
        outputs([("loss", vector(&[loss])), ("dscores", dscores), ("q", Tensor64::concat(&codes))])
    });
}

#[test]
fn optimiser_and_schedule_match_golden() {
    check_group("07", |case| {
        if case.has("normalised") {
            return outputs([("normalised", norm::l2_normalize(&tensor(case, "weight")))]);
        }
        if case.has("lr") {
            return outputs([("lr", vector(&schedule(case).rates()))]);
        }
        larc_steps(case)
    });
}

fn schedule(case: &Case<'_>) -> Schedule {
    Schedule {
        iterations_per_epoch: case.count("iters_per_epoch"),
        epochs: case.count("epochs"),
        warmup_epochs: case.count("warmup_epochs"),
        start: case.number("start_warmup"),
        base: case.number("base_lr"),
        end: case.number("final_lr"),
    }
}

/// Every parameter of a LARC case through all its steps; a step without a gradient leaves it untouched.
fn larc_steps(case: &Case<'_>) -> Outputs {
    let larc = Larc {
        trust: case.number("trust"),
        epsilon: case.number("eps"),
        weight_decay: case.number("wd"),
        clip: case.flag("clip"),
        exclude_rank1: case.flag("exclude_rank1"),
    };
    let mut computed = Outputs::new();
    for name in case.texts("params") {
        let (mut p, mut velocity) = (tensor(case, &format!("p_{name}")), None);
        for (step, lr) in (1..).zip(case.numbers("lrs")) {
            if let Some((shape, g)) = case.optional_input(&format!("g{step}_{name}")) {
                let g = Tensor64::from_f32(&shape, &g);
                let ratio = larc.ratio(&p, &g, lr).unwrap_or(1.0);
                computed.insert(format!("step{step}/ratio_{name}"), vector(&[ratio]));
                let adjusted = larc.adjust(&p, &g, lr);
                sgd(&mut p, &adjusted, &mut velocity, case.number("momentum"), lr);
            }
            computed.insert(format!("step{step}/p_{name}"), p.clone());
        }
        computed.insert(format!("final_buf_{name}"), velocity.unwrap_or_else(|| Tensor64::zeros(&p.shape)));
    }
    computed
}
