//! How much work goes into one submission.
//!
//! Systems end what keeps a graphics device busy for too long: Windows after two seconds, macOS when the screen
//! stutters, Linux drivers after ten. So a plan goes over in parts of some 100 ms, by what its dispatches
//! compute and move and, once steps were timed, by how long they take.

use std::collections::BTreeMap;
use std::time::Duration;

use super::adapter::AdapterFacts;

/// The usual time of a part.
pub(super) const USUAL: Duration = Duration::from_millis(100);

/// What a command does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Multiplications and additions.
    pub(super) flop: u64,
    /// Bytes read and written.
    pub(super) bytes: u64,
}

/// What a plan is expected to take, by the figures of its kind of adapter or, once steps were timed, by those.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Submissions.
    pub submissions: usize,
    /// Seconds of all its dispatches and copies.
    pub seconds: f64,
    /// The dispatch that takes longest, and its seconds: no submission can be shorter than that one's.
    pub longest: (String, f64),
    /// Its dispatches by entry point; those that take longest in all come first.
    pub entries: Vec<EntryEstimate>,
}

/// What the dispatches of an entry point are expected to take.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryEstimate {
    /// The entry point.
    pub entry: String,
    /// Dispatches.
    pub dispatches: usize,
    /// Seconds of all of them.
    pub seconds: f64,
    /// Seconds of the longest.
    pub longest: f64,
}

impl Estimate {
    /// Takes in what is dispatched, by its label, and what it is expected to take.
    pub(super) fn dispatch(&mut self, label: &str, seconds: f64) {
        if seconds >= self.longest.1 {
            self.longest = (label.to_owned(), seconds);
        }
        let entry = label.rsplit('/').next().unwrap_or(label).to_owned();
        self.entries(EntryEstimate { entry, dispatches: 1, seconds, longest: seconds });
    }

    /// Adds a plan that runs so often.
    pub(crate) fn add(&mut self, one: Self, times: usize) {
        self.submissions += times * one.submissions;
        self.seconds += times as f64 * one.seconds;
        if one.longest.1 >= self.longest.1 {
            self.longest = one.longest;
        }
        for entry in one.entries {
            let (dispatches, seconds) = (times * entry.dispatches, times as f64 * entry.seconds);
            self.entries(EntryEstimate { dispatches, seconds, ..entry });
        }
        self.entries.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    }

    fn entries(&mut self, more: EntryEstimate) {
        match self.entries.iter_mut().find(|known| known.entry == more.entry) {
            Some(known) => {
                known.dispatches += more.dispatches;
                known.seconds += more.seconds;
                known.longest = known.longest.max(more.longest);
            }
            None => self.entries.push(more),
        }
    }
}

/// How fast a device is taken to be, and how long a part may take.
#[derive(Clone, Debug)]
pub struct Pace {
    flop_per_second: f64,
    bytes_per_second: f64,
    /// Seconds that were measured for each one that was estimated, by the number of the plan: some use a device better
    /// than others do.
    measured: BTreeMap<usize, f64>,
    limit: Duration,
    /// So many parts whatever they do, for tests.
    parts: Option<usize>,
}

impl Pace {
    /// That of an adapter that nothing was measured of: slow for its kind, so that parts are rather too short.
    pub(super) fn of(facts: &AdapterFacts, limit: Duration) -> Self {
        let [flop_per_second, bytes_per_second] = match facts.kind.as_str() {
            "discrete GPU" => [2e12, 100e9],
            "software (CPU)" => [20e9, 4e9],
            _ => [200e9, 20e9],
        };
        Self { flop_per_second, bytes_per_second, measured: BTreeMap::new(), limit, parts: None }
    }

    /// The seconds that work of this plan is expected to take.
    pub(super) fn seconds(&self, plan: usize, work: Work) -> f64 {
        self.estimated(work) * self.scale(plan)
    }

    /// The same by the figures of the kind of adapter alone.
    fn estimated(&self, work: Work) -> f64 {
        work.flop as f64 / self.flop_per_second + work.bytes as f64 / self.bytes_per_second
    }

    /// How much longer a plan takes than is estimated: as measured; where it was not, as the plan that is slowest.
    fn scale(&self, plan: usize) -> f64 {
        let slowest = || self.measured.values().copied().max_by(f64::total_cmp);
        self.measured.get(&plan).copied().or_else(slowest).unwrap_or(1.0)
    }

    /// Takes in that all of a plan's `works` took so long. Where the device also waited, it took less: of several times
    /// the shortest counts.
    pub(super) fn learn(&mut self, plan: usize, works: impl IntoIterator<Item = Work>, took: Duration) {
        let estimate: f64 = works.into_iter().map(|work| self.estimated(work)).sum();
        if estimate > 0.0 {
            let measured = took.as_secs_f64() / estimate;
            let known = self.measured.entry(plan).or_insert(measured);
            *known = known.min(measured);
        }
    }

    /// From now on cuts into so many parts of about as many works each.
    pub(super) fn fix(&mut self, parts: usize) {
        self.parts = Some(parts);
    }

    /// Where parts of a plan end: the numbers of the works after which a new one begins, and that of all. A work that
    /// takes longer than a part may is one of its own.
    pub(super) fn cuts(&self, plan: usize, works: impl IntoIterator<Item = Work>) -> Vec<usize> {
        if let Some(parts) = self.parts {
            let all = works.into_iter().count();
            let parts = parts.clamp(1, all.max(1));
            return (1..=parts).map(|part| part * all / parts).collect();
        }
        let (limit, scale) = (self.limit.as_secs_f64(), self.scale(plan));
        let (mut cuts, mut taken, mut count) = (Vec::new(), 0.0, 0);
        for work in works {
            let seconds = self.estimated(work) * scale;
            if taken + seconds > limit && taken > 0.0 {
                cuts.push(count);
                taken = 0.0;
            }
            taken += seconds;
            count += 1;
        }
        if count > 0 {
            cuts.push(count);
        }
        cuts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(limit_ms: u64) -> Pace {
        Pace {
            flop_per_second: 1e9,
            bytes_per_second: 1e9,
            measured: BTreeMap::new(),
            limit: Duration::from_millis(limit_ms),
            parts: None,
        }
    }

    /// Works of so many milliseconds at that pace.
    fn works(milliseconds: &[u64]) -> impl Iterator<Item = Work> {
        milliseconds.iter().map(|ms| Work { flop: ms * 500_000, bytes: ms * 500_000 })
    }

    #[test]
    fn parts_are_as_long_as_they_may_be() {
        assert_eq!(pace(100).cuts(0, works(&[40, 50, 20, 90, 5, 6, 300, 1])), [2, 3, 5, 6, 7, 8]);
        assert_eq!(pace(1000).cuts(0, works(&[40, 50, 20])), [3]);
        assert_eq!(pace(0).cuts(0, works(&[1, 2, 3])), [1, 2, 3], "each work is a part of its own");
        assert_eq!(pace(100).cuts(0, works(&[])), [0; 0]);
        assert_eq!(pace(0).cuts(0, works(&[0, 0, 5])), [3], "what costs nothing opens no part");
    }

    #[test]
    fn measured_time_takes_the_place_of_the_estimate() {
        let mut pace = pace(100);
        // A device ten times as fast, seen first while it waited for pictures.
        pace.learn(0, works(&[60, 60]), Duration::from_millis(240));
        assert_eq!(pace.cuts(0, works(&[60, 60])), [1, 2]);
        pace.learn(0, works(&[60, 60]), Duration::from_millis(12));
        assert_eq!(pace.cuts(0, works(&[60, 60])), [2]);
        pace.learn(0, works(&[]), Duration::from_millis(500));
        pace.learn(0, works(&[60, 60]), Duration::from_secs(5));
        assert_eq!(pace.cuts(0, works(&[60, 60])), [2], "the shortest time counts");
    }

    #[test]
    fn each_plan_has_a_measure_of_its_own() {
        let mut pace = pace(100);
        pace.learn(0, works(&[60, 60]), Duration::from_millis(12));
        assert_eq!(pace.cuts(1, works(&[400, 400])), [2], "what is known of one is what others go by");
        pace.learn(1, works(&[60, 60]), Duration::from_millis(240));
        assert_eq!(pace.cuts(0, works(&[60, 60])), [2], "another plan that is slow changes nothing");
        assert_eq!(pace.cuts(1, works(&[60, 60])), [1, 2]);
        assert_eq!(pace.cuts(2, works(&[60, 60])), [1, 2], "a new one may be as slow");
        let seconds = [0, 1, 2].map(|plan| pace.seconds(plan, Work { flop: 0, bytes: 1_000_000_000 }));
        assert_eq!(seconds, [0.1, 2.0, 2.0]);
    }

    #[test]
    fn estimates_add_up_by_entry_point() {
        let mut once = Estimate { submissions: 2, seconds: 6.0, ..Estimate::default() };
        for (label, seconds) in [("stem/forward", 1.0), ("bn/statistics", 3.0), ("layer1/forward", 1.5)] {
            once.dispatch(label, seconds);
        }
        let mut all = Estimate::default();
        all.add(once.clone(), 1);
        assert_eq!(all.entries[0].entry, "statistics", "the longest come first");
        all.add(Estimate { entries: once.entries[..1].to_vec(), ..Estimate::default() }, 4);
        let entry = |entry: &str, dispatches, seconds, longest| {
            let entry = entry.to_owned();
            EntryEstimate { entry, dispatches, seconds, longest }
        };
        assert_eq!(all.entries, [entry("forward", 10, 12.5, 1.5), entry("statistics", 1, 3.0, 3.0)]);
        assert_eq!((all.submissions, all.longest), (2, ("bn/statistics".to_owned(), 3.0)));
    }
}
