//! Streams that are compressed as a whole: gzip, xz, bzip2 and zstd, told by their first bytes.

use std::io::{BufReader, Read};

use super::part::Part;
use crate::error::Result;

/// Memory that an xz stream may ask for, in KiB: its own presets stop at 65 MiB.
const XZ_MEMORY: u32 = 256 << 10;

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Xz,
    Bzip2,
    Zstd,
}

impl Packing {
    /// What the first bytes of a part say.
    pub(super) fn of(part: &Part) -> Option<Self> {
        let head = part.read(0, part.length.min(6) as usize).unwrap_or_default();
        match head.as_slice() {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41] => Some(Self::Bzip2),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The endings of names, and what is left of them without it.
    pub(super) fn plain_name(name: &str) -> String {
        let tar = [".tgz", ".txz", ".tbz2", ".tbz", ".tzst"]
            .into_iter()
            .find_map(|ending| name.strip_suffix(ending));
        let whole = [".gz", ".xz", ".bz2", ".zst"].into_iter().find_map(|ending| name.strip_suffix(ending));
        match (tar, whole) {
            (Some(stem), _) => format!("{stem}.tar"),
            (None, Some(stem)) => stem.to_owned(),
            (None, None) => name.to_owned(),
        }
    }

    /// A reader of what a part holds.
    pub(super) fn reader(self, part: &Part) -> Result<Box<dyn Read>> {
        let packed = BufReader::new(part.reader()?);
        Ok(match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, XZ_MEMORY)),
            Self::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(packed)),
            Self::Zstd => {
                let reader = zstd::stream::read::Decoder::with_buffer(packed);
                Box::new(reader.map_err(|error| part.wrong(format!("it cannot be unpacked: {error}")))?)
            }
        })
    }
}
