//! What lies at a path, and which source that is by its looks.

use std::path::{Path, PathBuf};

use super::archive::{self, guarded};
use super::cifar;
use super::exclude::Exclude;
use super::folder::{self, Census};
use super::packing::Packing;
use super::part::Part;
use super::{Source, wrong};
use crate::error::{Error, Result};
use crate::pass::Pass;

/// What lies at a path.
pub(super) struct Found {
    /// Names of pictures are below this folder.
    pub(super) root: PathBuf,
    /// The file itself, those of a pattern, or those that stand in the folder.
    pub(super) files: Vec<PathBuf>,
    /// Whether the path is a folder.
    pub(super) is_folder: bool,
    /// What of it is left out.
    pub(super) exclude: Exclude,
}

/// What lies at a path: a folder, a file, or the files of a pattern.
pub(super) fn find(path: &Path, exclude: Exclude) -> Result<Found> {
    let parent = |path: &Path| path.parent().unwrap_or(Path::new("")).to_owned();
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let (root, files) = of_set(path)?;
            Ok(Found { root, files, is_folder: true, exclude })
        }
        Ok(found) if found.is_file() => {
            Ok(Found { root: parent(path), files: vec![path.to_owned()], is_folder: false, exclude })
        }
        Ok(_) => Err(wrong(path, "this is neither a file nor a folder")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let files = pattern(path)?;
            let Some(first) = files.first() else {
                let reason = "there is nothing here; name a folder of pictures or a file of another source, or none \
                              for the built-in set";
                return Err(wrong(path, reason));
            };
            // A pattern may reach into several folders, and names are to say which.
            let mut root = parent(first);
            while !files.iter().all(|file| file.starts_with(&root)) {
                root = parent(&root);
            }
            Ok(Found { root, files, is_folder: false, exclude })
        }
        Err(error) => Err(Error::io(path)(error)),
    }
}

/// What stands in a folder and is not hidden, sorted: files, and folders (links to folders are neither).
pub(super) fn standing(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    // The folder of a file that is named without one.
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    for entry in std::fs::read_dir(here).map_err(Error::io(here))? {
        let entry = entry.map_err(Error::io(here))?;
        let Ok(kind) = entry.file_type() else { continue };
        let path = folder.join(entry.file_name());
        match () {
            () if entry.file_name().as_encoded_bytes()[0] == b'.' => {}
            () if kind.is_dir() => folders.push(path),
            () if kind.is_file() || kind.is_symlink() && path.is_file() => files.push(path),
            () => {}
        }
    }
    files.sort();
    folders.sort();
    Ok((files, folders))
}

/// The folder of a set with fixed names: this one, or the only one in it, as unpacked archives have it.
fn of_set(path: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
    let mut folder = path.to_owned();
    for _ in 0..4 {
        let (files, mut folders) = standing(&folder)?;
        match folders.pop() {
            _ if by_files(&files).is_some() => return Ok((folder, files)),
            Some(only) if files.is_empty() && folders.is_empty() => folder = only,
            _ => break,
        }
    }
    Ok((path.to_owned(), standing(path)?.0))
}

/// The files of a pattern: `*` and `?` as in a shell, and `{000..012}` for numbers.
fn pattern(path: &Path) -> Result<Vec<PathBuf>> {
    let text = path.to_string_lossy();
    let mut files = Vec::new();
    for text in numbered(&text) {
        let found =
            glob::glob(&text).map_err(|error| wrong(path, format!("this pattern is not clear: {error}")))?;
        files.extend(found.filter_map(Result::ok).filter(|file| file.is_file()));
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// One text for each number of the first `{FIRST..LAST}`, as WebDataset writes shards.
fn numbered(text: &str) -> Vec<String> {
    let range = || {
        let (head, rest) = text.split_once('{')?;
        let (range, tail) = rest.split_once('}')?;
        let (first, last) = range.split_once("..")?;
        let (from, to): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        let wide = first.len();
        (to.checked_sub(from)? < 1 << 20)
            .then(|| (from..=to).map(|number| format!("{head}{number:0wide$}{tail}")).collect())
    };
    range().unwrap_or_else(|| vec![text.to_owned()])
}

/// The source that a file's name speaks for.
pub(super) fn by_name(file: &Path) -> Option<Source> {
    let name = file.file_name()?.to_string_lossy().to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    Some(match () {
        () if cifar::Kind::Ten.side(&name).is_some() => Source::Cifar10,
        () if ["train_x.bin", "unlabeled_x.bin", "test_x.bin"].contains(&&*name) => Source::Stl10,
        () if name == "train.bin" || name == "test.bin" => Source::Cifar100,
        () if name.contains("idx3-ubyte") => Source::Mnist,
        () if ends(&[
            ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz", ".tar.zst", ".tzst",
        ]) =>
        {
            Source::Webdataset
        }
        () if ends(&[".zip"]) => Source::Zip,
        () if ends(&[".parquet"]) => Source::Parquet,
        () if ends(&[".arrow", ".feather"]) => Source::Arrow,
        () if ends(&[".npy", ".npz"]) => Source::Npy,
        () if ends(&[".txt", ".csv", ".tsv", ".lst", ".jsonl"]) => Source::List,
        () => return None,
    })
}

/// One of the sets with fixed file names, where these files are its.
fn by_files(files: &[PathBuf]) -> Option<Source> {
    let has = |name: &str| files.iter().any(|file| file.file_name().is_some_and(|other| other == name));
    if has("train") && has("test") && has("meta") {
        return Some(Source::Cifar100);
    }
    let fixed = |source: &Source| {
        matches!(source, Source::Cifar10 | Source::Stl10 | Source::Mnist)
            || *source == Source::Cifar100 && has("fine_label_names.txt")
    };
    files.iter().filter_map(|file| by_name(file)).find(fixed)
}

/// What a path is by its looks, and the census of a folder where one was taken.
pub(super) fn guess(path: &Path, found: &Found, pass: &Pass) -> Result<(Source, Option<Census>)> {
    if let Some(source) = by_files(&found.files).filter(|_| found.is_folder || found.files.len() > 1) {
        return Ok((source, None));
    }
    if !found.is_folder {
        let first = &found.files[0];
        let source = match by_name(first) {
            // The archives of CIFAR and STL-10 are tar files too.
            Some(Source::Webdataset) if found.files.len() == 1 => inside(first, &found.root)?,
            Some(source) => source,
            None if folder::is_picture(first) => Source::Folder,
            None => {
                let reason = "this is a file, and its name does not say what it holds; name the folder that holds \
                              the pictures, or choose a `--source`";
                return Err(wrong(path, reason));
            }
        };
        return Ok((source, None));
    }
    let is_archive = |file: &Path| {
        use Source::{Arrow, Npy, Parquet, Webdataset, Zip};
        matches!(by_name(file), Some(Webdataset | Zip | Parquet | Npy | Arrow))
    };
    let census = folder::census_without(&found.root, &found.exclude, pass, is_archive)?;
    let bytes = |files: &[PathBuf]| -> u64 {
        let size = |file: &PathBuf| std::fs::metadata(found.root.join(file)).map_or(0, |found| found.len());
        files.iter().map(size).sum()
    };
    // A set in archives may have a sample picture beside it, and a folder of pictures a file of features.
    let archived = match (census.archives.first(), census.pictures.is_empty()) {
        (None, _) => None,
        (Some(first), true) => by_name(first),
        (Some(first), false) => by_name(first).filter(|_| bytes(&census.archives) > bytes(&census.pictures)),
    };
    Ok(archived.map_or_else(|| (Source::Folder, Some(census)), |source| (source, None)))
}

/// What a tar file holds, by the names of its members.
fn inside(file: &Path, root: &Path) -> Result<Source> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    // Only to look at its names, a large archive need not be unpacked.
    if name.starts_with("stl10") {
        return Ok(Source::Stl10);
    }
    let part = Part::file(file, root)?;
    if Packing::of(&part).is_some() && !name.contains("cifar") {
        return Ok(Source::Webdataset);
    }
    let members = guarded(&part, || archive::members(part.clone(), &mut Vec::new()))?;
    let names: Vec<String> = members.iter().map(Part::file_name).collect();
    let has = |name: &str| names.iter().any(|other| other == name);
    Ok(match () {
        () if has("data_batch_1") || has("data_batch_1.bin") => Source::Cifar10,
        () if has("fine_label_names.txt") || has("train") && has("test") && has("meta") => Source::Cifar100,
        () if has("train_x.bin") || has("unlabeled_x.bin") => Source::Stl10,
        () => Source::Webdataset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_shards_are_written_out() {
        assert_eq!(numbered("a/s-{08..10}.tar"), ["a/s-08.tar", "a/s-09.tar", "a/s-10.tar"]);
        for plain in ["a.tar", "a{b}.tar", "a{3..1}.tar", "a{0..99999999}.tar", "a{..}", "}{"] {
            assert_eq!(numbered(plain), [plain]);
        }
    }

    #[test]
    fn pictures_with_the_names_of_batches_are_pictures() {
        for name in
            ["test_batch_1.png", "data_batch", "data_batch_x.bin", "data_batch_1.bin.part", "my_x.bin"]
        {
            assert_eq!(by_name(Path::new(name)), None, "{name}");
        }
        for name in ["data_batch_1", "DATA_BATCH_12.bin", "test_batch", "a/test_batch.bin"] {
            assert_eq!(by_name(Path::new(name)), Some(Source::Cifar10), "{name}");
        }
    }
}
