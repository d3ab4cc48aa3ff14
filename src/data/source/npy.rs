//! numpy arrays of pictures: `.npz` files (MedMNIST, Keras) and `.npy` files beside each other.
//!
//! Arrays with three dimensions are grey pictures (N, H, W), with four dimensions colour ones (N, H, W, C) or
//! (N, C, H, W), C 1, 3 or 4, of uint8, or of uint16, int16 or floats by the depth of the set. Where each file
//! is one picture, (H, W, C), (C, H, W) or (H, W), `single` reads them. An array of whole numbers with N entries whose name has the
//! same word of `train`, `val`, `test` (or none) holds the labels. The header is a line of Python, of
//! which three values are wanted; source: numpy's `format.py`.

use std::path::Path;

use super::super::dataset::Order;
use super::arrays::{Arrays, Block, Element, Shape};
use super::part::Part;
use super::single;
use super::table::{Side, Table, from_numbers};
use crate::error::Result;

/// The longest header that is read.
const HEADER: usize = 1 << 16;

/// What an array's header says.
pub(super) struct Array {
    pub(super) part: Part,
    /// `u1`, `<i8` and so on.
    kind: String,
    pub(super) sizes: Vec<u64>,
    /// Where the values start.
    pub(super) offset: u64,
}

/// Lists the arrays among `files`, which are `.npy` parts; `one_each` says whether each file is one picture,
/// and `None` leaves it to their sizes.
pub(super) fn list(files: &[Part], one_each: Option<bool>) -> Result<Table> {
    let mut arrays = files.iter().map(|file| header(file.clone())).collect::<Result<Vec<_>>>()?;
    arrays.sort_by(|a, b| a.part.name.cmp(&b.part.name));
    let one_each = one_each.map_or_else(|| single::is_so(&arrays), Ok)?;
    if one_each { single::list(&arrays) } else { batches(&arrays) }
}

/// Arrays of many pictures, and their labels.
fn batches(arrays: &[Array]) -> Result<Table> {
    let (mut blocks, mut numbers, mut sides) = (Vec::new(), Vec::new(), Vec::new());
    for array in arrays.iter().filter(|array| array.sizes.len() >= 3) {
        let block = pictures(array)?;
        let side = Side::of(&array.part.file_name());
        let fits = |other: &&Array| {
            let flat = other.sizes.len() == 1 || other.sizes.len() == 2 && other.sizes[1] == 1;
            flat && other.sizes[0] == array.sizes[0]
                && width(&other.kind).is_some()
                && Side::of(&other.part.file_name()) == side
        };
        match arrays.iter().find(fits) {
            Some(labels) => numbers.extend(read_numbers(labels)?),
            None => numbers.resize(numbers.len() + block.count as usize, None),
        }
        sides.push((side, block.count));
        blocks.push(block);
    }
    if blocks.is_empty()
        && let Some(array) = arrays.first()
    {
        return Err(array.part.wrong(format!(
            "no array of pictures is here: this one has {} dimensions, and pictures have three (number, \
             height, width) or four (with channels)",
            array.sizes.len()
        )));
    }
    let (classes, labels) = from_numbers(&numbers, Vec::new());
    Ok(Table { classes, labels, sides, pictures: Box::new(Arrays::new(blocks)), notices: Vec::new() })
}

/// Whether `file` is named like the labels of `pictures`: `y_train.npy` of `x_train.npy`, `labels.npy` of
/// `images.npy`.
pub(super) fn is_labels_of(file: &Path, pictures: &Path) -> bool {
    const PAIRS: [(&str, &str); 5] =
        [("images", "labels"), ("imgs", "labels"), ("data", "labels"), ("x", "y"), ("X", "y")];
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (file, pictures) = (name(file), name(pictures));
    PAIRS.iter().any(|(from, to)| file != pictures && pictures.replacen(from, to, 1) == file)
}

fn header(part: Part) -> Result<Array> {
    let head = part.read(0, part.length.min(12) as usize)?;
    let broken =
        || part.wrong("its header is not that of a numpy array: the file is damaged or something else");
    let (start, length) = match *head.as_slice() {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => (10, u32::from_le_bytes([a, b, 0, 0])),
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d] => (12, u32::from_le_bytes([a, b, c, d])),
        _ => return Err(broken()),
    };
    let length = length as usize;
    if length > HEADER {
        return Err(broken());
    }
    let text = part.read(start, length)?;
    let text = String::from_utf8_lossy(&text);
    let kind = field(&text, "descr").and_then(quoted).ok_or_else(broken)?.trim_start_matches('|').to_owned();
    let sizes = field(&text, "shape").and_then(tuple).ok_or_else(broken)?;
    let columns_first = field(&text, "fortran_order").ok_or_else(broken)?.starts_with("True");
    if columns_first && sizes.len() > 1 {
        return Err(part.wrong("its values are in Fortran order; save it with numpy.ascontiguousarray"));
    }
    Ok(Array { part, kind, sizes, offset: start + length as u64 })
}

/// What follows `'key':`.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let after = quoted.iter().find_map(|key| text.split_once(key.as_str()))?.1;
    after.trim_start().strip_prefix(':').map(str::trim_start)
}

/// A word in quotes; structured types have none.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote).map(|(word, _)| word)
}

/// Whole numbers in brackets.
fn tuple(text: &str) -> Option<Vec<u64>> {
    let inside = text.strip_prefix('(')?.split_once(')')?.0;
    let numbers = inside.split(',').map(|number| number.trim().trim_end_matches('L'));
    numbers.filter(|number| !number.is_empty()).map(|number| number.parse().ok()).collect()
}

/// Checks that `bytes` for each of the array's values follow the header.
pub(super) fn complete(array: &Array, bytes: u64) -> Result<()> {
    let wanted = array.sizes.iter().try_fold(bytes, |all, size| all.checked_mul(*size));
    let there = array.part.length - array.offset;
    if wanted.is_some_and(|wanted| wanted <= there) {
        return Ok(());
    }
    Err(array.part.wrong(format!(
        "its header promises an array of {:?}, but only {there} bytes follow: it is cut short or damaged",
        array.sizes
    )))
}

fn pictures(array: &Array) -> Result<Block> {
    let part = &array.part;
    let element = element(array)?;
    complete(array, element.bytes() as u64)?;
    let shape = match *array.sizes.as_slice() {
        [_, height, width] => (side(height), side(width), 1, Order::Interleaved),
        [_, height, width, channels @ (1 | 3 | 4)] => {
            (side(height), side(width), channels, Order::Interleaved)
        }
        [_, channels @ (1 | 3 | 4), height, width] => (side(height), side(width), channels, Order::Planes),
        _ => (None, None, 0, Order::Planes),
    };
    let (count, (Some(height), Some(width), channels, order)) = (side(array.sizes[0]), shape) else {
        return Err(part.wrong(format!(
            "an array of {:?} is not one of pictures: (number, height, width), and 1, 3 or 4 channels last or second",
            array.sizes
        )));
    };
    let count = count.ok_or_else(|| part.wrong("it holds no picture, or more than 4 billion"))?;
    let shape = Shape { width, height, channels: channels as u32, order, element };
    let stride = u64::from(height) * u64::from(width) * channels * element.bytes() as u64;
    Ok(Block { part: part.clone(), offset: array.offset, stride, count, shape })
}

/// A number of pixels, or of pictures.
pub(super) fn side(size: u64) -> Option<u32> {
    u32::try_from(size).ok().filter(|size| *size > 0)
}

/// How the samples of pictures are stored.
pub(super) fn element(array: &Array) -> Result<Element> {
    let big_endian = array.kind.starts_with('>');
    Ok(match array.kind.trim_start_matches(['<', '>', '=']) {
        "u1" => Element::U8,
        "u2" => Element::U16 { big_endian },
        "i2" => Element::I16 { big_endian },
        "f4" => Element::F32 { big_endian },
        "f8" => Element::F64 { big_endian },
        other => {
            return Err(array.part.wrong(format!(
                "it holds values of the type `{other}`, and pictures are uint8, uint16, int16, float32 or float64: \
                 save it as one of these"
            )));
        }
    })
}

/// Bytes of a whole number of this type.
fn width(kind: &str) -> Option<usize> {
    let (order, kind) = kind.split_at_checked(kind.len().checked_sub(2)?)?;
    let bytes = match kind {
        "u1" | "i1" | "b1" => 1,
        "u2" | "i2" => 2,
        "u4" | "i4" => 4,
        "u8" | "i8" => 8,
        _ => return None,
    };
    (matches!(order, "" | "<" | "=" | "|") || bytes == 1).then_some(bytes)
}

fn read_numbers(array: &Array) -> Result<Vec<Option<i64>>> {
    let bytes = width(&array.kind).unwrap_or(1);
    complete(array, bytes as u64)?;
    let values = array.part.read(array.offset, array.sizes[0] as usize * bytes)?;
    let signed = array.kind.contains('i');
    let number = |value: &[u8]| {
        let negative = signed && value[bytes - 1] >= 0x80;
        value
            .iter()
            .rev()
            .fold(if negative { -1i64 } else { 0 }, |number, &byte| number << 8 | i64::from(byte))
    };
    Ok(values.chunks_exact(bytes).map(|value| Some(number(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_spelling_are_read() {
        let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (10, 28, 28), }  \n";
        assert_eq!(field(text, "descr").and_then(quoted), Some("|u1"));
        assert_eq!(field(text, "shape").and_then(tuple), Some(vec![10, 28, 28]));
        let text = "{\"shape\":(7L,),\"descr\" : \"<i8\", \"fortran_order\":True}";
        assert_eq!(field(text, "descr").and_then(quoted), Some("<i8"));
        assert_eq!(field(text, "shape").and_then(tuple), Some(vec![7]));
        for broken in
            ["", "{'shape': (1, -2)}", "{'shape': (1", "{'shape' (1,)}", "{'descr': [('a', '<i8')]}"]
        {
            assert!(field(broken, "shape").and_then(tuple).is_none(), "{broken}");
            assert!(field(broken, "descr").and_then(quoted).is_none(), "{broken}");
        }
        let widths = ["u1", "<i8", ">i8", "<f4", "i", "<U5", "é1"].map(width);
        assert_eq!(widths, [Some(1), Some(8), None, None, None, None, None]);
    }
}
