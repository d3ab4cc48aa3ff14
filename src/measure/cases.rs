//! The networks that a step is measured with, from a laptop's few seconds to ResNet-50.

use crate::config::Config;
use crate::error::Result;

/// A named configuration. The names are those of the peers in `benches/peers`.
#[derive(Debug)]
pub struct Case {
    /// `C1`, `C2`, …
    pub name: &'static str,
    /// What it stands for, in a few words.
    pub about: &'static str,
    /// Whether it has the batch of a GPU: a processor takes minutes over a step.
    pub large: bool,
    values: &'static [(&'static str, &'static str)],
}

/// All of them, in the order of their names.
pub const CASES: [Case; 7] = [
    Case {
        name: "C1",
        about: "ResNet-18 on pictures of 32 pixels",
        large: false,
        values: &[
            ("arch", "resnet18"),
            ("stem", "cifar"),
            ("batch", "64"),
            ("crops", "2x32@0.1-1,4x20@0.1-1"),
            ("hidden", "512"),
            ("prototypes", "300"),
        ],
    },
    Case {
        name: "C2",
        about: "ResNet-18 on pictures of 64 pixels",
        large: false,
        values: &[
            ("arch", "resnet18"),
            ("stem", "imagenet"),
            ("batch", "32"),
            ("crops", "2x64@0.1-1,4x32@0.1-1"),
            ("hidden", "512"),
            ("prototypes", "300"),
        ],
    },
    Case {
        name: "C3",
        about: "ResNet-50 on pictures of 224 pixels",
        large: false,
        values: &[
            ("arch", "resnet50"),
            ("stem", "imagenet"),
            ("batch", "8"),
            ("crops", "2x224@0.14-1,6x96@0.05-0.14"),
            ("hidden", "2048"),
            ("prototypes", "3000"),
        ],
    },
    Case {
        name: "C4a",
        about: "ResNet-10 of a quarter of the width on pictures of 32 pixels",
        large: false,
        values: &[
            ("block", "basic"),
            ("blocks", "1,1,1,1"),
            ("width", "16"),
            ("stem", "cifar"),
            ("batch", "128"),
            ("crops", "2x32@0.1-1,4x20@0.1-1"),
            ("hidden", "128"),
            ("embedding", "64"),
            ("prototypes", "100"),
        ],
    },
    Case {
        name: "C4b",
        about: "ResNet-18 of a quarter of the width on pictures of 32 pixels",
        large: false,
        values: &[
            ("block", "basic"),
            ("blocks", "2,2,2,2"),
            ("width", "16"),
            ("stem", "cifar"),
            ("batch", "128"),
            ("crops", "2x32@0.1-1,4x20@0.1-1"),
            ("hidden", "128"),
            ("embedding", "64"),
            ("prototypes", "100"),
        ],
    },
    Case {
        name: "C5",
        about: "ResNet-50 on pictures of 224 pixels, the batch of a GPU",
        large: true,
        values: &[
            ("arch", "resnet50"),
            ("stem", "imagenet"),
            ("batch", "64"),
            ("crops", "2x224@0.14-1,6x96@0.05-0.14"),
            ("hidden", "2048"),
            ("prototypes", "3000"),
        ],
    },
    Case {
        name: "C6",
        about: "ResNet-18 on pictures of 32 pixels, the batch of a GPU",
        large: true,
        values: &[
            ("arch", "resnet18"),
            ("stem", "cifar"),
            ("batch", "256"),
            ("crops", "2x32@0.1-1,4x20@0.1-1"),
            ("hidden", "512"),
            ("prototypes", "300"),
        ],
    },
];

impl Case {
    /// The one of that name, in capitals or not.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name.eq_ignore_ascii_case(name))
    }

    /// Its settings, over the official defaults.
    ///
    /// # Errors
    /// None: the values are constants, which a test reads.
    pub fn config(&self) -> Result<Config> {
        let mut config = Config::default();
        // Nothing is evaluated here, and views as large as ImageNet's would take memory all the same.
        config.set("eval_size", "32")?;
        for (key, value) in self.values {
            config.set(key, value)?;
        }
        Ok(config)
    }
}

/// The settings that decide what a step costs, in one line.
pub(super) fn describe(config: &Config) -> String {
    let trunk = config.trunk();
    let blocks = trunk.blocks.map(|count| count.to_string()).join("-");
    let crops: Vec<_> = config.crops.iter().map(|group| format!("{}x{}", group.count, group.size)).collect();
    format!(
        "{} blocks {blocks}, width {}, {} stem, batch {}, crops {}, head {}-{}-{}, {} prototypes, {}, {}",
        trunk.block,
        trunk.width,
        config.stem,
        config.batch,
        crops.join(" + "),
        trunk.features(),
        config.hidden,
        config.embedding,
        config.prototypes,
        config.optimizer,
        config.precision,
    )
}
