//! Ranks that are threads of one process, to see without any library for messages that ranks are parts.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::Exchange;
use crate::error::{Error, Result};

/// What the ranks share.
#[derive(Debug)]
struct Table {
    round: Mutex<Round>,
    changed: Condvar,
}

/// A meeting: everybody lays something down, and takes all of it once everything is there.
#[derive(Debug)]
struct Round {
    laid: Vec<Option<Vec<u8>>>,
    /// Ranks that have not taken yet, once everything is there.
    to_take: usize,
    /// Whether a rank is gone.
    broken: bool,
}

#[derive(Debug)]
struct Seat {
    rank: usize,
    size: usize,
    table: Arc<Table>,
}

/// Ranks that meet within this process. One that is dropped is gone: the others get an error where they wait for it.
#[must_use]
pub fn threads(size: usize) -> Vec<Arc<dyn Exchange>> {
    let round = Mutex::new(Round { laid: vec![None; size], to_take: 0, broken: false });
    let table = Arc::new(Table { round, changed: Condvar::new() });
    let seat = |rank| -> Arc<dyn Exchange> { Arc::new(Seat { rank, size, table: Arc::clone(&table) }) };
    (0..size).map(seat).collect()
}

impl Exchange for Seat {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<u8>> {
        let gone = || Error::Ranks("a rank is gone".to_owned());
        let Table { round, changed } = &*self.table;
        let wait = |round, until: fn(&Round) -> bool| {
            let found = changed.wait_while(round, |round: &mut Round| !round.broken && !until(round));
            found.unwrap_or_else(PoisonError::into_inner)
        };
        let mut round = round.lock().unwrap_or_else(PoisonError::into_inner);
        // Those who are slow still take what was laid down before.
        round = wait(round, |round| round.to_take == 0);
        if round.to_take > 0 {
            return Err(gone());
        }
        round.laid[self.rank] = Some(own.to_vec());
        if round.laid.iter().all(Option::is_some) {
            round.to_take = self.size;
            changed.notify_all();
        }
        round = wait(round, |round| round.to_take > 0);
        // A round that is complete is good whoever has left since.
        if round.to_take == 0 {
            return Err(gone());
        }
        let all = round.laid.iter().flatten().flatten().copied().collect();
        round.to_take -= 1;
        if round.to_take == 0 {
            round.laid.fill(None);
        }
        changed.notify_all();
        Ok(all)
    }

    fn leave(&self, _why: &str) {
        self.part();
    }
}

impl Seat {
    fn part(&self) {
        self.table.round.lock().unwrap_or_else(PoisonError::into_inner).broken = true;
        self.table.changed.notify_all();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.part();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{agree, told};
    use super::*;

    /// What every rank gets, in the order of ranks.
    fn meet(size: usize, what: impl Fn(&dyn Exchange) -> Result<Vec<u8>> + Sync) -> Vec<Result<Vec<u8>>> {
        let ranks = threads(size);
        std::thread::scope(|scope| {
            let what = &what;
            let started: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || what(&*rank))).collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn everybody_gets_all_in_the_order_of_ranks() {
        for found in meet(3, |rank| {
            let mut found = Vec::new();
            for round in 0..50 {
                // As many bytes as the number of the rank, and one.
                found.extend(rank.gather(&vec![rank.rank() as u8 + round; rank.rank() + 1])?);
            }
            Ok(found)
        }) {
            let want: Vec<u8> = (0..50u8).flat_map(|r| [r, 1 + r, 1 + r, 2 + r, 2 + r, 2 + r]).collect();
            assert_eq!(found.unwrap(), want);
        }
    }

    #[test]
    fn pieces_go_to_their_ranks_and_one_speaks_to_all() {
        let found = meet(3, |rank| {
            let own = rank.rank() as u8 * 10;
            let mut said = if rank.rank() == 2 { [7, 8] } else { [0, 0] };
            rank.broadcast(2, &mut said)?;
            Ok([rank.deal(&[own, own, own + 1, own + 1, own + 2, own + 2])?, said.to_vec()].concat())
        });
        for (rank, found) in (0..).zip(found) {
            assert_eq!(found.unwrap(), [rank, rank, 10 + rank, 10 + rank, 20 + rank, 20 + rank, 7, 8]);
        }
    }

    #[test]
    fn what_one_cannot_do_all_hear() {
        let found = meet(3, |rank| {
            assert_eq!(told(rank, if rank.rank() == 0 { b"all" } else { b"" })?, b"all");
            let own = if rank.rank() == 1 { Err(Error::Ranks("no\nadapter".into())) } else { Ok(Vec::new()) };
            agree(rank, own)
        });
        let words = |rank: usize| found[rank].as_ref().unwrap_err().to_string();
        assert_eq!(
            [words(0), words(1), words(2)].map(|words| words.replace('\n', "|")),
            ["rank 1 of 3: no|adapter", "no|adapter", "rank 1 of 3: no|adapter"]
        );
    }

    #[test]
    fn a_rank_that_is_gone_is_noticed() {
        let found = meet(2, |rank| if rank.rank() == 0 { Ok(Vec::new()) } else { rank.gather(&[1]) });
        assert!(found[1].as_ref().unwrap_err().to_string().contains("a rank is gone"));
    }
}
