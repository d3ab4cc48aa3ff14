//! Pictures of one or several archives, whose folders mean what those of a disk mean.

use std::collections::HashMap;
use std::path::PathBuf;

use super::layout;
use super::table::Side;

/// The pictures of an archive by their paths in it, sorted.
pub(super) struct Archive<T> {
    pub(super) name: String,
    pub(super) members: Vec<(PathBuf, T)>,
}

/// Pictures in order with what their paths say.
pub(super) struct Arranged<T> {
    pub(super) members: Vec<T>,
    pub(super) classes: Vec<String>,
    pub(super) labels: Vec<Option<u32>>,
    pub(super) sides: Vec<(Side, u32)>,
    pub(super) notices: Vec<String>,
}

/// Arranges the members of archives as if all were unpacked into one folder; archives whose names speak of
/// parts of a set (`train.zip`, `test.zip`) into one each.
pub(super) fn arrange<T>(archives: Vec<Archive<T>>) -> Arranged<T> {
    let several = archives.len() > 1 && archives.iter().any(|archive| Side::of(&archive.name) != Side::Plain);
    let mut by_path = HashMap::new();
    for (number, archive) in archives.into_iter().enumerate() {
        let stem = archive.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = stem.split('.').next().unwrap_or_default().to_owned();
        for (path, member) in archive.members {
            let mut place = if several { PathBuf::from(&stem).join(&path) } else { path };
            // The same path in two archives is two pictures.
            while by_path.contains_key(&place) {
                place = place.with_extension(format!("{number}"));
            }
            by_path.insert(place, member);
        }
    }
    let mut paths: Vec<PathBuf> = by_path.keys().cloned().collect();
    paths.sort();
    let found = layout::read(paths);
    let members = found.files.iter().filter_map(|path| by_path.remove(path)).collect();
    let layout::Layout { classes, labels, sides, notices, .. } = found;
    Arranged { members, classes, labels, sides, notices }
}
