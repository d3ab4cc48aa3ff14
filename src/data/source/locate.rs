//! Finding the pictures that a table names: as they are, with other slashes, without their endings, or below
//! another folder than the table's.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::folder::{self, is_picture};
use crate::error::Result;
use crate::pass::Pass;

/// Names by which it is tried whether pictures lie where the table says.
const SAMPLE: usize = 200;

/// What a name stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// No picture.
    Nothing,
    /// This one.
    One(usize),
    /// Either of these two, and perhaps others.
    Several(usize, usize),
}

/// The pictures of a name: the last of them, and another where it is not the only one.
#[derive(Clone, Copy)]
struct Known {
    at: usize,
    other: Option<usize>,
}

/// Pictures by every name that may stand for one.
pub(super) struct Index {
    /// The path with forward slashes, with its ending and without.
    paths: HashMap<String, Known>,
    /// The file's own name, with its ending and without.
    names: HashMap<String, Known>,
}

impl Index {
    pub(super) fn new(files: &[PathBuf]) -> Self {
        let mut index = Self { paths: HashMap::new(), names: HashMap::new() };
        for (at, file) in files.iter().enumerate() {
            let path = slashes(&file.to_string_lossy());
            add(&mut index.paths, stem(&path), at);
            for key in [stem(&path), &path] {
                add(&mut index.names, key.rsplit('/').next().unwrap_or(key), at);
            }
        }
        // A whole path is nobody else's, whatever a path without its ending looks like.
        for (at, file) in files.iter().enumerate() {
            index.paths.insert(slashes(&file.to_string_lossy()), Known { at, other: None });
        }
        index
    }

    /// The picture that a table calls `name`; `near` is the folder to look in first.
    pub(super) fn find(&self, name: &str, near: &str) -> Option<usize> {
        let (known, is_path) = self.known(name, near)?;
        (is_path || known.other.is_none()).then_some(known.at)
    }

    /// The same for whoever must not guess between pictures that differ in their endings only.
    pub(super) fn meant(&self, name: &str, near: &str) -> Meant {
        match self.known(name, near) {
            Some((Known { at, other: Some(other) }, _)) => Meant::Several(other, at),
            Some((Known { at, other: None }, _)) => Meant::One(at),
            None => Meant::Nothing,
        }
    }

    /// The pictures of a name, and whether it is a path that was found or only the file's name.
    fn known(&self, name: &str, near: &str) -> Option<(Known, bool)> {
        let name = slashes(name);
        let name = name.strip_prefix("./").unwrap_or(&name);
        let keys = || [name, stem(name)].into_iter().take(1 + usize::from(is_picture(name.as_ref())));
        let beside = || keys().find_map(|key| self.paths.get(&format!("{near}/{key}")));
        // The table may stand deeper than its paths begin.
        let deeper = || {
            let tails = name.match_indices('/').map(|(at, _)| &name[at + 1..]);
            tails.filter(|tail| !tail.is_empty()).find_map(|tail| self.paths.get(tail))
        };
        if let Some(known) = self.paths.get(name).or_else(beside).or_else(deeper) {
            return Some((*known, true));
        }
        Some((*self.names.get(name.rsplit('/').next()?)?, false))
    }
}

fn add(to: &mut HashMap<String, Known>, key: &str, at: usize) {
    let known = to.entry(key.to_owned()).or_insert(Known { at, other: None });
    // A name without an ending is both of its own keys.
    if known.at != at {
        *known = Known { at, other: Some(known.at) };
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
        assert_eq!(index.meant("a", "nowhere"), Meant::Several(0, 1));
        assert_eq!((index.meant("a", "test"), index.meant("c", "test")), (Meant::One(1), Meant::Nothing));
    }

    #[test]
    fn a_path_without_its_ending_is_no_other_whole_path() {
        let files = ["a", "a.png", "b.jpg", "b.png"].map(PathBuf::from);
        let index = Index::new(&files);
        assert_eq!(index.find("a", "x"), Some(0));
        assert_eq!((index.meant("a", "x"), index.meant("b.jpg", "x")), (Meant::One(0), Meant::One(2)));
        // A list takes one of them, as it always did.
        assert_eq!((index.find("b", "x"), index.meant("b", "x")), (Some(3), Meant::Several(2, 3)));
    }
}
