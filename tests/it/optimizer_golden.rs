//! LARC with momentum (group 07) through the production kernels.

use crate::devices::devices;
use crate::golden::{Case, Golden};
use std::sync::Arc;
use swav_wgpu::gpu::{Gpu, Shape};
use swav_wgpu::ops::Step;
use swav_wgpu::ops::optimizer::{self, PROTOTYPES, Rule, Scaling, Settings, Shard, Span, VECTOR};
use swav_wgpu::selftest::lab::Lab;

/// All parameters one after another, each padded to quads.
fn packed(case: &Case<'_>, names: &[&str], prefix: &str) -> (Vec<f32>, Vec<(usize, usize)>) {
    let (mut all, mut places) = (Vec::new(), Vec::new());
    for name in names {
        let values = case.input(&format!("{prefix}{name}")).1;
        places.push((all.len(), values.len()));
        all.extend(values);
        all.resize(all.len().div_ceil(4) * 4, 0.0);
    }
    (all, places)
}

fn check(gpu: &Arc<Gpu>, case: &Case<'_>) -> Vec<String> {
    let names = case.texts("params");
    let (mut value, places) = packed(case, &names, "p_");
    let mut moment = vec![0.0f32; value.len()];
    let spans: Vec<Span> = names
        .iter()
        .zip(&places)
        .map(|(name, &(first, n))| {
            let vector = case.input(&format!("p_{name}")).0.len() == 1;
            // A gradient of NaN stands for none: the parameter is frozen at that step.
            let late = case.input(&format!("g1_{name}")).1[0].is_nan();
            let flags = if vector { VECTOR } else { 0 } | if late { PROTOTYPES } else { 0 };
            Span { first: first as u32 / 4, quads: n.div_ceil(4) as u32, flags }
        })
        .collect();
    let mut failures = Vec::new();
    for (t, lr) in case.numbers("lrs").into_iter().enumerate() {
        let (gradient, _) = packed(case, &names, &format!("g{}_", t + 1));
        let frozen = u32::from(gradient.iter().any(|g| g.is_nan()));
        let gradient: Vec<f32> = gradient.into_iter().map(|g| if g.is_nan() { 0.0 } else { g }).collect();
        let mut lab = Lab::new(gpu);
        let all = Shape::matrix(value.len() as u32 / 4, 4);
        let (chunks, parameters) = optimizer::tables(&spans);
        let table = |words: &[u32]| words.iter().map(|&w| f32::from_bits(w)).collect::<Vec<_>>();
        let shard = Shard {
            value: lab.upload(all, value.clone()),
            gradient: lab.upload(all, gradient),
            moment: lab.upload(all, moment.clone()),
            second: None,
            chunks: lab.upload(Shape::matrix(chunks.len() as u32 / 4, 4), table(&chunks)),
            parameters: lab.upload(Shape::matrix(parameters.len() as u32 / 4, 4), table(&parameters)),
        };
        let step = lab.step(Step { learning_rate: lr as f32, frozen, ..Step::default() });
        let (trust, momentum) = (case.number("trust") as f32, case.number("momentum") as f32);
        let rule = Rule::Sgd { scaling: Scaling::Larc { trust, clip: case.flag("clip") }, momentum };
        let weight_decay = case.number("wd") as f32;
        let settings = Settings { rule, weight_decay, exclude: case.flag("exclude_rank1") };
        let norms = optimizer::update(&mut lab.plan, &shard, &settings, &step).expect("records");
        let session = lab.run().expect("the plan runs");
        value = session.read(&shard.value).expect("the device answers");
        moment = session.read(&shard.moment).expect("the device answers");
        let norms = session.read(&norms).expect("the device answers");
        for (i, (name, &(first, n))) in names.iter().zip(&places).enumerate() {
            let mut compare = |tensor: String, got: &[f32]| {
                if case.has(&tensor) {
                    failures.extend(case.check(&tensor, got).err());
                }
            };
            compare(format!("step{}/p_{name}", t + 1), &value[first..first + n]);
            compare(format!("step{}/ratio_{name}", t + 1), &norms[i * 4 + 3..i * 4 + 4]);
            if t == 2 {
                compare(format!("final_buf_{name}"), &moment[first..first + n]);
            }
        }
    }
    failures
}

#[test]
fn larc_with_momentum() {
    let golden = Golden::open();
    let cases: Vec<_> = golden.cases("07").into_iter().filter(|c| c.attrs.get("lrs").is_some()).collect();
    assert!(!cases.is_empty(), "group 07 holds no update");
    let failures: Vec<_> = devices()
        .iter()
        .flat_map(|gpu| cases.iter().flat_map(|case| check(gpu, case)).collect::<Vec<_>>())
        .collect();
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}
