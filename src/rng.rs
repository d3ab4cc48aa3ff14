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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights: counter = parameter.
    Weights,
    /// Order of the pictures: counter = epoch.
    Shuffle,
    /// Crops and colours: counters = epoch, picture, crop.
    Crop,
    /// What a network is judged by, where no purpose below names it.
    Evaluation,
    /// A number for a name, which is no secret and the same everywhere: counters = its bytes, seed = 0.
    Name,
    /// Which training pictures choose the rate of linear classifiers: no counter.
    RateChoice,
    /// Order of the pictures that classifiers learn from: counter = epoch.
    ClassifierShuffle,
    /// Crops that classifiers learn from: counters = epoch, step, picture, row.
    ClassifierCrop,
    /// Which pictures keep their labels: counter = class.
    FewLabels,
    /// Order of the pictures in fine-tuning: counter = epoch.
    FinetuneShuffle,
    /// Where k-means starts: no counter.
    Centres,
    /// Inputs that tests and benchmarks make up.
    Test,
    /// The pictures that clusters begin as: counters = epoch, set of prototypes.
    Clusters,
}

impl Purpose {
    /// The purpose's number, and the counter that comes before all others where several share a number. All of a run
    /// depends on them, and so does every result that was published: they stay as they are.
    ///
    /// `Name` has the number of `Evaluation` and no counter of its own, as runs have used it so from the start. They
    /// do not meet: the first byte of a name is none of the counters below, since names are text.
    const fn keys(self) -> (u64, Option<u64>) {
        match self {
            Self::Weights => (1, None),
            Self::Shuffle => (2, None),
            Self::Crop => (3, None),
            Self::Evaluation | Self::Name => (4, None),
            Self::RateChoice => (4, Some(1)),
            Self::ClassifierShuffle => (4, Some(2)),
            Self::ClassifierCrop => (4, Some(3)),
            Self::FewLabels => (4, Some(4)),
            Self::FinetuneShuffle => (4, Some(5)),
            Self::Centres => (4, Some(u64::MAX - 1)),
            Self::Test => (5, None),
            Self::Clusters => (6, None),
        }
    }
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
        let (number, first) = purpose.keys();
        let start = mix(seed.wrapping_add(GOLDEN)) ^ mix(number.wrapping_mul(GOLDEN));
        let key = first
            .iter()
            .chain(counters)
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

    /// What streams drew before purposes had names: a run that goes on, and a split that was published, depend on it.
    #[test]
    fn every_purpose_draws_what_it_always_drew() {
        let firsts = [
            (Purpose::Weights, 0x86df_1755_515a_297d),
            (Purpose::Shuffle, 0xfdbb_1b55_f637_0285),
            (Purpose::Crop, 0xfa27_7dfd_e44d_cc2e),
            (Purpose::Evaluation, 0xea17_df4e_2d16_bb99),
            (Purpose::Name, 0xea17_df4e_2d16_bb99),
            (Purpose::RateChoice, 0x49f2_8920_bc3f_c67d),
            (Purpose::ClassifierShuffle, 0x748d_c7a8_5565_f780),
            (Purpose::ClassifierCrop, 0x2f3a_0f64_11c7_bdb7),
            (Purpose::FewLabels, 0xe973_6701_50b3_45ed),
            (Purpose::FinetuneShuffle, 0x9eaa_bdf8_5ebc_7539),
            (Purpose::Centres, 0x97a6_b4f2_f508_ea4d),
            (Purpose::Test, 0x56c9_370e_2d78_e3a1),
        ];
        for (purpose, first) in firsts {
            assert_eq!(Stream::new(31, purpose, &[7]).bits(), first, "{purpose:?}");
        }
        for counter in 1..6 {
            let before = Stream::new(31, Purpose::Evaluation, &[counter, 7]).bits();
            assert_eq!(firsts[4 + counter as usize].1, before, "{counter}");
        }
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
