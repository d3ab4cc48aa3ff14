//! What the folders of a picture folder mean, from the paths alone.
//!
//! Folders around all of the pictures say nothing: what counts as the top is the first folder that holds
//! pictures or more than one folder with some.
//!
//! 1. `train/` beside `test/`, `val/` or the like at the top (see [`super::sides`]): only these count.
//!    Pictures of `train/` are trained on; where it has two or more class folders, each of the others is a
//!    split of its name. The same holds for such folders within each class.
//! 2. Two or more folders with pictures at the top: each is a class, at any depth below it. All is
//!    trained on (training sees no label), and a fifth of every class is held out as queries.
//! 3. Anything else has no labels.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::sides::{self, Side};

/// The pictures of a folder and what their paths say.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) files: Vec<PathBuf>,
    pub(super) classes: Vec<String>,
    pub(super) labels: Vec<Option<u32>>,
    /// What each run of files is.
    pub(super) sides: Vec<(Side, u32)>,
    /// What a person should know.
    pub(super) notices: Vec<String>,
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

/// The names of the folders at `depth`.
fn names(files: &[PathBuf], depth: usize) -> BTreeSet<String> {
    files.iter().filter_map(|file| folder(file, depth)).collect()
}

/// Reads the meaning of sorted relative paths.
pub(super) fn read(files: Vec<PathBuf>) -> Layout {
    let top = around(&files);
    let parts = sides::folders(&names(&files, top));
    if !parts.is_empty() {
        return with_parts(files, top, &parts);
    }
    let classes = classes_of(files.iter(), top);
    let labels = label(&files, &classes, top);
    let parts = sides::folders(&names(&files, top + 1));
    let side = |file| folder(file, top + 1).and_then(|name| parts.get(&name).copied());
    if !parts.is_empty() && files.iter().all(|file| side(file).is_some()) {
        let sides = files.iter().map(|file| (side(file).unwrap_or(Side::Plain), 1)).collect();
        return Layout { files, classes, labels, sides, notices: vec![said(&parts)] };
    }
    let sides = vec![(Side::Plain, files.len() as u32)];
    Layout { files, classes, labels, sides, notices: Vec::new() }
}

/// Files below folders that are parts of a set and stand at depth `top`.
fn with_parts(mut files: Vec<PathBuf>, top: usize, parts: &BTreeMap<String, Side>) -> Layout {
    let side = |file: &PathBuf| folder(file, top).and_then(|name| parts.get(&name).copied());
    let mut notices = vec![said(parts)];
    let all = files.len();
    files.retain(|file| side(file).is_some());
    if files.len() < all {
        notices.push(format!("left out: {} pictures that stand beside these folders", all - files.len()));
    }
    let sides: Vec<(Side, u32)> = files.iter().map(|file| (side(file).unwrap_or(Side::Plain), 1)).collect();
    // The classes are those of train: a test folder may be one flat heap, or hold other things.
    let trained = |(_, side): &(_, &(Side, u32))| side.0 == Side::Train;
    let trained: Vec<PathBuf> =
        files.iter().zip(&sides).filter(trained).map(|(file, _)| file.clone()).collect();
    let depth = around(&trained).max(top + 1);
    let classes = classes_of(trained.iter(), depth);
    let mut labels = label(&files, &classes, depth);
    // Below the others the classes may stand at another depth: `train/train/cat` and `test/cat`.
    for (file, label) in files.iter().zip(&mut labels) {
        if side(file) != Some(Side::Train) {
            let class = |depth| classes.binary_search(&folder(file, depth)?).ok();
            let depths = file.components().count();
            *label = (top + 1..depths).find_map(class).map(|class| class as u32);
        }
    }
    Layout { files, classes, labels, sides, notices }
}

/// Which folders were taken for which parts.
fn said(parts: &BTreeMap<String, Side>) -> String {
    let of = |wanted: fn(&Side) -> bool| {
        let names = parts.iter().filter(|(_, side)| wanted(side)).map(|(name, _)| format!("{name}/"));
        names.collect::<Vec<_>>().join(", ")
    };
    let (trained, held) =
        (of(|side| !matches!(side, Side::Held(_))), of(|side| matches!(side, Side::Held(_))));
    let held = if held.is_empty() { String::new() } else { format!("; held out for judging: {held}") };
    format!("trained on: {trained}{held}")
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::folder::Files;
    use super::super::table::Table;
    use crate::data::dataset::{Listing, Split};

    /// What the paths come to.
    fn of(files: &[&str]) -> Listing {
        let Layout { files, classes, labels, sides, notices } =
            read(files.iter().map(PathBuf::from).collect());
        let pictures = Box::new(Files { root: PathBuf::new(), files });
        let table = Table { classes, labels, sides, pictures, notices };
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
    fn parts_are_found_in_other_words_and_at_other_depths() {
        let layout = of(&[
            "seg_pred/9.png",
            "seg_test/seg_test/cat/1.png",
            "seg_train/seg_train/cat/1.png",
            "seg_train/seg_train/dog/1.png",
        ]);
        assert_eq!(
            (layout.classes.as_slice(), layout.pretrain),
            (&["cat", "dog"].map(String::from)[..], vec![1, 2])
        );
        assert_eq!(layout.splits, [Split { name: "test".into(), bank: vec![1, 2], queries: vec![0] }]);
        assert_eq!(layout.notices[0], "trained on: seg_train/; held out for judging: seg_test/");
        assert!(layout.notices[1].starts_with("left out: 1 pictures"), "{:?}", layout.notices);
        let layout = of(&["cat/Test/1.png", "cat/Train/1.png", "dog/Test/1.png", "dog/Train/1.png"]);
        assert_eq!((layout.classes.len(), layout.pretrain), (2, vec![1, 3]));
        assert_eq!(layout.splits[0].queries, [0, 2]);
        // A vehicle.
        let layout = of(&["bus/1.png", "bus/2.png", "train/1.png", "train/2.png"]);
        assert_eq!(
            (layout.classes.as_slice(), layout.pretrain.len()),
            (&["bus", "train"].map(String::from)[..], 4)
        );
        assert_eq!((&*layout.splits[0].name, layout.notices.len()), ("held-out", 0));
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
