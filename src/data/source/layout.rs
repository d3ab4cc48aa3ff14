//! What the folders of a picture folder mean, from the paths alone.
//!
//! Folders around all of the pictures say nothing: what counts as the top is the first folder that holds
//! pictures or more than one folder with some.
//!
//! 1. `train/` beside `test/` or `val/` at the top: only these count. Pictures of `train/` are
//!    trained on; where it has two or more class folders, each of the others is a split of its name.
//! 2. Two or more folders with pictures at the top: each is a class, at any depth below it. All is
//!    trained on (training sees no label), and a fifth of every class is held out as queries.
//! 3. Anything else has no labels.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::table::Side;

/// Folder names that hold pictures to judge by.
const HELD_OUT: [&str; 4] = ["test", "val", "valid", "validation"];

/// The pictures of a folder and what their paths say.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) files: Vec<PathBuf>,
    pub(super) classes: Vec<String>,
    pub(super) labels: Vec<Option<u32>>,
    /// What each run of files is.
    pub(super) sides: Vec<(Side, u32)>,
}

/// The folder at `depth` of a relative path, or `None` where the file itself stands there.
fn folder(file: &Path, depth: usize) -> Option<String> {
    file.parent()?.components().nth(depth).map(|part| part.as_os_str().to_string_lossy().into_owned())
}

/// The names of the folders at `depth` that hold these files: classes, where there are two or more.
fn classes_of<'a>(files: impl Iterator<Item = &'a PathBuf>, depth: usize) -> Vec<String> {
    let names: BTreeSet<String> = files.filter_map(|file| folder(file, depth)).collect();
    if names.len() < 2 { Vec::new() } else { names.into_iter().collect() }
}

/// The class of every file from its folder at `depth`.
fn label(files: &[PathBuf], classes: &[String], depth: usize) -> Vec<Option<u32>> {
    let numbers: HashMap<&String, u32> = classes.iter().zip(0..).collect();
    files.iter().map(|file| numbers.get(&folder(file, depth)?).copied()).collect()
}

/// How many folders stand around all of the files.
fn around(files: &[PathBuf]) -> usize {
    let Some(first) = files.first() else { return 0 };
    let shared = |depth: &usize| {
        let own = folder(first, *depth);
        own.is_some() && files.iter().all(|file| folder(file, *depth) == own)
    };
    (0..).take_while(shared).count()
}

/// Reads the meaning of sorted relative paths.
pub(super) fn read(mut files: Vec<PathBuf>) -> Layout {
    let top = around(&files);
    let tops: BTreeSet<String> = files.iter().filter_map(|file| folder(file, top)).collect();
    let judged: Vec<&'static str> = HELD_OUT.into_iter().filter(|name| tops.contains(*name)).collect();
    if tops.contains("train") && !judged.is_empty() {
        let counts = |name: String| name == "train" || judged.contains(&&*name);
        files.retain(|file| folder(file, top).is_some_and(counts));
        return with_train(files, top, &judged);
    }
    let classes = classes_of(files.iter(), top);
    let labels = label(&files, &classes, top);
    let sides = vec![(Side::Plain, files.len() as u32)];
    Layout { files, classes, labels, sides }
}

/// `files` are those of `train/` and of the folders `judged`, which stand at depth `top`.
fn with_train(files: Vec<PathBuf>, top: usize, judged: &[&'static str]) -> Layout {
    let side = |file: &PathBuf| {
        let name = folder(file, top)?;
        judged.iter().find(|known| **known == name).map(|name| Side::Held(name))
    };
    let sides: Vec<(Side, u32)> = files.iter().map(|file| (side(file).unwrap_or(Side::Train), 1)).collect();
    // The classes are those of train: a test folder may be one flat heap, or hold other things.
    let trained = files.iter().zip(&sides).filter(|(_, (side, _))| *side == Side::Train);
    let classes = classes_of(trained.map(|(file, _)| file), top + 1);
    let labels = label(&files, &classes, top + 1);
    Layout { files, classes, labels, sides }
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::folder::Files;
    use super::super::table::Table;
    use crate::data::dataset::{Listing, Split};

    /// What the paths come to.
    fn of(files: &[&str]) -> Listing {
        let Layout { files, classes, labels, sides } = read(files.iter().map(PathBuf::from).collect());
        let pictures = Box::new(Files { root: PathBuf::new(), files });
        let table = Table { classes, labels, sides, pictures, notices: Vec::new() };
        table.listing("test".into(), Path::new(""), Path::new("")).unwrap()
    }

    #[test]
    fn flat_and_single_folders_have_no_labels() {
        for files in [&["a.png", "b.png"][..], &["x/a.png", "x/y/b.png"], &["a.png", "x/b.png"]] {
            let layout = of(files);
            assert!(layout.classes.is_empty() && layout.splits.is_empty());
            assert_eq!((layout.pretrain, layout.labels), (vec![0, 1], vec![None, None]));
        }
    }

    #[test]
    fn first_level_folders_are_classes() {
        let layout = of(&["cat/1.png", "cat/deep/2.png", "dog/1.png", "dog/2.png", "stray.png"]);
        assert_eq!(layout.classes, ["cat", "dog"]);
        assert_eq!(layout.labels, [Some(0), Some(0), Some(1), Some(1), None]);
        assert_eq!(layout.pretrain, [0, 1, 2, 3, 4]);
        let split = &layout.splits[0];
        assert_eq!((&*split.name, split.bank.len(), split.queries.len()), ("held-out", 2, 2));
    }

    #[test]
    fn train_and_test_folders_are_a_split() {
        let layout =
            of(&["other/x.png", "test/cat/9.png", "test/new/9.png", "train/cat/1.png", "train/dog/1.png"]);
        assert_eq!(layout.labels.len(), 4);
        assert_eq!(layout.classes, ["cat", "dog"]);
        assert_eq!(layout.pretrain, [2, 3]);
        assert_eq!(layout.splits, [Split { name: "test".into(), bank: vec![2, 3], queries: vec![0] }]);
        let layout = of(&["train/cat/1.png", "train/dog/1.png", "val/dog/1.png"]);
        assert_eq!(layout.splits, [Split { name: "val".into(), bank: vec![0, 1], queries: vec![2] }]);
        let layout = of(&["test/1.png", "train/1.png", "train/2.png"]);
        assert!(layout.classes.is_empty() && layout.splits.is_empty());
        assert_eq!(layout.pretrain, [1, 2]);
    }

    #[test]
    fn folders_around_everything_say_nothing() {
        let layout = of(&["flowers/set/daisy/1.png", "flowers/set/rose/1.png", "flowers/set/rose/2.png"]);
        assert_eq!((layout.classes.len(), layout.labels), (2, vec![Some(0), Some(1), Some(1)]));
        let layout = of(&["set/test/cat/1.png", "set/train/cat/1.png", "set/train/dog/1.png"]);
        assert_eq!((layout.pretrain, layout.splits[0].queries.as_slice()), (vec![1, 2], &[0][..]));
        let layout = of(&["train/cat/1.png", "train/dog/1.png"]);
        assert_eq!((layout.classes.len(), &*layout.splits[0].name), (2, "held-out"));
        let layout = of(&["a/1.png", "a/b/1.png", "a/c/1.png"]);
        assert_eq!(layout.labels, [None, Some(0), Some(1)]);
    }
}
