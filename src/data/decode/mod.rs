//! What a source has of a picture to 8-bit RGB, whatever it was: grey, palette, CMYK, 16 bit, with
//! transparency. One channel becomes three equal ones, so that grey pictures need no other network.
//!
//! Files come from strangers: the format is guessed from the bytes (extensions lie), the size is
//! checked before any pixel is decoded, and a decoder that panics makes one unreadable picture, not
//! a dead run. Unlike the official code, the orientation that a camera noted is applied.

mod jpeg;
mod kind;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use super::augment::CropGroup;
use super::dataset::{Content, Order, Raw};

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
}

impl Default for Reading {
    fn default() -> Self {
        Self { background: [255; 3], max_pixels: 100_000_000, detail: None }
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
            |group: &CropGroup| (f64::from(group.size) * (4.0 / 3.0 / group.scale[0]).sqrt()).ceil() as u32;
        let side = crops.iter().map(side).max().unwrap_or(u32::MAX);
        let largest = crops.iter().map(|group| group.size).max().unwrap_or(0);
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
    pub pixels: RgbImage,
    /// Width and height before any reduction, orientation applied.
    pub size: [u32; 2],
    /// 1 grey, 2 grey with transparency, 3 colour, 4 colour with transparency.
    pub channels: u8,
    /// Bits of a channel: 8, 16 or 32.
    pub bits: u8,
}

/// Decodes what a source has of a picture; the error is a reason without a name.
pub(super) fn picture(content: Content<'_>, reading: &Reading) -> Result<Decoded, String> {
    match content {
        Content::Raw(raw) => bare(raw, reading),
        Content::Encoded(bytes) => catch_unwind(AssertUnwindSafe(|| encoded(&bytes, reading)))
            .unwrap_or_else(|_| Err("the decoder failed on this file".into())),
    }
}

/// Refuses a size that memory should not be asked for.
fn check_size(width: u32, height: u32, reading: &Reading) -> Result<(), String> {
    if width == 0 || height == 0 {
        return Err("the picture has no pixels".into());
    }
    if u64::from(width) * u64::from(height) > reading.max_pixels {
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

/// What a decoder may take for itself, in bytes.
const OWN: u64 = 64 << 20;

fn at_most(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

fn encoded(bytes: &[u8], reading: &Reading) -> Result<Decoded, String> {
    let text = |error: image::ImageError| error.to_string();
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    let Some(format) = reader.format() else { return Err(kind::unread(bytes)) };
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err("the JPEG is cut short: its end mark is missing".into());
    }
    // Notes that are compressed to nothing must not unpack to gigabytes.
    reader.limits(at_most(OWN));
    let mut decoder = reader.into_decoder().map_err(text)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, reading).map_err(|reason| doubted(reason, [width, height], bytes.len()))?;
    // Such a picture in 32-bit RGBA, and a fourth of it for the decoder.
    decoder.set_limits(at_most(OWN + 20 * u64::from(width) * u64::from(height))).map_err(text)?;
    // A broken note about orientation is no reason to refuse the pixels.
    let orientation = decoder.orientation().ok();
    let color = decoder.color_type();
    let by = match reading.detail {
        Some(detail) if format == ImageFormat::Jpeg => detail.reduction(width, height),
        _ => 1,
    };
    let reduced = if by > 1 { jpeg::reduced(bytes, by) } else { None };
    let mut picture = match reduced {
        Some(picture) => picture,
        None => DynamicImage::from_decoder(decoder).map_err(text)?,
    };
    let before = (picture.width(), picture.height());
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let turned = before != (picture.width(), picture.height());
    let size = if turned { [height, width] } else { [width, height] };
    let (channels, bits) =
        (color.channel_count(), (color.bits_per_pixel() / u16::from(color.channel_count())) as u8);
    let has_alpha = picture.color().has_alpha();
    let pixels = if has_alpha { laid_on(reading.background, picture) } else { picture.into_rgb8() };
    Ok(Decoded { pixels, size, channels, bits })
}

/// Lays a picture with transparency on a colour.
fn laid_on(background: [u8; 3], picture: DynamicImage) -> RgbImage {
    let picture = picture.into_rgba8();
    let mut opaque = RgbImage::new(picture.width(), picture.height());
    for (to, from) in opaque.pixels_mut().zip(picture.pixels()) {
        *to = blend(background, from.0);
    }
    opaque
}

fn blend(background: [u8; 3], [r, g, b, alpha]: [u8; 4]) -> Rgb<u8> {
    let alpha = u32::from(alpha);
    let mix = |over: u8, under: u8| {
        ((u32::from(over) * alpha + u32::from(under) * (255 - alpha) + 127) / 255) as u8
    };
    Rgb([mix(r, background[0]), mix(g, background[1]), mix(b, background[2])])
}

/// Puts bare samples in order.
fn bare(raw: Raw, reading: &Reading) -> Result<Decoded, String> {
    let Raw { samples, width, height, channels, order } = raw;
    check_size(width, height, reading)?;
    let (wide, high, deep) = (width as usize, height as usize, channels as usize);
    if samples.len() != wide * high * deep || !matches!(deep, 1 | 3 | 4) {
        return Err(format!(
            "{} samples are not a picture of {width}x{height} in {channels} channels",
            samples.len()
        ));
    }
    let at = |x: usize, y: usize, channel: usize| match order {
        Order::Interleaved => samples[(y * wide + x) * deep + channel],
        Order::Planes => samples[(channel * high + y) * wide + x],
        Order::Columns => samples[(channel * wide + x) * high + y],
    };
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        let of = |channel| at(x as usize, y as usize, channel);
        match deep {
            1 => Rgb([of(0); 3]),
            3 => Rgb([of(0), of(1), of(2)]),
            _ => blend(reading.background, [of(0), of(1), of(2), of(3)]),
        }
    });
    Ok(Decoded { pixels, size: [width, height], channels: channels as u8, bits: 8 })
}

#[cfg(test)]
mod tests;
