//! Labels for a whole bank of features (groups 14 and 15), with every kernel family.

use crate::devices::shared_devices;
use crate::golden::{Case, Golden};
use swav_wgpu::error::Error;
use swav_wgpu::eval::Features;
use swav_wgpu::method::balance::{Balanced, Balancer, Rounds};
use swav_wgpu::method::clusters::{Clusterer, Clusters};
use swav_wgpu::pass::Pass;
use swav_wgpu::rng::{Purpose, Stream};
use swav_wgpu::selftest::reference::{Tensor64, sinkhorn};

/// The cases of a group that hold a tensor of this name, at least one.
fn cases<'g>(golden: &'g Golden, group: &str, tensor: &str) -> Vec<Case<'g>> {
    let found: Vec<_> = golden.cases(group).into_iter().filter(|case| case.has(tensor)).collect();
    assert!(!found.is_empty(), "group {group} holds no case with {tensor}");
    found
}

fn matrix(case: &Case<'_>, name: &str) -> Features {
    let (shape, data) = case.input(name);
    Features::new(shape[0], shape[1], data).expect("a matrix")
}

/// Rows and columns.
fn sizes(case: &Case<'_>, name: &str) -> (usize, usize) {
    let (shape, _) = case.input(name);
    (shape[0], shape[1])
}

/// Rows of unit length.
fn random(rows: usize, dim: usize, seed: u64) -> Features {
    let mut stream = Stream::new(seed, Purpose::Test, &[]);
    let data = (0..rows * dim).map(|_| stream.normal() as f32).collect();
    Features::new(rows, dim, data).expect("a matrix").unit(None)
}

/// Every E step, centroid and count: what `iterations` rounds leave, for each number of rounds up to the last.
fn check_rounds(clusterer: &Clusterer, case: &Case<'_>) {
    let bank = matrix(case, "bank");
    let picks: Vec<usize> = case.input("picks").1.iter().map(|&pick| pick as usize).collect();
    let (mut assign, mut counts, mut centroids) = (Vec::new(), Vec::new(), Vec::new());
    let last = case.count("iterations");
    for iterations in 0..=last {
        let found =
            clusterer.cluster(&Pass::default(), &bank, &picks, iterations).expect("the device answers");
        assign.extend(found.labels);
        centroids.extend(found.centroids.data);
        if iterations < last {
            counts.extend(found.counts);
        }
    }
    case.expect("assign", &assign);
    case.expect("counts", &counts);
    case.expect("centroids", &centroids);
}

#[test]
fn clusters_are_those_of_the_official_code() {
    let golden = Golden::open();
    for case in cases(&golden, "14", "picks") {
        let ((rows, dim), clusters) = (sizes(&case, "bank"), case.input("picks").0[0]);
        for gpu in shared_devices() {
            println!("{} on {}", case.label(), gpu.family());
            check_rounds(&Clusterer::new(gpu, dim, clusters, rows).expect("records"), &case);
            // Blocks that do not divide the rows.
            check_rounds(&Clusterer::in_blocks(gpu, dim, clusters, 19).expect("records"), &case);
        }
    }
}

/// Blocks are no part of the result, nor is the number of threads.
#[test]
fn clusters_are_the_same_bits_whatever_the_blocks_and_threads() {
    let bank = random(500, 20, 3);
    let picks: Vec<usize> = (0..40).map(|pick| pick * 12).collect();
    for gpu in shared_devices() {
        let large = Clusterer::new(gpu, 20, 40, 500).expect("records");
        let small = Clusterer::in_blocks(gpu, 20, 40, 33).expect("records");
        let on = |clusterer: &Clusterer, threads: usize| -> Clusters {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let run = || clusterer.cluster(&Pass::default(), &bank, &picks, 5).expect("the device answers");
            pool.install(run)
        };
        let found = on(&large, 1);
        assert_eq!(found.counts.iter().sum::<u32>(), 500);
        assert!(found == on(&large, 3) && found == on(&small, 1), "{}", gpu.family());
    }
}

#[test]
fn what_cannot_be_clustered_is_refused() {
    let gpu = &shared_devices()[0];
    let clusterer = Clusterer::new(gpu, 8, 4, 10).expect("records");
    let mut bank = random(10, 8, 4);
    let field = |bank: &Features, picks: &[usize]| match clusterer.cluster(&Pass::default(), bank, picks, 1) {
        Err(Error::Config { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    for picks in [&[][..], &[0, 1, 2], &[0, 1, 2, 10]] {
        assert_eq!(field(&bank, picks), "clusters");
    }
    assert_eq!(field(&random(10, 9, 4), &[0, 1, 2, 3]), "features");
    bank.data[3 * 8 + 2] = f32::NAN;
    assert_eq!(field(&bank, &[0, 1, 2, 4]), "features");
    assert!(Clusterer::new(gpu, 8, 0, 10).is_err());
}

/// `bank · prototypesᵀ` in f64.
fn scores(bank: &Features, prototypes: &Features) -> Tensor64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    let row = |row: usize| (0..prototypes.rows).map(move |j| dot(bank.row(row), prototypes.row(j)));
    Tensor64::new(&[bank.rows, prototypes.rows], (0..bank.rows).flat_map(row).collect())
}

/// The codes that potentials stand for: the soft-max of each row.
fn codes(scores: &Tensor64, epsilon: f64, potentials: &[f64]) -> Vec<f64> {
    let rows = sinkhorn::row_potentials(scores, epsilon, potentials);
    let k = potentials.len();
    let code = |(at, score): (usize, &f64)| (score / epsilon + potentials[at % k] + rows[at / k]).exp();
    scores.data.iter().enumerate().map(code).collect()
}

fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Labels and codes after three iterations, once balanced, and as soon as they are nearly.
fn check_balance(balancer: &Balancer, case: &Case<'_>) {
    let (bank, prototypes) = (matrix(case, "bank"), matrix(case, "prototypes"));
    let (scores, epsilon) = (scores(&bank, &prototypes), case.number("eps"));
    let balance = |most: usize, tolerance: f64| -> Balanced {
        let rounds = Rounds { most, tolerance };
        balancer.balance(&Pass::default(), &bank, &prototypes, rounds).expect("the device answers")
    };
    let balanced = case.count("iters_conv");
    for (iterations, labels, q) in [(3, "hard3", "q3"), (balanced, "hard", "q_inf")] {
        let found = balance(iterations, 0.0);
        assert_eq!(found.iterations, iterations);
        case.expect(labels, &found.labels);
        case.expect(q, &codes(&scores, epsilon, &widened(&found.potentials)));
    }
    let Rounds { tolerance, .. } = Rounds::default();
    let early = balance(balanced, tolerance);
    case.expect("hard", &early.labels);
    assert!(early.iterations < case.count("iters_to_1e6") && early.deviation < tolerance, "{early:?}");
}

#[test]
fn balanced_labels_are_those_of_the_fixtures() {
    let golden = Golden::open();
    for case in cases(&golden, "15", "q_inf") {
        let ((rows, dim), (prototypes, _)) = (sizes(&case, "bank"), sizes(&case, "prototypes"));
        let epsilon = case.number("eps");
        for gpu in shared_devices() {
            println!("{} on {}", case.label(), gpu.family());
            check_balance(&Balancer::new(gpu, dim, prototypes, rows, epsilon).expect("records"), &case);
            // Blocks that do not divide the rows.
            check_balance(&Balancer::in_blocks(gpu, dim, prototypes, 13, epsilon).expect("records"), &case);
        }
    }
}

/// The potentials of the reference are another way to write its codes.
#[test]
fn potentials_of_the_reference_stand_for_its_codes() {
    let (bank, prototypes) = (random(50, 12, 5), random(7, 12, 6));
    let scores = scores(&bank, &prototypes);
    for iterations in [1, 2, 3, 20] {
        let want = sinkhorn::sinkhorn(&scores, 0.05, iterations).data;
        let got = codes(&scores, 0.05, &sinkhorn::potentials(&scores, 0.05, iterations));
        // Logarithms of up to 25, each with a few roundings of f64.
        assert!(
            got.iter().zip(&want).all(|(got, want)| (got - want).abs() <= 1e-13 * 20.0 * want),
            "{iterations}"
        );
    }
}

/// More rows and prototypes than any block or group holds, beside the reference.
#[test]
fn a_large_bank_is_balanced_in_blocks() {
    let (bank, prototypes) = (random(2500, 33, 7), random(301, 33, 8));
    let scores = scores(&bank, &prototypes);
    let potentials = sinkhorn::potentials(&scores, 0.05, 10);
    let want = codes(&scores, 0.05, &potentials);
    for gpu in shared_devices() {
        let balancer = Balancer::in_blocks(gpu, 33, 301, 1021, 0.05).expect("records");
        let balance = || {
            let rounds = Rounds { most: 10, tolerance: 0.0 };
            balancer.balance(&Pass::default(), &bank, &prototypes, rounds).expect("the device answers")
        };
        let found = balance();
        let got = codes(&scores, 0.05, &widened(&found.potentials));
        let worst = got.iter().zip(&want).map(|(got, want)| (got / want - 1.0).abs()).fold(0.0, f64::max);
        println!("{}: codes are off by {worst:.1e} of themselves", gpu.family());
        // An exponent is the sum of terms of up to 25, which single precision rounds by 1e-6: less than ten times,
        // since what earlier iterations were off is made up for by the next one.
        assert!(worst < 1e-5, "{}: {worst:e}", gpu.family());
        for (row, &label) in found.labels.iter().enumerate() {
            let code = &want[row * 301..][..301];
            let best = code.iter().fold(0.0, |best: f64, &q| best.max(q));
            // Two codes that are both off.
            assert!(code[label as usize] > best * (1.0 - 2e-5), "{}: row {row}", gpu.family());
        }
        assert!(found == balance(), "{}: other bits", gpu.family());
    }
}

#[test]
fn what_cannot_be_balanced_is_refused() {
    let gpu = &shared_devices()[0];
    for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            matches!(Balancer::new(gpu, 8, 4, 10, epsilon), Err(Error::Config { field, .. }) if field == "epsilon")
        );
    }
    let (mut bank, prototypes) = (random(10, 8, 9), random(4, 8, 10));
    let balance = |epsilon: f64, bank: &Features, prototypes: &Features| {
        let balancer = Balancer::new(gpu, 8, 4, 10, epsilon).expect("records");
        balancer.balance(&Pass::default(), bank, prototypes, Rounds::default())
    };
    let field = |result: Result<Balanced, Error>| match result {
        Err(Error::Config { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(balance(0.05, &bank, &random(5, 8, 10))), "features");
    assert_eq!(field(balance(0.05, &random(10, 7, 9), &prototypes)), "features");
    assert_eq!(
        field(balance(0.05, &Features::new(0, 8, Vec::new()).expect("no row"), &prototypes)),
        "features"
    );
    assert_eq!(field(balance(1e-44, &bank, &prototypes)), "epsilon");
    bank.data[5] = f32::INFINITY;
    assert_eq!(field(balance(0.05, &bank, &prototypes)), "features");
}
