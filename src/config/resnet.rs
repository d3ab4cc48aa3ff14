//! A ResNet, described once: its convolutions by name and shape, in the order of torchvision's `resnet.py`.
//!
//! The trunk on the device, the count of its operations, the ONNX graph and the benches all walk along this.

use super::types::{Arch, Block, Stem};
use std::fmt;

/// The shape of a ResNet trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrunkSpec {
    /// The kind of residual block.
    pub block: Block,
    /// How many blocks each of the four stages has.
    pub blocks: [usize; 4],
    /// The channels of the first stage's 3×3 convolutions; each later stage doubles them.
    pub width: usize,
}

/// What of a trunk the features of a picture are: the output of a stage, averaged over each cell of a grid.
///
/// The last stage and a single cell are the pooled features of the papers. An earlier stage and a finer grid keep where in
/// a picture something is, as networks have long been judged beside that (Zhang et al. 2016, arXiv 1603.08511; Goyal et
/// al. 2019, arXiv 1905.01235). Cells are those of PyTorch's `adaptive_avg_pool2d`, and so is the order: channel, row, column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readout {
    /// The stage, 1 to 4.
    pub stage: usize,
    /// Rows of the grid, and columns.
    pub grid: usize,
}

impl Default for Readout {
    fn default() -> Self {
        Self { stage: 4, grid: 1 }
    }
}

impl fmt::Display for Readout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, grid } = self;
        match grid {
            1 => write!(f, "stage {stage}, globally averaged"),
            _ => write!(f, "stage {stage} on a grid of {grid}×{grid}"),
        }
    }
}

/// A convolution without bias and the batch norm behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvUnit {
    /// The name of the convolution, such as `layer1.0.conv2`.
    pub conv: String,
    /// The name of the batch norm, such as `layer1.0.bn2`.
    pub norm: String,
    /// Channels of its input.
    pub channels: usize,
    /// Channels of its output.
    pub filters: usize,
    /// Side of the window.
    pub kernel: usize,
    /// How far the window moves.
    pub stride: usize,
}

/// A residual block: units one after another with ReLUs between, and a shortcut around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residual {
    /// Its name, such as `layer1.0`.
    pub name: String,
    /// Two units of a basic block, three of a bottleneck.
    pub units: Vec<ConvUnit>,
    /// The unit on the shortcut, where input and output differ in shape.
    pub shortcut: Option<ConvUnit>,
}

/// All of a trunk but its average pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The first unit.
    pub stem: ConvUnit,
    /// Whether a max-pool of 3×3 with stride 2 follows.
    pub pool: bool,
    /// The blocks of all stages.
    pub blocks: Vec<Residual>,
}

impl ConvUnit {
    /// Zeros around the input: half the window, so that only the stride makes a picture smaller.
    #[must_use]
    pub fn pad(&self) -> usize {
        self.kernel / 2
    }

    /// Side of the output for a side of the input.
    #[must_use]
    pub fn side(&self, input: usize) -> usize {
        input.div_ceil(self.stride)
    }
}

impl TrunkSpec {
    /// Channels of the last stage's output: the length of the globally pooled feature vector.
    #[must_use]
    pub fn features(&self) -> usize {
        self.channels(4)
    }

    /// Channels of a stage's output.
    #[must_use]
    pub fn channels(&self, stage: usize) -> usize {
        (self.width << (stage - 1)) * self.block.expansion()
    }

    /// The length of the feature vector that `readout` gives.
    #[must_use]
    pub fn length(&self, readout: Readout) -> usize {
        self.channels(readout.stage) * readout.grid * readout.grid
    }

    /// Side of a stage's output for views of so many pixels.
    #[must_use]
    pub fn side(&self, stem: Stem, stage: usize, view: usize) -> usize {
        let Layout { stem, pool, .. } = self.layout(stem, 1);
        let halved = usize::from(pool) + stage - 1;
        (0..halved).fold(stem.side(view), |side, _| side.div_ceil(2))
    }

    /// The readout of views of so many pixels that comes nearest: no more cells than the stage has pixels.
    #[must_use]
    pub fn fitting(&self, stem: Stem, readout: Readout, view: usize) -> Readout {
        let stage = readout.stage.clamp(1, 4);
        Readout { stage, grid: readout.grid.clamp(1, self.side(stem, stage, view).max(1)) }
    }

    /// The trunk for pictures of so many `channels`.
    #[must_use]
    pub fn layout(&self, stem: Stem, channels: usize) -> Layout {
        let (kernel, stride) = match stem {
            Stem::Imagenet => (7, 2),
            Stem::Cifar => (3, 1),
            Stem::Stride2 => (3, 2),
        };
        let first = |filters| ConvUnit {
            conv: "conv1".to_owned(),
            norm: "bn1".to_owned(),
            channels,
            filters,
            kernel,
            stride,
        };
        let (mut blocks, mut from) = (Vec::new(), self.width);
        for (stage, &count) in self.blocks.iter().enumerate() {
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let block = self.block.residual(
                    format!("layer{}.{block}", stage + 1),
                    from,
                    self.width << stage,
                    stride,
                );
                from = block.units.last().map_or(from, |unit| unit.filters);
                blocks.push(block);
            }
        }
        Layout { stem: first(self.width), pool: stem == Stem::Imagenet, blocks }
    }
}

impl Block {
    /// Channels of a block's output for one of its 3×3 convolution.
    fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }

    /// A block whose 3×3 convolutions have `width` channels; the first of them takes the stride.
    fn residual(self, name: String, channels: usize, width: usize, stride: usize) -> Residual {
        let out = width * self.expansion();
        // Channels in, channels out, side of the window, stride.
        let shapes = match self {
            Self::Basic => vec![(channels, width, 3, stride), (width, out, 3, 1)],
            Self::Bottleneck => vec![(channels, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)],
        };
        let unit = |conv, norm, (channels, filters, kernel, stride)| ConvUnit {
            conv: format!("{name}.{conv}"),
            norm: format!("{name}.{norm}"),
            channels,
            filters,
            kernel,
            stride,
        };
        let units =
            (1..).zip(shapes).map(|(i, shape)| unit(format!("conv{i}"), format!("bn{i}"), shape)).collect();
        let shortcut = (stride != 1 || channels != out)
            .then(|| unit("downsample.0".to_owned(), "downsample.1".to_owned(), (channels, out, 1, stride)));
        Residual { units, shortcut, name }
    }
}

impl Arch {
    /// The trunk that the name stands for.
    #[must_use]
    pub fn trunk(self) -> TrunkSpec {
        let (block, blocks, width) = match self {
            Self::Resnet18 => (Block::Basic, [2, 2, 2, 2], 64),
            Self::Resnet34 => (Block::Basic, [3, 4, 6, 3], 64),
            Self::Resnet50 => (Block::Bottleneck, [3, 4, 6, 3], 64),
            Self::Resnet50w2 => (Block::Bottleneck, [3, 4, 6, 3], 128),
            Self::Resnet50w4 => (Block::Bottleneck, [3, 4, 6, 3], 256),
            Self::Resnet50w5 => (Block::Bottleneck, [3, 4, 6, 3], 320),
        };
        TrunkSpec { block, blocks, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Torchvision's ResNet-50 has 53 convolutions, and 23,454,912 weights in them.
    #[test]
    fn a_resnet_50_is_torchvisions() {
        let layout = Arch::Resnet50.trunk().layout(Stem::Imagenet, 3);
        let blocks = layout.blocks.iter().flat_map(|block| block.units.iter().chain(&block.shortcut));
        let units: Vec<&ConvUnit> = std::iter::once(&layout.stem).chain(blocks).collect();
        assert_eq!(units.len(), 53);
        let weights = units.iter().map(|unit| unit.channels * unit.filters * unit.kernel * unit.kernel);
        assert_eq!(weights.sum::<usize>(), 23_454_912);
        assert_eq!(layout.blocks.iter().filter(|block| block.shortcut.is_some()).count(), 4);
        let last = &layout.blocks[15];
        assert_eq!((last.name.as_str(), last.units[2].conv.as_str()), ("layer4.2", "layer4.2.conv3"));
        assert_eq!((layout.stem.side(224), layout.stem.pad()), (112, 3));
    }

    #[test]
    fn stages_halve_the_side_and_double_the_channels() {
        let trunk = Arch::Resnet50.trunk();
        let sides = |stem, view| [1, 2, 3, 4].map(|stage| trunk.side(stem, stage, view));
        assert_eq!(sides(Stem::Imagenet, 224), [56, 28, 14, 7]);
        assert_eq!(sides(Stem::Cifar, 32), [32, 16, 8, 4]);
        assert_eq!(sides(Stem::Stride2, 20), [10, 5, 3, 2]);
        assert_eq!([1, 2, 3, 4].map(|stage| trunk.channels(stage)), [256, 512, 1024, 2048]);
        assert_eq!(trunk.length(Readout::default()), trunk.features());
        let third = |grid| Readout { stage: 3, grid };
        assert_eq!(trunk.length(third(4)), 1024 * 16);
        let fitted = [2, 3, 4].map(|grid| trunk.fitting(Stem::Stride2, third(grid), 20).grid);
        assert_eq!(fitted, [2, 3, 3]);
    }

    /// The stride stands on the 3×3 convolution, as in torchvision (and not on the first 1×1, as in the paper).
    #[test]
    fn strides_stand_where_torchvision_has_them() {
        let layout = Arch::Resnet50.trunk().layout(Stem::Imagenet, 3);
        let second = &layout.blocks[3];
        assert_eq!(second.units.iter().map(|unit| unit.stride).collect::<Vec<_>>(), [1, 2, 1]);
        let shortcut = second.shortcut.as_ref().unwrap();
        assert_eq!((shortcut.norm.as_str(), shortcut.stride), ("layer2.0.downsample.1", 2));
        let basic = Arch::Resnet18.trunk().layout(Stem::Cifar, 3);
        assert_eq!(basic.blocks[2].units.iter().map(|unit| unit.stride).collect::<Vec<_>>(), [2, 1]);
        assert!(!basic.pool && basic.blocks[0].shortcut.is_none());
    }
}
