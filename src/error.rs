//! The one error type: every variant names the thing that is wrong and the way out.
//!
//! A panic is a bug. Errors are handled once, at the top of the command line or of the app.

use std::io::ErrorKind;
use std::path::PathBuf;

/// Why something could not be done. `Display` is a whole sentence for a person.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting has a value that makes no sense.
    #[error("setting `{field}`: {reason}")]
    Config {
        /// The TOML key (the flag is the same word with dashes).
        field: String,
        /// What is wrong and which values are allowed.
        reason: String,
    },
    /// No graphics adapter that this program can use.
    #[error("no graphics adapter found: {hint}")]
    NoAdapter {
        /// What to install or pass.
        hint: String,
    },
    /// Something is larger than the adapter or the memory allows.
    #[error("{what} needs {need}, but only {have} is available: {remedy}")]
    Limit {
        /// The tensor, buffer or run that does not fit.
        what: String,
        /// How much it needs.
        need: String,
        /// How much there is.
        have: String,
        /// What to change.
        remedy: String,
    },
    /// A shader, or the Rust side of it, is wrong: always a bug of this program or of a driver.
    #[error("shader {file}, entry point `{entry}`: {reason}")]
    Shader {
        /// The WGSL file.
        file: String,
        /// The entry point, or `-` for the whole file.
        entry: String,
        /// What does not match, with the line where there is one.
        reason: String,
    },
    /// The driver reported an error while commands ran.
    #[error("the graphics driver reported an error: {0}")]
    Device(String),
    /// The device went away (reset, ended by a watchdog, unplugged, out of memory).
    #[error("the graphics device was lost: {0}; {shorter}; restart the run with `--resume`", shorter = SHORTER_PARTS)]
    DeviceLost(String),
    /// A file or folder cannot be read or written.
    #[error("{}: {source}{}", path.display(), way_out(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The data cannot be trained on.
    #[error("{}: {reason}", path.display())]
    Data {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A checkpoint cannot be used.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The checkpoint file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The self-test found kernels whose results are wrong on this machine.
    #[error("{what} on {adapter}: {remedy}")]
    WrongResults {
        /// Which kernels, and in how many cases.
        what: String,
        /// The adapter and its driver.
        adapter: String,
        /// What to do about it.
        remedy: String,
    },
    /// Several processes that should train together, or should not, and do not.
    #[error("{0}")]
    Ranks(String),
    /// Whoever watched it wanted it to end before it was done ([`crate::pass`]).
    #[error("stopped before it was done")]
    Stopped,
    /// The numbers of a run are no longer finite.
    #[error("the run diverged at step {step}: {what}; {remedy}")]
    Diverged {
        /// The step whose report showed it, counted from 1 as in the metrics.
        step: u64,
        /// Which value went first.
        what: String,
        /// What to change, and where the last good checkpoint is.
        remedy: String,
    },
}

/// What helps where a system takes a device away from who keeps it busy for too long. Drivers seldom say why a device was
/// lost, so whoever lost one is told.
pub const SHORTER_PARTS: &str = "where its system ended it because it was busy for too long, shorter parts of work help (`--submission-ms 20`)";

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What helps against an operating-system error, where there is something.
fn way_out(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "; make room and run the command again (a run that has a checkpoint goes on with `--resume`)"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; change its permissions, or name another place"
        }
        _ => "",
    }
}

impl Error {
    /// Wraps an operating-system error with the path that it happened at.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// A setting that makes no sense: which, and why.
    pub fn config(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Config { field: field.into(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A driver says what it likes, and seldom that it was a watchdog.
    #[test]
    fn whoever_loses_a_device_hears_what_may_help() {
        let text = Error::DeviceLost("Parent device is lost".into()).to_string();
        let [what, watchdog, resume]: [&str; 3] = text.split("; ").collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(what, "the graphics device was lost: Parent device is lost");
        assert!(watchdog.contains("`--submission-ms 20`") && resume.contains("`--resume`"), "{text}");
    }
}
