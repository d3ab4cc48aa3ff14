//! Features by stage and grid, against the reference in f64.

use crate::devices::shared_devices;
use crate::reference::arch::{Arch, Block, Stem};
use crate::reference::network::Network;
use crate::reference::{Rng64, Tensor64};
use std::collections::BTreeMap;
use std::path::Path;
use swav_wgpu::config::{self, Readout};
use swav_wgpu::interop::HostTensor;
use swav_wgpu::model::{Inference, NetworkSpec};
use swav_wgpu::selftest::layout::to_nhwc4;

/// Side of the views: the stages have 20, 10, 5 and 3 pixels, which few grids divide.
const SIDE: usize = 20;
const VIEWS: usize = 3;
/// Of the largest value. One layer's sums, of up to 432 products, are off by 432 roundings of 2^-24 at the most. The nets have
/// up to 16 layers, whose errors are independent, so that they add up like the root of their number: four times that. The
/// rest, two and a half times, is for sums that are smaller than their terms, and is a choice.
const TOLERANCE: f64 = 10.0 * 432.0 / (1 << 24) as f64;

fn network(block: Block) -> Network {
    let arch = Arch {
        block,
        layers: vec![1, 2, 1, 1],
        // Channels of the first stages are no whole quads.
        base_width: 6,
        stem: Stem::Cifar,
        hidden: 5,
        embedding: 4,
        prototypes: 7,
    };
    let weights = arch.init(&mut Rng64(11));
    Network::new(arch, weights)
}

#[test]
fn features_are_those_of_the_stage_and_the_grid() {
    for block in [Block::Basic, Block::Bottleneck] {
        let mut reference = network(block);
        let tensors: BTreeMap<String, HostTensor> = reference
            .weights
            .iter()
            .map(|(name, tensor)| {
                let data = tensor.data.iter().map(|&value| value as f32).collect();
                (name.clone(), HostTensor::new(tensor.shape.clone(), data))
            })
            .collect();
        let spec = NetworkSpec::of_weights(&tensors, config::Stem::Cifar).expect("a ResNet");
        let mut random = Rng64(12);
        let shape = [VIEWS, 3, SIDE, SIDE];
        let pixels: Vec<f32> = (0..VIEWS * 3 * SIDE * SIDE).map(|_| random.normal() as f32).collect();
        let x = Tensor64::from_f32(&shape, &pixels);
        for gpu in shared_devices() {
            let mut embeddings: Option<Vec<f32>> = None;
            for (stage, grid) in [(4, 1), (4, 3), (3, 1), (3, 2), (3, 5), (2, 4), (1, 3)] {
                let readout = Readout { stage, grid };
                let (path, view) = (Path::new("none"), [SIDE as u32; 2]);
                let network = Inference::new(gpu, &spec, view, readout, path, &tensors).expect("it fits");
                let seen = network.look(&to_nhwc4(&shape, &pixels), VIEWS).expect("the device answers");
                let wanted = reference.read(&x, stage, grid);
                let most = wanted.data.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
                assert_eq!(seen.features.data.len(), wanted.data.len(), "{block:?} {readout:?}");
                assert_eq!(seen.features.dim, spec.trunk.length(readout), "{block:?} {readout:?}");
                for (&got, want) in seen.features.data.iter().zip(&wanted.data) {
                    let off = (f64::from(got) - want).abs() / most;
                    assert!(off <= TOLERANCE, "{block:?} {readout:?}: {off:.1e}");
                }
                // The head stands on the global average whatever the features are.
                let found = seen.embeddings.expect("there is a head").data;
                assert_eq!(*embeddings.get_or_insert_with(|| found.clone()), found, "{block:?} {readout:?}");
            }
        }
    }
}
