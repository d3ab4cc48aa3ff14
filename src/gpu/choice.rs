//! Which kernels make the matrix products of convolutions: the families, the shapes of their register
//! tiles, and a choice for each operation and class of shapes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How a kernel spreads its operands over the invocations (PERFORMANCE: "Shape of the answer").
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

/// The kernels of a device: a family, which decides in which form operands are staged, and methods for
/// products where something better than the family's usual one is known.
///
/// As text: `tile; width=132; forward.deep=winograd; backward_weight.stem=direct-8x4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    family: Family,
    /// Workgroups of 128 invocations that keep the device busy, where that was measured.
    width: Option<u32>,
    methods: BTreeMap<(Operation, Class), Method>,
}

impl Choices {
    /// What a family usually does.
    #[must_use]
    pub fn usual(family: Family) -> Self {
        Self { family, width: None, methods: BTreeMap::new() }
    }

    /// One method wherever it can be.
    #[must_use]
    pub fn only(family: Family, method: Method) -> Self {
        let cases = Operation::ALL.into_iter().flat_map(|o| Class::ALL.map(|class| (o, class)));
        Self { family, width: None, methods: cases.map(|case| (case, method)).collect() }
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The method that is chosen for a product, if one is.
    #[must_use]
    pub fn method(&self, operation: Operation, class: Class) -> Option<Method> {
        self.methods.get(&(operation, class)).copied()
    }

    /// What messages call these kernels: the one method that makes every product, or the family.
    #[must_use]
    pub fn label(&self) -> String {
        let mut methods = self.methods.values();
        match methods.next() {
            Some(first) if methods.all(|method| method == first) => first.to_string(),
            _ => match self.width {
                Some(width) => format!("{}, width {width}", self.family),
                None => self.family.to_string(),
            },
        }
    }

    /// Workgroups of 128 invocations that keep the device busy, where that was measured. Products that make fewer take
    /// smaller tiles, and are cut into slices.
    #[must_use]
    pub fn width(&self) -> Option<u32> {
        self.width
    }

    /// The same for a device of that width.
    #[must_use]
    pub fn with_width(self, width: u32) -> Self {
        Self { width: Some(width), ..self }
    }

    /// How many products have a method of their own.
    #[must_use]
    pub fn chosen(&self) -> usize {
        self.methods.len()
    }

    /// Whether nothing is chosen but a family.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.methods.is_empty() && self.width.is_none()
    }

    /// The same with matrix units for what is half precision, where its other kernels read buffers.
    #[must_use]
    pub fn with_matrix_units(self) -> Self {
        let family = if self.family == Family::Subgroup { self.family } else { Family::Matrix };
        Self { family, ..self }
    }

    /// The same without matrix units.
    #[must_use]
    pub fn without_matrix_units(self) -> Self {
        let family = if self.family == Family::Matrix { Family::Tile } else { self.family };
        Self { family, ..self }
    }

    /// Chooses a method, which must be one of [`Method::all`] of the family.
    pub fn choose(&mut self, operation: Operation, class: Class, method: Method) {
        self.methods.insert((operation, class), method);
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.family)?;
        if let Some(width) = self.width {
            write!(f, "; width={width}")?;
        }
        self.methods.iter().try_for_each(|((o, class), method)| write!(f, "; {o}.{class}={method}"))
    }
}

impl FromStr for Choices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(';').map(str::trim);
        let family = parts.next().unwrap_or_default().parse()?;
        let mut choices = Self::usual(family);
        for part in parts {
            let wrong = || format!("`{part}` is not OPERATION.CLASS=METHOD of the {family} kernels");
            let (case, method) = part.split_once('=').ok_or_else(wrong)?;
            if case == "width" {
                let width = method.parse().ok().filter(|width| (1..=100_000).contains(width));
                choices.width = Some(width.ok_or_else(wrong)?);
                continue;
            }
            let (operation, class) = case.split_once('.').ok_or_else(wrong)?;
            choices.choose(
                named(Operation::ALL, operation).ok_or_else(wrong)?,
                named(Class::ALL, class).ok_or_else(wrong)?,
                named(Method::all(family), method).ok_or_else(wrong)?,
            );
        }
        Ok(choices)
    }
}

/// The one that is written so.
fn named<T: fmt::Display>(all: impl IntoIterator<Item = T>, text: &str) -> Option<T> {
    all.into_iter().find(|one| one.to_string() == text)
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
