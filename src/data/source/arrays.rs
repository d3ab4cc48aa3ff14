//! Pictures that are stored as bare samples one after another, in one or several parts.

use super::super::dataset::{Content, Order, Pictures, Raw};
use super::super::decode::Values;
use super::part::Part;
use crate::error::Result;

/// What the samples of one picture mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: u32,
    pub(super) height: u32,
    /// 1 grey, 3 red green blue, 4 with transparency where they are bytes; anything else is bands.
    pub(super) channels: u32,
    pub(super) order: Order,
    pub(super) element: Element,
}

impl Shape {
    /// Samples of a picture, where that is a number that memory can hold.
    pub(super) fn samples(&self) -> Option<usize> {
        let pixels = u64::from(self.width) * u64::from(self.height);
        usize::try_from(pixels.checked_mul(u64::from(self.channels))?).ok().filter(|n| *n < 1 << 40)
    }
}

/// How a sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Bytes.
    U8,
    /// Two bytes, the highest first or last.
    U16 { big_endian: bool },
    /// Likewise with a sign.
    I16 { big_endian: bool },
    /// Floats of four bytes.
    F32 { big_endian: bool },
    /// Floats of eight bytes, of which half is kept.
    F64 { big_endian: bool },
}

impl Element {
    /// Bytes of a sample.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 { .. } | Self::I16 { .. } => 2,
            Self::F32 { .. } => 4,
            Self::F64 { .. } => 8,
        }
    }

    fn values(self, bytes: Vec<u8>) -> Values {
        fn all<const N: usize, T>(bytes: &[u8], big_endian: bool, of: impl Fn([u8; N]) -> T) -> Vec<T> {
            let little = |part: &[u8]| {
                let mut part: [u8; N] = std::array::from_fn(|i| part[i]);
                if big_endian {
                    part.reverse();
                }
                of(part)
            };
            bytes.chunks_exact(N).map(little).collect()
        }
        match self {
            Self::U8 => Values::U8(bytes),
            Self::U16 { big_endian } => Values::U16(all(&bytes, big_endian, u16::from_le_bytes)),
            Self::I16 { big_endian } => {
                Values::F32(all(&bytes, big_endian, |part| f32::from(i16::from_le_bytes(part))))
            }
            Self::F32 { big_endian } => Values::F32(all(&bytes, big_endian, f32::from_le_bytes)),
            Self::F64 { big_endian } => {
                Values::F32(all(&bytes, big_endian, |part| f64::from_le_bytes(part) as f32))
            }
        }
    }
}

/// Equal pictures in one part.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) part: Part,
    /// Where the samples of the first picture start.
    pub(super) offset: u64,
    /// Bytes from one picture to the next.
    pub(super) stride: u64,
    pub(super) count: u32,
    pub(super) shape: Shape,
}

/// Blocks of pictures, numbered through.
pub(super) struct Arrays {
    blocks: Vec<Block>,
    /// The number of each block's first picture.
    firsts: Vec<u32>,
}

impl Arrays {
    pub(super) fn new(blocks: Vec<Block>) -> Self {
        let mut next = 0u32;
        let first = |block: &Block| {
            let first = next;
            next = next.saturating_add(block.count);
            first
        };
        let firsts = blocks.iter().map(first).collect();
        Self { blocks, firsts }
    }

    /// The block of a picture and its number in there.
    fn find(&self, picture: u32) -> (&Block, u32) {
        let at = self.firsts.partition_point(|first| *first <= picture).saturating_sub(1);
        (&self.blocks[at], picture - self.firsts[at])
    }
}

impl Pictures for Arrays {
    fn name(&self, picture: u32) -> String {
        let (block, index) = self.find(picture);
        if block.count == 1 { block.part.name.clone() } else { format!("{}#{index}", block.part.name) }
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        let (block, index) = self.find(picture);
        let Shape { width, height, channels, order, element } = block.shape;
        let length = block.shape.samples().and_then(|samples| samples.checked_mul(element.bytes()));
        let length = length.ok_or_else(|| block.part.wrong("its pictures are too large"))?;
        let bytes = block.part.read(block.offset + block.stride * u64::from(index), length)?;
        Ok(Content::Raw(Raw { values: element.values(bytes), width, height, channels, order }))
    }
}
