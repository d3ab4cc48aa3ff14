//! Tar files of pictures. One file, a folder of them, or a pattern.
//!
//! In a WebDataset, `KEY.jpg`, `KEY.cls` and so on make one sample: its picture is the first member that ends
//! like a picture, and its label what `.cls` holds, a number or a word, or else the entry `label` or alike of
//! `.json`, or `.txt` where these are few words for all. A tar in which nothing but pictures is found
//! is a packed folder, and its folders mean what they mean on the disk. Names of archives may say `train`
//! and `val`.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::super::dataset::{Content, Pictures};
use super::archive::{self, Notices, guarded, inner};
use super::exclude::Exclude;
use super::folder::is_picture;
use super::left::Left;
use super::members::{self, Archive};
use super::part::Part;
use super::table::{Side, Table, from_words};
use crate::error::Result;

/// The longest label that is read.
const LABEL: u64 = 256;
/// The longest description of a sample that is read.
const DESCRIPTION: u64 = 64 << 10;
/// Endings of members that are labels.
const ENDINGS: [&str; 6] = ["cls", "label", "class", "cls.txt", "label.txt", "class.txt"];
/// Entries of descriptions that are labels.
const ENTRIES: [&str; 8] =
    ["label", "cls", "class", "target", "category", "class_name", "label_name", "label_id"];

/// Picture files, each a part of its own.
struct Members(Vec<Part>);

impl Pictures for Members {
    fn name(&self, picture: u32) -> String {
        self.0[picture as usize].name.clone()
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        let part = &self.0[picture as usize];
        Ok(Content::Encoded(part.bytes(super::LARGEST_PICTURE)?.into()))
    }
}

/// A sample of a shard.
#[derive(Default)]
struct Sample {
    picture: Option<(PathBuf, Part)>,
    label: Option<String>,
    /// What its text holds, and what its description says.
    text: Option<String>,
    entry: Option<String>,
}

/// The samples of one shard.
struct Shard {
    name: String,
    samples: Vec<Sample>,
    /// Whether pictures are all that its samples have.
    plain: bool,
    left: Left,
    notices: Notices,
}

/// Lists the samples of the tar files `shards`, in their order.
pub(super) fn list(shards: Vec<Part>, exclude: &Exclude) -> Result<Table> {
    let mut held = 0;
    let unpacked = |shard: Part| guarded(&shard.clone(), || shard.unpacked(&mut held));
    let shards: Vec<Part> = shards.into_iter().map(unpacked).collect::<Result<_>>()?;
    let first = shards.first().cloned();
    let read: Vec<Shard> = shards
        .into_par_iter()
        .map(|shard| guarded(&shard, || index(&shard, exclude)))
        .collect::<Result<_>>()?;
    let (mut left, mut notices) = (Left::default(), Vec::new());
    let plain = read.iter().all(|shard| shard.plain);
    let mut archives = Vec::new();
    for shard in read {
        left.add(shard.left);
        notices.extend(shard.notices);
        archives.push((shard.name, shard.samples));
    }
    let mut table = if plain { folders(archives) } else { samples(archives, &mut left) };
    if let Some(first) = first.filter(|_| table.labels.is_empty()) {
        notices.push(format!("no pictures in it: {}", left.instead()));
        return Err(first.wrong(notices.join("; ")));
    }
    notices.append(&mut table.notices);
    notices.extend(left.notice());
    Ok(Table { notices, ..table })
}

/// The table of archives that hold nothing but pictures.
fn folders(archives: Vec<(String, Vec<Sample>)>) -> Table {
    let archive = |(name, samples): (String, Vec<Sample>)| {
        let mut members: Vec<(PathBuf, Part)> =
            samples.into_iter().filter_map(|sample| sample.picture).collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        Archive { name, members }
    };
    let found = members::arrange(archives.into_iter().map(archive).collect());
    Table {
        classes: found.classes,
        labels: found.labels,
        sides: found.sides,
        pictures: Box::new(Members(found.members)),
        notices: found.notices,
    }
}

/// The table of samples.
fn samples(archives: Vec<(String, Vec<Sample>)>, left: &mut Left) -> Table {
    let (mut sides, mut all, mut notices) = (Vec::new(), Vec::new(), Vec::new());
    for (name, samples) in archives {
        let before = all.len();
        all.extend(samples.into_iter().filter(|sample| sample.picture.is_some()));
        sides.push((Side::of(&name), (all.len() - before) as u32));
    }
    let count = |of: fn(&Sample) -> bool| all.iter().filter(|sample| of(sample)).count();
    let texts = count(|sample| sample.text.is_some());
    let distinct = all.iter().filter_map(|sample| sample.text.as_ref()).collect::<HashSet<_>>().len();
    // Of captions, nearly every one is another.
    let words = distinct > 1 && 2 * distinct <= texts;
    let used = |ending: &str, count: usize, left: &mut Left| {
        (0..count).for_each(|_| left.used(Path::new(&format!("x.{ending}"))));
    };
    let labels: Vec<Option<String>> = if count(|sample| sample.label.is_some()) > 0 {
        all.iter_mut().map(|sample| sample.label.take()).collect()
    } else if count(|sample| sample.entry.is_some()) > 0 {
        used("json", count(|sample| sample.entry.is_some()), left);
        all.iter_mut().map(|sample| sample.entry.take()).collect()
    } else {
        if words {
            used("txt", texts, left);
        } else if texts > 1 {
            notices.push(
                "no labels: the .txt members differ from picture to picture, so they are no classes".into(),
            );
        }
        all.iter_mut().map(|sample| sample.text.take().filter(|_| words)).collect()
    };
    if labels.iter().all(Option::is_none) && notices.is_empty() && left.has("json") {
        notices.push(format!("no labels: no .json member has an entry {}", ENTRIES.join(", ")));
    }
    let (classes, labels) = from_words(&labels);
    let pictures = all.into_iter().filter_map(|sample| Some(sample.picture?.1)).collect();
    Table { classes, labels, sides, pictures: Box::new(Members(pictures)), notices }
}

/// The key of a sample and what its member is: the file name is cut at its first dot.
fn key(name: &str) -> (&str, &str) {
    let base = name.rfind('/').map_or(0, |at| at + 1);
    match name[base..].find('.') {
        Some(dot) => (&name[..base + dot], &name[base + dot + 1..]),
        None => (name, ""),
    }
}

fn index(shard: &Part, exclude: &Exclude) -> Result<Shard> {
    let mut found = Shard {
        name: shard.name.clone(),
        samples: Vec::new(),
        plain: true,
        left: Left::default(),
        notices: Vec::new(),
    };
    let (mut numbers, mut outside) = (HashMap::<String, usize>::new(), None);
    let (mut notices, start) = (Vec::new(), shard.name.len() + 1);
    archive::tar(shard, &mut notices, |member, contents| {
        let name = &member.name[start.min(member.name.len())..];
        let Some(path) = inner(name) else {
            outside.get_or_insert_with(|| name.to_owned());
            return Ok(());
        };
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || exclude.hits(&path) {
            return Ok(());
        }
        let (key, ending) = key(name);
        let ending = ending.to_lowercase();
        let is_label = ENDINGS.contains(&&*ending) && member.length <= LABEL;
        let is_text = ending == "txt" && member.length <= LABEL;
        let described = ending == "json" && member.length <= DESCRIPTION;
        let pictured = is_picture(&path);
        if !is_label && !pictured {
            found.left.note(&path);
        }
        if !(is_label || is_text || described || pictured) {
            return Ok(());
        }
        let at = *numbers.entry(key.to_owned()).or_insert_with(|| {
            found.samples.push(Sample::default());
            found.samples.len() - 1
        });
        let sample = &mut found.samples[at];
        if pictured {
            sample.picture.get_or_insert((path, member));
            return Ok(());
        }
        let mut text = String::new();
        // A label that is no text is no label.
        let read = contents.take(DESCRIPTION).read_to_string(&mut text).is_ok();
        let text = Some(text.trim()).filter(|text| read && !text.is_empty());
        match () {
            () if is_label => sample.label = text.map(str::to_owned),
            () if is_text => sample.text = text.map(str::to_owned),
            () => sample.entry = text.and_then(entry),
        }
        Ok(())
    })?;
    let bare = |sample: &Sample| sample.label.is_none() && sample.text.is_none() && sample.entry.is_none();
    found.plain = found.samples.iter().filter(|sample| sample.picture.is_some()).all(bare);
    found.notices = notices;
    if let Some(name) = outside {
        let notice =
            format!("{}: files whose paths lead out of the archive are left out, such as {name}", shard.name);
        found.notices.push(notice);
    }
    Ok(found)
}

/// The label that a description gives.
fn entry(text: &str) -> Option<String> {
    let parsed: serde_json::Value = serde_json::from_str(text).ok()?;
    match ENTRIES.iter().find_map(|name| parsed.get(name))? {
        serde_json::Value::String(word) => Some(word.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn keys_end_at_the_first_dot_of_the_file_name() {
        assert_eq!(key("s.tar/a.b/0001.left.jpg"), ("s.tar/a.b/0001", "left.jpg"));
        assert_eq!(key("0001"), ("0001", ""));
        assert_eq!(key("a/.hidden"), ("a/", "hidden"));
    }
}
