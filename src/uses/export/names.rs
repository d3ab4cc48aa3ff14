//! The names that other trainers give the tensors of a ResNet, and of what stands on it and beside it.
//!
//! Each trainer's are those of its source: `moco/builder.py` and `main_lincls.py` of facebookresearch/moco;
//! `models/modules/heads.py` and the examples for PyTorch of lightly; `methods/` of solo-learn; `src/resnet50.py` of
//! facebookresearch/swav. The way back is `interop::weights::heads`.

use crate::interop::weights::row_length;
use crate::interop::{HostTensor, ScalarType};
use std::collections::{BTreeMap, BTreeSet};

/// Whose names the tensors of an exported file have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// torchvision's, with the head and prototypes of SwAV's official code beside them.
    Torchvision,
    /// Those of MoCo's official code, as its `main_lincls.py` wants them: `state_dict` with `module.encoder_q.`.
    Moco,
    /// Those of lightly: children of an `nn.Sequential` around torchvision's ResNet.
    Lightly,
    /// Those of solo-learn: `state_dict` with `backbone.` and `projector.`.
    SoloLearn,
}

type Tensors = BTreeMap<String, HostTensor>;

/// What a tensor of a checkpoint is part of, with the rest of its name.
#[derive(Clone, Copy)]
enum Place<'a> {
    Trunk(&'a str),
    Head(&'a str),
    Predictor(&'a str),
    Prototypes(&'a str),
    /// One of several sets of prototypes or centroids, by number.
    Set(&'a str),
    Classifier(&'a str),
    /// Keys of MoCo, `[rows, channels]`. SwAV's queue of three axes is none.
    Queue,
    Other,
}

/// What the names of a network that follows the trained one begin with.
const SLOW: &str = "target.";

impl<'a> Place<'a> {
    fn of(name: &'a str) -> Self {
        let after = |part: &str| name.strip_prefix(part);
        let set = || {
            let numbered = after("prototypes.prototypes").and_then(|rest| rest.strip_suffix(".weight"));
            numbered.or_else(|| after("centroids."))
        };
        match () {
            () if is_of_trunk(name) => Self::Trunk(name),
            () if name == "queue" => Self::Queue,
            () => after("projection_head.")
                .map(Self::Head)
                .or_else(|| after("predictor.").map(Self::Predictor))
                .or_else(|| set().map(Self::Set))
                .or_else(|| after("prototypes.").map(Self::Prototypes))
                .or_else(|| after("fc.").map(Self::Classifier))
                .unwrap_or(Self::Other),
        }
    }
}

/// Whether a tensor is one of the trunk, or a counter of it.
pub(super) fn is_of_trunk(name: &str) -> bool {
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    !rest.is_empty() && CHILDREN.contains(&first)
}

/// Whether a tensor is none of the network's own and still one that some trainer has a name for.
pub(super) fn is_beside(name: &str, tensor: &HostTensor) -> bool {
    match Place::of(name.strip_prefix(SLOW).unwrap_or(name)) {
        Place::Trunk(_) | Place::Head(_) => name.starts_with(SLOW),
        Place::Predictor(_) => true,
        Place::Set(_) => tensor.shape.len() == 2,
        Place::Classifier(rest) => ["weight", "bias"].contains(&rest),
        Place::Queue => tensor.shape.len() == 2,
        Place::Prototypes(_) | Place::Other => false,
    }
}

/// What a person calls the part that a tensor belongs to.
pub(super) fn first_word(name: &str) -> String {
    name.split('.').next().unwrap_or(name).to_owned()
}

impl Names {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Torchvision, Self::Moco, Self::Lightly, Self::SoloLearn];

    /// The word for it as a flag's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision",
            Self::Moco => "moco",
            Self::Lightly => "lightly",
            Self::SoloLearn => "solo-learn",
        }
    }

    /// Whose code it is and that it has something, for a sentence.
    pub(super) fn has(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision and SwAV's official code have",
            Self::Moco => "MoCo's official code has",
            Self::Lightly => "lightly has",
            Self::SoloLearn => "solo-learn has",
        }
    }

    /// The key that the state dict stands under in a file of PyTorch, where it does not stand alone.
    #[must_use]
    pub fn wrapped(self) -> Option<&'static str> {
        match self {
            Self::Torchvision | Self::Lightly => None,
            Self::Moco | Self::SoloLearn => Some("state_dict"),
        }
    }

    /// The tensors of a checkpoint under these names and in the forms that go with them, and what the parts are called
    /// that have no name there. A queue `[L, D]` takes its next key at row `cursor`. What a network computes in
    /// evaluation mode stays the same.
    pub(super) fn given(self, mut tensors: Tensors, cursor: u64) -> (Tensors, BTreeSet<String>) {
        match self {
            Self::Lightly => {
                fold_biases(&mut tensors);
                add_prototype_biases(&mut tensors);
            }
            Self::SoloLearn => split_prototypes(&mut tensors),
            Self::Torchvision | Self::Moco => {}
        }
        let (mut named, mut left_out) = (Tensors::new(), BTreeSet::new());
        for (name, tensor) in tensors {
            let Some(new) = self.of(&name) else {
                left_out.insert(first_word(&name));
                continue;
            };
            if name == "queue" {
                let place = HostTensor { shape: vec![1], kind: ScalarType::I64, data: vec![cursor as f32] };
                named.insert(format!("{new}_ptr"), place);
                named.insert(new, transposed(&tensor));
            } else {
                named.insert(new, tensor);
            }
        }
        (named, left_out)
    }

    /// The name of a tensor that torchvision, SwAV's official code or a checkpoint of this program calls `name`; none
    /// where the trainer has no such tensor.
    fn of(self, name: &str) -> Option<String> {
        let (slow, place) = match name.strip_prefix(SLOW) {
            Some(rest) => (true, Place::of(rest)),
            None => (false, Place::of(name)),
        };
        match self {
            Self::Torchvision => match place {
                _ if slow => None,
                Place::Set(set) => Some(format!("prototypes.prototypes{set}.weight")),
                Place::Trunk(_) | Place::Head(_) | Place::Prototypes(_) | Place::Classifier(_) => {
                    Some(name.to_owned())
                }
                Place::Predictor(_) | Place::Queue | Place::Other => None,
            },
            Self::Moco => {
                let encoder = if slow { "module.encoder_k" } else { "module.encoder_q" };
                match place {
                    Place::Trunk(rest) => Some(format!("{encoder}.{rest}")),
                    Place::Head(rest) => Some(format!("{encoder}.fc.{rest}")),
                    Place::Queue => Some("module.queue".to_owned()),
                    _ => None,
                }
            }
            Self::Lightly => {
                let copy = if slow { "_momentum" } else { "" };
                match place {
                    Place::Trunk(rest) => Some(format!("backbone{copy}.{}", numbered(rest))),
                    Place::Head(rest) => Some(format!("projection_head{copy}.layers.{}", in_container(rest))),
                    Place::Predictor(rest) => Some(format!("prediction_head.layers.{}", in_container(rest))),
                    Place::Prototypes(rest) => Some(format!("prototypes.heads.0.{rest}")),
                    Place::Set(set) => {
                        let (set, what) = set.split_once('.').unwrap_or((set, "weight"));
                        Some(format!("prototypes.heads.{set}.{what}"))
                    }
                    Place::Classifier(_) | Place::Queue | Place::Other => None,
                }
            }
            Self::SoloLearn => {
                let copy = if slow { "momentum_" } else { "" };
                match place {
                    Place::Trunk(rest) => Some(format!("{copy}backbone.{rest}")),
                    Place::Head(rest) => Some(format!("{copy}projector.{rest}")),
                    Place::Predictor(rest) => Some(format!("predictor.{rest}")),
                    Place::Prototypes(rest) => Some(format!("prototypes.{rest}")),
                    Place::Set(set) => Some(format!("prototypes.{set}.weight")),
                    Place::Classifier(rest) => Some(format!("classifier.{rest}")),
                    // Its MoCo v2+ has a queue for either view.
                    Place::Queue | Place::Other => None,
                }
            }
        }
    }
}

/// The children of torchvision's ResNet up to the pooling, in their order.
const CHILDREN: [&str; 8] = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"];

/// The name of a trunk's tensor by the number of the child: ReLU and max-pool are children 2 and 3.
fn numbered(name: &str) -> String {
    match name.split_once('.') {
        Some((child, rest)) => match CHILDREN.iter().position(|&known| known == child) {
            Some(number) => format!("{number}.{rest}"),
            None => name.to_owned(),
        },
        None => name.to_owned(),
    }
}

/// The name in a sequential container: a head of a single layer is its first.
fn in_container(rest: &str) -> String {
    if rest.contains('.') { rest.to_owned() } else { format!("0.{rest}") }
}

/// Takes the bias before a batch norm into the running mean, as lightly's linear layers have none there: the norm
/// subtracts the mean, `(Wx + b) − μ = Wx − (μ − b)`.
fn fold_biases(tensors: &mut Tensors) {
    for part in ["projection_head", "predictor", "target.projection_head"] {
        let mean = format!("{part}.1.running_mean");
        if !tensors.contains_key(&mean) {
            continue;
        }
        let Some(bias) = tensors.remove(&format!("{part}.0.bias")) else { continue };
        if let Some(mean) = tensors.get_mut(&mean) {
            for (mean, bias) in mean.data.iter_mut().zip(bias.data) {
                *mean -= bias;
            }
        }
    }
}

/// Adds biases of zeros to prototypes, as lightly's linear layers have one there.
fn add_prototype_biases(tensors: &mut Tensors) {
    let bias = |(name, tensor): (&String, &HostTensor)| {
        let name = match Place::of(name) {
            Place::Prototypes("weight") => "prototypes.bias".to_owned(),
            Place::Set(set) => format!("centroids.{set}.bias"),
            _ => return None,
        };
        let &[rows, _] = tensor.shape.as_slice() else { return None };
        Some((name, HostTensor::new([rows], vec![0.0; rows])))
    };
    let biases: Vec<_> = tensors.iter().filter_map(bias).collect();
    tensors.extend(biases);
}

/// Parts prototypes in lengths `[K, 1]` and directions `[K, D]`, as PyTorch's `weight_norm` has them.
fn split_prototypes(tensors: &mut Tensors) {
    let Some(weight) = tensors.remove("prototypes.weight") else { return };
    let columns = weight.shape.last().copied().unwrap_or(1).max(1);
    let lengths: Vec<f32> = weight.data.chunks_exact(columns).map(|row| row_length(row) as f32).collect();
    tensors.insert("prototypes.weight_g".to_owned(), HostTensor::new([lengths.len(), 1], lengths));
    tensors.insert("prototypes.weight_v".to_owned(), weight);
}

/// `[rows, columns]` as `[columns, rows]`: MoCo's queue has a key in each column.
fn transposed(tensor: &HostTensor) -> HostTensor {
    let &[rows, columns] = tensor.shape.as_slice() else { return tensor.clone() };
    let data = (0..columns).flat_map(|column| tensor.data.iter().skip(column).step_by(columns).copied());
    HostTensor::new([columns, rows], data.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_each_trainer() {
        for (ours, others) in [
            ("conv1.weight", ["module.encoder_q.conv1.weight", "backbone.0.weight", "backbone.conv1.weight"]),
            (
                "layer3.1.bn2.running_var",
                [
                    "module.encoder_q.layer3.1.bn2.running_var",
                    "backbone.6.1.bn2.running_var",
                    "backbone.layer3.1.bn2.running_var",
                ],
            ),
            (
                "projection_head.0.bias",
                ["module.encoder_q.fc.0.bias", "projection_head.layers.0.bias", "projector.0.bias"],
            ),
            (
                "projection_head.weight",
                ["module.encoder_q.fc.weight", "projection_head.layers.0.weight", "projector.weight"],
            ),
            (
                "target.layer1.0.bn1.bias",
                [
                    "module.encoder_k.layer1.0.bn1.bias",
                    "backbone_momentum.4.0.bn1.bias",
                    "momentum_backbone.layer1.0.bn1.bias",
                ],
            ),
        ] {
            let found = [Names::Moco, Names::Lightly, Names::SoloLearn].map(|names| names.of(ours));
            assert_eq!(found, others.map(|name| Some(name.to_owned())));
        }
        assert_eq!(
            Names::Torchvision.of("projection_head.0.bias").as_deref(),
            Some("projection_head.0.bias")
        );
    }

    #[test]
    fn a_queue_has_a_key_in_each_column() {
        let queue = HostTensor::new([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let tensors = Tensors::from([("queue".to_owned(), queue)]);
        let (named, left_out) = Names::Moco.given(tensors.clone(), 2);
        assert_eq!(named["module.queue"], HostTensor::new([2, 3], vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0]));
        let place = &named["module.queue_ptr"];
        assert_eq!((place.shape.as_slice(), place.kind, place.data[0]), (&[1][..], ScalarType::I64, 2.0));
        assert!(left_out.is_empty());
        assert!(Names::Lightly.given(tensors, 0).1.contains("queue"));
    }
}
