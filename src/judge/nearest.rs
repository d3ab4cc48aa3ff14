//! kNN accuracy of every source on every split.

use super::{Examination, Source};
use crate::error::{Error, Result};
use crate::eval::knn;
use crate::eval::score::Score;
use crate::judge::device::search::Search;
use crate::pass::{self, Pass, Watch};
use crate::trained::views::ASKING;
use serde::Serialize;

/// How neighbours vote.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearestOptions {
    /// How many neighbours, each of which is a result of its own.
    pub k: Vec<usize>,
    /// A neighbour's weight is exp(cosine / this).
    pub temperature: f64,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct NearestResult {
    /// The split.
    pub split: String,
    /// Where the features come from.
    pub source: Source,
    /// Neighbours asked; fewer where the bank is smaller.
    pub k: usize,
    /// Whether the mean of the bank was taken off first.
    pub centred: bool,
    /// Pictures whose labels vote.
    pub bank: usize,
    /// How good the guesses are.
    #[serde(flatten)]
    pub score: Score,
}

/// Asks the nearest pictures of each split's bank for the class of each query, for plain and for
/// mean-centred features, as a pass.
///
/// # Errors
/// [`Error::Data`] where no split has labels; [`Error::Config`] for k of 0 or over 256 or a temperature
/// that is not positive; what the driver reports; [`Error::Stopped`] where the pass is.
pub fn nearest(
    of: &Examination<'_>,
    options: &NearestOptions,
    watch: &mut Watch<'_>,
) -> Result<Vec<NearestResult>> {
    of.need_labels()?;
    if !(options.temperature > 0.0 && options.temperature.is_finite()) {
        let reason = format!("{} is not a positive number (0.07 is usual)", options.temperature);
        return Err(Error::config("temperature", reason));
    }
    if options.k.contains(&0) {
        return Err(Error::config("k", "no neighbours to ask: use 1 or more (20 and 200 are usual)"));
    }
    let queries: usize = of.splits.iter().filter_map(|split| Some(of.sides(split)?[1].0.len())).sum();
    // Plain and centred.
    let all = 2 * of.described.len() * queries;
    pass::run(ASKING, all, watch, |pass| search(of, options, pass))
}

fn search(of: &Examination<'_>, options: &NearestOptions, pass: &Pass) -> Result<Vec<NearestResult>> {
    let most = options.k.iter().copied().max().unwrap_or(0);
    let mut results = Vec::new();
    for described in &of.described {
        for split in &of.splits {
            let Some([(bank_rows, bank_labels), (rows, labels)]) = of.sides(split) else { continue };
            let (bank, queries) = (described.features.select(&bank_rows), described.features.select(&rows));
            let search = Search::new(of.model.gpu(), bank.dim, most, bank.rows, queries.rows)?;
            for centred in [false, true] {
                let mean = centred.then(|| bank.mean());
                let (bank_rows, asked) = (bank.unit(mean.as_deref()), queries.unit(mean.as_deref()));
                let near = search.nearest_in(pass, &bank_rows, &asked)?;
                for &k in &options.k {
                    let guesses: Vec<Vec<u32>> = near
                        .iter()
                        .map(|near| {
                            knn::ranking(&near[..k.min(near.len())], &bank_labels, options.temperature)
                        })
                        .collect();
                    let classes = of.dataset.classes().len();
                    let score = Score::of(guesses.iter().map(Vec::as_slice), &labels, classes);
                    let (split, bank) = (split.name.clone(), bank.rows);
                    results.push(NearestResult { split, source: described.source, k, centred, bank, score });
                }
            }
        }
    }
    Ok(results)
}
