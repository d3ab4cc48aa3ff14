//! How exact Winograd's sums are in `f32`, beside direct sums, at the channel counts of a ResNet-18:
//! F(2×2, 3×3), and F(4×4, 3×3) with the points of our kernel and with the usual ones. Forward and the
//! gradient of the input are the same sum of other numbers: activations that are zero or more, gradients
//! of both signs against turned windows. Errors are relative to the largest wanted value, as in the
//! self-test.
//!
//! `cargo test --release --test it -- winograd_error --nocapture` prints the table.

use swav_wgpu::selftest::reference::Rng64;

/// What the self-test allows a convolution.
const TOLERANCE: f64 = 3e-6;
const TILES: usize = 24;
const FILTERS: usize = 16;

/// A minimal filtering algorithm F(m, 3): `y = Aᵀ[(G g) ⊙ (Bᵀ d)]` with `t = m + 2` products a line.
struct Lines {
    name: &'static str,
    outputs: usize,
    /// `Bᵀ`, t × t.
    input: &'static [&'static [f64]],
    /// `G`, t × 3.
    window: &'static [[f64; 3]],
    /// `Aᵀ`, m × t.
    output: &'static [&'static [f64]],
}

/// Lavin & Gray 2015, section 4.1: points 0, 1, −1, ∞.
const F2: Lines = Lines {
    name: "F(2,3)",
    outputs: 2,
    input: &[&[1.0, 0.0, -1.0, 0.0], &[0.0, 1.0, 1.0, 0.0], &[0.0, -1.0, 1.0, 0.0], &[0.0, 1.0, 0.0, -1.0]],
    window: &[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]],
    output: &[&[1.0, 1.0, 1.0, 0.0], &[0.0, 1.0, -1.0, -1.0]],
};

/// What `winograd.subgroup_4x4.wgsl` computes: points 0, −1, 1, 2, −1/2, ∞ (Barabasz et al. 2020).
const F4: Lines = Lines {
    name: "F(4,3)",
    outputs: 4,
    input: &[
        &[1.0, 1.5, -2.0, -1.5, 1.0, 0.0],
        &[0.0, 1.0, 0.5, -2.5, 1.0, 0.0],
        &[0.0, -1.0, -2.5, -0.5, 1.0, 0.0],
        &[0.0, -0.5, -1.0, 0.5, 1.0, 0.0],
        &[0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
        &[0.0, 1.0, 1.5, -2.0, -1.5, 1.0],
    ],
    window: &[
        [1.0, 0.0, 0.0],
        [1.0 / 3.0, -1.0 / 3.0, 1.0 / 3.0],
        [-1.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0],
        [1.0 / 15.0, 2.0 / 15.0, 4.0 / 15.0],
        [-16.0 / 15.0, 8.0 / 15.0, -4.0 / 15.0],
        [0.0, 0.0, 1.0],
    ],
    output: &[
        &[1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        &[0.0, -1.0, 1.0, 2.0, -0.5, 0.0],
        &[0.0, 1.0, 1.0, 4.0, 0.25, 0.0],
        &[0.0, -1.0, 1.0, 8.0, -0.125, 1.0],
    ],
};

/// Lavin & Gray, section 4.2: points 0, ±1, ±2, ∞.
const F4_USUAL: Lines = Lines {
    name: "F(4,3), usual points",
    outputs: 4,
    input: &[
        &[4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
        &[0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
        &[0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
        &[0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
        &[0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
        &[0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
    ],
    window: &[
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ],
    output: &[
        &[1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        &[0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
        &[0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
        &[0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
    ],
};

/// `m x mᵀ` in single precision, zeros skipped as a kernel does; `x` is square.
fn both_sides(m: &[Vec<f32>], x: &[f32], side: usize) -> Vec<f32> {
    let dot = |line: &[f32], at: &dyn Fn(usize) -> f32| {
        line.iter().enumerate().filter(|(_, m)| **m != 0.0).fold(0.0f32, |sum, (i, m)| sum + m * at(i))
    };
    let half: Vec<f32> =
        m.iter().flat_map(|line| (0..side).map(move |j| dot(line, &|i| x[i * side + j]))).collect();
    let rows = m.len();
    (0..rows * rows).map(|at| dot(&m[at % rows], &|j| half[at / rows * side + j])).collect()
}

fn single(lines: &[&[f64]]) -> Vec<Vec<f32>> {
    lines.iter().map(|line| line.iter().map(|&v| v as f32).collect()).collect()
}

/// Patches `[tile][c][6 × 6]` and windows `[n][c][9]`.
struct Numbers {
    channels: usize,
    patches: Vec<f32>,
    windows: Vec<f32>,
}

impl Numbers {
    /// `rectified`: the pictures are activations after a ReLU.
    fn new(channels: usize, rectified: bool) -> Self {
        let mut rng = Rng64(channels as u64);
        let mut normal = |count: usize| (0..count).map(|_| rng.normal() as f32).collect::<Vec<_>>();
        let (mut patches, windows) = (normal(TILES * channels * 36), normal(FILTERS * channels * 9));
        if rectified {
            patches.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        Self { channels, patches, windows }
    }

    fn patch(&self, tile: usize, c: usize) -> &[f32] {
        &self.patches[(tile * self.channels + c) * 36..][..36]
    }

    /// Tap of a window, which the gradient of the input turns by 180°.
    fn tap(&self, n: usize, c: usize, tap: usize, turn: bool) -> f32 {
        self.windows[(n * self.channels + c) * 9 + if turn { 8 - tap } else { tap }]
    }

    /// Pixel (i, j) of a tile as a direct sum, taps outside channels as in the kernels.
    fn direct<T: Copy>(
        &self,
        [tile, n, i, j]: [usize; 4],
        turn: bool,
        zero: T,
        add: impl Fn(T, f32, f32) -> T,
    ) -> T {
        let terms = (0..9).flat_map(|tap| (0..self.channels).map(move |c| (tap, c)));
        terms.fold(zero, |sum, (tap, c)| {
            let x = self.patch(tile, c)[(i + tap / 3) * 6 + j + tap % 3];
            add(sum, x, self.tap(n, c, tap, turn))
        })
    }

    /// The first m × m pixels of a tile.
    fn winograd(&self, lines: &Lines, tile: usize, n: usize, turn: bool) -> Vec<f32> {
        let t = lines.outputs + 2;
        let input = single(lines.input);
        let window: Vec<&[f64]> = lines.window.iter().map(|line| &line[..]).collect();
        let window = single(&window);
        let mut sums = vec![0.0f32; t * t];
        for c in 0..self.channels {
            let patch = self.patch(tile, c);
            let d: Vec<f32> = (0..t * t).map(|at| patch[at / t * 6 + at % t]).collect();
            let g: Vec<f32> = (0..9).map(|tap| self.tap(n, c, tap, turn)).collect();
            let (v, u) = (both_sides(&input, &d, t), both_sides(&window, &g, 3));
            sums.iter_mut().zip(v.iter().zip(&u)).for_each(|(sum, (v, u))| *sum += v * u);
        }
        both_sides(&single(lines.output), &sums, t)
    }

    /// The worst error of Winograd's sums and of direct ones, over the same pixels.
    fn errors(&self, lines: &Lines, turn: bool) -> [f64; 2] {
        let (mut most, mut worst) = (0.0f64, [0.0f64; 2]);
        for tile in 0..TILES {
            for n in 0..FILTERS {
                let fast = self.winograd(lines, tile, n, turn);
                for (at, &fast) in fast.iter().enumerate() {
                    let pixel = [tile, n, at / lines.outputs, at % lines.outputs];
                    let want =
                        self.direct(pixel, turn, 0.0, |sum: f64, x, w| sum + f64::from(x) * f64::from(w));
                    let plain = self.direct(pixel, turn, 0.0f32, |sum, x, w| sum + x * w);
                    most = most.max(want.abs());
                    for (worst, got) in worst.iter_mut().zip([fast, plain]) {
                        *worst = worst.max((f64::from(got) - want).abs());
                    }
                }
            }
        }
        worst.map(|error| error / most)
    }
}

/// F(2,3) is as exact as what it replaces. F(4,3) loses more, so it sums over no more than 128 channels.
/// With 64 it keeps to what the self-test allows; with 128 it does for most numbers (18 of 24 seeds of
/// this study, the worst 4.1e-6); with more it does not, nor anywhere with the usual points.
#[test]
fn tiles_of_two_are_as_exact_as_direct_sums_and_tiles_of_four_lose_what_is_said_of_them() {
    for channels in [64, 128, 256, 512] {
        for (what, turn) in [("forward", false), ("backward_input", true)] {
            let numbers = Numbers::new(channels, !turn);
            let [two, four, usual] = [&F2, &F4, &F4_USUAL].map(|lines| {
                let [fast, plain] = numbers.errors(lines, turn);
                println!("{channels:>4} channels, {what:<15}{} {fast:.1e}, direct {plain:.1e}", lines.name);
                [fast, plain]
            });
            assert!(two[0] < 1.5 * two[1] && two[0] < TOLERANCE, "{channels} {what}: {two:?}");
            let expected = match channels {
                64 => 0.0..TOLERANCE,
                128 => 0.0..1.5 * TOLERANCE,
                _ => TOLERANCE..3.0 * TOLERANCE,
            };
            assert!(expected.contains(&four[0]), "{channels} {what}: {four:?}, not in {expected:?}");
            assert!(usual[0] > TOLERANCE && usual[0] > 1.5 * four[0], "{channels} {what}: {usual:?}");
        }
    }
}
