//! Where pictures come from: what a path holds is found by looking at it, or said by a setting.
//!
//! | file | what |
//! |---|---|
//! | `look` | what lies at a path, and which source that is |
//! | `part` | a named run of bytes: a file, a part of one, or something unpacked |
//! | `archive`, `packing` | the members of tar and zip archives as parts; compressed streams |
//! | `table`, `sides` | labels and parts of a set: the same rules for every source |
//! | `arrays` | pictures stored as bare samples |
//! | `embedded` | the pictures compiled in |
//! | `census`, `left`, `exclude`, `masks` | what lies in a folder, what is left out of it and said |
//! | `folder`, `layout` | picture files in folders, and what the folders mean |
//! | `list`, `rows`, `headings`, `locate` | picture files in a table: its rows, its columns, and where the files are |
//! | `beside` | a table among the pictures of a folder |
//! | `label_file` | labels of a file that a person names, to judge by |
//! | `cifar` | CIFAR-10 and CIFAR-100, binary or pickled |
//! | `stl10`, `idx`, `npy`, `single` | STL-10, MNIST and its relatives, numpy arrays of many pictures and of one |
//! | `shards`, `columns` | WebDataset tar files, Parquet files |
//! | `zipped`, `members` | zip archives; folders within archives |
//! | `arrow`, `fields` | Arrow files, and the columns of their schema |
//! | `labels` | which column of Parquet and Arrow files holds labels, and what its values say |
//!
//! Every source gives random access by number, so nothing else knows where pictures come from.

mod archive;
mod arrays;
mod arrow;
mod beside;
mod census;
mod cifar;
mod columns;
pub(super) mod embedded;
mod exclude;
mod fields;
pub(super) mod folder;
mod headings;
mod idx;
pub(super) mod label_file;
mod labels;
mod layout;
mod left;
mod list;
mod locate;
mod look;
mod masks;
mod members;
mod npy;
mod packing;
mod part;
mod rows;
mod shards;
mod sides;
mod single;
mod stl10;
mod table;
#[cfg(test)]
mod tests;
mod zipped;

use std::path::{Path, PathBuf};

use super::dataset::Listing;
pub use crate::config::Source;
use crate::error::{Error, Result};
use crate::pass::Pass;
use archive::guarded;
use exclude::Exclude;
pub use label_file::LabelFile;
use look::{Found, by_name, find, guess, standing};
use part::Part;
use table::Table;

/// The largest picture file that is read, in bytes.
const LARGEST_PICTURE: u64 = 1 << 30;

/// What to take of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What the path holds.
    pub source: Source,
    /// Patterns of files that are left out: of a name at any depth (`masks`, `*_mask.png`) or, with a slash, of
    /// a path below the folder or the archive.
    pub exclude: Vec<String>,
    /// Whether every page of a file is a picture, or only the first.
    pub every_page: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Source::Auto.into()
    }
}

impl From<Source> for Selection {
    fn from(source: Source) -> Self {
        Self { source, exclude: Vec::new(), every_page: false }
    }
}

/// Whether there is anything at a path; the empty folder that an unplugged disk leaves is nothing.
#[must_use]
pub fn is_there(place: &Path) -> bool {
    match std::fs::metadata(place) {
        Ok(found) if found.is_dir() => {
            std::fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some())
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

/// Lists the pictures at `path`.
pub(super) fn open(path: &Path, selection: &Selection, pass: &Pass) -> Result<Listing> {
    let source = selection.source;
    let found = find(path, Exclude::new(&selection.exclude, path)?)?;
    // Only where nobody said what arrays are do their sizes decide.
    let one_each = (source != Source::Auto).then_some(source == Source::NpyPictures);
    let (source, census) = match source {
        Source::Auto => guess(path, &found, pass)?,
        named => (named, None),
    };
    let is_tar = |file: &Path| matches!(by_name(file), Some(Source::Webdataset));
    let mut table = match source {
        Source::Auto | Source::Folder => {
            let census = match census {
                Some(census) => census,
                None if found.is_folder => {
                    folder::census_without(&found.root, &found.exclude, pass, |_| false)?
                }
                None => folder::of_files(path, &found)?,
            };
            folder::list(&found.root, census)?
        }
        Source::List => list::list(&single(path, &found)?, &found.root, pass)?,
        Source::Webdataset => shards::list(parts(path, &found, pass, "tar", is_tar)?, &found.exclude)?,
        Source::Parquet => {
            let is_parquet = |file: &Path| by_name(file) == Some(Source::Parquet);
            columns::list(parts(path, &found, pass, "Parquet", is_parquet)?)?
        }
        Source::Zip => {
            let is_zip = |file: &Path| by_name(file) == Some(Source::Zip);
            zipped::list(&parts(path, &found, pass, "zip", is_zip)?, &found.exclude)?
        }
        Source::Arrow => {
            let is_arrow = |file: &Path| by_name(file) == Some(Source::Arrow);
            arrow::list(parts(path, &found, pass, "Arrow", is_arrow)?)?
        }
        Source::Npy | Source::NpyPictures => numpy(path, &found, pass, one_each)?,
        Source::Cifar10 | Source::Cifar100 | Source::Stl10 | Source::Mnist => fixed(source, path, &found)?,
    };
    // `.` and `..` have no name of their own.
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = full.file_name().map_or_else(|| "pictures".into(), |name| name.to_string_lossy().into_owned());
    if matches!(source, Source::List | Source::Parquet | Source::Arrow) {
        table = table.without(&found.exclude);
    }
    table.notices.extend(found.exclude.notices());
    table.listing(name, path, &found.root)
}

fn wrong(path: &Path, reason: impl Into<String>) -> Error {
    Error::Data { path: path.to_owned(), reason: reason.into() }
}

/// The one file of a source that is one.
fn single(path: &Path, found: &Found) -> Result<Part> {
    match found.files.as_slice() {
        [file] if !found.is_folder => Part::file(file, &found.root),
        _ => Err(wrong(path, "this source is one file; name it")),
    }
}

/// The files themselves, or those below a folder that are of the kind.
fn parts(
    path: &Path,
    found: &Found,
    pass: &Pass,
    kind: &str,
    of_kind: impl Fn(&Path) -> bool,
) -> Result<Vec<Part>> {
    let files: Vec<PathBuf> = if found.is_folder {
        let census = folder::census(&found.root, pass, of_kind)?;
        census.archives.into_iter().map(|file| found.root.join(file)).collect()
    } else {
        found.files.clone()
    };
    if files.is_empty() {
        return Err(wrong(path, format!("no {kind} file in this folder or below it")));
    }
    files.iter().map(|file| Part::file(file, &found.root)).collect()
}

/// The arrays of numpy files; beside a single `.npy` file its neighbours may hold the labels.
fn numpy(path: &Path, found: &Found, pass: &Pass, one_each: Option<bool>) -> Result<Table> {
    let is_array = |file: &Path| by_name(file) == Some(Source::Npy);
    let mut files = parts(path, found, pass, "numpy", is_array)?;
    if let [only] = files.as_slice()
        && only.file_name().ends_with(".npy")
    {
        let here = standing(&found.root)?.0.into_iter().filter(|file| is_array(file));
        let beside = here.filter(|file| npy::is_labels_of(file, &found.files[0]));
        files.extend(beside.map(|file| Part::file(&file, &found.root)).collect::<Result<Vec<_>>>()?);
    }
    let (mut arrays, mut held) = (Vec::new(), 0);
    for file in files {
        if file.file_name().ends_with(".npz") {
            arrays.extend(guarded(&file, || archive::zip(&file, &mut held))?);
        } else {
            arrays.push(file);
        }
    }
    npy::list(&arrays, one_each)
}

/// A set with fixed file names: a folder of them, one of them, or the archive.
fn fixed(source: Source, path: &Path, found: &Found) -> Result<Table> {
    let mut notices = Vec::new();
    let files = match found.files.as_slice() {
        [only] if by_name(only) == Some(Source::Webdataset) => {
            let archive = Part::file(only, &found.root)?;
            guarded(&archive, || archive::members(archive.clone(), &mut notices))?
        }
        // One file of a set is that file; what names its classes or labels may stand beside it.
        [only] if !found.is_folder => {
            let own = by_name(only);
            let beside = standing(&found.root)?.0.into_iter().filter(|file| by_name(file) != own);
            let beside = beside.filter(|file| file.metadata().is_ok_and(|found| found.len() < 1 << 26));
            beside.chain([only.clone()]).map(|file| Part::file(&file, &found.root)).collect::<Result<_>>()?
        }
        files => files.iter().map(|file| Part::file(file, &found.root)).collect::<Result<_>>()?,
    };
    let mut table = match source {
        Source::Cifar100 => cifar::list(cifar::Kind::Hundred, &files)?,
        Source::Stl10 => stl10::list(&files)?,
        Source::Mnist => idx::list(&files)?,
        _ => cifar::list(cifar::Kind::Ten, &files)?,
    };
    if table.labels.is_empty() {
        let expected = match source {
            Source::Cifar100 => "train.bin and test.bin, or train and test",
            Source::Stl10 => "train_X.bin, unlabeled_X.bin or test_X.bin",
            Source::Mnist => "train-images-idx3-ubyte, with or without .gz",
            _ => "data_batch_1.bin to data_batch_5.bin, or the same without .bin",
        };
        return Err(wrong(path, format!("the files of this set are not here; their names are {expected}")));
    }
    table.notices.append(&mut notices);
    Ok(table)
}
