//! Whether a launcher for messages (`mpirun`, `mpiexec`) has started several of this program.
//!
//! A run is one process. Started four times it would be trained four times, each by itself, and nobody would see it.

use crate::error::{Error, Result};

/// Where launchers say how many processes they started: Open MPI, MPICH and Intel MPI, MVAPICH.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"];

/// Refuses to be one of several.
///
/// # Errors
/// [`Error::Ranks`] where `variable`, which reads the environment, says so.
pub(super) fn alone(variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    let size = |name: &&str| variable(name)?.trim().parse::<u64>().ok().filter(|&size| size > 1);
    match SIZES.iter().find_map(|name| Some((name, size(name)?))) {
        None => Ok(()),
        Some((name, size)) => Err(Error::Ranks(format!(
            "{name} says that {size} processes were started, and each of them would train the whole run by itself: start \
             one without mpirun; `--micro-batch auto` takes a batch of any size on one device"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Result<()> {
        alone(|wanted| (wanted == name).then(|| value.to_owned()))
    }

    #[test]
    fn several_processes_are_refused_and_one_is_not() {
        for name in SIZES {
            let message = with(name, "4").unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("4 processes"), "{message}");
            with(name, "1").unwrap();
            with(name, "many").unwrap();
        }
        // One task of several that a cluster gives the same job is not one of several ranks.
        with("SLURM_NTASKS", "4").unwrap();
    }
}
