//! Seconds a training step for the configurations that peers were timed with (C1, C2, C4a, C4b).
//!
//! `cargo bench --bench step -- C4b` times one of them, `-- C4b --recompute` with that setting. Medians of whole steps, the report included,
//! after a warm-up in which the driver compiles; on a shared machine compare within one run only.

use std::time::Instant;
use swav_wgpu::config::Config;
use swav_wgpu::gpu::Gpu;
use swav_wgpu::method::swav::Trainer;
use swav_wgpu::rng::{Purpose, Stream};

/// Name, settings, and GFLOP a step (2 · MAC of convolutions and linear layers, forward and backward).
type Case = (&'static str, &'static [(&'static str, &'static str)], f64);

const CONFIGS: [Case; 4] = [
    (
        "C1",
        &[
            ("arch", "resnet18"),
            ("stem", "cifar"),
            ("batch", "64"),
            ("crops", "2x32@0.1-1,4x20@0.1-1"),
            ("hidden", "512"),
            ("prototypes", "300"),
        ],
        795.0,
    ),
    (
        "C2",
        &[
            ("arch", "resnet18"),
            ("stem", "imagenet"),
            ("batch", "32"),
            ("crops", "2x64@0.1-1,4x32@0.1-1"),
            ("hidden", "512"),
            ("prototypes", "300"),
        ],
        84.0,
    ),
    (
        "C4a",
        &[
            ("block", "basic"),
            ("blocks", "1,1,1,1"),
            ("width", "16"),
            ("stem", "cifar"),
            ("batch", "128"),
            ("crops", "2x32@0.1-1,4x20@0.1-1"),
            ("hidden", "128"),
            ("embedding", "64"),
            ("prototypes", "100"),
        ],
        46.0,
    ),
    (
        "C4b",
        &[
            ("block", "basic"),
            ("blocks", "2,2,2,2"),
            ("width", "16"),
            ("stem", "cifar"),
            ("batch", "128"),
            ("crops", "2x32@0.1-1,4x20@0.1-1"),
            ("hidden", "128"),
            ("embedding", "64"),
            ("prototypes", "100"),
        ],
        100.0,
    ),
];

fn time(
    name: &str,
    settings: &[(&str, &str)],
    gflop: f64,
    recompute: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    config.set("eval_size", "32")?;
    config.recompute = recompute;
    for (key, value) in settings {
        config.set(key, value)?;
    }
    let gpu = Gpu::open(None, None)?;
    let mut trainer = Trainer::new(&gpu, &config)?;
    let mut stream = Stream::new(1, Purpose::Test, &[]);
    let groups: Vec<Vec<f32>> = config
        .crops
        .iter()
        .map(|g| {
            let pixels = g.count * config.batch * g.size * g.size;
            let mut pixel = || [stream.normal() as f32, stream.normal() as f32, stream.normal() as f32, 0.0];
            (0..pixels).flat_map(|_| pixel()).collect()
        })
        .collect();
    let mut step = || -> Result<f64, Box<dyn std::error::Error>> {
        let start = Instant::now();
        trainer.step(&groups, 0.1)?;
        trainer.flush()?;
        Ok(start.elapsed().as_secs_f64())
    };
    let first = step()?;
    step()?;
    let mut seconds = (0..5).map(|_| step()).collect::<Result<Vec<_>, _>>()?;
    seconds.sort_by(f64::total_cmp);
    let (median, images) = (seconds[2], config.batch as f64);
    println!(
        "{name}: {median:.3} s/step (min {:.3}, max {:.3}; first {first:.1}), {:.1} images/s, {:.1} GF/s, {} MB, {} dispatches",
        seconds[0],
        seconds[4],
        images / median,
        gflop / median,
        trainer.memory().peak() / 1_000_000,
        trainer.dispatches()
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let recompute = std::env::args().any(|a| a == "--recompute");
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    for (name, settings, gflop) in CONFIGS {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            time(name, settings, gflop, recompute)?;
        }
    }
    Ok(())
}
