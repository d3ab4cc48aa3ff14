//! What the matrix family puts into workgroup memory and takes out of it meets no bank twice.
//!
//! How an adapter spreads a block over a subgroup is its own affair, so blocks are counted as the public layouts have it, in
//! which a lane always reads consecutive bytes of a row:
//!
//! * NVIDIA's `ldmatrix` and AMD's `WMMA` load 16 bytes a lane, rows in the order of the lanes. Subgroups of 64 do it twice.
//! * NVIDIA's fragments, and Apple's and lavapipe's blocks of 8 in the same manner, have four lanes a row: two halves each
//!   of an operand, two floats of a sum.
//! * Of an operand that lies the other way round, the same lanes read single halves of two rows.
//!
//! Metal's form of the shader has the same places, but moves single halves; what its compiler joins is not known.

use super::banks::{call, each_setting_of, turns_of};
use naga::Module;
use std::collections::BTreeSet;
use swav_wgpu::ops::SHADERS;

const DEPTH: u32 = 32;
const PARTS: u32 = 4;
/// Bytes of four halves and of four floats.
const HALVES: u32 = 8;
const FLOATS: u32 = 16;

/// Both sizes of blocks, with each setting of the constants: side of a block, invocations of a workgroup.
fn each_form(entry: &str, check: impl Fn(&Module, u32, u32, &str)) {
    let forms = SHADERS.iter().filter(|shader| shader.name().starts_with("conv2d.matrix.wgsl"));
    let forms: Vec<_> = forms.filter(|shader| shader.name().contains("matrix.quads.")).collect();
    assert_eq!(forms.len(), 2, "blocks of 8 and of 16");
    for shader in &forms {
        each_setting_of(shader, entry, |module, constant| {
            let (side, invocations) = (call(module, "part_row", &[1]) / 4, constant("INVOCATIONS"));
            let label = format!("{entry}, blocks of {side}, {invocations} invocations");
            check(module, side, invocations, &label);
        });
    }
}

/// All of them, and each once.
fn fills(places: impl Iterator<Item = u32>, count: u32) -> bool {
    let places: Vec<_> = places.collect();
    places.len() as u32 == count && places.into_iter().collect::<BTreeSet<_>>().len() as u32 == count
}

/// The most turns that a load of a block of halves takes, whose rows lie `stride` bytes apart.
fn block_turns(first: u32, stride: u32, side: u32) -> usize {
    assert_eq!([first % 16, stride % 16], [0, 0], "matrix units want rows at multiples of 16 bytes");
    let corners = (0..side).step_by(8).flat_map(|row| (0..2 * side).step_by(16).map(move |byte| (row, byte)));
    let of_corner = |(row, byte): (u32, u32)| {
        let at = move |lane_row: u32, lane_byte: u32| Some(first + lane_row * stride + byte + lane_byte);
        let rows = [32, 64].map(|lanes| turns_of(16, lanes, |lane| at(lane % side, 0)));
        let pairs = turns_of(4, 32, |lane| at(row + lane / 4, lane % 4 * 4));
        let across = [0, 1].map(|other| turns_of(2, 32, |lane| at(row + lane % 4 * 2 + other, lane / 4 * 2)));
        [rows[0], rows[1], pairs, across[0], across[1]].into_iter().max().expect("there are some")
    };
    corners.map(of_corner).max().expect("a block has corners")
}

/// The blocks of all parts.
fn blocks(module: &Module, at: &str, count: u32, stride: u32, side: u32) -> usize {
    let all = (0..PARTS).flat_map(|part| (0..count).map(move |block| (part, block)));
    let places =
        all.flat_map(|(part, block)| (0..DEPTH).step_by(side as usize).map(move |k| [part, block, k]));
    let turns = places.map(|place| block_turns(HALVES * call(module, at, &place), HALVES * stride, side));
    turns.max().expect("there are blocks")
}

#[test]
fn gathered_operands_meet_no_bank_twice() {
    each_form("gather_multiply", |module, side, invocations, label| {
        let f = |name: &str, arguments: &[u32]| call(module, name, arguments);
        let lanes = DEPTH / 4;
        let (rows, columns, apart) = (8 * side, 4 * side, invocations / lanes);
        let left = |i: u32, lane: u32| f("left_place", &[f("gathered_row", &[i]), lane]);
        for load in 0..rows / apart {
            let place = |index: u32| Some(HALVES * left(index / lanes + load * apart, index % lanes));
            assert_eq!(turns_of(HALVES, invocations, place), 1, "{label}: storing rows");
        }
        let right = |i: u32, lane: u32| {
            f("right_place", &[4 * lane + f("gathered_term", &[lane, i]), i % (columns / 4)])
        };
        for turn in 0..columns.div_ceil(apart) {
            let place = |index: u32| {
                let i = index / lanes + turn * apart;
                (i < columns).then(|| HALVES * right(i, index % lanes))
            };
            assert_eq!(turns_of(HALVES, invocations, place), 1, "{label}: storing weights");
        }
        let all = |count: u32| (0..count).flat_map(|i| (0..lanes).map(move |lane| (i, lane)));
        assert!(fills(all(rows).map(|(i, lane)| left(i, lane)), rows * lanes), "{label}: each its place");
        assert!(
            fills(all(columns).map(|(i, lane)| right(i, lane)), columns * lanes),
            "{label}: each its place"
        );
        let [left, right] = ["left_place", "right_place"].map(|place| f(place, &[1, 0]));
        assert_eq!(blocks(module, "left_at", 4, left, side), 1, "{label}: loading blocks of rows");
        assert_eq!(blocks(module, "right_at", 2, right, side), 1, "{label}: loading blocks of weights");
    });
}

#[test]
fn operands_of_the_gradient_of_weights_meet_no_bank_twice() {
    each_form("backward_weight", |module, side, invocations, label| {
        let f = |name: &str, arguments: &[u32]| call(module, name, arguments);
        let (rows, columns) = (2 * side, side); // in quads
        let apart = (invocations / rows).max(1);
        for turn in 0..DEPTH.div_ceil(apart) {
            let place = |index: u32| {
                let term = index / rows + turn * apart;
                (term < DEPTH).then(|| HALVES * f("turned_place", &[term, index % rows]))
            };
            assert_eq!(turns_of(HALVES, invocations, place), 1, "{label}: storing pixels");
        }
        let right = |i: u32| f("right_place", &[f("loaded_term", &[i]), i % columns]);
        for turn in 0..(DEPTH * columns).div_ceil(invocations) {
            let place = |index: u32| Some(HALVES * right(index + turn * invocations));
            assert_eq!(turns_of(HALVES, invocations, place), 1, "{label}: storing gradients");
        }
        assert!(fills((0..DEPTH * columns).map(right), DEPTH * columns), "{label}: each its place");
        let [left, right] = ["turned_place", "right_place"].map(|place| f(place, &[1, 0]));
        assert_eq!(blocks(module, "turned_at", 4, left, side), 1, "{label}: loading blocks of pixels");
        assert_eq!(blocks(module, "right_at", 2, right, side), 1, "{label}: loading blocks of gradients");
    });
}

#[test]
fn results_meet_no_bank_twice() {
    each_form("gather_multiply", |module, side, invocations, label| {
        let place = |i: u32| call(module, "scratch_place", &[i]);
        let quads = PARTS * side * side / 2;
        for turn in 0..quads.div_ceil(invocations) {
            let place = |index: u32| {
                let i = index + turn * invocations;
                (i < quads).then(|| FLOATS * place(i))
            };
            assert_eq!(turns_of(FLOATS, invocations, place), 1, "{label}: loading sums");
        }
        assert!(fills((0..quads).map(place), quads), "{label}: each its place");
        // The first quad of the second part is as many rows on as a block has.
        let part = place(side * side / 2);
        let row = FLOATS * part / side;
        for (part, block) in (0..PARTS).flat_map(|p| [0, 1].map(|block| (p, block))) {
            let first = FLOATS * (part * place(side * side / 2) + block * side / 4);
            for (down, along) in (0..side).step_by(8).flat_map(|r| (0..side).step_by(8).map(move |c| (r, c)))
            {
                let place = |lane: u32| Some(first + (down + lane / 4) * row + 4 * along + lane % 4 * 8);
                assert_eq!(turns_of(8, 32, place), 1, "{label}: storing sums");
            }
        }
        for i in 0..quads {
            let (part, line) = (i / (side * side / 2), call(module, "scratch_row", &[i]));
            let at = (part * side + line) * (row / FLOATS) + i % (side / 2);
            assert_eq!(place(i), at, "{label}: what is stored is what is loaded");
        }
    });
}

/// The same arrays filled in the plain order.
#[test]
fn a_plain_order_would_meet_banks_twice_and_four_times() {
    for columns in [8, 16] {
        let rows = turns_of(HALVES, 128, |index| Some(HALVES * (index / 8 * 10 + index % 8)));
        let weights = turns_of(HALVES, 128, |index| {
            Some(HALVES * (index % 8 * 4 * (columns + 2) + index / 8 % columns))
        });
        assert_eq!([rows, weights], [2, 4], "{columns} quads of columns");
    }
}
