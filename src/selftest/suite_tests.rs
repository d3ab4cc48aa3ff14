use super::*;
use crate::gpu::Tensor;
use crate::ops::{normalize, vector};
use crate::selftest::reference::{Tensor64, norm};

const UNIT: &str = "normalize.wgsl/forward";

/// A suite on the best adapter.
fn suite() -> Suite {
    Suite::new(&Gpu::open(None, None).expect("an adapter; `make test` installs one"))
}

/// Rows of unit length, and what they must be.
fn unit(bench: &mut Bench) -> Result<(Tensor, Tensor64)> {
    let x = bench.random(&[5, 7]);
    let tx = bench.upload(&x);
    Ok((normalize::forward(bench.plan(), &tx)?, norm::l2_normalize(&x)))
}

#[test]
fn a_right_result_passes() {
    let mut suite = suite();
    suite.case("right", |bench| {
        let (y, want) = unit(bench)?;
        bench.expect("unit", &y, &want, 1e-6);
        Ok(())
    });
    let Outcome { cases, failures, scores } = suite.outcome;
    assert!(cases == 1 && failures.is_empty(), "{failures:?}");
    assert_eq!(scores.keys().collect::<Vec<_>>(), [UNIT]);
    let score = &scores[UNIT];
    assert!(score.passed() && score.cases == 1 && score.error < 1e-6, "{score:?}");
    assert_eq!(score.tolerance.to_bits(), 1e-6f64.to_bits());
}

/// Two of the kernels of a case are right and one result is disturbed a little more than is allowed.
#[test]
fn a_wrong_value_is_reported_with_its_case_error_and_tolerance() {
    let mut suite = suite();
    suite.case("disturbed", |bench| {
        let (y, mut want) = unit(bench)?;
        let size = want.data.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        want.data[11] += 3e-6 * size;
        bench.expect("unit", &y, &want, 1e-6);
        let (x, bias) = (bench.random(&[3, 4]), bench.random(&[4]));
        let (tx, tbias) = (bench.upload(&x), bench.upload(&bias));
        vector::add_bias(bench.plan(), &tx, &tbias)?;
        let data = x.data.iter().enumerate().map(|(at, v)| v + bias.data[at % 4]).collect();
        bench.expect("biased", &tx, &Tensor64::new(&[3, 4], data), 1e-6);
        Ok(())
    });
    let Outcome { failures, scores, .. } = suite.outcome;
    let [failure] = failures.as_slice() else { panic!("one failure is wanted: {failures:?}") };
    for word in ["disturbed: unit: 1 of 35 values differ; worst at 11", "allowed 1.0e-6"] {
        assert!(failure.contains(word), "{failure}");
    }
    assert!(!scores[UNIT].passed() && scores[UNIT].error > 2e-6 && scores[UNIT].error < 4e-6, "{scores:?}");
    assert!(scores["vector.wgsl/add_bias"].passed(), "who is innocent is not blamed: {scores:?}");
}

#[test]
fn a_result_that_nobody_writes_is_reported() {
    let mut suite = suite();
    suite.case("unwritten", |bench| {
        let nothing = bench.random(&[4]);
        let tensor = bench.lab.zeros(crate::gpu::Shape::matrix(1, 4));
        let read = bench.plan().lease(tensor.shape);
        bench.expect("nothing", &read, &nothing, 1e30);
        Ok(())
    });
    assert_eq!(suite.outcome.failures.len(), 1, "NaN is an error, whatever is allowed");
}

#[test]
fn errors_fail_their_case_and_the_next_one_runs() {
    let mut suite = suite();
    let lost = || Err(Error::DeviceLost("pulled out".into()));
    suite.case("lost", |bench| {
        unit(bench)?;
        lost()
    });
    let reason = || "no registers left".to_owned();
    let refused = Error::Shader { file: "a.wgsl".into(), entry: "f".into(), reason: reason() };
    suite.case("refused", |bench| unit(bench).and(Err(refused)));
    suite.case("right", |bench| {
        let (y, want) = unit(bench)?;
        bench.expect("unit", &y, &want, 1e-6);
        Ok(())
    });
    let Outcome { cases, failures, scores } = &suite.outcome;
    assert!(*cases == 3 && failures.len() == 2, "{failures:?}");
    assert!(failures[0].contains("pulled out") && failures[1].contains(&reason()), "{failures:?}");
    assert_eq!((scores[UNIT].cases, scores[UNIT].failed), (2, 1), "the lost case and the right one");
    assert!(scores["a.wgsl/f"].failed == 1 && scores["a.wgsl/f"].error.is_infinite());
    for _ in 1..MOST_LOSSES {
        suite.case("lost", |_| lost());
    }
    suite.case("right", |_| panic!("a device that is lost again and again is not tried for ever"));
    assert!(suite.outcome.failures.last().is_some_and(|last| last.contains("not tried")));
}

#[test]
fn outcomes_add_up_and_keep_the_error_that_is_worst_beside_its_tolerance() {
    let one = |failed, error, tolerance| {
        let score = Score { cases: 2, failed, error, tolerance };
        Outcome { cases: 2, failures: Vec::new(), scores: [(UNIT.to_owned(), score)].into() }
    };
    let mut sum = Outcome::default();
    for outcome in [one(0, 1e-5, 1e-3), one(1, 5e-6, 1e-6), one(0, 0.0, 0.0)] {
        sum.merge(outcome);
    }
    let score = &sum.scores[UNIT];
    assert_eq!((sum.cases, score.cases, score.failed), (6, 6, 1));
    assert_eq!([score.error, score.tolerance].map(f64::to_bits), [5e-6, 1e-6f64].map(f64::to_bits));
}

/// The operations whose kernels have workgroup memory. The test that runs them fails if one is forgotten.
const SHARING: [&str; 15] = [
    "convolutions",
    "wide_convolutions",
    "linear_layers",
    "batch_norms",
    "codes_by_sinkhorn",
    "balanced_banks",
    "swapped_losses",
    "contrastive_losses",
    "labelled_losses",
    "reports",
    "updates",
    "crops",
    "loss_scales",
    "linear_classifiers",
    "limits_of_adapters",
];

/// In the forms that this adapter runs.
#[test]
fn no_kernel_reads_workgroup_memory_that_it_has_not_written() {
    use crate::gpu::{Choices, Family, kernels_with_shared_memory, poisoned};
    use crate::ops::SHADERS;
    use crate::selftest::{OPERATIONS, entry_points, variants};
    let gpu = Gpu::open(None, None).expect("an adapter; `make test` installs one");
    let sharing: BTreeSet<String> =
        SHADERS.iter().flat_map(|shader| kernels_with_shared_memory(shader)).collect();
    for family in gpu.facts().families() {
        let mut judged = BTreeSet::new();
        for operation in OPERATIONS.iter().filter(|operation| SHARING.contains(&operation.name)) {
            let tiles = family == Family::Tile && operation.has_variants();
            let forms = if tiles { variants(family) } else { vec![Choices::usual(family)] };
            for form in forms {
                let gpu = Gpu::open_with(None, Some(form.clone())).expect("it was opened before");
                let outcome = poisoned(|| operation.run(&gpu));
                assert!(outcome.failures.is_empty(), "{} {form}: {:?}", operation.name, outcome.failures);
                judged.extend(outcome.scores.into_keys());
            }
        }
        let own = entry_points(family).expect("shaders are valid");
        let wanted: Vec<_> = own.iter().filter(|kernel| sharing.contains(*kernel)).collect();
        assert!(wanted.len() > 10, "{wanted:?}");
        let missing: Vec<_> = wanted.iter().filter(|kernel| !judged.contains(**kernel)).collect();
        assert!(missing.is_empty(), "{family}: nothing in SHARING runs {missing:?}");
    }
}

/// The test above would see a kernel that is wrong.
#[test]
fn memory_that_nobody_wrote_is_no_number_in_that_test() {
    use crate::gpu::{Arena, Grid, Kernel, Plan, Session, Shader, Shape, Usage, poisoned, shader_params};
    shader_params! { struct Params { unused: u32 } }
    const CARELESS: Shader = Shader {
        file: "careless.wgsl",
        text: "var<workgroup> floats: array<f32, 8>;
            var<workgroup> places: array<u32, 8>;
            @group(0) @binding(0) var<storage, read_write> y: array<f32>;
            fn float(at: u32) -> f32 { return floats[at]; }
            @compute @workgroup_size(4) fn look(@builtin(local_invocation_index) index: u32) {
                y[index] = float(index + 4u);
                y[index + 4u] = f32(places[index + 4u]);
            }",
        shared: &[],
        portable: true,
    };
    let gpu = Gpu::open(None, None).expect("an adapter; `make test` installs one");
    let arena = Arc::new(Arena::default());
    let y = arena.lease(Shape::matrix(2, 4), Usage::Storage, "what was there");
    let kernel: Kernel<Params> = poisoned(|| gpu.kernel(&CARELESS, "look", &[])).expect("it is sound WGSL");
    let mut plan = Plan::new(&gpu, &arena);
    plan.dispatch(&kernel, Grid([1, 1, 1]), Params::default(), &[&y]).expect("a small tensor");
    let session = Session::allocate(&gpu, &arena).expect("a little memory");
    session.run(&session.bind(plan).expect("a small plan")).expect("it is done");
    let found = session.read(&y).expect("it is done");
    assert!(found[..4].iter().all(|v| v.is_nan()) && found[4..].iter().all(|&v| v > 2e9), "{found:?}");
}
