//! What ends a step: codes, loss and update.

use crate::field::{Field, noise};
use crate::shapes::Layers;
use crate::stand::{Stand, Work};
use swav_wgpu::error::Result;
use swav_wgpu::gpu::Shape;
use swav_wgpu::ops::optimizer::{self, Rule, Scaling, Settings, Shard, Span, VECTOR};
use swav_wgpu::ops::sinkhorn::{self, Problem};
use swav_wgpu::ops::{Step, loss, optimizer::tables};
use swav_wgpu::selftest::bench::{Bench, largest};
use swav_wgpu::selftest::reference::optim::{AdamW, Larc, Moments, sgd};
use swav_wgpu::selftest::reference::{Tensor64, loss as losses, sinkhorn as reference};

const EPSILON: f64 = 0.05;
const ITERATIONS: u32 = 3;
const RATE: f64 = 0.01;

/// Codes of one assignment crop.
fn codes(stand: &mut Stand, name: &str, batch: usize, prototypes: usize) -> Result<()> {
    let shape = Shape::matrix(batch as u32, prototypes as u32);
    // Gathered, read twice an iteration, and made into codes.
    let work = Work::Bytes(f64::from(4 + 2 * ITERATIONS) * shape.bytes() as f64);
    stand.time(&format!("{name} {batch} × {prototypes} sinkhorn::codes"), work, |bench| {
        let scores = Field::new(shape, 30);
        let (tscores, step) = (scores.upload(bench), bench.lab.step(Step::default()));
        let problem = Problem {
            queue: 0,
            batch: batch as u32,
            assigned: 1,
            epsilon: EPSILON as f32,
            iterations: ITERATIONS,
        };
        let (q, _) = sinkhorn::codes(bench.plan(), &problem, &tscores, &tscores, &step)?;
        let want = reference::sinkhorn(&scores.rows(batch), EPSILON, ITERATIONS as usize);
        bench.expect("codes", &q, &want, 2e-6 + 2e-7 / EPSILON);
        Ok(())
    })
}

/// The official batch: what peers were timed with.
pub(crate) fn official_codes(stand: &mut Stand) -> Result<()> {
    codes(stand, "official", 4096, 3000)
}

fn swapped(stand: &mut Stand, layers: &Layers) -> Result<()> {
    let (crops, batch, k) = (layers.config.crop_count(), layers.config.batch, layers.config.prototypes);
    let (rows, temperature) = (crops * batch, 0.1f32);
    let shape = Shape::matrix(rows as u32, k as u32);
    let work = Work::Bytes(2.0 * shape.bytes() as f64);
    stand.time(&format!("{} {shape} loss::forward_backward", layers.name), work, |bench| {
        let scores = Field::new(shape, 31);
        let q: Vec<Tensor64> = (0..2).map(|crop| shares(crop, batch, k)).collect();
        let (tscores, tcodes) = (scores.upload(bench), bench.upload(&Tensor64::concat(&q)));
        let (dscores, _) =
            loss::forward_backward(bench.plan(), &tscores, &tcodes, batch as u32, 3, temperature)?;
        let settings = losses::Settings {
            batch,
            assign: vec![0, 1],
            epsilon: EPSILON,
            iterations: ITERATIONS as usize,
            temperature: f64::from(temperature),
        };
        let (_, want) = losses::swapped_loss(&scores.rows(rows), &q, &settings);
        bench.expect("dscores", &dscores, &want, 1e-5);
        Ok(())
    })
}

/// Codes: rows that sum to 1, in numbers that the device holds exactly.
fn shares(crop: u64, rows: usize, columns: usize) -> Tensor64 {
    let mut data: Vec<f64> =
        (0..rows * columns).map(|at| (3.0 * f64::from(noise(32 + crop, at))).exp()).collect();
    for row in data.chunks_mut(columns) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|v| *v = f64::from((*v / sum) as f32));
    }
    Tensor64::new(&[rows, columns], data)
}

/// The parameters of a network with made-up numbers.
struct Parameters {
    spans: Vec<Span>,
    quads: u32,
}

impl Parameters {
    fn of(layers: &Layers) -> Self {
        let (mut spans, mut first) = (Vec::new(), 0);
        for &(values, vector) in &layers.parameters {
            let quads = values.div_ceil(4) as u32;
            spans.push(Span { first, quads, flags: if vector { VECTOR } else { 0 } });
            first = (first + quads).div_ceil(16) * 16;
        }
        Self { spans, quads: first }
    }

    fn shard(&self, bench: &mut Bench, second: bool) -> Shard {
        let (chunks, table) = tables(&self.spans);
        let shape = Shape::matrix(self.quads, 4);
        let field = |seed| Field::new(shape, seed);
        Shard {
            value: field(40).upload(bench),
            gradient: field(41).upload(bench),
            moment: bench.lab.zeros(shape),
            second: second.then(|| bench.lab.zeros(shape)),
            chunks: bench.lab.words(&chunks),
            parameters: bench.lab.words(&table),
        }
    }

    /// Value and gradient of one parameter.
    fn parameter(&self, at: usize) -> [Tensor64; 2] {
        let Span { first, quads, flags } = self.spans[at];
        let (from, count) = (first as usize * 4, quads as usize * 4);
        let shape: &[usize] = if flags == VECTOR { &[count] } else { &[count, 1] };
        let of = |seed| (from..from + count).map(|at| f64::from(noise(seed, at))).collect();
        [40, 41].map(|seed| Tensor64::new(shape, of(seed)))
    }
}

fn updates(stand: &mut Stand, layers: &Layers) -> Result<()> {
    let parameters = Parameters::of(layers);
    let bytes = f64::from(parameters.quads) * 16.0;
    let values: usize = layers.parameters.iter().map(|&(values, _)| values).sum();
    let decay = 1e-6f32;
    for adaptive in [false, true] {
        let (rule, what, passes) = if adaptive {
            (Rule::AdamW { beta1: 0.9, beta2: 0.999 }, "AdamW", 9.0)
        } else {
            (Rule::Sgd { scaling: Scaling::Larc { trust: 0.001, clip: false }, momentum: 0.9 }, "LARC", 7.0)
        };
        let name = format!("{} {values} values optimizer::update {what}", layers.name);
        stand.time(&name, Work::Bytes(passes * bytes), |bench| {
            let shard = parameters.shard(bench, adaptive);
            let [correction1, correction2] = [0.9, 0.999].map(|beta: f32| 1.0 - beta);
            let step = bench.lab.step(Step {
                learning_rate: RATE as f32,
                correction1,
                correction2,
                late_correction1: correction1,
                late_correction2: correction2,
                ..Step::default()
            });
            let settings = Settings { rule, weight_decay: decay, exclude: false };
            optimizer::update(bench.plan(), &shard, &settings, &step)?;
            for at in [0, 1, parameters.spans.len() / 2, parameters.spans.len() - 1] {
                let [mut value, gradient] = parameters.parameter(at);
                let before = value.clone();
                updated(rule, f64::from(decay), &mut value, &gradient);
                let from = parameters.spans[at].first as usize * 4;
                let count = value.len();
                let pick =
                    move |got: &[f32]| Ok(got[from..from + count].iter().map(|&v| f64::from(v)).collect());
                let scale = largest(&before.data);
                bench.expect_picked(format!("parameter {at}"), &shard.value, pick, &value.data, 1e-6, scale);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The first update of a parameter.
fn updated(rule: Rule, weight_decay: f64, value: &mut Tensor64, gradient: &Tensor64) {
    let rate = f64::from(RATE as f32);
    match rule {
        Rule::Sgd { scaling, momentum } => {
            let g = match scaling {
                Scaling::Larc { trust, clip } => {
                    let trust = f64::from(trust);
                    let larc = Larc { trust, epsilon: 1e-8, weight_decay, clip, exclude_rank1: false };
                    larc.adjust(value, gradient, rate)
                }
                Scaling::None | Scaling::Lars { .. } => unreachable!("LARC and AdamW are timed"),
            };
            sgd(value, &g, &mut None, f64::from(momentum), rate);
        }
        Rule::AdamW { beta1, beta2 } => {
            let [beta1, beta2] = [beta1, beta2].map(f64::from);
            let mut moments = Moments::new(&value.shape);
            AdamW { beta1, beta2, epsilon: 1e-8, weight_decay }.step(value, gradient, &mut moments, rate);
        }
    }
}

/// Everything at the end of a network's step.
pub(crate) fn time(stand: &mut Stand, layers: &Layers) -> Result<()> {
    codes(stand, layers.name, layers.config.batch, layers.config.prototypes)?;
    swapped(stand, layers)?;
    updates(stand, layers)
}
