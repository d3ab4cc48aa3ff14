//! How many pictures of a batch an adapter has memory for at once (`micro_batch = auto`).
//!
//! Rank 0 decides for all ranks. Where several of them compute on one adapter, it takes the memory of as many.

use std::sync::Arc;

use crate::config::{Config, MicroBatch};
use crate::error::{Error, Result};
use crate::gpu::{self, Gpu};
use crate::method::{Known, Trainer};
use crate::ranks::Exchange;

/// What helps where not even the smallest parts fit.
const SMALLER: &str = "add --recompute, or lower --batch, the crop sizes, --queue, --prototypes or --width";

/// The settings with the parts of a batch decided: where they are left open, the fewest that fit the adapter, tried by
/// taking the memory that all ranks on it need, and a sentence that says so.
///
/// # Errors
/// A step that does not fit even with the smallest parts; what the driver reports.
pub(super) fn settle(
    gpu: &Arc<Gpu>,
    config: &Config,
    known: &Known,
    ranks: &Arc<dyn Exchange>,
) -> Result<(Config, Option<String>)> {
    if config.micro_batch != Some(MicroBatch::Auto) {
        return Ok((config.clone(), None));
    }
    let sharing = gpu::ranks_on_one(config, ranks.seat().1);
    let fits = |config: &Config| {
        let mut held = Vec::new();
        for _ in 0..sharing {
            match Trainer::among(gpu, config, known, ranks) {
                Ok(trainer) => held.push(trainer),
                Err(error @ Error::Limit { .. }) => return Ok(Err(error)),
                Err(error) => return Err(error),
            }
        }
        for trainer in &held {
            if !trainer.has_room_to_work()? {
                return Ok(Err(full(trainer)));
            }
        }
        Ok(Ok(()))
    };
    let found =
        fewest(&candidates(config, config.batch / ranks.size()), fits).map_err(|error| match error {
            Error::Limit { what, need, have, .. } => {
                Error::Limit { what, need, have, remedy: SMALLER.into() }
            }
            error => error,
        })?;
    let text = match found.micro_batch {
        None => format!("A batch of {} pictures fits the adapter as a whole.", found.batch),
        Some(_) => {
            let (part, count) = (found.part(), found.parts().len());
            format!(
                "A batch of {} pictures goes through the trunk in {count} parts of {part} at the most.",
                found.batch
            )
        }
    };
    Ok((found, Some(text)))
}

/// The settings with all numbers of parts that make sense for `share` pictures of a batch, the fewest parts first.
fn candidates(config: &Config, share: usize) -> Vec<Config> {
    let whole = Config { micro_batch: None, ..config.clone() };
    let mut candidates = vec![whole];
    // Statistics of several ranks are those of whole shares.
    let share = if config.sync_bn.is_some() { 0 } else { share };
    for parts in 2..=share / 2 {
        let part = share.div_ceil(parts);
        let micro_batch = Some(MicroBatch::Of(part));
        let new = candidates.last().is_none_or(|last: &Config| last.micro_batch != micro_batch);
        let cut = Config { micro_batch, ..config.clone() };
        // Batch norms need two pictures of each part.
        if new && share % part != 1 && cut.validate().is_ok() {
            candidates.push(cut);
        }
    }
    candidates
}

/// The first of the candidates that fits; what does not fit is followed by more that do not, then by those that do. Looks at
/// a few of them only: in steps that double until one fits, then by halves.
fn fewest(candidates: &[Config], fits: impl Fn(&Config) -> Result<Result<(), Error>>) -> Result<Config> {
    let last = candidates.len() - 1;
    let (mut fails, mut at) = (None, 0);
    while let Err(error) = fits(&candidates[at])? {
        if at == last {
            return Err(error);
        }
        fails = Some(at);
        at = (2 * at + 1).min(last);
    }
    let mut low = fails.map_or(0, |at| at + 1);
    while low < at {
        let middle = low.midpoint(at);
        match fits(&candidates[middle])? {
            Ok(()) => at = middle,
            Err(_) => low = middle + 1,
        }
    }
    Ok(candidates[at].clone())
}

/// A step for which there is no room beside what it keeps.
fn full(trainer: &Trainer) -> Error {
    let memory = trainer.memory();
    Error::Limit {
        what: "this run".into(),
        need: format!("{} MiB of device memory", memory.peak() >> 20),
        have: format!("about {} MiB (the driver refused what is on its way)", memory.kept >> 20),
        remedy: SMALLER.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SyncBn;
    use std::cell::Cell;

    #[test]
    fn the_fewest_parts_that_fit_are_found_in_few_looks() {
        let config = Config { batch: 256, micro_batch: Some(MicroBatch::Auto), ..Config::default() };
        let candidates = candidates(&config, config.batch);
        assert_eq!(candidates[0].part(), 256);
        assert_eq!(candidates[1].part(), 128);
        assert_eq!(candidates.last().map(Config::part), Some(2));
        for room in 2..=256 {
            let looks = Cell::new(0);
            let found = fewest(&candidates, |config| {
                looks.set(looks.get() + 1);
                let error = Error::config("batch", "too large");
                Ok(if config.part() <= room { Ok(()) } else { Err(error) })
            });
            let want = candidates.iter().find(|config| config.part() <= room);
            assert_eq!(found.unwrap(), *want.unwrap(), "{room}");
            assert!(looks.get() <= 12, "{room}: {} looks", looks.get());
        }
        let none = fewest(&candidates, |_| Ok(Err(Error::config("batch", "too large"))));
        assert!(none.unwrap_err().to_string().contains("too large"));
    }

    #[test]
    fn statistics_of_several_ranks_leave_one_choice() {
        let config = Config { sync_bn: Some(SyncBn::All), batch: 256, ..Config::default() };
        assert_eq!(candidates(&config, 64).iter().map(Config::part).collect::<Vec<_>>(), [256]);
    }

    #[test]
    fn no_part_has_a_single_picture() {
        let config = Config { batch: 9, micro_batch: Some(MicroBatch::Auto), ..Config::default() };
        for config in candidates(&config, config.batch) {
            assert!(config.parts().iter().all(|&size| size > 1), "{:?}", config.parts());
        }
    }
}
