//! Batch norms whose statistics are those of several ranks (`sync_bn`): what all ranks compute is what one computes that sees
//! the whole batch.

use crate::devices::shared_devices;
use crate::micro_batches::{Outcome, RATE, assert_same_losses, distance, learns};
use crate::ranks::share;
use crate::trainer_checks::{config, pictures};
use std::sync::Arc;
use swav_wgpu::config::{Config, Method, SyncBn};
use swav_wgpu::gpu::Gpu;
use swav_wgpu::method::{Batch, Crops, Known, Trainer};
use swav_wgpu::pass::Pass;
use swav_wgpu::ranks::{Alone, Exchange, threads};

const BATCH: usize = 16;
const STEPS: u64 = 5;

fn settings(method: Method, sync_bn: Option<SyncBn>) -> Config {
    // In the first look at all pictures, heads have norms of their part.
    let head_norm = ![Method::DeepclusterV2, Method::SelaV2].contains(&method);
    Config { method, batch: BATCH, queue: 2 * BATCH, prototypes: 6, sync_bn, head_norm, ..config("larc") }
}

/// Losses and gradients, and the running estimates at the end.
fn train(gpu: &Arc<Gpu>, config: &Config, ranks: &Arc<dyn Exchange>) -> (Outcome, Vec<f32>) {
    let mut trainer = Trainer::among(gpu, config, &Known::made_up(config), ranks).expect("the net is small");
    let count = BATCH / ranks.size();
    let first = ranks.rank() * count;
    let numbers: Vec<u32> = (first..first + count).map(|picture| picture as u32).collect();
    let (mut losses, mut gradients) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        let groups = share(config, &pictures(config, step), &**ranks);
        let batch = || Batch { crops: Crops::Made(&groups), pictures: &numbers };
        if trainer.wants_survey() {
            trainer.survey(batch()).expect("a look");
        }
        if step == 0 {
            trainer.begin_epoch(0, &Pass::default()).expect("labels");
        }
        trainer.step(batch(), RATE).expect("a step");
        losses.push(trainer.flush().expect("a report").expect("a step was submitted").loss);
        gradients.push(trainer.gradients().expect("the device answers"));
    }
    let tensors = trainer.export().expect("the device answers").into_iter();
    let running = tensors.filter(|(name, _)| name.contains("running_")).flat_map(|(_, tensor)| tensor.data);
    (Outcome { losses, gradients }, running.collect())
}

fn together(gpu: &Arc<Gpu>, config: &Config, count: usize) -> Vec<(Outcome, Vec<f32>)> {
    std::thread::scope(|scope| {
        let start = |rank| scope.spawn(move || train(gpu, config, &rank));
        let started: Vec<_> = threads(count).into_iter().map(start).collect();
        started.into_iter().map(|rank| rank.join().expect("a rank ends without a panic")).collect()
    })
}

/// Sums in another order are off by roundings. Once in some steps a rounding opens or closes a ReLU, and what lies before it
/// gets another gradient of that one value: so the middle one of all steps is held to roundings, and none is far off.
#[track_caller]
fn assert_same_gradients(what: &str, got: &Outcome, want: &Outcome) {
    let names = want.gradients[0].keys().filter(|name| learns(name));
    for name in names {
        let steps = got.gradients.iter().zip(&want.gradients);
        let mut off: Vec<f64> =
            steps.map(|(got, want)| distance(&got[name].data, &want[name].data)).collect();
        off.sort_unstable_by(f64::total_cmp);
        let (middle, worst) = (off[off.len() / 2], off[off.len() - 1]);
        assert!(middle < 1e-3, "{what}: gradients of {name} are off by {off:.1?} of their length");
        assert!(worst < 0.1, "{what}: a gradient of {name} is off by {worst:.1e} of its length");
    }
}

#[test]
fn ranks_with_statistics_in_common_are_the_whole_batch() {
    for gpu in shared_devices() {
        for &method in Method::ALL {
            let (whole, running) = train(gpu, &settings(method, None), &Alone::ranks());
            for (rank, (got, got_running)) in
                together(gpu, &settings(method, Some(SyncBn::All)), 2).iter().enumerate()
            {
                let what = format!("{method}, rank {rank}, {:?}", gpu.family());
                assert_same_losses(&what, got, &whole);
                assert_same_gradients(&what, got, &whole);
                for (got, want) in got_running.iter().zip(&running) {
                    // Means and variances of numbers near 1, by sums of single precision.
                    assert!((got - want).abs() < 1e-5 * want.abs().max(1.0), "{what}: {got}, want {want}");
                }
            }
            // Without, each rank's batch norms see another batch.
            let own = &together(gpu, &settings(method, None), 2)[0].0;
            assert!((own.losses[0] - whole.losses[0]).abs() > 1e-4, "{method}: {:?}", own.losses);
        }
    }
}

/// Four ranks in groups of two are two ranks by themselves, whose batch norms see as many pictures.
#[test]
fn groups_of_ranks_are_fewer_ranks() {
    let gpu = &shared_devices()[0];
    let groups = &together(gpu, &settings(Method::Swav, Some(SyncBn::Of(2))), 4)[3].0;
    let fewer = &together(gpu, &settings(Method::Swav, None), 2)[0].0;
    assert_same_losses("four ranks", groups, fewer);
    assert_same_gradients("four ranks", groups, fewer);
    let all = &together(gpu, &settings(Method::Swav, Some(SyncBn::All)), 4)[0].0;
    assert!((all.losses[0] - groups.losses[0]).abs() > 1e-4, "{:?}", all.losses);
}

/// In half precision a sum that is off by a rounding moves activations by a rounding of their own: losses stay near.
#[test]
fn half_precision_shares_statistics_too() {
    use swav_wgpu::config::Precision;
    let gpu = &shared_devices()[0];
    let half = |sync| Config { precision: Precision::F16, ..settings(Method::Swav, sync) };
    let (whole, _) = train(gpu, &half(None), &Alone::ranks());
    let shared = &together(gpu, &half(Some(SyncBn::All)), 2)[0].0;
    let own = &together(gpu, &half(None), 2)[0].0;
    let off = |of: &Outcome| (of.losses[0] - whole.losses[0]).abs();
    assert!(off(shared) < 0.1 * off(own), "{:?} {:?} {:?}", whole.losses, shared.losses, own.losses);
    assert_same_losses("a half batch is itself", &whole, &train(gpu, &half(None), &Alone::ranks()).0);
}
