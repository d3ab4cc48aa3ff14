//! TIFF as microscopes, scanners, satellites and presses write it: classic and BigTIFF, strips and tiles,
//! interleaved and planar, whole numbers of 1 to 64 bits and floats, grey, RGB, palette, CMYK, Lab, YCbCr
//! and any number of bands, packed by LZW, Deflate, PackBits, Zstandard, LZMA, JPEG, WebP or fax codes.
//!
//! Why our own: image-tiff refuses or panics on half of these. The codecs are crates; what is here reads
//! tags and puts samples in order. Source: TIFF 6.0 with its supplements, libtiff for what they leave open.
//!
//! | file | what |
//! |---|---|
//! | `directory` | the tags of each page |
//! | `page` | what they say of the pixels, checked |
//! | `unpack` | the codecs |
//! | `raster` | chunks to one raster of samples |
//! | `colour` | what the channels mean |
//! | `words` | what is not read, in words |

mod colour;
#[cfg(test)]
mod damage_tests;
mod directory;
#[cfg(test)]
pub(in crate::data) mod make;
mod page;
mod raster;
#[cfg(test)]
mod tests;
mod unpack;
mod words;

use image::metadata::Orientation;

use super::samples::{Samples, Values};
use directory::{File, tag};

/// Whether bytes are those of a TIFF file.
pub(super) fn is(bytes: &[u8]) -> bool {
    File::is(bytes)
}

/// What the tags tell at a glance.
pub(super) struct Glance {
    pub(super) pages: usize,
    /// Whether depth decides how the first page becomes 8 bit.
    pub(super) deep: bool,
    /// Bands beside red, green, blue and transparency.
    pub(super) extra: usize,
}

/// Reads the tags of the first page, and counts the others.
pub(super) fn glance(bytes: &[u8]) -> Result<Glance, String> {
    let pages = File::pages(bytes, usize::MAX)?;
    let first = pages.first().ok_or_else(String::new)?;
    let number = |tag, usual| first.number(tag).map(|found| found.unwrap_or(usual));
    let deep = number(tag::BITS, 1)? > 8 || number(tag::SAMPLE_FORMAT, 1)? != 1;
    let samples = usize::try_from(number(tag::SAMPLES, 1)?).unwrap_or(usize::MAX);
    let alpha = matches!(first.numbers(tag::EXTRA_SAMPLES)?.as_slice(), [1 | 2]);
    let colour = number(tag::PHOTOMETRIC, 0)? == 2;
    let extra = if colour { samples.saturating_sub(3 + usize::from(alpha)) } else { 0 };
    Ok(Glance { pages: pages.len(), deep, extra })
}

/// One page of a file, and how its camera was held. `check` refuses sizes before any pixel is unpacked.
pub(super) fn read(
    bytes: &[u8],
    number: usize,
    check: impl Fn([u32; 2], usize) -> Result<(), String>,
) -> Result<(Samples, Option<Orientation>), String> {
    let pages = File::pages(bytes, number + 1)?;
    let directory = pages.get(number).ok_or_else(|| format!("it has no page {}", number + 1))?;
    let size = page::size(directory)?;
    check(size, 1)?;
    let page = page::Page::of(directory)?;
    check(size, page.samples)?;
    let mut values = raster::read(&page)?;
    if let Values::F32(values) = &mut values {
        without_missing(directory, values)?;
    }
    let turned = directory.number(tag::ORIENTATION)?.and_then(|number| u8::try_from(number).ok());
    Ok((colour::samples(directory, &page, values)?, turned.and_then(Orientation::from_exif)))
}

/// Puts NaN for the number that stands for missing values in the files of GDAL.
fn without_missing(directory: &directory::Directory<'_>, values: &mut [f32]) -> Result<(), String> {
    let text = directory.bytes(tag::NO_DATA)?.unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    if let Ok(missing) = text.trim_matches(['\0', ' ']).parse::<f32>() {
        values.iter_mut().filter(|value| **value == missing).for_each(|value| *value = f32::NAN);
    }
    Ok(())
}
