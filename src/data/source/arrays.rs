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
    /// 1 grey, 3 red green blue, 4 with transparency.
    pub(super) channels: u32,
    pub(super) order: Order,
}

impl Shape {
    /// Samples of a picture, where that is a number that memory can hold.
    pub(super) fn samples(&self) -> Option<usize> {
        let pixels = u64::from(self.width) * u64::from(self.height);
        usize::try_from(pixels.checked_mul(u64::from(self.channels))?).ok().filter(|n| *n < 1 << 40)
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
        format!("{}#{index}", block.part.name)
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        let (block, index) = self.find(picture);
        let Shape { width, height, channels, order } = block.shape;
        let length = block.shape.samples().ok_or_else(|| block.part.wrong("its pictures are too large"))?;
        let samples = block.part.read(block.offset + block.stride * u64::from(index), length)?;
        Ok(Content::Raw(Raw { values: Values::U8(samples), width, height, channels, order }))
    }
}
