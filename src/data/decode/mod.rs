//! What a source has of a picture to 8-bit samples, whatever it was: grey, palette, CMYK, 16 bit, floats, with
//! transparency. Where three channels are wanted, one becomes three equal ones, so that grey pictures need no
//! other network; where one is wanted, colours become grey.
//!
//! Files come from strangers: the format is guessed from the bytes (extensions lie), the size is
//! checked before any pixel is decoded, and a decoder that panics makes one unreadable picture, not
//! a dead run. Unlike the official code, the orientation that a camera noted is applied.
//!
//! | file | what |
//! |---|---|
//! | `samples` | samples as a file holds them, and the one rule by which they become 8 bit |
//! | `depth` | the range of a set's samples |
//! | `jpeg` | decoding at reduced size, and telling a JPEG that is cut short |
//! | `usual` | PNG, JPEG and the others that `image` decodes |
//! | `tiff` | TIFF of every kind |
//! | `dicom` | DICOM, by the crates of dicom-rs |
//! | `heif` | HEIC and AVIF, where the program is built with libheif |
//! | `kind` | what is not read, in words |

mod depth;
mod dicom;
mod heif;
mod jpeg;
mod kind;
mod samples;
mod tiff;
mod usual;

use std::path::Path;

use image::Rgb;
use image::metadata::Orientation;

use super::augment::CropGroup;
use super::dataset::{Content, Order, Raw};
use super::guard::guarded;
use super::picture::{FIRST_BANDS, Picture, Shown};
use super::source::folder;
use crate::error::Error;
use samples::{Kind, Samples};

pub(super) use depth::find as find_depth;
pub(super) use kind::is_pointer;
pub(super) use samples::Values;
#[cfg(test)]
pub(super) use tiff::make;

/// How pictures are decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What transparent pictures are laid on: red, green, blue.
    pub background: [u8; 3],
    /// The most pixels that a picture may have; what is larger counts as unreadable.
    pub max_pixels: u64,
    /// What views take of a picture, so that a large JPEG need not be decoded in full; `None` decodes
    /// everything in full.
    pub detail: Option<Detail>,
    /// The values that become black and white where samples have more than 8 bits. With `None` a set finds them
    /// when it is opened, and a picture of no set is read by the whole range of its type, or 0 to 1 for floats.
    pub depth: Option<[f32; 2]>,
    /// The bands that make a picture, numbered from 1, as many as `channels`, or one for grey; none takes those
    /// that the file says are colours, or all of a file that has as many as `channels`.
    pub bands: Vec<usize>,
    /// The channels that every picture shall have. With 3 all become colours, with 1 all become grey, and with
    /// any other number a picture that has another is unreadable.
    pub channels: usize,
    /// The bands that a person is shown where there are more than three.
    pub shown: Shown,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            background: [255; 3],
            max_pixels: 100_000_000,
            detail: None,
            depth: None,
            bands: Vec::new(),
            channels: 3,
            shown: FIRST_BANDS,
        }
    }
}

/// How many pixels views can take of a picture. A JPEG that has at least twice as many to a side is
/// decoded at a half, a quarter or an eighth (its own blocks give these sizes for less work), such that
/// no crop and no view has to be enlarged for it. The choice depends on nothing but the picture's size
/// and these two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The side of a square of whose area the smallest crop still has its pixels.
    pub side: u32,
    /// What the shorter side must have.
    pub shorter: u32,
}

impl Detail {
    /// What crops and the evaluation's view, scaled to `resize` on the shorter side, take.
    #[must_use]
    pub fn of(crops: &[CropGroup], resize: u32) -> Self {
        // A box of the least area and a ratio of 3:4 has 0.87 of a square's side on its shorter one.
        let side =
            |group: &CropGroup| (group.size as f64 * (4.0 / 3.0 / group.scale[0]).sqrt()).ceil() as u32;
        let side = crops.iter().map(side).max().unwrap_or(u32::MAX);
        let largest = crops.iter().map(|group| group.size as u32).max().unwrap_or(0);
        Self { side, shorter: resize.max(largest) }
    }

    /// The number that a picture's sides are divided by: 1, 2, 4 or 8.
    #[must_use]
    pub fn reduction(self, width: u32, height: u32) -> u32 {
        let enough = |by: &u32| {
            let (width, height) = (width / by, height / by);
            u64::from(width) * u64::from(height) >= u64::from(self.side).pow(2)
                && width.min(height) >= self.shorter
        };
        [8, 4, 2].into_iter().find(enough).unwrap_or(1)
    }
}

/// A decoded picture, and what it was before.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The picture as it is trained on.
    pub pixels: Picture,
    /// Width and height before any reduction, orientation applied.
    pub size: [u32; 2],
    /// Channels that the file holds, transparency among them.
    pub channels: usize,
    /// Whether the last of them is transparency.
    pub alpha: bool,
    /// Bits of a channel: 1 to 64.
    pub bits: u32,
}

/// Decodes what a source has of a picture; the error is a reason without a name.
pub(super) fn picture(content: Content<'_>, reading: &Reading) -> Result<Decoded, String> {
    let (samples, size) = samples(content, reading)?;
    let (channels, alpha, bits) = (samples.channels, samples.alpha, samples.kind.bits());
    Ok(Decoded { pixels: samples.into_picture(reading)?, size, channels, alpha, bits })
}

/// Decodes a picture file that is of no set.
///
/// # Errors
/// [`Error::Data`] naming the path, where it cannot be read or is too large.
pub fn decode_file(path: &Path, reading: &Reading) -> crate::error::Result<Picture> {
    let decoded = picture(folder::read(path)?, reading);
    decoded.map(|decoded| decoded.pixels).map_err(|reason| Error::Data { path: path.to_owned(), reason })
}

/// The samples of a picture as they are stored, orientation applied, and its size before any reduction.
fn samples(content: Content<'_>, reading: &Reading) -> Result<(Samples, [u32; 2]), String> {
    match content {
        Content::Raw(raw) => bare(raw, reading),
        Content::Encoded(bytes) => guarded_page(&bytes, 0, reading),
        Content::Page(bytes, page) => guarded_page(&bytes, page, reading),
    }
}

fn guarded_page(bytes: &[u8], page: usize, reading: &Reading) -> Result<(Samples, [u32; 2]), String> {
    guarded(|| encoded(bytes, page, reading))
        .unwrap_or_else(|| Err("the decoder failed on this file: it is damaged".into()))
}

/// How many pages a picture file has: 1 of all formats but TIFF and DICOM, and of what cannot be read.
pub(super) fn pages(bytes: &[u8]) -> usize {
    let count = || match () {
        () if dicom::is(bytes) => dicom::frames(bytes),
        () if tiff::is(bytes) => tiff::glance(bytes).map(|glance| glance.pages),
        () => Ok(1),
    };
    guarded(count).and_then(Result::ok).unwrap_or(1)
}

/// Refuses a size that memory should not be asked for.
fn check_size([width, height]: [u32; 2], channels: usize, reading: &Reading) -> Result<(), String> {
    if width == 0 || height == 0 {
        return Err("the picture has no pixels".into());
    }
    let pixels = u64::from(width) * u64::from(height);
    // Four channels are what the limit has in mind.
    if pixels <= reading.max_pixels && pixels * channels as u64 > 4 * reading.max_pixels {
        return Err(format!(
            "{width}x{height} pixels of {channels} channels are more than four channels of {} megapixels; scale it \
             down, or raise `max_megapixels`",
            reading.max_pixels / 1_000_000
        ));
    }
    if pixels > reading.max_pixels {
        return Err(format!(
            "{width}x{height} pixels are more than the limit of {} megapixels; scale it down, or raise \
             `max_megapixels`",
            reading.max_pixels / 1_000_000
        ));
    }
    Ok(())
}

/// Pixels that a byte of a file holds at the most: deflate packs no more than 8256 single bits.
const DENSEST: u64 = 10_000;

/// The reason why a size was refused, with a doubt where so few bytes hardly hold so many pixels: then the
/// header is wrong, and no limit helps.
fn doubted(reason: String, [width, height]: [u32; 2], bytes: usize) -> String {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels / DENSEST < bytes as u64 {
        return reason;
    }
    format!("its header says {width}x{height} pixels, but the file has only {bytes} bytes: it is damaged")
}

fn encoded(bytes: &[u8], page: usize, reading: &Reading) -> Result<(Samples, [u32; 2]), String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    let check = |size: [u32; 2], channels| {
        check_size(size, channels, reading).map_err(|reason| doubted(reason, size, bytes.len()))
    };
    // The preamble of a DICOM file may be the head of a TIFF file, for programs that know only that.
    let (samples, size, orientation) = if dicom::is(bytes) {
        let samples = dicom::read(bytes, page, check)?;
        let size = [samples.width, samples.height];
        (samples, size, None)
    } else if tiff::is(bytes) {
        let (samples, orientation) = tiff::read(bytes, page, check)?;
        let size = [samples.width, samples.height];
        (samples, size, orientation)
    } else if heif::is(bytes) {
        let samples = heif::read(bytes, check)?;
        let size = [samples.width, samples.height];
        (samples, size, None)
    } else {
        usual::read(bytes, reading, check)?
    };
    let stored = [samples.width, samples.height];
    let samples = samples.turned(orientation.unwrap_or(Orientation::NoTransforms));
    let turned = stored != [samples.width, samples.height];
    Ok((samples, if turned { [size[1], size[0]] } else { size }))
}

fn blend(background: [u8; 3], [r, g, b, alpha]: [u8; 4]) -> Rgb<u8> {
    let alpha = u32::from(alpha);
    let mix = |over: u8, under: u8| {
        ((u32::from(over) * alpha + u32::from(under) * (255 - alpha) + 127) / 255) as u8
    };
    Rgb([mix(r, background[0]), mix(g, background[1]), mix(b, background[2])])
}

/// Puts bare samples in order.
fn bare(raw: Raw, reading: &Reading) -> Result<(Samples, [u32; 2]), String> {
    let Raw { values, width, height, channels, order } = raw;
    let (wide, high, deep) = (width as usize, height as usize, channels as usize);
    check_size([width, height], deep, reading)?;
    if values.len() != wide * high * deep || deep == 0 {
        return Err(format!(
            "{} samples are not a picture of {width}x{height} in {channels} channels",
            values.len()
        ));
    }
    let values = match order {
        Order::Interleaved => values,
        Order::Planes => values.placed(|at| at % deep * wide * high + at / deep),
        Order::Columns => values.placed(|at| (at % deep * wide + at / deep % wide) * high + at / deep / wide),
    };
    let kind = match values {
        Values::U8(_) => Kind::Unsigned(8),
        Values::U16(_) => Kind::Unsigned(16),
        Values::F32(_) => Kind::Float(32),
    };
    // Bytes only: four bands of anything else come from an instrument.
    let alpha = deep == 4 && matches!(values, Values::U8(_));
    let colours = if matches!(deep, 1 | 3) || alpha { deep - usize::from(alpha) } else { 0 };
    Ok((Samples { width, height, channels: deep, colours, alpha, kind, values }, [width, height]))
}

#[cfg(test)]
mod channel_tests;
#[cfg(test)]
mod tests;
