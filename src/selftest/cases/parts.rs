//! Rows of a part of a batch among those of the whole. They are moved and not computed, so every bit is right.

use crate::error::Result;
use crate::ops::parts;
use crate::selftest::bench::Bench;
use crate::selftest::reference::Tensor64;
use crate::selftest::suite::Suite;

/// Views, pictures a part, parts, length of a row, the part.
const CASES: &[[usize; 5]] = &[
    [1, 1, 1, 1, 0],
    [2, 3, 4, 5, 0],
    [2, 3, 4, 5, 3],
    [8, 1, 7, 4, 6],
    [3, 17, 2, 129, 1],
    [2, 64, 3, 512, 2],
];

fn moved(bench: &mut Bench, &[views, size, count, dim, at]: &[usize; 5]) -> Result<()> {
    let batch = size * count;
    let (whole, part) = (bench.random(&[views * batch, dim]), bench.random(&[views * size, dim]));
    let place = |row: usize| row / size * batch + at * size + row % size;
    let mut placed = whole.clone();
    let mut taken = Tensor64::new(&[views * size, dim], vec![0.0; views * size * dim]);
    for row in 0..views * size {
        let (here, there) = (row * dim..(row + 1) * dim, place(row) * dim..(place(row) + 1) * dim);
        taken.data[here.clone()].copy_from_slice(&whole.data[there.clone()]);
        placed.data[there].copy_from_slice(&part.data[here]);
    }
    let (twhole, tpart) = (bench.upload(&whole), bench.upload(&part));
    let number = bench.lab.words(&[at as u32, 0, 0, 0]);
    let got = parts::take(bench.plan(), &twhole, (views * size) as u32, size as u32, &number)?;
    bench.expect("taken", &got, &taken, 0.0);
    parts::place(bench.plan(), &tpart, size as u32, &number, &twhole)?;
    bench.expect("placed", &twhole, &placed, 0.0);
    Ok(())
}

pub(super) fn rows(suite: &mut Suite) {
    for case in CASES {
        let [views, size, count, dim, at] = case;
        let name = format!("part {at} of {count}, {views} crops x {size}, rows of {dim}");
        suite.case(name, |bench| moved(bench, case));
    }
}
