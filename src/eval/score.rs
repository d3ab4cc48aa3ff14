//! What comes of guesses: top-1 and top-5 accuracy, a table by class, and the confusion matrix.

use super::html::escape;
use serde::Serialize;
use std::fmt::Write as _;

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

/// The confusion matrix as a page: rows are classes, columns guesses, darker is more.
#[must_use]
pub fn confusion_page(title: &str, score: &Score, names: &[String]) -> String {
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{0}</title>\n<style>body{{font:14px system-ui;margin:2em}}\
         </style>\n<h1>{0}</h1>\n{1}",
        escape(title),
        confusion_table(score, names)
    )
}

/// The confusion matrix as part of a page.
#[must_use]
pub fn confusion_table(score: &Score, names: &[String]) -> String {
    let name = |class: usize| names.get(class).map_or_else(|| class.to_string(), |name| escape(name));
    let mut page = format!(
        "<style>.confusion{{border-collapse:collapse;font-size:12px}}\
         .confusion td{{width:2.4em;height:2.4em;text-align:center;padding:0;border:0}}\
         .confusion th{{font-weight:400;padding:0 .5em;text-align:right;border:0}}\
         .confusion thead th{{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;padding:.5em 0}}\
         </style>\n<p>Rows are the true classes, columns the guesses; {} samples, {:.1} % right.</p>\n\
         <table class=\"confusion\"><thead><tr><td></td>",
        score.samples,
        100.0 * score.top1
    );
    let shown: Vec<usize> = score.classes.iter().map(|row| row.class as usize).collect();
    for &class in &shown {
        let _ = write!(page, "<th>{}</th>", name(class));
    }
    page += "</tr></thead>\n";
    for &class in &shown {
        let row = &score.confusion[class];
        let all = f64::from(row.iter().sum::<u32>().max(1));
        let _ = write!(page, "<tr><th>{}</th>", name(class));
        for &guess in &shown {
            let share = f64::from(row[guess]) / all;
            let ink = if share > 0.5 { "#fff" } else { "inherit" };
            let text = if row[guess] == 0 { String::new() } else { row[guess].to_string() };
            let _ =
                write!(page, "<td style=\"background:rgba(60,100,220,{share:.3});color:{ink}\">{text}</td>");
        }
        page += "</tr>\n";
    }
    page + "</table>\n"
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

    #[test]
    fn the_page_names_classes_safely() {
        let score = Score::of([&[1u32][..]].into_iter(), &[0], 2);
        let page = confusion_page("a < b", &score, &["<cat>".into(), "dog".into()]);
        assert!(page.contains("&lt;cat&gt;") && page.contains("a &lt; b") && !page.contains("<cat>"));
    }
}
