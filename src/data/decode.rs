//! Bytes of a picture file to 8-bit RGB, whatever it was: grey, palette, 16 bit, with transparency.
//!
//! Files come from strangers: the format is guessed from the bytes (extensions lie), the size is
//! checked before any pixel is decoded, and a decoder that panics makes one unreadable picture, not
//! a dead run. Unlike the official code, the orientation that a camera noted is applied.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};

use crate::error::{Error, Result};

/// The most pixels that a picture may have: 100 megapixels, 300 MB once decoded.
const MAX_PIXELS: u64 = 100_000_000;
/// The most that a decoder may allocate: such a picture in 16-bit RGBA, and its own buffers.
const MAX_BYTES: u64 = 2 << 30;

/// Reads a picture file. Errors are [`Error::Data`] with the path.
pub fn from_file(path: &Path) -> Result<RgbImage> {
    let bytes = std::fs::read(path).map_err(|error| bad(path, error.to_string()))?;
    from_bytes(&bytes, path)
}

/// Decodes the bytes of a picture file; `path` is for the message.
pub(super) fn from_bytes(bytes: &[u8], path: &Path) -> Result<RgbImage> {
    match catch_unwind(AssertUnwindSafe(|| decode(bytes))) {
        Ok(decoded) => decoded.map_err(|reason| bad(path, reason)),
        Err(_) => Err(bad(path, "the decoder failed on this file".into())),
    }
}

fn bad(path: &Path, reason: String) -> Error {
    Error::Data { path: path.to_owned(), reason }
}

fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    let text = |error: image::ImageError| error.to_string();
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    if reader.format().is_none() {
        return Err(
            "this is not a picture in a format that is understood (PNG, JPEG, WebP, GIF, BMP, TIFF)".into()
        );
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(text)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err("the picture has no pixels".into());
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "{width}x{height} pixels are more than the limit of 100 megapixels; scale it down"
        ));
    }
    // A broken note about orientation is no reason to refuse the pixels.
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(text)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    Ok(if picture.color().has_alpha() { on_white(picture) } else { picture.into_rgb8() })
}

/// Lays a picture with transparency on white, as a page would show it.
fn on_white(picture: DynamicImage) -> RgbImage {
    let picture = picture.into_rgba8();
    let mut opaque = RgbImage::new(picture.width(), picture.height());
    for (to, from) in opaque.pixels_mut().zip(picture.pixels()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            to[channel] = ((u32::from(from[channel]) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
    }
    opaque
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::encode;
    use image::{ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};

    fn read(picture: impl Into<DynamicImage>, format: ImageFormat) -> RgbImage {
        from_bytes(&encode(picture, format), Path::new("x")).unwrap()
    }

    #[test]
    fn every_kind_of_pixel_becomes_rgb() {
        let grey = ImageBuffer::from_pixel(3, 2, Luma([77u8]));
        assert_eq!(read(grey.clone(), ImageFormat::Png).get_pixel(2, 1), &Rgb([77, 77, 77]));
        let deep = ImageBuffer::from_pixel(3, 2, Rgb([0u16, 0x8080, 0xffff]));
        assert_eq!(read(deep.clone(), ImageFormat::Png).get_pixel(0, 0), &Rgb([0, 128, 255]));
        assert_eq!(read(deep, ImageFormat::Tiff).get_pixel(0, 0), &Rgb([0, 128, 255]));
        let clear = ImageBuffer::from_pixel(3, 2, Rgba([10u8, 20, 30, 0]));
        assert_eq!(read(clear.clone(), ImageFormat::Png).get_pixel(0, 0), &Rgb([255, 255, 255]));
        assert_eq!(read(clear.clone(), ImageFormat::WebP).get_pixel(0, 0), &Rgb([255, 255, 255]));
        assert_eq!(read(clear, ImageFormat::Gif).get_pixel(0, 0), &Rgb([255, 255, 255]));
        let half = ImageBuffer::from_pixel(3, 2, LumaA([0u8, 128]));
        assert_eq!(read(half, ImageFormat::Png).get_pixel(0, 0), &Rgb([127, 127, 127]));
        assert_eq!(read(grey.clone(), ImageFormat::Jpeg).get_pixel(1, 1), &Rgb([77, 77, 77]));
        assert_eq!(read(grey, ImageFormat::Bmp).dimensions(), (3, 2));
    }

    #[test]
    fn damaged_and_huge_files_are_named() {
        let fail = |bytes: &[u8]| from_bytes(bytes, Path::new("some/cat.png")).unwrap_err().to_string();
        assert!(fail(b"").contains("some/cat.png"));
        assert!(fail(b"not a picture").contains("not a picture in a format"));
        let mut png = encode(RgbImage::new(9, 9), ImageFormat::Png);
        png.truncate(png.len() / 2);
        assert!(fail(&png).starts_with("some/cat.png: "));
        // A header that promises 20,000 × 20,000 pixels is refused before they are allocated.
        let mut bmp = encode(RgbImage::new(1, 1), ImageFormat::Bmp);
        bmp[18..22].copy_from_slice(&20_000u32.to_le_bytes());
        bmp[22..26].copy_from_slice(&20_000u32.to_le_bytes());
        let message = fail(&bmp);
        assert!(message.contains("20000x20000") && message.contains("100 megapixels"), "{message}");
    }
}
