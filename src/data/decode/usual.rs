//! The usual formats, by `image`: PNG, JPEG, WebP, GIF, BMP, PNM.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::samples::Samples;
use super::{Reading, jpeg, kind};

/// What a decoder may take for itself, in bytes.
const OWN: u64 = 64 << 20;

fn at_most(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

/// A picture in one of the usual formats: its samples, its size before reduction, how a camera was held.
pub(super) fn read(
    bytes: &[u8],
    reading: &Reading,
    check: impl Fn([u32; 2], usize) -> Result<(), String>,
) -> Result<(Samples, [u32; 2], Option<Orientation>), String> {
    let text = |error: image::ImageError| words(&error);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    let Some(format) = reader.format() else { return Err(kind::unread(bytes)) };
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err("the JPEG is cut short: its end mark is missing".into());
    }
    // Notes that are compressed to nothing must not unpack to gigabytes.
    reader.limits(at_most(OWN));
    let mut decoder = reader.into_decoder().map_err(text)?;
    let (width, height) = decoder.dimensions();
    check([width, height], 1)?;
    // Such a picture in 32-bit RGBA, and a fourth of it for the decoder.
    decoder.set_limits(at_most(OWN + 20 * u64::from(width) * u64::from(height))).map_err(text)?;
    // A broken note about orientation is no reason to refuse the pixels.
    let orientation = decoder.orientation().ok();
    let by = match reading.detail {
        Some(detail) if format == ImageFormat::Jpeg => detail.reduction(width, height),
        _ => 1,
    };
    let reduced = if by > 1 { jpeg::reduced(bytes, by) } else { None };
    let picture = match reduced {
        Some(picture) => picture,
        None => DynamicImage::from_decoder(decoder).map_err(text)?,
    };
    Ok((picture.into(), [width, height], orientation))
}

/// What the decoders of the usual formats say, in plain words: damage, or a kind that they do not read.
fn words(error: &image::ImageError) -> String {
    match error {
        image::ImageError::Unsupported(_) => {
            "it is of a kind of its format that is not read; save it again as PNG or 8-bit RGB".into()
        }
        image::ImageError::Limits(_) => {
            "decoding it takes more memory than its size allows: it is damaged".into()
        }
        other => format!("the file is damaged: {other}"),
    }
}
