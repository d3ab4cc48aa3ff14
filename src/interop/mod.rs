//! Files in and out: tensors on the host, and writing that never leaves half a file behind.
//!
//! Nothing here knows a device or a model. Weights of other programs come in by `weights`. A file is first written under a temporary name in the
//! same folder, synced, and renamed over the old one, so a power cut or a full disk leaves either
//! the old file or the new one, whole.

mod element;
pub mod onnx;
pub mod safetensors;
pub mod tfevents;
pub mod torch;
pub mod weights;

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

/// Shapes of tensors by name.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Which tensors of a file are read, and what they are called then: given the shapes of all by their names in the
/// file, the new name of each that is wanted by its name in the file; or why none can be chosen.
pub type Choose<'a> = &'a dyn Fn(&Shapes) -> std::result::Result<BTreeMap<String, String>, String>;

/// How the values of a tensor stand in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScalarType {
    /// 32-bit floats.
    #[default]
    F32,
    /// 64-bit whole numbers: PyTorch's counters. In memory they are `f32` like everything else, so
    /// from 2²⁴ (16.7 million) on the last digits are rounded.
    I64,
}

/// A named array of a file: row-major `f32` and its shape (empty shape = one value).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostTensor {
    /// Length of every axis, outermost first.
    pub shape: Vec<usize>,
    /// `shape` multiplied out, row-major.
    pub data: Vec<f32>,
    /// How a file holds the values.
    pub kind: ScalarType,
}

impl HostTensor {
    /// A tensor of `shape` that holds `data`; the two are compared when it is written.
    #[must_use]
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        Self { shape: shape.into(), data, kind: ScalarType::F32 }
    }

    /// A counter: one whole number.
    #[must_use]
    pub fn counter(value: u64) -> Self {
        Self { shape: Vec::new(), data: vec![value as f32], kind: ScalarType::I64 }
    }
}

/// What temporary files are called: a hidden name that nobody else uses, so that leftovers of a
/// killed run can be recognised and removed.
const TEMPORARY_PREFIX: &str = ".swav-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// A file that is being written. Zip archives go back to fill in sizes.
pub trait Sink: Write + Seek + Send {}

impl<T: Write + Seek + Send> Sink for T {}

/// Writes `path` so that at every moment it is either the old file or the whole new one.
///
/// # Errors
/// [`Error::Io`] with `path`: the folder is missing, the disk is full, … The old file is untouched
/// and the temporary file is gone.
pub fn write_atomic(path: &Path, write: impl FnOnce(&mut dyn Sink) -> std::io::Result<()>) -> Result<()> {
    let temporary = write_temporary(path, write)?;
    persist(temporary, path)
}

/// The first half of [`write_atomic`]: a complete, synced temporary file in the folder of `path`.
/// Dropping it removes it.
pub(crate) fn write_temporary(
    path: &Path,
    write: impl FnOnce(&mut dyn Sink) -> std::io::Result<()>,
) -> Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX);
    // Temporary files are private by default; a run folder is meant to be shared (umask applies).
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(folder_of(path)).map_err(Error::io(path))?;
    let mut buffered = BufWriter::with_capacity(1 << 20, temporary.as_file());
    write(&mut buffered).and_then(|()| buffered.flush()).map_err(Error::io(path))?;
    drop(buffered);
    temporary.as_file().sync_all().map_err(Error::io(path))?;
    Ok(temporary)
}

/// The second half of [`write_atomic`]: the rename, made durable where the system can.
pub(crate) fn persist(temporary: tempfile::NamedTempFile, path: &Path) -> Result<()> {
    temporary.persist(path).map_err(|e| Error::io(path)(e.error))?;
    sync_folder(folder_of(path));
    Ok(())
}

/// Asks the system to remember the renames in `folder`. Best effort: Windows cannot open folders,
/// some network disks refuse, and the data itself is synced already.
pub(crate) fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|handle| handle.sync_all());
    }
}

/// Makes a temporary file in `folder` and removes it, which tells whether files can be made there.
pub(crate) fn try_writing(folder: &Path) -> std::io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX).tempfile_in(folder)?.close()
}

/// Removes temporary files that a killed process left in `folder`. Best effort.
pub(crate) fn remove_leftovers(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, |w| w.write_all(b"old")).unwrap();
        let full = write_atomic(&path, |w| {
            w.write_all(&[0; 5000])?;
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        });
        match full.unwrap_err() {
            Error::Io { path: named, source } => {
                assert_eq!(named, path);
                assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
            }
            other => panic!("{other}"),
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.txt"]);
        write_atomic(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_missing_folder_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no").join("a.txt");
        let message = write_atomic(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(message.contains("a.txt"), "{message}");
    }

    #[test]
    fn leftovers_go_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".swav-abc.tmp", "keep.tmp", ".swav-note"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        remove_leftovers(folder.path());
        assert_eq!(names(folder.path()), [".swav-note", "keep.tmp"]);
    }
}
