//! One picture in its place: what its file is called, and how it gets there.

use super::{How, real};
use crate::data::Original;
use crate::error::{Error, Result};
use crate::interop::write_atomic;
use crate::rng::{Purpose, Stream};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Component, Path};

/// The longest file name that is made: systems take 255 bytes, and a number may come before it.
pub(super) const LONGEST: usize = 240;

/// A path as one file name. A longer one than systems take is cut, and told apart by a hash of all of it.
pub(super) fn flat(path: &Path) -> OsString {
    let mut name = OsString::new();
    for part in path.components() {
        if let Component::Normal(part) = part {
            if !name.is_empty() {
                name.push("__");
            }
            name.push(part);
        }
    }
    if name.len() <= LONGEST {
        return name;
    }
    let bytes: Vec<u64> = name.as_encoded_bytes().iter().map(|&byte| u64::from(byte)).collect();
    let hash = Stream::new(0, Purpose::Name, &bytes).bits();
    let ending = Path::new(&name).extension().filter(|ending| ending.len() < 16).unwrap_or_default();
    // The end says most: folders come first in a flattened name.
    let shown = name.to_string_lossy();
    let stem = shown.strip_suffix(&*ending.to_string_lossy()).unwrap_or(&shown).trim_end_matches('.');
    let mut start = stem.len().saturating_sub(LONGEST - 40);
    while !stem.is_char_boundary(start) {
        start += 1;
    }
    let mut short = OsString::from(format!("{hash:016x}__{}", &stem[start..]));
    if !ending.is_empty() {
        short.push(".");
        short.push(ending);
    }
    short
}

/// What became of one picture.
pub(super) enum Put {
    Made,
    Present,
    Taken,
}

/// Whether the next file would fail as well. A file that is too large counts, as there are limits for all that a process
/// writes, and making room helps against both.
pub(super) fn is_final(error: &Error) -> bool {
    let Error::Io { source, .. } = error else { return false };
    matches!(
        source.kind(),
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::FileTooLarge
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::CrossesDevices
    )
}

/// Whether the file of a picture is not there any more.
pub(super) fn is_lost(original: &Original) -> bool {
    matches!(original, Original::File(path) if !path.exists())
}

/// Puts one picture in its place, if nothing is there.
///
/// # Errors
/// [`Error::Io`] with the path.
pub(super) fn put(original: &Original, to: &Path, how: How) -> Result<Put> {
    let from = match original {
        Original::File(path) => Some(real(path)),
        Original::Bytes { .. } => None,
    };
    if let Ok(found) = std::fs::symlink_metadata(to) {
        let same = match (&from, original) {
            (Some(from), _) => is_same(from, to, how, &found),
            (None, Original::Bytes { bytes, .. }) => found.is_file() && found.len() == bytes.len() as u64,
            (None, Original::File(_)) => false,
        };
        return Ok(if same { Put::Present } else { Put::Taken });
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    match (how, &from, original) {
        (How::HardLink, Some(from), _) => std::fs::hard_link(from, to).map_err(|error| linked(to, error))?,
        (How::Symlink, Some(from), _) => symlink(from, to).map_err(Error::io(to))?,
        (_, Some(from), _) => copy(from, to)?,
        (_, None, Original::Bytes { bytes, .. }) => write_atomic(to, |file| file.write_all(bytes))?,
        (_, None, Original::File(_)) => {}
    }
    Ok(Put::Made)
}

/// The error of a hard link, with the way out where the two lie on different disks.
pub(super) fn linked(to: &Path, error: IoError) -> Error {
    if error.kind() != ErrorKind::CrossesDevices {
        return Error::io(to)(error);
    }
    let reason = "a hard link cannot lead to another disk; use `--how copy` or `--how symlink`";
    Error::io(to)(IoError::new(ErrorKind::CrossesDevices, reason))
}

/// Whether an earlier sort made what is at `to`.
fn is_same(from: &Path, to: &Path, how: How, found: &std::fs::Metadata) -> bool {
    match how {
        How::Symlink => std::fs::read_link(to).is_ok_and(|link| link == from),
        _ => found.is_file() && std::fs::metadata(from).is_ok_and(|source| source.len() == found.len()),
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut source = File::open(from).map_err(Error::io(from))?;
    write_atomic(to, |file| std::io::copy(&mut source, file).map(drop))
}

#[cfg(unix)]
fn symlink(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(windows)]
fn symlink(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_file(from, to)
}
