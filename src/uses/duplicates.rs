//! Pictures that stand twice in a set: as equal files, as copies that look the same, or as what a network finds alike.
//!
//! A copy of a training picture among those that judge makes every figure too good, so groups that reach across a
//! split are told apart. Nothing is ever deleted.

mod page;

pub use page::{page, table};

use super::embed::Embedded;
use crate::data::{Contents, Dataset, Look, Looks, contents};
use crate::error::Result;
use crate::eval::likeness;
use crate::judge::search_watched;
use crate::pass::{Pass, Watch};
use crate::trained::Model;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Pictures that are read together.
const PORTION: usize = 64;
/// Neighbours of each picture that are asked of the network.
const NEIGHBOURS: usize = 8;

/// Why pictures are in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchKind {
    /// Their files are equal.
    Exact,
    /// They look the same: a copy in another size, format or quality.
    Near,
    /// A network finds them alike.
    Features,
}

impl MatchKind {
    /// All.
    pub const ALL: [Self; 3] = [Self::Exact, Self::Near, Self::Features];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Near => "near",
            Self::Features => "features",
        }
    }
}

/// Pictures that stand for the same thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Why.
    pub kind: MatchKind,
    /// The pictures, ascending; two or more.
    pub members: Vec<u32>,
    /// How far each is from the one in the group that it is nearest to: bits of the hash, or 1 − cosine; 0 for equal files.
    pub distances: Vec<f64>,
    /// Whether it reaches from pictures that are trained on, or judged from, to those that are judged.
    pub leaks: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Duplicates {
    /// MatchKind by kind, the largest first.
    pub groups: Vec<Group>,
    /// Pictures of one colour, which are compared by their bytes only.
    pub flat: usize,
    /// Pictures that cannot be read, with the reasons.
    pub unreadable: BTreeMap<u32, String>,
}

/// Equal files among some pictures: how many could go without losing one, and how many groups stand on both sides of a
/// split. Files are read only where others have their length; pictures inside other files are not looked at.
///
/// # Errors
/// [`crate::error::Error::Stopped`] where the pass is.
pub fn equal_files(dataset: &Dataset, pictures: &[u32], pass: &Pass) -> Result<(usize, usize)> {
    let mut lengths: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for &picture in pictures {
        let file = dataset.path_of(picture).and_then(|path| std::fs::metadata(path).ok());
        if let Some(file) = file.filter(|file| file.len() > 0) {
            lengths.entry(file.len()).or_default().push(picture);
        }
    }
    let alike: Vec<u32> = lengths.into_values().filter(|same| same.len() > 1).flatten().collect();
    pass.expect(alike.len());
    let hash = |&picture: &u32| pass.advance(1).map(|()| Some((contents(dataset, picture).ok()?, picture)));
    let hashes: Vec<Option<(Contents, u32)>> = alike.par_iter().map(hash).collect::<Result<_>>()?;
    let mut same: BTreeMap<Contents, Vec<u32>> = BTreeMap::new();
    hashes
        .into_iter()
        .flatten()
        .for_each(|(contents, picture)| same.entry(contents).or_default().push(picture));
    let sides = Sides::of(dataset);
    let groups = same.values().filter(|members| members.len() > 1);
    Ok(groups.fold((0, 0), |(spare, leaks), members| {
        (spare + members.len() - 1, leaks + usize::from(sides.leaks(members)))
    }))
}

/// What is known of one picture.
type Print = Result<(Contents, Option<Look>)>;

/// Looks for equal and nearly equal pictures; `most` is the number of bits of 64 in which the hashes of two may differ.
/// `pass` counts the pictures.
///
/// # Errors
/// [`crate::error::Error::Stopped`] where the pass is.
pub fn find(dataset: &Dataset, most: u32, pass: &Pass) -> Result<Duplicates> {
    let looks = Looks::default();
    let print = |picture: u32| -> Print {
        let pixels = dataset.show(picture)?;
        Ok((contents(dataset, picture)?, looks.of(&pixels)))
    };
    let (mut prints, mut unreadable) = (Vec::new(), BTreeMap::new());
    let all: Vec<u32> = (0..dataset.len() as u32).collect();
    for portion in all.chunks(PORTION) {
        let one = |&picture: &u32| pass.advance(1).map(|()| print(picture));
        let read: Vec<Print> = portion.par_iter().map(one).collect::<Result<_>>()?;
        for (&picture, print) in portion.iter().zip(read) {
            match print {
                Ok((contents, looks)) => prints.push((picture, contents, looks)),
                Err(error) => drop(unreadable.insert(picture, error.to_string())),
            }
        }
    }
    let mut same: BTreeMap<Contents, Vec<u32>> = BTreeMap::new();
    let mut seen: Vec<(u32, &Look)> = Vec::new();
    for (picture, contents, looks) in &prints {
        let equal = same.entry(*contents).or_default();
        // One of several equal files stands for all when looks are compared.
        if equal.is_empty() {
            seen.extend(looks.as_ref().map(|look| (*picture, look)));
        }
        equal.push(*picture);
    }
    let sides = Sides::of(dataset);
    let exact = same.into_values().filter(|equal| equal.len() > 1);
    let mut groups: Vec<Group> = exact
        .map(|members| Group {
            kind: MatchKind::Exact,
            leaks: sides.leaks(&members),
            distances: vec![0.0; members.len()],
            members,
        })
        .collect();
    let hashes: Vec<u64> = seen.iter().map(|(_, look)| look.hash).collect();
    let pairs: Vec<(u32, u32, f64)> = likeness::near(&hashes, most)
        .into_iter()
        .filter(|&(a, b, _)| seen[a as usize].1.is_same(seen[b as usize].1))
        .map(|(a, b, bits)| (seen[a as usize].0, seen[b as usize].0, f64::from(bits)))
        .collect();
    groups.extend(grouped(MatchKind::Near, dataset.len(), &pairs, &sides));
    let flat = prints.iter().filter(|(_, _, looks)| looks.is_none()).count();
    let mut found = Duplicates { groups, flat, unreadable };
    found.arrange();
    Ok(found)
}

/// Adds the pictures that a network finds alike: those with a cosine of `least` or more that are in no group together. A
/// pass.
///
/// # Errors
/// What the driver reports; [`crate::error::Error::Stopped`] where the pass is.
pub fn add_alike(
    found: &mut Duplicates,
    dataset: &Dataset,
    model: &Model,
    embedded: &Embedded,
    least: f64,
    watch: &mut Watch<'_>,
) -> Result<()> {
    let Embedded { pictures, rows, .. } = embedded;
    let near = search_watched(model, rows, rows, NEIGHBOURS.min(rows.rows), watch)?;
    let mut pairs = Vec::new();
    for (row, near) in near.iter().enumerate() {
        for other in
            near.iter().filter(|other| other.row as usize > row && f64::from(other.similarity) >= least)
        {
            let distance = (1.0 - f64::from(other.similarity)).max(0.0);
            pairs.push((pictures[row], pictures[other.row as usize], distance));
        }
    }
    let known: BTreeSet<(u32, u32)> = found.groups.iter().flat_map(|group| within(&group.members)).collect();
    pairs.retain(|&(a, b, _)| !known.contains(&(a, b)));
    let sides = Sides::of(dataset);
    found.groups.extend(grouped(MatchKind::Features, dataset.len(), &pairs, &sides));
    found.arrange();
    Ok(())
}

/// All pairs of a group's members. A large group's are many, so only those with its first twenty are told.
fn within(members: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    let firsts = members.iter().take(20).enumerate();
    firsts.flat_map(|(at, &a)| members[at + 1..].iter().map(move |&b| (a, b)))
}

fn grouped(kind: MatchKind, count: usize, pairs: &[(u32, u32, f64)], sides: &Sides) -> Vec<Group> {
    let mut least: BTreeMap<u32, f64> = BTreeMap::new();
    for &(a, b, distance) in pairs {
        for member in [a, b] {
            let known = least.entry(member).or_insert(distance);
            *known = known.min(distance);
        }
    }
    let sets = likeness::groups(count, pairs.iter().map(|&(a, b, _)| (a, b)));
    let group = |members: Vec<u32>| Group {
        kind,
        leaks: sides.leaks(&members),
        distances: members.iter().map(|member| least.get(member).copied().unwrap_or_default()).collect(),
        members,
    };
    sets.into_iter().map(group).collect()
}

impl Duplicates {
    fn arrange(&mut self) {
        self.groups.sort_by_key(|group| {
            (group.kind, std::cmp::Reverse(group.members.len()), group.members.first().copied())
        });
    }

    /// How many groups of a kind there are, and how many pictures in them could go without losing one.
    #[must_use]
    pub fn count(&self, kind: MatchKind) -> (usize, usize) {
        let of = self.groups.iter().filter(|group| group.kind == kind);
        of.fold((0, 0), |(groups, spare), group| (groups + 1, spare + group.members.len() - 1))
    }
}

/// The side of a split that each picture stands on.
pub struct Sides {
    judged: BTreeMap<u32, String>,
}

impl Sides {
    /// Those of a set.
    #[must_use]
    pub fn of(dataset: &Dataset) -> Self {
        let judged = dataset.splits().iter().flat_map(|split| {
            let name = |&picture: &u32| (picture, split.name.clone());
            split.queries.iter().map(name).collect::<Vec<_>>()
        });
        Self { judged: judged.collect() }
    }

    /// The split that judges by a picture, or `train`.
    #[must_use]
    pub fn side(&self, picture: u32) -> &str {
        self.judged.get(&picture).map_or("train", String::as_str)
    }

    fn leaks(&self, members: &[u32]) -> bool {
        let judged = members.iter().filter(|member| self.judged.contains_key(member)).count();
        judged > 0 && judged < members.len()
    }
}
