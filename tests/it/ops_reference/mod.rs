//! Every entry point of every shader, in every kernel family that the adapter runs, against the `f64`
//! reference at awkward sizes: 1, primes, a group, tile, panel or chunk and one more or less, channels
//! that are no multiple of four, windows larger than the picture, grids that must be folded.
//!
//! | file | what |
//! |---|---|
//! | `bench` | the comparer, and what it checks of every case beside the values |
//! | `conv` | convolution, linear layer, layout of weights |
//! | `batch_norm` | training, evaluation, gradient |
//! | `rows` | pools, rows of unit length, masks, biases |
//! | `codes` | Sinkhorn, its marginals and symmetry |
//! | `step_end` | loss, queue, report |
//! | `optimizer` | LARC, SGD, AdamW |
//! | `folded` | more workgroups than one dimension holds |
//!
//! An operation's cases run once, whoever asks first: its own test, or the test that asks whether all
//! kernels have been dispatched. Tolerances are stated in each file, relative to the largest value.

mod batch_norm;
mod bench;
mod codes;
mod conv;
mod folded;
mod optimizer;
mod rows;
mod step_end;

use crate::lab::shared_devices;
use bench::{Outcome, Suite};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use swav_wgpu::ops::SHADERS;

/// The cases of one operation, and what came of them.
struct Operation {
    name: &'static str,
    cases: fn(&mut Suite<'_>),
    outcome: OnceLock<Outcome>,
}

impl Operation {
    const fn new(name: &'static str, cases: fn(&mut Suite<'_>)) -> Self {
        Self { name, cases, outcome: OnceLock::new() }
    }

    fn outcome(&self) -> &Outcome {
        self.outcome.get_or_init(|| {
            let mut outcome = Outcome::default();
            let start = std::time::Instant::now();
            for gpu in shared_devices() {
                (self.cases)(&mut Suite { gpu, outcome: &mut outcome });
            }
            println!("{}: {:?}", self.name, start.elapsed());
            outcome
        })
    }
}

/// Declares the operations and a test for each.
macro_rules! operations {
    ($($test:ident: $cases:path,)*) => {
        static OPERATIONS: [Operation; [$(stringify!($test)),*].len()] =
            [$(Operation::new(stringify!($test), $cases)),*];
        $(#[test]
        fn $test() {
            passes(stringify!($test));
        })*
    };
}

operations! {
    convolutions: conv::convolutions,
    linear_layers: conv::linear_layers,
    layouts_of_weights: conv::layouts,
    batch_norms: batch_norm::batch_norms,
    pools: rows::pooled,
    rows_of_unit_length: rows::unit_length,
    masks_and_biases: rows::vectors,
    codes_by_sinkhorn: codes::sinkhorn,
    swapped_losses: step_end::swapped,
    queues: step_end::rings,
    reports: step_end::reports,
    updates: optimizer::updates,
    folded_grids: folded::grids,
}

fn passes(name: &str) {
    let operation = OPERATIONS.iter().find(|o| o.name == name).expect("declared above");
    let outcome = operation.outcome();
    for ((family, what), (error, tolerance)) in &outcome.worst {
        println!("{name:<20} {family:<9} {what:<17} worst {error:.1e}, allowed {tolerance:.1e}");
    }
    let shown = outcome.failures.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(outcome.failures.is_empty(), "{} differences:\n{shown}", outcome.failures.len());
}

/// Family and `file/entry point` of everything that can be dispatched: a file that names a family
/// belongs to it alone, the others to both.
fn wanted_kernels() -> BTreeSet<(String, String)> {
    let mut wanted = BTreeSet::new();
    for gpu in shared_devices() {
        let (family, other) = match gpu.family() {
            swav_wgpu::gpu::Family::Subgroup => ("subgroup", ".tile."),
            swav_wgpu::gpu::Family::Tile => ("tile", ".subgroup."),
        };
        for shader in SHADERS.iter().filter(|s| !s.file.contains(other)) {
            let module = naga::front::wgsl::parse_str(&shader.source()).expect("shaders are valid");
            let entries = module.entry_points.iter().map(|e| format!("{}/{}", shader.file, e.name));
            wanted.extend(entries.map(|kernel| (family.to_owned(), kernel)));
        }
    }
    wanted
}

/// A kernel that nobody compares with the reference fails here.
#[test]
fn every_entry_point_is_compared_in_every_family() {
    let dispatched: BTreeSet<_> = OPERATIONS.iter().flat_map(|o| o.outcome().kernels.clone()).collect();
    let missing: Vec<_> = wanted_kernels().difference(&dispatched).cloned().collect();
    assert!(missing.is_empty(), "no case dispatches these kernels: {missing:#?}");
}
