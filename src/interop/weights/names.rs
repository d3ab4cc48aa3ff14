//! How others name the tensors of a ResNet, in torchvision's words.

use super::super::Shapes;
use std::collections::BTreeSet;

/// Who named the tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// torchvision, and with it timm, the official code and most trainers: `conv1`, `bn1`, `layer1.0.conv1`.
    Torchvision,
    /// Numbers of an `nn.Sequential` around torchvision's children, as lightly makes it: `0`, `1`, `4.0.conv1`.
    Sequential,
    /// Hugging Face's `ResNetModel`: `embedder.embedder.convolution`, `encoder.stages.0.layers.0.layer.0.convolution`.
    HuggingFace,
}

impl Layout {
    pub(super) const ALL: [Self; 3] = [Self::Torchvision, Self::Sequential, Self::HuggingFace];

    /// The name of the first convolution.
    pub(super) fn stem(self) -> &'static str {
        match self {
            Self::Torchvision => "conv1.weight",
            Self::Sequential => "0.weight",
            Self::HuggingFace => "embedder.embedder.convolution.weight",
        }
    }

    /// Whether stem and stages of a ResNet follow the prefix.
    pub(super) fn has_stages(self, prefix: &str, shapes: &Shapes) -> bool {
        let has = |name: &str| shapes.contains_key(&format!("{prefix}{name}"));
        match self {
            Self::Torchvision => has("bn1.weight") && has("layer1.0.conv1.weight"),
            Self::Sequential => has("1.running_mean") && self.stages(prefix, shapes).len() == 4,
            Self::HuggingFace => has("encoder.stages.0.layers.0.layer.0.convolution.weight"),
        }
    }

    /// The numbers of the children that are stages, in order; only a sequential container has some.
    pub(super) fn stages(self, prefix: &str, shapes: &Shapes) -> Vec<u32> {
        if self != Self::Sequential {
            return Vec::new();
        }
        let number = |name: &String| name.strip_prefix(prefix)?.strip_suffix(".0.conv1.weight")?.parse().ok();
        shapes.keys().filter_map(number).collect::<BTreeSet<u32>>().into_iter().collect()
    }

    /// torchvision's name for the rest of a name after the prefix; what is not understood stays as it is.
    pub(super) fn rename(self, rest: &str, stages: &[u32]) -> String {
        let new = match self {
            Self::Torchvision => None,
            Self::Sequential => numbered(rest, stages),
            Self::HuggingFace => hugging_face(rest),
        };
        new.unwrap_or_else(|| rest.to_owned())
    }
}

fn numbered(rest: &str, stages: &[u32]) -> Option<String> {
    let (number, rest) = rest.split_once('.')?;
    Some(match number.parse().ok()? {
        0 => format!("conv1.{rest}"),
        1 => format!("bn1.{rest}"),
        child => format!("layer{}.{rest}", stages.iter().position(|&stage| stage == child)? + 1),
    })
}

fn hugging_face(rest: &str) -> Option<String> {
    if let Some(rest) = rest.strip_prefix("embedder.embedder.") {
        return part(rest, "conv1", "bn1");
    }
    let (stage, rest) = rest.strip_prefix("encoder.stages.")?.split_once(".layers.")?;
    let (block, rest) = rest.split_once('.')?;
    let place = format!("layer{}.{block}", stage.parse::<u32>().ok()? + 1);
    let rest = match rest.strip_prefix("shortcut.") {
        Some(rest) => part(rest, "downsample.0", "downsample.1")?,
        None => {
            let (number, rest) = rest.strip_prefix("layer.")?.split_once('.')?;
            let number = number.parse::<u32>().ok()? + 1;
            part(rest, &format!("conv{number}"), &format!("bn{number}"))?
        }
    };
    Some(format!("{place}.{rest}"))
}

/// A convolution or the norm after it.
fn part(rest: &str, convolution: &str, norm: &str) -> Option<String> {
    let convolution = rest.strip_prefix("convolution.").map(|rest| format!("{convolution}.{rest}"));
    convolution.or_else(|| Some(format!("{norm}.{}", rest.strip_prefix("normalization.")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_children_become_names_by_their_place() {
        for (stages, first) in [([4, 5, 6, 7], 4), ([3, 4, 5, 6], 3)] {
            let name = |rest: &str| Layout::Sequential.rename(rest, &stages);
            assert_eq!(name("0.weight"), "conv1.weight");
            assert_eq!(name("1.running_var"), "bn1.running_var");
            assert_eq!(name(&format!("{first}.0.conv1.weight")), "layer1.0.conv1.weight");
            assert_eq!(name(&format!("{}.1.downsample.1.bias", first + 3)), "layer4.1.downsample.1.bias");
            assert_eq!(name("9.weight"), "9.weight");
        }
    }

    #[test]
    fn names_of_hugging_face_become_torchvisions() {
        let name = |rest: &str| Layout::HuggingFace.rename(rest, &[]);
        assert_eq!(name("embedder.embedder.convolution.weight"), "conv1.weight");
        assert_eq!(name("embedder.embedder.normalization.running_mean"), "bn1.running_mean");
        assert_eq!(name("encoder.stages.2.layers.10.layer.1.convolution.weight"), "layer3.10.conv2.weight");
        assert_eq!(name("encoder.stages.0.layers.0.layer.2.normalization.bias"), "layer1.0.bn3.bias");
        assert_eq!(
            name("encoder.stages.3.layers.0.shortcut.convolution.weight"),
            "layer4.0.downsample.0.weight"
        );
        assert_eq!(
            name("encoder.stages.3.layers.0.shortcut.normalization.weight"),
            "layer4.0.downsample.1.weight"
        );
        assert_eq!(name("classifier.1.weight"), "classifier.1.weight");
    }
}
