//! Passes over activations: batch norm, pools, rows of unit length, masks and biases.

use crate::field::{Field, columns};
use crate::shapes::Layers;
use crate::stand::{Stand, Work};
use swav_wgpu::error::Result;
use swav_wgpu::gpu::{Shape, Tensor};
use swav_wgpu::ops::conv2d::Filter;
use swav_wgpu::ops::{batch_norm, normalize, pool, vector, weights};
use swav_wgpu::selftest::bench::{Bench, largest};
use swav_wgpu::selftest::reference::{Tensor64, norm, pool as pools, relu};

/// As a share of the largest value.
const TOLERANCE: f64 = 1e-5;

/// So many passes over a tensor of this shape.
fn passes(count: f64, shape: Shape) -> Work {
    Work::Bytes(count * shape.bytes() as f64)
}

/// Expects some channels of a tensor.
fn expect_columns(bench: &mut Bench, what: &str, tensor: &Tensor, channels: &[usize], want: &Tensor64) {
    let (shape, channels) = (tensor.shape, channels.to_vec());
    let pick = move |got: &[f32]| Ok(columns(shape, &channels, |at| f64::from(got[at])).data);
    bench.expect_picked(what, tensor, pick, &want.data, TOLERANCE, largest(&want.data).max(1e-3));
}

/// Expects the first rows of a matrix, or the first image of pictures.
fn expect_beginning(bench: &mut Bench, what: &str, tensor: &Tensor, want: &Tensor64) {
    let (pixels, channels) = match *want.shape.as_slice() {
        [_, c, h, w] => (h * w, c),
        [_, c] => (1, c),
        _ => (1, want.len()),
    };
    let padded = tensor.shape.quads() as usize * 4;
    let count = want.len();
    let place =
        move |at: usize| (at / (channels * pixels) * pixels + at % pixels) * padded + at / pixels % channels;
    let pick = move |got: &[f32]| Ok((0..count).map(|at| f64::from(got[place(at)])).collect());
    bench.expect_picked(what, tensor, pick, &want.data, TOLERANCE, largest(&want.data));
}

/// Weight 1.5, bias 0.25, running mean 0 and variance 1 in each channel.
struct Channels {
    device: batch_norm::Channels,
    weight: Tensor64,
    bias: Tensor64,
}

impl Channels {
    fn new(bench: &mut Bench, shape: Shape, looked_at: usize) -> Self {
        let mut vector = |value: f32| bench.lab.vector(&vec![value; shape.channels as usize]);
        let device = batch_norm::Channels {
            weight: vector(1.5),
            bias: vector(0.25),
            mean: vector(0.0),
            variance: vector(1.0),
        };
        let of = |value: f64| Tensor64::new(&[looked_at], vec![value; looked_at]);
        Self { device, weight: of(1.5), bias: of(0.25) }
    }
}

/// The first, a middle and the last channel.
fn looked_at(shape: Shape) -> [usize; 3] {
    [0, shape.channels as usize / 2, shape.channels as usize - 1]
}

fn batch_norms(stand: &mut Stand, name: &str, shape: Shape) -> Result<()> {
    let some = looked_at(shape);
    for residual in [false, true] {
        let with = if residual { " + residual" } else { "" };
        let work = passes(if residual { 4.0 } else { 3.0 }, shape);
        stand.time(&format!("{name} batch_norm::forward{with}"), work, |bench| {
            let (x, r) = (Field::new(shape, 11), Field::new(shape, 12));
            let (tx, tr) = (x.upload(bench), residual.then(|| r.upload(bench)));
            let channels = Channels::new(bench, shape, some.len());
            let (y, _) = batch_norm::forward(bench.plan(), &tx, &channels.device, tr.as_ref(), true, None)?;
            let (want, _) = norm::batch_norm_train(&x.columns(&some), &channels.weight, &channels.bias);
            let want = if residual { want.add(&r.columns(&some)) } else { want };
            expect_columns(bench, "y", &y, &some, &relu::forward(&want));
            Ok(())
        })?;
    }
    stand.time(&format!("{name} batch_norm::evaluate"), passes(2.0, shape), |bench| {
        let x = Field::new(shape, 11);
        let tx = x.upload(bench);
        let channels = Channels::new(bench, shape, some.len());
        let y = batch_norm::evaluate(bench.plan(), &tx, &channels.device, None, true)?;
        let (mean, variance) = (channels.weight.map(|_| 0.0), channels.weight.map(|_| 1.0));
        let want =
            norm::batch_norm_eval(&x.columns(&some), &channels.weight, &channels.bias, &mean, &variance);
        expect_columns(bench, "y", &y, &some, &relu::forward(&want));
        Ok(())
    })?;
    // The coefficients are those of a forward pass, whose plan is part of the case.
    stand.time(&format!("{name} batch_norm::forward, backward"), passes(8.0, shape), |bench| {
        let (x, dy) = (Field::new(shape, 11), Field::new(shape, 13));
        let (tx, tdy) = (x.upload(bench), dy.upload(bench));
        let channels = Channels::new(bench, shape, some.len());
        let vector = Shape::matrix(1, shape.channels);
        let (dweight, dbias) = (bench.lab.zeros(vector), bench.lab.zeros(vector));
        let plan = bench.plan();
        let (_, c) = batch_norm::forward(plan, &tx, &channels.device, None, true, None)?;
        let dx = batch_norm::backward(plan, &tx, &c, &tdy, true, [&dweight, &dbias], None)?;
        let x = x.columns(&some);
        let (y, stats) = norm::batch_norm_train(&x, &channels.weight, &channels.bias);
        let g = relu::backward(&y, &dy.columns(&some));
        let (want, ..) = norm::batch_norm_backward(&x, &channels.weight, &stats, &g);
        expect_columns(bench, "dx", &dx, &some, &want);
        Ok(())
    })
}

fn max_pools(stand: &mut Stand, name: &str, shape: Shape) -> Result<()> {
    stand.time(&format!("{name} pool::max_forward"), passes(1.25, shape), |bench| {
        let x = Field::new(shape, 14);
        let tx = x.upload(bench);
        let (y, _) = pool::max_forward(bench.plan(), &tx)?;
        expect_beginning(bench, "y", &y, &pools::max_pool(&x.image()).0);
        Ok(())
    })?;
    stand.time(&format!("{name} pool::max_forward, backward"), passes(2.5, shape), |bench| {
        let (x, dy) = (Field::new(shape, 14), Field::new(pool::max_output(shape), 15));
        let (tx, tdy) = (x.upload(bench), dy.upload(bench));
        let (_, won) = pool::max_forward(bench.plan(), &tx)?;
        let dx = pool::max_backward(bench.plan(), &won, &tdy, shape)?;
        let image = x.image();
        let (_, winners) = pools::max_pool(&image);
        expect_beginning(bench, "dx", &dx, &pools::max_pool_backward(&winners, &dy.image(), &image.shape));
        Ok(())
    })
}

fn average_pools(stand: &mut Stand, name: &str, shape: Shape) -> Result<()> {
    let rows = Shape::matrix(shape.images, shape.channels);
    stand.time(&format!("{name} pool::average_forward"), passes(1.0, shape), |bench| {
        let x = Field::new(shape, 16);
        let (tx, y) = (x.upload(bench), bench.lab.zeros(rows));
        pool::average_forward(bench.plan(), &tx, &y, 0)?;
        expect_beginning(bench, "y", &y, &pools::average_pool(&x.image()));
        Ok(())
    })?;
    stand.time(&format!("{name} pool::average_backward"), passes(1.0, shape), |bench| {
        let dy = Field::new(rows, 17);
        let tdy = dy.upload(bench);
        let dx = pool::average_backward(bench.plan(), &tdy, 0, shape, None)?;
        let image = [1, shape.channels, shape.height, shape.width].map(|n| n as usize);
        expect_beginning(bench, "dx", &dx, &pools::average_pool_backward(&dy.rows(1), &image));
        Ok(())
    })
}

fn vectors(stand: &mut Stand, name: &str, shape: Shape) -> Result<()> {
    let some = looked_at(shape);
    stand.time(&format!("{name} vector::mask"), passes(3.0, shape), |bench| {
        let (y, dy) = (Field::new(shape, 18), Field::new(shape, 19));
        let (ty, tdy) = (y.upload(bench), dy.upload(bench));
        let masked = vector::mask(bench.plan(), &ty, &tdy)?;
        let want = relu::backward(&y.columns(&some), &dy.columns(&some));
        expect_columns(bench, "masked", &masked, &some, &want);
        Ok(())
    })?;
    stand.time(&format!("{name} vector::add_bias"), passes(2.0, shape), |bench| {
        let (x, bias) = (Field::new(shape, 20), Field::new(Shape::matrix(1, shape.channels), 21));
        let (tx, tbias) = (x.upload(bench), bias.upload(bench));
        vector::add_bias(bench.plan(), &tx, &tbias)?;
        let mut want = x.columns(&some);
        want.data.iter_mut().enumerate().for_each(|(at, v)| *v += bias.at(0, some[at % some.len()]));
        expect_columns(bench, "biased", &tx, &some, &want);
        Ok(())
    })?;
    stand.time(&format!("{name} vector::bias_gradient"), passes(1.0, shape), |bench| {
        let dy = Field::new(shape, 22);
        let (tdy, dbias) = (dy.upload(bench), bench.lab.zeros(Shape::matrix(1, shape.channels)));
        vector::bias_gradient(bench.plan(), &tdy, &dbias)?;
        let sum = |&channel: &usize| (0..shape.rows() as usize).map(|row| dy.at(row, channel)).sum();
        let want = Tensor64::new(&[1, some.len()], some.iter().map(sum).collect());
        expect_columns(bench, "dbias", &dbias, &some, &want);
        Ok(())
    })
}

fn unit_rows(stand: &mut Stand, name: &str, shape: Shape) -> Result<()> {
    stand.time(&format!("{name} normalize::forward"), passes(2.0, shape), |bench| {
        let x = Field::new(shape, 23);
        let tx = x.upload(bench);
        let y = normalize::forward(bench.plan(), &tx)?;
        expect_beginning(bench, "y", &y, &norm::l2_normalize(&x.rows(8)));
        Ok(())
    })?;
    stand.time(&format!("{name} normalize::backward"), passes(3.0, shape), |bench| {
        let (x, dy) = (Field::new(shape, 23), Field::new(shape, 24));
        let (tx, tdy) = (x.upload(bench), dy.upload(bench));
        let dx = normalize::backward(bench.plan(), &tx, &tdy)?;
        expect_beginning(bench, "dx", &dx, &norm::l2_normalize_backward(&x.rows(8), &dy.rows(8)));
        Ok(())
    })
}

fn prototypes(stand: &mut Stand, name: &str, filter: Filter) -> Result<()> {
    stand.time(&format!("{name} normalize::in_place"), passes(2.0, filter.panels()), |bench| {
        let w = Field::new(Shape::matrix(filter.filters, filter.channels), 25);
        let w = w.rows(filter.filters as usize);
        let tw = bench.upload_panels(&filter, &w);
        normalize::in_place(bench.plan(), &filter, &tw)?;
        let want = norm::l2_normalize(&w);
        let pick = move |got: &[f32]| Ok(weights::unpack(&filter, got).into_iter().map(f64::from).collect());
        bench.expect_picked("unit", &tw, pick, &want.data, TOLERANCE, largest(&want.data));
        Ok(())
    })
}

/// Everything of a network's passes.
pub(crate) fn time(stand: &mut Stand, layers: &Layers) -> Result<()> {
    let name = |shape: Shape| format!("{} {shape}", layers.name);
    for &shape in &layers.norms {
        batch_norms(stand, &name(shape), shape)?;
    }
    for &shape in &layers.max_pools {
        max_pools(stand, &name(shape), shape)?;
    }
    for &shape in &layers.features {
        average_pools(stand, &name(shape), shape)?;
    }
    if let Some(&shape) = layers.norms.iter().max_by_key(|shape| shape.bytes()) {
        vectors(stand, &name(shape), shape)?;
    }
    let config = &layers.config;
    let rows = (config.crop_count() * config.batch) as u32;
    let embeddings = Shape::matrix(rows, config.embedding as u32);
    unit_rows(stand, &name(embeddings), embeddings)?;
    let filter = Filter::linear(config.embedding as u32, config.prototypes as u32);
    prototypes(stand, &name(Shape::matrix(filter.filters, filter.channels)), filter)
}
