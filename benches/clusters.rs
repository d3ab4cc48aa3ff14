//! Labels for a whole bank, as before an epoch of DeepCluster-v2 and SeLa-v2: 50,000 rows of 128, 3 heads of 3000.
//!
//! ```sh
//! cargo bench --bench clusters                                # k-means, and an iteration of Sinkhorn
//! cargo bench --bench clusters -- --python torch/bin/python   # and PyTorch and faiss before and after
//! ```

#[path = "peers/run.rs"]
mod peers;

use clap::{Arg, ArgAction, Command, value_parser};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;
use swav_wgpu::eval::Features;
use swav_wgpu::gpu::Gpu;
use swav_wgpu::method::balance::{Balancer, Rounds};
use swav_wgpu::method::clusters::Clusterer;
use swav_wgpu::pass::Pass;
use swav_wgpu::rng::{Purpose, Stream};

const DIM: usize = 128;
const CLUSTERS: usize = 3000;
const HEADS: usize = 3;
/// Of k-means, before the labels are taken once more.
const ITERATIONS: usize = 10;
/// Of Sinkhorn, which all take the same time.
const ROUNDS: usize = 3;
const PEERS: [&str; 2] = ["torch", "faiss"];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/torch_clusters.py");

/// A peer and the seconds that it takes for all heads.
fn peer(python: &Path, name: &str, rows: usize) -> Result<(String, f64), Box<dyn Error>> {
    let sizes = [rows, DIM, CLUSTERS, HEADS, ITERATIONS].map(|size| size.to_string());
    let found = peers::answer(peers::script(python, SCRIPT).arg(name).args(sizes))?;
    let seconds = found["seconds"].as_f64().ok_or("no seconds")?;
    Ok((found["peer"].as_str().unwrap_or(name).to_owned(), seconds))
}

/// Seconds of k-means for all heads.
fn cluster(clusterer: &Clusterer, bank: &Features) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    for head in 0..HEADS {
        let picks: Vec<usize> = (0..CLUSTERS).map(|pick| pick * HEADS + head).collect();
        let found = clusterer.cluster(&Pass::default(), bank, &picks, ITERATIONS)?;
        assert_eq!(found.counts.iter().sum::<u32>() as usize, bank.rows);
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds of an iteration of Sinkhorn for one head, and of its labels.
fn balance(balancer: &Balancer, bank: &Features, prototypes: &Features) -> Result<[f64; 2], Box<dyn Error>> {
    let seconds = |most: usize| -> Result<f64, Box<dyn Error>> {
        let start = Instant::now();
        balancer.balance(&Pass::default(), bank, prototypes, Rounds { most, tolerance: 0.0 })?;
        Ok(start.elapsed().as_secs_f64())
    };
    let labels = seconds(0)?;
    Ok([(seconds(ROUNDS)? - labels) / ROUNDS as f64, labels])
}

fn main() -> Result<(), Box<dyn Error>> {
    swav_wgpu::launch::prepare();
    let matches = Command::new("clusters")
        .about("Seconds of labels for a whole bank of features")
        .arg(
            Arg::new("rows")
                .long("rows")
                .value_parser(value_parser!(usize))
                .default_value("50000")
                .help("Rows of the bank, 9000 at least"),
        )
        .arg(
            Arg::new("python")
                .long("python")
                .value_parser(value_parser!(PathBuf))
                .help("A Python with torch or faiss, which clusters before and after us"),
        )
        // What `cargo bench` itself passes on.
        .arg(Arg::new("bench").long("bench").action(ArgAction::SetTrue).hide(true))
        .get_matches();
    let rows = matches.get_one("rows").copied().unwrap_or(50_000);
    let python = matches.get_one::<PathBuf>("python");
    let gpu = Gpu::open(None, None)?;
    let mut random = Stream::new(1, Purpose::Test, &[]);
    let mut unit = |n: usize| {
        let data = (0..n * DIM).map(|_| random.normal() as f32).collect();
        Ok::<_, swav_wgpu::error::Error>(Features::new(n, DIM, data)?.unit(None))
    };
    let (bank, prototypes) = (unit(rows)?, unit(CLUSTERS)?);
    println!("{rows} x {DIM}, {HEADS} heads of {CLUSTERS}, on {}", gpu.facts().name);

    let clusterer = Clusterer::new(&gpu, DIM, CLUSTERS, rows)?;
    // The first use compiles the kernels.
    let picks: Vec<usize> = (0..CLUSTERS).collect();
    clusterer.cluster(&Pass::default(), &bank.select(&picks), &picks, 0)?;
    let turn = || PEERS.map(|name| python.map(|python| peer(python, name, rows)));
    let before = turn();
    let seconds = cluster(&clusterer, &bank)?;
    let after = turn();
    let work = 2.0 * (rows * DIM * CLUSTERS * HEADS * (ITERATIONS + 1)) as f64;
    println!("k-means: {seconds:.1} s, {:.1} GF/s", work / seconds / 1e9);
    for (before, after) in before.into_iter().zip(after) {
        match (before, after) {
            (Some(Ok((name, before))), Some(Ok((_, after)))) => println!(
                "  {name}: {before:.1} s before, {after:.1} s after: {:.2} of its speed",
                (before + after) / 2.0 / seconds
            ),
            (Some(Err(error)), _) | (_, Some(Err(error))) => println!("  a peer is left out: {error}"),
            _ => {}
        }
    }

    let balancer = Balancer::new(&gpu, DIM, CLUSTERS, rows, 0.05)?;
    balance(&balancer, &bank.select(&[0]), &prototypes)?;
    let [iteration, labels] = balance(&balancer, &bank, &prototypes)?;
    println!("Sinkhorn, one head: {iteration:.2} s an iteration, {labels:.2} s for labels");
    Ok(())
}
