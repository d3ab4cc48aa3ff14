//! Finding the pictures that a table names: as they are, with other slashes, without their endings, or below
//! another folder than the table's.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::folder::{self, is_picture};
use crate::error::Result;
use crate::pass::Pass;

/// Names by which it is tried whether pictures lie where the table says.
const SAMPLE: usize = 200;

/// Pictures by every name that may stand for one.
pub(super) struct Index {
    /// The path with forward slashes, with its ending and without.
    paths: HashMap<String, usize>,
    /// The file's own name, with its ending and without; `None` where several have it.
    names: HashMap<String, Option<usize>>,
}

impl Index {
    pub(super) fn new(files: &[PathBuf]) -> Self {
        let mut index = Self { paths: HashMap::new(), names: HashMap::new() };
        for (at, file) in files.iter().enumerate() {
            let path = slashes(&file.to_string_lossy());
            for key in [stem(&path), &path] {
                index.paths.insert(key.to_owned(), at);
                let name = key.rsplit('/').next().unwrap_or(key).to_owned();
                // A name without an ending is both of its own keys.
                let other = |known: &mut Option<usize>| *known = known.filter(|known| *known == at);
                index.names.entry(name).and_modify(other).or_insert(Some(at));
            }
        }
        index
    }

    /// The picture that a table calls `name`; `near` is the folder to look in first.
    pub(super) fn find(&self, name: &str, near: &str) -> Option<usize> {
        let name = slashes(name);
        let name = name.strip_prefix("./").unwrap_or(&name);
        let keys = || [name, stem(name)].into_iter().take(1 + usize::from(is_picture(name.as_ref())));
        let beside = keys().find_map(|key| self.paths.get(&format!("{near}/{key}")));
        let direct = self.paths.get(name).or(beside).copied();
        // The table may stand deeper than its paths begin.
        let deeper = || {
            let tails = name.match_indices('/').map(|(at, _)| &name[at + 1..]);
            tails.filter(|tail| !tail.is_empty()).find_map(|tail| self.paths.get(tail)).copied()
        };
        let last = || self.names.get(name.rsplit('/').next()?).copied().flatten();
        direct.or_else(deeper).or_else(last)
    }
}

fn slashes(name: &str) -> String {
    name.replace('\\', "/")
}

/// A path without the ending of a picture.
fn stem(path: &str) -> &str {
    if is_picture(path.as_ref()) { path.rsplit_once('.').map_or(path, |(stem, _)| stem) } else { path }
}

/// The files that `names` stand for, below `root` or absolute, and what a person should know; `near` is the
/// folder to look in first.
pub(super) fn files(
    root: &Path,
    names: Vec<String>,
    near: &str,
    pass: &Pass,
) -> Result<(Vec<PathBuf>, Option<String>)> {
    let step = names.len().div_ceil(SAMPLE).max(1);
    let there = |name: &String| root.join(name).is_file();
    if names.iter().step_by(step).all(there) {
        return Ok((names.into_iter().map(PathBuf::from).collect(), None));
    }
    let here = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let pictures = folder::census(here, pass, |_| false)?.pictures;
    let index = Index::new(&pictures);
    let (mut missing, mut first) = (0, None);
    let find = |name: String| match index.find(&name, near) {
        Some(at) => pictures[at].clone(),
        None if there(&name) => name.into(),
        None => {
            missing += 1;
            first.get_or_insert_with(|| name.clone());
            name.into()
        }
    };
    let files: Vec<PathBuf> = names.into_iter().map(find).collect();
    let all = files.len();
    let notice = first.map(|first| {
        format!("{missing} of the {all} pictures in this list are not there; the first is `{first}`")
    });
    Ok((files, notice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_by_every_usual_spelling() {
        let files = ["train/a.jpg", "test/a.jpg", "deep/b.PNG", "deep/1.2.jpeg"].map(PathBuf::from);
        let index = Index::new(&files);
        let cases = [
            ("train/a.jpg", Some(0)),
            ("train\\a.jpg", Some(0)),
            ("./train/a", Some(0)),
            ("C:\\data\\test\\a.jpg", Some(1)),
            ("a", Some(1)),
            ("b", Some(2)),
            ("elsewhere/b.PNG", Some(2)),
            ("1.2", Some(3)),
            ("c", None),
            ("", None),
            ("/", None),
        ];
        for (name, at) in cases {
            assert_eq!(index.find(name, "test"), at, "{name}");
        }
        // Two have this name.
        assert_eq!(index.find("a", "nowhere"), None);
    }
}
