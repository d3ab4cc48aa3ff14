//! Plain views of many pictures and what the network makes of them, gathered portion by portion: of the
//! cosines of N pictures to K prototypes only what a person can look at is kept, so a hundred thousand
//! pictures and three thousand prototypes fit in memory. Where the method has no prototypes, the centroids of k-means
//! on the features stand in for them.

use crate::error::Result;
use crate::eval::{Features, codes};
use rayon::prelude::*;

/// Samples that codes are balanced over, at most; fewer where the batch is smaller, as in training.
pub(super) const BALANCED: usize = 256;

/// Nearest pictures that are kept of each prototype.
pub const NEAREST: usize = 24;

/// Plain views of many pictures, and the state of the prototypes.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The pictures' numbers, in an order of which every stretch is a fair choice from all.
    pub pictures: Vec<u32>,
    /// Features, a row a picture.
    pub features: Features,
    /// The best prototype of each picture.
    pub best: Vec<u32>,
    /// The cosine to it.
    pub cosine: Vec<f32>,
    /// Cross-entropy of each picture's prediction with its own code, in nats. The codes are balanced over a
    /// few hundred of these pictures at a time.
    pub loss: Vec<f32>,
    /// The nearest pictures of every prototype with their cosines, nearest first.
    pub nearest: Vec<Vec<(u32, f32)>>,
    /// The prototypes, `[K, D]`, not of unit length.
    pub prototypes: Features,
    /// How many of the last crops each prototype was the best one of.
    pub counts: Vec<u32>,
}

/// The rows of a portion that could be read, with their pictures. Takes one picture for each row and no more: the next
/// portion begins with the next one.
pub(super) fn read<'a>(asked: &mut impl Iterator<Item = &'a u32>, readable: &[bool]) -> Vec<(usize, u32)> {
    let rows = readable.iter().enumerate().zip(asked);
    rows.filter(|((_, ok), _)| **ok).map(|((row, _), &picture)| (row, picture)).collect()
}

/// What is kept of the cosines so far, and the rows that wait for a batch to be balanced over.
pub(super) struct Gathered {
    epsilon: f64,
    iterations: u32,
    pub(super) pictures: Vec<u32>,
    pub(super) best: Vec<u32>,
    pub(super) cosine: Vec<f32>,
    pub(super) loss: Vec<f32>,
    pub(super) nearest: Vec<Vec<(u32, f32)>>,
    waiting: Vec<f32>,
}

impl Gathered {
    pub(super) fn new(prototypes: usize, epsilon: f64, iterations: u32) -> Self {
        Self {
            epsilon,
            iterations,
            pictures: Vec::new(),
            best: Vec::new(),
            cosine: Vec::new(),
            loss: Vec::new(),
            nearest: vec![Vec::new(); prototypes],
            waiting: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, picture: u32, cosines: &[f32]) {
        let larger = |best: (u32, f32), (k, &value): (usize, &f32)| {
            if value > best.1 { (k as u32, value) } else { best }
        };
        let (best, cosine) = cosines.iter().enumerate().fold((0, f32::MIN), larger);
        self.pictures.push(picture);
        self.best.push(best);
        self.cosine.push(cosine);
        self.waiting.extend_from_slice(cosines);
    }

    /// Takes the waiting rows in, a batch at a time; what is left over at the end joins the last batch.
    pub(super) fn sort_in(&mut self, temperature: f64, end: bool) -> Result<()> {
        let k = self.nearest.len().max(1);
        loop {
            let rows = self.waiting.len() / k;
            if rows == 0 || (rows < 2 * BALANCED && !end) {
                return Ok(());
            }
            let count = if rows < 2 * BALANCED { rows } else { BALANCED };
            let rest = self.waiting.split_off(count * k);
            let batch = Features::new(count, k, std::mem::replace(&mut self.waiting, rest))?;
            let first = self.loss.len();
            self.judge(&batch, temperature)?;
            let pictures = &self.pictures[first..first + count];
            self.nearest.par_iter_mut().enumerate().for_each(|(k, list)| {
                for (row, &picture) in pictures.iter().enumerate() {
                    insert(list, picture, batch.row(row)[k]);
                }
            });
        }
    }

    fn judge(&mut self, cosines: &Features, temperature: f64) -> Result<()> {
        let codes = codes::codes(cosines, self.epsilon, self.iterations)?;
        let loss = |row: usize| {
            let prediction = codes::prediction(cosines.row(row), temperature);
            let term = |(q, p): (&f32, &f32)| -f64::from(*q) * f64::from(p.max(1e-30)).ln();
            codes.row(row).iter().zip(&prediction).map(term).sum::<f64>() as f32
        };
        self.loss.par_extend((0..cosines.rows).into_par_iter().map(loss));
        Ok(())
    }
}

/// Puts a picture where it belongs among the nearest; of equals the first stays first.
fn insert(list: &mut Vec<(u32, f32)>, picture: u32, cosine: f32) {
    if list.len() == NEAREST && list.last().is_some_and(|last| cosine <= last.1) {
        return;
    }
    let at = list.partition_point(|&(_, known)| known >= cosine);
    list.insert(at, (picture, cosine));
    list.truncate(NEAREST);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// Cosines that differ from each other everywhere.
    fn row(picture: u32, k: usize) -> Vec<f32> {
        let mut random = Stream::new(3, Purpose::Test, &[u64::from(picture)]);
        (0..k).map(|_| random.range(-1.0, 1.0) as f32).collect()
    }

    #[test]
    fn every_row_of_every_portion_is_of_its_own_picture() {
        let wanted: Vec<u32> = (10..20).collect();
        let (mut asked, mut found) = (wanted.iter(), Vec::new());
        for portion in [&[true][..], &[true, false], &[true, true, true], &[true; 4]] {
            found.extend(read(&mut asked, portion));
        }
        let expected = [10, 11, 13, 14, 15, 16, 17, 18, 19];
        assert_eq!(found.iter().map(|(_, picture)| *picture).collect::<Vec<_>>(), expected);
        assert_eq!(found.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 0, 0, 1, 2, 0, 1, 2, 3]);
    }

    #[test]
    fn portions_give_what_all_at_once_gives() {
        // Three batches: 256, 256 and the rest of 300.
        let (n, k) = (812, 7);
        let mut gathered = Gathered::new(k, 0.05, 3);
        for picture in 0..n {
            gathered.add(picture, &row(picture, k));
            if picture % 100 == 0 {
                gathered.sort_in(0.1, false).unwrap();
            }
        }
        gathered.sort_in(0.1, true).unwrap();
        assert_eq!((gathered.loss.len(), gathered.waiting.len()), (n as usize, 0));
        for at in 0..k {
            let mut all: Vec<(u32, f32)> = (0..n).map(|picture| (picture, row(picture, k)[at])).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            assert_eq!(gathered.nearest[at], all[..NEAREST]);
        }
        // The middle batch stands alone: its losses are those of its own codes.
        let rows = |from: u32, to: u32| (from..to).flat_map(|picture| row(picture, k)).collect::<Vec<_>>();
        let mut alone = Gathered::new(k, 0.05, 3);
        alone.judge(&Features::new(256, k, rows(256, 512)).unwrap(), 0.1).unwrap();
        assert_eq!(gathered.loss[256..512], alone.loss);
        let best = row(5, k).iter().copied().fold(f32::MIN, f32::max);
        assert_eq!((gathered.cosine[5], row(5, k)[gathered.best[5] as usize]), (best, best));
    }

    #[test]
    fn a_sure_picture_has_a_small_loss() {
        let mut gathered = Gathered::new(2, 0.05, 3);
        // Two sure pictures on either side, and one in between.
        for (picture, cosines) in [[0.9, -0.9], [-0.9, 0.9], [0.1, 0.1]].iter().enumerate() {
            gathered.add(picture as u32, cosines);
        }
        gathered.sort_in(0.1, true).unwrap();
        assert!(gathered.loss[0] < 0.01 && gathered.loss[1] < 0.01, "{:?}", gathered.loss);
        assert!((f64::from(gathered.loss[2]) - 2f64.ln()).abs() < 0.01, "{:?}", gathered.loss);
    }
}
