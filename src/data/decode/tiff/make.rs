//! TIFF files for tests, written by the letter of the specification.

use super::directory::tag;

/// One page: its tags as (number, kind, values) and its chunks, packed already.
#[derive(Clone, Default)]
pub(crate) struct Page {
    pub(crate) tags: Vec<(u16, u16, Vec<u64>)>,
    pub(crate) chunks: Vec<Vec<u8>>,
    pub(crate) tiled: bool,
}

/// How a file is written.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Style {
    pub(crate) big_endian: bool,
    /// BigTIFF.
    pub(crate) wide: bool,
}

impl Page {
    /// A page of one strip of whole bytes.
    pub(crate) fn strip([width, height]: [u64; 2], bits: u64, samples: u64, bytes: Vec<u8>) -> Self {
        let photometric = if samples < 3 { 1 } else { 2 };
        Self { chunks: vec![bytes], ..Self::default() }
            .with(tag::WIDTH, 3, &[width])
            .with(tag::HEIGHT, 3, &[height])
            .with(tag::BITS, 3, &vec![bits; samples as usize])
            .with(tag::PHOTOMETRIC, 3, &[photometric])
            .with(tag::SAMPLES, 3, &[samples])
            .with(tag::ROWS_PER_STRIP, 3, &[height])
    }

    /// With a tag, in place of an earlier one of the same number.
    pub(crate) fn with(mut self, number: u16, kind: u16, values: &[u64]) -> Self {
        self.tags.retain(|(tag, ..)| *tag != number);
        self.tags.push((number, kind, values.to_vec()));
        self
    }

    /// With these chunks, as tiles where a size is given.
    pub(crate) fn chunked(mut self, chunks: Vec<Vec<u8>>, tile: Option<[u64; 2]>) -> Self {
        self.chunks = chunks;
        if let Some([width, height]) = tile {
            self.tiled = true;
            self = self.with(tag::TILE_WIDTH, 3, &[width]).with(tag::TILE_HEIGHT, 3, &[height]);
        }
        self
    }

    /// The file of this page.
    pub(crate) fn file(self) -> Vec<u8> {
        file(Style::default(), &[self])
    }
}

/// A number of so many bytes.
pub(crate) fn number(style: Style, value: u64, bytes: usize) -> Vec<u8> {
    let little = &value.to_le_bytes()[..bytes];
    if style.big_endian { little.iter().rev().copied().collect() } else { little.to_vec() }
}

/// A file of pages.
pub(crate) fn file(style: Style, pages: &[Page]) -> Vec<u8> {
    let word = if style.wide { 8 } else { 4 };
    let mut bytes = if style.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
    bytes.extend(number(style, if style.wide { 43 } else { 42 }, 2));
    if style.wide {
        bytes.extend(number(style, 8, 2));
        bytes.extend([0, 0]);
    }
    let mut link = bytes.len();
    bytes.extend(vec![0; word]);
    for page in pages {
        let mut places = (Vec::new(), Vec::new());
        for chunk in &page.chunks {
            places.0.push(if chunk.is_empty() { 0 } else { bytes.len() as u64 });
            places.1.push(chunk.len() as u64);
            bytes.extend(chunk);
        }
        let [offsets, lengths] = if page.tiled {
            [tag::TILE_OFFSETS, tag::TILE_BYTES]
        } else {
            [tag::STRIP_OFFSETS, tag::STRIP_BYTES]
        };
        let page = page.clone().with(offsets, 4, &places.0).with(lengths, 4, &places.1);
        let mut tags = page.tags;
        tags.sort_by_key(|(number, ..)| *number);
        let mut rows = Vec::new();
        for (tag, kind, values) in &tags {
            let width = match kind {
                1 | 2 | 7 => 1,
                3 => 2,
                4 => 4,
                _ => 8,
            };
            let mut stored: Vec<u8> = values.iter().flat_map(|value| number(style, *value, width)).collect();
            if stored.len() > word {
                let at = bytes.len() as u64;
                bytes.extend(&stored);
                stored = number(style, at, word);
            }
            stored.resize(word, 0);
            rows.extend(number(style, u64::from(*tag), 2));
            rows.extend(number(style, u64::from(*kind), 2));
            rows.extend(number(style, values.len() as u64, word));
            rows.extend(stored);
        }
        let at = bytes.len() as u64;
        bytes[link..link + word].copy_from_slice(&number(style, at, word));
        bytes.extend(number(style, tags.len() as u64, if style.wide { 8 } else { 2 }));
        bytes.extend(rows);
        link = bytes.len();
        bytes.extend(vec![0; word]);
    }
    bytes
}
