//! The exact search of kNN at the size that PyTorch was timed at: 10,000 queries in a bank of 50,000 × 512.
//!
//! ```sh
//! cargo bench --bench neighbours            # k 20 and 200, three times each
//! cargo bench --bench neighbours -- 1000    # with so many queries
//! ```

use std::time::Instant;
use swav_wgpu::error::Result;
use swav_wgpu::eval::Features;
use swav_wgpu::gpu::Gpu;
use swav_wgpu::method::neighbours::Search;
use swav_wgpu::rng::{Purpose, Stream};

const BANK: usize = 50_000;
const DIM: usize = 512;
const TIMES: usize = 3;

fn main() -> Result<()> {
    // cargo passes `--bench`; a number is how many queries.
    let queries = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(10_000);
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
        let mut seconds: Vec<f64> = Vec::new();
        for _ in 0..TIMES {
            let start = Instant::now();
            let found = search.nearest(&bank, &asked)?;
            seconds.push(start.elapsed().as_secs_f64());
            assert!(found.len() == queries && found.iter().all(|near| near.len() == k));
        }
        seconds.sort_by(f64::total_cmp);
        let best = seconds[0];
        println!(
            "k {k:3}: {best:.2} s at best, {:.2} s in the middle; {:.1} GF/s",
            seconds[TIMES / 2],
            work / best / 1e9
        );
    }
    Ok(())
}
