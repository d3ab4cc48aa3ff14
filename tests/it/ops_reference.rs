//! The library's self-test, in every kernel family that the adapter runs: every entry point of every
//! shader against the `f64` reference at awkward sizes.
//!
//! An operation's cases run once, whoever asks first: its own test, or the test that asks whether all
//! kernels have been compared.

use crate::devices::shared_devices;
use std::sync::OnceLock;
use swav_wgpu::selftest::{OPERATIONS, Outcome, Score, entry_points, variants};

/// What came of an operation's cases: an outcome for each device.
fn outcomes(index: usize) -> &'static [Outcome] {
    static OUTCOMES: [OnceLock<Vec<Outcome>>; OPERATIONS.len()] =
        [const { OnceLock::new() }; OPERATIONS.len()];
    OUTCOMES[index].get_or_init(|| shared_devices().iter().map(|gpu| OPERATIONS[index].run(gpu)).collect())
}

fn passes(name: &str) {
    let index = OPERATIONS.iter().position(|o| o.name == name).expect("the library has this operation");
    for (gpu, outcome) in shared_devices().iter().zip(outcomes(index)) {
        assert!(outcome.cases > 0, "{name} has no case for {}", gpu.family());
        for (kernel, score) in &outcome.scores {
            let (error, allowed) = (score.error, score.tolerance);
            println!("{:<9} {kernel:<45} worst {error:.1e}, allowed {allowed:.1e}", gpu.family());
        }
        let shown = outcome.failures.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
        assert!(outcome.failures.is_empty(), "{} differences:\n{shown}", outcome.failures.len());
        assert!(outcome.scores.values().all(Score::passed), "{:#?}", outcome.scores);
    }
}

/// Declares a test for each operation.
macro_rules! operations {
    ($($test:ident),* $(,)?) => {
        const TESTED: &[&str] = &[$(stringify!($test)),*];
        $(#[test]
        fn $test() {
            passes(stringify!($test));
        })*
    };
}

operations! {
    convolutions,
    wide_convolutions,
    linear_layers,
    layouts_of_weights,
    windows_of_winograd,
    batch_norms,
    pools,
    rows_of_unit_length,
    masks_and_biases,
    codes_by_sinkhorn,
    balanced_banks,
    swapped_losses,
    labelled_losses,
    regressions,
    queues,
    parts_of_a_batch,
    sums_of_parts,
    weights_of_parts,
    contrastive_losses,
    queues_in_panels,
    reports,
    updates,
    averages_of_weights,
    crops,
    loss_scales,
    nearest_neighbours,
    linear_classifiers,
    limits_of_adapters,
    folded_grids,
}

/// What a tuning may choose: each geometry of each family.
#[test]
fn every_variant_makes_the_same_products() {
    for gpu in shared_devices() {
        for choices in variants(gpu.family()) {
            let (label, gpu) = (choices.label(), gpu.with_choices(choices));
            for operation in OPERATIONS.iter().filter(|operation| operation.has_variants()) {
                let Outcome { failures, scores, .. } = operation.run(&gpu);
                let shown = failures.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
                assert!(failures.is_empty(), "{label}: {} differences:\n{shown}", failures.len());
                let file = format!("conv2d.{}.wgsl", gpu.family());
                // A linear layer belongs to the head, which is single precision.
                let forms: &[&str] = if operation.name == "convolutions" { &["", ".f16"] } else { &[""] };
                for (entry, form) in ["gather_multiply", "backward_weight"]
                    .iter()
                    .flat_map(|e| forms.iter().map(move |f| (e, f)))
                {
                    let score = &scores[&format!("{file}/{entry}{form}")];
                    let (error, allowed) = (score.error, score.tolerance);
                    println!("{label:<12} {entry}{form:<4} worst {error:.1e}, allowed {allowed:.1e}");
                    assert!(score.passed(), "{label}: {entry}{form}: {score:?}");
                }
            }
        }
    }
}

#[test]
fn every_operation_has_a_test() {
    assert!(
        OPERATIONS.iter().map(|o| o.name).eq(TESTED.iter().copied()),
        "OPERATIONS and these tests differ"
    );
}

/// A kernel that nobody compares with the reference fails here.
#[test]
fn every_entry_point_is_compared_in_every_family() {
    for (device, gpu) in shared_devices().iter().enumerate() {
        let compared = |kernel: &String| {
            (0..OPERATIONS.len()).any(|index| outcomes(index)[device].scores.contains_key(kernel))
        };
        let wanted = entry_points(gpu.family()).expect("shaders are valid");
        assert!(wanted.len() > 30, "{wanted:?}");
        let missing: Vec<_> = wanted.iter().filter(|&kernel| !compared(kernel)).collect();
        assert!(missing.is_empty(), "{}: no case has a result of {missing:#?}", gpu.family());
    }
}
