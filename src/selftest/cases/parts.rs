//! Rows of a part of a batch among those of the whole. They are moved and not computed, so every bit is right.

use crate::error::Result;
use crate::ops::parts;
use crate::selftest::bench::Bench;
use crate::selftest::reference::Tensor64;
use crate::selftest::suite::Suite;

/// Views, pictures of the part and of the batch, length of a row, the part's first picture.
const CASES: &[[usize; 5]] = &[
    [1, 1, 1, 1, 0],
    [2, 3, 12, 5, 0],
    [2, 3, 12, 5, 9],
    [2, 3, 11, 5, 6],
    [2, 2, 11, 5, 9],
    [8, 1, 7, 4, 6],
    [3, 17, 34, 129, 17],
    [2, 64, 192, 512, 128],
];

fn moved(bench: &mut Bench, &[views, size, batch, dim, first]: &[usize; 5]) -> Result<()> {
    let (whole, part) = (bench.random(&[views * batch, dim]), bench.random(&[views * size, dim]));
    let place = |row: usize| row / size * batch + first + row % size;
    let mut placed = whole.clone();
    let mut taken = Tensor64::new(&[views * size, dim], vec![0.0; views * size * dim]);
    for row in 0..views * size {
        let (here, there) = (row * dim..(row + 1) * dim, place(row) * dim..(place(row) + 1) * dim);
        taken.data[here.clone()].copy_from_slice(&whole.data[there.clone()]);
        placed.data[there].copy_from_slice(&part.data[here]);
    }
    let (twhole, tpart) = (bench.upload(&whole), bench.upload(&part));
    let first = bench.lab.words(&[first as u32, 0, 0, 0]);
    let got = parts::take(bench.plan(), &twhole, (views * size) as u32, size as u32, &first)?;
    bench.expect("taken", &got, &taken, 0.0);
    parts::place(bench.plan(), &tpart, size as u32, &first, &twhole)?;
    bench.expect("placed", &twhole, &placed, 0.0);
    Ok(())
}

/// Sums of parts, one after another or at once: to the last bit the sum in their order.
fn summed(bench: &mut Bench, &[count, rows, dim]: &[usize; 3]) -> Result<()> {
    let all = bench.random(&[count * rows, dim]);
    let values = rows * dim;
    let mut want = Tensor64::new(&[rows, dim], vec![0.0; values]);
    for part in all.data.chunks_exact(values) {
        let add = |(sum, value): (&mut f64, &f64)| *sum = f64::from(*sum as f32 + *value as f32);
        want.data.iter_mut().zip(part).for_each(add);
    }
    let (zero, lying) = (Tensor64::new(&[rows, dim], vec![0.0; values]), bench.upload(&all));
    let at_once = bench.upload(&zero);
    parts::sum(bench.plan(), &lying, count as u32, &at_once)?;
    bench.expect("the sum of all at once", &at_once, &want, 0.0);
    let sum = bench.lab.plan.lease(at_once.shape);
    bench.plan().clear(&sum);
    for part in all.data.chunks_exact(values) {
        let part = bench.upload(&Tensor64::new(&[rows, dim], part.to_vec()));
        parts::add(bench.plan(), &part, &sum)?;
    }
    bench.expect("the sum one by one", &sum, &want, 0.0);
    Ok(())
}

/// A part times its share of the batch, which one multiplication rounds.
fn weighed(bench: &mut Bench, &[size, batch, values]: &[usize; 3]) -> Result<()> {
    let part = bench.random(&[1, values]);
    let weight = size as f32 / batch as f32;
    let times = |value: &f64| f64::from(*value as f32 * weight);
    let want = Tensor64::new(&[1, values], part.data.iter().map(times).collect());
    let (tpart, got) = (bench.upload(&part), bench.upload(&Tensor64::new(&[1, values], vec![9.0; values])));
    parts::weigh(bench.plan(), &tpart, weight, &got)?;
    bench.expect("weighed", &got, &want, 0.0);
    Ok(())
}

/// Pictures of a part and of the batch, values.
const WEIGHTS: &[[usize; 3]] = &[[1, 1, 4], [16, 64, 64], [3, 11, 1032]];

pub(super) fn weights(suite: &mut Suite) {
    for case in WEIGHTS {
        let [size, batch, values] = case;
        suite.case(format!("{values} values of {size} of {batch}"), |bench| weighed(bench, case));
    }
}

/// Parts, rows of each, length of a row.
const SUMS: &[[usize; 3]] = &[[1, 1, 4], [2, 3, 8], [5, 33, 64], [64, 2, 128]];

pub(super) fn sums(suite: &mut Suite) {
    for case in SUMS {
        let [count, rows, dim] = case;
        suite.case(format!("{count} parts of {rows} x {dim}"), |bench| summed(bench, case));
    }
}

pub(super) fn rows(suite: &mut Suite) {
    for case in CASES {
        let [views, size, batch, dim, first] = case;
        let name = format!("{size} pictures from {first} of {batch}, {views} crops each, rows of {dim}");
        suite.case(name, |bench| moved(bench, case));
    }
}
