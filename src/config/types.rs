//! The types of settings that are more than a number: crops, and words out of a few.

use std::fmt;

use super::suggest::nearest;
use super::value::{Value, quoted};

/// A group of equal crops: `6x96@0.05-0.14` is six crops of 96×96 pixels, each cut from 5 to 14 % of
/// the picture's area.
#[derive(Clone, Debug, PartialEq)]
pub struct CropGroup {
    /// How many crops.
    pub count: usize,
    /// Their width and height in pixels.
    pub size: usize,
    /// The smallest and the largest share of the picture's area that a crop shows.
    pub scale: [f64; 2],
}

impl CropGroup {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not COUNTxSIZE@SCALE-SCALE; write 2x224@0.14-1 or 2x224@0.14-1,6x96@0.05-0.14"
            )
        };
        let (count, rest) = text.trim().split_once(['x', '×']).ok_or_else(wrong)?;
        let (size, scale) = rest.split_once('@').ok_or_else(wrong)?;
        // The dash of an exponent (1e-3-0.2) is not the one between: try each.
        let scale = scale.match_indices('-').find_map(|(at, _)| {
            let (lo, hi) = (f64::parse(&scale[..at]).ok()?, f64::parse(&scale[at + 1..]).ok()?);
            Some([lo, hi])
        });
        Ok(Self {
            count: usize::parse(count).map_err(|_| wrong())?,
            size: usize::parse(size).map_err(|_| wrong())?,
            scale: scale.ok_or_else(wrong)?,
        })
    }
}

impl fmt::Display for CropGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lo, hi] = self.scale.map(|share| share.show());
        write!(f, "{}x{}@{lo}-{hi}", self.count, self.size)
    }
}

impl Value for Vec<CropGroup> {
    const HINT: &'static str = "CROPS";

    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(CropGroup::parse).collect()
    }

    fn show(&self) -> String {
        self.iter().map(CropGroup::to_string).collect::<Vec<_>>().join(",")
    }

    fn toml(&self) -> String {
        quoted(&self.show())
    }
}

/// Declares an enum whose values are words: the type, its names, and how it is read and written.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in the order in which help lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it in flags and files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl $crate::config::Value for $name {
            const HINT: &'static str = "WORD";
            const CHOICES: &'static [&'static str] = &[$($word),+];

            fn parse(text: &str) -> Result<Self, String> {
                $crate::config::types::word(text, Self::CHOICES).map(|at| Self::ALL[at])
            }

            fn show(&self) -> String {
                self.name().to_owned()
            }

            fn toml(&self) -> String {
                $crate::config::value::quoted(self.name())
            }
        }
    };
}

pub(super) use words;

/// The place of a word among the allowed ones, or an error that lists them.
pub(super) fn word(typed: &str, choices: &[&'static str]) -> Result<usize, String> {
    choices.iter().position(|choice| *choice == typed.trim()).ok_or_else(|| {
        let near = nearest(typed, choices.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        format!("must be one of {}, not `{typed}`{}", choices.join(", "), near.unwrap_or_default())
    })
}

words! {
    /// A ResNet by its usual name.
    Arch {
        /// 18 layers, basic blocks.
        Resnet18 = "resnet18",
        /// 34 layers, basic blocks.
        Resnet34 = "resnet34",
        /// 50 layers, bottleneck blocks.
        Resnet50 = "resnet50",
        /// ResNet-50, twice as wide.
        Resnet50w2 = "resnet50w2",
        /// ResNet-50, four times as wide.
        Resnet50w4 = "resnet50w4",
        /// ResNet-50, five times as wide.
        Resnet50w5 = "resnet50w5",
    }
}

words! {
    /// The residual block of the trunk.
    Block {
        /// Two 3×3 convolutions.
        Basic = "basic",
        /// 1×1, 3×3 and 1×1 convolutions, four times as wide at the end.
        Bottleneck = "bottleneck",
    }
}

words! {
    /// The layers before the first block.
    Stem {
        /// 7×7 convolution of stride 2 and a max-pool: a quarter of the width.
        Imagenet = "imagenet",
        /// 3×3 convolution of stride 1: the full width.
        Cifar = "cifar",
        /// 3×3 convolution of stride 2: half of the width.
        Stride2 = "stride2",
    }
}

words! {
    /// The rule that turns gradients into steps.
    Optimizer {
        /// SGD with momentum, each tensor's step scaled to its norm.
        Larc = "larc",
        /// The same as SimCLR's and BYOL's authors have it: decay is added to the gradient before its norm is taken.
        Lars = "lars",
        /// SGD with momentum.
        Sgd = "sgd",
        /// Adam with decoupled weight decay.
        Adamw = "adamw",
    }
}

words! {
    /// Which pages of a file of several are pictures.
    Pages {
        /// Only the first.
        First = "first",
        /// Each is one.
        All = "all",
    }
}

words! {
    /// The family of kernels that make products.
    Kernels {
        /// What suits the adapter.
        Auto = "auto",
        /// Values spread between the lanes of a subgroup.
        Subgroup = "subgroup",
        /// Tiles in workgroup memory.
        Tile = "tile",
        /// Neither: operands go straight into registers.
        Direct = "direct",
        /// Matrix units, for products of half precision; the others in tiles.
        Matrix = "matrix",
    }
}

/// Where the kernels of single products come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tuned {
    /// What `swav-wgpu tune` has kept for the adapter, if it has.
    Auto,
    /// The usual ones of the family.
    Off,
    /// These, as a tuning writes them.
    Choices(String),
}

impl Value for Tuned {
    const HINT: &'static str = "auto|off|KERNELS";

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            other if other.contains('=') || Kernels::CHOICES[1..].contains(&other) => {
                Ok(Self::Choices(other.to_owned()))
            }
            other => Err(format!("must be auto, off, or the kernels of an earlier run, not `{other}`")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Off => "off".to_owned(),
            Self::Choices(text) => text.clone(),
        }
    }

    fn toml(&self) -> String {
        quoted(&self.show())
    }
}

words! {
    /// What holds the pictures.
    Source {
        /// What the path looks like.
        Auto = "auto",
        /// Picture files in folders.
        Folder = "folder",
        /// A text file with the path of a picture a line.
        List = "list",
        /// CIFAR-10: a folder of batches, binary or pickled, or the archive.
        Cifar10 = "cifar10",
        /// CIFAR-100, likewise.
        Cifar100 = "cifar100",
        /// STL-10: a folder of binary files, or the archive.
        Stl10 = "stl10",
        /// IDX files as of MNIST, compressed or not.
        Mnist = "mnist",
        /// Tar files of samples.
        Webdataset = "webdataset",
        /// Parquet files with a column of pictures.
        Parquet = "parquet",
        /// numpy arrays of many pictures each.
        Npy = "npy",
        /// numpy arrays of one picture each.
        NpyPictures = "npy-pictures",
        /// Zip archives of picture files.
        Zip = "zip",
        /// Arrow files with a column of pictures, as `save_to_disk` writes them.
        Arrow = "arrow",
    }
}

words! {
    /// Where the mean and deviation of pixels come from.
    Normalize {
        /// The settings `mean` and `std`.
        Given = "given",
        /// The pictures.
        Dataset = "dataset",
    }
}

words! {
    /// Who makes the crops.
    Augmenter {
        /// Whoever is faster.
        Auto = "auto",
        /// The processor.
        Cpu = "cpu",
        /// The graphics adapter.
        Gpu = "gpu",
    }
}

words! {
    /// How activations are stored.
    Precision {
        /// Single precision.
        F32 = "f32",
        /// Half precision, computed with in single precision.
        F16 = "f16",
    }
}
