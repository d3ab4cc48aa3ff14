//! CIFAR-10 and CIFAR-100, as binary records and as Python pickles: a folder of batches or the archive.
//!
//! A picture is 3 × 32 × 32 bytes, red, green and blue planes. Source: the description on
//! <https://www.cs.toronto.edu/~kriz/cifar.html>.

use super::super::dataset::Order;
use super::arrays::{Arrays, Block, Shape};
use super::part::Part;
use super::pickle::{self, Batch};
use super::table::{Side, Table, from_numbers};
use crate::error::Result;

const SHAPE: Shape = Shape { width: 32, height: 32, channels: 3, order: Order::Planes };
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

    /// The batches of this set among files, by their usual names, in order.
    fn batches(self, files: &[Part]) -> Vec<(Side, Part)> {
        let side = |name: &str| match self {
            Self::Ten if name.starts_with("data_batch") => Some(Side::Train),
            Self::Ten if name.starts_with("test_batch") => Some(Side::Held("test")),
            Self::Hundred if name == "train" || name == "train.bin" => Some(Side::Train),
            Self::Hundred if name == "test" || name == "test.bin" => Some(Side::Held("test")),
            _ => None,
        };
        let found = |file: &Part| side(&file.file_name()).map(|side| (side, file.clone()));
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
                (Self::Ten, "batches.meta") => pickle::names(file, "label_names").unwrap_or_default(),
                (Self::Hundred, "meta") => pickle::names(file, "fine_label_names").unwrap_or_default(),
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
    let Batch { offset, length, labels } = pickle::batch(&file, key)?;
    if length == 0 || length != PIXELS * labels.len() as u64 {
        let reason = format!(
            "it has {length} bytes of pixels for {} labels; a CIFAR batch has {PIXELS} a picture",
            labels.len()
        );
        return Err(file.wrong(reason));
    }
    check(kind, &file, &labels)?;
    let count = labels.len() as u32;
    Ok((Block { part: file, offset, stride: PIXELS, count, shape: SHAPE }, labels))
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
