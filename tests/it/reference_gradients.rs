//! Central finite differences of the `f64` reference's gradients, at awkward sizes: ones, primes, padding edges.
//!
//! For a scalar `f(x) = Σ forward(x) · r` with random `r`, every element of the gradient must equal
//! `(f(x + h) − f(x − h)) / 2h`. This is the first link of the chain: nothing but the forward is trusted.

use crate::reference::arch::{Arch, Block, Stem};
use crate::reference::conv::{self, Geometry};
use crate::reference::loss::{self, Settings};
use crate::reference::network::{Mode, Network};
use crate::reference::optim::{AdamW, Larc, Moments, decayed, lars_ratio, sgd};
use crate::reference::training::{Recipe, Trainer};
use crate::reference::{Rng64, Tensor64, linear, norm, pool, relu};

/// Compares `gradient` of `f` at `x` with central differences, element by element (each `every`-th one).
///
/// A ReLU that changes sides within the difference spoils it; a smaller step then tells a kink from a mistake.
pub(crate) fn check(
    what: &str,
    x: &Tensor64,
    gradient: &Tensor64,
    every: usize,
    mut f: impl FnMut(&Tensor64) -> f64,
) {
    assert_eq!(x.shape, gradient.shape, "{what}: shape of the gradient");
    let scale = gradient.data.iter().fold(1e-3, |m: f64, g| m.max(g.abs()));
    for i in (0..x.len()).step_by(every) {
        let mut difference = |step: f64| {
            let mut at = |delta: f64| {
                let mut moved = x.clone();
                moved.data[i] += delta;
                f(&moved)
            };
            (at(step) - at(-step)) / (2.0 * step)
        };
        let got = gradient.data[i];
        // The second term is what rounding leaves of the difference where the true gradient is zero.
        let agrees = |step: f64, want: f64| (got - want).abs() <= 1e-6 * scale + 1e-14 / step;
        let tries = [1e-6, 1e-7, 1e-8].map(|step| (step, difference(step)));
        let message =
            || format!("{what}: element {i} of {:?}: gradient {got}, (step, difference) {tries:?}", x.shape);
        assert!(tries.iter().any(|&(step, want)| agrees(step, want)), "{}", message());
    }
}

pub(crate) fn random(shape: &[usize], seed: u64) -> Tensor64 {
    Tensor64::random(shape, &mut Rng64(seed))
}

/// Distinct values no closer than `gap`, so that no maximum or sign changes within a difference step.
fn spread(shape: &[usize], seed: u64) -> Tensor64 {
    let noise = random(shape, seed);
    let mut order: Vec<usize> = (0..noise.len()).collect();
    order.sort_by(|&a, &b| noise.data[a].total_cmp(&noise.data[b]));
    let mut values = Tensor64::zeros(shape);
    for (rank, &i) in order.iter().enumerate() {
        values.data[i] = (rank as f64 + 0.25 - noise.len() as f64 / 2.0) * 0.01;
    }
    values
}

#[test]
fn convolution_gradients() {
    // Image, output channels, kernel, stride, padding.
    let cases = [
        ([1, 1, 1, 1], 1, 1, 1, 0),
        ([1, 1, 1, 1], 2, 3, 1, 1),
        ([2, 3, 5, 7], 2, 3, 1, 1),
        ([2, 3, 6, 5], 3, 3, 2, 1),
        ([1, 2, 7, 4], 3, 1, 2, 0),
        ([1, 3, 11, 9], 2, 7, 2, 3),
        ([1, 2, 5, 6], 1, 3, 3, 0),
        ([1, 1, 2, 3], 1, 5, 2, 4),
    ];
    for (x_shape, outputs, kernel, stride, pad) in cases {
        let geometry = Geometry { stride, pad };
        let (x, w) = (random(&x_shape, 1), random(&[outputs, x_shape[1], kernel, kernel], 2));
        let dy = random(&conv::forward(&x, &w, geometry).shape, 3);
        let what = format!("conv {x_shape:?} k{kernel} s{stride} p{pad}");
        let dx = conv::backward_input(&w, &dy, &x.shape, geometry);
        check(&what, &x, &dx, 1, |x| conv::forward(x, &w, geometry).dot(&dy));
        let dw = conv::backward_weight(&x, &dy, &w.dims4(), geometry);
        check(&what, &w, &dw, 1, |w| conv::forward(&x, w, geometry).dot(&dy));
    }
}

#[test]
fn convolution_forward_is_its_formula() {
    let (x, w, geometry) =
        (random(&[2, 2, 5, 4], 1), random(&[3, 2, 3, 3], 2), Geometry { stride: 2, pad: 1 });
    let y = conv::forward(&x, &w, geometry);
    let [_, outputs, height, width] = y.dims4();
    for (flat, &got) in y.data.iter().enumerate() {
        let (n, o) = (flat / (outputs * height * width), flat / (height * width) % outputs);
        let (i, j) = (flat / width % height, flat % width);
        let mut want = 0.0;
        for tap in 0..2 * 9 {
            let (c, u, v) = (tap / 9, tap / 3 % 3, tap % 3);
            if let (Some(row @ 0..5), Some(col @ 0..4)) =
                ((2 * i + u).checked_sub(1), (2 * j + v).checked_sub(1))
            {
                want += x.data[((n * 2 + c) * 5 + row) * 4 + col] * w.data[(o * 2 + c) * 9 + u * 3 + v];
            }
        }
        assert!((got - want).abs() < 1e-12, "output {flat}: {got} is not {want}");
    }
}

#[test]
fn batch_norm_gradients() {
    for shape in [&[2, 1][..], &[7, 3], &[3, 5, 1, 1], &[2, 3, 5, 3]] {
        let (x, dy) = (random(shape, 1), random(shape, 2));
        let (weight, bias) = (random(&shape[1..2], 3), random(&shape[1..2], 4));
        let f = |x: &Tensor64, w: &Tensor64, b: &Tensor64| norm::batch_norm_train(x, w, b).0.dot(&dy);
        let (_, stats) = norm::batch_norm_train(&x, &weight, &bias);
        let (dx, dweight, dbias) = norm::batch_norm_backward(&x, &weight, &stats, &dy);
        check("batch norm dx", &x, &dx, 1, |x| f(x, &weight, &bias));
        check("batch norm dweight", &weight, &dweight, 1, |w| f(&x, w, &bias));
        check("batch norm dbias", &bias, &dbias, 1, |b| f(&x, &weight, b));
    }
}

#[test]
fn pooling_and_activation_gradients() {
    for shape in [[1, 1, 1, 1], [2, 3, 5, 7], [1, 2, 8, 6], [1, 1, 2, 3]] {
        let x = spread(&shape, 1);
        let (y, winners) = pool::max_pool(&x);
        let dy = random(&y.shape, 2);
        let dx = pool::max_pool_backward(&winners, &dy, &shape);
        check("max-pool", &x, &dx, 1, |x| pool::max_pool(x).0.dot(&dy));

        let dy = random(&shape[..2], 3);
        let dx = pool::average_pool_backward(&dy, &shape);
        check("average pool", &x, &dx, 1, |x| pool::average_pool(x).dot(&dy));

        let dy = random(&shape, 4);
        let dx = relu::backward(&relu::forward(&x), &dy);
        check("relu", &x, &dx, 1, |x| relu::forward(x).dot(&dy));
        let zero = Tensor64::zeros(&shape);
        let dx = relu::backward(&relu::of_sum(&x, &zero), &dy);
        check("add + relu", &x, &dx, 1, |x| relu::of_sum(x, &zero).dot(&dy));
        check("add + relu", &zero, &dx, 1, |b| relu::of_sum(&x, b).dot(&dy));
    }
}

#[test]
fn linear_and_l2_gradients() {
    for (rows, inputs, outputs) in [(1, 1, 1), (7, 11, 5), (2, 1, 13)] {
        let (x, w, bias) = (random(&[rows, inputs], 1), random(&[outputs, inputs], 2), random(&[outputs], 3));
        let dy = random(&[rows, outputs], 4);
        let f = |x: &Tensor64, w: &Tensor64, b: &Tensor64| linear::forward(x, w, Some(b)).dot(&dy);
        check("linear dx", &x, &linear::backward_input(&w, &dy), 1, |x| f(x, &w, &bias));
        check("linear dw", &w, &linear::backward_weight(&x, &dy), 1, |w| f(&x, w, &bias));
        check("linear dbias", &bias, &linear::backward_bias(&dy), 1, |b| f(&x, &w, b));

        let dy = random(&[rows, inputs], 5);
        let dx = norm::l2_normalize_backward(&x, &dy);
        check("l2 normalise", &x, &dx, 1, |x| norm::l2_normalize(x).dot(&dy));
    }
}

#[test]
fn swapped_loss_gradient() {
    // Crops, batch, prototypes, assignment crops, queue rows.
    for (views, batch, prototypes, assign, queue) in
        [(2, 1, 1, &[0, 1][..], 0), (3, 5, 7, &[1], 4), (4, 3, 5, &[0, 2, 3], 6)]
    {
        let settings =
            Settings { batch, assign: assign.to_vec(), epsilon: 0.05, iterations: 3, temperature: 0.1 };
        let scores = random(&[views * batch, prototypes], 1).map(|v| 0.3 * v);
        let queue_scores =
            assign.iter().map(|_| (queue > 0).then(|| random(&[queue, prototypes], 2))).collect::<Vec<_>>();
        let codes = loss::codes(&scores, &queue_scores, &settings);
        assert!(codes.iter().all(|q| q.shape == [batch, prototypes]));
        let (_, dscores) = loss::swapped_loss(&scores, &codes, &settings);
        check("swapped loss", &scores, &dscores, 1, |s| loss::swapped_loss(s, &codes, &settings).0);
    }
}

fn arch(block: Block, stem: Stem, layers: &[usize], hidden: usize) -> Arch {
    Arch { block, layers: layers.to_vec(), base_width: 2, stem, hidden, embedding: 5, prototypes: 7 }
}

/// The whole net: every kind of stem, block and head, two resolutions at once.
#[test]
fn network_gradients() {
    let nets = [
        arch(Block::Basic, Stem::ImageNet, &[1, 1], 3),
        arch(Block::Basic, Stem::Stride2, &[2, 1], 0),
        arch(Block::Bottleneck, Stem::Cifar, &[1, 1], 4),
    ];
    for arch in nets {
        let mut rng = Rng64(9);
        let mut network = Network::new(arch.clone(), arch.init(&mut rng));
        let crops =
            [[3, 3, 11, 11], [3, 3, 11, 11], [3, 3, 8, 8]].map(|shape| Tensor64::random(&shape, &mut rng));
        let pass = network.forward(&crops, Mode::Train);
        assert_eq!(pass.features.shape, [9, network.arch.features()]);
        let dscores = Tensor64::random(&pass.scores.shape, &mut rng);
        let grads = network.backward(&pass, &dscores);
        let parameters = network.weights.keys().filter(|name| !name.contains("running")).count();
        assert_eq!(grads.len(), parameters, "every parameter has a gradient");
        for (name, grad) in &grads {
            let what = format!("{:?} {:?}: {name}", network.arch.block, network.arch.stem);
            let every = grad.len().div_ceil(6);
            check(&what, network.weight(name), grad, every, |moved| {
                let mut net = network.clone();
                net.weights.insert(name.clone(), moved.clone());
                net.forward(&crops, Mode::Train).scores.dot(&dscores)
            });
        }
    }
}

/// PyTorch's documented update, written out by hand for one number and two steps.
#[test]
fn adamw_and_plain_sgd_follow_their_formulas() {
    let (adamw, lr) = (AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1 }, 0.01);
    let (mut p, mut moments) = (Tensor64::new(&[1], vec![2.0]), Moments::new(&[1]));
    adamw.step(&mut p, &Tensor64::new(&[1], vec![0.5]), &mut moments, lr);
    // The first step of Adam is lr·sign(g), whatever the size of g.
    let first = 2.0 * (1.0 - 0.001) - 0.01 * 0.5 / (0.5 + 1e-8);
    assert!((p.data[0] - first).abs() < 1e-14, "{} is not {first}", p.data[0]);
    adamw.step(&mut p, &Tensor64::new(&[1], vec![-0.25]), &mut moments, lr);
    let m = (0.9 * 0.05 - 0.1 * 0.25) / (1.0 - 0.81);
    let v = (0.999 * 0.001 * 0.25 + 0.001 * 0.0625) / (1.0 - 0.998_001_f64);
    let second = first * (1.0 - 0.001) - 0.01 * m / (v.sqrt() + 1e-8);
    assert!((p.data[0] - second).abs() < 1e-14, "{} is not {second}", p.data[0]);

    let (mut p, mut velocity) = (Tensor64::new(&[1], vec![2.0]), None);
    for _ in 0..2 {
        let g = decayed(&p, &Tensor64::new(&[1], vec![0.5]), 0.1);
        sgd(&mut p, &g, &mut velocity, 0.9, lr);
    }
    let first = 2.0 - 0.01 * 0.7;
    let second = first - 0.01 * (0.9 * 0.7 + 0.5 + 0.1 * first);
    assert!((p.data[0] - second).abs() < 1e-14, "{} is not {second}", p.data[0]);

    // |p| = 5, g + 0.1 p = (0.4, 0.3): the ratio is 0.02 · 5 / 0.5. What has no norm is left as it is.
    let [p, g] = [[3.0, 4.0], [0.1, -0.1]].map(|values| Tensor64::new(&[2], values.to_vec()));
    assert!((lars_ratio(&p, &g, 0.02, 0.1) - 0.2).abs() < 1e-15);
    assert_eq!(lars_ratio(&Tensor64::zeros(&[2]), &g, 0.02, 0.1), 1.0);
    assert_eq!(lars_ratio(&p, &Tensor64::zeros(&[2]), 0.02, 0.0), 1.0);
}

/// The settings that no golden run has (a stride-2 stem, one linear layer as head, a queue of one batch) train: the
/// loss falls on a batch seen again and again, prototypes stay still while frozen, the queue is used when full.
#[test]
fn training_step_in_settings_that_golden_lacks() {
    let mut rng = Rng64(5);
    let arch = arch(Block::Basic, Stem::Stride2, &[1, 1], 0);
    let network = Network::new(arch.clone(), arch.init(&mut rng));
    let larc = Larc { trust: 0.001, epsilon: 1e-8, weight_decay: 1e-6, clip: false, exclude_rank1: true };
    let recipe = Recipe {
        assign: vec![0, 1],
        epsilon: 0.05,
        iterations: 3,
        temperature: 0.1,
        larc,
        momentum: 0.9,
        freeze: 2,
        queue_length: 4,
        queue_start: 3,
    };
    let mut trainer = Trainer::new(network, recipe);
    trainer.network.normalize_prototypes();
    let still = trainer.network.weight("prototypes.weight").to_f32();
    let crops =
        [[4, 3, 12, 12], [4, 3, 12, 12], [4, 3, 8, 8]].map(|shape| Tensor64::random(&shape, &mut rng));
    let (mut losses, mut used) = (Vec::new(), Vec::new());
    for step in 1..=12 {
        let values = trainer.step(&crops, 0.5);
        losses.push(values.loss);
        used.push(values.queue_used);
        let same = trainer.network.weight("prototypes.weight").to_f32() == still;
        assert_eq!(same, step <= 2, "prototypes after step {step}");
    }
    assert_eq!(
        used,
        (0..12).map(|t| t >= 4).collect::<Vec<_>>(),
        "made at step 3, full and used from step 4"
    );
    assert!(losses[11] < losses[0] - 0.1, "the loss does not fall: {losses:?}");
}
