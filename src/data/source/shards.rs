//! WebDataset: tar files in which `KEY.jpg`, `KEY.cls` and so on make one sample. One file, a folder of
//! them, or a pattern.
//!
//! The picture of a sample is its first member that ends like a picture; its label is what `.cls` holds,
//! a number or a word. Other members are passed over. Names of shards may say `train` and `val`.

use std::collections::HashMap;
use std::io::Read as _;

use rayon::prelude::*;

use super::super::dataset::{Content, Pictures};
use super::archive::{self, Notices, guarded};
use super::folder::EXTENSIONS;
use super::part::Part;
use super::table::{Side, Table, from_words};
use crate::error::Result;

/// The longest label that is read.
const LABEL: u64 = 256;

/// Picture files, each a part of its own.
pub(super) struct Members(pub(super) Vec<Part>);

impl Pictures for Members {
    fn name(&self, picture: u32) -> String {
        self.0[picture as usize].name.clone()
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        let part = &self.0[picture as usize];
        Ok(Content::Encoded(part.bytes(super::LARGEST_PICTURE)?.into()))
    }
}

/// The samples of one shard.
struct Shard {
    pictures: Vec<Part>,
    labels: Vec<Option<String>>,
    notices: Notices,
}

/// Lists the samples of the tar files `shards`, in their order.
pub(super) fn list(shards: Vec<Part>) -> Result<Table> {
    let mut held = 0;
    let unpacked = |shard: Part| guarded(&shard.clone(), || shard.unpacked(&mut held));
    let shards: Vec<Part> = shards.into_iter().map(unpacked).collect::<Result<_>>()?;
    let read: Vec<Shard> =
        shards.into_par_iter().map(|shard| guarded(&shard, || index(&shard))).collect::<Result<_>>()?;
    let (mut pictures, mut words, mut sides, mut notices) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for shard in read {
        let name = shard.pictures.first().map_or("", |part| part.name.split(".tar/").next().unwrap_or(""));
        sides.push((Side::of(name), shard.pictures.len() as u32));
        pictures.extend(shard.pictures);
        words.extend(shard.labels);
        notices.extend(shard.notices);
    }
    let (classes, labels) = from_words(&words);
    Ok(Table { classes, labels, sides, pictures: Box::new(Members(pictures)), notices })
}

/// The key of a sample and what its member is: the file name is cut at its first dot.
fn key(name: &str) -> (&str, &str) {
    let base = name.rfind('/').map_or(0, |at| at + 1);
    match name[base..].find('.') {
        Some(dot) => (&name[..base + dot], &name[base + dot + 1..]),
        None => (name, ""),
    }
}

fn index(shard: &Part) -> Result<Shard> {
    let (mut order, mut notices) = (Vec::<(Option<Part>, Option<String>)>::new(), Vec::new());
    let mut samples: HashMap<String, usize> = HashMap::new();
    archive::tar(shard, &mut notices, |member, contents| {
        let (key, ending) = key(&member.name);
        let last = ending.rsplit('.').next().unwrap_or(ending);
        let is_picture = EXTENSIONS.iter().any(|known| last.eq_ignore_ascii_case(known));
        let is_label = ending.eq_ignore_ascii_case("cls") && member.length <= LABEL;
        if !is_picture && !is_label {
            return Ok(());
        }
        let at = *samples.entry(key.to_owned()).or_insert_with(|| {
            order.push((None, None));
            order.len() - 1
        });
        if is_label {
            let mut text = String::new();
            // A label that is no text is no label.
            let read = contents.take(LABEL).read_to_string(&mut text).is_ok();
            let text = text.trim();
            order[at].1 = (read && !text.is_empty()).then(|| text.to_owned());
        } else if order[at].0.is_none() {
            order[at].0 = Some(member);
        }
        Ok(())
    })?;
    let whole = order.into_iter().filter_map(|(picture, label)| Some((picture?, label)));
    let (pictures, labels) = whole.unzip();
    Ok(Shard { pictures, labels, notices })
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
