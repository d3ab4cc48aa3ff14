//! Labels for a whole bank of features (group 14), with every kernel family.

use crate::devices::shared_devices;
use crate::golden::{Case, Golden};
use swav_wgpu::error::Error;
use swav_wgpu::eval::Features;
use swav_wgpu::method::clusters::{Clusterer, Clusters};
use swav_wgpu::pass::Pass;
use swav_wgpu::rng::{Purpose, Stream};

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
        let dim = case.input("bank").0[1];
        for gpu in shared_devices() {
            println!("{} on {}", case.label(), gpu.family());
            check_rounds(&Clusterer::new(gpu, dim, 100, 1000).expect("records"), &case);
            // Blocks that divide neither rows nor centroids.
            check_rounds(&Clusterer::in_blocks(gpu, dim, 32, 7).expect("records"), &case);
        }
    }
}

/// The blocks of a search are no part of the result, nor is the number of threads.
#[test]
fn clusters_are_the_same_bits_whatever_the_blocks_and_threads() {
    let bank = random(500, 20, 3);
    let picks: Vec<usize> = (0..40).map(|pick| pick * 12).collect();
    for gpu in shared_devices() {
        let large = Clusterer::new(gpu, 20, 40, 500).expect("records");
        let small = Clusterer::in_blocks(gpu, 20, 32, 33).expect("records");
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
    let cluster = |bank: &Features, picks: &[usize]| clusterer.cluster(&Pass::default(), bank, picks, 1);
    for picks in [&[][..], &[0, 10]] {
        assert!(matches!(cluster(&bank, picks), Err(Error::Config { field, .. }) if field == "clusters"));
    }
    assert!(
        matches!(cluster(&random(10, 9, 4), &[0]), Err(Error::Config { field, .. }) if field == "features")
    );
    bank.data[3 * 8 + 2] = f32::NAN;
    let error = cluster(&bank, &[0, 1]).expect_err("a row that is no number").to_string();
    assert!(error.contains("row 3"), "{error}");
}
