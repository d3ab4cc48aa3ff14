//! How long a step of many ranks takes on paper: what they exchange and compute more than once, from a step's time on one
//! device and the bandwidth and latency of a network.
//!
//! `cargo bench --bench ranks` is ResNet-50 with the official crops and 64 pictures a rank; `-- --help` lists what can be
//! changed. docs/scale.md says what is exchanged.

use clap::{Arg, ArgAction, Command, value_parser};
use std::error::Error;
use swav_wgpu::config::{Config, Preset};
use swav_wgpu::measure::flop_per_step;
use swav_wgpu::model::NetworkSpec;

/// The part of a step that is backward, in which gradients could travel.
const BACKWARD: f64 = 2.0 / 3.0;
/// Bytes of gradients that are added at once, by all ranks together (`method::meeting`).
const PIECES: f64 = (16 << 20) as f64;

/// What a step of a rank is made of.
struct Step {
    /// Seconds of a rank's share on its own.
    alone: f64,
    /// Pictures of a rank.
    share: f64,
    /// Bytes of a picture's features, all crops.
    features: f64,
    /// Bytes of the trunk's gradients.
    gradients: f64,
    /// The share of a step's operations that is after the trunk.
    head: f64,
}

/// A network between ranks.
struct Wire {
    bytes_per_s: f64,
    latency: f64,
}

impl Step {
    fn of(config: &Config, alone: f64) -> Self {
        let is_head = |name: &str| name.starts_with("projection_head") || name.starts_with("prototypes");
        let is_trained = |name: &str| !name.contains("running_");
        let tensors = NetworkSpec::of_config(config).tensors();
        let trunk = tensors.iter().filter(|(name, _)| !is_head(name) && is_trained(name));
        let gradients: usize = trunk.map(|(_, shape)| shape.iter().product::<usize>() * 4).sum();
        let head: usize = tensors
            .iter()
            .filter(|(name, shape)| is_head(name) && shape.len() == 2)
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        let rows = config.batch * config.crop_count();
        // Two operations a multiplication and addition: forward, and backward to inputs and weights.
        let head = (6 * head * rows) as f64 / flop_per_step(config) as f64;
        let features = config.trunk().features() * config.crop_count() * 4;
        let [share, features, gradients] = [config.batch, features, gradients].map(|count| count as f64);
        Self { alone, share, features, gradients, head }
    }

    /// Seconds of computing, of exchanging features, and of exchanging gradients, with so many ranks.
    fn times(&self, ranks: f64, wire: &Wire) -> [f64; 3] {
        let others = ranks - 1.0;
        // Every rank computes what is after the trunk for the whole batch.
        let computing = self.alone * (1.0 + self.head * others);
        let features = others * self.share * self.features / wire.bytes_per_s + others * wire.latency;
        // A piece goes to everybody, and the sum of one's own to everybody.
        let messages = (self.gradients / PIECES).ceil() * 2.0 * others;
        let gradients = 2.0 * self.gradients * others / ranks / wire.bytes_per_s + messages * wire.latency;
        [computing, features, gradients]
    }
}

fn numbers(name: &'static str, help: &'static str, usual: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .default_value(usual)
        .value_delimiter(',')
        .value_parser(value_parser!(f64))
}

fn main() -> Result<(), Box<dyn Error>> {
    swav_wgpu::launch::prepare();
    let arguments = Command::new("ranks")
        .arg(numbers("ranks", "How many ranks", "8,64,512"))
        .arg(numbers("gbit", "Gigabits a second that a rank sends", "10,25,100"))
        .arg(numbers("latency", "Microseconds of a message", "20"))
        .arg(numbers(
            "step",
            "Milliseconds of a rank's share on its own, as `swav-wgpu bench` measures it",
            "100",
        ))
        .arg(numbers("share", "Pictures of a rank", "64"))
        // What cargo passes to every benchmark.
        .arg(Arg::new("bench").long("bench").hide(true).action(ArgAction::SetTrue))
        .get_matches();
    let all =
        |name: &str| arguments.get_many::<f64>(name).into_iter().flatten().copied().collect::<Vec<f64>>();
    let one = |name: &str| all(name).first().copied().unwrap_or(f64::NAN);
    let config = Config { batch: one("share") as usize, ..Config::from_preset(Preset::Imagenet256)? };
    let step = Step::of(&config, one("step") * 1e-3);
    println!(
        "{} pictures a rank in {:.0} ms; {:.1} MB of features and {:.1} MB of gradients a rank; {:.2} % of the work is \
         after the trunk, and every rank does it for all\n",
        config.batch,
        step.alone * 1e3,
        step.share * step.features * 1e-6,
        step.gradients * 1e-6,
        100.0 * step.head
    );
    println!(
        "| ranks | batch | Gb/s | computing, ms | features, ms | gradients, ms | step, ms | efficiency | step with gradients hidden behind backward, ms | efficiency |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for ranks in all("ranks") {
        for gbit in all("gbit") {
            let wire = Wire { bytes_per_s: gbit * 1e9 / 8.0, latency: one("latency") * 1e-6 };
            let [computing, features, gradients] = step.times(ranks, &wire);
            let plain = computing + features + gradients;
            let hidden = computing + features + (gradients - BACKWARD * step.alone).max(0.0);
            println!(
                "| {ranks} | {} | {gbit} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} | {:.0} | {:.2} |",
                ranks * step.share,
                computing * 1e3,
                features * 1e3,
                gradients * 1e3,
                plain * 1e3,
                step.alone / plain,
                hidden * 1e3,
                step.alone / hidden
            );
        }
    }
    Ok(())
}
