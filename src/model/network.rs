//! The network apart from its training: trunk, head, prototypes, and what they look like in a file.

use std::collections::BTreeMap;
use std::fmt;

use super::{Linear, Mlp, MlpSpec, Store, Trunk};
use crate::config::{Block, Config, Method, Stem, TrunkSpec};
use crate::interop::HostTensor;
use crate::ops::optimizer::{PROTOTYPES, SCALED};

/// What a network consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// The residual blocks.
    pub trunk: TrunkSpec,
    /// The layers before them.
    pub stem: Stem,
    /// Channels of the pictures that it takes.
    pub channels: usize,
    /// The projection head; a supervised network has none.
    pub head: Option<HeadSpec>,
}

/// What stands on the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadSpec {
    /// Length of the hidden layer; 0 is one linear layer.
    pub hidden: usize,
    /// Whether the hidden layer has a batch norm.
    pub norm: bool,
    /// D, the length of an embedding.
    pub embedding: usize,
    /// K; 0 where there are no prototypes.
    pub prototypes: usize,
}

/// What stands on a trunk: the projection head, and the prototypes where there are some.
#[derive(Debug)]
pub(crate) struct Projection {
    pub(crate) head: Mlp,
    pub(crate) prototypes: Option<Linear>,
}

impl Projection {
    /// Declares its parameters. Embeddings have unit length.
    pub(crate) fn new(store: &mut Store, features: u32, spec: &HeadSpec) -> Self {
        let head = spec.mlp(store, features, true);
        let prototypes = (spec.prototypes > 0).then(|| {
            let (embedding, prototypes) = (spec.embedding as u32, spec.prototypes as u32);
            Linear::new(store, "prototypes", embedding, prototypes, false, PROTOTYPES)
        });
        Self { head, prototypes }
    }
}

impl HeadSpec {
    /// The head of the settings, with so many prototypes.
    #[must_use]
    pub fn of_config(config: &Config, prototypes: usize) -> Self {
        let Config { hidden, head_norm: norm, embedding, .. } = *config;
        Self { hidden, norm, embedding, prototypes }
    }

    /// Declares the projection head alone; embeddings have unit length where `unit` says so.
    pub(crate) fn mlp(&self, store: &mut Store, features: u32, unit: bool) -> Mlp {
        let (hidden, out, norm) = (self.hidden as u32, self.embedding as u32, self.norm);
        Mlp::new(store, features, &MlpSpec { name: "projection_head", hidden, out, norm, unit })
    }
}

impl NetworkSpec {
    /// What the settings of a run describe.
    #[must_use]
    pub fn of_config(config: &Config) -> Self {
        let head = match config.method {
            Method::Supervised => None,
            Method::Swav => Some(HeadSpec::of_config(config, config.prototypes)),
            _ => Some(HeadSpec::of_config(config, 0)),
        };
        Self { trunk: config.trunk(), stem: config.stem, channels: config.channels, head }
    }

    /// Read from the shapes of a file's tensors: blocks, their kind, widths, stem, head and K. A 3×3 stem
    /// does not show its stride: `small` says which it is.
    ///
    /// # Errors
    /// In words: a tensor that every ResNet has is missing, or of a shape that no ResNet has.
    pub fn of_weights(tensors: &BTreeMap<String, HostTensor>, small: Stem) -> Result<Self, String> {
        let shape = |name: &str| tensors.get(name).map(|tensor| tensor.shape.as_slice());
        let axis = |name: &str, axis: usize| match shape(name) {
            Some(shape) => {
                shape.get(axis).copied().filter(|&n| n > 0).ok_or(format!("`{name}` is {shape:?}"))
            }
            None => Err(format!("`{name}` is missing")),
        };
        let stem = match shape("conv1.weight") {
            Some([_, 1..=64, 7, 7]) => Stem::Imagenet,
            Some([_, 1..=64, 3, 3]) => small,
            Some(other) => {
                let reason = "not [width, channels, 7, 7] or [width, channels, 3, 3] with 1 to 64 channels";
                return Err(format!("`conv1.weight` is {other:?}, {reason}"));
            }
            None => return Err("`conv1.weight` is missing".into()),
        };
        let blocks = std::array::from_fn(|stage| {
            let name = |block: usize| format!("layer{}.{block}.conv1.weight", stage + 1);
            (0..).take_while(|&block| tensors.contains_key(&name(block))).count()
        });
        if let Some(empty) = blocks.iter().position(|&count| count == 0) {
            return Err(format!("`layer{}.0.conv1.weight` is missing", empty + 1));
        }
        let block = match shape("layer1.0.conv3.weight") {
            Some(_) => Block::Bottleneck,
            None => Block::Basic,
        };
        let trunk = TrunkSpec { block, blocks, width: axis("conv1.weight", 0)? };
        if let (Some([outputs, inputs, ..]), Some([inner, ..])) =
            (shape("layer1.0.conv2.weight"), shape("layer1.0.conv1.weight"))
        {
            if inputs < outputs && *inputs > 0 {
                let groups = outputs / inputs;
                return Err(format!(
                    "a ResNeXt of {groups} groups; only convolutions without groups are supported"
                ));
            }
            if *inner != trunk.width {
                return Err(format!(
                    "its blocks are {inner} wide inside, where the stem has {} channels; a network that is wide only \
                     inside its blocks (wide_resnet50_2) is not supported, one that is wide everywhere is",
                    trunk.width
                ));
            }
        }
        let prototypes =
            if tensors.contains_key("prototypes.weight") { axis("prototypes.weight", 0)? } else { 0 };
        let head = if tensors.contains_key("projection_head.weight") {
            Some(HeadSpec {
                hidden: 0,
                norm: false,
                embedding: axis("projection_head.weight", 0)?,
                prototypes,
            })
        } else if tensors.contains_key("projection_head.0.weight") {
            // A hidden layer with batch norm and ReLU, or with ReLU alone.
            let norm = !tensors.contains_key("projection_head.2.weight");
            let last = if norm { "projection_head.3.weight" } else { "projection_head.2.weight" };
            let (hidden, embedding) = (axis("projection_head.0.weight", 0)?, axis(last, 0)?);
            Some(HeadSpec { hidden, norm, embedding, prototypes })
        } else {
            None
        };
        Ok(Self { trunk, stem, channels: axis("conv1.weight", 1)?, head })
    }

    /// Declares the parameters of the trunk.
    pub(crate) fn trunk(&self, store: &mut Store, recompute: bool) -> Trunk {
        let first = store.parameters().len();
        let trunk = Trunk::new(store, &self.trunk, self.stem, self.channels, recompute);
        // Gradients of the trunk's own parameters come through its activations, which may be of half precision.
        store.flag_from(first, SCALED);
        trunk
    }

    /// Declares all parameters.
    pub(crate) fn declare(&self, store: &mut Store) -> (Trunk, Option<Projection>) {
        let trunk = self.trunk(store, false);
        let projection = self.head.map(|head| Projection::new(store, trunk.features(), &head));
        (trunk, projection)
    }

    /// Names and shapes of all weights and running estimates.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut store = Store::new(u64::MAX);
        self.declare(&mut store);
        store.declared()
    }
}

impl fmt::Display for NetworkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrunkSpec { block, blocks, width } = self.trunk;
        write!(
            f,
            "{block} blocks {blocks:?}, width {width}, {} stem, {} features",
            self.stem,
            self.trunk.features()
        )?;
        if self.channels != 3 {
            write!(f, ", pictures of {} channels", self.channels)?;
        }
        if let Some(HeadSpec { hidden, norm, embedding, prototypes }) = self.head {
            write!(f, ", head {hidden}-{embedding}")?;
            if hidden > 0 && !norm {
                write!(f, " without batch norm")?;
            }
            if prototypes > 0 {
                write!(f, ", {prototypes} prototypes")?;
            }
        }
        Ok(())
    }
}

/// Makes the stem of a file's tensors one for pictures of so many `channels`, and returns how many it was for; none
/// where there is nothing to do. Every new channel has the average of the old ones, scaled so that a picture whose
/// channels are equal gives the same sums.
pub fn adapt_stem(tensors: &mut BTreeMap<String, HostTensor>, channels: usize) -> Option<usize> {
    let stem = tensors.get_mut("conv1.weight")?;
    let &[filters, old, height, width] = stem.shape.as_slice() else { return None };
    let taps = height * width;
    if old == channels || channels == 0 || stem.data.len() != filters * old * taps || stem.data.is_empty() {
        return None;
    }
    let filter = |filter: &[f32]| {
        let sum =
            |tap: usize| filter.iter().skip(tap).step_by(taps).map(|&value| f64::from(value)).sum::<f64>();
        let share: Vec<f32> = (0..taps).map(|tap| (sum(tap) / channels as f64) as f32).collect();
        share.repeat(channels)
    };
    let data = stem.data.chunks_exact(old * taps).flat_map(filter).collect();
    *stem = HostTensor::new(vec![filters, channels, height, width], data);
    Some(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(spec: &NetworkSpec) -> BTreeMap<String, HostTensor> {
        let tensor = |shape: Vec<usize>| HostTensor::new(shape, Vec::new());
        spec.tensors().into_iter().map(|(name, shape)| (name, tensor(shape))).collect()
    }

    #[test]
    fn every_network_is_read_back_from_its_shapes() {
        let head = |hidden, embedding, prototypes| {
            let norm = hidden > 0 && hidden != 16;
            Some(HeadSpec { hidden, norm, embedding, prototypes })
        };
        for (channels, (block, blocks, width, stem, head)) in [1, 3, 5, 12].into_iter().zip([
            (Block::Basic, [2, 2, 2, 2], 64, Stem::Imagenet, None),
            (Block::Bottleneck, [3, 4, 6, 3], 128, Stem::Imagenet, head(8192, 128, 3000)),
            (Block::Basic, [1, 2, 1, 3], 5, Stem::Stride2, head(0, 7, 9)),
            (Block::Bottleneck, [1, 1, 1, 1], 4, Stem::Cifar, head(16, 8, 0)),
        ]) {
            let spec = NetworkSpec { trunk: TrunkSpec { block, blocks, width }, stem, channels, head };
            let file = file_of(&spec);
            assert_eq!(NetworkSpec::of_weights(&file, stem).unwrap(), spec);
            let fit = spec.compare(&file);
            assert!(fit.is_complete() && fit.unused.is_empty() && fit.fitting == file.len(), "{fit}");
        }
    }

    #[test]
    fn a_stem_of_other_channels_keeps_its_sums() {
        // Two filters of two taps: channel c of filter f is 10·f + c, and ten times that.
        let data = |channels: usize| -> Vec<f32> {
            let of =
                |f: usize| (0..channels).flat_map(move |c| [1.0, 10.0].map(|tap| tap * (10 * f + c) as f32));
            (0..2).flat_map(of).collect()
        };
        let file = || {
            let stem = HostTensor::new(vec![2, 3, 1, 2], data(3));
            BTreeMap::from([("conv1.weight".to_owned(), stem)])
        };
        for channels in [1usize, 2, 5] {
            let mut tensors = file();
            assert_eq!(adapt_stem(&mut tensors, channels), Some(3));
            let stem = &tensors["conv1.weight"];
            assert_eq!(stem.shape, [2, channels, 1, 2]);
            let share = channels as f32;
            let want = [[3.0, 30.0].repeat(channels), [33.0, 330.0].repeat(channels)].concat();
            assert!(
                stem.data.iter().zip(&want).all(|(got, want)| (got * share - want).abs() < 1e-4),
                "{stem:?}"
            );
        }
        let mut same = file();
        assert_eq!((adapt_stem(&mut same, 3), same["conv1.weight"].data.clone()), (None, data(3)));
        assert_eq!(adapt_stem(&mut BTreeMap::new(), 5), None);
    }

    #[test]
    fn what_does_not_fit_is_listed() {
        let trunk = TrunkSpec { block: Block::Basic, blocks: [1; 4], width: 4 };
        let spec = NetworkSpec { trunk, stem: Stem::Cifar, channels: 3, head: None };
        let mut file = file_of(&spec);
        let stranger = file.remove("bn1.bias").unwrap();
        file.insert("fc.weight".into(), stranger);
        file.get_mut("layer2.0.conv1.weight").unwrap().shape[1] = 2;
        let fit = spec.compare(&file);
        let said = fit.to_string();
        assert!(!fit.is_complete());
        for word in [
            "missing: bn1.bias",
            "layer2.0.conv1.weight ([8, 2, 3, 3], wanted [8, 4, 3, 3])",
            "not used: fc.weight",
        ] {
            assert!(said.contains(word), "{said}");
        }
        file.remove("layer3.0.conv1.weight");
        assert!(NetworkSpec::of_weights(&file, Stem::Cifar).unwrap_err().contains("layer3.0.conv1.weight"));
        file.get_mut("conv1.weight").unwrap().shape = vec![4, 1, 5, 5];
        assert!(NetworkSpec::of_weights(&file, Stem::Cifar).unwrap_err().contains("[4, 1, 5, 5]"));
    }
}
