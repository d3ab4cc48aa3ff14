//! Checkpoints of every method as their trainers write them, but for the values, which are random.

use crate::reference::Rng64;
use serde_json::json;
use std::path::{Path, PathBuf};
use swav_wgpu::config::{Block, Config, Method, Stem, TrunkSpec};
use swav_wgpu::interop::HostTensor;
use swav_wgpu::model::{HeadSpec, NetworkSpec};
use swav_wgpu::runs::checkpoint::{Checkpoint, FORMAT, Meta};

use super::Tensors;

const HIDDEN: usize = 6;
pub(super) const EMBEDDING: usize = 3;
pub(super) const PROTOTYPES: usize = 5;
const CLASSES: usize = 7;
/// Rows of a queue, and where the next key goes.
pub(super) const QUEUE: (usize, u64) = (8, 2);

/// The tensors of a predictor as a checkpoint has them.
fn predictor() -> impl Iterator<Item = (String, Vec<usize>)> {
    let norm =
        ["weight", "bias", "running_mean", "running_var"].map(|what| (format!("1.{what}"), vec![HIDDEN]));
    let linears = [
        ("0.weight", vec![HIDDEN, EMBEDDING]),
        ("0.bias", vec![HIDDEN]),
        ("3.weight", vec![EMBEDDING, HIDDEN]),
        ("3.bias", vec![EMBEDDING]),
    ];
    let linears = linears.map(|(rest, shape)| (rest.to_owned(), shape));
    linears.into_iter().chain(norm).map(|(rest, shape)| (format!("predictor.{rest}"), shape))
}

/// A run folder with one checkpoint of a method, with what it holds.
pub(super) fn run(method: Method, folder: &Path) -> (PathBuf, Tensors) {
    let normed = method != Method::MocoV2;
    let prototypes = if method == Method::Swav { PROTOTYPES } else { 0 };
    let head = HeadSpec { hidden: HIDDEN, norm: normed, embedding: EMBEDDING, prototypes };
    let trunk = TrunkSpec { block: Block::Basic, blocks: [1; 4], width: 4 };
    let head = (method != Method::Supervised).then_some(head);
    let spec = NetworkSpec { trunk, stem: Stem::Cifar, channels: 3, head };
    let mut shapes = spec.tensors();
    let second: Vec<_> =
        shapes.iter().map(|(name, shape)| (format!("target.{name}"), shape.clone())).collect();
    match method {
        Method::Swav => shapes.push(("queue".into(), vec![2, QUEUE.0, EMBEDDING])),
        Method::MocoV2 => {
            shapes.extend(second);
            shapes.push(("queue".into(), vec![QUEUE.0, EMBEDDING]));
        }
        Method::Byol => {
            shapes.extend(second);
            shapes.extend(predictor());
        }
        Method::DeepclusterV2 => {
            shapes.extend([0, 1].map(|set| (format!("centroids.{set}"), vec![PROTOTYPES, EMBEDDING])));
            shapes.extend(["bank.0", "labels"].map(|name| (name.to_owned(), vec![2, 4])));
        }
        Method::SelaV2 => {
            let name = |set| format!("prototypes.prototypes{set}.weight");
            shapes.extend([0, 1].map(|set| (name(set), vec![PROTOTYPES, EMBEDDING])));
            shapes.extend(["bank.0", "labels"].map(|name| (name.to_owned(), vec![2, 4])));
        }
        Method::Supervised => {
            let features = spec.trunk.features();
            shapes.extend([("fc.weight".into(), vec![CLASSES, features]), ("fc.bias".into(), vec![CLASSES])]);
        }
        Method::Simclr => {}
    }
    shapes.push(("optimizer.momentum.conv1.weight".into(), vec![4]));
    let mut random = Rng64(7);
    let tensors: Tensors = shapes
        .into_iter()
        .map(|(name, shape)| {
            let is_variance = name.ends_with("running_var");
            let mut value = || if is_variance { 0.5 + random.uniform() } else { random.normal() } as f32;
            let data = (0..shape.iter().product::<usize>()).map(|_| value()).collect();
            (name, HostTensor::new(shape, data))
        })
        .collect();
    let out = folder.join(method.to_string());
    std::fs::create_dir(&out).expect("a folder");
    let meta = Meta {
        format: FORMAT.into(),
        config: Config { method, stem: Stem::Cifar, ..Config::default() }.to_toml(),
        step: 4,
        epoch: 0,
        batch_in_epoch: 4,
        state: json!({ "position": { "step": 4, "queue_cursor": QUEUE.1 } }),
    };
    Checkpoint { tensors: tensors.clone(), meta }.save(&out).expect("it can be written");
    (out, tensors)
}
