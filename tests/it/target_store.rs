//! A target network: averages over steps beside the golden files (group 12), and a store that follows the beginning of
//! another one, over several shards.

use crate::devices::shared_devices;
use crate::golden::Golden;
use crate::neighbours_golden_rows::compare;
use crate::ops_golden::each;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use swav_wgpu::gpu::{Arena, Gpu, Plan, Session, Shape, Usage};
use swav_wgpu::interop::HostTensor;
use swav_wgpu::model::{Mlp, MlpSpec, Store};
use swav_wgpu::ops::optimizer::{self, Shard, Span};
use swav_wgpu::selftest::lab::Lab;

/// A store of shards of so many bytes: a head, and behind it a predictor where there is one.
fn store(arena: &Arc<Arena>, shard: u64, predictor: bool, moments: usize) -> Store {
    let mut store = Store::new(shard);
    let spec = MlpSpec { name: "projection_head", hidden: 24, out: 7, norm: true, unit: false };
    Mlp::new(&mut store, 13, &spec);
    if predictor {
        Mlp::new(&mut store, 7, &MlpSpec { name: "predictor", hidden: 9, ..spec });
    }
    store.lease(arena, moments);
    store
}

type Tensors = BTreeMap<String, HostTensor>;

/// What the target has before, what the other network has, and what the target has after a step at `rate`.
fn followed(gpu: &Arc<Gpu>, rate: f32) -> [Tensors; 3] {
    // Several shards, of which the target's last is also the predictor's first.
    let stores = |bytes: u64| {
        let arena = Arc::new(Arena::default());
        let (online, target) = (store(&arena, bytes, true, 1), store(&arena, bytes, false, 0));
        let last = target.shards().len() - 1;
        let rows = |store: &Store| store.shards()[last].value.shape.rows();
        (last > 0 && rows(&online) > rows(&target)).then_some((arena, online, target))
    };
    let (arena, online, target) = (2..40).find_map(|n| stores(256 * n)).expect("one size of shards is such");
    let trate = arena.lease(Shape::matrix(1, 1), Usage::Storage, "rate");
    let mut plan = Plan::new(gpu, &arena);
    target.follow(&mut plan, &online, &trate).expect("records");
    let session = Session::allocate(gpu, &arena).expect("there is memory");
    let replay = session.bind(plan).expect("binds");
    online.initialize(&session, 1).expect("the device answers");
    target.initialize(&session, 2).expect("the device answers");
    session.write(&trate, &[rate, 0.0, 0.0, 0.0]);
    let export = |store: &Store| store.export(&session).expect("the device answers");
    let before = export(&target);
    session.submit(&replay).expect("the plan runs");
    [before, export(&online), export(&target)]
}

#[test]
fn every_parameter_follows_and_no_estimate_does() {
    let bits = |t: &HostTensor| t.data.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    for gpu in shared_devices() {
        for rate in [0.0f32, 0.75, 1.0] {
            let [before, online, after] = followed(gpu, rate);
            assert!(after.keys().all(|name| online.contains_key(name)) && after.len() < online.len());
            for (name, after) in &after {
                let (old, new) = (&before[name], &online[name]);
                if name.contains("running") || rate == 1.0 {
                    assert_eq!(bits(after), bits(old), "{name} at {rate} stays");
                } else if rate == 0.0 {
                    assert_eq!(bits(after), bits(new), "{name} at {rate} is copied");
                } else {
                    for ((got, t), p) in after.data.iter().zip(&old.data).zip(&new.data) {
                        // Three roundings of numbers below 1.
                        let want = rate * t + (1.0 - rate) * p;
                        assert!((got - want).abs() <= 3.0 * f32::EPSILON / 2.0, "{name}: {got}, want {want}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_store_of_other_places_is_refused() {
    let gpu = &shared_devices()[0];
    let arena = Arc::new(Arena::default());
    let [longer, shorter] = [true, false].map(|predictor| store(&arena, 2048, predictor, 1));
    let mut wide = Store::new(u64::MAX);
    let spec = MlpSpec { name: "projection_head", hidden: 24, out: 7, norm: true, unit: false };
    Mlp::new(&mut wide, 13, &spec);
    wide.lease(&arena, 1);
    let rate = arena.lease(Shape::matrix(1, 1), Usage::Storage, "rate");
    for (what, target, online) in
        [("a part of it follows more", &longer, &shorter), ("one shard follows many", &wide, &longer)]
    {
        let mut plan = Plan::new(gpu, &arena);
        let follow = catch_unwind(AssertUnwindSafe(|| target.follow(&mut plan, online, &rate)));
        assert!(follow.is_err(), "{what}");
    }
}

/// A shard of one parameter.
fn shard(lab: &mut Lab, values: &[f32]) -> Shard {
    let mut padded = values.to_vec();
    padded.resize(padded.len().div_ceil(4) * 4, 0.0);
    let quads = padded.len() as u32 / 4;
    let (chunks, parameters) = optimizer::tables(&[Span { first: 0, quads, flags: 0 }]);
    let value = lab.upload(Shape::matrix(quads, 4), padded);
    let [gradient, moment] = [(); 2].map(|()| lab.zeros(Shape::matrix(1, 4)));
    let (chunks, parameters) = (lab.words(&chunks), lab.words(&parameters));
    Shard { value, gradient, moment, second: None, chunks, parameters }
}

#[test]
fn averages_over_steps() {
    each(
        "12",
        |case| case.has("online"),
        |gpu, case| {
            let online = case.input("online").1;
            let (mut target, mut all) = (case.input("target0").1, Vec::new());
            let rates = case.numbers("tau");
            for (values, rate) in online.chunks(target.len()).zip(&rates) {
                let mut lab = Lab::new(gpu);
                let (follower, online) = (shard(&mut lab, &target), shard(&mut lab, values));
                let trate = lab.vector(&[*rate as f32]);
                optimizer::follow(&mut lab.plan, &follower, &online, &trate).expect("records");
                let session = lab.run().expect("the plan runs");
                let mut got = session.read(&follower.value).expect("the device answers");
                got.truncate(target.len());
                target = got;
                all.extend(target.iter().map(|&v| f64::from(v)));
            }
            compare(case, &[("target", all)])
        },
    );
}

/// Of all cases with a schedule: those that are one, and those that use one.
#[test]
fn rates_of_averages() {
    let golden = Golden::open();
    let mut seen = 0;
    for case in golden.cases("12").into_iter().filter(|case| case.attrs.get("base").is_some()) {
        let steps = case.count("steps") as u64;
        let rates = |count: usize| -> Vec<f64> {
            let rate = |step: u64| {
                optimizer::follow_rate(case.number("base"), case.number("final"), step as f64 / steps as f64)
            };
            (0..count as u64).map(rate).collect()
        };
        if case.has("tau") {
            case.expect("tau", &rates(case.count("steps")));
        } else {
            let wanted = case.numbers("tau");
            // Both are the same formula in f64.
            let close = rates(wanted.len()).iter().zip(&wanted).all(|(got, want)| (got - want).abs() < 1e-12);
            assert!(close, "{}: {:?} in place of {wanted:?}", case.label(), rates(wanted.len()));
        }
        seen += 1;
    }
    assert!(seen > 0, "group 12 has schedules");
    assert_eq!(optimizer::follow_rate(0.9, 1.0, 1.0).to_bits(), 1.0f64.to_bits(), "it ends where it should");
}
