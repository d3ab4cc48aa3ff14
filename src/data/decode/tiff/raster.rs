//! From chunks to one raster of samples: predictors undone, bits spread, tiles and planes put in place.

use super::super::samples::Values;
use super::directory::whole;
use super::page::{Format, Page};
use super::unpack::unpack;

/// Where a chunk lies in the picture.
struct Place {
    /// The first sample of its pixels: that of its plane.
    plane: usize,
    x: usize,
    y: usize,
    /// As it is stored, tiles with their padding.
    size: [usize; 2],
}

/// Every sample of a page, pixel by pixel.
pub(super) fn read(page: &Page<'_>) -> Result<Values, String> {
    let count = page.width * page.height * page.samples;
    let mut values = match (page.format, page.bits) {
        (Format::Unsigned, 1..=8) => Values::U8(vec![0; count]),
        (Format::Unsigned, 9..=16) => Values::U16(vec![0; count]),
        _ => Values::F32(vec![0.0; count]),
    };
    let chunks = &page.chunks;
    for (number, &(at, length)) in chunks.places.iter().enumerate() {
        let (plane, inside) =
            (number / (chunks.across * chunks.down), number % (chunks.across * chunks.down));
        if plane >= page.samples / page.chunk_samples() {
            break;
        }
        // GDAL leaves out chunks that are zero everywhere.
        if length == 0 {
            continue;
        }
        let (x, y) = (inside % chunks.across * chunks.width, inside / chunks.across * chunks.height);
        let high = if chunks.tiled { chunks.height } else { chunks.height.min(page.height - y) };
        let place = Place { plane, x, y, size: [chunks.width, high] };
        chunk(page, page.file.part(at, length)?, &place, &mut values)?;
    }
    Ok(values)
}

/// What a chunk may unpack to, in bytes: a tile of 4096 × 4096 pixels in four channels of 32 bits.
const LARGEST: usize = 256 << 20;

fn chunk(page: &Page<'_>, packed: &[u8], place: &Place, values: &mut Values) -> Result<(), String> {
    let [width, height] = place.size;
    let samples = width * page.chunk_samples();
    let stride = samples.checked_mul(page.bits as usize).map(|bits| bits.div_ceil(8));
    let length = match page.subsampling {
        Some([across, down]) => {
            width.div_ceil(across).checked_mul(height.div_ceil(down) * (across * down + 2))
        }
        None => stride.and_then(|stride| stride.checked_mul(height)),
    };
    let picture = page.width * page.height * page.chunk_samples() * page.bits.div_ceil(8) as usize;
    let (Some(stride), Some(length)) = (stride, length.filter(|length| *length <= LARGEST.max(2 * picture)))
    else {
        return Err("its tiles or strips are too large".into());
    };
    let bytes = unpack(page, packed, length, place.size)?;
    let bytes = match page.subsampling {
        Some(by) => spread(&bytes, place.size, by),
        None => bytes,
    };
    let rows = bytes.chunks_exact(stride.max(1)).take(page.height - place.y);
    let mut row = vec![0u64; samples];
    for (y, stored) in rows.enumerate() {
        numbers(page, stored, &mut row)?;
        let kept = width.min(page.width - place.x);
        put(page, &row, kept, ((place.y + y) * page.width + place.x) * page.samples + place.plane, values);
    }
    Ok(())
}

/// Fills in the chroma that groups of pixels share.
fn spread(bytes: &[u8], [width, height]: [usize; 2], [across, down]: [usize; 2]) -> Vec<u8> {
    let mut pixels = vec![0; 3 * width * height];
    let unit = across * down + 2;
    for (number, unit) in bytes.chunks_exact(unit).enumerate() {
        let groups = width.div_ceil(across);
        let (left, top) = (number % groups * across, number / groups * down);
        for (i, luma) in unit[..across * down].iter().enumerate() {
            let (x, y) = (left + i % across, top + i / across);
            if x < width && y < height {
                pixels[3 * (y * width + x)..][..3].copy_from_slice(&[
                    *luma,
                    unit[across * down],
                    unit[across * down + 1],
                ]);
            }
        }
    }
    pixels
}

/// The bits of each sample of a row as one number, with what a predictor took off put back.
fn numbers(page: &Page<'_>, stored: &[u8], row: &mut [u64]) -> Result<(), String> {
    let (bits, step) = (page.bits as usize, page.chunk_samples());
    // Decoded JPEG and WebP have no predictor.
    match if matches!(page.compression, 7 | 50001) { 1 } else { page.predictor } {
        3 if page.format == Format::Float => {
            float_rows(stored, bits / 8, step, row);
            return Ok(());
        }
        1 | 2 => {}
        other => return Err(format!("its predictor ({other}) is not known; write it without")),
    }
    if bits.is_multiple_of(8) {
        for (to, bytes) in row.iter_mut().zip(stored.chunks_exact(bits / 8)) {
            *to = whole(bytes, page.file.big_endian);
        }
    } else {
        // Narrow samples lie high bit first, whatever the order of bytes.
        let (mut held, mut count, mut next) = (0u64, 0, stored.iter());
        for to in row.iter_mut() {
            while count < bits {
                held = held << 8 | u64::from(next.next().copied().unwrap_or(0));
                count += 8;
            }
            count -= bits;
            *to = held >> count & ((1 << bits) - 1);
        }
    }
    if page.predictor == 2 && !matches!(page.compression, 7 | 50001) {
        let mask = u64::MAX >> (64 - bits);
        for at in step..row.len() {
            row[at] = row[at].wrapping_add(row[at - step]) & mask;
        }
    }
    Ok(())
}

/// The floats of a row whose bytes were put into planes, highest first, and then into differences.
fn float_rows(stored: &[u8], bytes: usize, step: usize, row: &mut [u64]) {
    let mut plain = stored.to_vec();
    for at in step..plain.len() {
        plain[at] = plain[at].wrapping_add(plain[at - step]);
    }
    let count = row.len();
    for (at, to) in row.iter_mut().enumerate() {
        *to = (0..bytes).fold(0, |number, plane| number << 8 | u64::from(plain[plane * count + at]));
    }
}

/// Writes `pixels` of a row from `at` on.
fn put(page: &Page<'_>, row: &[u64], pixels: usize, at: usize, values: &mut Values) {
    let (step, samples) = (page.chunk_samples(), page.samples);
    let places = (0..pixels).flat_map(|x| (0..step).map(move |c| (at + x * samples + c, x * step + c)));
    match values {
        Values::U8(values) => places.for_each(|(to, from)| values[to] = row[from] as u8),
        Values::U16(values) => places.for_each(|(to, from)| values[to] = row[from] as u16),
        Values::F32(values) => {
            let (format, bits) = (page.format, page.bits);
            places.for_each(|(to, from)| values[to] = float(row[from], format, bits));
        }
    }
}

/// What the bits of a sample stand for.
fn float(number: u64, format: Format, bits: u32) -> f32 {
    match (format, bits) {
        (Format::Unsigned, _) => number as f32,
        (Format::Signed, _) => ((number << (64 - bits)) as i64 >> (64 - bits)) as f32,
        (Format::Float, 16) => half::f16::from_bits(number as u16).to_f32(),
        // The upper three bytes of 32 bits, but with an exponent of seven bits and a mantissa of sixteen.
        (Format::Float, 24) => float24(number as u32),
        (Format::Float, 32) => f32::from_bits(number as u32),
        (Format::Float, _) => f64::from_bits(number) as f32,
    }
}

fn float24(bits: u32) -> f32 {
    let (sign, exponent, mantissa) = (bits >> 23 << 31, bits >> 16 & 0x7f, bits & 0xffff);
    match exponent {
        0 => f32::from_bits(sign | 0x3f80_0000) * mantissa as f32 * 2f32.powi(-62 - 16),
        0x7f => f32::from_bits(sign | 0x7f80_0000 | mantissa << 7),
        _ => f32::from_bits(sign | (exponent + 64) << 23 | mantissa << 7),
    }
}
