//! What lies in a folder and below it: pictures, archives, and what is left out, counted.
//!
//! Files are told by the endings of their names; those without one, and in a folder without a known picture
//! all others, by their first bytes. Linked files and folders count. A link that leads back into the folder is
//! left out and said, so that nothing loops and no folder is read twice.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use image::ImageFormat;
use walkdir::{DirEntry, WalkDir};

use super::exclude::Exclude;
use super::folder::is_picture;
use super::left::Left;
use crate::error::{Error, Result};
use crate::pass::Pass;

/// Files of unknown endings that are looked into where nothing else is a picture.
const LOOKED_INTO: usize = 10_000;

/// The files below a folder that mean something here, relative to it, in sorted order.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) pictures: Vec<PathBuf>,
    /// Tar, Parquet, numpy files and so on.
    pub(super) archives: Vec<PathBuf>,
    /// All other files.
    pub(super) left: Left,
    /// What cannot be listed.
    pub(super) notices: Vec<String>,
}

/// Takes the census of `root`; `is_archive` tells archives by their names, `pass` counts what is found.
pub(super) fn census(root: &Path, pass: &Pass, is_archive: impl Fn(&Path) -> bool) -> Result<Census> {
    census_without(root, &Exclude::default(), pass, is_archive)
}

/// As [`census`], without what is excluded.
pub(super) fn census_without(
    root: &Path,
    exclude: &Exclude,
    pass: &Pass,
    is_archive: impl Fn(&Path) -> bool,
) -> Result<Census> {
    let (mut found, mut links, mut others) = (Census::default(), Links::new(root), Vec::new());
    let mut enter = |entry: &DirEntry| {
        // Names with a leading dot are never pictures: macOS leaves `._cat.jpg` beside `cat.jpg`.
        let hidden = entry.depth() > 0 && entry.file_name().as_encoded_bytes()[0] == b'.';
        let linked = entry.depth() > 0 && entry.file_type().is_dir() && entry.path_is_symlink();
        !(hidden || linked && links.known(entry))
    };
    for entry in
        WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter().filter_entry(&mut enter)
    {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => return Err(Error::io(root)(error.into())),
            Err(error) => {
                found.notices.push(unlisted(root, error));
                continue;
            }
        };
        pass.advance(1)?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        if exclude.hits(path) {
            continue;
        }
        let unnamed = path.extension().is_none();
        if is_picture(path) {
            found.pictures.push(path.to_owned());
        } else if is_archive(path) {
            found.archives.push(path.to_owned());
        } else if unnamed && starts_like_a_picture(entry.path()) {
            found.pictures.push(path.to_owned());
        } else {
            if !unnamed && found.pictures.is_empty() && others.len() < LOOKED_INTO {
                others.push(path.to_owned());
            }
            found.left.note(path);
        }
    }
    if found.pictures.is_empty() && found.archives.is_empty() {
        others.retain(|path| starts_like_a_picture(&root.join(path)));
        others.iter().for_each(|path| found.left.used(path));
        found.pictures = others;
    }
    found.notices.append(&mut links.notices);
    Ok(found)
}

/// What is said of an entry that cannot be listed.
fn unlisted(root: &Path, error: walkdir::Error) -> String {
    let path = error.path().unwrap_or(root).display().to_string();
    if let Some(ancestor) = error.loop_ancestor() {
        return format!("{path} leads back to {} and is left out", ancestor.display());
    }
    let reason = std::io::Error::from(error);
    if reason.kind() == std::io::ErrorKind::NotFound {
        return format!("{path} is a link to what is not there and is left out");
    }
    format!("{path} cannot be listed and is left out: {reason}")
}

/// The folders that links have led to.
struct Links {
    root: Option<PathBuf>,
    entered: BTreeSet<PathBuf>,
    notices: Vec<String>,
}

impl Links {
    fn new(root: &Path) -> Self {
        Self { root: root.canonicalize().ok(), entered: BTreeSet::new(), notices: Vec::new() }
    }

    /// Whether a link leads to a folder that is read without it: one below the root or around it, or one that
    /// another link has led to.
    fn known(&mut self, link: &DirEntry) -> bool {
        let Ok(target) = link.path().canonicalize() else { return false };
        let within = |folder: &PathBuf| target.starts_with(folder) || folder.starts_with(&target);
        let known = self.root.as_ref().is_some_and(within) || self.entered.iter().any(within);
        if known {
            let (link, target) = (link.path().display(), target.display());
            self.notices.push(format!(
                "{link} leads to {target}, which is read without it at least in part, and is left out"
            ));
        } else {
            self.entered.insert(target);
        }
        known
    }
}

/// Whether the first bytes of a file are those of a picture. Formats with only two such bytes do not count:
/// too many files begin like them.
fn starts_like_a_picture(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(132).read_to_end(&mut head));
    // Devices often give DICOM files no ending.
    if head.ends_with(b"DICM") && head.len() == 132 {
        return true;
    }
    let format = read.ok().and_then(|_| image::guess_format(&head).ok());
    matches!(
        format,
        Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif | ImageFormat::Tiff)
    )
}
