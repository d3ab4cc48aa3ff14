//! How the settings of a run say that crops are made, and what that does to a picture.

use crate::config::Config;
use crate::data::{Augment, CropGroup, Dataset, Showcase};
use crate::error::Result;

/// How the settings say that crops are made.
#[must_use]
pub fn augment(config: &Config) -> Augment {
    let group = |group: &crate::config::CropGroup| CropGroup {
        count: group.count,
        size: group.size as u32,
        scale: group.scale,
    };
    Augment {
        crops: config.crops.iter().map(group).collect(),
        flip: config.flip,
        jitter: config.jitter,
        brightness: config.brightness,
        contrast: config.contrast,
        saturation: config.saturation,
        hue: config.hue,
        grey: config.grey,
        blur: config.blur,
        blur_radius: [config.blur_min, config.blur_max],
        mean: config.mean.map(|value| value as f32),
        std: config.std.map(|value| value as f32),
    }
}

/// Picture `picture` of a data set with all the crops that a run with these settings makes of it in
/// epoch `epoch`, counted from 0. No device is needed.
///
/// # Errors
/// [`crate::error::Error::Data`] where the picture cannot be read; [`crate::error::Error::Config`]
/// where the settings make no sense.
pub fn showcase(config: &Config, dataset: &Dataset, picture: u32, epoch: u64) -> Result<Showcase> {
    Showcase::new(dataset.decode(picture)?, &augment(config), config.seed, epoch, picture)
}
