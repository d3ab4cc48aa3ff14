//! The exact search of kNN at the size that PyTorch was timed at: 10,000 queries in a bank of 50,000 × 512.
//!
//! ```sh
//! cargo bench --bench neighbours                                # k 20 and 200, three times each
//! cargo bench --bench neighbours -- --queries 1000
//! cargo bench --bench neighbours -- --python torch/bin/python   # and PyTorch before and after each
//! ```

#[path = "peers/run.rs"]
mod peers;

use clap::{Arg, ArgAction, Command, value_parser};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;
use swav_wgpu::eval::Features;
use swav_wgpu::gpu::Gpu;
use swav_wgpu::judge::device::search::Search;
use swav_wgpu::measure::Spread;
use swav_wgpu::rng::{Purpose, Stream};

const BANK: usize = 50_000;
const DIM: usize = 512;
const TIMES: usize = 3;
const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/torch_neighbours.py");

/// Seconds that PyTorch takes.
fn torch(python: &Path, queries: usize, k: usize) -> Result<f64, Box<dyn Error>> {
    let sizes = [queries, BANK, DIM, k].map(|size| size.to_string());
    let found = peers::answer(peers::script(python, PEER).args(sizes))?;
    Ok(found["seconds"].as_f64().ok_or("no seconds")?)
}

/// Seconds that we take, in the middle of some turns.
fn ours(search: &Search, bank: &Features, asked: &Features, k: usize) -> Result<f64, Box<dyn Error>> {
    let mut seconds: Vec<f64> = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        let found = search.nearest(bank, asked)?;
        seconds.push(start.elapsed().as_secs_f64());
        assert!(found.len() == asked.rows && found.iter().all(|near| near.len() == k));
    }
    Ok(Spread::of(&seconds).median)
}

fn main() -> Result<(), Box<dyn Error>> {
    swav_wgpu::launch::prepare();
    let matches = Command::new("neighbours")
        .about("Seconds of an exact search for the nearest neighbours")
        .arg(
            Arg::new("queries")
                .long("queries")
                .value_parser(value_parser!(usize))
                .default_value("10000")
                .help("Rows that are looked up"),
        )
        .arg(
            Arg::new("python")
                .long("python")
                .value_parser(value_parser!(PathBuf))
                .help("A Python with torch, which searches before and after us"),
        )
        // What `cargo bench` itself passes on.
        .arg(Arg::new("bench").long("bench").action(ArgAction::SetTrue).hide(true))
        .get_matches();
    let queries = matches.get_one("queries").copied().unwrap_or(10_000);
    let python = matches.get_one::<PathBuf>("python");
    let gpu = Gpu::open(None, None)?;
    let mut random = Stream::new(1, Purpose::Test, &[]);
    let mut rows = |n: usize| {
        let data = (0..n * DIM).map(|_| random.uniform() as f32 - 0.5).collect();
        Ok::<_, swav_wgpu::error::Error>(Features::new(n, DIM, data)?.unit(None))
    };
    let (bank, asked) = (rows(BANK)?, rows(queries)?);
    println!("{queries} queries, {BANK} x {DIM}, on {}", gpu.facts().name);
    let work = 2.0 * queries as f64 * BANK as f64 * DIM as f64;
    for k in [20, 200] {
        let search = Search::new(&gpu, DIM, k, BANK, queries)?;
        // The first use compiles the kernels.
        search.nearest(&bank, &Features::new(1, DIM, asked.row(0).to_vec())?)?;
        let before = python.map(|python| torch(python, queries, k)).transpose()?;
        let seconds = ours(&search, &bank, &asked, k)?;
        println!("k {k:3}: {seconds:.2} s, {:.1} GF/s", work / seconds / 1e9);
        if let (Some(before), Some(python)) = (before, python) {
            let after = torch(python, queries, k)?;
            println!(
                "       PyTorch {before:.2} s before, {after:.2} s after: {:.2} of its speed",
                (before + after) / 2.0 / seconds
            );
        }
    }
    Ok(())
}
