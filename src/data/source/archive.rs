//! The members of tar and zip archives, as parts of the archive's own bytes.
//!
//! An archive is indexed once, by its headers: from then on a member is read by its number like any
//! file. So the order of an epoch is one shuffle of all pictures from the seed, whatever the number of
//! workers, and a run goes on in mid-epoch at the exact picture. A stream with a shuffle buffer would
//! give neither, and would mix pictures only as far as the buffer reaches; what an index costs is a few
//! µs a member when a run starts, and that the archive must be a file.

use std::io::Read;
use std::path::PathBuf;

use super::super::guard;
use super::part::Part;
use crate::error::{Error, Result};

/// What is wrong with an archive that can still be used in part.
pub(super) type Notices = Vec<String>;

/// Hands every file of a tar to `each`, with a reader of its contents.
///
/// A tar that is cut short gives the members that are whole, and a notice.
pub(super) fn tar(
    archive: &Part,
    notices: &mut Notices,
    mut each: impl FnMut(Part, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut tar = tar::Archive::new(archive.reader()?);
    let (mut members, mut first) = (0u64, true);
    let entries = tar.entries_with_seek().map_err(|error| archive.wrong(error.to_string()))?;
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) if first => {
                return Err(
                    archive.wrong(format!("this is not a tar archive, or its start is damaged: {error}"))
                );
            }
            Err(error) => {
                notices.push(format!(
                    "{}: cut short or damaged after {members} files, which are used ({error})",
                    archive.name
                ));
                return Ok(());
            }
        };
        first = false;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = format!("{}/{}", archive.name, String::from_utf8_lossy(&entry.path_bytes()));
        let Some(part) = archive.slice(name, entry.raw_file_position(), entry.size()) else {
            notices.push(format!(
                "{}: cut short within its file {}; the {members} files before it are used",
                archive.name,
                members + 1
            ));
            return Ok(());
        };
        each(part, &mut entry)?;
        members += 1;
    }
    Ok(())
}

/// The path of a member below its archive; nothing where it would lead out of it.
pub(super) fn inner(name: &str) -> Option<PathBuf> {
    let parts = || name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    (!parts().any(|part| part == "..")).then(|| parts().collect())
}

/// The files of a zip; what is compressed is unpacked into memory and counted in `held`.
pub(super) fn zip(archive: &Part, held: &mut u64) -> Result<Vec<Part>> {
    let wrong =
        |error: zip::result::ZipError| archive.wrong(format!("this is not a whole zip archive: {error}"));
    let mut zip = zip::ZipArchive::new(archive.reader()?).map_err(wrong)?;
    let mut parts = Vec::new();
    for index in 0..zip.len() {
        let member = zip.by_index(index).map_err(wrong)?;
        if !member.is_file() {
            continue;
        }
        let name = format!("{}/{}", archive.name, member.name().map_err(wrong)?);
        let stored = member.compression() == zip::CompressionMethod::Stored && !member.encrypted();
        let part = match member.data_start() {
            Some(start) if stored => archive.slice(name, start, member.size()),
            _ => Some(Part::memory(name, archive.unpack(member, held)?)),
        };
        parts
            .push(part.ok_or_else(|| archive.wrong("a file in it reaches beyond its end: it is cut short"))?);
    }
    Ok(parts)
}

/// The members of the tar or compressed tar `part`.
pub(super) fn members(part: Part, notices: &mut Notices) -> Result<Vec<Part>> {
    let (tar_file, mut parts) = (part.unpacked(&mut 0)?, Vec::new());
    tar(&tar_file, notices, |member, _| {
        parts.push(member);
        Ok(())
    })?;
    Ok(parts)
}

/// Calls a reader of untrusted bytes that is not ours; should it panic, that is an error of the part.
pub(super) fn guarded<T>(part: &Part, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let failed = || Error::Data {
        path: part.name.clone().into(),
        reason: "the reader failed on this file: it is damaged".into(),
    };
    guard::guarded(read).unwrap_or_else(|| Err(failed()))
}
