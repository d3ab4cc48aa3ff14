//! The names that other trainers give the tensors of a ResNet, its head and its prototypes.

use crate::interop::HostTensor;
use std::collections::BTreeMap;

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

    /// The key that the state dict stands under in a file of PyTorch, where it does not stand alone.
    #[must_use]
    pub fn wrapped(self) -> Option<&'static str> {
        match self {
            Self::Torchvision | Self::Lightly => None,
            Self::Moco | Self::SoloLearn => Some("state_dict"),
        }
    }

    /// The tensors under these names.
    #[must_use]
    pub fn given(self, tensors: BTreeMap<String, HostTensor>) -> BTreeMap<String, HostTensor> {
        tensors.into_iter().map(|(name, tensor)| (self.of(&name), tensor)).collect()
    }

    /// The name of a tensor that torchvision or SwAV's official code calls `name`.
    fn of(self, name: &str) -> String {
        let head = name.strip_prefix("projection_head.");
        let is_prototype = name.starts_with("prototypes.");
        match self {
            Self::Torchvision => name.to_owned(),
            Self::Moco => match head {
                Some(rest) => format!("module.encoder_q.fc.{rest}"),
                None => format!("module.encoder_q.{name}"),
            },
            Self::Lightly => match head {
                Some(rest) => format!("projection_head.layers.{rest}"),
                None if is_prototype => name.replacen("prototypes.", "prototypes.layers.", 1),
                None => format!("backbone.{}", numbered(name)),
            },
            Self::SoloLearn => match head {
                Some(rest) => format!("projector.{rest}"),
                None if is_prototype => name.to_owned(),
                None => format!("backbone.{name}"),
            },
        }
    }
}

/// The name of a trunk's tensor by the number of the child: ReLU and max-pool are children 2 and 3.
fn numbered(name: &str) -> String {
    let children = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"];
    match name.split_once('.') {
        Some((child, rest)) => match children.iter().position(|&known| known == child) {
            Some(number) => format!("{number}.{rest}"),
            None => name.to_owned(),
        },
        None => name.to_owned(),
    }
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
        ] {
            assert_eq!([Names::Moco, Names::Lightly, Names::SoloLearn].map(|names| names.of(ours)), others);
            assert_eq!(Names::Torchvision.of(ours), ours);
        }
        assert_eq!(Names::SoloLearn.of("prototypes.weight"), "prototypes.weight");
    }
}
