//! Pictures packed for a renderer elsewhere, with what was drawn for each of their crops.
//!
//! Bytes are cheaper to move than crops of floats, and a device makes crops faster than processors do.
//! A large picture is rendered here nevertheless: as bytes it would take more memory than its crops,
//! and a batch of them more than any device has.

use std::sync::Arc;

use rayon::prelude::*;

use super::augment::CropParams;
use super::picture::Picture;

/// A picture takes at most this share of a part.
const SHARE: usize = 8;

/// What the renderer elsewhere has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the pictures of a part.
    pub bytes: usize,
    /// Pixels of a picture's longer side.
    pub side: u32,
}

/// The crops of a batch, most of them still to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packed {
    /// Pictures that fit together; the parts are made one after another.
    pub parts: Vec<Part>,
    /// Crops of pictures that were too large to pack.
    pub rendered: Vec<Rendered>,
}

/// Some pictures of a batch with their crops.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// The pictures, three bytes a pixel, row by row, each from a multiple of four on.
    pub bytes: Vec<u8>,
    /// What to make of them.
    pub crops: Vec<PackedCrop>,
}

/// A crop of a packed picture.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedCrop {
    /// The crop's group.
    pub group: usize,
    /// Its row in the group's tensor.
    pub row: usize,
    /// Where its picture begins in the bytes.
    pub offset: u32,
    /// Columns of its picture.
    pub picture_width: u32,
    /// What was drawn.
    pub params: CropParams,
}

/// A crop that is made already.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The crop's group.
    pub group: usize,
    /// Its row in the group's tensor.
    pub row: usize,
    /// `[size, size, 4·quads]` as [`super::render`] makes it.
    pub pixels: Vec<f32>,
}

/// A picture of a batch with its crops: the row in the tensor of the group, the group, the draws.
pub(super) struct Source {
    pub pixels: Arc<Picture>,
    pub crops: Vec<(usize, usize, CropParams)>,
}

/// Whether a picture is packed where there is `room`; a device knows only red, green and blue.
pub(super) fn fits(picture: &Picture, room: Room) -> bool {
    let (width, height) = picture.dimensions();
    picture.channels() == 3 && picture.samples().len() <= room.bytes / SHARE && width.max(height) <= room.side
}

/// Packs pictures in their order into parts of at most `room` bytes; `spare` gives used buffers.
pub(super) fn pack(sources: &[Source], room: usize, mut spare: impl FnMut() -> Vec<u8>) -> Vec<Part> {
    let padded = |source: &Source| source.pixels.samples().len().next_multiple_of(4);
    let mut parts = Vec::new();
    let mut rest = sources;
    while !rest.is_empty() {
        let mut length = 0;
        let fitting = rest.iter().take_while(|source| {
            length += padded(source);
            length <= room
        });
        let (here, later) = rest.split_at(fitting.count().max(1));
        let mut bytes = spare();
        bytes.resize(here.iter().map(padded).sum(), 0);
        let (mut places, mut left) = (Vec::new(), bytes.as_mut_slice());
        let (mut crops, mut offset) = (Vec::new(), 0);
        for source in here {
            let (place, after) = left.split_at_mut(padded(source));
            places.push(place);
            left = after;
            crops.extend(source.crops.iter().map(|(row, group, params)| PackedCrop {
                group: *group,
                row: *row,
                offset,
                picture_width: source.pixels.width(),
                params: params.clone(),
            }));
            offset += padded(source) as u32;
        }
        places.into_par_iter().zip(here).for_each(|(place, source)| {
            let pixels = source.pixels.samples();
            place[..pixels.len()].copy_from_slice(pixels);
            place[pixels.len()..].fill(0);
        });
        parts.push(Part { bytes, crops });
        rest = later;
    }
    parts
}
