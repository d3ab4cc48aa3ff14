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

/// Of every operation whose kernels have workgroup memory, in the forms that this adapter runs.
#[test]
fn no_kernel_reads_workgroup_memory_that_it_has_not_written() {
    use crate::gpu::{Choices, Family, poisoned};
    use crate::selftest::{OPERATIONS, variants};
    let names = [
        "convolutions",
        "wide_convolutions",
        "linear_layers",
        "codes_by_sinkhorn",
        "swapped_losses",
        "labelled_losses",
        "reports",
        "updates",
        "crops",
        "loss_scales",
        "linear_classifiers",
    ];
    let gpu = Gpu::open(None, None).expect("an adapter; `make test` installs one");
    let mut judged = BTreeSet::new();
    for family in gpu.facts().families() {
        for operation in OPERATIONS.iter().filter(|operation| names.contains(&operation.name)) {
            let tiles = family == Family::Tile && operation.has_variants();
            let forms = if tiles { variants(family) } else { vec![Choices::usual(family)] };
            for form in forms {
                let gpu = Gpu::open_with(None, Some(form.clone())).expect("it was opened before");
                let outcome = poisoned(|| operation.run(&gpu));
                assert!(outcome.failures.is_empty(), "{} {form}: {:?}", operation.name, outcome.failures);
                judged.extend(outcome.scores.into_keys());
            }
        }
    }
    for wanted in [
        "conv2d.tile.wgsl/gather_multiply",
        "conv2d.tile.wgsl/backward_weight",
        "winograd.tile.wgsl/multiply",
        "optimizer.wgsl/norms",
        "augment.wgsl/adjust",
        "report.wgsl/summarize",
    ] {
        assert!(judged.contains(wanted), "{wanted}: {judged:?}");
    }
}
