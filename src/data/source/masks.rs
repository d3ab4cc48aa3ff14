//! Masks and annotations that are stored as pictures beside those that they belong to.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// Names of folders of such pictures.
const FOLDERS: [&str; 19] = [
    "mask",
    "masks",
    "annotation",
    "annotations",
    "annots",
    "label",
    "labels",
    "segmentation",
    "segmentations",
    "segmentationclass",
    "segmentationobject",
    "groundtruth",
    "gt",
    "trimap",
    "trimaps",
    "trainmasks",
    "testmasks",
    "valmasks",
    "segmaps",
];
/// What the names of such files have in place of the picture's own ending.
const TAILS: [&str; 7] = ["_mask", "-mask", "_seg", "_segmentation", "_gt", "_trimap", "_annotation"];

/// A sentence about pictures that look like masks of others, with the way to leave them out.
pub(super) fn notice(files: &[PathBuf]) -> Option<String> {
    let (mut folders, mut tails) =
        (BTreeMap::<String, Vec<&Path>>::new(), BTreeMap::<&str, Vec<&Path>>::new());
    let mut others = HashSet::new();
    for file in files {
        let stem = stem(file);
        if let Some(name) = folder(file) {
            folders.entry(name).or_default().push(file);
        } else if let Some(tail) = TAILS.iter().find(|tail| base(&stem, tail).is_some()) {
            tails.entry(tail).or_default().push(file);
        } else {
            others.insert(stem);
        }
    }
    let belongs = |file: &&Path| {
        let stem = stem(file);
        others.contains(&stem)
            || TAILS.iter().any(|tail| base(&stem, tail).is_some_and(|base| others.contains(base)))
    };
    // A class may be called `mask`: only those count of which most belong to another picture.
    let most = |files: &[&Path]| 2 * files.iter().copied().filter(|file| belongs(file)).count() > files.len();
    let folders = folders.into_iter().filter(|(_, files)| most(files));
    let tails =
        tails.into_iter().filter(|(_, files)| most(files)).map(|(tail, files)| (format!("*{tail}*"), files));
    let (patterns, counts): (Vec<String>, Vec<usize>) =
        folders.chain(tails).map(|(pattern, files)| (pattern, files.len())).unzip();
    (!patterns.is_empty()).then(|| {
        format!(
            "{} pictures look like masks or annotations of others and count like them; to leave them out, add \
             --exclude '{}'",
            counts.iter().sum::<usize>(),
            patterns.join(",")
        )
    })
}

/// The folder of masks that a file lies in.
fn folder(file: &Path) -> Option<String> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let names = file.parent()?.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    names.into_iter().find(|name| FOLDERS.contains(&&*plain(name)))
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The name of the picture that `stem` is a mask of: `a_mask` and `a_mask_1` are of `a`.
fn base<'a>(stem: &'a str, tail: &str) -> Option<&'a str> {
    let (base, number) = stem.rsplit_once(tail)?;
    number.trim_start_matches('_').bytes().all(|byte| byte.is_ascii_digit()).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str]) -> Option<String> {
        notice(&files.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn masks_are_told_by_what_they_belong_to() {
        let folder = of(&["images/a.jpg", "images/b.jpg", "Masks/a.png", "Masks/b_mask.png"]).unwrap();
        assert!(folder.starts_with("2 pictures") && folder.ends_with("--exclude 'Masks'"), "{folder}");
        let beside = of(&["x/a (1).png", "x/a (1)_mask.png", "x/a (1)_mask_1.png"]).unwrap();
        assert!(beside.starts_with("2 pictures") && beside.ends_with("'*_mask*'"), "{beside}");
        // Classes of the well-known set of faces.
        assert_eq!(of(&["with_mask/1-with-mask.jpg", "without_mask/1.jpg", "mask/7.png"]), None);
        assert_eq!(of(&["a.png", "b.png"]), None);
    }
}
