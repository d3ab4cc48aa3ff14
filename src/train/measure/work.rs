//! How many floating-point operations a training step is, from the architecture.

use crate::config::{Block, Config, Stem, TrunkSpec};

/// Operations of one training step: two a multiplication and addition, of convolutions and linear
/// layers, forward and backward. Backward takes as many for the inputs and as many for the weights as
/// forward does, but nobody asks for the gradient of the pictures. What batch norms, codes, loss and
/// update compute is not counted (a few per cent; their cost is the memory they move), and neither
/// are savings of a kernel that needs fewer multiplications: so figures of different programs can be
/// compared.
#[must_use]
pub fn flop_per_step(config: &Config) -> u64 {
    let trunk = config.trunk();
    let (mut forward, mut stem, mut rows) = (0, 0, 0);
    for group in &config.crops {
        let pictures = (group.count * config.batch) as u64;
        let cost = trunk_forward(&trunk, config.stem, config.channels as u64, group.size as u64);
        forward += pictures * cost.all;
        stem += pictures * cost.stem;
        rows += pictures;
    }
    let [features, hidden, embedding, prototypes] =
        [trunk.features(), config.hidden, config.embedding, config.prototypes].map(|n| n as u64);
    let head = if hidden == 0 { features * embedding } else { (features + embedding) * hidden };
    forward += 2 * rows * (head + embedding * prototypes);
    3 * forward - stem
}

/// Operations of a picture's forward pass.
struct TrunkCost {
    stem: u64,
    all: u64,
}

/// The same walk as `model::Trunk` takes, over sizes in place of tensors.
fn trunk_forward(spec: &TrunkSpec, stem: Stem, channels: u64, size: u64) -> TrunkCost {
    let conv = |channels: u64, filters: u64, kernel: u64, side: u64| {
        2 * channels * filters * kernel * kernel * side * side
    };
    let (kernel, stride, pool) = match stem {
        Stem::Imagenet => (7, 2, 2),
        Stem::Cifar => (3, 1, 1),
        Stem::Stride2 => (3, 2, 1),
    };
    let width = spec.width as u64;
    // Windows are padded to half their size, so that only the stride makes a picture smaller.
    let side = size.div_ceil(stride);
    let stem = conv(channels, width, kernel, side);
    let (mut all, mut channels, mut side) = (stem, width, side.div_ceil(pool));
    for (stage, &count) in spec.blocks.iter().enumerate() {
        let inner = width << stage;
        for block in 0..count {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let (before, after) = (side, side.div_ceil(stride));
            let out = match spec.block {
                Block::Basic => {
                    all += conv(channels, inner, 3, after) + conv(inner, inner, 3, after);
                    inner
                }
                Block::Bottleneck => {
                    all += conv(channels, inner, 1, before) + conv(inner, inner, 3, after);
                    all += conv(inner, 4 * inner, 1, after);
                    4 * inner
                }
            };
            if stride != 1 || channels != out {
                all += conv(channels, out, 1, after);
            }
            (channels, side) = (out, after);
        }
    }
    TrunkCost { stem, all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::measure::CASES;

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
}
