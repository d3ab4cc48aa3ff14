//! Pictures picked from a source: some of them, or each page of files of several, such as stacks of a microscope, as a
//! picture of its own.
//!
//! A page keeps the label and the side of its file, so that no split parts pages of one file.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::content::{Content, Pictures};
use super::dataset::{Listing, Split};
use super::decode;
use crate::error::Result;
use crate::pass::Pass;

/// Pages that a file may have: one that says more is damaged.
const MOST: usize = 100_000;

/// Where a picture comes from.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Its number in the other source.
    file: u32,
    /// Its page from 0, where its file has several.
    page: Option<u32>,
}

/// Pictures of another source: some of them, or each page of their files.
pub(super) struct Picked {
    of: Arc<dyn Pictures>,
    places: Vec<Place>,
}

impl Picked {
    /// The pictures `kept` of a source, in that order.
    pub(super) fn some(of: Arc<dyn Pictures>, kept: &[u32]) -> Self {
        Self { of, places: kept.iter().map(|&file| Place { file, page: None }).collect() }
    }

    fn place(&self, picture: u32) -> Place {
        self.places[picture as usize]
    }
}

impl Pictures for Picked {
    fn name(&self, picture: u32) -> String {
        let Place { file, page } = self.place(picture);
        match page {
            Some(page) => format!("{}#{}", self.of.name(file), page + 1),
            None => self.of.name(file),
        }
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        let Place { file, page } = self.place(picture);
        Ok(match (self.of.read(file)?, page) {
            (Content::Encoded(bytes), Some(page)) => Content::Page(bytes, page as usize),
            (content, _) => content,
        })
    }

    fn path(&self, picture: u32) -> Option<PathBuf> {
        let Place { file, page } = self.place(picture);
        // A page is no file that could be linked to.
        page.is_none().then(|| self.of.path(file)).flatten()
    }
}

/// Makes each page a picture; `pass` counts the files that are looked into.
///
/// # Errors
/// [`crate::error::Error::Stopped`] where the pass is. A file that cannot be read counts as one page: decoding it
/// says why.
pub(super) fn apart(listing: Listing, pass: &Pass) -> Result<Listing> {
    let count = |file: u32| {
        pass.advance(1)?;
        let pages = match listing.pictures.read(file) {
            Ok(Content::Encoded(bytes)) => decode::pages(&bytes),
            _ => 1,
        };
        Ok(pages.clamp(1, MOST) as u32)
    };
    let files = listing.labels.len() as u32;
    let counts = (0..files).into_par_iter().map(count).collect::<Result<Vec<u32>>>()?;
    // The pictures of file f are ends[f - 1]..ends[f].
    let total = |sum: &mut u32, pages: &u32| {
        *sum += pages;
        Some(*sum)
    };
    let ends: Vec<u32> = counts.iter().scan(0, total).collect();
    let of = |&file: &u32| ends[file as usize] - counts[file as usize]..ends[file as usize];
    let spread = |files: &[u32]| -> Vec<u32> { files.iter().flat_map(of).collect() };
    let pages = |(file, &count): (u32, &u32)| {
        (0..count).map(move |page| Place { file, page: (count > 1).then_some(page) })
    };
    let places: Vec<Place> = (0..files).zip(&counts).flat_map(pages).collect();
    let split = |split: &Split| Split {
        name: split.name.clone(),
        bank: spread(&split.bank),
        queries: spread(&split.queries),
    };
    Ok(Listing {
        labels: places.iter().map(|place| listing.labels[place.file as usize]).collect(),
        pretrain: spread(&listing.pretrain),
        splits: listing.splits.iter().map(split).collect(),
        pictures: Arc::new(Picked { of: listing.pictures, places }),
        ..listing
    })
}

#[cfg(test)]
mod tests {
    use super::super::decode::make::{Page, Style, file};
    use super::super::{Dataset, Reading, Selection};

    #[test]
    fn each_page_is_a_picture_on_the_side_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        let page = |&level: &u8| Page::strip([3, 2], 8, 1, vec![level; 6]);
        let stack = |levels: &[u8]| file(Style::default(), &levels.iter().map(page).collect::<Vec<_>>());
        put("train/a/stack.tif", &stack(&[10, 20, 30]));
        put("train/b/one.tif", &stack(&[40]));
        put("train/b/torn.tif", b"II*\0torn");
        put("test/b/two.tif", &stack(&[50, 60]));
        let open = |every_page| {
            let select = Selection { every_page, ..Selection::default() };
            Dataset::open_with(Some(folder.path()), select, Reading::default()).unwrap()
        };
        let names = |set: &Dataset| (0..set.len() as u32).map(|at| set.picture_name(at)).collect::<Vec<_>>();
        let first = open(false);
        assert_eq!((first.len(), first.pretrain().len()), (4, 3));
        assert!(first.notices().iter().any(|notice| notice.contains("--pages all")), "{:?}", first.notices());
        let all = open(true);
        let wanted = [
            "test/b/two.tif#1",
            "test/b/two.tif#2",
            "train/a/stack.tif#1",
            "train/a/stack.tif#2",
            "train/a/stack.tif#3",
            "train/b/one.tif",
            "train/b/torn.tif",
        ];
        assert_eq!(names(&all), wanted);
        assert!(!all.notices().iter().any(|notice| notice.contains("pages")), "{:?}", all.notices());
        assert_eq!((all.pretrain(), &all.splits()[0].queries[..]), (&[2, 3, 4, 5, 6][..], &[0, 1][..]));
        assert_eq!(all.splits()[0].bank, [2, 3, 4, 5, 6]);
        let classes: Vec<_> = (0..7).map(|at| all.class_of(at).unwrap()).collect();
        assert_eq!(classes, ["b", "b", "a", "a", "a", "b", "b"]);
        let levels: Vec<_> = (0..6).map(|at| all.decode(at).unwrap().samples()[0]).collect();
        assert_eq!(levels, [50, 60, 10, 20, 30, 40]);
        assert!(all.decode(6).unwrap_err().to_string().contains("torn.tif"));
        assert!(all.path_of(2).is_none() && all.path_of(5).is_some_and(|path| path.ends_with("one.tif")));
    }
}
