//! The loss scale of half precision, which keeps small gradients from vanishing, recovers from those that are too large,
//! and goes on where it was. What half precision does to the numbers is in `half_golden`.

use crate::devices::shared_devices;
use crate::trainer_checks::{config, pictures};
use std::collections::BTreeMap;
use swav_wgpu::config::{Config, Precision, RunLength};
use swav_wgpu::gpu::Gpu;
use swav_wgpu::interop::{HostTensor, ScalarType};
use swav_wgpu::method::{StepReport, Trainer};
use swav_wgpu::ops::loss_scale::PATIENCE;

type Tensors = BTreeMap<String, HostTensor>;

fn distance(got: &[f32], want: &[f32]) -> f64 {
    let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
    let norm = want.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    got.iter().zip(want).map(square).sum::<f64>().sqrt() / norm.max(1e-12)
}

/// A small net in half precision; without a queue, so that a skipped step leaves nothing behind.
fn half(optimizer: &str) -> Config {
    let mut config = config(optimizer);
    config.set("queue", "0").expect("a queue can be left out");
    Config { precision: Precision::F16, ..config }
}

fn usual() -> &'static std::sync::Arc<Gpu> {
    &shared_devices()[0]
}

/// The trainer with something changed.
pub(crate) fn with(mut trainer: Trainer, change: impl FnOnce(&mut Tensors)) -> Trainer {
    let mut tensors = trainer.export().expect("the device answers");
    change(&mut tensors);
    let start = trainer.position();
    trainer.import(&tensors, &start).expect("its own tensors");
    trainer
}

/// The state of the loss scale, where there is one.
pub(crate) fn state(tensors: &mut Tensors) -> Option<&mut [f32]> {
    tensors.get_mut("loss_scale").map(|state| state.data.as_mut_slice())
}

/// A trainer whose first step has this loss scale and follows so many good ones.
fn starting_at(config: &Config, scale: f32, good: u32) -> Trainer {
    let trainer = Trainer::new(usual(), config).expect("the net is small");
    with(trainer, |tensors| {
        let state = state(tensors).expect("half precision has a loss scale");
        state[..2].copy_from_slice(&[scale, good as f32]);
    })
}

fn step(trainer: &mut Trainer, config: &Config, at: u64) -> StepReport {
    trainer.step(&pictures(config, at), 0.1).expect("a step");
    trainer.flush().expect("a report").expect("a step was submitted")
}

/// All that an optimiser moves.
fn moved(trainer: &Trainer) -> Tensors {
    let tensors = trainer.export().expect("the device answers");
    let still = |name: &str| name.contains("running_") || name == "loss_scale";
    let wanted = |(name, tensor): &(String, HostTensor)| tensor.kind == ScalarType::F32 && !still(name);
    tensors.into_iter().filter(wanted).collect()
}

#[test]
fn a_step_that_overflows_moves_nothing_and_the_next_ones_recover() {
    for optimizer in ["larc", "adamw"] {
        let config = half(optimizer);
        let mut trainer = starting_at(&config, 2.0f32.powi(60), 0);
        let mut before = moved(&trainer);
        // The prototypes are given unit length at the start of a step, whatever becomes of it.
        before.remove("prototypes.weight");
        let (mut skipped, mut scale) = (0, 2.0f64.powi(60));
        let mut exported = BTreeMap::new();
        let last = loop {
            let report = step(&mut trainer, &config, 0);
            let scaling = report.scaling.expect("half precision reports its scale");
            assert_eq!((scaling.scale.to_bits(), report.is_sound()), (scale.to_bits(), true));
            if !report.skipped() {
                break report;
            }
            assert!(report.non_finite > 0 && report.first_bad.is_some(), "{report:?}");
            let after = moved(&trainer);
            for (name, tensor) in &before {
                assert!(after[name] == *tensor, "{optimizer}: {name} moved in a step that is skipped");
            }
            (skipped, scale) = (skipped + 1, scale / 2.0);
            exported = trainer.export().expect("the device answers");
            assert_eq!(scaling.skipped_steps, skipped);
        };
        assert!(skipped > 10 && last.non_finite == 0 && last.gradient_norm.is_finite(), "{last:?}");
        let after = moved(&trainer);
        // Prototypes are frozen at first, and a batch norm takes the bias before it away.
        let still = |name: &str| name.contains("prototypes.") || name.contains("projection_head.0.bias");
        for (name, tensor) in before.iter().filter(|(name, _)| !still(name)) {
            assert!(after[name] != *tensor, "{optimizer}: {name} did not move at last");
        }
        // The same from there without a past: skipped steps count for nothing in the update.
        let mut straight = with(Trainer::new(usual(), &config).expect("the net is small"), |tensors| {
            let mut fresh = state(tensors).expect("a loss scale").to_vec();
            fresh[0] = scale as f32;
            *tensors = exported;
            state(tensors).expect("a loss scale").copy_from_slice(&fresh);
        });
        step(&mut straight, &config, 0);
        assert!(moved(&straight) == after, "{optimizer}: skipped steps left something behind");
    }
}

#[test]
fn the_scale_grows_after_many_good_steps() {
    let config = half("larc");
    let mut trainer = starting_at(&config, 64.0, PATIENCE - 1);
    let scales = [0, 1].map(|at| step(&mut trainer, &config, at).scaling.map(|scaling| scaling.scale));
    assert_eq!(scales, [64.0, 128.0].map(Some));
}

/// A high temperature and embeddings with a large constant part make gradients far below what half
/// precision can hold. Powers of two change no rounding, so a scale that lifts all of them into its normal numbers
/// shows what eleven bits cost this net at any scale (`half_golden` bounds that). What the usual scale still loses
/// to underflow has to be less.
#[test]
fn a_tiny_gradient_survives() {
    let mut config = half("larc");
    config.set("temperature", "10").expect("a temperature");
    let gradients = |trainer: Trainer, config: &Config| {
        let mut trainer = with(trainer, |tensors| {
            tensors.get_mut("projection_head.3.bias").expect("a bias").data.fill(1e4);
        });
        let report = step(&mut trainer, config, 0);
        assert_eq!(report.non_finite, 0, "{report:?}");
        trainer.gradients().expect("the device answers")
    };
    let single = Config { precision: Precision::F32, ..config.clone() };
    let want = gradients(Trainer::new(usual(), &single).expect("the net is small"), &single);
    let scaled = gradients(Trainer::new(usual(), &config).expect("the net is small"), &config);
    let [unscaled, lifted] =
        [0, 24].map(|power| gradients(starting_at(&config, 2f32.powi(power), 0), &config));
    for name in ["conv1.weight", "layer1.0.conv2.weight", "layer4.0.conv1.weight", "layer4.0.bn2.weight"] {
        let [want, scaled, unscaled, lifted] =
            [&want, &scaled, &unscaled, &lifted].map(|gradients| gradients[name].data.as_slice());
        let [rounded, without] = [lifted, unscaled].map(|got| distance(got, want));
        let lost = distance(scaled, lifted);
        println!(
            "{name}: rounding costs {rounded:.1e}, underflow {lost:.1e}, and {without:.1e} without a scale"
        );
        assert!(lost < rounded, "{name}: underflow costs {lost:.1e}, rounding only {rounded:.1e}");
        // A direction is left: asin 0.3 is 17°.
        assert!(rounded < 0.3, "{name}: off by {rounded:.1e} of its norm at a scale that is large enough");
        assert!(without > 0.9, "{name}: only {without:.1e} without a scale: this test shows nothing");
    }
}

#[test]
fn the_same_seed_and_a_restart_give_the_same_bits() {
    for gpu in shared_devices() {
        let config = Config { precision: Precision::F16, ..config("adamw") };
        let open = || Trainer::new(gpu, &config).expect("the net is small");
        let run = |trainer: &mut Trainer, steps: std::ops::Range<u64>| {
            trainer.set_length(&RunLength { total: 8, ..RunLength::default() });
            // The first scale is too large, so that steps are skipped on either side of the restart.
            steps.map(|at| step(trainer, &config, at)).last().expect("there are steps")
        };
        let high = || with(open(), |tensors| state(tensors).expect("a loss scale")[0] = 2.0f32.powi(34));
        let (mut whole, mut again) = (high(), high());
        let last = run(&mut whole, 0..8);
        run(&mut again, 0..4);
        let (tensors, position) = (again.export().expect("the device answers"), again.position());
        drop(again);
        let mut resumed = open();
        resumed.import(&tensors, &position).expect("its own tensors");
        let after = run(&mut resumed, 4..8);
        assert!(last.scaling.is_some_and(|scaling| scaling.skipped_steps > 0), "{last:?}");
        assert_eq!((after.scaling, after.loss.to_bits()), (last.scaling, last.loss.to_bits()));
        let [want, got] = [&whole, &resumed].map(|trainer| trainer.export().expect("the device answers"));
        assert!(want == got, "{}: a resumed run is another one", gpu.family());
    }
}
