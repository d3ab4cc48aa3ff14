//! Features on a plane so that neighbours stay neighbours: t-SNE (van der Maaten and Hinton 2008), exact, for
//! looking at up to a few thousand rows.
//!
//! p(i, j): how likely i and j are neighbours among the features, Gaussians of equal perplexity made symmetric.
//! q(i, j): the same on the plane, from 1 / (1 + |y(i) − y(j)|²). Gradient descent on KL(p ‖ q):
//! dy(i) = 4 Σ_j (p − q)(i, j) (y(i) − y(j)) / (1 + |y(i) − y(j)|²). Every pair is looked at from both sides,
//! which keeps rows independent, so the result is equal on any number of threads.

use super::vectors::{Features, dots};
use rayon::prelude::*;

/// Rounds of descent: enough for groups to have settled.
pub const ROUNDS: usize = 500;
/// Rounds in which p is exaggerated, so that groups can pass each other, and by how much.
const EARLY: usize = 120;
const EXAGGERATION: f32 = 12.0;
/// Share of the last move that is kept, in early rounds and after them.
const MOMENTUM: [f32; 2] = [0.5, 0.8];
/// How many neighbours count.
const PERPLEXITY: f64 = 30.0;
/// Spread of the places that it starts from.
const START: f32 = 1e-2;
/// Pairs that are summed side by side.
const LANES: usize = 8;

/// A descent under way.
#[derive(Clone, Debug)]
pub struct Tsne {
    /// p, a row for each row of features, padded with 0 to whole lanes.
    p: Vec<f32>,
    stride: usize,
    /// The places, by axis, padded with 0 as p is.
    places: [Vec<f32>; 2],
    moves: Vec<[f32; 2]>,
    gains: Vec<[f32; 2]>,
    round: usize,
}

impl Tsne {
    /// Prepares the descent from `start`, a place for each row, for instance that of
    /// [`super::projection::Projection`]; only its shape counts, not its scale.
    #[must_use]
    pub fn new(features: &Features, start: &[[f32; 2]]) -> Self {
        let n = features.rows;
        let stride = n.next_multiple_of(LANES);
        let most = start.iter().flatten().fold(1e-9f32, |most, value| most.max(value.abs()));
        let axis = |axis: usize| {
            let places = start.iter().map(|place| START * place[axis] / most);
            places.chain(std::iter::repeat(0.0)).take(stride).collect()
        };
        Self {
            p: joint(&conditional(features), n, stride),
            stride,
            places: [axis(0), axis(1)],
            moves: vec![[0.0; 2]; n],
            gains: vec![[1.0; 2]; n],
            round: 0,
        }
    }

    /// Where the rows lie now.
    #[must_use]
    pub fn places(&self) -> Vec<[f32; 2]> {
        let [x, y] = &self.places;
        x.iter().zip(y).take(self.moves.len()).map(|(&x, &y)| [x, y]).collect()
    }

    /// One round of descent; false when all of them are done.
    pub fn step(&mut self) -> bool {
        let n = self.moves.len();
        if self.round == ROUNDS || n < 2 {
            return false;
        }
        let early = self.round < EARLY;
        let gradient = self.gradient(if early { EXAGGERATION } else { 1.0 });
        let rate = (n as f32 / EXAGGERATION / 4.0).max(50.0);
        let momentum = MOMENTUM[usize::from(!early)];
        for (i, gradient) in gradient.iter().enumerate() {
            for (axis, &slope) in gradient.iter().enumerate() {
                let last = self.moves[i][axis];
                // A coordinate that keeps its direction may go faster.
                let gain = &mut self.gains[i][axis];
                *gain = if slope * last < 0.0 { *gain + 0.2 } else { (*gain * 0.8).max(0.01) };
                self.moves[i][axis] = momentum * last - rate * *gain * slope;
                self.places[axis][i] += self.moves[i][axis];
            }
        }
        self.round += 1;
        true
    }

    fn gradient(&self, exaggeration: f32) -> Vec<[f32; 2]> {
        let n = self.moves.len();
        let sums: Vec<[f32; 5]> = (0..n).into_par_iter().map(|i| self.pull_and_push(i)).collect();
        let total: f64 = sums.iter().map(|sums| f64::from(sums[4])).sum();
        let one_over = (1.0 / total.max(1e-30)) as f32;
        let of = |&[px, py, qx, qy, _]: &[f32; 5]| {
            [4.0 * (exaggeration * px - qx * one_over), 4.0 * (exaggeration * py - qy * one_over)]
        };
        sums.iter().map(of).collect()
    }

    /// Sums over all others of row i: p·w·(y(i) − y), by axis; w²·(y(i) − y), by axis; w; w = 1 / (1 + |y(i) − y|²).
    fn pull_and_push(&self, i: usize) -> [f32; 5] {
        let [xs, ys] = &self.places;
        let (x, y) = (xs[i], ys[i]);
        let p = &self.p[i * self.stride..][..self.stride];
        let mut sums = [[0.0f32; LANES]; 5];
        let lanes = xs.chunks_exact(LANES).zip(ys.chunks_exact(LANES)).zip(p.chunks_exact(LANES));
        for ((xs, ys), p) in lanes {
            for lane in 0..LANES {
                let (dx, dy) = (x - xs[lane], y - ys[lane]);
                let w = 1.0 / (1.0 + dx * dx + dy * dy);
                let (pull, push) = (p[lane] * w, w * w);
                sums[0][lane] += pull * dx;
                sums[1][lane] += pull * dy;
                sums[2][lane] += push * dx;
                sums[3][lane] += push * dy;
                sums[4][lane] += w;
            }
        }
        let mut sums = sums.map(|lanes| lanes.iter().sum::<f32>());
        // The padding lies at 0 and pushes; row i itself, at no distance, adds 1 to the sum of w.
        let w = 1.0 / (1.0 + x * x + y * y);
        let padding = (self.stride - self.moves.len()) as f32;
        sums[2] -= padding * w * w * x;
        sums[3] -= padding * w * w * y;
        sums[4] -= padding * w + 1.0;
        sums
    }
}

/// p(j | i): Gaussians around each row of a width that makes [`PERPLEXITY`] neighbours count.
fn conditional(features: &Features) -> Vec<f32> {
    let n = features.rows;
    let unit = features.normalised(None);
    let target = PERPLEXITY.min((n as f64 - 1.0) / 3.0).max(1.0).ln();
    let mut p = vec![0.0; n * n];
    p.par_chunks_mut(n.max(1)).enumerate().for_each(|(i, row)| {
        // Squared distances of unit rows; that to itself never counts.
        let square: Vec<f64> =
            (0..n).map(|j| f64::from(2.0 - 2.0 * dots([unit.row(i)], unit.row(j))[0])).collect();
        let nearest = (0..n).filter(|&j| j != i).map(|j| square[j]).fold(f64::MAX, f64::min);
        let (mut low, mut high, mut beta) = (0.0, f64::MAX, 1.0);
        for _ in 0..60 {
            let weight = |j: usize| if j == i { 0.0 } else { (beta * (nearest - square[j])).exp() };
            row.iter_mut().enumerate().for_each(|(j, p)| *p = weight(j) as f32);
            let mass: f64 = row.iter().map(|&w| f64::from(w)).sum::<f64>().max(1e-30);
            let mean: f64 =
                row.iter().zip(&square).map(|(&w, square)| f64::from(w) * (square - nearest)).sum::<f64>()
                    / mass;
            row.iter_mut().for_each(|p| *p = (f64::from(*p) / mass) as f32);
            let entropy = mass.ln() + beta * mean;
            if (entropy - target).abs() < 1e-5 {
                break;
            }
            if entropy > target {
                low = beta;
            } else {
                high = beta;
            }
            beta = if high == f64::MAX { beta * 2.0 } else { 0.5 * (low + high) };
        }
    });
    p
}

/// p(i, j) = (p(j | i) + p(i | j)) / 2N, rows padded to `stride`.
fn joint(conditional: &[f32], n: usize, stride: usize) -> Vec<f32> {
    let mut p = vec![0.0; n * stride];
    p.par_chunks_mut(stride.max(1)).enumerate().for_each(|(i, row)| {
        for (j, p) in row.iter_mut().take(n).enumerate() {
            *p = (conditional[i * n + j] + conditional[j * n + i]) / (2 * n) as f32;
        }
    });
    p
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// Rows around three axes at right angles, and places at random.
    fn groups(n: usize) -> (Features, Vec<[f32; 2]>) {
        let mut random = Stream::new(4, Purpose::Test, &[]);
        let row = |i: usize| (0..6).map(move |d| if i % 3 == d { 1.0 } else { 0.0 });
        let data = (0..n).flat_map(row).map(|v: f64| (v + 0.1 * random.normal()) as f32).collect();
        let start = (0..n).map(|_| [random.normal() as f32, random.normal() as f32]).collect();
        (Features::new(n, 6, data).unwrap(), start)
    }

    /// KL(p ‖ q) in f64, without the padding.
    fn divergence(p: impl Fn(usize, usize) -> f64, places: &[[f64; 2]]) -> f64 {
        let n = places.len();
        let w = |i: usize, j: usize| {
            let square = (places[i][0] - places[j][0]).powi(2) + (places[i][1] - places[j][1]).powi(2);
            1.0 / (1.0 + square)
        };
        let pairs = || (0..n).flat_map(|i| (0..n).filter(move |&j| j != i).map(move |j| (i, j)));
        let total: f64 = pairs().map(|(i, j)| w(i, j)).sum();
        pairs().map(|(i, j)| p(i, j) * (p(i, j).max(1e-30) / (w(i, j) / total)).ln()).sum()
    }

    #[test]
    fn the_gradient_is_that_of_the_divergence() {
        // 13 rows: three of padding.
        let (features, start) = groups(13);
        let mut tsne = Tsne::new(&features, &start);
        tsne.places.iter_mut().flatten().for_each(|value| *value *= 100.0);
        let p = |i: usize, j: usize| f64::from(tsne.p[i * tsne.stride + j]);
        let sum: f64 = (0..13).flat_map(|i| (0..13).map(move |j| (i, j))).map(|(i, j)| p(i, j)).sum();
        assert!((sum - 1.0).abs() < 1e-5 && p(4, 4) == 0.0 && p(2, 9) == p(9, 2), "{sum}");
        let places: Vec<[f64; 2]> = tsne.places().iter().map(|place| place.map(f64::from)).collect();
        for (i, got) in tsne.gradient(1.0).iter().enumerate() {
            for axis in 0..2 {
                let at = |by: f64| {
                    let mut places = places.clone();
                    places[i][axis] += by;
                    divergence(p, &places)
                };
                let want = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((f64::from(got[axis]) - want).abs() < 1e-5, "{i} {axis}: {got:?} for {want}");
            }
        }
    }

    #[test]
    fn each_row_has_as_many_neighbours_as_asked_for() {
        let n = 200;
        let p = conditional(&groups(n).0);
        for row in p.chunks_exact(n) {
            let entropy: f64 = row.iter().map(|&p| -f64::from(p) * f64::from(p.max(1e-30)).ln()).sum();
            assert!((entropy.exp() - PERPLEXITY).abs() < 0.01, "{}", entropy.exp());
        }
    }

    #[test]
    fn groups_come_apart_whatever_the_start() {
        let n = 90;
        let (features, start) = groups(n);
        let mut tsne = Tsne::new(&features, &start);
        let mut rounds = 0;
        while tsne.step() {
            rounds += 1;
        }
        let places = tsne.places();
        assert_eq!((rounds, places.len()), (ROUNDS, n));
        let near = |i: usize| {
            let away = |j: &usize| (places[*j][0] - places[i][0]).hypot(places[*j][1] - places[i][1]);
            (0..n).filter(|&j| j != i).min_by(|a, b| away(a).total_cmp(&away(b)))
        };
        assert!((0..n).all(|i| near(i).is_some_and(|near| near % 3 == i % 3)));
    }

    #[test]
    fn survives_nothing_sameness_and_what_is_no_number() {
        for n in 0..4 {
            let features = Features::new(n, 2, vec![1.0; 2 * n]).unwrap();
            let mut tsne = Tsne::new(&features, &vec![[0.0; 2]; n]);
            while tsne.step() {}
            assert!(tsne.places().len() == n && tsne.places().iter().flatten().all(|v| v.is_finite()));
        }
        let mut tsne = Tsne::new(&Features::new(2, 1, vec![f32::NAN; 2]).unwrap(), &[[0.0; 2]; 2]);
        while tsne.step() {}
    }
}
