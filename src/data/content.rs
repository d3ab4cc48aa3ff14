//! What a source gives of a picture, and the trait that a source implements.

use std::borrow::Cow;
use std::path::PathBuf;

use super::decode::Values;
use crate::error::Result;

/// The pictures of a source, read on request by any thread.
pub(super) trait Pictures: Send + Sync {
    /// The path of a picture below the set's folder, for messages and the gallery.
    fn name(&self, picture: u32) -> String;
    /// The bytes of a picture.
    fn read(&self, picture: u32) -> Result<Content<'_>>;
    /// The file that a picture is, with every byte of its name; `None` where it is a part of one.
    fn path(&self, _picture: u32) -> Option<PathBuf> {
        None
    }
}

/// A picture as a source has it.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// A picture file of any format.
    Encoded(Cow<'a, [u8]>),
    /// One page of a picture file that has several, numbered from 0.
    Page(Cow<'a, [u8]>, usize),
    /// Bare samples.
    Raw(Raw),
}

/// Bare samples.
#[derive(Debug)]
pub(super) struct Raw {
    /// width · height · channels of them.
    pub values: Values,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// 1 grey, 3 red green blue, 4 with transparency; any other number is bands.
    pub channels: u32,
    /// How they lie.
    pub order: Order,
}

/// How the samples of a picture lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Pixel by pixel, row by row: `[height, width, channels]`.
    Interleaved,
    /// Channel by channel, row by row: `[channels, height, width]`.
    Planes,
    /// Channel by channel, column by column: `[channels, width, height]`.
    Columns,
}

/// The file of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Original {
    /// A file of its own.
    File(PathBuf),
    /// A part of another file: what its own would hold. Bare samples come as PNG.
    Bytes {
        /// The contents.
        bytes: Vec<u8>,
        /// What the file's name should end with, without the dot.
        ending: &'static str,
    },
}
