//! A data set: numbered pictures, their labels where there are any, and how to split them.
//!
//! Everything behind [`Dataset::open`] is the same for every source; a source only lists its
//! pictures and decodes one of them. Labels are for evaluation: training never looks at them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

use super::Picture;
pub use super::content::Original;
pub(super) use super::content::{Content, Order, Pictures, Raw};
use super::decode::{self, Decoded, Reading};
use super::pages;
use super::source::{self, LabelFile, Selection, Source, embedded, label_file};
pub use super::split::Split;
use crate::error::{Error, Result};
use crate::pass::Pass;

/// What a source knows about its pictures.
#[derive(Clone)]
pub(super) struct Listing {
    /// What the set is called.
    pub name: String,
    /// Where it is, for messages.
    pub path: PathBuf,
    /// What the names of pictures are below.
    pub root: PathBuf,
    /// Class names in order; empty where there are no labels.
    pub classes: Vec<String>,
    /// One entry a picture: its class, where it has one.
    pub labels: Vec<Option<u32>>,
    /// Pictures to train on.
    pub pretrain: Vec<u32>,
    /// Splits for evaluation.
    pub splits: Vec<Split>,
    /// The pictures themselves.
    pub pictures: Arc<dyn Pictures>,
    /// What was left out when the set was listed, and why.
    pub notices: Vec<String>,
}

/// Pictures, their labels where there are any, and how to split them for evaluation.
pub struct Dataset(Listing, Reading);

impl Dataset {
    /// Opens the pictures at a path, found by looking at it and read in full, or with `None` the set that
    /// is compiled in (picto16).
    ///
    /// # Errors
    /// As of [`Self::open_with`].
    pub fn open(path: Option<&Path>) -> Result<Self> {
        Self::open_with(path, Source::Auto, Reading::default())
    }

    /// Opens the pictures at a path: a folder, a file or a pattern, of a kind and without files that
    /// `select` names; with `None` the set that is compiled in. `reading` says how they are decoded.
    ///
    /// A few pictures are looked at for the range of their samples where [`Reading::depth`] leaves it open; one
    /// that turns out unreadable is an error of [`Self::decode`] only.
    ///
    /// # Errors
    /// [`Error::Data`] where the path is missing, holds no picture or is damaged so that nothing in it can
    /// be used; [`Error::Io`] where it cannot be read.
    pub fn open_with(path: Option<&Path>, select: impl Into<Selection>, reading: Reading) -> Result<Self> {
        Self::open_watched(path, &select.into(), reading, &Pass::default())
    }

    /// The same as a part of a pass, which counts the files that are found.
    ///
    /// # Errors
    /// Likewise; [`Error::Stopped`] where the pass is.
    pub fn open_watched(
        path: Option<&Path>,
        select: &Selection,
        reading: Reading,
        pass: &Pass,
    ) -> Result<Self> {
        let listing = match path {
            Some(path) => source::open(path, select, pass),
            None => embedded::list(),
        };
        let mut listing = listing?;
        if select.every_page {
            listing = pages::apart(listing, pass)?;
        }
        let found =
            decode::find_depth(listing.labels.len(), &reading, |picture| listing.pictures.read(picture).ok());
        listing.notices.extend(found.notices);
        let depth = reading.depth.or(found.range);
        Ok(Self(listing, Reading { depth, ..reading }))
    }

    /// How its pictures are decoded; the depth is there where one was given or found.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.1
    }

    /// What was left out when the set was listed, and why: archives that are cut short, folders that
    /// cannot be read.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.0.notices
    }

    /// What the set is called: the folder's name, or `picto16`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where the set is; for the built-in set a path that exists only in messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// How many pictures there are; they are numbered `0..len`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.labels.len()
    }

    /// Whether there are no pictures (never true of a set that [`Self::open`] returned).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.labels.is_empty()
    }

    /// The class of a picture, an index into [`Self::classes`]; `None` where it is unknown.
    #[must_use]
    pub fn label(&self, picture: u32) -> Option<u32> {
        self.0.labels.get(picture as usize).copied().flatten()
    }

    /// The name of a picture's class; `None` where it is unknown.
    #[must_use]
    pub fn class_of(&self, picture: u32) -> Option<&str> {
        self.0.classes.get(self.label(picture)? as usize).map(String::as_str)
    }

    /// Class names, sorted; empty where the pictures have no labels.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.0.classes
    }

    /// The pictures to train on, without their labels, in ascending order.
    #[must_use]
    pub fn pretrain(&self) -> &[u32] {
        &self.0.pretrain
    }

    /// Splits for evaluation with labels; empty where there are none.
    #[must_use]
    pub fn splits(&self) -> &[Split] {
        &self.0.splits
    }

    /// The same pictures with the labels of a file in place of their own, to judge by, and what the file said. It is any
    /// list that this program reads: CSV, TSV, JSON lines, or a name and a label a line. A picture is named by its full
    /// path, by its path below the set's folder, or by its file name where no other has it.
    ///
    /// What is trained on stays the same, and a run never asks for this.
    ///
    /// # Errors
    /// [`Error::Data`] naming the file and the line, where it has no labels, names none of the pictures, does not say
    /// which picture it means, gives one picture two labels, or leaves fewer than two classes or nobody to ask;
    /// [`Error::Io`] where it cannot be read.
    pub fn labelled_by(&self, file: &Path) -> Result<(Self, LabelFile)> {
        let (listing, said) = label_file::label(&self.0, file)?;
        Ok((Self(listing, self.1.clone()), said))
    }

    /// The path of a picture, for messages and the gallery.
    #[must_use]
    pub fn picture_name(&self, picture: u32) -> String {
        self.0.pictures.name(picture)
    }

    /// The file that a picture is, with every byte of its name, which [`Self::picture_name`] may not be able
    /// to show. `None` where the picture is no file of its own: a member of an archive, a row of a table.
    #[must_use]
    pub fn path_of(&self, picture: u32) -> Option<PathBuf> {
        ((picture as usize) < self.len()).then(|| self.0.pictures.path(picture)).flatten()
    }

    /// The file of a picture, to be given to other programs: where it lies, or what would be in it.
    ///
    /// # Errors
    /// [`Error::Data`] naming the picture, where it cannot be read.
    pub fn original(&self, picture: u32) -> Result<Original> {
        if let Some(path) = self.path_of(picture) {
            return Ok(Original::File(path));
        }
        match self.0.pictures.read(picture)? {
            Content::Encoded(bytes) => {
                let format = image::guess_format(&bytes).ok();
                let ending =
                    format.and_then(|format| format.extensions_str().first().copied()).unwrap_or("img");
                Ok(Original::Bytes { bytes: bytes.into_owned(), ending })
            }
            Content::Page(..) | Content::Raw(_) => {
                let mut bytes = std::io::Cursor::new(Vec::new());
                let written = self.show(picture)?.write_to(&mut bytes, image::ImageFormat::Png);
                written.map_err(|error| Error::Data {
                    path: self.0.root.join(self.picture_name(picture)),
                    reason: format!("it cannot be written as PNG: {error}"),
                })?;
                Ok(Original::Bytes { bytes: bytes.into_inner(), ending: "png" })
            }
        }
    }

    /// Reads and decodes a picture to 8 bits and [`Reading::channels`], at least 1×1. Any thread may call it.
    ///
    /// Grey, palette, CMYK and 16-bit pictures are converted, transparent ones are laid on the background,
    /// and the orientation that a camera noted is applied. The first frame stands for an animation. A large
    /// JPEG may come at a half, a quarter or an eighth of its size, see [`Reading::detail`].
    ///
    /// # Errors
    /// [`Error::Data`] naming the picture, where it cannot be read or is too large.
    pub fn decode(&self, picture: u32) -> Result<Picture> {
        self.inspect(picture).map(|decoded| decoded.pixels)
    }

    /// The same, as a person is shown it.
    ///
    /// # Errors
    /// Likewise.
    pub fn show(&self, picture: u32) -> Result<RgbImage> {
        Ok(self.decode(picture)?.shown(self.1.shown))
    }

    /// As [`Self::decode`], with what the picture was before.
    ///
    /// # Errors
    /// Likewise.
    pub fn inspect(&self, picture: u32) -> Result<Decoded> {
        if picture as usize >= self.len() {
            let reason = format!("there is no picture {picture}, the set has {}", self.len());
            return Err(Error::Data { path: self.0.path.clone(), reason });
        }
        let content = self.0.pictures.read(picture)?;
        decode::picture(content, &self.1).map_err(|reason| {
            let path = self.0.root.join(self.0.pictures.name(picture));
            Error::Data { path, reason }
        })
    }

    /// A data set of anything that decodes, for tests: pictures only, no labels.
    #[cfg(test)]
    pub(super) fn of(count: u32, pictures: Box<dyn Pictures>) -> Self {
        let listing = Listing {
            name: "test".into(),
            path: "test".into(),
            root: "".into(),
            classes: Vec::new(),
            labels: vec![None; count as usize],
            pretrain: (0..count).collect(),
            splits: Vec::new(),
            pictures: pictures.into(),
            notices: Vec::new(),
        };
        Self(listing, Reading::default())
    }
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dataset({}, {} pictures, {} classes)", self.name(), self.len(), self.classes().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::decode_file;

    #[test]
    fn wrong_paths_are_named_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Dataset::open(Some(&folder.path().join("nowhere"))).unwrap_err().to_string();
        assert!(missing.contains("nowhere") && missing.contains("name a folder"), "{missing}");
        let file = folder.path().join("a.png");
        std::fs::write(&file, b"x").unwrap();
        let message = decode_file(&file, &Reading::default()).unwrap_err().to_string();
        assert!(message.contains("a.png") && message.contains("not a picture"), "{message}");
        let text = folder.path().join("notes.text");
        std::fs::write(&text, b"x").unwrap();
        let file = Dataset::open(Some(&text)).unwrap_err().to_string();
        assert!(file.contains("notes.text") && file.contains("this is a file"), "{file}");
    }
}
