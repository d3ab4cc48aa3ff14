//! CIFAR-10 and CIFAR-100, as binary records and as Python pickles: a folder of batches or the archive.
//!
//! A picture is 3 × 32 × 32 bytes, red, green and blue planes. Pixels stay in the file, also those of a
//! pickle, which is read as data and never run. Source: the description on
//! <https://www.cs.toronto.edu/~kriz/cifar.html>.

use super::super::dataset::Order;
use super::arrays::{Arrays, Block, Element, Shape};
use super::part::Part;
use super::table::{Side, Table, from_numbers};
use crate::error::{Error, Result};
use crate::pickle::{self, Item};

const SHAPE: Shape = Shape { width: 32, height: 32, channels: 3, order: Order::Planes, element: Element::U8 };
const PIXELS: u64 = 3 * 32 * 32;
/// The largest file that is read at once; the largest of CIFAR is 155 MB.
const LARGEST: u64 = 1 << 30;
/// The two sets: how many classes, and label bytes before a binary record's pixels (the last counts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ten,
    Hundred,
}

impl Kind {
    fn classes(self) -> i64 {
        if self == Self::Ten { 10 } else { 100 }
    }

    /// The part of the set that a file of this name (in lower case) is, where it is one of its batches.
    pub(super) fn side(self, name: &str) -> Option<Side> {
        let stem = name.strip_suffix(".bin").unwrap_or(name);
        let numbered = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Ten if stem.strip_prefix("data_batch_").is_some_and(numbered) => Some(Side::Train),
            Self::Ten if stem == "test_batch" => Some(Side::Held("test")),
            Self::Hundred if stem == "train" => Some(Side::Train),
            Self::Hundred if stem == "test" => Some(Side::Held("test")),
            _ => None,
        }
    }

    /// The batches of this set among files, in order.
    fn batches(self, files: &[Part]) -> Vec<(Side, Part)> {
        let found = |file: &Part| self.side(&file.file_name()).map(|side| (side, file.clone()));
        let mut found: Vec<_> = files.iter().filter_map(found).collect();
        found.sort_by_key(|(side, file)| (*side != Side::Train, file.name.clone()));
        found
    }

    /// Class names from `batches.meta.txt`, `fine_label_names.txt`, or the pickled `meta`.
    fn names(self, files: &[Part]) -> Vec<String> {
        for file in files {
            let lines = || {
                let text = file.bytes(1 << 16).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                let lines = text.unwrap_or_default();
                lines
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let names = match (self, file.file_name().as_str()) {
                (Self::Ten, "batches.meta.txt") | (Self::Hundred, "fine_label_names.txt") => lines(),
                // Names that cannot be read are not worth refusing the pictures for.
                (Self::Ten, "batches.meta") => pickled_names(file, "label_names").unwrap_or_default(),
                (Self::Hundred, "meta") => pickled_names(file, "fine_label_names").unwrap_or_default(),
                _ => continue,
            };
            if names.len() as i64 == self.classes() {
                return names;
            }
        }
        Vec::new()
    }
}

/// Lists the batches among `files`.
pub(super) fn list(kind: Kind, files: &[Part]) -> Result<Table> {
    let (mut blocks, mut numbers, mut sides) = (Vec::new(), Vec::new(), Vec::new());
    for (side, file) in kind.batches(files) {
        let (block, labels) =
            if file.file_name().ends_with(".bin") { binary(kind, file)? } else { pickled(kind, file)? };
        sides.push((side, block.count));
        numbers.extend(labels.into_iter().map(Some));
        blocks.push(block);
    }
    let (classes, labels) = from_numbers(&numbers, kind.names(files));
    Ok(Table { classes, labels, sides, pictures: Box::new(Arrays::new(blocks)), notices: Vec::new() })
}

/// Label bytes, then the pixels, again and again.
fn binary(kind: Kind, file: Part) -> Result<(Block, Vec<i64>)> {
    let head = if kind == Kind::Ten { 1 } else { 2 };
    let record = head + PIXELS;
    if file.length == 0 || !file.length.is_multiple_of(record) {
        let reason = format!(
            "{} bytes are not a whole number of CIFAR-{} records of {record} bytes: the file is cut short or is \
             something else; fetch it again",
            file.length,
            kind.classes()
        );
        return Err(file.wrong(reason));
    }
    let bytes = file.bytes(LARGEST)?;
    let labels: Vec<i64> =
        bytes.chunks_exact(record as usize).map(|r| i64::from(r[head as usize - 1])).collect();
    check(kind, &file, &labels)?;
    let count = labels.len() as u32;
    Ok((Block { part: file, offset: head, stride: record, count, shape: SHAPE }, labels))
}

/// A dictionary with `data` (one row a picture) and `labels` or `fine_labels`.
fn pickled(kind: Kind, file: Part) -> Result<(Block, Vec<i64>)> {
    let key = if kind == Kind::Ten { "labels" } else { "fine_labels" };
    let bytes = file.bytes(LARGEST)?;
    let (pickle, _) = pickle::parse(&bytes).map_err(|reason| refused(&file, &reason))?;
    let missing = |what: &str| refused(&file, &format!("it is no CIFAR batch, it has no {what}"));
    let pixels =
        pickle.root().get("data").and_then(pixels).ok_or_else(|| missing("array of bytes `data`"))?;
    let labels = pickle.root().get(key).and_then(numbers).ok_or_else(|| missing(&format!("list `{key}`")))?;
    if labels.is_empty() || pixels.len() as u64 != PIXELS * labels.len() as u64 {
        let (length, labels) = (pixels.len(), labels.len());
        let reason = format!("it has {length} bytes of pixels for {labels} labels, not {PIXELS} for each");
        return Err(refused(&file, &reason));
    }
    check(kind, &file, &labels)?;
    // The parser lends slices of `bytes`, so the difference is where the pixels stand in the file.
    let offset = pixels.as_ptr().addr().saturating_sub(bytes.as_ptr().addr()) as u64;
    let count = labels.len() as u32;
    Ok((Block { part: file, offset, stride: PIXELS, count, shape: SHAPE }, labels))
}

/// The list of words under `key` of a dictionary.
fn pickled_names(file: &Part, key: &str) -> Result<Vec<String>> {
    let bytes = file.bytes(1 << 20)?;
    let (pickle, _) = pickle::parse(&bytes).map_err(|reason| refused(file, &reason))?;
    let names = pickle.root().get(key).and_then(Item::members).into_iter().flatten();
    Ok(names.filter_map(|name| name.text().map(str::to_owned)).collect())
}

fn refused(file: &Part, reason: &str) -> Error {
    file.wrong(format!("{reason}; fetch it again, or use the binary version"))
}

/// The values of a numpy array of uint8 whose rows are pictures.
fn pixels(array: Item<'_>) -> Option<&[u8]> {
    let (name, arguments) = array.call()?;
    let (kind, shape, straight, values) = if name.ends_with("_frombuffer") {
        let [values, kind, shape, order] = arguments.array()?;
        (kind, shape, order.text()? == "C", values)
    } else {
        // What is called makes an empty array, which takes this state.
        let [_version, shape, kind, turned, values] = array.state()?.array()?;
        (kind, shape, turned.int()? == 0, values)
    };
    let [kind, ..] = kind.call()?.1.array::<3>()?;
    let [_, row] = shape.array()?;
    let fits = straight && kind.text()? == "u1" && row.size()? as u64 == PIXELS;
    values.bytes().filter(|_| fits)
}

fn numbers(list: Item<'_>) -> Option<Vec<i64>> {
    list.members()?.map(|number| i64::try_from(number.int()?).ok()).collect()
}

/// Other labels than those of the set show that the file is something else.
fn check(kind: Kind, file: &Part, labels: &[i64]) -> Result<()> {
    let classes = kind.classes();
    match labels.iter().position(|label| !(0..classes).contains(label)) {
        Some(at) => Err(file.wrong(format!(
            "picture {at} has the label {}, but CIFAR-{classes} has 0 to {}: the file is something else, or damaged",
            labels[at],
            classes - 1
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "cifar_tests.rs"]
mod tests;
