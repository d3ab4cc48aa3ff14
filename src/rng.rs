//! Counter-based random numbers: value = f(seed, stream, draw), with no state that depends on order.
//!
//! Every crop of every picture in every epoch has its own stream, so a batch is the same whatever
//! the number of workers, and a resumed run draws what the uninterrupted run would have drawn.
//! The mixing function is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
//! generators", OOPSLA 2014), chained once per key part.

/// A stream of random numbers that depends on nothing but its keys.
#[derive(Clone, Debug)]
pub struct Stream {
    key: u64,
    draw: u64,
}

/// What a stream is for: streams of different purpose never meet, even with equal counters.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights: counter = parameter.
    Weights = 1,
    /// Order of the pictures: counter = epoch.
    Shuffle = 2,
    /// Crops and colours: counters = epoch, picture, crop.
    Crop = 3,
    /// Splits and samples for evaluation.
    Evaluation = 4,
    /// Inputs that tests and benchmarks make up.
    Test = 5,
    /// The pictures that clusters begin as: counters = epoch, set of prototypes.
    Clusters = 6,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream of `seed` for one purpose and any number of counters (epoch, picture, crop, …).
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, counters: &[u64]) -> Self {
        let start = mix(seed.wrapping_add(GOLDEN)) ^ mix((purpose as u64).wrapping_mul(GOLDEN));
        let key = counters
            .iter()
            .fold(start, |key, &c| mix(key.wrapping_add(GOLDEN) ^ mix(c.wrapping_add(GOLDEN))));
        Self { key, draw: 0 }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.draw += 1;
        mix(self.key.wrapping_add(self.draw.wrapping_mul(GOLDEN)))
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `[low, high)`.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Uniform in `0..n` (`n` > 0); the bias of the multiply-shift is below 2^-32 for n < 2^32.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Standard normal (Box-Muller, the cosine half: two draws a value keep the stream seekable).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Puts `items` in random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_functions_of_their_keys() {
        let mut a = Stream::new(31, Purpose::Crop, &[0, 7, 2]);
        let mut b = Stream::new(31, Purpose::Crop, &[0, 7, 2]);
        assert!((0..100).all(|_| a.bits() == b.bits()));
        let firsts: std::collections::HashSet<u64> =
            (0..10_000).map(|i| Stream::new(31, Purpose::Crop, &[i / 100, i % 100, 0]).bits()).collect();
        assert_eq!(firsts.len(), 10_000);
        assert_ne!(Stream::new(1, Purpose::Crop, &[]).bits(), Stream::new(1, Purpose::Shuffle, &[]).bits());
    }

    #[test]
    fn moments_are_right() {
        let mut s = Stream::new(1, Purpose::Test, &[]);
        let n = 200_000;
        let (mut mean, mut square, mut uniform) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let x = s.normal();
            mean += x / f64::from(n);
            square += x * x / f64::from(n);
            uniform += s.uniform() / f64::from(n);
        }
        assert!(mean.abs() < 0.01 && (square - 1.0).abs() < 0.02 && (uniform - 0.5).abs() < 0.005);
    }

    #[test]
    fn shuffle_is_a_permutation() {
        let mut items: Vec<u32> = (0..97).collect();
        Stream::new(3, Purpose::Shuffle, &[4]).shuffle(&mut items);
        assert_ne!(items, (0..97).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..97).collect::<Vec<_>>());
    }
}
