//! The methods: which settings each reads, and its recipe over each preset.

use super::presets::Preset;
use super::types::words;

words! {
    /// What crops are trained for.
    Method {
        /// Predict the cluster of another crop (arXiv 2006.09882).
        Swav = "swav",
        /// Predict the cluster that k-means gave the picture before the epoch (arXiv 2006.09882, appendix D).
        DeepclusterV2 = "deepcluster-v2",
        /// Predict the cluster that balancing gave the picture before the epoch (arXiv 2006.09882, appendix D).
        SelaV2 = "sela-v2",
        /// Find the other crops of the same picture in the batch (arXiv 2002.05709).
        Simclr = "simclr",
        /// Find the key of the same picture in a queue (arXiv 2003.04297).
        MocoV2 = "moco-v2",
        /// Predict what a slowly following network makes of another crop (arXiv 2006.07733).
        Byol = "byol",
        /// Predict the label: the baseline that knows the answer.
        Supervised = "supervised",
    }
}

use Method::{Byol, DeepclusterV2, MocoV2, SelaV2, Simclr, Supervised, Swav};

/// Sets of prototypes, at most.
pub const HEADS: usize = 8;

/// All but the supervised baseline have a projection head.
const WITH_HEAD: &[Method] = &[Swav, DeepclusterV2, SelaV2, Simclr, MocoV2, Byol];

impl Default for Method {
    /// That of runs which do not say it.
    fn default() -> Self {
        Swav
    }
}

/// Settings that not every method reads, with those that do.
const READERS: &[(&str, &[Method])] = &[
    ("hidden", WITH_HEAD),
    ("head_norm", WITH_HEAD),
    ("embedding", WITH_HEAD),
    ("temperature", &[Swav, DeepclusterV2, SelaV2, Simclr, MocoV2]),
    ("assign", &[Swav, DeepclusterV2, SelaV2, Byol]),
    ("epsilon", &[Swav, SelaV2]),
    ("heads", &[DeepclusterV2, SelaV2]),
    ("sinkhorn_iterations", &[Swav]),
    ("queue", &[Swav, MocoV2]),
    ("queue_start", &[Swav]),
    ("freeze_prototypes", &[Swav, SelaV2]),
    ("target_momentum", &[MocoV2, Byol]),
    ("predictor", &[Byol]),
];

type Values = &'static [(&'static str, &'static str)];

/// The demo's pictures are few and small: short queues, fast targets, small heads.
const SMALL: [(Method, Values); 3] = [
    (Simclr, &[("temperature", "0.2")]),
    (
        MocoV2,
        &[("temperature", "0.2"), ("queue", "1024"), ("target_momentum", "0.99"), ("head_norm", "false")],
    ),
    (Byol, &[("target_momentum", "0.99"), ("predictor", "512"), ("exclude_norms", "true")]),
];

/// lightly's CIFAR-10 benchmark at a batch of 128 (and of MoCo v2 its official notebook).
const CIFAR: [(Method, Values); 4] = [
    (Simclr, &[("temperature", "0.5"), ("optimizer", "sgd"), ("lr", "0.06"), ("weight_decay", "0.0005")]),
    (
        MocoV2,
        &[
            ("temperature", "0.1"),
            ("queue", "4096"),
            ("target_momentum", "0.99"),
            ("head_norm", "false"),
            ("optimizer", "sgd"),
            ("lr", "0.06"),
            ("weight_decay", "0.0005"),
        ],
    ),
    (
        Byol,
        &[
            ("hidden", "1024"),
            ("embedding", "256"),
            ("predictor", "1024"),
            ("target_momentum", "0.99"),
            ("optimizer", "sgd"),
            ("lr", "0.06"),
            ("weight_decay", "0.0005"),
        ],
    ),
    (Supervised, &[("optimizer", "sgd"), ("lr", "0.05"), ("weight_decay", "0.0005")]),
];

/// The official code of each at a batch of 256; SimCLR's and BYOL's rates are those of 4096 by the rule lr · B / 256.
const IMAGENET_256: [(Method, Values); 4] = [
    (
        Simclr,
        &[
            ("temperature", "0.1"),
            ("lr", "0.3"),
            ("final_lr", "0"),
            ("warmup", "10"),
            ("start_lr", "0"),
            ("weight_decay", "0.0001"),
            ("exclude_norms", "true"),
            ("optimizer", "lars"),
        ],
    ),
    (
        MocoV2,
        &[
            ("temperature", "0.2"),
            ("queue", "65536"),
            ("target_momentum", "0.999"),
            ("head_norm", "false"),
            ("crops", "2x224@0.2-1"),
            ("brightness", "0.4"),
            ("contrast", "0.4"),
            ("saturation", "0.4"),
            ("hue", "0.1"),
            ("optimizer", "sgd"),
            ("lr", "0.03"),
            ("final_lr", "0"),
            ("weight_decay", "0.0001"),
        ],
    ),
    (
        Byol,
        &[
            ("hidden", "4096"),
            ("embedding", "256"),
            ("predictor", "4096"),
            ("target_momentum", "0.996"),
            ("lr", "0.2"),
            ("final_lr", "0"),
            ("warmup", "10"),
            ("start_lr", "0"),
            ("weight_decay", "0.0000015"),
            ("exclude_norms", "true"),
            ("optimizer", "lars"),
        ],
    ),
    (
        Supervised,
        &[
            ("epochs", "90"),
            ("crops", "1x224@0.08-1"),
            ("optimizer", "sgd"),
            ("lr", "0.1"),
            ("final_lr", "0"),
            ("warmup", "5"),
            ("start_lr", "0"),
            ("weight_decay", "0.0001"),
        ],
    ),
];

/// The same at a batch of 4096.
const IMAGENET_4096: [(Method, Values); 4] = [
    (
        Simclr,
        &[
            ("temperature", "0.1"),
            ("start_lr", "0"),
            ("final_lr", "0"),
            ("weight_decay", "0.0001"),
            ("exclude_norms", "true"),
            ("optimizer", "lars"),
        ],
    ),
    (
        MocoV2,
        &[
            ("temperature", "0.2"),
            ("queue", "65536"),
            ("target_momentum", "0.99"),
            ("head_norm", "false"),
            ("optimizer", "sgd"),
            ("lr", "0.48"),
            ("start_lr", "0"),
            ("final_lr", "0"),
            ("weight_decay", "0.0001"),
        ],
    ),
    (
        Byol,
        &[
            ("hidden", "4096"),
            ("embedding", "256"),
            ("predictor", "4096"),
            ("target_momentum", "0.996"),
            ("lr", "3.2"),
            ("start_lr", "0"),
            ("final_lr", "0"),
            ("weight_decay", "0.0000015"),
            ("exclude_norms", "true"),
            ("optimizer", "lars"),
        ],
    ),
    (
        Supervised,
        &[
            ("epochs", "90"),
            ("crops", "1x224@0.08-1"),
            ("optimizer", "sgd"),
            ("lr", "1.6"),
            ("start_lr", "0"),
            ("final_lr", "0"),
            ("weight_decay", "0.0001"),
        ],
    ),
];

impl Method {
    /// What the loss of a network that tells nothing apart is called.
    #[must_use]
    pub fn chance(self) -> &'static str {
        match self {
            Swav | DeepclusterV2 | SelaV2 => "ln K",
            Simclr => "ln(1 + negatives)",
            MocoV2 => "ln(1 + queue)",
            Byol => "chance",
            Supervised => "ln classes",
        }
    }

    /// The name that its authors gave it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Swav => "SwAV",
            DeepclusterV2 => "DeepCluster-v2",
            SelaV2 => "SeLa-v2",
            Simclr => "SimCLR",
            MocoV2 => "MoCo v2",
            Byol => "BYOL",
            Supervised => "supervised training",
        }
    }

    /// Whether a setting changes anything with this method.
    #[must_use]
    pub fn reads(self, key: &str) -> bool {
        readers(key).is_none_or(|readers| readers.contains(&self))
    }

    /// Its values over those of a preset, which are SwAV's.
    #[must_use]
    pub fn recipe(self, preset: Preset) -> Values {
        let recipes: &[(Self, Values)] = match preset {
            Preset::Demo | Preset::PictoLong | Preset::Photos => &SMALL,
            Preset::Cifar => &CIFAR,
            Preset::Imagenet256 => &IMAGENET_256,
            Preset::Imagenet4096 => &IMAGENET_4096,
        };
        recipes.iter().find(|(method, _)| *method == self).map_or(&[], |(_, values)| values)
    }

    /// Where the numbers of [`Method::recipe`] come from.
    #[must_use]
    pub fn source(preset: Preset) -> &'static str {
        match preset {
            Preset::Demo | Preset::PictoLong | Preset::Photos => {
                "SwAV's recipe with what its authors' code has for small data; not measured on its own"
            }
            Preset::Cifar => {
                "lightly's CIFAR-10 benchmark at a batch of 128, and of moco-v2 its official notebook"
            }
            Preset::Imagenet256 => "the official code of each, with the rate of a batch of 256",
            Preset::Imagenet4096 => "the official code of each, with the rate of a batch of 4096",
        }
    }
}

/// The methods that read a setting, where it is not all of them.
#[must_use]
pub fn readers(key: &str) -> Option<&'static [Method]> {
    READERS.iter().find(|(known, _)| *known == key).map(|(_, readers)| *readers)
}

/// Methods in words: `swav`, `swav and byol`, `swav, simclr and byol`.
#[must_use]
pub fn listed(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(|method| method.name()).collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    }
}
