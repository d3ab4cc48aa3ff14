//! The loss scale: what it divides, when it skips a step, how it changes, and what a skipped step moves.

use crate::error::Result;
use crate::gpu::{ShaderParams as _, Shape, Tensor};
use crate::ops::Step;
use crate::ops::loss_scale::{self, CEILING, FLOOR, ScaleState};
use crate::ops::optimizer::{self, PROTOTYPES, Rule, SCALED, Scaling, Settings, Shard, Span, VECTOR};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::loss_scale::{State, adjust};
use crate::selftest::reference::optim::{AdamW, Moments};
use crate::selftest::reference::{Tensor64, optim};
use crate::selftest::suite::Suite;

const TOLERANCE: f64 = 1e-6;
const BETAS: [f32; 2] = [0.9, 0.999];
const PATIENCE: u32 = 3;

/// Values and flags of the parameters; a chunk has 4096 values.
const PARAMETERS: [(usize, u32); 4] =
    [(5000, SCALED), (7, SCALED | VECTOR), (4100, PROTOTYPES), (64, VECTOR)];

fn upload_state(bench: &mut Bench, state: &State, verdict: f32) -> Tensor {
    let [power1, power2, late_power1, late_power2] = state.powers.map(|power| power as f32);
    let state = ScaleState {
        scale: state.scale as f32,
        good_steps: state.good as f32,
        skipped_steps: state.skipped as f32,
        skipped: verdict,
        power1,
        power2,
        late_power1,
        late_power2,
        ..ScaleState::default()
    };
    bench.lab.upload(ScaleState::shape(), state.words().to_vec())
}

/// A shard of [`PARAMETERS`], one behind the other, with random numbers.
struct Parts {
    spans: Vec<Span>,
    value: Tensor64,
    gradient: Tensor64,
    moment: Tensor64,
    second: Tensor64,
}

impl Parts {
    fn new(bench: &mut Bench) -> Self {
        let mut first = 0;
        let span = |(len, flags): (usize, u32)| {
            let quads = len.div_ceil(4) as u32;
            first += quads;
            Span { first: first - quads, quads, flags }
        };
        let spans: Vec<_> = PARAMETERS.into_iter().map(span).collect();
        let rows = spans.iter().map(|span| span.quads as usize).sum();
        let mut random = |scale: f64| bench.random(&[rows, 4]).map(|v| f64::from((v * scale) as f32));
        let (value, gradient, moment) = (random(1.0), random(0.01), random(0.02));
        let second = random(0.01).map(|v| f64::from((v * v) as f32));
        Self { spans, value, gradient, moment, second }
    }

    fn upload(&self, bench: &mut Bench, adaptive: bool) -> Shard {
        let (chunks, table) = optimizer::tables(&self.spans);
        let (chunks, parameters) = (bench.lab.words(&chunks), bench.lab.words(&table));
        let [value, gradient, moment] = [&self.value, &self.gradient, &self.moment].map(|t| bench.upload(t));
        let second = adaptive.then(|| bench.upload(&self.second));
        Shard { value, gradient, moment, second, chunks, parameters }
    }

    /// The rows of a parameter.
    fn of(&self, tensor: &Tensor64, parameter: usize) -> Tensor64 {
        let Span { first, quads, .. } = self.spans[parameter];
        tensor.slice(first as usize, (first + quads) as usize)
    }
}

/// Only the gradients that came through half precision are divided.
fn unscaled(bench: &mut Bench, scale: f64) -> Result<()> {
    let parts = Parts::new(bench);
    let shard = parts.upload(bench, false);
    let state = upload_state(bench, &State { scale, good: 0.0, skipped: 0.0, powers: [1.0; 4] }, 0.0);
    loss_scale::unscale(bench.plan(), &shard, &state)?;
    let want: Vec<Tensor64> = (0..PARAMETERS.len())
        .map(|p| {
            let by = if PARAMETERS[p].1 & SCALED == 0 { 1.0 } else { scale };
            parts.of(&parts.gradient, p).map(|g| g / by)
        })
        .collect();
    // The scale is a power of two: nothing is rounded.
    bench.expect("unscaled", &shard.gradient, &Tensor64::concat(&want), 0.0);
    Ok(())
}

/// One step after a state: `bad` is a parameter of 70 with values that are no numbers.
fn verdict(bench: &mut Bench, state: &State, bad: Option<usize>, frozen: bool) -> Result<()> {
    let norms = (0..70).flat_map(|p| [1.0, 1.0, if bad == Some(p) { 3.0 } else { 0.0 }, 1.0]).collect();
    let norms = bench.upload(&Tensor64::new(&[70, 4], norms));
    let tensor = upload_state(bench, state, 0.0);
    let step = bench.lab.step(Step { frozen: u32::from(frozen), ..Step::default() });
    let [beta1, beta2] = BETAS;
    loss_scale::adjust(bench.plan(), &norms, &tensor, &step, Rule::AdamW { beta1, beta2 }, PATIENCE)?;
    let limits = [FLOOR, CEILING].map(f64::from);
    let non_finite = if bad.is_some() { 3.0 } else { 0.0 };
    let betas = BETAS.map(f64::from);
    let (after, skipped) = adjust(state, non_finite, limits, f64::from(PATIENCE), betas, frozen);
    let want = [after.scale, after.good, after.skipped, f64::from(u8::from(skipped)), state.scale];
    let pick = |range: std::ops::Range<usize>| {
        move |got: &[f32]| Ok(got[range.clone()].iter().map(|&v| f64::from(v)).collect())
    };
    bench.expect_picked("state", &tensor, pick(0..5), &want, 0.0, 1.0);
    bench.expect_picked("powers", &tensor, pick(8..12), &after.powers, TOLERANCE, 1.0);
    Ok(())
}

/// An update under a verdict: a step that is skipped moves nothing, and AdamW counts those taken.
fn update(bench: &mut Bench, rule: Rule, skipped: bool) -> Result<()> {
    const RATE: f64 = 0.25;
    const STEPS: [i32; 2] = [5, 2]; // taken: of all parameters, and of the prototypes
    let parts = Parts::new(bench);
    let adaptive = matches!(rule, Rule::AdamW { .. });
    let shard = parts.upload(bench, adaptive);
    let [beta1, beta2] = BETAS.map(f64::from);
    let powers = [beta1.powi(STEPS[0]), beta2.powi(STEPS[0]), beta1.powi(STEPS[1]), beta2.powi(STEPS[1])];
    let state = State { scale: 8.0, good: 0.0, skipped: 4.0, powers };
    let tensor = upload_state(bench, &state, if skipped { 1.0 } else { 0.0 });
    // Corrections that count every step: they must not be used.
    let step = bench.lab.step(Step {
        learning_rate: RATE as f32,
        correction1: 1.0,
        correction2: 1.0,
        ..Step::default()
    });
    let settings = Settings { rule, weight_decay: 0.0, exclude: false };
    let norms = optimizer::measure(bench.plan(), &shard, &settings, &step)?;
    optimizer::apply(bench.plan(), &shard, &settings, &step, &norms, Some(&tensor))?;
    let mut want = [Vec::new(), Vec::new()];
    for (p, (_, flags)) in PARAMETERS.into_iter().enumerate() {
        let [mut value, moment] = [&parts.value, &parts.moment].map(|t| parts.of(t, p));
        let gradient = parts.of(&parts.gradient, p);
        let moment = match rule {
            _ if skipped => moment,
            Rule::AdamW { .. } => {
                let steps = STEPS[usize::from(flags & PROTOTYPES != 0)] - 1;
                let mut moments = Moments { m: moment, v: parts.of(&parts.second, p), steps };
                let rule = AdamW { beta1, beta2, epsilon: 1e-8, weight_decay: 0.0 };
                rule.step(&mut value, &gradient, &mut moments, RATE);
                moments.m
            }
            Rule::Sgd { momentum, .. } => {
                let mut velocity = Some(moment.clone());
                optim::sgd(&mut value, &gradient, &mut velocity, f64::from(momentum), RATE);
                velocity.unwrap_or(moment)
            }
        };
        want[0].push(value);
        want[1].push(moment);
    }
    // The second power is 0.999⁵ in single precision, and its distance from 1 is what divides.
    let tolerance = if skipped { 0.0 } else { 3e-5 };
    for ((what, tensor), want) in [("value", &shard.value), ("moment", &shard.moment)].into_iter().zip(want) {
        let want = Tensor64::concat(&want);
        bench.expect_scaled(what, tensor, &want, tolerance, largest(&want.data));
    }
    Ok(())
}

pub(super) fn scales(suite: &mut Suite) {
    for scale in [1.0, 1024.0, f64::from(CEILING)] {
        suite.case(format!("gradients divided by {scale}"), |bench| unscaled(bench, scale));
    }
    let state = |scale, good| State { scale, good, skipped: 2.0, powers: [0.5, 0.25, 0.75, 1.0] };
    for (scale, good) in [
        (65_536.0, 0.0),
        (65_536.0, 2.0),         // doubled
        (1.5, 1.0),              // cut off by the floor
        (f64::from(FLOOR), 0.0), // stays there
        (f64::from(CEILING), 2.0),
        (f64::from(CEILING), 3.0),
    ] {
        for (bad, frozen) in [(None, true), (None, false), (Some(0), true), (Some(69), false)] {
            let name = format!("verdict at {scale} after {good} good steps, bad {bad:?}, frozen {frozen}");
            suite.case(name, |bench| verdict(bench, &state(scale, good), bad, frozen));
        }
    }
    let [beta1, beta2] = BETAS;
    for rule in [Rule::Sgd { scaling: Scaling::None, momentum: 0.9 }, Rule::AdamW { beta1, beta2 }] {
        for skipped in [false, true] {
            suite.case(format!("{rule:?}, skipped {skipped}"), |bench| update(bench, rule, skipped));
        }
    }
    assert_eq!(ScaleState::shape(), Shape::matrix(1, ScaleState::default().words().len() as u32));
}
