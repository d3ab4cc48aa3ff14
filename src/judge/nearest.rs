//! kNN accuracy of every source on every split.

use super::panel::{Answer, NearestOptions};
use super::{Examination, FeatureSource};
use crate::error::{Error, Result};
use crate::eval::score::Score;
use crate::judge::device::search::Search;
use crate::ops::nearest::LIST;
use crate::pass::{self, Watch};
use crate::trained::views::ASKING;
use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct NearestResult {
    /// The split.
    pub split: String,
    /// Where the features come from.
    pub source: FeatureSource,
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
    if let Some(&k) = options.k.iter().find(|&&k| !Search::lists(k)) {
        return Err(Error::config("k", format!("{k} neighbours cannot be asked for: use 1 to {LIST}")));
    }
    // Plain and centred.
    let all = 2 * of.described.len() * of.panel.queries(of.dataset);
    pass::run(ASKING, all, watch, |pass| {
        let mut results = Vec::new();
        for described in &of.described {
            let source = described.source;
            let answers = of.panel.ask(of.dataset, of.model.gpu(), &described.features, options, pass)?;
            let result = |answer: Answer| {
                let Answer { split, centred, k, bank, score } = answer;
                NearestResult { split, source, k, centred, bank, score }
            };
            results.extend(answers.into_iter().map(result));
        }
        Ok(results)
    })
}
