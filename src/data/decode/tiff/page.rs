//! What a page's tags say of its pixels, checked once, so that nothing behind it has to doubt.

use super::directory::{Directory, File, tag};
use super::words;

/// What the bits of a sample mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Unsigned,
    Signed,
    Float,
}

/// How a page is stored.
pub(super) struct Page<'a> {
    pub(super) file: File<'a>,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Samples of a pixel.
    pub(super) samples: usize,
    /// Bits of a sample.
    pub(super) bits: u32,
    pub(super) format: Format,
    /// Whether each sample of the pixels has chunks of its own.
    pub(super) planar: bool,
    pub(super) photometric: u64,
    pub(super) compression: u64,
    pub(super) predictor: u64,
    /// Whether the bits of the stored bytes are in reverse order.
    pub(super) reversed: bool,
    pub(super) chunks: Chunks,
    pub(super) jpeg_tables: Option<&'a [u8]>,
    /// Luma samples to a chroma sample, across and down, where the chunks hold them so.
    pub(super) subsampling: Option<[usize; 2]>,
    /// Whether lines of fax data depend on the line before.
    pub(super) fax_2d: bool,
}

/// The grid of tiles or strips.
pub(super) struct Chunks {
    pub(super) tiled: bool,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) across: usize,
    pub(super) down: usize,
    /// Offset and length of each, plane by plane.
    pub(super) places: Vec<(u64, u64)>,
}

/// Width and height of a page.
pub(super) fn size(directory: &Directory<'_>) -> Result<[u32; 2], String> {
    let side = |tag| match directory.number(tag) {
        Ok(Some(side)) => u32::try_from(side).map_err(|_| "its size is not one of a picture".to_owned()),
        Ok(None) => Err("the TIFF file does not say its size: it is damaged".into()),
        Err(reason) => Err(reason),
    };
    Ok([side(tag::WIDTH)?, side(tag::HEIGHT)?])
}

impl<'a> Page<'a> {
    /// Reads and checks the tags; the size has been checked already.
    pub(super) fn of(directory: &Directory<'a>) -> Result<Self, String> {
        let [width, height] = size(directory)?.map(|side| side as usize);
        let number = |tag, usual| directory.number(tag).map(|found| found.unwrap_or(usual));
        let samples = number(tag::SAMPLES, 1)?;
        let samples = usize::try_from(samples).ok().filter(|samples| (1..=MOST).contains(samples));
        let samples = samples.ok_or_else(|| format!("it has no channel, or more than {MOST}"))?;
        let (bits, format) = (bits(directory)?, format(directory)?);
        check_kind(bits, format)?;
        let compression = number(tag::COMPRESSION, 1)?;
        if let Some(reason) = words::unread_compression(compression) {
            return Err(reason);
        }
        let photometric = number(tag::PHOTOMETRIC, u64::from(samples < 3) + 2 * u64::from(samples >= 3))?;
        if let Some(reason) = words::unread_colours(photometric) {
            return Err(reason);
        }
        let planar = samples > 1 && number(tag::PLANAR, 1)? == 2;
        let mut page = Self {
            file: directory.file(),
            width,
            height,
            samples,
            bits,
            format,
            planar,
            photometric,
            compression,
            predictor: number(tag::PREDICTOR, 1)?,
            reversed: number(tag::FILL_ORDER, 1)? == 2,
            chunks: chunks(directory, [width, height], if planar { samples } else { 1 }, compression)?,
            jpeg_tables: directory.bytes(tag::JPEG_TABLES)?,
            subsampling: None,
            fax_2d: number(tag::T4_OPTIONS, 0)? & 1 == 1,
        };
        if photometric == words::YCBCR && !matches!(compression, 7 | 50001) {
            let by = directory.numbers(tag::SUBSAMPLING)?;
            let by = [0, 1].map(|i| by.get(i).copied().unwrap_or(2) as usize);
            let plain = page.bits == 8 && page.samples == 3 && !page.planar && page.predictor == 1;
            if by != [1, 1] && (!plain || !by.iter().all(|by| matches!(by, 1 | 2 | 4))) {
                return Err(
                    "its YCbCr colours are subsampled in a way that is not read; write it as RGB".into()
                );
            }
            page.subsampling = (by != [1, 1]).then_some(by);
        }
        Ok(page)
    }

    /// Samples of a pixel in one chunk.
    pub(super) fn chunk_samples(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }
}

/// Channels that a file may have.
const MOST: usize = 4096;

fn bits(directory: &Directory<'_>) -> Result<u32, String> {
    let all = directory.numbers(tag::BITS)?;
    let first = all.first().copied().unwrap_or(1);
    if all.iter().any(|bits| *bits != first) {
        let list = all.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        return Err(format!("its channels have different numbers of bits ({list}); write all with the same"));
    }
    u32::try_from(first).map_err(|_| "it has samples of no known size".into())
}

fn format(directory: &Directory<'_>) -> Result<Format, String> {
    match directory.number(tag::SAMPLE_FORMAT)?.unwrap_or(1) {
        1 | 4 => Ok(Format::Unsigned),
        2 => Ok(Format::Signed),
        3 => Ok(Format::Float),
        5 | 6 => Err("its samples are complex numbers; write their magnitude".into()),
        _ => Err("its samples are of a kind that is not known".into()),
    }
}

fn check_kind(bits: u32, format: Format) -> Result<(), String> {
    let known = match format {
        Format::Unsigned => matches!(bits, 1..=16 | 24 | 32 | 64),
        Format::Signed => matches!(bits, 8 | 16 | 32 | 64),
        Format::Float => matches!(bits, 16 | 24 | 32 | 64),
    };
    let name = match format {
        Format::Unsigned => "whole numbers",
        Format::Signed => "signed whole numbers",
        Format::Float => "floats",
    };
    if known { Ok(()) } else { Err(format!("{name} of {bits} bits are not read; write 8 or 16 bits")) }
}

fn chunks(
    directory: &Directory<'_>,
    [width, height]: [usize; 2],
    planes: usize,
    compression: u64,
) -> Result<Chunks, String> {
    let tile = [tag::TILE_WIDTH, tag::TILE_HEIGHT].map(|tag| directory.number(tag));
    let [tile_width, tile_height] = [tile[0].clone()?, tile[1].clone()?];
    let (tiled, wide, high) = match (tile_width, tile_height) {
        (Some(wide), Some(high)) => (true, wide, high),
        _ => {
            let rows = directory.number(tag::ROWS_PER_STRIP)?.unwrap_or(u64::MAX);
            (false, width as u64, rows.min(height as u64))
        }
    };
    // Tiles are padded, but none is much larger than what it is a part of.
    let side = |side: u64, whole: usize| {
        usize::try_from(side).ok().filter(|side| (1..=whole.max(4096)).contains(side))
    };
    let (Some(wide), Some(high)) = (side(wide, width), side(high, height)) else {
        return Err("the size of its tiles or strips makes no sense: the TIFF file is damaged".into());
    };
    let tags =
        if tiled { [tag::TILE_OFFSETS, tag::TILE_BYTES] } else { [tag::STRIP_OFFSETS, tag::STRIP_BYTES] };
    let (offsets, mut lengths) = (directory.numbers(tags[0])?, directory.numbers(tags[1])?);
    if lengths.is_empty() && offsets.len() == 1 && compression == 1 {
        let end = directory.file().bytes.len() as u64;
        lengths.push(end.saturating_sub(offsets[0]));
    }
    let (across, down) = (width.div_ceil(wide), height.div_ceil(high));
    let wanted = across.checked_mul(down).and_then(|one| one.checked_mul(planes));
    if wanted.is_none_or(|wanted| offsets.len().min(lengths.len()) < wanted) {
        return Err("some of its tiles or strips are missing: the TIFF file is damaged".into());
    }
    let places = offsets.into_iter().zip(lengths).collect();
    Ok(Chunks { tiled, width: wide, height: high, across, down, places })
}
