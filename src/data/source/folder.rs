//! A folder of picture files, nested or not, and the files of other sources that lie in folders.
//!
//! Which files count, `census` knows; they are sorted by path, so the numbers of the pictures depend on
//! nothing but the names.

use std::path::{Path, PathBuf};

use super::super::dataset::{Content, Pictures};
pub(super) use super::census::{Census, census, census_without};
use super::look::Found;
use super::table::Table;
use super::{LARGEST_PICTURE, beside, layout, masks};
use crate::error::{Error, Result};

/// Endings of picture files, the last ones where the program is built to read them.
#[rustfmt::skip]
pub(super) const EXTENSIONS: &[&str] = &[
    "png", "jpg", "jpeg", "jpe", "jfif", "mpo", "webp", "gif", "bmp", "tif", "tiff", "pbm", "pgm", "ppm",
    "pnm", "dcm", "dicom",
    #[cfg(feature = "heif")] "heic",
    #[cfg(feature = "heif")] "heif",
    #[cfg(feature = "heif")] "hif",
    #[cfg(feature = "heif")] "avif",
];

/// Picture files by their paths.
pub(super) struct Files {
    pub(super) root: PathBuf,
    pub(super) files: Vec<PathBuf>,
}

impl Pictures for Files {
    fn name(&self, picture: u32) -> String {
        shown(&self.files[picture as usize])
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        read(&self.root.join(&self.files[picture as usize]))
    }

    fn path(&self, picture: u32) -> Option<PathBuf> {
        Some(self.root.join(&self.files[picture as usize]))
    }
}

/// A path as text from which it can be told again: a byte that is no part of UTF-8 is written as `\xNN`.
pub(super) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text += chunk.valid();
        chunk.invalid().iter().for_each(|byte| text += &format!("\\x{byte:02x}"));
    }
    text
}

/// The bytes of a picture file.
pub(in crate::data) fn read(path: &Path) -> Result<Content<'static>> {
    let data = |reason: String| Error::Data { path: path.to_owned(), reason };
    let found = std::fs::metadata(path).map_err(|error| data(error.to_string()))?;
    // Reading a pipe or a device may never end.
    if !found.is_file() {
        return Err(data("this is not a file".into()));
    }
    if found.len() > LARGEST_PICTURE {
        let (size, most) = (found.len() >> 20, LARGEST_PICTURE >> 20);
        return Err(data(format!("{size} MiB are more than the {most} MiB that a picture file may have")));
    }
    let bytes = std::fs::read(path).map_err(|error| data(error.to_string()))?;
    Ok(Content::Encoded(bytes.into()))
}

/// Whether a file name ends like a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// The census of pictures that were named themselves: one file, or those of a pattern.
pub(super) fn of_files(path: &Path, found: &Found) -> Result<Census> {
    let relative = |file: &PathBuf| file.strip_prefix(&found.root).unwrap_or(file).to_owned();
    let named = found.files.iter().filter(|file| is_picture(file)).map(relative);
    let pictures: Vec<PathBuf> = named.filter(|file| !found.exclude.hits(file)).collect();
    if pictures.is_empty() {
        let reason = "this is a file, and its name is not that of a picture; name the folder that holds the pictures, \
                      or choose another `--source`";
        return Err(Error::Data { path: path.to_owned(), reason: reason.to_owned() });
    }
    Ok(Census { pictures, ..Census::default() })
}

/// Lists the pictures of a census of `root`.
pub(super) fn list(root: &Path, found: Census) -> Result<Table> {
    let Census { pictures, archives, mut left, mut notices } = found;
    archives.iter().for_each(|path| left.note(path));
    notices.extend(masks::notice(&pictures));
    let mut layout = layout::read(pictures);
    if layout.classes.len() < 2 && ["csv", "tsv", "jsonl"].iter().any(|ending| left.has(ending)) {
        beside::label(root, &mut layout, &mut left);
    }
    if layout.files.is_empty() {
        notices.insert(
            0,
            format!(
                "no pictures in this folder or below it: {}; files that count end in {}, or are CIFAR, STL-10, MNIST, \
                 tar, zip, Parquet, Arrow or numpy files",
                left.instead(),
                EXTENSIONS.join(", ")
            ),
        );
        return Err(Error::Data { path: root.to_owned(), reason: notices.join("; ") });
    }
    notices.extend(left.notice());
    notices.extend(layout.notices);
    let pictures = Box::new(Files { root: root.to_owned(), files: layout.files });
    Ok(Table { classes: layout.classes, labels: layout.labels, sides: layout.sides, pictures, notices })
}

#[cfg(test)]
mod tests {
    use crate::data::testing::encode;
    use crate::data::{Dataset, Reading, Source};
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

    #[test]
    fn one_picture_and_the_pictures_of_a_pattern_are_sets() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &["cat/a.png", "cat/b.png", "dog/a.png", "dog/c.jpg"]);
        let names = |path: &str| {
            let set = Dataset::open(Some(&folder.path().join(path))).unwrap();
            assert!((0..set.len() as u32).all(|picture| set.decode(picture).is_ok()), "{path}");
            (0..set.len() as u32).map(|picture| set.picture_name(picture)).collect::<Vec<String>>()
        };
        let below = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| name.replace('/', std::path::MAIN_SEPARATOR_STR)).collect()
        };
        assert_eq!(names("dog/c.jpg"), ["c.jpg"]);
        assert_eq!(names("cat/*.png"), ["a.png", "b.png"]);
        assert_eq!(names("*/a.png"), below(&["cat/a.png", "dog/a.png"]));
        let set = Dataset::open(Some(&folder.path().join("*/*"))).unwrap();
        assert_eq!(set.classes(), ["cat", "dog"]);
        std::fs::write(folder.path().join("list"), "").unwrap();
        let file = Some(folder.path().join("list"));
        let found = Dataset::open_with(file.as_deref(), Source::Folder, Reading::default());
        assert!(found.unwrap_err().to_string().contains("not that of a picture"));
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_keeps_its_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.png"));
        std::fs::write(&path, encode(RgbImage::new(2, 2), ImageFormat::Png)).unwrap();
        let set = Dataset::open(Some(folder.path())).unwrap();
        assert_eq!(set.path_of(0), Some(path));
        assert_ne!(set.path_of(0).unwrap(), folder.path().join(set.picture_name(0)));
        assert!(set.path_of(1).is_none() && Dataset::open(None).unwrap().path_of(0).is_none());
        assert!(set.decode(0).is_ok());
    }

    #[test]
    fn what_is_left_out_is_counted_and_pictures_are_told_by_their_bytes_where_names_say_nothing() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &["a.png", "b", "c.jfif"]);
        for name in ["d.heic", "e.HEIC", "notes.json", "LICENSE"] {
            std::fs::write(folder.path().join(name), "words").unwrap();
        }
        let set = Dataset::open(Some(folder.path())).unwrap();
        assert_eq!(set.len(), 3);
        assert!(
            set.notices()[0].contains("left out: 2 .heic, 1 without an ending, 1 .json"),
            "{:?}",
            set.notices()
        );
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &["a.jpg_large", "b.jpg_large"]);
        assert_eq!(Dataset::open(Some(folder.path())).unwrap().len(), 2);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("x/y")).unwrap();
        std::fs::write(folder.path().join("x/y/scan.nii"), "words").unwrap();
        let message = Dataset::open(Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains("there are 1 .nii, down to 2 folders deep"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn linked_files_and_folders_count_once_and_do_not_loop() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &["in/a.png"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("in/loop")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("in/a.png"), folder.path().join("in/b.png")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("in/c.png")).unwrap();
        let set = Dataset::open(Some(folder.path())).unwrap();
        assert_eq!(set.len(), 2);
        assert!(set.decode(1).is_ok());
        let notices = set.notices().join("\n");
        assert!(
            notices.contains("loop") && notices.contains("c.png is a link to what is not there"),
            "{notices}"
        );
        // Classes that are links to folders elsewhere, one of them twice.
        let (elsewhere, classes) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(elsewhere.path(), &["cats/1.png", "dogs/1.png", "dogs/2.png"]);
        for (link, target) in [("cat", "cats"), ("dog", "dogs"), ("hound", "dogs")] {
            std::os::unix::fs::symlink(elsewhere.path().join(target), classes.path().join(link)).unwrap();
        }
        let set = Dataset::open(Some(classes.path())).unwrap();
        assert_eq!((set.len(), set.classes()), (3, &["cat", "dog"].map(String::from)[..]));
        assert!(set.notices()[0].contains("hound leads to"), "{:?}", set.notices());
    }
}
