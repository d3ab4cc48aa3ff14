//! The layout of a net: which convolutions a ResNet has, with torchvision's names, shapes and strides.

use super::conv::Geometry;
use super::{Rng64, Tensor64, Weights};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Block {
    Basic,
    Bottleneck,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stem {
    /// 7x7, stride 2, then the max-pool.
    ImageNet,
    /// 3x3, stride 1, no max-pool.
    Cifar,
    /// 3x3, stride 2, no max-pool.
    Stride2,
}

#[derive(Clone, Debug)]
pub(crate) struct Arch {
    pub(crate) block: Block,
    /// Blocks in each stage.
    pub(crate) layers: Vec<usize>,
    /// Channels of the first stage (64 in a ResNet-50 of width 1).
    pub(crate) base_width: usize,
    pub(crate) stem: Stem,
    /// Width of the head's hidden layer; 0 is a head of one linear layer.
    pub(crate) hidden: usize,
    pub(crate) embedding: usize,
    pub(crate) prototypes: usize,
}

/// Convolution, batch norm and, if asked for, a ReLU.
pub(super) struct Unit {
    pub(super) conv: String,
    pub(super) bn: String,
    /// Output channels, input channels, kernel, kernel.
    pub(super) shape: [usize; 4],
    pub(super) stride: usize,
    pub(super) relu: bool,
}

pub(super) struct BlockPlan {
    pub(super) main: Vec<Unit>,
    pub(super) downsample: Option<Unit>,
}

impl Unit {
    pub(super) fn geometry(&self) -> Geometry {
        Geometry { stride: self.stride, pad: self.shape[2] / 2 }
    }
}

impl Arch {
    fn expansion(&self) -> usize {
        if self.block == Block::Basic { 1 } else { 4 }
    }

    /// The trunk's output channels.
    pub(crate) fn features(&self) -> usize {
        (self.base_width << (self.layers.len() - 1)) * self.expansion()
    }

    pub(super) fn stem(&self) -> Unit {
        let (kernel, stride) = match self.stem {
            Stem::ImageNet => (7, 2),
            Stem::Cifar => (3, 1),
            Stem::Stride2 => (3, 2),
        };
        let shape = [self.base_width, 3, kernel, kernel];
        Unit { conv: "conv1.weight".into(), bn: "bn1".into(), shape, stride, relu: true }
    }

    pub(super) fn blocks(&self) -> Vec<BlockPlan> {
        let (mut blocks, mut channels) = (Vec::new(), self.base_width);
        for (stage, &count) in self.layers.iter().enumerate() {
            let width = self.base_width << stage;
            for index in 0..count {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                blocks.push(self.block(&format!("layer{}.{index}", stage + 1), channels, width, stride));
                channels = width * self.expansion();
            }
        }
        blocks
    }

    /// torchvision's block; the bottleneck has its stride on the 3x3.
    fn block(&self, name: &str, channels: usize, width: usize, stride: usize) -> BlockPlan {
        let out = width * self.expansion();
        let unit = |n: usize, cin: usize, cout: usize, kernel: usize, stride: usize, relu: bool| Unit {
            conv: format!("{name}.conv{n}.weight"),
            bn: format!("{name}.bn{n}"),
            shape: [cout, cin, kernel, kernel],
            stride,
            relu,
        };
        let main = match self.block {
            Block::Basic => {
                vec![unit(1, channels, width, 3, stride, true), unit(2, width, width, 3, 1, false)]
            }
            Block::Bottleneck => vec![
                unit(1, channels, width, 1, 1, true),
                unit(2, width, width, 3, stride, true),
                unit(3, width, out, 1, 1, false),
            ],
        };
        let downsample = (stride != 1 || channels != out).then(|| Unit {
            conv: format!("{name}.downsample.0.weight"),
            bn: format!("{name}.downsample.1"),
            shape: [out, channels, 1, 1],
            stride,
            relu: false,
        });
        BlockPlan { main, downsample }
    }

    /// Repeatable weights for nets that no file holds; batch-norm tensors are away from their usual 1 and 0.
    pub(crate) fn init(&self, rng: &mut Rng64) -> Weights {
        let mut weights = Weights::new();
        let scaled = |shape: &[usize], rng: &mut Rng64| {
            let fan_in: usize = shape[1..].iter().product();
            let scale = (2.0 / fan_in as f64).sqrt();
            Tensor64::random(shape, rng).map(|v| f64::from((v * scale) as f32))
        };
        let batch_norm = |name: &str, channels: usize, rng: &mut Rng64, weights: &mut Weights| {
            let around = |centre: f64, rng: &mut Rng64| {
                Tensor64::random(&[channels], rng).map(|v| f64::from((centre + 0.1 * v) as f32))
            };
            weights.insert(format!("{name}.weight"), around(1.0, rng));
            weights.insert(format!("{name}.bias"), around(0.0, rng));
            weights.insert(format!("{name}.running_mean"), Tensor64::zeros(&[channels]));
            weights.insert(format!("{name}.running_var"), Tensor64::new(&[channels], vec![1.0; channels]));
        };
        let mut units = vec![self.stem()];
        for block in self.blocks() {
            units.extend(block.main);
            units.extend(block.downsample);
        }
        for unit in &units {
            weights.insert(unit.conv.clone(), scaled(&unit.shape, rng));
            batch_norm(&unit.bn, unit.shape[0], rng, &mut weights);
        }
        let mut last = (String::from("projection_head"), self.features());
        if self.hidden > 0 {
            weights.insert("projection_head.0.weight".into(), scaled(&[self.hidden, self.features()], rng));
            weights.insert("projection_head.0.bias".into(), Tensor64::random(&[self.hidden], rng));
            batch_norm("projection_head.1", self.hidden, rng, &mut weights);
            last = ("projection_head.3".into(), self.hidden);
        }
        weights.insert(format!("{}.weight", last.0), scaled(&[self.embedding, last.1], rng));
        weights.insert(format!("{}.bias", last.0), Tensor64::random(&[self.embedding], rng));
        weights.insert("prototypes.weight".into(), scaled(&[self.prototypes, self.embedding], rng));
        weights
    }
}
