//! numpy files of which each is one picture: (H, W, C), (C, H, W), or (H, W) for grey. What their folders mean
//! is as for picture files.

use std::collections::HashMap;
use std::path::PathBuf;

use super::super::dataset::Order;
use super::arrays::{Arrays, Block, Shape};
use super::layout;
use super::npy::{Array, complete, element, side};
use super::table::Table;
use crate::error::Result;

/// The shortest side that a picture is taken to have where the sizes must say what they mean.
const LEAST: u64 = 8;
/// Bands that a picture has at the most.
const BANDS: u64 = 64;

/// Whether the sizes of `arrays` say that each is one picture, and not many.
///
/// # Errors
/// Where they could be either.
pub(super) fn is_so(arrays: &[Array]) -> Result<bool> {
    let of = |dimensions: usize| arrays.iter().filter(move |array| array.sizes.len() == dimensions);
    if of(4).next().is_some() {
        return Ok(false);
    }
    if of(3).next().is_none() {
        let grey = |array: &Array| array.sizes.iter().all(|size| *size >= LEAST);
        return Ok(arrays.len() > 1 && of(2).count() == arrays.len() && of(2).all(grey));
    }
    let colours = |size: u64| matches!(size, 1 | 3 | 4);
    if of(3).all(|array| colours(array.sizes[2]) && array.sizes[0] >= LEAST && array.sizes[1] >= LEAST) {
        return Ok(true);
    }
    match of(3).next() {
        Some(Array { part, sizes, .. }) if of(3).count() > 1 && of(3).all(|array| colours(array.sizes[0])) => {
            Err(part.wrong(format!(
                "arrays of {sizes:?} are either {} grey pictures each or one picture of {} channels each: choose with \
                 `--source npy` or `--source npy-pictures`",
                sizes[0], sizes[0]
            )))
        }
        _ => Ok(false),
    }
}

/// Lists arrays as one picture each.
pub(super) fn list(arrays: &[Array]) -> Result<Table> {
    let mut blocks = HashMap::new();
    for array in arrays {
        blocks.insert(PathBuf::from(&array.part.name), block(array)?);
    }
    let layout = layout::read(arrays.iter().map(|array| PathBuf::from(&array.part.name)).collect());
    let blocks = layout.files.iter().filter_map(|file| blocks.remove(file)).collect();
    let pictures = Box::new(Arrays::new(blocks));
    Ok(Table {
        classes: layout.classes,
        labels: layout.labels,
        sides: layout.sides,
        pictures,
        notices: Vec::new(),
    })
}

fn block(array: &Array) -> Result<Block> {
    let element = element(array)?;
    complete(array, element.bytes() as u64)?;
    let colours = |size: u64| matches!(size, 1 | 3 | 4);
    let (height, width, channels, order) = match *array.sizes.as_slice() {
        [height, width] => (height, width, 1, Order::Interleaved),
        [height, width, channels] if colours(channels) => (height, width, channels, Order::Interleaved),
        [channels, height, width] if colours(channels) => (height, width, channels, Order::Planes),
        [height, width, bands] if bands <= BANDS.min(height).min(width) => {
            (height, width, bands, Order::Interleaved)
        }
        [bands, height, width] if bands <= BANDS.min(height).min(width) => {
            (height, width, bands, Order::Planes)
        }
        _ => (0, 0, 0, Order::Planes),
    };
    let (Some(height), Some(width), Some(channels)) = (side(height), side(width), side(channels)) else {
        return Err(array.part.wrong(format!(
            "an array of {:?} is not one picture: (height, width), or with the channels last or first",
            array.sizes
        )));
    };
    let shape = Shape { width, height, channels, order, element };
    Ok(Block { part: array.part.clone(), offset: array.offset, stride: 0, count: 1, shape })
}
