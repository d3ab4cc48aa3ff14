//! One update of a shard: LARC, SGD, AdamW and the average of a target network, with what they leave alone.
//!
//! The shard holds parameters of one value to more than two chunks, gaps between them, a zero gradient,
//! a zero weight and prototypes. Everything that is no parameter must keep its bits.

use crate::error::Result;
use crate::gpu::Shape;
use crate::ops::Step;
use crate::ops::optimizer::{self, PROTOTYPES, Rule, Scaling, Settings, Shard, Span, VECTOR};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::Tensor64;
use crate::selftest::reference::optim::{AdamW, Larc, Moments, decayed, follow, lars_ratio, sgd};
use crate::selftest::suite::Suite;

const TOLERANCE: f64 = 1e-6;
const RATE: f64 = 0.37;
const BETAS: (f32, f32) = (0.9, 0.999);

/// Values, flags, whether the weights are zero, whether the gradient is. A chunk has 4096 values.
const PARAMETERS: &[(usize, u32, bool, bool)] = &[
    (1, VECTOR, false, false),
    (3, 0, false, false),
    (4, VECTOR, true, false), // a bias at its first step
    (5, 0, false, true),
    (257, VECTOR, false, false),
    (4095, 0, false, false),
    (4096, 0, true, true),
    (4097, 0, false, false),
    (9000, PROTOTYPES, false, false),
    (64, VECTOR | PROTOTYPES, false, false),
];

/// What a gap holds: no update may touch it.
const GAP: f32 = 7.0;

struct Parameter {
    span: Span,
    len: usize,
    value: Tensor64,
    gradient: Tensor64,
    moment: Tensor64,
    second: Tensor64,
}

/// The table above with random numbers, each parameter 16 quads aligned as in the store.
fn parameters(bench: &mut Bench) -> Vec<Parameter> {
    let mut first = 0;
    let mut all = Vec::new();
    for &(len, flags, no_value, no_gradient) in PARAMETERS {
        let quads = len.div_ceil(4) as u32;
        // A vector is one row; more dimensions are all the same to the update.
        let shape: &[usize] = if flags & VECTOR == 0 { &[len, 1] } else { &[len] };
        let random =
            |bench: &mut Bench, scale: f64| bench.random(shape).map(|v| f64::from((scale * v) as f32));
        let (value, gradient) = (
            random(bench, f64::from(u8::from(!no_value))),
            random(bench, 0.01 * f64::from(u8::from(!no_gradient))),
        );
        let (moment, second) = (random(bench, 0.02), random(bench, 0.01).map(|v| f64::from((v * v) as f32)));
        all.push(Parameter { span: Span { first, quads, flags }, len, value, gradient, moment, second });
        first = (first + quads).div_ceil(16) * 16;
    }
    all
}

/// The parameters' numbers in their places; padding is zero, gaps are not.
fn shard_of(parameters: &[Parameter], of: impl Fn(&Parameter) -> &Tensor64) -> Vec<f32> {
    let end = parameters.last().map_or(0, |p| (p.span.first + p.span.quads) as usize * 4 + 64);
    let mut all = vec![GAP; end];
    for p in parameters {
        let at = p.span.first as usize * 4;
        all[at..at + p.span.quads as usize * 4].fill(0.0);
        all[at..at + p.len].copy_from_slice(&of(p).to_f32());
    }
    all
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    rule: Rule,
    decay: f32,
    exclude: bool,
    frozen: bool,
}

/// Updates made so far: of all parameters, and of the late ones.
const STEPS: (i32, i32) = (7, 2);

impl Parameter {
    fn has(&self, flag: u32) -> bool {
        self.span.flags & flag != 0
    }

    /// The gradient as SGD gets it, and the ratio that it was scaled by.
    fn scaled(&self, scaling: Scaling, decay: f64, setting: &Setting) -> (Tensor64, f64) {
        let (p, g) = (&self.value, &self.gradient);
        match scaling {
            Scaling::None => (decayed(p, g, decay), 1.0),
            Scaling::Larc { trust, clip } => {
                let weight_decay = f64::from(setting.decay);
                let larc = Larc {
                    trust: f64::from(trust),
                    epsilon: 1e-8,
                    weight_decay,
                    clip,
                    exclude_rank1: setting.exclude,
                };
                (larc.adjust(p, g, RATE), larc.ratio(p, g, RATE).unwrap_or(1.0))
            }
            Scaling::Lars { trust } => {
                let excluded = setting.exclude && self.has(VECTOR);
                let ratio = if excluded { 1.0 } else { lars_ratio(p, g, f64::from(trust), decay) };
                (decayed(p, g, decay).map(|g| ratio * g), ratio)
            }
        }
    }

    /// Weights, moments and the ratio of LARC or LARS after the update.
    fn updated(&self, setting: &Setting) -> (Tensor64, Tensor64, Tensor64, f64) {
        let (mut value, decay) = (self.value.clone(), f64::from(setting.decay));
        let excluded = setting.exclude && self.has(VECTOR);
        let still = setting.frozen && self.has(PROTOTYPES);
        let kept = |ratio| (self.value.clone(), self.moment.clone(), self.second.clone(), ratio);
        match setting.rule {
            Rule::AdamW { beta1, beta2 } => {
                let (beta1, beta2) = (f64::from(beta1), f64::from(beta2));
                let weight_decay = if excluded { 0.0 } else { decay };
                let rule = AdamW { beta1, beta2, epsilon: 1e-8, weight_decay };
                let steps = if self.has(PROTOTYPES) { STEPS.1 } else { STEPS.0 };
                let mut moments = Moments { m: self.moment.clone(), v: self.second.clone(), steps };
                if still {
                    return kept(1.0);
                }
                rule.step(&mut value, &self.gradient, &mut moments, RATE);
                (value, moments.m, moments.v, 1.0)
            }
            Rule::Sgd { scaling, momentum } => {
                let decays = if excluded { 0.0 } else { decay };
                let (g, ratio) = self.scaled(scaling, decays, setting);
                if still {
                    return kept(ratio);
                }
                let mut velocity = Some(self.moment.clone());
                sgd(&mut value, &g, &mut velocity, f64::from(momentum), RATE);
                (value, velocity.expect("an update has been made"), self.second.clone(), ratio)
            }
        }
    }
}

fn step(frozen: bool) -> Step {
    let correction = |beta: f32, steps: i32| (1.0 - f64::from(beta).powi(steps)) as f32;
    let (now, late) = (STEPS.0 + 1, STEPS.1 + 1);
    Step {
        learning_rate: RATE as f32,
        frozen: u32::from(frozen),
        correction1: correction(BETAS.0, now),
        correction2: correction(BETAS.1, now),
        late_correction1: correction(BETAS.0, late),
        late_correction2: correction(BETAS.1, late),
        ..Step::default()
    }
}

fn upload_shard(bench: &mut Bench, parameters: &[Parameter], second: bool) -> Shard {
    let spans: Vec<_> = parameters.iter().map(|p| p.span).collect();
    let (chunks, table) = optimizer::tables(&spans);
    let (chunks, table) = (bench.lab.words(&chunks), bench.lab.words(&table));
    let mut shard = |of: fn(&Parameter) -> &Tensor64| {
        let data = shard_of(parameters, of);
        bench.lab.upload(Shape::matrix(data.len() as u32 / 4, 4), data)
    };
    Shard {
        value: shard(|p| &p.value),
        gradient: shard(|p| &p.gradient),
        moment: shard(|p| &p.moment),
        second: second.then(|| shard(|p| &p.second)),
        chunks,
        parameters: table,
    }
}

fn update(bench: &mut Bench, setting: &Setting) -> Result<()> {
    let all = parameters(bench);
    let adaptive = matches!(setting.rule, Rule::AdamW { .. });
    let shard = upload_shard(bench, &all, adaptive);
    let step = bench.lab.step(step(setting.frozen));
    let Setting { rule, decay, exclude, .. } = *setting;
    let settings = Settings { rule, weight_decay: decay, exclude };
    let norms = optimizer::update(bench.plan(), &shard, &settings, &step)?;
    let wanted: Vec<_> = all.iter().map(|p| p.updated(setting)).collect();
    let mut tensors = vec![("value", &shard.value), ("moment", &shard.moment), ("gradient", &shard.gradient)];
    tensors.extend(shard.second.as_ref().map(|second| ("second", second)));
    for (what, tensor) in tensors {
        for (p, (value, moment, second, _)) in all.iter().zip(&wanted) {
            let want = match what {
                "value" => value,
                "moment" => moment,
                "second" => second,
                _ => &p.gradient,
            };
            let frozen = setting.frozen && p.has(PROTOTYPES);
            let tolerance = if frozen || what == "gradient" { 0.0 } else { TOLERANCE };
            let from = p.span.first as usize * 4;
            let range = from..from + p.len;
            let pick = move |got: &[f32]| Ok(got[range.clone()].iter().map(|&v| f64::from(v)).collect());
            let scale = largest(&want.data).max(1e-9);
            bench.expect_picked(
                format!("{what} of {} values", p.len),
                tensor,
                pick,
                &want.data,
                tolerance,
                scale,
            );
        }
        let places: Vec<_> = all.iter().map(|p| (p.span.first as usize * 4, p.len)).collect();
        let before = shard_of(&all, |p| &p.gradient);
        let outside = move |at: usize| places.iter().all(|&(from, len)| at < from || at >= from + len);
        let untouched = |got: &[f32], outside: &dyn Fn(usize) -> bool| -> Vec<f64> {
            (0..got.len()).filter(|&at| outside(at)).map(|at| f64::from(got[at])).collect()
        };
        let want = untouched(&before, &outside);
        bench.expect_picked("outside", tensor, move |got| Ok(untouched(got, &outside)), &want, 0.0, 1.0);
    }
    let facts = all.iter().zip(&wanted).flat_map(|(p, w)| [p.value.norm(), p.gradient.norm(), 0.0, w.3]);
    let facts = Tensor64::new(&[all.len(), 4], facts.collect());
    for (column, what) in ["value_norm", "gradient_norm", "non_finite", "ratio"].into_iter().enumerate() {
        let want: Vec<f64> = facts.data.iter().skip(column).step_by(4).copied().collect();
        let pick = move |got: &[f32]| Ok(got.iter().skip(column).step_by(4).map(|&v| f64::from(v)).collect());
        bench.expect_picked(what, &norms, pick, &want, TOLERANCE, largest(&want).max(1e-9));
    }
    Ok(())
}

/// Values that are no numbers are counted, parameter by parameter.
fn bad_values(bench: &mut Bench, bad: &[(usize, usize, f32)]) -> Result<()> {
    let mut all = parameters(bench);
    let mut want = vec![0.0; all.len()];
    for &(parameter, at, value) in bad {
        all[parameter].gradient.data[at] = f64::from(value);
        want[parameter] += 1.0;
    }
    let shard = upload_shard(bench, &all, false);
    let step = bench.lab.step(step(false));
    let rule = Rule::Sgd { scaling: Scaling::Larc { trust: 0.001, clip: false }, momentum: 0.9 };
    let settings = Settings { rule, weight_decay: 1e-6, exclude: false };
    let norms = optimizer::update(bench.plan(), &shard, &settings, &step)?;
    let pick = |got: &[f32]| Ok(got.iter().skip(2).step_by(4).map(|&v| f64::from(v)).collect());
    bench.expect_picked("non_finite", &norms, pick, &want, 0.0, 1.0);
    Ok(())
}

pub(super) fn updates(suite: &mut Suite) {
    // A trust that clips without decay, and does not with much of it.
    let sgd = |scaling| Rule::Sgd { scaling, momentum: 0.9 };
    let larc = |clip| sgd(Scaling::Larc { trust: if clip { 0.02 } else { 0.001 }, clip });
    let (lars, plain) = (sgd(Scaling::Lars { trust: 0.001 }), sgd(Scaling::None));
    let adamw = Rule::AdamW { beta1: BETAS.0, beta2: BETAS.1 };
    for rule in [larc(false), larc(true), lars, plain, adamw] {
        for exclude in [false, true] {
            for frozen in [false, true] {
                for decay in [0.0, 1e-6, 0.05] {
                    let setting = Setting { rule, decay, exclude, frozen };
                    suite.case(format!("{setting:?}"), |bench| update(bench, &setting));
                }
            }
        }
    }
    let (nan, infinite) = (f32::NAN, f32::INFINITY);
    let several: &[_] =
        &[(0, 0, nan), (5, 4094, infinite), (5, 7, -infinite), (7, 4096, nan), (8, 8999, nan)];
    suite.case("no bad values", |bench| bad_values(bench, &[]));
    suite.case("several bad values", |bench| bad_values(bench, several));
}

/// A shard that follows another one, which has more behind its parameters.
fn follower(bench: &mut Bench, rate: f32) -> Result<()> {
    let (all, online) = (parameters(bench), parameters(bench));
    let mut before = shard_of(&all, |p| &p.value);
    let mut want: Vec<f64> = before.iter().map(|&v| f64::from(v)).collect();
    // Gaps are others there, so that one that is touched shows.
    let mut ahead = shard_of(&online, |p| &p.value);
    ahead.iter_mut().filter(|v| **v == GAP).for_each(|v| *v = -GAP);
    ahead.extend([3.0; 4096]);
    for (p, o) in all.iter().zip(&online) {
        let from = p.span.first as usize * 4;
        let place = from..from + p.len;
        let mut value = p.value.clone();
        follow(&mut value, &o.value, f64::from(rate));
        want[place.clone()].copy_from_slice(&value.data);
        // What has no share must not matter, even if it is no number.
        match rate {
            0.0 => before[place].fill(f32::NAN),
            1.0 => ahead[place].fill(f32::NAN),
            _ => {}
        }
    }
    let [target, online] = [before, ahead].map(|values| {
        let shape = Shape::matrix(values.len() as u32 / 4, 4);
        Shard { value: bench.lab.upload(shape, values), ..upload_shard(bench, &all, false) }
    });
    let trate = bench.lab.vector(&[rate]);
    optimizer::follow(bench.plan(), &target, &online, &trate)?;
    let pick = |got: &[f32]| Ok(got.iter().map(|&v| f64::from(v)).collect());
    let tolerance = if rate == 0.0 || rate == 1.0 { 0.0 } else { TOLERANCE };
    bench.expect_picked("target", &target.value, pick, &want, tolerance, 1.0);
    Ok(())
}

pub(super) fn followers(suite: &mut Suite) {
    for rate in [0.0, 0.5, 0.9, 0.996, 0.999_99, 1.0] {
        suite.case(format!("a target that follows at {rate}"), |bench| follower(bench, rate));
    }
}
