use super::*;
use crate::rng::{Purpose, Stream};

/// The accuracy, in a pass that nobody watches.
fn accuracy(
    bank: &Features,
    bank_labels: &[u32],
    queries: &Features,
    query_labels: &[u32],
    k: usize,
    temperature: f64,
) -> Result<Accuracy> {
    super::accuracy(bank, bank_labels, queries, query_labels, k, temperature, &Pass::default())
}

/// Blobs around one point a class, far from the origin, so that centring matters.
fn blobs(seed: u64, rows: usize, dim: usize, classes: u64) -> (Features, Vec<u32>) {
    let mut random = Stream::new(seed, Purpose::Test, &[]);
    let mut centres = Stream::new(99, Purpose::Test, &[]);
    let centres: Vec<f64> = (0..classes as usize * dim).map(|_| 1.5 + centres.normal()).collect();
    let labels: Vec<u32> = (0..rows).map(|_| random.below(classes) as u32).collect();
    let value = |i: usize, random: &mut Stream| {
        centres[labels[i / dim] as usize * dim + i % dim] + 1.5 * random.normal()
    };
    let data = (0..rows * dim).map(|i| value(i, &mut random) as f32).collect();
    (Features { rows, dim, data }, labels)
}

fn naive(
    bank: &Features,
    bl: &[u32],
    queries: &Features,
    ql: &[u32],
    k: usize,
    t: f64,
    centred: bool,
) -> f64 {
    let mean: Vec<f64> = (0..bank.dim)
        .map(|d| (0..bank.rows).map(|r| f64::from(bank.row(r)[d])).sum::<f64>() / bank.rows as f64)
        .map(|mean| if centred { mean } else { 0.0 })
        .collect();
    let unit = |row: &[f32]| -> Vec<f64> {
        let row: Vec<f64> = row.iter().zip(&mean).map(|(&v, m)| f64::from(v) - m).collect();
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        row.iter().map(|v| v / norm).collect()
    };
    let rows: Vec<Vec<f64>> = (0..bank.rows).map(|r| unit(bank.row(r))).collect();
    let mut right = 0;
    for (q, &label) in ql.iter().enumerate() {
        let query = unit(queries.row(q));
        let sims = rows.iter().map(|row| row.iter().zip(&query).map(|(a, b)| a * b).sum::<f64>());
        let mut sims: Vec<(f64, usize)> = sims.enumerate().map(|(i, s)| (s, i)).collect();
        sims.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut votes = vec![0.0; 64];
        sims.iter().take(k).for_each(|(s, i)| votes[bl[*i] as usize] += (s / t).exp());
        let best = (0..64).rev().max_by(|&a, &b| votes[a].total_cmp(&votes[b])).unwrap();
        right += usize::from(best == label as usize);
    }
    right as f64 / ql.len() as f64
}

#[test]
fn equals_a_naive_f64_count() {
    for (rows, queries, dim, classes, k) in
        [(403, 157, 37, 7, 20), (64, 33, 8, 3, 1), (130, 1, 129, 16, 200), (5, 9, 1, 2, 3), (1, 1, 3, 1, 20)]
    {
        let (bank, bl) = blobs(1, rows, dim, classes);
        let (queries, ql) = blobs(2, queries, dim, classes);
        let got = accuracy(&bank, &bl, &queries, &ql, k, 0.07).unwrap();
        assert_eq!(got.plain, naive(&bank, &bl, &queries, &ql, k, 0.07, false), "{rows} {dim} {k}");
        if rows > 5 {
            assert_eq!(got.centred, naive(&bank, &bl, &queries, &ql, k, 0.07, true), "{rows} {dim} {k}");
        }
    }
}

#[test]
fn ties_go_to_the_earlier_row_and_the_smaller_label() {
    let same = |rows: usize| Features { rows, dim: 2, data: [1.0, 2.0].repeat(rows) };
    // Copies of one row: with k 3 the first three vote, whatever comes later.
    let labels = [5, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4];
    assert_eq!(accuracy(&same(12), &labels, &same(1), &[5], 3, 0.07).unwrap().plain, 1.0);
    assert_eq!(accuracy(&same(12), &labels, &same(1), &[4], 2, 0.07).unwrap().plain, 1.0);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let ((bank, bl), (queries, ql)) = (blobs(3, 500, 64, 9), blobs(4, 300, 64, 9));
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| accuracy(&bank, &bl, &queries, &ql, 20, 0.07).unwrap())
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn hostile_input_is_an_error_or_a_miss() {
    let (bank, labels) = blobs(5, 20, 4, 2);
    let ask = |k, t| accuracy(&bank, &labels, &bank, &labels, k, t);
    assert!(ask(0, 0.07).is_err() && ask(1, 0.0).is_err() && ask(1, f64::NAN).is_err());
    assert!(ask(1000, 1e-9).is_ok());
    assert!(accuracy(&bank, &labels[1..], &bank, &labels, 1, 0.07).is_err());
    assert!(accuracy(&Features::default(), &[], &bank, &labels, 1, 0.07).is_err());
    let short = Features { rows: 20, dim: 4, data: vec![0.0; 7] };
    assert!(accuracy(&short, &labels, &bank, &labels, 1, 0.07).is_err());
    let nan = Features { rows: 20, dim: 4, data: vec![f32::NAN; 80] };
    assert_eq!(accuracy(&bank, &labels, &nan, &labels, 5, 0.07).unwrap().plain, 0.0);
    let zero = Features { rows: 20, dim: 4, data: vec![0.0; 80] };
    assert!(accuracy(&zero, &labels, &zero, &labels, 5, 0.07).is_ok());
}
