//! Ranks that are processes, started by `mpirun` or `srun`, which meet by MPI.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use ::mpi::Threading;
use ::mpi::datatype::PartitionMut;
use ::mpi::environment::Universe;
use ::mpi::request::{Request, Scope, scope};
use ::mpi::topology::SimpleCommunicator;
use ::mpi::traits::{Communicator as _, CommunicatorCollectives as _, Root as _};

use super::Exchange;
use crate::error::{Error, Result};

/// How long a rank that waits looks again at once: what others bring is there soon, as a rule.
const SOON: Duration = Duration::from_millis(2);
/// How long it looks again every twentieth of a millisecond, before it does so every millisecond. Others may be
/// evaluating, and on a machine whose processor computes they need it.
const LATER: Duration = Duration::from_secs(1);
/// Bytes that go over at once: MPI counts them in 31 bits.
const AT_ONCE: usize = 1 << 30;

/// The processes of one MPI job.
pub struct Processes {
    seat: (usize, usize),
    /// Called with the last words of a rank that has to leave.
    last_words: Box<dyn Fn(&str) + Send + Sync>,
    /// MPI is there as long as this is.
    _universe: Universe,
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank(), self.size())
    }
}

impl Processes {
    /// Meets the others. Once in a process. A rank that cannot go on hands its reason to `last_words`, and then all end.
    ///
    /// # Errors
    /// MPI that is in use already, or takes calls from the first thread only.
    pub fn start(last_words: impl Fn(&str) + Send + Sync + 'static) -> Result<Self> {
        let (universe, threading) = ::mpi::initialize_with_threading(Threading::Serialized)
            .ok_or_else(|| Error::Ranks("MPI has been started in this process already".into()))?;
        if threading < Threading::Serialized {
            let reason =
                "this MPI takes calls from one thread only: one that was built with threads is needed";
            return Err(Error::Ranks(reason.into()));
        }
        let world = universe.world();
        let machine = world.split_shared(world.rank());
        let seat = (machine.rank() as usize, machine.size() as usize);
        Ok(Self { seat, last_words: Box::new(last_words), _universe: universe })
    }
}

fn world() -> SimpleCommunicator {
    SimpleCommunicator::world()
}

/// Waits without keeping a core busy for long, as MPI's own waiting does.
fn wait<'a, D: ?Sized, S: Scope<'a>>(mut request: Request<'a, D, S>) {
    let start = Instant::now();
    while let Err(waiting) = request.test() {
        request = waiting;
        match start.elapsed() {
            waited if waited < SOON => thread::yield_now(),
            waited if waited < LATER => thread::sleep(Duration::from_micros(50)),
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Too much for one message.
fn counted(bytes: usize) -> Result<i32> {
    i32::try_from(bytes)
        .map_err(|_| Error::Ranks(format!("{bytes} bytes are too many for one message of MPI")))
}

impl Exchange for Processes {
    fn rank(&self) -> usize {
        world().rank() as usize
    }

    fn size(&self) -> usize {
        world().size() as usize
    }

    fn seat(&self) -> (usize, usize) {
        self.seat
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<u8>> {
        let world = world();
        let mut counts = vec![0i32; self.size()];
        let count = counted(own.len())?;
        scope(|scope| wait(world.immediate_all_gather_into(scope, &count, &mut counts[..])));
        let total: usize = counts.iter().map(|&count| count as usize).sum();
        counted(total)?;
        let mut first = 0;
        let firsts: Vec<i32> = counts.iter().map(|count| (first, first += count).0).collect();
        let mut all = vec![0u8; total];
        let mut parts = PartitionMut::new(&mut all[..], counts, firsts);
        scope(|scope| wait(world.immediate_all_gather_varcount_into(scope, own, &mut parts)));
        Ok(all)
    }

    fn deal(&self, pieces: &[u8]) -> Result<Vec<u8>> {
        counted(pieces.len())?;
        let mut found = vec![0u8; pieces.len()];
        scope(|scope| wait(world().immediate_all_to_all_into(scope, pieces, &mut found[..])));
        Ok(found)
    }

    fn broadcast(&self, from: usize, bytes: &mut [u8]) -> Result<()> {
        let world = world();
        let root = world.process_at_rank(counted(from)?);
        for bytes in bytes.chunks_mut(AT_ONCE) {
            scope(|scope| wait(root.immediate_broadcast_into(scope, bytes)));
        }
        Ok(())
    }

    fn leave(&self, why: &str) {
        (self.last_words)(&format!("rank {} of {}: {why}", self.rank(), self.size()));
        world().abort(1)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // The end of MPI waits for all ranks, and they would wait for this one.
        if thread::panicking() {
            world().abort(1);
        }
    }
}
