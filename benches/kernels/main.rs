//! Every hot kernel at the shapes of real networks: ResNet-18 (C1), ResNet-50 (C3), width 16 (C4b).
//!
//! `cargo bench --bench kernels -- C1 forward` times the cases whose names hold both words, and
//! `--family tile` takes other kernels than the adapter would. Each case is compared with `f64` before
//! it is timed (large ones on a sample of their results), and stands beside what the same processor
//! does in native code in the same run: a GEMM for what multiplies, a memcpy for what moves.
//!
//! Times are the device's own (a stamp before and after each dispatch), medians with the smallest and
//! the largest of several runs; `around` is what a submission takes beside that, copies into textures
//! above all. Without time stamps whole submissions are timed. On a shared machine compare only within
//! one run: the ceilings are taken again at its end.
//!
//! | file | what |
//! |---|---|
//! | `stand` | checks, times and prints a case |
//! | `ceiling` | the processor's GEMM and memcpy |
//! | `field` | made-up activations |
//! | `shapes` | the layers of a network and what they work on |
//! | `conv`, `rows`, `step_end` | the cases |

mod ceiling;
mod conv;
mod field;
mod rows;
mod shapes;
mod stand;
mod step_end;

use shapes::Layers;
use stand::Stand;
use std::error::Error;
use swav_wgpu::gpu::{Family, Gpu};
use swav_wgpu::measure::CASES;

/// The networks whose shapes are timed.
const TIMED: [&str; 3] = ["C1", "C3", "C4b"];

fn family(name: &str) -> Result<Family, String> {
    name.parse().map_err(|reason| format!("--family: {reason}"))
}

fn main() -> Result<(), Box<dyn Error>> {
    swav_wgpu::launch::prepare();
    let (mut words, mut wanted) = (Vec::new(), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--family" => wanted = Some(family(&arguments.next().unwrap_or_default())?),
            "--bench" => {} // cargo's own
            _ => words.push(argument),
        }
    }
    let gpu = Gpu::open(None, wanted)?;
    let facts = gpu.facts();
    println!("{} ({}, driver {}), {} kernels", facts.name, facts.backend, facts.driver, gpu.family());
    let mut stand = Stand::new(&gpu, words);
    for case in CASES.iter().filter(|case| TIMED.contains(&case.name)) {
        let layers = Layers::of(case.name, &case.config()?);
        conv::time(&mut stand, &layers)?;
        rows::time(&mut stand, &layers)?;
        step_end::time(&mut stand, &layers)?;
    }
    step_end::official_codes(&mut stand)?;
    stand.finish()
}
