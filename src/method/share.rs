//! The pictures of a batch that go through one device's trunk, and the parts in which they do.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::ranks::Exchange;
use std::ops::Range;

/// A run of consecutive pictures of a batch, cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Pictures of the batch.
    pub(super) batch: usize,
    /// The first picture, counted in the batch.
    pub(super) first: usize,
    /// How many pictures.
    pub(super) count: usize,
    /// Pictures of each part but the last, which may have fewer.
    part: usize,
    /// Consecutive ranks that take the statistics of the trunk's batch norms together.
    pub(super) group: usize,
}

/// Parts of the same size, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alike {
    /// Pictures of each.
    pub(super) size: usize,
    pub(super) count: usize,
}

/// The pictures of each batch that go through the trunk of this rank; `None` where it is the only one.
///
/// # Errors
/// A batch that cannot be shared equally.
pub fn pictures_of_rank(config: &Config, ranks: &dyn Exchange) -> Result<Option<Range<usize>>> {
    let Share { first, count, .. } = Share::of_rank(config, ranks.rank(), ranks.size())?;
    Ok((ranks.size() > 1).then_some(first..first + count))
}

/// How many ranks take their statistics together.
fn group(config: &Config, ranks: usize) -> Result<usize> {
    let group = config.sync_bn.map_or(1, |sync| sync.group(ranks));
    // A rank that is alone sees the whole batch.
    if ranks > 1 && !ranks.is_multiple_of(group) {
        let reason =
            format!("is {group}, which does not divide the {ranks} ranks: take a divisor of {ranks}, or all");
        return Err(Error::config("sync_bn", reason));
    }
    Ok(group.min(ranks))
}

impl Share {
    /// All of a batch, on one device.
    pub(super) fn all(config: &Config) -> Self {
        let batch = config.batch;
        Self { batch, first: 0, count: batch, part: config.part(), group: 1 }
    }

    /// The share of a rank, where a batch is shared equally.
    ///
    /// # Errors
    /// A batch that cannot be.
    pub(super) fn of_rank(config: &Config, rank: usize, ranks: usize) -> Result<Self> {
        let (batch, all) = (config.batch, Self::all(config));
        if ranks > batch / 2 && ranks > 1 {
            let reason =
                format!("is {batch}, too few for {ranks} ranks, each of which needs two pictures at least");
            return Err(Error::config("batch", reason));
        }
        if !batch.is_multiple_of(ranks) {
            let reason = format!(
                "is {batch}, which {ranks} ranks cannot share equally: use a multiple of {ranks} such as {}",
                batch.next_multiple_of(ranks)
            );
            return Err(Error::config("batch", reason));
        }
        let count = batch / ranks;
        let share = Self { first: rank * count, count, group: group(config, ranks)?, ..all };
        if config.sync_bn.is_some() && !share.is_one_part() {
            let reason = format!(
                "wants statistics of whole shares, and the {count} pictures of a rank go through the trunk in parts of {}: leave \
                 `micro_batch` out, or start more ranks",
                share.part
            );
            return Err(Error::config("sync_bn", reason));
        }
        if share.parts().any(|(_, size)| size < 2) {
            let reason =
                format!("leaves one picture of the {count} of a rank, and batch norms need two at least");
            return Err(Error::config("micro_batch", reason));
        }
        Ok(share)
    }

    /// Whether a batch goes through the trunk as a whole.
    pub(super) fn is_whole(&self) -> bool {
        self.part() == self.batch
    }

    /// Whether its rank is the first of those with which it takes statistics.
    pub(super) fn is_first_of_group(&self) -> bool {
        (self.first / self.count).is_multiple_of(self.group)
    }

    /// Whether it goes through the trunk at once, so that nothing has to be looked at again.
    pub(super) fn is_one_part(&self) -> bool {
        self.part() == self.count
    }

    /// Pictures of the largest part.
    pub(super) fn part(&self) -> usize {
        self.part.min(self.count)
    }

    /// Each part: its first picture, counted in the batch, and how many it has.
    pub(super) fn parts(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Self { first, count, .. } = *self;
        let part = self.part().max(1);
        (0..count).step_by(part).map(move |at| (first + at, part.min(count - at)))
    }

    /// The parts by their sizes: there are one or two.
    pub(super) fn kinds(&self) -> Vec<Alike> {
        let part = self.part().max(1);
        let left = self.count % part;
        let usual = Alike { size: part, count: self.count / part };
        [usual].into_iter().chain((left > 0).then_some(Alike { size: left, count: 1 })).collect()
    }

    /// The parts but the first, by their sizes.
    pub(super) fn kinds_but_first(&self) -> Vec<Alike> {
        let mut kinds = self.kinds();
        if let Some(usual) = kinds.first_mut() {
            usual.count -= 1;
        }
        kinds.retain(|kind| kind.count > 0);
        kinds
    }

    /// The picture that stands in row `row` of a group of view-major crops of this share, with its part and the row that it
    /// has in there.
    pub(super) fn row(&self, row: usize) -> (usize, usize) {
        let (view, picture) = (row / self.count, row % self.count);
        let part = picture / self.part().max(1);
        let size = self.part().min(self.count - part * self.part());
        (part, view * size + picture % self.part())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{MicroBatch, SyncBn};

    fn share(batch: usize, part: usize) -> Share {
        Share::all(&Config { batch, micro_batch: Some(MicroBatch::Of(part)), ..Config::default() })
    }

    #[test]
    fn the_last_part_has_what_is_left() {
        let parts = |batch, part| share(batch, part).parts().collect::<Vec<_>>();
        assert_eq!(parts(10, 4), [(0, 4), (4, 4), (8, 2)]);
        assert_eq!(parts(8, 4), [(0, 4), (4, 4)]);
        assert_eq!(parts(8, 8), [(0, 8)]);
        let alike = |size, count| Alike { size, count };
        assert_eq!(share(10, 4).kinds(), [alike(4, 2), alike(2, 1)]);
        assert_eq!(share(8, 4).kinds(), [alike(4, 2)]);
        assert_eq!(share(10, 4).kinds_but_first(), [alike(4, 1), alike(2, 1)]);
        assert_eq!(share(6, 4).kinds_but_first(), [alike(2, 1)]);
        assert_eq!(share(8, 8).kinds_but_first(), []);
        assert!(share(8, 8).is_whole() && !share(8, 4).is_whole());
    }

    #[test]
    fn ranks_share_a_batch_equally() {
        let config = Config { batch: 12, micro_batch: Some(MicroBatch::Of(4)), ..Config::default() };
        let second = Share::of_rank(&config, 1, 2).unwrap();
        assert_eq!(second.parts().collect::<Vec<_>>(), [(6, 4), (10, 2)]);
        assert!(!second.is_whole());
        let refused = |config: &Config, ranks| Share::of_rank(config, 0, ranks).unwrap_err().to_string();
        assert!(refused(&config, 5).contains("cannot share equally: use a multiple of 5 such as 15"));
        assert!(refused(&config, 7).contains("too few for 7 ranks"));
        let odd = Config { micro_batch: Some(MicroBatch::Of(5)), ..config.clone() };
        assert!(refused(&odd, 2).contains("leaves one picture of the 6"));
        let sync = |sync| Config { sync_bn: Some(sync), ..config.clone() };
        assert!(refused(&sync(SyncBn::All), 2).contains("go through the trunk in parts of 4"));
        assert!(refused(&sync(SyncBn::Of(2)), 3).contains("does not divide the 3 ranks"));
        assert_eq!(Share::of_rank(&sync(SyncBn::Of(3)), 1, 3).unwrap().group, 3);
    }

    #[test]
    fn every_row_has_one_place_among_the_parts() {
        let share = share(10, 4);
        let rows: Vec<(usize, usize)> = (0..20).map(|row| share.row(row)).collect();
        // The first crops of all pictures, then the second ones.
        assert_eq!(rows[..5], [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]);
        assert_eq!(rows[8..12], [(2, 0), (2, 1), (0, 4), (0, 5)]);
        assert_eq!(rows[18..], [(2, 2), (2, 3)]);
    }
}
