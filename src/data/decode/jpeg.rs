//! What JPEG allows beyond other formats: decoding at a half, a quarter or an eighth of the size for less
//! work (fewer coefficients of each block are transformed), and telling a file that is cut short.

use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{Decoder, PixelFormat};

/// Whether the picture's end mark is there. Decoders fill what is missing with grey, which would be
/// trained on.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    // Segments up to the start of the scan: a thumbnail in one of them has an end mark of its own.
    loop {
        match bytes.get(at..at + 2) {
            Some([0xff, 0xff]) => at += 1,
            Some([0xff, 0x01 | 0xd0..=0xd8]) => at += 2,
            Some([0xff, 0xda]) => break,
            Some([0xff, _]) => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2),
                _ => return false,
            },
            // Bytes between segments are wrong, but decoders pass over them.
            Some(_) => at += 1,
            None => return false,
        }
    }
    bytes[at..].windows(2).rev().any(|pair| pair == [0xff, 0xd9])
}

/// The picture with its sides divided by `by` (2, 4 or 8, rounded up), or `None` where this decoder
/// cannot do it: it is then decoded in full.
pub(super) fn reduced(bytes: &[u8], by: u32) -> Option<DynamicImage> {
    let mut decoder = Decoder::new(bytes);
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    if !matches!(info.pixel_format, PixelFormat::L8 | PixelFormat::RGB24) {
        return None;
    }
    let wanted = |side: u16| u32::from(side).div_ceil(by) as u16;
    let (width, height) = decoder.scale(wanted(info.width), wanted(info.height)).ok()?;
    let (width, height) = (u32::from(width), u32::from(height));
    let samples = decoder.decode().ok()?;
    if info.pixel_format == PixelFormat::L8 {
        GrayImage::from_raw(width, height, samples).map(Into::into)
    } else {
        RgbImage::from_raw(width, height, samples).map(Into::into)
    }
}
