//! Seconds a training step for the configurations that peers were timed with (C1, C2, C3, C4a, C4b).
//!
//! `cargo bench --bench step -- C4b` times one of them. Medians of whole steps, the report included,
//! after a warm-up in which the driver compiles; on a shared machine compare within one run only.

#[path = "networks.rs"]
mod networks;

use networks::{NETWORKS, Network};
use std::time::Instant;
use swav_wgpu::gpu::Gpu;
use swav_wgpu::method::swav::Trainer;
use swav_wgpu::rng::{Purpose, Stream};

fn time(network: &Network) -> Result<(), Box<dyn std::error::Error>> {
    let Network { name, gflop, .. } = network;
    let config = network.config()?;
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
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    for network in &NETWORKS {
        // C3 needs gigabytes: only when it is named.
        if wanted.iter().any(|w| w == network.name) || wanted.is_empty() && network.name != "C3" {
            time(network)?;
        }
    }
    Ok(())
}
