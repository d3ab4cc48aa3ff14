//! A shaped handle on bytes of the arena.

use std::sync::Arc;

use super::arena::Lease;

/// How the values of a tensor are stored. Kernels compute in single precision whatever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Element {
    /// Single precision.
    #[default]
    F32,
    /// Half precision: activations and their gradients where memory and its bandwidth are short.
    F16,
}

impl Element {
    /// Bytes of four values.
    #[must_use]
    pub fn quad_bytes(self) -> u64 {
        match self {
            Self::F32 => 16,
            Self::F16 => 8,
        }
    }

    /// What the names of kernels end with that see such tensors.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::F32 => "",
            Self::F16 => ".f16",
        }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        })
    }
}

/// Rows of channels: NHWC pictures, or a matrix where height and width are 1.
///
/// Channels are stored padded to a multiple of four, and the padding is zero everywhere and always,
/// so kernels read and write whole quads without a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Pictures, or rows of a matrix.
    pub images: u32,
    /// Pixel rows.
    pub height: u32,
    /// Pixel columns.
    pub width: u32,
    /// Channels that mean something.
    pub channels: u32,
    /// How values are stored.
    pub element: Element,
}

impl Shape {
    /// Pictures `[images, height, width, channels]` in single precision.
    #[must_use]
    pub fn pictures(images: u32, height: u32, width: u32, channels: u32) -> Self {
        Self { images, height, width, channels, element: Element::F32 }
    }

    /// The same values, stored as `element`.
    #[must_use]
    pub fn stored(self, element: Element) -> Self {
        Self { element, ..self }
    }

    /// A matrix `[rows, channels]` in single precision.
    #[must_use]
    pub fn matrix(rows: u32, channels: u32) -> Self {
        Self::pictures(rows, 1, 1, channels)
    }

    /// Pixels in all: the rows of the matrix that a kernel sees.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.images * self.height * self.width
    }

    /// Quads a row.
    #[must_use]
    pub fn quads(&self) -> u32 {
        self.channels.div_ceil(4)
    }

    /// Quads in all.
    #[must_use]
    pub fn total_quads(&self) -> u32 {
        self.rows() * self.quads()
    }

    /// Bytes in all, padding included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::from(self.rows()) * u64::from(self.quads()) * self.element.quad_bytes()
    }

    /// Values in all, padding included.
    #[must_use]
    pub fn values(&self) -> usize {
        self.rows() as usize * self.quads() as usize * 4
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { images, height, width, channels, .. } = self;
        match (height, width) {
            (1, 1) => write!(f, "{images} × {channels}"),
            _ => write!(f, "{images} × {height} × {width} × {channels}"),
        }
    }
}

/// A handle on `shape.bytes()` bytes. Cheap to clone; when the last handle of a recording is dropped,
/// the bytes can be used by what is recorded next.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub(super) lease: Arc<Lease>,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// What the bytes mean.
    pub shape: Shape,
}

/// Where a tensor's bytes are, without the right to keep them: what a recorded command needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// The number of the lease.
    pub(super) lease: usize,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Tensor {
    pub(super) fn region(&self) -> Region {
        Region { lease: self.lease.number, offset: self.offset, bytes: self.bytes }
    }

    /// A part of this tensor's bytes, starting `offset` bytes in (a multiple of 256).
    #[must_use]
    pub fn part(&self, offset: u64, shape: Shape) -> Self {
        debug_assert!(
            offset.is_multiple_of(256) && offset + shape.bytes() <= self.bytes,
            "a part lies within its tensor"
        );
        Self { lease: Arc::clone(&self.lease), offset: self.offset + offset, bytes: shape.bytes(), shape }
    }

    /// The same bytes under another shape of the same size.
    #[must_use]
    pub fn reshaped(&self, shape: Shape) -> Self {
        debug_assert_eq!(shape.bytes(), self.bytes, "a reshape keeps the size");
        Self { shape, ..self.clone() }
    }
}
