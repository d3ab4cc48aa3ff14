//! Heads and predictors in all their forms against the `f64` reference: with and without a hidden layer, a batch norm
//! in it, and unit length.

use crate::devices::shared_devices;
use crate::reference::{Rng64, Tensor64, linear, norm, relu};
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_wgpu::gpu::{Arena, Gpu, Plan, Session, Shape, Tensor, Usage};
use swav_wgpu::interop::HostTensor;
use swav_wgpu::model::{Mlp, MlpSpec, Store};
use swav_wgpu::selftest::layout::{from_nhwc4, to_nhwc4};

/// A perceptron with a store of its own.
pub(crate) struct Perceptron {
    pub(crate) arena: Arc<Arena>,
    pub(crate) store: Store,
    pub(crate) mlp: Mlp,
}

impl Perceptron {
    pub(crate) fn new(inputs: u32, spec: &MlpSpec<'_>) -> Self {
        let (mut store, arena) = (Store::new(1 << 20), Arc::new(Arena::default()));
        let mlp = Mlp::new(&mut store, inputs, spec);
        store.lease(&arena, 1);
        Self { arena, store, mlp }
    }

    /// A plan that begins as a step does: without gradients.
    pub(crate) fn plan(&self, gpu: &Arc<Gpu>) -> Plan {
        let mut plan = Plan::new(gpu, &self.arena);
        self.store.shards().iter().for_each(|shard| plan.clear(&shard.gradient));
        plan
    }

    /// A matrix that the host writes.
    pub(crate) fn lease(&self, rows: u32, columns: u32) -> Tensor {
        self.arena.lease(Shape::matrix(rows, columns), Usage::Storage, "rows")
    }
}

pub(crate) fn write(session: &Session, tensor: &Tensor, values: &[f32]) {
    let shape = [tensor.shape.images, tensor.shape.channels].map(|n| n as usize);
    session.write(tensor, &to_nhwc4(&shape, values));
}

pub(crate) fn read(session: &Session, tensor: &Tensor) -> Vec<f64> {
    let shape = [tensor.shape.images, tensor.shape.channels].map(|n| n as usize);
    from_nhwc4(&shape, &session.read(tensor).expect("the device answers")).expect("padding is zero")
}

type Named = BTreeMap<String, Tensor64>;

/// Everything that comes of rows `x` and the gradient `dz` of the results: `z`, `dx`, what evaluation gives with the
/// estimates that this pass leaves, and the gradient of each parameter.
fn reference(weights: &Named, spec: &MlpSpec<'_>, x: &Tensor64, dz: &Tensor64) -> Named {
    let named = |place: &str| {
        let name = if place.is_empty() { spec.name.to_owned() } else { format!("{}.{place}", spec.name) };
        [format!("{name}.weight"), format!("{name}.bias")]
    };
    let [w0, b0] = named("0");
    let [w1, b1] = named("1");
    let [w2, b2] = named(if spec.hidden == 0 {
        ""
    } else if spec.norm {
        "3"
    } else {
        "2"
    });
    let mut out = Named::new();
    let (mut h, mut evaluated, mut stats) = (x.clone(), x.clone(), None);
    if spec.hidden > 0 {
        let first = linear::forward(x, &weights[&w0], Some(&weights[&b0]));
        if spec.norm {
            let (y, batch) = norm::batch_norm_train(&first, &weights[&w1], &weights[&b1]);
            let [mut mean, mut var] =
                ["mean", "var"].map(|what| weights[&format!("{}.1.running_{what}", spec.name)].clone());
            norm::update_running(&mut mean, &mut var, &batch);
            evaluated =
                relu::forward(&norm::batch_norm_eval(&first, &weights[&w1], &weights[&b1], &mean, &var));
            (h, stats) = (relu::forward(&y), Some((first, batch)));
        } else {
            h = relu::forward(&first);
            evaluated = h.clone();
        }
    }
    let finish = |h: &Tensor64| linear::forward(h, &weights[&w2], Some(&weights[&b2]));
    let unit = |y: Tensor64| if spec.unit { norm::l2_normalize(&y) } else { y };
    let y = finish(&h);
    let dy = if spec.unit { norm::l2_normalize_backward(&y, dz) } else { dz.clone() };
    out.insert("z".into(), unit(y));
    out.insert("evaluated".into(), unit(finish(&evaluated)));
    out.insert(w2.clone(), linear::backward_weight(&h, &dy));
    out.insert(b2, linear::backward_bias(&dy));
    let mut dh = linear::backward_input(&weights[&w2], &dy);
    if spec.hidden > 0 {
        dh = relu::backward(&h, &dh);
        if let Some((first, batch)) = stats {
            let (dfirst, dweight, dbias) = norm::batch_norm_backward(&first, &weights[&w1], &batch, &dh);
            out.insert(w1, dweight);
            out.insert(b1, dbias);
            dh = dfirst;
        }
        out.insert(w0.clone(), linear::backward_weight(x, &dh));
        out.insert(b0, linear::backward_bias(&dh));
        dh = linear::backward_input(&weights[&w0], &dh);
    }
    out.insert("dx".into(), dh);
    out
}

fn wide(tensors: BTreeMap<String, HostTensor>) -> Named {
    tensors.into_iter().map(|(name, t)| (name, Tensor64::from_f32(&t.shape, &t.data))).collect()
}

fn on_the_device(gpu: &Arc<Gpu>, spec: &MlpSpec<'_>, x: &Tensor64, dz: &Tensor64) -> (Named, Named) {
    let ((rows, inputs), (_, out)) = (x.dims2(), dz.dims2());
    let perceptron = Perceptron::new(inputs as u32, spec);
    let Perceptron { arena, store, mlp } = &perceptron;
    let (tx, tdz) = (perceptron.lease(rows as u32, inputs as u32), perceptron.lease(rows as u32, out as u32));
    let mut plan = perceptron.plan(gpu);
    let (z, saved) = mlp.forward(&mut plan, store, &tx).expect("records");
    let dx = mlp.backward(&mut plan, store, saved, &tdz).expect("records");
    let evaluated = mlp.evaluate(&mut plan, store, &tx).expect("records");
    let session = Session::allocate(gpu, arena).expect("there is memory");
    let replay = session.bind(plan).expect("binds");
    store.initialize(&session, 3).expect("the device answers");
    let weights = wide(store.export(&session).expect("the device answers"));
    write(&session, &tx, &x.to_f32());
    write(&session, &tdz, &dz.to_f32());
    session.submit(&replay).expect("the plan runs");
    let mut got = wide(store.export_gradients(&session).expect("the device answers"));
    for (name, tensor) in [("z", &z), ("dx", &dx), ("evaluated", &evaluated)] {
        let shape = [tensor.shape.images, tensor.shape.channels].map(|n| n as usize);
        got.insert(name.into(), Tensor64::new(&shape, read(&session, tensor)));
    }
    (weights, got)
}

#[test]
fn every_form_is_the_reference() {
    const ROWS: usize = 11;
    for gpu in shared_devices() {
        for (hidden, norm) in [(0, false), (7, false), (7, true), (64, false), (64, true)] {
            for (unit, inputs, out) in [(false, 6, 5), (true, 6, 5), (false, 33, 16), (true, 33, 16)] {
                let spec = MlpSpec { name: "head", hidden, out, norm, unit };
                let mut rng = Rng64(17);
                let x = Tensor64::random(&[ROWS, inputs], &mut rng);
                let dz = Tensor64::random(&[ROWS, out as usize], &mut rng);
                let (weights, got) = on_the_device(gpu, &spec, &x, &dz);
                let want = reference(&weights, &spec, &x, &dz);
                assert!(got.keys().eq(want.keys()), "{spec:?}: {:?} and {:?}", got.keys(), want.keys());
                // A few hundred rounded terms a sum, through at most five layers and a division by a length or
                // a deviation: 2⁻²⁴ · √300 · 10 is 1e-5 of the largest value. A bias before a batch norm has no
                // gradient: what is left of it are the terms of its sum.
                let terms = dz.norm();
                for (name, want) in &want {
                    let zero = spec.norm && name == "head.0.bias";
                    let scale =
                        if zero { terms } else { want.data.iter().fold(0.0, |m: f64, v| m.max(v.abs())) };
                    for (at, (got, want)) in got[name].data.iter().zip(&want.data).enumerate() {
                        let error = (got - want).abs();
                        assert!(error <= 1e-5 * scale, "{spec:?}: {name} {at}: {got}, want {want}");
                    }
                }
            }
        }
    }
}

#[test]
fn parameters_have_the_names_of_their_places() {
    let names = |hidden, norm| {
        let mut store = Store::new(u64::MAX);
        Mlp::new(&mut store, 4, &MlpSpec { name: "predictor", hidden, out: 4, norm, unit: false });
        let all = store.declared().into_iter().map(|(name, _)| name);
        all.filter_map(|name| name.strip_suffix(".weight").map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(names(8, true), ["predictor.0", "predictor.1", "predictor.3"]);
    assert_eq!(names(8, false), ["predictor.0", "predictor.2"]);
    assert_eq!(names(0, true), ["predictor"]);
}
