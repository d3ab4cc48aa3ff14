//! Tables of figures for people.

use std::fmt::Write as _;

use crate::eval::score::Score;
use crate::train::examine::{Clustering, LinearOptions, LinearResult, NearestOptions, NearestResult, Source};

/// A table: a row for each word and what stands under each source.
fn by_source(title: &str, rows: &[(String, [String; 3])]) -> String {
    let wide =
        rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(title.chars().count());
    let head = Source::ALL.map(Source::name);
    let mut text = format!("\n  {title:wide$}");
    head.iter().for_each(|name| {
        let _ = write!(text, "  {name:>17}");
    });
    text.push('\n');
    for (name, cells) in rows {
        let _ = write!(text, "  {name:wide$}");
        cells.iter().for_each(|cell| {
            let _ = write!(text, "  {cell:>17}");
        });
        text.push('\n');
    }
    text
}

/// The cells of the three sources, `-` where there is none.
fn cells<R>(
    results: &[R],
    source: impl Fn(&R) -> Source,
    fits: impl Fn(&R) -> bool,
    cell: impl Fn(&R) -> String,
) -> [String; 3] {
    Source::ALL.map(|wanted| {
        let found = results.iter().find(|result| source(result) == wanted && fits(result));
        found.map_or_else(|| "-".to_owned(), &cell)
    })
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
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

pub(super) fn nearest(results: &[NearestResult], options: &NearestOptions) -> String {
    let mut text = String::new();
    let named = splits(results.iter().map(|r| (&r.split, r.bank, r.score.samples)));
    let mut rows = Vec::new();
    for (split, bank, queries) in &named {
        let _ = writeln!(text, "{split}: {queries} pictures ask {bank}");
        for &k in &options.k {
            for centred in [false, true] {
                let how = if centred { "centred" } else { "plain" };
                let fits = |r: &NearestResult| r.split == **split && r.k == k && r.centred == centred;
                rows.push((
                    format!("{split}, k {k}, {how}"),
                    cells(results, |r| r.source, fits, |r| both(&r.score)),
                ));
            }
        }
    }
    text += &by_source("kNN, top-1 / top-5 %", &rows);
    let _ = writeln!(
        text,
        "\n  cosine, weights exp(cosine / {}); centred: less the mean of the bank",
        options.temperature
    );
    text
}

pub(super) fn linear(results: &[LinearResult], options: &LinearOptions) -> String {
    let mut text = String::new();
    let named = splits(results.iter().map(|r| (&r.split, r.train, r.score.samples)));
    let mut rows = Vec::new();
    for (split, train, test) in &named {
        let _ = writeln!(text, "{split}: {train} pictures to learn from, {test} to test on");
        let fits = |r: &LinearResult| r.split == **split;
        rows.push(((*split).clone(), cells(results, |r| r.source, fits, |r| both(&r.score))));
        rows.push((
            format!("{split}, learning rate"),
            cells(results, |r| r.source, fits, |r| r.rate.to_string()),
        ));
    }
    text += &by_source("linear, top-1 / top-5 %", &rows);
    let how = if options.recipe {
        "fresh crops and flips in every epoch".to_owned()
    } else {
        format!("plain views; rate chosen of {:?} on a fifth of the training side", options.rates)
    };
    let LinearOptions { epochs, batch, decay, seed, .. } = options;
    let _ = writeln!(text, "\n  {epochs} epochs of batches of {batch}, decay {decay}, seed {seed}; {how}");
    text
}

pub(super) fn clusters(results: &[Clustering], seed: u64) -> String {
    let mut text = String::new();
    for by in ["k-means", "prototypes"] {
        let Some(first) = results.iter().find(|result| result.by == by) else { continue };
        let cell = |value: &dyn Fn(&Clustering) -> String| {
            cells(results, |r| r.source, |r| r.by == by, |r| value(r))
        };
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        let rows = [
            ("NMI", cell(&|r| figure(r.nmi))),
            ("ARI", cell(&|r| figure(r.ari))),
            ("purity", cell(&|r| figure(r.purity))),
            ("clusters used", cell(&|r| format!("{} of {}", r.used, r.clusters))),
            ("of equal size", cell(&|r| format!("{:.1}", r.effective))),
            ("largest, %", cell(&|r| percent(r.largest))),
        ]
        .map(|(name, cells)| (name.to_owned(), cells));
        text += &by_source(&format!("{by}, {} clusters", first.clusters), &rows);
    }
    if let Some(first) = results.first() {
        let (all, labelled) = (first.pictures, first.labelled);
        let _ = writeln!(text, "\n  {all} pictures, {labelled} with a label; k-means from seed {seed}");
        text += "  purity grows with the number of clusters: compare it only within a table\n";
    }
    text
}

/// The table by class of this network.
pub(super) fn classes(score: &Score, names: &[String]) -> String {
    let name = |class: u32| names.get(class as usize).map_or("?", String::as_str);
    let wide = score.classes.iter().map(|row| name(row.class).chars().count()).max().unwrap_or(0).max(5);
    let mut text = format!("\n  {:wide$}  pictures  right, %\n", "class");
    for row in &score.classes {
        let share = percent(f64::from(row.right) / f64::from(row.samples.max(1)));
        let _ = writeln!(text, "  {:wide$}  {:>8}  {share:>8}", name(row.class), row.samples);
    }
    text
}
