//! Zip archives of pictures: a file each, read where it lies and unpacked when it is asked for, so that an
//! archive of any size needs no room but that of one picture. What its folders mean is as on the disk.

use std::io::{BufReader, Read as _};
use std::path::Path;

use flate2::read::DeflateDecoder;
use zip::CompressionMethod;

use super::super::dataset::{Content, Pictures};
use super::LARGEST_PICTURE;
use super::archive::{Notices, guarded, inner};
use super::exclude::Exclude;
use super::folder::is_picture;
use super::left::Left;
use super::members::{self, Archive};
use super::part::Part;
use super::table::Table;
use crate::error::Result;

/// A picture in an archive.
#[derive(Clone)]
struct Member {
    /// Its bytes as they lie in the archive.
    part: Part,
    /// How many bytes it has.
    size: u64,
    deflated: bool,
}

struct Zipped(Vec<Member>);

impl Pictures for Zipped {
    fn name(&self, picture: u32) -> String {
        self.0[picture as usize].part.name.clone()
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        let Member { part, size, deflated } = &self.0[picture as usize];
        if *size > LARGEST_PICTURE {
            return Err(part.wrong("it unpacks to more bytes than a picture file may have"));
        }
        if !deflated {
            return Ok(Content::Encoded(part.bytes(LARGEST_PICTURE)?.into()));
        }
        let mut bytes = Vec::new();
        // Never more than is promised, whatever the stream would give.
        let read = DeflateDecoder::new(BufReader::new(part.reader()?)).take(size + 1).read_to_end(&mut bytes);
        match read {
            Ok(_) if bytes.len() as u64 == *size => Ok(Content::Encoded(bytes.into())),
            Ok(_) => Err(part.wrong("it does not unpack to the size that the archive gives: it is damaged")),
            Err(error) => Err(part.wrong(format!("the compressed data is damaged or cut short: {error}"))),
        }
    }
}

/// Lists the pictures of the zip archives `files`, in their order.
pub(super) fn list(files: &[Part], exclude: &Exclude) -> Result<Table> {
    let (mut left, mut notices, mut archives) = (Left::default(), Vec::new(), Vec::new());
    for file in files {
        archives.push(guarded(file, || index(file, exclude, &mut left, &mut notices))?);
    }
    let arranged = members::arrange(archives);
    notices.extend(arranged.notices);
    notices.extend(left.notice());
    if arranged.members.is_empty()
        && let Some(first) = files.first()
    {
        notices.insert(0, format!("no pictures in this archive: {}", left.instead()));
        return Err(first.wrong(notices.join("; ")));
    }
    Ok(Table {
        classes: arranged.classes,
        labels: arranged.labels,
        sides: arranged.sides,
        pictures: Box::new(Zipped(arranged.members)),
        notices,
    })
}

/// The pictures of one archive.
fn index(file: &Part, exclude: &Exclude, left: &mut Left, notices: &mut Notices) -> Result<Archive<Member>> {
    let wrong =
        |error: zip::result::ZipError| file.wrong(format!("this is not a whole zip archive: {error}"));
    let mut zip = zip::ZipArchive::new(BufReader::new(file.reader()?)).map_err(wrong)?;
    let (mut found, mut outside, mut closed) = (Vec::new(), None, 0);
    for index in 0..zip.len() {
        let member = zip.by_index_raw(index).map_err(wrong)?;
        if !member.is_file() {
            continue;
        }
        let name = member.name().map_err(wrong)?.into_owned();
        let Some(path) = inner(&name) else {
            outside.get_or_insert(name);
            continue;
        };
        if hidden(&path) || exclude.hits(&path) {
            continue;
        }
        if !is_picture(&path) {
            left.note(&path);
            continue;
        }
        let deflated = member.compression() == CompressionMethod::Deflated;
        if member.encrypted() || !deflated && member.compression() != CompressionMethod::Stored {
            closed += 1;
            continue;
        }
        let start =
            member.data_start().ok_or_else(|| file.wrong("a file in it has no place: it is damaged"))?;
        let full = format!("{}/{}", file.name, path.to_string_lossy());
        let part = file.slice(full, start, member.compressed_size());
        let part = part.ok_or_else(|| file.wrong("a file in it reaches beyond its end: it is cut short"))?;
        found.push((path, Member { part, size: member.size(), deflated }));
    }
    if let Some(name) = outside {
        notices.push(format!(
            "{}: files whose paths lead out of the archive are left out, such as {name}",
            file.name
        ));
    }
    if closed > 0 {
        notices.push(format!(
            "{}: {closed} pictures are left out that are encrypted or compressed in a rare way; unpack it and name the \
             folder",
            file.name
        ));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(Archive { name: file.name.clone(), members: found })
}

/// What macOS puts beside every file.
fn hidden(path: &Path) -> bool {
    path.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        name.starts_with('.') || name == "__MACOSX"
    })
}

#[cfg(test)]
#[path = "zipped_tests.rs"]
mod tests;
