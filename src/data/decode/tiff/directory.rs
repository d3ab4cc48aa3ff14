//! The directories of a TIFF file: tags with their values, classic and BigTIFF, of both byte orders.

use std::collections::HashSet;

/// Where numbers of a file lie and in which order its bytes are.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) big_endian: bool,
    /// BigTIFF: offsets and counts of 64 bits.
    wide: bool,
}

/// Tags of one page with their values.
pub(super) struct Directory<'a> {
    file: File<'a>,
    entries: Vec<Entry>,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where its values start.
    at: u64,
}

/// The tags that are asked for.
pub(super) mod tag {
    pub(in super::super) const SUBFILE: u16 = 254;
    pub(in super::super) const WIDTH: u16 = 256;
    pub(in super::super) const HEIGHT: u16 = 257;
    pub(in super::super) const BITS: u16 = 258;
    pub(in super::super) const COMPRESSION: u16 = 259;
    pub(in super::super) const PHOTOMETRIC: u16 = 262;
    pub(in super::super) const FILL_ORDER: u16 = 266;
    pub(in super::super) const STRIP_OFFSETS: u16 = 273;
    pub(in super::super) const ORIENTATION: u16 = 274;
    pub(in super::super) const SAMPLES: u16 = 277;
    pub(in super::super) const ROWS_PER_STRIP: u16 = 278;
    pub(in super::super) const STRIP_BYTES: u16 = 279;
    pub(in super::super) const PLANAR: u16 = 284;
    pub(in super::super) const T4_OPTIONS: u16 = 292;
    pub(in super::super) const PREDICTOR: u16 = 317;
    pub(in super::super) const COLOUR_MAP: u16 = 320;
    pub(in super::super) const TILE_WIDTH: u16 = 322;
    pub(in super::super) const TILE_HEIGHT: u16 = 323;
    pub(in super::super) const TILE_OFFSETS: u16 = 324;
    pub(in super::super) const TILE_BYTES: u16 = 325;
    pub(in super::super) const INK_SET: u16 = 332;
    pub(in super::super) const EXTRA_SAMPLES: u16 = 338;
    pub(in super::super) const SAMPLE_FORMAT: u16 = 339;
    pub(in super::super) const JPEG_TABLES: u16 = 347;
    pub(in super::super) const SUBSAMPLING: u16 = 530;
    pub(in super::super) const NO_DATA: u16 = 42113;
}

const CUT: &str = "the TIFF file is cut short or damaged: it points behind its end";

/// Directories that are followed at the most; a file of millions of them is hostile.
const MOST: usize = 100_000;

impl<'a> File<'a> {
    /// Whether bytes are those of a TIFF file.
    pub(super) fn is(bytes: &[u8]) -> bool {
        matches!(bytes.get(..4), Some(b"II\x2a\0" | b"MM\0\x2a" | b"II\x2b\0" | b"MM\0\x2b"))
    }

    /// The directories of its pages: reduced copies and masks, which viewers leave out, do not count
    /// where there is anything else. No more than `most` pages are looked for.
    pub(super) fn pages(bytes: &'a [u8], most: usize) -> Result<Vec<Directory<'a>>, String> {
        let file = File {
            bytes,
            big_endian: bytes.starts_with(b"MM"),
            wide: bytes.get(2..4).is_some_and(|two| two.contains(&0x2b)),
        };
        let mut next = if file.wide { file.number(8, 8)? } else { file.number(4, 4)? };
        let (mut seen, mut whole, mut reduced) = (HashSet::new(), Vec::new(), None);
        while next != 0 && whole.len() < most && seen.len() < MOST && seen.insert(next) {
            let (directory, following) = match file.directory(next) {
                Ok(read) => read,
                // What comes before a broken link can be used.
                Err(_) if !whole.is_empty() => break,
                Err(reason) => return Err(reason),
            };
            next = following;
            if directory.number(tag::SUBFILE)?.unwrap_or(0) & 0b101 == 0 {
                whole.push(directory);
            } else if reduced.is_none() {
                reduced = Some(directory);
            }
        }
        if whole.is_empty() {
            whole.extend(reduced);
        }
        if whole.is_empty() { Err("the TIFF file has no page".into()) } else { Ok(whole) }
    }

    /// A whole number of so many bytes.
    fn number(&self, at: u64, length: usize) -> Result<u64, String> {
        Ok(whole(self.part(at, length as u64)?, self.big_endian))
    }

    /// A part of the file.
    pub(super) fn part(&self, at: u64, length: u64) -> Result<&'a [u8], String> {
        let range = || {
            let (at, length) = (usize::try_from(at).ok()?, usize::try_from(length).ok()?);
            self.bytes.get(at..at.checked_add(length)?)
        };
        range().ok_or_else(|| CUT.to_owned())
    }

    /// The directory at an offset, and the offset of the next.
    fn directory(self, at: u64) -> Result<(Directory<'a>, u64), String> {
        let (head, size, word) = if self.wide { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(at, head)?;
        let first = at.checked_add(head as u64).ok_or(CUT)?;
        let length = count.checked_mul(size as u64).ok_or(CUT)?;
        let rows = self.part(first, length)?;
        let mut entries = Vec::with_capacity(rows.len() / size);
        for (row, place) in rows.chunks_exact(size).zip((first..).step_by(size)) {
            let of = |range: std::ops::Range<usize>| whole(&row[range], self.big_endian);
            let (kind, count) = (of(2..4) as u16, of(4..4 + word));
            let Some(width) = width(kind) else { continue };
            let fits = count.checked_mul(width as u64).is_some_and(|bytes| bytes <= word as u64);
            let at = if fits { place + 4 + word as u64 } else { of(4 + word..size) };
            entries.push(Entry { tag: of(0..2) as u16, kind, count, at });
        }
        // A file that ends with its last directory is common enough.
        let next = self.number(first + length, word).unwrap_or(0);
        Ok((Directory { file: self, entries }, next))
    }
}

impl<'a> Directory<'a> {
    pub(super) fn file(&self) -> File<'a> {
        self.file
    }

    fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// The bytes of a tag's values.
    pub(super) fn bytes(&self, tag: u16) -> Result<Option<&'a [u8]>, String> {
        let Some(entry) = self.find(tag) else { return Ok(None) };
        let length = entry.count.checked_mul(width(entry.kind).unwrap_or(1) as u64).ok_or(CUT)?;
        self.file.part(entry.at, length).map(Some)
    }

    /// All values of a tag that are whole numbers; none where the tag is not there or of another kind.
    pub(super) fn numbers(&self, tag: u16) -> Result<Vec<u64>, String> {
        let Some(entry) = self.find(tag) else { return Ok(Vec::new()) };
        if !matches!(entry.kind, 1 | 3 | 4 | 7 | 13 | 16 | 18) {
            return Ok(Vec::new());
        }
        let bytes = self.bytes(tag)?.unwrap_or_default();
        let one = |bytes| whole(bytes, self.file.big_endian);
        Ok(bytes.chunks_exact(width(entry.kind).unwrap_or(1)).map(one).collect())
    }

    /// The first value of a tag.
    pub(super) fn number(&self, tag: u16) -> Result<Option<u64>, String> {
        Ok(self.numbers(tag)?.first().copied())
    }
}

/// Bytes of a value of this kind; kinds that are not known are passed over.
fn width(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16..=18 => Some(8),
        _ => None,
    }
}

/// Up to eight bytes as one number.
pub(super) fn whole(bytes: &[u8], big_endian: bool) -> u64 {
    let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
}
