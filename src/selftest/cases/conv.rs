//! Convolution and linear layers, forward and both gradients, and the layout work on their weights.
//!
//! Sums have up to 1152 terms. Sizes stand beside what they reach: quads, panels of 16 and 32 columns,
//! tiles of 32, 64 and 128 rows, parity classes, windows larger than the picture.

use crate::error::Result;
use crate::gpu::{Element, Family, Shape};
use crate::ops::conv2d::{self, Filter};
use crate::ops::{vector, weights};
use crate::selftest::bench::{Bench, largest};
use crate::selftest::reference::conv::{self, Geometry};
use crate::selftest::reference::{Tensor64, linear};
use crate::selftest::suite::Suite;

const TOLERANCE: f64 = 3e-6;

/// Pictures `[N, C, H, W]`, filters, `[kernel, stride, padding]`.
const CONVOLUTIONS: &[([usize; 4], usize, [usize; 3])] = &[
    ([1, 1, 1, 1], 1, [1, 1, 0]),
    ([1, 3, 1, 1], 5, [3, 1, 1]),   // one pixel under the window's centre
    ([1, 3, 3, 3], 2, [3, 1, 0]),   // one window, no padding
    ([2, 5, 5, 7], 17, [3, 1, 1]),  // one more than a narrow panel
    ([2, 17, 4, 3], 16, [3, 1, 1]), // the same in the gradient of the input
    ([1, 6, 8, 4], 33, [3, 1, 1]),  // one more than a wide panel; 32 pixels: one tile of the CPU family
    ([1, 33, 11, 3], 31, [3, 1, 1]),
    ([3, 4, 8, 8], 13, [1, 2, 0]), // three of four parity classes get no gradient
    ([1, 17, 7, 4], 33, [1, 2, 0]),
    ([2, 8, 1, 1], 7, [1, 2, 0]), // narrower than the stride: empty classes
    ([2, 16, 6, 5], 16, [3, 2, 1]),
    ([1, 4, 2, 3], 32, [3, 2, 1]),
    ([2, 3, 1, 6], 9, [3, 2, 1]),
    ([1, 33, 5, 1], 31, [3, 2, 1]),
    ([1, 5, 6, 6], 4, [3, 2, 0]),
    ([1, 2, 7, 8], 6, [3, 3, 1]),   // nine classes
    ([1, 3, 11, 9], 64, [7, 2, 3]), // the stem
    ([2, 3, 4, 6], 16, [7, 2, 3]),  // picture smaller than the window
    ([1, 2, 1, 1], 3, [7, 2, 3]),
    ([1, 2, 9, 8], 5, [7, 1, 3]),
    ([5, 32, 13, 13], 32, [3, 1, 1]), // four slices of the gradient of the weights
    ([3, 4, 31, 29], 8, [3, 2, 1]),   // three slices, the last one short
    ([2, 65, 9, 9], 15, [3, 1, 1]),   // one quad more than a tile of channels
    ([1, 129, 3, 3], 127, [1, 1, 0]),
    ([1, 128, 4, 4], 128, [3, 1, 1]),
    // Where Winograd's sums do it: tiles cut by one side or both, eight tiles and more, several slices.
    ([2, 5, 7, 8], 17, [3, 1, 1]),
    ([1, 31, 9, 9], 33, [3, 1, 1]),
    ([3, 17, 16, 15], 7, [3, 1, 1]),
    ([1, 3, 2, 2], 16, [3, 1, 1]),
    ([5, 8, 32, 30], 20, [3, 1, 1]),
    ([1, 4, 3, 3], 8, [3, 1, 1]),
    ([2, 7, 12, 9], 16, [3, 1, 1]),
    ([1, 128, 8, 8], 35, [3, 1, 1]),
    ([1, 129, 8, 8], 128, [3, 1, 1]),
];

/// Where the CPU family transforms in passes of their own: one, with a ragged panel, and two, the last one short.
const WIDE: &[([usize; 4], usize)] = &[([1, 128, 9, 7], 132), ([130, 128, 2, 3], 128)];

/// Small pictures and long sums, which wide devices cut into slices: for either depth of a step, with classes of pixels
/// and without.
const SLICED: &[([usize; 4], usize, [usize; 3])] =
    &[([1, 65, 5, 5], 70, [3, 2, 1]), ([1, 516, 3, 3], 520, [1, 1, 0])];

/// Rows, inputs, outputs.
const LINEAR: &[[usize; 3]] = &[
    [1, 1, 1],
    [31, 5, 16],
    [32, 16, 17],
    [33, 17, 33],
    [63, 4, 32],
    [64, 3, 31],
    [65, 13, 15],
    [127, 32, 64],
    [128, 31, 65],
    [129, 64, 5],
    [1031, 7, 3], // slices
    [13, 512, 128],
    [40, 128, 300],
];

/// `y`, both gradients; the weights' is added to one that is there, the input's also.
fn both_ways(
    bench: &mut Bench,
    x_shape: &[usize; 4],
    filters: usize,
    [kernel, stride, pad]: [usize; 3],
) -> Result<()> {
    let geometry = Geometry { stride, pad };
    let w_shape = [filters, x_shape[1], kernel, kernel];
    let (x, w) = (bench.random(x_shape), bench.random(&w_shape));
    let y = conv::forward(&x, &w, geometry);
    let (dy, sum, old) = (bench.random(&y.shape), bench.random(x_shape), bench.random(&w_shape));
    let dx = conv::backward_input(&w, &dy, x_shape, geometry);
    let dw = conv::backward_weight(&x, &dy, &w_shape, geometry);

    let [channels, filters, kernel, stride, pad] =
        [x_shape[1], filters, kernel, stride, pad].map(|n| n as u32);
    let filter = Filter { channels, filters, kernel, stride, pad };
    let [tx, tdy, tsum] = [&x, &dy, &sum].map(|t| bench.activations(t));
    let [tw, tdw] = [&w, &old].map(|t| bench.upload_panels(&filter, t));
    let plan = bench.plan();
    let staged = conv2d::stage(plan, &tx);
    let ty = conv2d::forward(plan, &filter, &staged, &tw)?;
    let staged_dy = conv2d::stage(plan, &tdy);
    conv2d::backward_weight(plan, &filter, &staged, &staged_dy, &tdw)?;
    let tdx = conv2d::backward_input(plan, &filter, &staged_dy, &tw, tx.shape, None)?;
    let added = conv2d::backward_input(plan, &filter, &staged_dy, &tw, tx.shape, Some(tsum))?;
    let stored = bench.stored(TOLERANCE);
    bench.expect("y", &ty, &y, stored);
    bench.expect("dx", &tdx, &dx, stored);
    bench.expect("dx+", &added, &dx.add(&sum), stored);
    // Matrix units cut off where others round: each of up to 144 additions of a block of products may lose a unit of the
    // last place, 2⁻²³ of the sum so far.
    let by_units = bench.gpu().family() == Family::Matrix && bench.element() == Element::F16;
    let summed = if by_units { 144.0 * f64::from(f32::EPSILON) } else { TOLERANCE };
    bench.expect_panels("dw+", &tdw, filter, &dw.add(&old), summed);
    Ok(())
}

pub(super) fn convolutions(suite: &mut Suite) {
    for (x, filters, window) in CONVOLUTIONS {
        let name = format!("conv {x:?} to {filters}, window {window:?}");
        suite.both(name, |bench| both_ways(bench, x, *filters, *window));
    }
    suite.case("numbers at the end of half precision", end_of_half);
    if matches!(suite.family(), Family::Tile | Family::Matrix) {
        suite.wide(|suite| {
            for (x, filters, window) in SLICED {
                let name = format!("conv in slices {x:?} to {filters}, window {window:?}");
                suite.both(name, |bench| both_ways(bench, x, *filters, *window));
            }
        });
    }
}

pub(super) fn wide_convolutions(suite: &mut Suite) {
    for (x, filters) in WIDE {
        suite.both(format!("wide conv {x:?} to {filters}"), |bench| both_ways(bench, x, *filters, [3, 1, 1]));
    }
}

/// What is too large for half precision must not come out as a number, on any adapter.
fn end_of_half(bench: &mut Bench) -> Result<()> {
    bench.store_as(Element::F16);
    let values =
        [65_504.0, 65_519.0, 65_520.0, -65_504.0, -65_520.0, 1e6, -1e30, f64::INFINITY, f64::NAN, 0.5];
    let filter = Filter::linear(1, values.len() as u32);
    let x = bench.activations(&Tensor64::new(&[1, 1], vec![1.0]));
    let w = bench.upload_panels(&filter, &Tensor64::new(&[values.len(), 1, 1, 1], values.to_vec()));
    let staged = conv2d::stage(bench.plan(), &x);
    let y = conv2d::forward(bench.plan(), &filter, &staged, &w)?;
    let pick = move |got: &[f32]| {
        let number = |&v: &f32| if v.is_finite() { f64::from(v) } else { 0.0 };
        Ok(got[..values.len()].iter().map(number).collect())
    };
    let want = [65_504.0, 65_504.0, 0.0, -65_504.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5];
    bench.expect_picked("numbers", &y, pick, &want, 0.0, 1.0);
    Ok(())
}

fn linear_layer(bench: &mut Bench, [rows, inputs, outputs]: [usize; 3]) -> Result<()> {
    let (x, w, bias) =
        (bench.random(&[rows, inputs]), bench.random(&[outputs, inputs]), bench.random(&[outputs]));
    let (dy, old, old_bias) =
        (bench.random(&[rows, outputs]), bench.random(&[outputs, inputs]), bench.random(&[outputs]));
    let filter = Filter::linear(inputs as u32, outputs as u32);
    let [tx, tdy, tbias, tdbias] = [&x, &dy, &bias, &old_bias].map(|t| bench.upload(t));
    let [tw, tdw] = [&w, &old].map(|t| bench.upload_panels(&filter, t));
    let plan = bench.plan();
    let staged = conv2d::stage(plan, &tx);
    let ty = conv2d::forward(plan, &filter, &staged, &tw)?;
    vector::add_bias(plan, &ty, &tbias)?;
    vector::bias_gradient(plan, &tdy, &tdbias)?;
    let staged_dy = conv2d::stage(plan, &tdy);
    conv2d::backward_weight(plan, &filter, &staged, &staged_dy, &tdw)?;
    let tdx = conv2d::backward_input(plan, &filter, &staged_dy, &tw, tx.shape, None)?;
    bench.expect("y", &ty, &linear::forward(&x, &w, Some(&bias)), TOLERANCE);
    bench.expect("dx", &tdx, &linear::backward_input(&w, &dy), TOLERANCE);
    bench.expect_panels("dw+", &tdw, filter, &linear::backward_weight(&x, &dy).add(&old), TOLERANCE);
    let dbias = linear::backward_bias(&dy).add(&old_bias);
    // A sum of terms that cancel: as exact as the sum of their sizes allows.
    let scale = largest(&dbias.data).max(largest(&dy.data));
    bench.expect_scaled("dbias+", &tdbias, &dbias, TOLERANCE, scale);
    Ok(())
}

pub(super) fn linear_layers(suite: &mut Suite) {
    for &sizes in LINEAR {
        let [rows, inputs, outputs] = sizes;
        suite.case(format!("linear {rows} rows, {inputs} to {outputs}"), |bench| linear_layer(bench, sizes));
    }
}

/// OIHW to IOHW.
fn exchanged(w: &Tensor64) -> Tensor64 {
    let [outputs, inputs, height, width] = w.dims4();
    let taps = height * width;
    let at = |i: usize, o: usize, tap: usize| w.data[(o * inputs + i) * taps + tap];
    let data = (0..inputs * outputs * taps)
        .map(|flat| at(flat / (outputs * taps), flat / taps % outputs, flat % taps))
        .collect();
    Tensor64::new(&[inputs, outputs, height, width], data)
}

pub(super) fn layouts(suite: &mut Suite) {
    for (channels, filters, kernel) in
        [(1, 1, 1), (3, 5, 3), (16, 17, 1), (17, 16, 3), (32, 33, 3), (33, 32, 7), (129, 7, 1)]
    {
        suite.case(format!("transpose {channels} to {filters}, kernel {kernel}"), |bench| {
            let w = bench.random(&[filters, channels, kernel, kernel]);
            let [channels, filters, kernel] = [channels, filters, kernel].map(|n| n as u32);
            let filter = Filter { channels, filters, kernel, stride: 1, pad: 0 };
            let tw = bench.upload_panels(&filter, &w);
            let wt = weights::transpose(bench.plan(), &filter, &tw)?;
            let turned = Filter { channels: filters, filters: channels, ..filter };
            bench.expect_panels("transposed", &wt, turned, &exchanged(&w), 0.0);
            Ok(())
        });
    }
    for (rows, columns) in [(1, 1), (3, 5), (5, 4), (16, 3), (17, 12), (31, 16), (33, 130), (129, 33)] {
        suite.case(format!("{rows} rows of {columns} as weights"), |bench| {
            let x = bench.random(&[rows, columns]);
            let tx = bench.upload(&x);
            let panels = weights::pack_rows(bench.plan(), &tx)?;
            bench.expect_panels("packed", &panels, Filter::linear(columns as u32, rows as u32), &x, 0.0);
            Ok(())
        });
    }
    for (rows, columns, slices) in [(1, 4, 1), (1, 3, 5), (7, 16, 2), (63, 4, 3), (65, 4, 31), (11, 32, 64)] {
        suite.case(format!("{slices} slices of {rows} x {columns}"), |bench| {
            let (parts, old) = (bench.random(&[slices * rows, columns]), bench.random(&[rows, columns]));
            let (tparts, tdw) = (bench.upload(&parts), bench.upload(&old));
            let slice_of = |tensor: u32| Shape::matrix(tensor, columns as u32);
            assert_eq!(tdw.shape, slice_of(rows as u32));
            weights::reduce_slices(bench.plan(), &tparts, slices as u32, &tdw)?;
            let sum = (0..slices).fold(old, |sum, s| sum.add(&parts.slice(s * rows, (s + 1) * rows)));
            bench.expect("reduced+", &tdw, &sum, 1e-6);
            Ok(())
        });
    }
}

/// G of Winograd's F(2×2, 3×3): what a line of three taps is turned into.
const LINES: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

/// `G g Gᵀ` of a window, at the position.
fn transformed(g: impl Fn(usize) -> f64, position: usize) -> f64 {
    (0..9).map(|tap| LINES[position / 4][tap / 3] * g(tap) * LINES[position % 4][tap % 3]).sum()
}

/// `Gᵀ s G` of 16 sums, at the tap.
fn reduced(s: &[f64], tap: usize) -> f64 {
    (0..16).map(|at| LINES[at / 4][tap / 3] * s[at] * LINES[at % 4][tap % 3]).sum()
}

/// Values `[N, C, 16]` as panels `[N / width][16][C][width]`.
fn position_panels(filter: &Filter, values: &[f64]) -> Vec<f64> {
    let (rows, width, channels) = (filter.rows() as usize, filter.width() as usize, filter.channels as usize);
    let mut panels = vec![0.0; filter.panels().images as usize / 9 * 16 * width];
    for (at, &value) in values.iter().enumerate() {
        let (n, c, position) = (at / 16 / channels, at / 16 % channels, at % 16);
        panels[((n / width * 16 + position) * rows + c) * width + n % width] = value;
    }
    panels
}

fn windows_of(bench: &mut Bench, channels: usize, filters: usize, slices: usize) -> Result<()> {
    let [c, n] = [channels, filters].map(|n| n as u32);
    let filter = Filter { channels: c, filters: n, kernel: 3, stride: 1, pad: 1 };
    let w = bench.random(&[filters, channels, 3, 3]);
    let tw = bench.upload_panels(&filter, &w);
    for turn in [false, true] {
        let of = |at: usize, position| {
            transformed(|tap| w.data[at * 9 + if turn { 8 - tap } else { tap }], position)
        };
        let values: Vec<f64> = (0..filters * channels * 16).map(|at| of(at / 16, at % 16)).collect();
        let want = position_panels(&filter, &values);
        let wt = weights::transform_windows(bench.plan(), &tw, filter.rows(), turn)?;
        let pick = |got: &[f32]| Ok(got.iter().map(|&v| f64::from(v)).collect());
        bench.expect_picked(format!("turned: {turn}"), &wt, pick, &want, 1e-6, largest(&want));
    }
    let parts: Vec<Tensor64> = (0..slices).map(|_| bench.random(&[filters * channels, 16])).collect();
    let packed: Vec<f64> = parts.iter().flat_map(|part| position_panels(&filter, &part.data)).collect();
    let width = filter.width() as usize;
    let partial = bench.upload(&Tensor64::new(&[packed.len() / width, width], packed));
    let tdw = bench.upload_panels(&filter, &w);
    weights::reduce_windows(bench.plan(), &partial, slices as u32, &tdw, filter.rows())?;
    let sum = parts.iter().skip(1).fold(parts[0].clone(), |sum, part| sum.add(part));
    let gradient = sum.data.chunks(16).flat_map(|s| (0..9).map(|tap| reduced(s, tap))).collect();
    let want = w.add(&Tensor64::new(&w.shape, gradient));
    bench.expect_panels("reduced+", &tdw, filter, &want, 1e-6);
    Ok(())
}

pub(super) fn windows(suite: &mut Suite) {
    for (channels, filters, slices) in [(1, 1, 1), (3, 17, 2), (16, 16, 1), (33, 31, 5), (8, 33, 3)] {
        suite.case(format!("windows {channels} to {filters}, {slices} slices"), |bench| {
            windows_of(bench, channels, filters, slices)
        });
    }
}
