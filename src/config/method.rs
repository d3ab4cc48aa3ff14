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

/// The pictures are few: short queues, fast targets, a small predictor. Of no published recipe.
const SMALL: [(Method, Values); 3] = [
    (Simclr, &[("temperature", "0.2")]),
    (
        MocoV2,
        &[("temperature", "0.2"), ("queue", "1024"), ("target_momentum", "0.99"), ("head_norm", "false")],
    ),
    (Byol, &[("target_momentum", "0.99"), ("predictor", "512"), ("exclude_norms", "true")]),
];

/// lightly's CIFAR-10 benchmark at a batch of 128; supervised training is not in it.
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

/// SimCLR's official rates at 4096 by its rule lr · B / 256; MoCo v2's official recipe; BYOL's official one of 300 epochs,
/// by the same rule. For supervised training what is usual.
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
            ("target_momentum", "0.99"),
            ("lr", "0.3"),
            ("final_lr", "0"),
            ("warmup", "10"),
            ("start_lr", "0"),
            ("weight_decay", "0.000001"),
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

/// The same at a batch of 4096, where BYOL's is the official one of 1000 epochs. MoCo v2 has none for it: its rate is that of
/// 256 in proportion.
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
            ("target_momentum", "0.999"),
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

    /// Where the numbers of [`Method::recipe`] come from, and what of their source is not taken.
    #[must_use]
    pub fn source(self, preset: Preset) -> &'static str {
        match (preset, self) {
            (Preset::Demo | Preset::PictoLong | Preset::Photos, _) => {
                "chosen for few pictures; of no published recipe and not measured on its own"
            }
            (Preset::Cifar, Supervised) => "usual values; of no published recipe and not measured on its own",
            (Preset::Cifar, MocoV2) => {
                "lightly's CIFAR-10 benchmark at a batch of 128, with the head of the official code and the preset's \
                 jitter; without batch norms in parts"
            }
            (Preset::Cifar, _) => {
                "lightly's CIFAR-10 benchmark at a batch of 128, with the preset's crops and colours and this program's heads"
            }
            (Preset::Imagenet256, Simclr) => {
                "the official code, whose rates are of a batch of 4096, by its rule lr · B / 256; without its third \
                 layer of the head, and with the preset's crops and colours"
            }
            (Preset::Imagenet256, MocoV2) => {
                "the official code at 200 epochs; the rate falls in every step and not once an epoch, and batch norms \
                 are of the whole batch"
            }
            (Preset::Imagenet256, Byol) => {
                "the official code at 300 epochs, whose rates are of a batch of 4096, by its rule lr · B / 256; with \
                 the preset's crops and colours in place of two unlike views"
            }
            (Preset::Imagenet4096, Simclr) => {
                "the official code; without its third layer of the head, and with the preset's crops and colours"
            }
            (Preset::Imagenet4096, MocoV2) => {
                "the official code, which is of a batch of 256, with its rate in proportion to the batch; with the \
                 preset's crops, colours and warm-up"
            }
            (Preset::Imagenet4096, Byol) => {
                "the official code at 1000 epochs; with the preset's crops and colours in place of two unlike views"
            }
            (Preset::Imagenet256 | Preset::Imagenet4096, _) => {
                "usual for ImageNet: a rate of 0.1 · B / 256 and a decay of 0.0001 for 90 epochs; warm-up is added"
            }
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
