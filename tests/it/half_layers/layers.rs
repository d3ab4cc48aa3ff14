//! What kernels make of a layer, beside the reference and its bounds.

use super::{Judge, single};
use crate::reference::bounds::{self, Norm, SINGLE, Storage, gamma};
use crate::reference::half::rounded;
use crate::reference::seen::{LinearSeen, UnitSeen};
use crate::reference::{Tensor64, conv, linear, norm, relu};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use swav_wgpu::error::Result;
use swav_wgpu::gpu::{Element, Family, Gpu, Session, Tensor};
use swav_wgpu::ops::conv2d::{self, Filter};
use swav_wgpu::ops::{batch_norm, vector, weights};
use swav_wgpu::selftest::bench::Bench;
use swav_wgpu::selftest::layout::from_nhwc4;

/// What matrix units may lose with each addition: they cut off where others round.
const CUT_OFF: f64 = 2.0 * SINGLE;

/// What kernels make of a unit.
struct Made {
    session: Session,
    behind: BTreeMap<&'static str, BTreeSet<String>>,
    tensors: BTreeMap<&'static str, Tensor>,
    filter: Filter,
}

impl Made {
    fn by_winograd(&self, what: &str) -> bool {
        self.behind[what].iter().any(|kernel| kernel.starts_with("winograd"))
    }

    fn read(&self, what: &str) -> Vec<f32> {
        self.session.read(&self.tensors[what]).expect("the device answers")
    }

    fn values(&self, what: &str, like: &Tensor64) -> Vec<f64> {
        let shape = if let &[channels] = &like.shape[..] { vec![1, channels] } else { like.shape.clone() };
        from_nhwc4(&shape, &self.read(what)).unwrap_or_else(|fault| panic!("{what}: {fault}"))
    }

    fn weights(&self, what: &str) -> Vec<f64> {
        weights::unpack(&self.filter, &self.read(what)).into_iter().map(f64::from).collect()
    }
}

/// Submits what is recorded.
fn made(bench: Bench, filter: Filter, tensors: BTreeMap<&'static str, Tensor>) -> Made {
    let behind =
        tensors.iter().map(|(&what, tensor)| (what, bench.lab.plan.kernels_behind(tensor))).collect();
    Made { session: bench.lab.run().expect("the device answers"), behind, tensors, filter }
}

/// The unit's operations, each with the reference's numbers: an error of one does not reach the next.
fn run_unit(gpu: &Arc<Gpu>, unit: &UnitSeen, dy: &Tensor64) -> Made {
    let mut bench = Bench::new(gpu);
    bench.store_as(Element::F16);
    let [filters, channels, kernel, _] = unit.weight.dims4().map(|n| n as u32);
    let [stride, pad] = [unit.geometry.stride, unit.geometry.pad].map(|n| n as u32);
    let filter = Filter { channels, filters, kernel, stride, pad };
    let [x, conv, dy, dconv] = [&unit.x, &unit.conv, dy, &unit.dconv].map(|t| bench.activations(t));
    let [residual, sum] = [&unit.residual, &unit.sum].map(|t| t.as_ref().map(|t| bench.activations(t)));
    let [w, dw] = [single(&unit.weight), unit.weight.map(|_| 0.0)].map(|t| bench.upload_panels(&filter, &t));
    let [weight, bias] = unit.channels.each_ref().map(|t| bench.upload(&single(t)));
    let [mean, variance, dweight, dbias] = [(); 4].map(|()| bench.upload(&unit.channels[0].map(|_| 0.0)));
    let channels = batch_norm::Channels { weight, bias, mean, variance };
    let plan = bench.plan();
    let mut record = || -> Result<[Tensor; 4]> {
        let staged = conv2d::stage(plan, &x);
        let y = conv2d::forward(plan, &filter, &staged, &w)?;
        let added = residual.is_some();
        let (normal, c) =
            batch_norm::forward(plan, &conv, &channels, residual.as_ref(), unit.relu || added, None)?;
        let back = batch_norm::backward(plan, &conv, &c, &dy, unit.relu, [&dweight, &dbias], None)?;
        let staged_dy = conv2d::stage(plan, &dconv);
        conv2d::backward_weight(plan, &filter, &staged, &staged_dy, &dw)?;
        let dx = conv2d::backward_input(plan, &filter, &staged_dy, &w, x.shape, sum.clone())?;
        Ok([y, normal, back, dx])
    };
    let [y, normal, back, dx] = record().expect("it is recorded");
    let results = [
        ("conv", y),
        ("batch norm", normal),
        ("batch norm dx", back),
        ("batch norm dweight", dweight),
        ("batch norm dbias", dbias),
        ("conv dw", dw),
        ("conv dx", dx),
    ];
    made(bench, filter, results.into_iter().collect())
}

/// Windows turned, inputs and outputs exchanged: what the gradient of the input is a convolution with.
fn turned(w: &Tensor64) -> Tensor64 {
    let [outputs, inputs, height, width] = w.dims4();
    let taps = height * width;
    let at = |flat: usize| {
        let (i, o, tap) = (flat / (outputs * taps), flat / taps % outputs, flat % taps);
        w.data[(o * inputs + i) * taps + taps - 1 - tap]
    };
    Tensor64::new(&[inputs, outputs, height, width], (0..w.len()).map(at).collect())
}

fn judge_conv(judge: &mut Judge, label: &str, gpu: &Gpu, unit: &UnitSeen, made: &Made, storage: Storage) {
    let units = gpu.family() == Family::Matrix;
    let (x, dy, geometry) = (&unit.x, &unit.dconv, unit.geometry);
    let w = if units { single(&unit.weight).map(rounded) } else { single(&unit.weight) };
    let unit_of_rounding = if units { CUT_OFF } else { SINGLE };
    let [ax, aw, ady] = [x, &w, dy].map(|t| t.map(f64::abs));
    let [filters, channels, kernel, _] = w.dims4();
    let sums = |sizes: Tensor64, terms: usize| sizes.map(|size| size * gamma(terms, unit_of_rounding));

    let y = conv::forward(x, &w, geometry);
    let (what, errors) = if made.by_winograd("conv") {
        ("conv by Winograd", bounds::winograd(x, &w))
    } else {
        ("conv", sums(conv::forward(&ax, &aw, geometry), channels * kernel * kernel))
    };
    judge.compare(label, what, &made.values("conv", &y), &y, &storage.of(&y, &errors));

    let mut dx = conv::backward_input(&w, dy, &x.shape, geometry);
    let (what, mut errors) = if made.by_winograd("conv dx") {
        ("conv dx by Winograd", bounds::winograd(dy, &turned(&w)))
    } else {
        ("conv dx", sums(conv::backward_input(&aw, &ady, &x.shape, geometry), filters * kernel * kernel))
    };
    if let Some(sum) = &unit.sum {
        // One more addition, to a number that is exact.
        let product = dx.clone();
        dx = dx.add(sum);
        let size = product.zip(sum, |a, b| a.abs() + b.abs()).add(&errors);
        errors = errors.add(&size.map(|size| size * unit_of_rounding));
    }
    judge.compare(label, what, &made.values("conv dx", &dx), &dx, &storage.of(&dx, &errors));

    let dw = conv::backward_weight(x, dy, &w.dims4(), geometry);
    let (what, errors) = if made.by_winograd("conv dw") {
        ("conv dw by Winograd", bounds::winograd_weight(x, dy))
    } else {
        ("conv dw", sums(conv::backward_weight(&ax, &ady, &w.dims4(), geometry), dy.len() / filters))
    };
    judge.compare(label, what, &made.weights("conv dw"), &dw, &errors);
}

/// The gradient without the places where rounding decides on which side of the ReLU a value is.
fn clear(unit: &UnitSeen, y: &Tensor64, errors: &Tensor64) -> Tensor64 {
    if !unit.relu {
        return unit.dy.clone();
    }
    let open = y.zip(errors, |y, error| if y.abs() > error { 1.0 } else { 0.0 });
    let closed = open.data.iter().filter(|&&open| open == 0.0).count();
    assert!(closed * 100 < open.len(), "{}: {closed} of {} are near zero", unit.name, open.len());
    unit.dy.zip(&open, |dy, open| dy * open)
}

pub(super) fn judge_unit(judge: &mut Judge, label: &str, gpu: &Arc<Gpu>, unit: &UnitSeen, storage: Storage) {
    let [weight, bias] = unit.channels.each_ref().map(single);
    let (normal, stats) = norm::batch_norm_train(&unit.conv, &weight, &bias);
    let norm = Norm::new(&unit.conv, &stats, &weight);
    let dy = clear(unit, &normal, &norm.forward(&normal, &bias, None));
    let made = run_unit(gpu, unit, &dy);
    judge_conv(judge, label, gpu, unit, &made, storage);

    let before = unit.residual.as_ref().map_or_else(|| normal.clone(), |residual| normal.add(residual));
    let errors = norm.forward(&before, &bias, unit.residual.as_ref());
    let y = if unit.relu || unit.residual.is_some() { relu::forward(&before) } else { before };
    judge.compare(label, "batch norm", &made.values("batch norm", &y), &y, &storage.of(&y, &errors));
    let g = if unit.relu { relu::backward(&relu::forward(&normal), &dy) } else { dy };
    let (dx, dweight, dbias) = norm::batch_norm_backward(&unit.conv, &weight, &stats, &g);
    let [errors, of_weight, of_bias] = norm.backward(&g);
    judge.compare(label, "batch norm dx", &made.values("batch norm dx", &dx), &dx, &storage.of(&dx, &errors));
    for (what, want, most) in
        [("batch norm dweight", &dweight, &of_weight), ("batch norm dbias", &dbias, &of_bias)]
    {
        judge.compare(label, what, &made.values(what, want), want, most);
    }
}

/// The head is single precision, with nothing to store in another.
pub(super) fn judge_linear(judge: &mut Judge, label: &str, gpu: &Arc<Gpu>, layer: &LinearSeen) {
    let [x, w, bias, dy] = [&layer.x, &layer.weight, &layer.bias, &layer.dy].map(single);
    let ((rows, inputs), outputs) = (x.dims2(), w.shape[0]);
    let filter = Filter::linear(inputs as u32, outputs as u32);
    let mut bench = Bench::new(gpu);
    let [tx, tdy, tbias, dbias] = [&x, &dy, &bias, &bias.map(|_| 0.0)].map(|t| bench.upload(t));
    let [tw, dw] = [&w, &w.map(|_| 0.0)].map(|t| bench.upload_panels(&filter, t));
    let plan = bench.plan();
    let mut record = || -> Result<[Tensor; 2]> {
        let staged = conv2d::stage(plan, &tx);
        let y = conv2d::forward(plan, &filter, &staged, &tw)?;
        vector::add_bias(plan, &y, &tbias)?;
        vector::bias_gradient(plan, &tdy, &dbias)?;
        let staged_dy = conv2d::stage(plan, &tdy);
        conv2d::backward_weight(plan, &filter, &staged, &staged_dy, &dw)?;
        Ok([y, conv2d::backward_input(plan, &filter, &staged_dy, &tw, tx.shape, None)?])
    };
    let [y, dx] = record().expect("it is recorded");
    let results = [("linear", y), ("linear dx", dx), ("linear dw", dw), ("linear dbias", dbias)];
    let made = made(bench, filter, results.into_iter().collect());
    let [ax, aw, abias, ady] = [&x, &w, &bias, &dy].map(|t| t.map(f64::abs));
    let sums = |sizes: Tensor64, terms: usize| sizes.map(|size| size * gamma(terms, SINGLE));
    for (what, want, most) in [
        (
            "linear",
            linear::forward(&x, &w, Some(&bias)),
            sums(linear::forward(&ax, &aw, Some(&abias)), inputs + 1),
        ),
        ("linear dx", linear::backward_input(&w, &dy), sums(linear::backward_input(&aw, &ady), outputs)),
        ("linear dbias", linear::backward_bias(&dy), sums(linear::backward_bias(&ady), rows)),
    ] {
        judge.compare(label, what, &made.values(what, &want), &want, &most);
    }
    let most = sums(linear::backward_weight(&ax, &ady), rows);
    judge.compare(label, "linear dw", &made.weights("linear dw"), &linear::backward_weight(&x, &dy), &most);
}
