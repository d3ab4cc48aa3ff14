//! A supervised training step of meganeura's ResNet-50: the peer of
//! `cargo bench --bench step -- C3 --peer meganeura`.
//!
//! usage: meganeura-peer [--steps N] [--warmup N] [--batch N]
//!
//! The library brings this network with cross entropy over 1000 classes and without batch norms, whose
//! factors it folds into the weights. So a step is forward, backward and plain SGD of one crop of 224
//! pixels an image. It has neither the other crops of SwAV nor its head, codes and optimiser, which is
//! why the race compares operations a second and not steps.
//!
//! The driver variables of Vulkan select the adapter, `MEGANEURA_DEVICE_ID` one of several. The last
//! line is JSON.

use meganeura::graph::{Graph, Node, Op};
use meganeura::models::resnet;
use meganeura::{GpuOptions, Session, SessionConfig};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

const USAGE: &str = "usage: meganeura-peer [--steps N] [--warmup N] [--batch N]";

const SIDE: usize = 224;
const CLASSES: usize = 1000;

/// Without batch norms a larger rate diverges on noise; it changes no figure.
const RATE: f32 = 1e-4;

struct Plan {
    steps: usize,
    /// Steps that are not timed, because drivers compile in the first.
    warmup: usize,
    /// Images of a step.
    batch: usize,
}

impl Plan {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut plan = Self { steps: 5, warmup: 2, batch: 8 };
        while let Some(word) = words.next() {
            let (place, least) = match word.as_str() {
                "--steps" => (&mut plan.steps, 1),
                "--warmup" => (&mut plan.warmup, 0),
                "--batch" => (&mut plan.batch, 1),
                _ => return Err(USAGE.into()),
            };
            let number = words.next().and_then(|number| number.parse().ok());
            *place = number.filter(|&number| number >= least).ok_or(USAGE)?;
        }
        Ok(plan)
    }
}

/// Random numbers that are the same in every run.
struct Noise(u64);

impl Noise {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between 0 and 1, both excluded.
    fn uniform(&mut self) -> f32 {
        ((self.bits() >> 40) as f32 + 0.5) / (1u64 << 24) as f32
    }

    fn normals(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        let mut normal =
            || (-2.0 * self.uniform().ln()).sqrt() * (std::f32::consts::TAU * self.uniform()).cos();
        (0..count).map(|_| deviation * normal()).collect()
    }
}

/// Multiplications and additions of a node: convolutions and the linear layer have them.
fn products(graph: &Graph, node: &Node) -> u64 {
    let terms = match node.op {
        Op::Conv2d { in_channels, kernel_h, kernel_w, .. } => in_channels * kernel_h * kernel_w,
        Op::MatMul => graph.nodes()[node.inputs[1] as usize].ty.shape[0] as u32,
        _ => 0,
    };
    node.ty.num_elements() as u64 * u64::from(terms)
}

/// Operations of a step, counted as our own figures are: two a product, backward twice as many as
/// forward, and no gradient of the pictures, which the library's optimiser removes from its graph too.
fn flop(graph: &Graph) -> u64 {
    let takes_pictures = |node: &Node| {
        let first = node.inputs.first().map(|&input| &graph.nodes()[input as usize].op);
        matches!(first, Some(Op::Input { .. }))
    };
    let times = |node: &Node| if takes_pictures(node) { 2 } else { 3 };
    graph.nodes().iter().map(|node| 2 * times(node) * products(graph, node)).sum()
}

/// Fails where a loss shows that the library does not compute rightly on this driver.
fn judge(loss: f32, is_first: bool) -> Result<(), String> {
    if !loss.is_finite() {
        return Err(format!("meganeura's loss is {loss}, so the time of its step says nothing"));
    }
    // Weights are random, so only logits that nobody wrote are all the same.
    if is_first && (loss - (CLASSES as f32).ln()).abs() < 1e-5 {
        return Err(format!(
            "meganeura's first loss is ln {CLASSES}, as if its logits were all zero: it does not compute \
             rightly on this driver, so the time of its step says nothing; try another driver"
        ));
    }
    Ok(())
}

/// Gives every weight a start that keeps activations finite: He's, and a fifth of it where a block joins
/// its sum, since no batch norm holds that back. Biases start at nothing.
fn start(session: &mut Session, graph: &Graph, noise: &mut Noise) -> usize {
    let weights = |node: &Node| node.inputs.get(1).copied().unwrap_or_default();
    let mut learned = 0;
    for node in graph.nodes() {
        let Op::Parameter { name } = &node.op else { continue };
        let count = node.ty.num_elements();
        let user = graph.nodes().iter().find(|user| weights(user) == node.id && products(graph, user) > 0);
        let fan_in = user.map(|user| products(graph, user) / user.ty.num_elements() as u64);
        let gain = if name.ends_with("conv3.weight") { 0.2 } else { 1.0 };
        let deviation = fan_in.map_or(0.0, |fan_in| gain * (2.0 / fan_in as f32).sqrt());
        session.set_parameter(name, &noise.normals(count, deviation));
        learned += count;
    }
    learned
}

/// Opens the adapter and compiles the step.
fn open(graph: &Graph) -> Result<Session, Box<dyn Error>> {
    // The library's own default ends in a panic where there is no adapter.
    let gpu = meganeura::init_gpu_context_with(GpuOptions::from_env())
        .map_err(|error| format!("meganeura cannot train on this machine: {error}"))?;
    let config = SessionConfig { gpu: Some(Arc::new(gpu)), ..SessionConfig::from_env() };
    Ok(meganeura::build(graph, config).0)
}

/// How products are made: by matrix units where the library found some that it trusts.
fn mode(session: &Session) -> String {
    let dispatches = &session.plan().dispatches;
    let by_units = dispatches.iter().filter(|dispatch| dispatch.use_coop).count();
    let inputs = match meganeura::runtime::auto_tune(&session.context(), 0).coop_caps.f32_tile {
        0 => "f16",
        _ => "f32",
    };
    match by_units {
        0 => "f32, no matrix units".into(),
        _ => format!("f32, {by_units} of {} dispatches by matrix units of {inputs}", dispatches.len()),
    }
}

/// One step to its end, upload and the loss read back included: its seconds and its loss.
fn step(session: &mut Session, images: &[f32], labels: &[f32]) -> (f64, f32) {
    let start = Instant::now();
    session.set_input("image", images);
    session.set_input("labels", labels);
    session.step();
    session.wait();
    let loss = session.read_loss();
    (start.elapsed().as_secs_f64(), loss)
}

/// Trains all steps, and gives the seconds of those that are timed, the fastest first.
fn train(session: &mut Session, noise: &mut Noise, plan: &Plan) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut labels = vec![0.0; plan.batch * CLASSES];
    for label in labels.chunks_mut(CLASSES) {
        label[noise.bits() as usize % CLASSES] = 1.0;
    }
    let images = noise.normals(plan.batch * 3 * SIDE * SIDE, 1.0);
    let mut seconds = Vec::new();
    for number in 0..plan.warmup + plan.steps {
        let (took, loss) = step(session, &images, &labels);
        let kind = if number < plan.warmup { " (warm-up)" } else { "" };
        println!("step {number}{kind}: loss {loss:.6}, {took:.4} s");
        judge(loss, number == 0)?;
        seconds.push(took);
    }
    let mut timed = seconds.split_off(plan.warmup);
    timed.sort_by(f64::total_cmp);
    Ok(timed)
}

/// Says in words what was measured, and in a last line of JSON for the race.
fn report(session: &Session, plan: &Plan, flop: u64, timed: &[f64]) {
    let n = timed.len();
    let median = 0.5 * (timed[(n - 1) / 2] + timed[n / 2]);
    let images_per_s = plan.batch as f64 / median;
    let gflop_per_s = flop as f64 * 1e-9 / median;
    println!(
        "{median:.4} s/step [{:.4} {:.4}], {images_per_s:.2} images/s, {gflop_per_s:.1} GF/s",
        timed[0],
        timed[n - 1]
    );
    let line = serde_json::json!({
        "peer": "meganeura 0.3",
        "config": "ResNet-50 at 224 without batch norms, one crop an image",
        "mode": mode(session),
        "device": session.device_information().device_name,
        "batch": plan.batch,
        "steps": n,
        "s_step": median,
        "s_min": timed[0],
        "s_max": timed[n - 1],
        "flop": flop,
        "images_per_s": images_per_s,
        "gflop_per_s": gflop_per_s,
    });
    println!("{line}");
}

fn run() -> Result<(), Box<dyn Error>> {
    let plan = Plan::read(std::env::args().skip(1))?;
    let (opened, mut noise) = (Instant::now(), Noise(7));
    let graph = resnet::build_resnet50_training(u32::try_from(plan.batch)?);
    let flop = flop(&graph);
    println!(
        "ResNet-50 without batch norms on {} images of {SIDE} pixels, one crop each: forward, backward and SGD, \
         {:.1} GFLOP a step",
        plan.batch,
        flop as f64 * 1e-9
    );
    let mut session = open(&graph)?;
    let learned = start(&mut session, &graph, &mut noise);
    println!("{learned} weights, opened in {:.1} s", opened.elapsed().as_secs_f64());
    session.set_learning_rate(RATE);
    let timed = train(&mut session, &mut noise, &plan)?;
    report(&session, &plan, flop, &timed);
    Ok(())
}

fn main() -> ExitCode {
    // What the library warns of, such as missing matrix units; RUST_LOG asks for more.
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
