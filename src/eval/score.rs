//! What comes of guesses: top-1 and top-5 accuracy, by class, and the confusion matrix.

use serde::Serialize;

/// Guesses that are looked at for top-5.
const FIVE: usize = 5;

/// How good guesses are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Samples.
    pub samples: usize,
    /// Share whose first guess is right.
    pub top1: f64,
    /// Share that have the right class among the first five guesses.
    pub top5: f64,
    /// For each class that has samples: how many, and how many of them are right.
    pub classes: Vec<ClassScore>,
    /// `confusion[class][guess]`: samples; the last column counts those without a guess.
    #[serde(skip)]
    pub confusion: Vec<Vec<u32>>,
}

/// One row of the table by class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScore {
    /// The class.
    pub class: u32,
    /// Its samples.
    pub samples: u32,
    /// Those whose first guess is right.
    pub right: u32,
}

impl Score {
    /// Compares ranked guesses, best first, with the labels, all of which are below `classes`.
    #[must_use]
    pub fn of<'g>(guesses: impl Iterator<Item = &'g [u32]>, labels: &[u32], classes: usize) -> Self {
        let mut confusion = vec![vec![0u32; classes + 1]; classes];
        let (mut first, mut five) = (0usize, 0usize);
        for (ranked, &label) in guesses.zip(labels) {
            let guess = ranked.first().map_or(classes, |&guess| (guess as usize).min(classes));
            if let Some(row) = confusion.get_mut(label as usize) {
                row[guess] += 1;
            }
            first += usize::from(guess == label as usize);
            five += usize::from(ranked.iter().take(FIVE).any(|&guess| guess == label));
        }
        let share = |count: usize| count as f64 / labels.len().max(1) as f64;
        let by_class = |(class, row): (usize, &Vec<u32>)| ClassScore {
            class: class as u32,
            samples: row.iter().sum(),
            right: row[class],
        };
        let table = confusion.iter().enumerate().map(by_class).filter(|row| row.samples > 0).collect();
        Self { samples: labels.len(), top1: share(first), top5: share(five), classes: table, confusion }
    }
}

/// The classes of a row of scores, best first, equal ones in order; what is no number comes last.
#[must_use]
pub fn ranked(scores: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    let key = |class: u32| {
        let score = scores[class as usize];
        if score.is_nan() { f32::NEG_INFINITY } else { score }
    };
    order.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_guesses_give_known_scores() {
        let guesses: [&[u32]; 5] = [&[0, 1], &[1, 0], &[2, 1, 0], &[], &[3, 2, 1, 9, 8, 0]];
        let score = Score::of(guesses.into_iter(), &[0, 0, 1, 1, 0], 4);
        assert_eq!((score.samples, score.top1, score.top5), (5, 0.2, 0.6));
        assert_eq!(score.confusion[0], [1, 1, 0, 1, 0]);
        assert_eq!(score.confusion[1], [0, 0, 1, 0, 1]);
        assert_eq!(score.classes.len(), 2);
        assert_eq!(score.classes[0], ClassScore { class: 0, samples: 3, right: 1 });
        assert_eq!(Score::of(std::iter::empty(), &[], 3).top1, 0.0);
    }

    #[test]
    fn scores_are_ranked() {
        assert_eq!(ranked(&[0.5, f32::NAN, 2.0, 0.5]), [2, 0, 3, 1]);
    }
}
