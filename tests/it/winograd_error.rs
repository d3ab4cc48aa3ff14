//! How exact Winograd's sums are in `f32`, beside direct sums, at the channel counts of a ResNet-18. Forward and
//! the gradient of the input are the same sum of other numbers: activations that are zero or more, gradients of
//! both signs against turned windows. Errors are relative to the largest wanted value, as in the self-test.
//!
//! `cargo test --release --test it -- winograd_error --nocapture` prints the table.

use swav_wgpu::selftest::reference::Rng64;

/// What the self-test allows a convolution.
const TOLERANCE: f64 = 3e-6;
const TILES: usize = 24;
const FILTERS: usize = 16;

/// `Bᵀ`, `G` and `Aᵀ` of F(2, 3) with the points 0, 1, −1, ∞ (Lavin & Gray 2015, section 4.1): `y = Aᵀ[(G g) ⊙ (Bᵀ d)]`.
const INPUT: [[f32; 4]; 4] =
    [[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, -1.0, 1.0, 0.0], [0.0, 1.0, 0.0, -1.0]];
const WINDOW: [[f32; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];
const OUTPUT: [[f32; 4]; 2] = [[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, -1.0]];

/// `m x mᵀ` in single precision, zeros skipped as a kernel does; `x` is square.
fn both_sides<const N: usize>(m: &[[f32; N]], x: &[f32]) -> Vec<f32> {
    let dot = |line: &[f32; N], at: &dyn Fn(usize) -> f32| {
        line.iter().enumerate().filter(|(_, m)| **m != 0.0).fold(0.0f32, |sum, (i, m)| sum + m * at(i))
    };
    let half: Vec<f32> =
        m.iter().flat_map(|line| (0..N).map(move |j| dot(line, &|i| x[i * N + j]))).collect();
    let rows = m.len();
    (0..rows * rows).map(|at| dot(&m[at % rows], &|j| half[at / rows * N + j])).collect()
}

/// Patches `[tile][c][4 × 4]` and windows `[n][c][9]`.
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
        let (mut patches, windows) = (normal(TILES * channels * 16), normal(FILTERS * channels * 9));
        if rectified {
            patches.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        Self { channels, patches, windows }
    }

    fn patch(&self, tile: usize, c: usize) -> &[f32] {
        &self.patches[(tile * self.channels + c) * 16..][..16]
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
            let x = self.patch(tile, c)[(i + tap / 3) * 4 + j + tap % 3];
            add(sum, x, self.tap(n, c, tap, turn))
        })
    }

    /// The four pixels of a tile.
    fn winograd(&self, tile: usize, n: usize, turn: bool) -> Vec<f32> {
        let mut sums = [0.0f32; 16];
        for c in 0..self.channels {
            let g: Vec<f32> = (0..9).map(|tap| self.tap(n, c, tap, turn)).collect();
            let (v, u) = (both_sides(&INPUT, self.patch(tile, c)), both_sides(&WINDOW, &g));
            sums.iter_mut().zip(v.iter().zip(&u)).for_each(|(sum, (v, u))| *sum += v * u);
        }
        both_sides(&OUTPUT, &sums)
    }

    /// The worst error of Winograd's sums and of direct ones, over the same pixels.
    fn errors(&self, turn: bool) -> [f64; 2] {
        let (mut most, mut worst) = (0.0f64, [0.0f64; 2]);
        for tile in 0..TILES {
            for n in 0..FILTERS {
                for (at, &fast) in self.winograd(tile, n, turn).iter().enumerate() {
                    let pixel = [tile, n, at / 2, at % 2];
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

#[test]
fn winograds_sums_are_as_exact_as_direct_ones() {
    for channels in [64, 128, 256, 512] {
        for (what, turn) in [("forward", false), ("backward_input", true)] {
            let [fast, plain] = Numbers::new(channels, !turn).errors(turn);
            println!("{channels:>4} channels, {what:<15}Winograd {fast:.1e}, direct {plain:.1e}");
            assert!(fast < 1.5 * plain && fast < TOLERANCE, "{channels} {what}: {fast:.1e}, {plain:.1e}");
        }
    }
}
