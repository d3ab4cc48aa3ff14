//! What the folders of a picture folder mean, from the paths alone.
//!
//! 1. `train/` beside `test/` or `val/` at the top: only these count. Pictures of `train/` are
//!    trained on; where it has two or more class folders, each of the others is a split of its name.
//! 2. Two or more folders with pictures at the top: each is a class, at any depth below it. All is
//!    trained on (training sees no label), and a fifth of every class is held out as queries.
//! 3. Anything else has no labels.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::dataset::{Split, held_out};

/// Folder names that hold pictures to judge by.
const HELD_OUT: [&str; 4] = ["test", "val", "valid", "validation"];

/// The pictures of a folder and what their paths say.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub files: Vec<PathBuf>,
    pub classes: Vec<String>,
    pub labels: Vec<Option<u32>>,
    pub pretrain: Vec<u32>,
    pub splits: Vec<Split>,
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

/// Reads the meaning of sorted relative paths.
pub(super) fn read(mut files: Vec<PathBuf>) -> Layout {
    let tops: BTreeSet<String> = files.iter().filter_map(|file| folder(file, 0)).collect();
    let judged: Vec<&str> = HELD_OUT.into_iter().filter(|name| tops.contains(*name)).collect();
    if tops.contains("train") && !judged.is_empty() {
        files.retain(|file| folder(file, 0).is_some_and(|top| top == "train" || judged.contains(&&*top)));
        return with_train(files, &judged);
    }
    let classes = classes_of(files.iter(), 0);
    let labels = label(&files, &classes, 0);
    let mut splits = Vec::new();
    if !classes.is_empty() {
        // Forward slashes, so that the choice is the same on every system.
        let name = |picture: u32| files[picture as usize].to_string_lossy().replace('\\', "/");
        splits.push(held_out(&labels, classes.len(), name));
    }
    let pretrain = (0..files.len() as u32).collect();
    Layout { files, classes, labels, pretrain, splits }
}

fn with_train(files: Vec<PathBuf>, judged: &[&str]) -> Layout {
    let side = |name: &str| -> Vec<u32> {
        (0..)
            .zip(&files)
            .filter(|(_, file)| folder(file, 0).is_some_and(|top| top == name))
            .map(|(i, _)| i)
            .collect()
    };
    let pretrain = side("train");
    // The classes are those of train: a test folder may be one flat heap, or hold other things.
    let classes = classes_of(pretrain.iter().map(|&picture| &files[picture as usize]), 1);
    let labels = label(&files, &classes, 1);
    let labelled = |mut pictures: Vec<u32>| {
        pictures.retain(|&picture| labels[picture as usize].is_some());
        pictures
    };
    let splits = judged
        .iter()
        .map(|name| Split {
            name: (*name).into(),
            bank: labelled(pretrain.clone()),
            queries: labelled(side(name)),
        })
        .filter(|split| !split.queries.is_empty())
        .collect();
    Layout { files, classes, labels, pretrain, splits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str]) -> Layout {
        read(files.iter().map(PathBuf::from).collect())
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
        assert_eq!(layout.files.len(), 4);
        assert_eq!(layout.classes, ["cat", "dog"]);
        assert_eq!(layout.pretrain, [2, 3]);
        assert_eq!(layout.splits, [Split { name: "test".into(), bank: vec![2, 3], queries: vec![0] }]);
        let layout = of(&["train/cat/1.png", "train/dog/1.png", "val/dog/1.png"]);
        assert_eq!(layout.splits, [Split { name: "val".into(), bank: vec![0, 1], queries: vec![2] }]);
        let layout = of(&["test/1.png", "train/1.png", "train/2.png"]);
        assert!(layout.classes.is_empty() && layout.splits.is_empty());
        assert_eq!(layout.pretrain, [1, 2]);
    }
}
