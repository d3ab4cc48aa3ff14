//! DICOM as X-ray, CT, MR and ultrasound devices write it: the values that were measured, not one window of them.
//!
//! The crates of dicom-rs read the file. What is here puts samples in order: the modality's slope and intercept are
//! applied (PS3.3 C.7.6.16.2.9), so that CT values are Hounsfield units and one `depth` fits a whole set, and
//! MONOCHROME1, where the least is white, is turned. The window that a viewer would open with is not applied: it
//! differs from file to file.

mod lengths;
#[cfg(test)]
mod tests;

use dicom_object::{DefaultDicomObject, OpenFileOptions, Tag};
use dicom_pixeldata::{
    DecodedPixelData, PhotometricInterpretation, PixelDecoder as _, PixelRepresentation, PlanarConfiguration,
};

use super::samples::{Kind, Samples, Values};

const FRAMES: Tag = Tag(0x0028, 0x0008);
const ROWS: Tag = Tag(0x0028, 0x0010);
const COLUMNS: Tag = Tag(0x0028, 0x0011);
const SAMPLES: Tag = Tag(0x0028, 0x0002);
const PIXELS: Tag = Tag(0x7fe0, 0x0010);

/// Bytes in front of a DICOM file's mark.
const PREAMBLE: usize = 128;

/// Whether bytes are those of a DICOM file.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.get(PREAMBLE..PREAMBLE + 4) == Some(b"DICM")
}

/// How many frames a file says that it has, at least one.
pub(super) fn frames(bytes: &[u8]) -> Result<usize, String> {
    lengths::check(&bytes[PREAMBLE..])?;
    let object =
        OpenFileOptions::new().read_until(PIXELS).from_reader(bytes).map_err(|error| damaged(&error))?;
    Ok(number(&object, FRAMES).unwrap_or(1).max(1) as usize)
}

/// One frame of a file. `check` refuses sizes before any pixel is unpacked.
pub(super) fn read(
    bytes: &[u8],
    frame: usize,
    check: impl Fn([u32; 2], usize) -> Result<(), String>,
) -> Result<Samples, String> {
    lengths::check(&bytes[PREAMBLE..])?;
    let object = OpenFileOptions::new().from_reader(bytes).map_err(|error| damaged(&error))?;
    if object.element_opt(PIXELS).ok().flatten().is_none() {
        return Err("the DICOM file holds no picture: it has no pixel data".into());
    }
    let [Some(height), Some(width)] = [ROWS, COLUMNS].map(|tag| number(&object, tag)) else {
        return Err("the DICOM file does not say its size: it is damaged".into());
    };
    check([width, height], number(&object, SAMPLES).unwrap_or(1).max(1) as usize)?;
    let pixels = u32::try_from(frame).ok().and_then(|frame| object.decode_pixel_data_frame(frame).ok());
    let pixels = pixels.ok_or_else(|| {
        format!(
            "its pixels cannot be unpacked: they are damaged, or stored in a way that is not read (transfer syntax \
             {}); export it as uncompressed DICOM (`dcmdjpeg`, `gdcmconv --raw`), PNG or TIFF",
            object.meta().transfer_syntax().trim_end_matches('\0')
        )
    })?;
    samples(&pixels)
}

fn number(object: &DefaultDicomObject, tag: Tag) -> Option<u32> {
    object.element_opt(tag).ok().flatten()?.to_int().ok()
}

fn damaged(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        (text, source) = (format!("{text}: {cause}"), cause.source());
    }
    format!("the DICOM file is damaged: {text}")
}

fn samples(pixels: &DecodedPixelData<'_>) -> Result<Samples, String> {
    use PhotometricInterpretation::{Monochrome1, Monochrome2, Rgb};
    let (width, height, channels) =
        (pixels.columns(), pixels.rows(), usize::from(pixels.samples_per_pixel()));
    let colours = match (pixels.photometric_interpretation(), channels) {
        (Monochrome1 | Monochrome2, 1) => 1,
        (Rgb, 3) => 3,
        (other, _) => {
            return Err(format!(
                "its colours are stored as {}, which is not read; export it as RGB or grey",
                other.as_str()
            ));
        }
    };
    let stored = Stored::of(pixels)?;
    let count = width as usize * height as usize * channels;
    let mut raw: Vec<i64> = pixels.data().chunks_exact(stored.bytes).map(|word| stored.value(word)).collect();
    if raw.len() != count {
        return Err(format!("its {} samples are not as many as its size says ({count})", raw.len()));
    }
    if channels == 3 && pixels.planar_configuration() == PlanarConfiguration::PixelFirst {
        raw = (0..count).map(|at| raw[at % 3 * (count / 3) + at / 3]).collect();
    }
    if matches!(pixels.photometric_interpretation(), Monochrome1) {
        let [low, high] = stored.range();
        raw.iter_mut().for_each(|value| *value = low + high - *value);
    }
    let rescale = pixels
        .rescale()
        .ok()
        .and_then(<[_]>::first)
        .map_or([1.0, 0.0], |found| [found.slope, found.intercept]);
    let (kind, values) = stored.samples(raw, rescale);
    Ok(Samples { width, height, channels, colours, alpha: false, kind, values })
}

/// How samples lie in their words.
struct Stored {
    bytes: usize,
    bits: u32,
    /// Bits below the lowest of a sample.
    below: u32,
    signed: bool,
}

impl Stored {
    fn of(pixels: &DecodedPixelData<'_>) -> Result<Self, String> {
        let bits = u32::from(pixels.bits_stored());
        let bytes = usize::from(pixels.bits_allocated().div_ceil(8));
        let below = (u32::from(pixels.high_bit()) + 1).checked_sub(bits);
        match below {
            Some(below) if matches!(bytes, 1 | 2 | 4) && bits > 0 && bits + below <= 8 * bytes as u32 => {
                Ok(Self {
                    bytes,
                    bits,
                    below,
                    signed: pixels.pixel_representation() == PixelRepresentation::Signed,
                })
            }
            _ => Err(format!("samples of {bits} bits in {bytes} bytes make no sense: it is damaged")),
        }
    }

    /// The value of a word, least byte first. What older files keep in the bits beside it is no part of it.
    fn value(&self, word: &[u8]) -> i64 {
        let word = word.iter().rev().fold(0i64, |word, &byte| word << 8 | i64::from(byte));
        let value = (word >> self.below) & ((1 << self.bits) - 1);
        if self.signed && value >> (self.bits - 1) == 1 { value - (1 << self.bits) } else { value }
    }

    fn range(&self) -> [i64; 2] {
        let half = 1 << (self.bits - 1);
        if self.signed { [-half, half - 1] } else { [0, 2 * half - 1] }
    }

    /// Whole numbers that begin at 0 stay so; all others become floats.
    fn samples(&self, raw: Vec<i64>, [slope, intercept]: [f64; 2]) -> (Kind, Values) {
        if !self.signed && [slope, intercept] == [1.0, 0.0] && self.bits <= 16 {
            let values = match self.bits {
                1..=8 => Values::U8(raw.into_iter().map(|value| value as u8).collect()),
                _ => Values::U16(raw.into_iter().map(|value| value as u16).collect()),
            };
            return (Kind::Unsigned(self.bits), values);
        }
        let values = raw.into_iter().map(|value| (value as f64 * slope + intercept) as f32).collect();
        (Kind::Signed(self.bits.max(9)), Values::F32(values))
    }
}
