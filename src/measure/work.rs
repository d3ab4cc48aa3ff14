//! How many floating-point operations training is, from the architecture and what each method makes of it.
//!
//! Two operations a multiplication and addition, of convolutions, linear layers and other products of matrices
//! (embeddings with prototypes, a queue or each other). What batch norms, codes, loss and update compute is not counted
//! (a few per cent; their cost is the memory they move), and neither are savings of a kernel that needs fewer
//! multiplications, nor what `recompute` computes again: so figures of different programs can be compared.

use crate::config::{Config, ConvUnit, Layout, Method};
use crate::method::balance::Rounds;

/// MoCo's crop of which the key is made; it does not go through the network in training.
const KEY: usize = 1;
/// Looks of k-means at all rows: ten rounds, and one for the labels.
const CLUSTERING: u64 = 11;
/// Classes where nothing is known of the pictures, as in measurements.
const CLASSES: usize = 10;

/// Operations of one training step, forward and backward, on pictures of which nothing is known.
#[must_use]
pub fn flop_per_step(config: &Config) -> u64 {
    Work::of(config, &Extent { pictures: config.batch, classes: CLASSES }).step
}

/// What looking twice at all parts of a batch but one adds to a step, as a share of its operations.
#[must_use]
pub fn again_share(config: &Config) -> f64 {
    let again: usize = config.parts().iter().skip(1).sum();
    forward_share(config) * again as f64 / config.batch as f64
}

/// What a step computes more than once, beside its operations and as a share of them: parts that are looked at again, and
/// activations that `recompute` makes again.
#[must_use]
pub fn repeated_share(config: &Config) -> f64 {
    again_share(config) + if config.recompute { forward_share(config) } else { 0.0 }
}

/// The trunk's forward pass, as a share of the operations of a step.
fn forward_share(config: &Config) -> f64 {
    let trained = Looked::at(config, |crop| config.method != Method::MocoV2 || crop != KEY);
    trained.trunk as f64 / flop_per_step(config) as f64
}

/// Operations of one view of a picture in evaluation: forward, through the trunk.
#[must_use]
pub fn flop_per_view(config: &Config) -> u64 {
    trunk_forward(&config.trunk().layout(config.stem, config.channels), config.eval_size as usize).all
}

/// What the work depends on beside the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Pictures of an epoch: whole batches.
    pub pictures: usize,
    /// Classes that supervised training tells apart.
    pub classes: usize,
}

/// Operations of a run, by when they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Work {
    /// In every training step. Backward takes as many for the inputs and as many for the weights as forward does, but
    /// nobody asks for the gradient of the pictures; second networks only go forward.
    pub step: u64,
    /// Once, before the first step: the first look at all pictures of DeepCluster-v2 and SeLa-v2.
    pub first: u64,
    /// Before each epoch: k-means or balancing of all pictures. Balancing counts as if it always made all its rounds,
    /// though it may be done sooner.
    pub epoch: u64,
}

impl Work {
    /// Of a run with these settings.
    #[must_use]
    pub fn of(config: &Config, extent: &Extent) -> Self {
        let [d, k] = [config.embedding, config.prototypes].map(|n| n as u64);
        let in_training = |crop| config.method != Method::MocoV2 || crop != KEY;
        let trained = Looked::at(config, in_training);
        let assigned = || Looked::at(config, |crop| config.assign.contains(&crop));
        let rows = trained.rows;
        let head = head(config);
        let trunk = 3 * trained.trunk - trained.stem;
        let step = trunk + if config.method == Method::Supervised { 0 } else { 6 * rows * head };
        let queue = config.queue_rows() as u64;
        let only = |step| Self { step, first: 0, epoch: 0 };
        match config.method {
            Method::Swav => only(step + 6 * rows * d * k + 2 * config.assign.len() as u64 * queue * d * k),
            Method::Simclr => only(step + 4 * rows * rows * d),
            Method::MocoV2 => {
                only(step + 4 * rows * d * queue + Looked::at(config, |crop| crop == KEY).forward(head))
            }
            Method::Byol => {
                only(step + 6 * rows * 2 * d * config.predictor as u64 + assigned().forward(head))
            }
            Method::Supervised => {
                only(step + 6 * rows * config.trunk().features() as u64 * extent.classes as u64)
            }
            Method::DeepclusterV2 | Method::SelaV2 => {
                let k = config.sets().iter().sum::<usize>() as u64;
                // Centroids get no gradient, trained prototypes do.
                let (products, looks) = match config.method {
                    Method::DeepclusterV2 => (4, CLUSTERING),
                    _ => (6, Rounds::default().most as u64 + 1),
                };
                let batches = (extent.pictures / config.batch.max(1)) as u64;
                Self {
                    step: step + products * rows * d * k,
                    first: batches * assigned().forward(head),
                    epoch: looks * 2 * extent.pictures as u64 * d * k,
                }
            }
        }
    }

    /// Of so many steps with so many of them an epoch. More than 64 bits can count, in long runs.
    #[must_use]
    pub fn total(&self, steps: u64, steps_per_epoch: u64) -> f64 {
        let epochs = steps.div_ceil(steps_per_epoch.max(1));
        self.first as f64 + steps as f64 * self.step as f64 + epochs as f64 * self.epoch as f64
    }

    /// The most steps that take no more than `flop`.
    #[must_use]
    pub fn steps_within(&self, flop: f64, steps_per_epoch: u64) -> u64 {
        let [per_epoch, step, label] =
            [steps_per_epoch.max(1), self.step.max(1), self.epoch].map(|n| n as f64);
        let left = (flop - self.first as f64).max(0.0);
        let epochs = (left / (per_epoch * step + label)).floor();
        let begun = left - epochs * (per_epoch * step + label);
        let more = ((begun - label) / step).floor().clamp(0.0, per_epoch - 1.0);
        (epochs * per_epoch + more) as u64
    }
}

/// A row's way through the projection head, as multiplications.
fn head(config: &Config) -> u64 {
    let [features, hidden, embedding] =
        [config.trunk().features(), config.hidden, config.embedding].map(|n| n as u64);
    if hidden == 0 { features * embedding } else { (features + embedding) * hidden }
}

/// Some of the crops of a batch on their way forward through a trunk.
struct Looked {
    trunk: u64,
    /// The part of the first layer.
    stem: u64,
    rows: u64,
}

impl Looked {
    /// The crops (counted from 0 over all groups) that are `wanted`.
    fn at(config: &Config, wanted: impl Fn(usize) -> bool) -> Self {
        let (trunk, mut first) = (config.trunk().layout(config.stem, config.channels), 0);
        let mut looked = Self { trunk: 0, stem: 0, rows: 0 };
        for group in &config.crops {
            let crops = (first..first + group.count).filter(|&crop| wanted(crop)).count();
            first += group.count;
            let pictures = (crops * config.batch) as u64;
            let cost = trunk_forward(&trunk, group.size);
            looked.trunk += pictures * cost.all;
            looked.stem += pictures * cost.stem;
            looked.rows += pictures;
        }
        looked
    }

    /// Operations with a head on the trunk, without a gradient.
    fn forward(&self, head: u64) -> u64 {
        self.trunk + 2 * self.rows * head
    }
}

/// Operations of a picture's forward pass.
struct TrunkCost {
    stem: u64,
    all: u64,
}

/// The walk along the trunk with sizes in place of tensors.
fn trunk_forward(layout: &Layout, size: usize) -> TrunkCost {
    // The operations of a unit, and the side of its output.
    let unit = |unit: &ConvUnit, side: usize| {
        let side = unit.side(side);
        let products = unit.channels * unit.filters * unit.kernel * unit.kernel * side * side;
        (2 * products as u64, side)
    };
    let (stem, mut side) = unit(&layout.stem, size);
    if layout.pool {
        side = side.div_ceil(2);
    }
    let mut all = stem;
    for block in &layout.blocks {
        all += block.shortcut.as_ref().map_or(0, |shortcut| unit(shortcut, side).0);
        for one in &block.units {
            let (cost, after) = unit(one, side);
            (all, side) = (all + cost, after);
        }
    }
    TrunkCost { stem, all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MicroBatch;
    use crate::measure::CASES;

    #[test]
    fn what_is_computed_again_is_a_share_of_a_forward_pass() {
        let config = Config { batch: 64, ..Config::default() };
        assert_eq!(repeated_share(&config), 0.0);
        let recompute = repeated_share(&Config { recompute: true, ..config.clone() });
        // Forward is a third of a step, but for the first layer, which has no gradient of its pictures.
        assert!((0.33..0.36).contains(&recompute), "{recompute}");
        let parts = Config { micro_batch: Some(MicroBatch::Of(16)), recompute: true, ..config };
        assert!((repeated_share(&parts) - 1.75 * recompute).abs() < 1e-9);
    }

    /// What hooks on the layers of `benches/peers/torch_step.py` count.
    #[test]
    fn a_step_is_as_much_work_as_pytorch_counts() {
        let [c1, c3] = [795_281_326_080, 604_567_633_920];
        // The last two are C3 and C1 with more pictures.
        let counted = [c1, 83_846_430_720, c3, 45_920_944_128, 100_052_631_552, 8 * c3, 4 * c1];
        assert_eq!(counted.len(), CASES.len());
        for (case, counted) in CASES.iter().zip(counted) {
            assert_eq!(flop_per_step(&case.config().unwrap()), counted, "{}", case.name);
        }
    }

    #[test]
    fn a_head_without_a_hidden_layer_is_one_product() {
        let mut config = CASES[4].config().unwrap();
        let with = flop_per_step(&config);
        config.set("hidden", "0").unwrap();
        // 768 crops; 128 → 128 → 64 becomes 128 → 64.
        assert_eq!(with - flop_per_step(&config), 3 * 2 * 768 * 128 * 128);
    }

    /// Two crops of 32 pixels for each of 128 pictures, counted by hand.
    #[test]
    fn methods_are_counted_by_what_they_compute() {
        // ResNet-18 of width 16: the stem, four convolutions at 32², and in each of three more stages one that halves
        // the side, three of twice its work, and the short cut.
        let (stem, trunk) = (2 * 27 * 16 * 1024, 70_090_752);
        assert_eq!(trunk, stem + 4 * 2 * 9 * 16 * 16 * 1024 + 3 * (7 * 2_359_296 + 2 * 16 * 32 * 256));
        // 128 features to 128 to 64.
        let head = 2 * (128 + 64) * 128;
        let both = 256 * (3 * (trunk + head) - stem);
        let count = |method: Method, more: &[(&str, &str)]| {
            let mut config = CASES[4].config().unwrap();
            config.method = method;
            for (key, value) in [("crops", "2x32@0.1-1")].iter().chain(more) {
                config.set(key, value).unwrap();
            }
            Work::of(&config, &Extent { pictures: 1280, classes: 7 })
        };
        let step = |method, more: &[(&str, &str)]| count(method, more).step;
        assert_eq!(step(Method::Swav, &[]), both + 3 * 256 * 2 * 64 * 100);
        // The queue's embeddings meet the prototypes too, those of each assigned crop.
        let queued = step(Method::Swav, &[("queue", "640")]) - step(Method::Swav, &[]);
        assert_eq!(queued, 2 * 640 * 2 * 64 * 100);
        // All with all, forward and backward.
        assert_eq!(step(Method::Simclr, &[]), both + 2 * (2 * 256 * 256 * 64));
        // The second crop is a key: forward alone.
        let moco = both / 2 + 128 * (trunk + head) + 2 * (2 * 128 * 64 * 1024);
        assert_eq!(step(Method::MocoV2, &[("queue", "1100")]), moco);
        // The predictor is trained, the target on both crops is not.
        let byol = both + 3 * 256 * 2 * (64 * 512 + 512 * 64) + 256 * (trunk + head);
        assert_eq!(step(Method::Byol, &[("predictor", "512")]), byol);
        let supervised = 256 * (3 * (trunk + 2 * 128 * 7) - stem);
        assert_eq!(step(Method::Supervised, &[]), supervised);
        // Three sets, trained or not; both crops of 1280 pictures once, then labels.
        let [deep, sela] = [Method::DeepclusterV2, Method::SelaV2].map(|method| count(method, &[]));
        let products = 2 * 256 * 64 * 300;
        assert_eq!([deep.step, sela.step], [both + 2 * products, both + 3 * products]);
        assert_eq!([deep.first, sela.first], [2 * 1280 * (trunk + head); 2]);
        let look = 2 * 1280 * 64 * 300;
        assert_eq!([deep.epoch, sela.epoch], [11 * look, 61 * look]);
    }

    #[test]
    fn steps_fill_a_budget_and_no_more() {
        let work = Work { step: 10, first: 50, epoch: 7 };
        assert_eq!(work.total(9, 4), 50.0 + 90.0 + 3.0 * 7.0);
        for budget in 0..400 {
            let (budget, steps) = (f64::from(budget), work.steps_within(f64::from(budget), 4));
            assert!(steps == 0 || work.total(steps, 4) <= budget, "{budget}: {steps}");
            assert!(work.total(steps + 1, 4) > budget, "{budget}: {steps}");
        }
    }
}
