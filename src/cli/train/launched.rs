//! Whether a launcher of several processes (`mpirun`, `mpiexec`, `srun`) has started several of this program.
//!
//! With the cargo feature `mpi` they train together: the first is rank 0, which the user sees, and the others follow it.
//! Without it each would train the whole run by itself, and nobody would see it, so that they are refused.

#[cfg(feature = "mpi")]
use std::io::Write as _;
use std::sync::Arc;

use crate::cli::{Outcome, interrupt};
use crate::error::{Error, Result};
use crate::ranks::{Alone, Exchange};
use crate::train;

/// Where launchers say how many processes they started: Open MPI, MPICH and Intel MPI, MVAPICH.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"];
/// `srun --mpi=pmix` sets none of these: it gives each process this number, and the step's size apart. Tasks of a step that
/// are not meant to meet have a size too, but no such number.
const PMIX: &str = "PMIX_RANK";
const STEP_SIZE: &str = "SLURM_STEP_NUM_TASKS";

/// All processes of a run, of which there are several only where a launcher says so.
///
/// # Errors
/// [`Error::Ranks`] where `variable`, which reads the environment, says so and this program cannot meet the others.
pub(super) fn ranks(variable: impl Fn(&str) -> Option<String>) -> Result<Arc<dyn Exchange>> {
    match several(variable) {
        None => Ok(Alone::ranks()),
        Some((name, size)) => meet(name, size),
    }
}

/// The variable that says that several processes were started, and how many.
fn several(variable: impl Fn(&str) -> Option<String>) -> Option<(&'static str, u64)> {
    let size = |name: &str| variable(name)?.trim().parse::<u64>().ok().filter(|&size| size > 1);
    let step = variable(PMIX).map(|_| STEP_SIZE);
    SIZES.into_iter().chain(step).find_map(|name| Some((name, size(name)?)))
}

#[cfg(not(feature = "mpi"))]
fn meet(name: &str, size: u64) -> Result<Arc<dyn Exchange>> {
    Err(Error::Ranks(format!(
        "{name} says that {size} processes were started, and each of them would train the whole run by itself: start \
         one without mpirun, where `--micro-batch auto` takes a batch of any size on one device; or build this program \
         with `--features mpi`, as docs/scale.md says"
    )))
}

#[cfg(feature = "mpi")]
fn meet(_name: &str, _size: u64) -> Result<Arc<dyn Exchange>> {
    let last_words = |why: &str| drop(writeln!(std::io::stderr(), "error: {why}"));
    Ok(Arc::new(crate::ranks::Processes::start(last_words)?))
}

/// Refuses what several processes would each do by themselves, where a launcher started several.
///
/// # Errors
/// [`Error::Ranks`] where `variable`, which reads the environment, says so.
pub(in crate::cli) fn alone(command: &str, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    let Some((name, size)) = several(variable) else { return Ok(()) };
    Err(Error::Ranks(format!(
        "{name} says that {size} processes were started, and each of them would do all of `{command}` by itself: start \
         one without mpirun"
    )))
}

/// Refuses ranks of different programs or different arguments: all of them see it alike.
///
/// # Errors
/// [`Error::Ranks`], on all ranks; a rank that is gone.
pub(super) fn compare(ranks: &dyn Exchange) -> Result<()> {
    if ranks.size() == 1 {
        return Ok(());
    }
    let arguments: Vec<_> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    alike(ranks, &program(), &arguments)
}

/// The version of this program, and a hash of it: two builds of one version may compute differently.
fn program() -> String {
    let own = std::env::current_exe().and_then(std::fs::read);
    let hash = own.map(|bytes| blake3::hash(&bytes).to_hex()[..12].to_owned());
    format!("version {} (build {})", env!("CARGO_PKG_VERSION"), hash.unwrap_or_else(|_| "unknown".to_owned()))
}

fn alike(ranks: &dyn Exchange, program: &str, arguments: &[String]) -> Result<()> {
    let said = crate::ranks::say(ranks, &format!("{program}\n{}", arguments.join("\n")))?;
    let Some(rank) = said.iter().position(|other| *other != said[0]) else { return Ok(()) };
    let words = |said: &str| {
        let (program, arguments) = said.split_once('\n').unwrap_or((said, ""));
        format!("{program} with `{}`", arguments.replace('\n', " "))
    };
    let (first, other) = (words(&said[0]), words(&said[rank]));
    Err(Error::Ranks(format!(
        "the ranks were started differently, rank 0 as {first} and rank {rank} as {other}: start all of them alike"
    )))
}

/// What a rank other than the first does: what rank 0 says, and without a word.
///
/// # Errors
/// As of [`train::follow`]; where ranks are processes, it has been told and all have ended by then.
pub(super) fn follow(ranks: &Arc<dyn Exchange>) -> Result<Outcome> {
    interrupt::ignore();
    let alike = compare(&**ranks);
    // Rank 0 says what is wrong with what all ranks were asked for.
    if alike.and_then(|()| crate::ranks::agree(&**ranks, Ok(()))).is_ok() {
        train::follow(ranks)?;
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::threads;

    fn with(name: &'static str, value: &'static str) -> Option<(&'static str, u64)> {
        several(|wanted| (wanted == name).then(|| value.to_owned()))
    }

    #[test]
    fn several_processes_are_noticed_and_one_is_not() {
        for name in SIZES {
            assert_eq!(with(name, "4"), Some((name, 4)));
            assert_eq!(with(name, "1"), None);
            assert_eq!(with(name, "many"), None);
        }
        // One task of several that a cluster gives the same job is not one of several ranks.
        assert_eq!(with("SLURM_NTASKS", "4"), None);
        assert_eq!(with(STEP_SIZE, "4"), None);
        let srun = |size: &str| {
            several(|name| {
                [(PMIX, "0"), (STEP_SIZE, size)]
                    .into_iter()
                    .find(|pair| pair.0 == name)
                    .map(|pair| pair.1.to_owned())
            })
        };
        assert_eq!((srun("4"), srun("1")), (Some((STEP_SIZE, 4)), None));
        assert_eq!(ranks(|_| None).unwrap().size(), 1);
    }

    #[cfg(not(feature = "mpi"))]
    #[test]
    fn without_the_feature_several_are_refused() {
        let message = ranks(|name| (name == SIZES[0]).then(|| "4".to_owned())).unwrap_err().to_string();
        assert!(message.contains(SIZES[0]) && message.contains("4 processes"), "{message}");
        assert!(message.contains("--features mpi"), "{message}");
    }

    #[test]
    fn ranks_that_were_started_differently_are_refused_by_all() {
        let started = |seeds: [&str; 2], programs: [&'static str; 2]| {
            std::thread::scope(|scope| {
                let one = |rank: Arc<dyn Exchange>| {
                    let arguments = ["train", "--seed", seeds[rank.rank()]].map(str::to_owned);
                    let program = programs[rank.rank()];
                    scope.spawn(move || alike(&*rank, program, &arguments))
                };
                let started: Vec<_> = threads(2).into_iter().map(one).collect();
                started.into_iter().map(|rank| rank.join().unwrap()).collect::<Vec<_>>()
            })
        };
        let same = ["version 1 (build a)"; 2];
        assert!(started(["1", "1"], same).iter().all(Result::is_ok));
        for refused in started(["1", "2"], same) {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("rank 1 as version") && message.contains("--seed 2"), "{message}");
        }
        for refused in started(["1", "1"], ["version 1 (build a)", "version 1 (build b)"]) {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("rank 1 as version 1 (build b)"), "{message}");
        }
    }

    #[test]
    fn a_program_knows_its_own_build() {
        let own = program();
        assert!(own.contains(env!("CARGO_PKG_VERSION")) && !own.contains("unknown"), "{own}");
        assert_eq!(own, program());
    }

    #[test]
    fn what_each_would_do_by_itself_is_refused() {
        alone("compare", |_| None).unwrap();
        let started = |name: &str| (name == SIZES[0]).then(|| "4".to_owned());
        let message = alone("compare", started).unwrap_err().to_string();
        assert!(message.contains("4 processes") && message.contains("`compare`"), "{message}");
    }
}
