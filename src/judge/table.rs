//! Results as tables for people: a row for each word, and what stands under each source. The command line and the
//! report of a run show the same ones.

use super::{
    Clustering, FeatureSource, FinetuneOptions, FinetuneResult, LinearOptions, LinearResult, NearestOptions,
    NearestResult, margin,
};
use crate::eval::score::Score;

/// What a table tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judged {
    /// kNN.
    #[default]
    Nearest,
    /// Linear classifiers.
    Linear,
    /// Fine-tuning.
    Finetune,
    /// Clusters, for which no label is needed.
    Clusters,
}

/// A table with a column for each of [`FeatureSource::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What it tells of.
    pub of: Judged,
    /// What stands over the names of the rows.
    pub title: String,
    /// Names of rows with their cells, `-` where there is none.
    pub rows: Vec<(String, [String; 3])>,
    /// What was done, in sentences.
    pub notes: Vec<String>,
}

/// The cells of the three sources.
fn cells<'r, R: 'r>(
    results: impl Iterator<Item = &'r R>,
    source: impl Fn(&R) -> FeatureSource,
    cell: impl Fn(&R) -> String,
) -> [String; 3] {
    let all: Vec<&R> = results.collect();
    FeatureSource::ALL.map(|wanted| {
        let found = all.iter().find(|result| source(result) == wanted);
        found.map_or_else(|| "-".to_owned(), |&found| cell(found))
    })
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// How sure the figures of a split are, with the most that is to be feared for one of them.
fn sure<'s>(scores: impl Iterator<Item = &'s Score>) -> String {
    let most = scores.map(|score| margin(score.top1, score.samples as u64)).fold(0.0, f64::max);
    format!("with others top-1 would differ by up to {} points, 19 times of 20", percent(most))
}

fn both(score: &Score) -> String {
    format!("{} / {}", percent(score.top1), percent(score.top5))
}

/// Names of splits in their order, with how many pictures each side has.
fn splits<'r>(of: impl Iterator<Item = (&'r String, usize, usize)>) -> Vec<(&'r String, usize, usize)> {
    let mut found: Vec<(&String, usize, usize)> = Vec::new();
    for one in of {
        if !found.iter().any(|(name, ..)| *name == one.0) {
            found.push(one);
        }
    }
    found
}

impl Table {
    /// kNN.
    #[must_use]
    pub fn nearest(results: &[NearestResult], options: &NearestOptions) -> Self {
        let mut table = Self { of: Judged::Nearest, title: "kNN, top-1 / top-5 %".into(), ..Self::default() };
        for (split, bank, queries) in splits(results.iter().map(|r| (&r.split, r.bank, r.score.samples))) {
            let sure = sure(results.iter().filter(|r| r.split == *split).map(|r| &r.score));
            table.notes.push(format!("{split}: {queries} pictures ask {bank}; {sure}"));
            for &k in &options.k {
                for (how, centred) in [("plain", false), ("centred", true)] {
                    let fits = |r: &&NearestResult| r.split == *split && r.k == k && r.centred == centred;
                    let cells = cells(results.iter().filter(fits), |r| r.source, |r| both(&r.score));
                    table.rows.push((format!("{split}, k {k}, {how}"), cells));
                }
            }
        }
        table.notes.push(format!(
            "cosine, weights exp(cosine / {}); centred: less the mean of the bank",
            options.temperature
        ));
        table
    }

    /// Linear classifiers.
    #[must_use]
    pub fn linear(results: &[LinearResult], options: &LinearOptions) -> Self {
        let mut table =
            Self { of: Judged::Linear, title: "linear, top-1 / top-5 %".into(), ..Self::default() };
        for (split, train, test) in splits(results.iter().map(|r| (&r.split, r.train, r.score.samples))) {
            let of = results.iter().filter(|r| r.split == *split);
            let sure = sure(of.clone().map(|r| &r.score));
            table.notes.push(format!("{split}: {train} pictures to learn from, {test} to test on; {sure}"));
            table.rows.push((split.clone(), cells(of.clone(), |r| r.source, |r| both(&r.score))));
            table
                .rows
                .push((format!("{split}, learning rate"), cells(of, |r| r.source, |r| r.rate.to_string())));
        }
        let how = if options.recipe {
            "fresh crops and flips in every epoch".to_owned()
        } else {
            format!("plain views; rate chosen of {:?} on a fifth of the training side", options.rates)
        };
        let LinearOptions { epochs, batch, decay, seed, .. } = options;
        table.notes.push(format!("{epochs} epochs of batches of {batch}, decay {decay}, seed {seed}; {how}"));
        table
    }

    /// Fine-tuning.
    #[must_use]
    pub fn finetune(results: &[FinetuneResult], options: &FinetuneOptions) -> Self {
        let FinetuneOptions { labels, epochs, rates: [trunk, head], seed, .. } = options;
        let title = format!("{labels} % of labels, top-1 / top-5 %");
        let mut table = Self { of: Judged::Finetune, title, ..Self::default() };
        for (split, train, test) in splits(results.iter().map(|r| (&r.split, r.train, r.score.samples))) {
            let of = results.iter().filter(|r| r.split == *split);
            let steps = of.clone().map(|r| r.steps).max().unwrap_or(0);
            let sure = sure(of.clone().map(|r| &r.score));
            table.notes.push(format!(
                "{split}: {train} labels to learn from in {steps} steps, {test} to test on; {sure}"
            ));
            table.rows.push((split.clone(), cells(of, |r| r.source, |r| both(&r.score))));
        }
        table.notes.push(format!(
            "networks: {epochs} epochs, rate {trunk} for the trunk and {head} for the classifier; raw pixels: a linear \
             classifier on the same labels; seed {seed}"
        ));
        table
    }

    /// Clusters: one table for k-means, one for the prototypes.
    #[must_use]
    pub fn clusters(results: &[Clustering], seed: u64) -> Vec<Self> {
        let mut tables = Vec::new();
        for by in ["k-means", "prototypes"] {
            let of = results.iter().filter(|result| result.by == by);
            let Some(first) = of.clone().next() else { continue };
            let row = |name: &str, value: &dyn Fn(&Clustering) -> String| {
                (name.to_owned(), cells(of.clone(), |r| r.source, |r| value(r)))
            };
            let figure =
                |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
            let rows = vec![
                row("NMI", &|r| figure(r.nmi)),
                row("ARI", &|r| figure(r.ari)),
                row("purity", &|r| figure(r.purity)),
                row("clusters used", &|r| format!("{} of {}", r.used, r.clusters)),
                row("of equal size", &|r| format!("{:.1}", r.effective)),
                row("largest, %", &|r| percent(r.largest)),
            ];
            tables.push(Self {
                of: Judged::Clusters,
                title: format!("{by}, {} clusters", first.clusters),
                rows,
                notes: Vec::new(),
            });
        }
        if let (Some(first), Some(last)) = (results.first(), tables.last_mut()) {
            let (all, labelled) = (first.pictures, first.labelled);
            last.notes = vec![
                format!("{all} pictures, {labelled} with a label; k-means from seed {seed}"),
                "purity grows with the number of clusters: compare it only within a table".to_owned(),
            ];
        }
        tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_its_place() {
        let one = |source, top1| FinetuneResult {
            split: "test".into(),
            source,
            train: 27,
            steps: 20,
            score: Score { samples: 600, top1, top5: 0.75, ..Score::default() },
        };
        let results = [one(FeatureSource::Trained, 0.5), one(FeatureSource::RawPixels, 0.25)];
        let table = Table::finetune(&results, &FinetuneOptions::of_labels(1.0));
        assert_eq!(table.rows, [("test".to_owned(), ["25.0 / 75.0", "-", "50.0 / 75.0"].map(str::to_owned))]);
        assert!(
            table.title.starts_with("1 %")
                && table.notes[0].contains("27 labels")
                // Wilson's interval of 300 of 600, the wider one, is .4601 to .5399.
                && table.notes[0].contains("differ by up to 4.0 points")
                && table.notes[1].contains("0.02")
        );
    }
}
