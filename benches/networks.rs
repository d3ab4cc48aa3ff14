//! The configurations that peers were timed with, for all benchmarks.

use swav_wgpu::config::Config;
use swav_wgpu::error::Result;

/// A network and its crops.
pub(crate) struct Network {
    pub(crate) name: &'static str,
    settings: &'static [(&'static str, &'static str)],
    /// GFLOP a step (2 · MAC of convolutions and linear layers, forward and backward).
    #[allow(dead_code, reason = "not every benchmark runs whole steps")]
    pub(crate) gflop: f64,
}

pub(crate) const NETWORKS: [Network; 5] = [
    Network {
        name: "C1",
        settings: &[
            ("arch", "resnet18"),
            ("stem", "cifar"),
            ("batch", "64"),
            ("crops", "2x32@0.1-1,4x20@0.1-1"),
            ("hidden", "512"),
            ("prototypes", "300"),
        ],
        gflop: 795.0,
    },
    Network {
        name: "C2",
        settings: &[
            ("arch", "resnet18"),
            ("stem", "imagenet"),
            ("batch", "32"),
            ("crops", "2x64@0.1-1,4x32@0.1-1"),
            ("hidden", "512"),
            ("prototypes", "300"),
        ],
        gflop: 84.0,
    },
    Network {
        name: "C3",
        settings: &[
            ("arch", "resnet50"),
            ("stem", "imagenet"),
            ("batch", "8"),
            ("crops", "2x224@0.14-1,6x96@0.05-0.14"),
            ("hidden", "2048"),
            ("prototypes", "3000"),
        ],
        gflop: 605.0,
    },
    Network {
        name: "C4a",
        settings: &[
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
        gflop: 46.0,
    },
    Network {
        name: "C4b",
        settings: &[
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
        gflop: 100.0,
    },
];

impl Network {
    /// The defaults with the network's settings over them.
    pub(crate) fn config(&self) -> Result<Config> {
        let mut config = Config::default();
        config.set("eval_size", "32")?;
        for (key, value) in self.settings {
            config.set(key, value)?;
        }
        Ok(config)
    }
}
