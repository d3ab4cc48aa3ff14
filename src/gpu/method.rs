//! The ways to make the matrix products of convolutions: families of kernels, the shapes of their register tiles, and the
//! classes of products that want the same.

use std::fmt;
use std::str::FromStr;

/// How a kernel spreads its operands over the invocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Operands in registers, spread by subgroup broadcast and read as texels: for CPU drivers with
    /// 8-wide subgroups, where each buffer load costs a loop over the lanes.
    Subgroup,
    /// Operands in workgroup-memory tiles: for GPUs.
    Tile,
    /// Operands straight from buffers into registers: for drivers that emulate workgroup memory.
    Direct,
    /// Products of half precision by the units for matrices that GPUs have (cooperative matrices); everything else as
    /// [`Family::Tile`].
    Matrix,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Subgroup, Self::Tile, Self::Direct, Self::Matrix];

    /// The word for it in flags and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subgroup => "subgroup",
            Self::Tile => "tile",
            Self::Direct => "direct",
            Self::Matrix => "matrix",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|family| family.name() == text);
        found.ok_or_else(|| format!("`{text}` is no family of kernels: subgroup, tile, direct or matrix"))
    }
}

/// The part of a result that one invocation keeps in registers, and the terms of a sum that a
/// workgroup keeps in its memory at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Geometry {
    /// Rows: 4 or 8.
    pub rows: u32,
    /// Columns: 4 or 8.
    pub columns: u32,
    /// Terms: 16 or 32; 0 without workgroup memory.
    pub depth: u32,
}

impl Geometry {
    /// What the tile kernels are made for: at most 16 KiB of workgroup memory and 128 invocations.
    pub const TILE: [Self; 5] = [
        Self { rows: 8, columns: 8, depth: 16 },
        Self { rows: 8, columns: 4, depth: 16 },
        Self { rows: 4, columns: 8, depth: 16 },
        Self { rows: 4, columns: 4, depth: 32 },
        Self { rows: 4, columns: 4, depth: 16 },
    ];

    /// What the direct kernels are made for.
    pub const DIRECT: [Self; 4] = [
        Self { rows: 8, columns: 8, depth: 0 },
        Self { rows: 8, columns: 4, depth: 0 },
        Self { rows: 4, columns: 8, depth: 0 },
        Self { rows: 4, columns: 4, depth: 0 },
    ];
}

/// A way to make a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Direct sums of the subgroup family.
    Subgroup,
    /// Direct sums of the tile family.
    Tile(Geometry),
    /// Direct sums of the direct family.
    Direct(Geometry),
    /// Winograd's F(2×2, 3×3), with the kernel that reads operands in the form at hand.
    Winograd,
    /// Direct sums by matrix units. Nobody chooses it: the matrix family makes every product of half precision so, and
    /// no other.
    Matrix,
}

impl Method {
    /// Every method to choose from that works on operands in the form that a family stages them in.
    #[must_use]
    pub fn all(family: Family) -> Vec<Self> {
        if family == Family::Subgroup {
            return vec![Self::Subgroup, Self::Winograd];
        }
        let tiles = Geometry::TILE.into_iter().map(Self::Tile);
        let direct = Geometry::DIRECT.into_iter().map(Self::Direct);
        tiles.chain(direct).chain([Self::Winograd]).collect()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Subgroup => "subgroup".to_owned(),
            Self::Tile(Geometry { rows, columns, depth }) => format!("tile-{rows}x{columns}x{depth}"),
            Self::Direct(Geometry { rows, columns, .. }) => format!("direct-{rows}x{columns}"),
            Self::Winograd => "winograd".to_owned(),
            Self::Matrix => "matrix".to_owned(),
        };
        f.pad(&text)
    }
}

/// What is computed of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `y = x ∗ w`.
    Forward,
    /// `dx = dy ∗ wᵀ`.
    BackwardInput,
    /// `dw += xᵀ ∗ dy`.
    BackwardWeight,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Forward, Self::BackwardInput, Self::BackwardWeight];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Forward => "forward",
            Self::BackwardInput => "backward_input",
            Self::BackwardWeight => "backward_weight",
        })
    }
}

/// Shapes that want the same kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Up to four input channels.
    Stem,
    /// 1×1 windows, linear layers among them.
    Pointwise,
    /// Larger windows with a stride.
    Strided,
    /// Larger windows without, up to 128 channels on either side.
    Shallow,
    /// The others.
    Deep,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Stem, Self::Pointwise, Self::Strided, Self::Shallow, Self::Deep];

    /// The class of a convolution from `channels` to `filters`.
    #[must_use]
    pub fn of(channels: u32, filters: u32, kernel: u32, stride: u32) -> Self {
        match (kernel, stride) {
            _ if channels <= 4 => Self::Stem,
            (1, _) => Self::Pointwise,
            (_, 2..) => Self::Strided,
            _ if channels.max(filters) <= 128 => Self::Shallow,
            _ => Self::Deep,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stem => "stem",
            Self::Pointwise => "pointwise",
            Self::Strided => "strided",
            Self::Shallow => "shallow",
            Self::Deep => "deep",
        })
    }
}
