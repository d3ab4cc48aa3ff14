//! STL-10 as binary files: a folder or the archive. The unlabelled split is trained on beside the train split.
//!
//! `*_X.bin` holds pictures of 3 planes of 96 × 96 bytes, each plane column by column; `*_y.bin` one byte
//! a picture, 1 to 10. Source: the description on <https://cs.stanford.edu/~acoates/stl10/>.

use super::super::dataset::Order;
use super::arrays::{Arrays, Block, Element, Shape};
use super::part::Part;
use super::table::{Side, Table, from_numbers};
use crate::error::Result;

const SHAPE: Shape =
    Shape { width: 96, height: 96, channels: 3, order: Order::Columns, element: Element::U8 };
const PIXELS: u64 = 3 * 96 * 96;

/// Lists the pictures among `files`.
pub(super) fn list(files: &[Part]) -> Result<Table> {
    let named = |name: &str| files.iter().find(|file| file.file_name() == name);
    let (mut blocks, mut numbers, mut sides) = (Vec::new(), Vec::new(), Vec::new());
    for (side, stem) in
        [(Side::Train, "train"), (Side::Unlabelled, "unlabeled"), (Side::Held("test"), "test")]
    {
        let Some(file) = named(&format!("{stem}_x.bin")) else { continue };
        if file.length == 0 || !file.length.is_multiple_of(PIXELS) || file.length / PIXELS > 1 << 24 {
            let reason = format!(
                "{} bytes are not a whole number of STL-10 pictures of {PIXELS} bytes: the file is cut short or is \
                 something else; fetch it again",
                file.length
            );
            return Err(file.wrong(reason));
        }
        let count = (file.length / PIXELS) as u32;
        match named(&format!("{stem}_y.bin")) {
            Some(labels) => numbers.extend(read_labels(labels, count)?),
            None => numbers.resize(numbers.len() + count as usize, None),
        }
        sides.push((side, count));
        blocks.push(Block { part: file.clone(), offset: 0, stride: PIXELS, count, shape: SHAPE });
    }
    let text = named("class_names.txt").and_then(|file| file.bytes(1 << 16).ok()).unwrap_or_default();
    let names = String::from_utf8_lossy(&text).split_whitespace().map(str::to_owned).collect();
    let (classes, labels) = from_numbers(&numbers, names);
    Ok(Table { classes, labels, sides, pictures: Box::new(Arrays::new(blocks)), notices: Vec::new() })
}

/// Classes counted from 0.
fn read_labels(file: &Part, count: u32) -> Result<Vec<Option<i64>>> {
    if file.length != u64::from(count) {
        return Err(file.wrong(format!("it has {} labels for {count} pictures", file.length)));
    }
    let bytes = file.bytes(1 << 24)?;
    match bytes.iter().position(|label| !(1..=10).contains(label)) {
        Some(at) => Err(file.wrong(format!("label {at} is {}; those of STL-10 are 1 to 10", bytes[at]))),
        None => Ok(bytes.iter().map(|&label| Some(i64::from(label) - 1)).collect()),
    }
}
