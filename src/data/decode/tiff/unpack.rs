//! The bytes of one chunk, unpacked: never more than were promised, whatever the packed ones say.

use std::io::{Cursor, Read};

use fax::Color;
use fax::decoder::{decode_g3, decode_g4, pels};
use weezl::{BitOrder, decode::Configuration};

use super::page::Page;

/// What a decoder of Zstandard or LZMA may take for the text that it looks back on, in bytes.
const WINDOW: u32 = 64 << 20;

/// Unpacks a chunk of `width` × `height` pixels whose samples take `length` bytes.
pub(super) fn unpack(
    page: &Page<'_>,
    packed: &[u8],
    length: usize,
    size: [usize; 2],
) -> Result<Vec<u8>, String> {
    let turned: Vec<u8>;
    let packed = if page.reversed && !matches!(page.compression, 7 | 50001) {
        turned = packed.iter().map(|byte| byte.reverse_bits()).collect();
        &turned
    } else {
        packed
    };
    let bytes = match page.compression {
        1 => packed.get(..length).map(<[u8]>::to_vec).unwrap_or_default(),
        3 if page.fax_2d => return Err("it is a fax of two dimensions (Group 3), which is not read".into()),
        3 | 4 => fax_lines(packed, page.compression, size)?,
        5 => lzw(packed, length),
        8 | 32946 => limited(flate2::read::ZlibDecoder::new(packed), length),
        32773 => pack_bits(packed, length),
        34925 => limited(lzma_rust2::XzReader::new_mem_limit(packed, true, WINDOW >> 10), length),
        50000 => {
            match ruzstd::decoding::StreamingDecoder::new_with_max_window_size(packed, u64::from(WINDOW)) {
                Ok(decoder) => limited(decoder, length),
                Err(_) => Vec::new(),
            }
        }
        7 => return jpeg(page, packed, size),
        50001 => return webp(page, packed, size),
        other => return Err(format!("compression {other} is not read")),
    };
    if bytes.len() < length {
        return Err("some of its pixels are missing: the TIFF file is cut short or damaged".into());
    }
    Ok(bytes)
}

/// What a reader gives before it fails or has given enough.
fn limited(reader: impl Read, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length.min(1 << 20));
    // A wrong sum at the end, behind all pixels, is no reason to refuse them; too few are.
    let _ = reader.take(length as u64).read_to_end(&mut bytes);
    bytes
}

fn lzw(packed: &[u8], length: usize) -> Vec<u8> {
    // Files of before TIFF 5 have the codes the other way round and without the early switch of their width.
    let mut decoder = if packed.starts_with(&[0]) && packed.get(1).is_some_and(|byte| byte & 1 == 1) {
        Configuration::new(BitOrder::Lsb, 8).build()
    } else {
        Configuration::with_tiff_size_switch(BitOrder::Msb, 8).with_yield_on_full_buffer(true).build()
    };
    let mut bytes = vec![0; length];
    let (mut from, mut to) = (0, 0);
    while to < length {
        let done = decoder.decode_bytes(&packed[from..], &mut bytes[to..]);
        (from, to) = (from + done.consumed_in, to + done.consumed_out);
        if !matches!(done.status, Ok(weezl::LzwStatus::Ok)) || done.consumed_in + done.consumed_out == 0 {
            break;
        }
    }
    bytes.truncate(to);
    bytes
}

fn pack_bits(packed: &[u8], length: usize) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(length.min(1 << 20)), packed);
    while let ([head, after @ ..], true) = (rest, bytes.len() < length) {
        let run = usize::from(*head);
        rest = match (run, after) {
            (128, _) => after,
            (0..128, _) => {
                let (run, after) = after.split_at(after.len().min(run + 1));
                bytes.extend_from_slice(run);
                after
            }
            (_, [value, after @ ..]) => {
                bytes.resize(bytes.len() + 257 - run, *value);
                after
            }
            _ => &[],
        };
    }
    bytes.truncate(length);
    bytes
}

/// Lines of fax data, black as ones.
fn fax_lines(packed: &[u8], compression: u64, [width, height]: [usize; 2]) -> Result<Vec<u8>, String> {
    let (Ok(wide), Ok(high)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err("a fax of more than 65,535 pixels to a side is not read".into());
    };
    let (stride, mut lines) = (width.div_ceil(8), Vec::new());
    let mut line = |ends: &[u16]| {
        if lines.len() >= stride * height {
            return;
        }
        let start = lines.len();
        lines.resize(start + stride, 0u8);
        for (x, colour) in pels(ends, wide).enumerate() {
            lines[start + x / 8] |= u8::from(colour == Color::Black) << (7 - x % 8);
        }
    };
    let input = packed.iter().copied();
    // What was decoded before an error counts; whether it is enough is seen by its length.
    let _ = if compression == 4 {
        decode_g4(input, wide, Some(high), &mut line)
    } else {
        decode_g3(input, &mut line)
    };
    Ok(lines)
}

/// A JPEG stream, of which the tables may stand apart, as `page.samples` channels.
fn jpeg(page: &Page<'_>, packed: &[u8], size: [usize; 2]) -> Result<Vec<u8>, String> {
    let broken = || "the JPEG inside is damaged, or of a kind that is not read".to_owned();
    let tables = page.jpeg_tables.unwrap_or_default();
    // The tables end and the stream begins with a mark that must not stand between them.
    let tables = tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables);
    let stream =
        if tables.is_empty() { packed } else { packed.strip_prefix(&[0xff, 0xd8]).unwrap_or(packed) };
    let mut decoder = jpeg_decoder::Decoder::new(tables.chain(stream));
    decoder.read_info().map_err(|_| broken())?;
    let info = decoder.info().ok_or_else(broken)?;
    let stored = [usize::from(info.width), usize::from(info.height)];
    check_inner(stored, size)?;
    decoder.set_color_transform(match (page.photometric, page.chunk_samples()) {
        (super::words::YCBCR, 3) => jpeg_decoder::ColorTransform::YCbCr,
        _ => jpeg_decoder::ColorTransform::None,
    });
    let samples = decoder.decode().map_err(|_| broken())?;
    let bytes = info.pixel_format.pixel_bytes();
    // One sample of 16 bits comes as two bytes.
    let wide = info.pixel_format == jpeg_decoder::PixelFormat::L16;
    if bytes / (1 + usize::from(wide)) != page.chunk_samples() || wide != (page.bits > 8) {
        return Err("the JPEG inside has other channels than the TIFF file says".into());
    }
    let mut kept = cropped(&samples, bytes, stored, size);
    if wide && page.file.big_endian != cfg!(target_endian = "big") {
        kept.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    }
    Ok(kept)
}

fn webp(page: &Page<'_>, packed: &[u8], size: [usize; 2]) -> Result<Vec<u8>, String> {
    let broken = |_| "the WebP inside is damaged".to_owned();
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(packed)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let stored = [width as usize, height as usize];
    check_inner(stored, size)?;
    let length = decoder.output_buffer_size().ok_or_else(|| "the WebP inside is too large".to_owned())?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(broken)?;
    let inside = if decoder.has_alpha() { 4 } else { 3 };
    let kept = cropped(&samples, inside, stored, size);
    if inside == page.chunk_samples() || page.chunk_samples() > 4 {
        return Ok(kept);
    }
    // An encoder leaves out a fourth channel that is full everywhere.
    let pixel = |pixel: &[u8]| {
        let full = [pixel[0], pixel[1], pixel[2], pixel.get(3).copied().unwrap_or(255)];
        full.into_iter().take(page.chunk_samples())
    };
    Ok(kept.chunks_exact(inside).flat_map(pixel).collect())
}

/// A picture inside a chunk must cover it, and not be much larger, so that no memory is asked for by lies.
fn check_inner(stored: [usize; 2], size: [usize; 2]) -> Result<(), String> {
    let fits = |(stored, wanted): (usize, usize)| stored >= wanted && stored <= wanted + 4096;
    if stored.into_iter().zip(size).all(fits) {
        return Ok(());
    }
    Err(format!("a picture of {}x{} stands inside for {}x{} pixels", stored[0], stored[1], size[0], size[1]))
}

/// The upper left of a picture whose pixels take so many bytes.
fn cropped(samples: &[u8], bytes: usize, [width, _]: [usize; 2], size: [usize; 2]) -> Vec<u8> {
    let rows = samples.chunks_exact((width * bytes).max(1)).take(size[1]);
    rows.flat_map(|row| &row[..size[0] * bytes]).copied().collect()
}
