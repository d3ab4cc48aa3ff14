use super::*;
use crate::rng::{Purpose, Stream};

/// The neighbours, in a pass that nobody watches.
fn neighbours(bank: &Features, queries: &Features, k: usize) -> Result<Vec<Vec<Near>>> {
    nearest(bank, queries, k, &Pass::default())
}

/// The share of queries whose label has the most votes of the `k` nearest rows; of rows less the mean of the bank
/// where `centred`.
fn accuracy(
    (bank, bank_labels): (&Features, &[u32]),
    (queries, query_labels): (&Features, &[u32]),
    k: usize,
    temperature: f64,
    centred: bool,
) -> f64 {
    let mean = centred.then(|| bank.mean());
    let near = neighbours(&bank.unit(mean.as_deref()), &queries.unit(mean.as_deref()), k).unwrap();
    let right =
        |(near, label): &(&Vec<Near>, &u32)| ranking(near, bank_labels, temperature).first() == Some(*label);
    near.iter().zip(query_labels).filter(right).count() as f64 / queries.rows as f64
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
        for centred in [false, true].into_iter().take(if rows > 5 { 2 } else { 1 }) {
            let got = accuracy((&bank, &bl), (&queries, &ql), k, 0.07, centred);
            let want = naive(&bank, &bl, &queries, &ql, k, 0.07, centred);
            assert_eq!(got, want, "{rows} {dim} {k} {centred}");
        }
    }
}

#[test]
fn ties_go_to_the_earlier_row_and_the_smaller_label() {
    let same = |rows: usize| Features { rows, dim: 2, data: [1.0, 2.0].repeat(rows) };
    // Copies of one row: with k 3 the first three vote, whatever comes later.
    let labels = [5, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4];
    let near = |k| neighbours(&same(12), &same(1), k).unwrap().remove(0);
    assert_eq!(near(3).iter().map(|near| near.row).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(ranking(&near(3), &labels, 0.07), [5, 4]);
    assert_eq!(ranking(&near(2), &labels, 0.07), [4, 5]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let ((bank, _), (queries, _)) = (blobs(3, 500, 64, 9), blobs(4, 300, 64, 9));
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| neighbours(&bank, &queries, 20).unwrap())
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn hostile_input_is_an_error_or_has_no_neighbours() {
    let (bank, labels) = blobs(5, 20, 4, 2);
    let short = Features { rows: 20, dim: 4, data: vec![0.0; 7] };
    assert!(neighbours(&short, &bank, 1).is_err() && neighbours(&bank, &short, 1).is_err());
    assert!(neighbours(&Features::default(), &bank, 1).is_err());
    let all = |found: Vec<Vec<Near>>, count: usize| {
        found.len() == 20 && found.iter().all(|near| near.len() == count)
    };
    assert!(all(neighbours(&bank, &bank, 0).unwrap(), 0) && all(neighbours(&bank, &bank, 1000).unwrap(), 20));
    let filled = |value: f32| Features { rows: 20, dim: 4, data: vec![value; 80] };
    assert!(all(neighbours(&bank, &filled(f32::NAN), 5).unwrap(), 0));
    assert!(all(neighbours(&filled(0.0), &filled(0.0), 5).unwrap(), 5));
    assert!(ranking(&[], &labels, 0.07).is_empty());
    // So small a temperature would overflow, were weights not relative to the best.
    let near = neighbours(&bank, &bank, 1000).unwrap().remove(0);
    assert_eq!(ranking(&near, &labels, 1e-9)[0], labels[0]);
}
