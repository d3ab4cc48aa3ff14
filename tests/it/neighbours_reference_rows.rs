//! The `f64` reference of what SwAV's neighbours compute of rows: its gradients beside finite differences, its values
//! beside the golden files (groups 12, 14_deepcluster_loss, 16 and the cross-entropy of 15).

use crate::golden::Case;
use crate::reference::cross_entropy::{cross_entropy, one_hot, right};
use crate::reference::optim::follow;
use crate::reference::regression::{Regression, regression};
use crate::reference::{Tensor64, linear, norm, relu};
use crate::reference_checks::{Outputs, check_cases, outputs, tensor, vector};
use crate::reference_gradients::{check, random};

#[test]
fn cross_entropy_gradients() {
    for (rows, classes, temperature) in [(1, 1, 0.1), (3, 2, 1.0), (5, 7, 0.1), (4, 30, 0.5)] {
        let logits = random(&[rows, classes], 1).map(|v| 0.5 * v);
        let labels: Vec<_> = (0..rows).map(|row| (row % 3 != 2).then_some(row * 5 % classes)).collect();
        // Soft targets too: rows that sum to anything.
        for targets in [one_hot(&labels, classes), random(&[rows, classes], 2).map(f64::abs)] {
            let loss = |x: &Tensor64| cross_entropy(x, &targets, 0.3, temperature).0.iter().sum();
            let (_, dlogits) = cross_entropy(&logits, &targets, 0.3, temperature);
            check("cross-entropy", &logits, &dlogits, 1, loss);
        }
    }
}

#[test]
fn regression_gradients() {
    for (views, batch, dim, assigned) in
        [(2, 1, 1, &[0, 1][..]), (2, 3, 4, &[1]), (4, 2, 5, &[0, 1]), (3, 3, 7, &[0, 1, 2])]
    {
        let (p, targets) = (random(&[views * batch, dim], 1), random(&[assigned.len() * batch, dim], 2));
        let Regression { dp, losses, cosines } = regression(&p, &targets, batch, assigned);
        check("regression", &p, &dp, 1, |p| regression(p, &targets, batch, assigned).losses.iter().sum());
        // Each pair has 2 - 2 cos, and mean over a batch.
        let pairs = (assigned.len() * (views - 1)) as f64;
        let (loss, cosine): (f64, f64) = (losses.iter().sum(), cosines.iter().sum());
        assert!((loss - pairs * (2.0 - 2.0 * cosine)).abs() < 1e-12, "{loss}, mean cosine {cosine}");
    }
}

#[test]
fn of_equal_logits_the_first_counts() {
    let logits =
        Tensor64::new(&[4, 3], [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 2.0], [0.0; 3]].concat());
    assert_eq!(right(&logits, &[Some(0), Some(1), Some(2), None]), [true, false, true, false]);
}

/// Labels of pictures for the rows of all crops; a negative one is none.
fn labels(values: &[f64], views: usize) -> Vec<Option<usize>> {
    let of: Vec<_> = values.iter().map(|&label| (label >= 0.0).then_some(label as usize)).collect();
    of.repeat(views)
}

fn mean_weight(labels: &[Option<usize>]) -> f64 {
    1.0 / labels.iter().flatten().count() as f64
}

#[test]
fn stored_clusters_match_golden() {
    check_cases(
        "14_deepcluster_loss",
        |_| true,
        |case| {
            let (z, targets) = (tensor(case, "z"), tensor(case, "targets"));
            let heads = targets.shape[0];
            let (mut head_loss, mut dz) = (Vec::new(), Tensor64::zeros(&z.shape));
            for head in 0..heads {
                let centroids = tensor(case, &format!("centroids_{head}"));
                let labels = labels(&targets.slice(head, head + 1).data, case.count("V"));
                let targets = one_hot(&labels, centroids.shape[0]);
                let logits = linear::forward(&z, &centroids, None);
                let (losses, dlogits) =
                    cross_entropy(&logits, &targets, mean_weight(&labels), case.number("T"));
                head_loss.push(losses.iter().sum());
                let share = dlogits.map(|v| v / heads as f64);
                dz = dz.add(&linear::backward_input(&centroids, &share));
            }
            let loss = head_loss.iter().sum::<f64>() / heads as f64;
            outputs([("loss", vector(&[loss])), ("head_loss", vector(&head_loss)), ("dz", dz)])
        },
    );
}

#[test]
fn prototypes_that_learn_match_golden() {
    check_cases(
        "15",
        |case| case.has("dprototypes"),
        |case| {
            let (z, prototypes, views) = (tensor(case, "z"), tensor(case, "prototypes"), case.count("V"));
            let logits = linear::forward(&z, &prototypes, None);
            let hard = one_hot(&labels(&tensor(case, "targets").data, views), prototypes.shape[0]);
            let soft = Tensor64::concat(&vec![tensor(case, "q"); views]);
            let mut computed = Outputs::new();
            for (suffix, targets) in [("", hard), ("_soft", soft)] {
                let weight = 1.0 / z.shape[0] as f64;
                let (losses, dlogits) = cross_entropy(&logits, &targets, weight, case.number("T"));
                computed.insert(format!("loss{suffix}"), vector(&[losses.iter().sum()]));
                computed.insert(format!("dz{suffix}"), linear::backward_input(&prototypes, &dlogits));
                computed.insert(format!("dprototypes{suffix}"), linear::backward_weight(&z, &dlogits));
            }
            computed
        },
    );
}

#[test]
fn classifiers_match_golden() {
    check_cases(
        "16",
        |_| true,
        |case| {
            let [x, weight, bias] = ["x", "weight", "bias"].map(|name| tensor(case, name));
            let logits = linear::forward(&x, &weight, Some(&bias));
            let labels = labels(&tensor(case, "labels").data, case.count("V"));
            let targets = one_hot(&labels, weight.shape[0]);
            let (losses, dlogits) = cross_entropy(&logits, &targets, mean_weight(&labels), 1.0);
            let correct = right(&logits, &labels).into_iter().filter(|&right| right).count();
            outputs([
                ("loss", vector(&[losses.iter().sum()])),
                ("correct", vector(&[correct as f64])),
                ("dx", linear::backward_input(&weight, &dlogits)),
                ("dweight", linear::backward_weight(&x, &dlogits)),
                ("dbias", linear::backward_bias(&dlogits)),
                ("dlogits", dlogits),
                ("logits", logits),
            ])
        },
    );
}

/// The predictor on the rows of one batch-norm group after another, and the regression on all rows.
fn byol(case: &Case<'_>) -> Outputs {
    let [w0, b0, scale, shift, w3, b3] = ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]
        .map(|name| tensor(case, &format!("predictor.{name}")));
    let [mut mean, mut var] =
        ["mean", "var"].map(|what| tensor(case, &format!("predictor.1.running_{what}")));
    let (y, groups) = (tensor(case, "y"), case.count("bn_groups"));
    let rows = y.shape[0] / groups;
    let passes: Vec<_> = (0..groups)
        .map(|group| {
            let x = y.slice(group * rows, (group + 1) * rows);
            let first = linear::forward(&x, &w0, Some(&b0));
            let (normal, stats) = norm::batch_norm_train(&first, &scale, &shift);
            norm::update_running(&mut mean, &mut var, &stats);
            let h = relu::forward(&normal);
            let p = linear::forward(&h, &w3, Some(&b3));
            (x, first, stats, h, p)
        })
        .collect();
    let p = Tensor64::concat(&passes.iter().map(|pass| pass.4.clone()).collect::<Vec<_>>());
    let Regression { losses, dp, .. } = regression(&p, &tensor(case, "t"), case.count("bs"), &[0, 1]);
    let (mut gradients, mut dy) = (Outputs::new(), Vec::new());
    for (group, (x, first, stats, h, _)) in passes.iter().enumerate() {
        let dp = dp.slice(group * rows, (group + 1) * rows);
        let dh = relu::backward(h, &linear::backward_input(&w3, &dp));
        let (dfirst, dscale, dshift) = norm::batch_norm_backward(first, &scale, stats, &dh);
        dy.push(linear::backward_input(&w0, &dfirst));
        for (name, part) in [
            ("3.weight", linear::backward_weight(h, &dp)),
            ("3.bias", linear::backward_bias(&dp)),
            ("1.weight", dscale),
            ("1.bias", dshift),
            ("0.weight", linear::backward_weight(x, &dfirst)),
            ("0.bias", linear::backward_bias(&dfirst)),
        ] {
            let name = format!("dpredictor.{name}");
            let sum = gradients.get(&name).map_or(part.clone(), |sum| sum.add(&part));
            gradients.insert(name, sum);
        }
    }
    gradients.extend(outputs([
        ("p", p),
        ("loss", vector(&[losses.iter().sum()])),
        ("dp", dp),
        ("dy", Tensor64::concat(&dy)),
        ("predictor.1.running_mean_new", mean),
        ("predictor.1.running_var_new", var),
    ]));
    gradients
}

#[test]
fn predictors_and_averages_match_golden() {
    check_cases("12", |case| case.has("t"), byol);
    check_cases(
        "12",
        |case| case.has("online"),
        |case| {
            let (online, mut target) = (tensor(case, "online"), tensor(case, "target0"));
            let steps = online.data.chunks(target.len()).zip(case.numbers("tau"));
            let after: Vec<_> = steps
                .map(|(values, tau)| {
                    follow(&mut target, &vector(values), tau);
                    target.clone()
                })
                .collect();
            let all = after.iter().flat_map(|t| t.data.iter().copied()).collect();
            outputs([("target", Tensor64::new(&online.shape, all))])
        },
    );
}

/// Two steps by hand: after the first the target is a quarter of the way to 2, after the second half of what is left.
#[test]
fn averages_follow_their_formula() {
    let mut target = vector(&[1.0, -2.0]);
    follow(&mut target, &vector(&[2.0, 2.0]), 0.75);
    assert_eq!(target.data, [1.25, -1.0]);
    follow(&mut target, &vector(&[2.0, 2.0]), 0.5);
    assert_eq!(target.data, [1.625, 0.5]);
}
