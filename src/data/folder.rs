//! A folder of picture files, nested or not.
//!
//! Files are found by their extension and sorted by path, so the numbers of the pictures depend on
//! nothing but the names. Linked folders are not entered (they may form loops); linked files count.

use std::path::{Path, PathBuf};

use image::RgbImage;
use walkdir::WalkDir;

use super::dataset::{Listing, Pictures};
use super::{decode, layout};
use crate::error::{Error, Result};

const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"];

struct Folder {
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl Pictures for Folder {
    fn name(&self, picture: u32) -> String {
        self.files[picture as usize].to_string_lossy().into_owned()
    }

    fn decode(&self, picture: u32) -> Result<RgbImage> {
        decode::from_file(&self.root.join(&self.files[picture as usize]))
    }
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// The picture files below `root`, relative to it, in sorted order.
fn find(root: &Path) -> Result<Vec<PathBuf>> {
    // Names with a leading dot are never pictures: macOS leaves `._cat.jpg` beside `cat.jpg`.
    let hidden =
        |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().as_encoded_bytes()[0] == b'.';
    let mut files = Vec::new();
    for entry in WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(|entry| !hidden(entry)) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            Error::io(path)(error.into())
        })?;
        let is_file = entry.file_type().is_file() || (entry.path_is_symlink() && entry.path().is_file());
        if is_file && is_picture(entry.path()) {
            files.push(entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned());
        }
    }
    Ok(files)
}

/// Lists a folder. Errors: [`Error::Data`] where it holds no picture, [`Error::Io`].
pub(super) fn list(root: &Path) -> Result<Listing> {
    let found = find(root)?;
    if u32::try_from(found.len()).is_err() {
        let reason = "more than 4 billion pictures; name a part of them".into();
        return Err(Error::Data { path: root.to_owned(), reason });
    }
    let layout = layout::read(found);
    if layout.files.is_empty() {
        let reason = format!(
            "no pictures in this folder or below it; files that count end in {}",
            EXTENSIONS.join(", ")
        );
        return Err(Error::Data { path: root.to_owned(), reason });
    }
    // `.` and `..` have no name of their own.
    let full = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let name = full.file_name().map_or_else(|| "pictures".into(), |name| name.to_string_lossy().into_owned());
    Ok(Listing {
        name,
        path: root.to_owned(),
        classes: layout.classes,
        labels: layout.labels,
        pretrain: layout.pretrain,
        splits: layout.splits,
        pictures: Box::new(Folder { root: root.to_owned(), files: layout.files }),
    })
}

#[cfg(test)]
mod tests {
    use crate::data::Dataset;
    use crate::data::testing::encode;
    use image::{ImageFormat, RgbImage};
    use std::path::Path;

    fn put(root: &Path, names: &[&str]) {
        for name in names {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, encode(RgbImage::new(2, 2), ImageFormat::Png)).unwrap();
        }
    }

    #[test]
    fn an_empty_folder_is_an_error_that_says_what_counts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.txt"), "").unwrap();
        let message = Dataset::open(Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains(folder.path().to_str().unwrap()) && message.contains("jpeg"), "{message}");
    }

    #[test]
    fn pictures_are_found_by_extension_in_sorted_order() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &["b.PNG", "a.png", "deep/er/c.Jpeg", ".hidden/x.png", "._a.png", "a.txt"]);
        let set = Dataset::open(Some(folder.path())).unwrap();
        let names: Vec<String> = (0..set.len() as u32).map(|p| set.picture_name(p)).collect();
        assert_eq!(
            names,
            ["a.png", "b.PNG", "deep/er/c.Jpeg"].map(|n| n.replace('/', std::path::MAIN_SEPARATOR_STR))
        );
        assert!(set.classes().is_empty() && set.splits().is_empty() && set.label(0).is_none());
        assert_eq!(set.pretrain(), [0, 1, 2]);
        assert_eq!(set.decode(2).unwrap().dimensions(), (2, 2));
        assert_eq!(set.name(), folder.path().file_name().unwrap().to_str().unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn linked_files_count_and_linked_folders_do_not_loop() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &["in/a.png"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("in/loop")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("in/a.png"), folder.path().join("in/b.png")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("in/c.png")).unwrap();
        let set = Dataset::open(Some(folder.path())).unwrap();
        assert_eq!(set.len(), 2);
        assert!(set.decode(1).is_ok());
    }
}
