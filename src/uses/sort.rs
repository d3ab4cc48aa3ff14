//! Sorting a folder of pictures by prototype: a folder a group, never moving or overwriting anything.
//!
//! Groups depend on the network alone, so pictures that come later go where their like went before.
//! Files appear whole (a temporary file is renamed), and what is there already is left alone, so an
//! interrupted sort goes on when it is run again. A picture that cannot be put there keeps no other from its place.

mod names;
mod put;

pub use names::{FORBIDDEN, check_name, pictures};

use super::embed::csv;
use crate::data::{Dataset, Original, is_there};
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::interop::write_atomic;
use crate::pass::{self, Watch};
use kodama::{Method, linkage};
use put::{Put, flat, is_final, is_lost, put};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// How a picture gets into its group's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A copy of the file.
    Copy,
    /// A second name of the same file, on the same disk.
    HardLink,
    /// A link to the file's path.
    Symlink,
    /// Not at all: only the manifest says where it would be.
    Manifest,
}

impl How {
    /// All.
    pub const ALL: [Self; 4] = [Self::Copy, Self::HardLink, Self::Symlink, Self::Manifest];

    /// Its name as a flag's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::HardLink => "hard-link",
            Self::Symlink => "symlink",
            Self::Manifest => "manifest",
        }
    }
}

/// Where one picture goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Its number in the set.
    pub picture: u32,
    /// Its name, relative to the folder of pictures.
    pub name: String,
    /// The group, from 0.
    pub group: u32,
    /// The best prototype.
    pub prototype: u32,
    /// The cosine to it.
    pub cosine: f32,
    /// The path below the output folder.
    pub target: PathBuf,
}

/// What a sort did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Files made.
    pub made: usize,
    /// Files that were there already.
    pub present: usize,
    /// Targets where something else is; it was left alone.
    pub taken: Vec<PathBuf>,
    /// Pictures that could not be put in their places, with the reasons.
    pub failed: Vec<(String, String)>,
}

/// A picture to be sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Its number in the set.
    pub picture: u32,
    /// Its name, relative to the folder of pictures.
    pub name: String,
    /// The name of its file where it has to be made or cannot be shown as text; else that is `name`.
    pub file: Option<PathBuf>,
    /// The best prototype, and the cosine to it.
    pub prototype: (u32, f32),
}

/// The file that lists all pictures, in the output folder.
pub const MANIFEST: &str = "manifest.csv";
const HEADER: &str = "picture,group,prototype,cosine,target\n";

/// The group of each prototype: `groups` of them, merged by the average cosine between their members (or each
/// prototype its own, without). Groups are numbered by their first prototype.
#[must_use]
pub fn groups(prototypes: &Features, groups: Option<usize>) -> Vec<u32> {
    let (k, unit) = (prototypes.rows, prototypes.unit(None));
    let wanted = groups.unwrap_or(k).clamp(1, k.max(1));
    let mut leader: Vec<usize> = (0..2 * k).collect();
    if wanted < k {
        let mut distances = Vec::with_capacity(k * (k - 1) / 2);
        for a in 0..k {
            for b in a + 1..k {
                let cosine: f32 = unit.row(a).iter().zip(unit.row(b)).map(|(x, y)| x * y).sum();
                distances.push(1.0 - cosine);
            }
        }
        let tree = linkage(&mut distances, k, Method::Average);
        // Step i joins two clusters to cluster k + i; the first k − wanted steps are the closest.
        for (i, step) in tree.steps().iter().take(k - wanted).enumerate() {
            (leader[step.cluster1], leader[step.cluster2]) = (k + i, k + i);
        }
    }
    let root = |mut cluster: usize| {
        while leader[cluster] != cluster {
            cluster = leader[cluster];
        }
        cluster
    };
    let mut numbers = BTreeMap::new();
    (0..k)
        .map(|prototype| {
            let next = numbers.len() as u32;
            *numbers.entry(root(prototype)).or_insert(next)
        })
        .collect()
}

/// Where pictures go: into a folder for the group of their best prototype, called by its number.
#[must_use]
pub fn places(best: &[Best], groups: &[u32]) -> Vec<Place> {
    let most = groups.iter().max().copied().unwrap_or(0);
    let digits = most.to_string().len().max(3);
    let names: Vec<String> = (0..=most).map(|group| format!("{group:0digits$}")).collect();
    let of = |best: &Best| groups.get(best.prototype.0 as usize).copied().unwrap_or(0);
    places_in(best, &best.iter().map(of).collect::<Vec<u32>>(), &names)
}

/// Where pictures go whose groups are known one by one: `groups` has that of each picture, and `names` the folder of
/// each group. A picture of a group without a name goes into a folder that is called by the number.
#[must_use]
pub fn places_in(best: &[Best], groups: &[u32], names: &[String]) -> Vec<Place> {
    let mut used: BTreeSet<PathBuf> = BTreeSet::new();
    let place = |(Best { picture, name, file, prototype: (prototype, cosine) }, &group): (&Best, &u32)| {
        let folder =
            names.get(group as usize).map_or_else(|| PathBuf::from(group.to_string()), PathBuf::from);
        let flat = flat(file.as_deref().unwrap_or(Path::new(name)));
        let mut target = folder.join(&flat);
        // Two names may become one when folders are written into them.
        for number in 2u32.. {
            if used.insert(target.clone()) {
                break;
            }
            let mut again = OsString::from(format!("{number}__"));
            again.push(&flat);
            target = folder.join(again);
        }
        Place { picture: *picture, name: name.clone(), group, prototype: *prototype, cosine: *cosine, target }
    };
    best.iter().zip(groups).map(place).collect()
}

/// Refuses an output folder in which a sort could do harm.
///
/// # Errors
/// [`Error::Config`] where it is, or lies in, or holds the folder of pictures, is a file, or has a
/// `manifest.csv` of another program.
pub fn check_output(data: &Path, into: &Path) -> Result<()> {
    let refuse = |reason: String| Err(Error::config("into", reason));
    let (from, to) = (real(data), real(into));
    let shown = into.display();
    if to.starts_with(&from) {
        return refuse(format!(
            "{shown} lies in the folder of pictures, which would be sorted into itself; name one outside"
        ));
    }
    if from.starts_with(&to) {
        return refuse(format!("{shown} holds the folder of pictures; name a folder beside it"));
    }
    if to.exists() && !to.is_dir() {
        return refuse(format!("{shown} is a file; name a folder"));
    }
    match std::fs::read(to.join(MANIFEST)) {
        Ok(bytes) if !bytes.starts_with(HEADER.as_bytes()) => {
            refuse(format!("{shown} has a {MANIFEST} that is not of a sort; name another folder"))
        }
        _ => Ok(()),
    }
}

/// The path without links, of which the end need not exist.
fn real(path: &Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut missing = Vec::new();
    let mut at = full.as_path();
    loop {
        if let Ok(found) = at.canonicalize() {
            return missing.iter().rev().fold(found, |path: PathBuf, name| path.join(name));
        }
        let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else { return full };
        missing.push(name.to_owned());
        at = parent;
    }
}

/// Puts the pictures of a set that was opened at `data` into `into`, as of [`sort`]: a pass over the files. One that is
/// stopped is no error: fewer are made.
///
/// # Errors
/// As of [`sort`].
pub fn sort_watched(
    dataset: &Dataset,
    [data, into]: [&Path; 2],
    places: &[Place],
    how: How,
    watch: &mut Watch<'_>,
) -> Result<Sorted> {
    let original = |picture| dataset.original(picture);
    pass::run(("sorting", "files"), places.len(), watch, |pass| {
        // Asked before each file, so nothing is done the first time.
        let mut go_on = |done: usize| pass.advance(usize::from(done > 0)).is_ok();
        sort(data, into, places, how, &original, &mut go_on)
    })
}

/// Puts the pictures of `data` into `into`, and writes the manifest first. `original` gives the file of a picture.
/// `go_on` is told how many are done and says whether to go on.
///
/// # Errors
/// [`Error::Io`] with the path, where nothing more can be written (a full disk, a folder that may not be written
/// to, a hard link to another disk): all files so far are whole, and the same command goes on from there.
/// [`Error::Data`] with `data`, where all pictures went. What befalls one picture is in [`Sorted::failed`].
pub fn sort(
    data: &Path,
    into: &Path,
    places: &[Place],
    how: How,
    original: &dyn Fn(u32) -> Result<Original>,
    go_on: &mut dyn FnMut(usize) -> bool,
) -> Result<Sorted> {
    check_output(data, into)?;
    std::fs::create_dir_all(into).map_err(Error::io(into))?;
    let earlier = std::fs::read_to_string(into.join(MANIFEST)).unwrap_or_default();
    let text = manifest(places, &earlier);
    write_atomic(&into.join(MANIFEST), |file| file.write_all(text.as_bytes()))?;
    let mut done = Sorted::default();
    if how == How::Manifest {
        return Ok(done);
    }
    for (count, place) in places.iter().enumerate() {
        if !go_on(count) {
            break;
        }
        let to = into.join(&place.target);
        let (lost, put) = match original(place.picture) {
            Ok(original) => (is_lost(&original), put(&original, &to, how)),
            Err(error) => (true, Err(error)),
        };
        match put {
            Ok(Put::Made) => done.made += 1,
            Ok(Put::Present) => done.present += 1,
            Ok(Put::Taken) => done.taken.push(to),
            Err(error) if is_final(&error) => return Err(error),
            Err(_) if lost && !is_there(data) => {
                let reason =
                    "the pictures are not there any more: was a disk taken away, or the folder renamed?";
                return Err(Error::Data { path: data.to_owned(), reason: reason.to_owned() });
            }
            Err(error) => done.failed.push((place.name.clone(), error.to_string())),
        }
    }
    Ok(done)
}

/// The manifest's text: these places, and those lines of the `earlier` one that are about other targets (a sort of
/// other pictures into the same folder).
#[must_use]
pub fn manifest(places: &[Place], earlier: &str) -> String {
    let mut text = HEADER.to_owned();
    let mut targets = BTreeSet::new();
    let mut lines = String::new();
    for Place { name, group, prototype, cosine, target, .. } in places {
        let target = csv(&target.to_string_lossy());
        let _ = writeln!(lines, "{},{group},{prototype},{cosine:.4},{target}", csv(name));
        targets.insert(target);
    }
    let others = earlier.lines().skip(1).filter(|line| !targets.contains(last_field(line)));
    others.for_each(|line| {
        let _ = writeln!(text, "{line}");
    });
    text + &lines
}

/// What follows the last comma that is not in quotes.
fn last_field(line: &str) -> &str {
    let (mut start, mut quoted) = (0, false);
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => start = at + 1,
            _ => {}
        }
    }
    &line[start..]
}

#[cfg(test)]
#[path = "sort_tests.rs"]
mod tests;
