//! What must fit together: checks over several settings, each with the way out.

use super::check::require;
use super::method::Method;
use super::micro::MicroBatch;
use super::settings::Config;
use super::types::{Augmenter, CropGroup, Kernels, Precision};
use crate::error::{Error, Result};

/// The crop of which MoCo makes the key.
const KEY: usize = 1;

type Check = fn(&Config) -> Result<(), String>;

/// The settings that say how crops are made.
const AUGMENTATION: [&str; 13] = [
    "crops",
    "flip",
    "jitter",
    "brightness",
    "contrast",
    "saturation",
    "hue",
    "grey",
    "blur",
    "blur_min",
    "blur_max",
    "mean",
    "std",
];

impl Config {
    /// Checks what says how crops are made, whatever the method needs of them.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub(crate) fn validate_augmentation(&self) -> Result<()> {
        for key in AUGMENTATION {
            let setting = Self::setting(key)?;
            (setting.check)(self).map_err(|reason| Error::config(key, reason))?;
        }
        self.check_blur().map_err(|reason| Error::config("blur_min", reason))
    }

    /// Checks every setting's range and what must fit together; the first thing wrong is the error.
    pub fn validate(&self) -> Result<()> {
        for setting in Self::SETTINGS {
            (setting.check)(self).map_err(|reason| Error::config(setting.key, reason))?;
        }
        let checks: [(&str, Check); 16] = [
            ("former_steps", |config| config.former_steps.check(config.steps)),
            ("crops", Self::check_crops),
            ("assign", Self::check_assign),
            ("blur_min", Self::check_blur),
            ("final_lr", Self::check_final_lr),
            ("warmup", Self::check_warmup),
            ("start_lr", Self::check_start_lr),
            ("queue", Self::check_queue),
            ("method", Self::check_method),
            ("micro_batch", Self::check_parts),
            ("eval_size", Self::check_eval),
            ("bands", Self::check_bands),
            ("augment", Self::check_augment),
            ("kernels", Self::check_kernels),
            ("mean", |config| config.check_values(&config.mean)),
            ("std", |config| config.check_values(&config.std)),
        ];
        checks.iter().try_for_each(|(key, check)| check(self).map_err(|reason| Error::config(*key, reason)))
    }

    fn check_assign(&self) -> Result<(), String> {
        if !self.method.reads("assign") {
            return Ok(());
        }
        let count = self.crop_count();
        let beyond = self.assign.iter().find(|&&crop| crop >= count);
        beyond.map_or(Ok(()), |crop| {
            Err(format!(
                "crop {crop} does not exist: `crops` gives {count}, counted from 0 to {}; the usual value is 0,1",
                count - 1
            ))
        })?;
        self.assign.iter().find_map(|&crop| self.smaller(crop)).map_or(Ok(()), |(crop, [size, largest])| {
            Err(format!(
                "names crop {crop}, which has {size} pixels, and the largest crops have {largest}: what the others \
                 predict must be seen in full; name large crops only, or put them first in `crops`"
            ))
        })
    }

    /// A crop with its side and that of the largest, where it is smaller.
    fn smaller(&self, crop: usize) -> Option<(usize, [usize; 2])> {
        let sides = || self.crops.iter().flat_map(|group| std::iter::repeat_n(group.size, group.count));
        let (size, largest) = (sides().nth(crop)?, sides().max()?);
        (size < largest).then_some((crop, [size, largest]))
    }

    fn check_blur(&self) -> Result<(), String> {
        let (min, max) = (self.blur_min, self.blur_max);
        require(min <= max, || format!("is {min}, which is above `blur_max` {max}; exchange them"))
    }

    fn check_final_lr(&self) -> Result<(), String> {
        let (last, lr) = (self.final_lr, self.lr);
        require(last <= lr, || {
            format!(
                "is {last}, which is above `lr` {lr}: the rate falls to it; set it to {} or 0",
                lr / 1000.0
            )
        })
    }

    fn check_warmup(&self) -> Result<(), String> {
        let (warmup, epochs) = (self.warmup, self.epochs);
        // Equality would leave no step for the cosine.
        require(warmup < epochs as f64, || {
            format!("lasts {warmup} epochs, but the run has only {epochs}; lower it or raise `epochs`")
        })
    }

    fn check_start_lr(&self) -> Result<(), String> {
        let (start, lr) = (self.start_lr, self.lr);
        require(self.warmup == 0.0 || start <= lr, || {
            format!(
                "is {start}, which is above `lr` {lr}: warm-up rises from it; set it to 0, or `warmup` to 0"
            )
        })
    }

    /// All but supervised training compare the crops of a picture.
    fn check_crops(&self) -> Result<(), String> {
        let (count, method) = (self.crop_count(), self.method);
        require(count >= 2 || method == Method::Supervised, || {
            format!(
                "gives {count}, and {} compares crops of one picture: 2 at least are needed",
                method.title()
            )
        })?;
        let small_key = self.smaller(KEY).filter(|_| method == Method::MocoV2);
        small_key.map_or(Ok(()), |(crop, [size, largest])| {
            Err(format!(
                "gives crop {crop} (counted from 0), of which {} makes the key, {size} pixels, and the largest have \
                 {largest}: begin with two large crops",
                method.title()
            ))
        })
    }

    /// Some methods look at single crops, which must begin where a device can bind them.
    fn check_method(&self) -> Result<(), String> {
        let single = !matches!(self.method, Method::Swav | Method::Simclr | Method::Supervised);
        let method = self.method;
        for pictures in self.parts() {
            let of = |group: &&CropGroup| !(group.size.pow(2) * pictures).is_multiple_of(32);
            let odd = self.crops.iter().find(of).filter(|_| single);
            odd.map_or(Ok(()), |CropGroup { size, .. }| {
                Err(format!(
                    "is {method}, which looks at single crops: with crops of {size} pixels, not a multiple of 8, the batch \
                     (or each of its parts) must be a multiple of 32, not {pictures}"
                ))
            })?;
        }
        require(self.method != Method::MocoV2 || self.queue > 0, || {
            format!(
                "is {}, which needs a queue: set `queue`, to 65536 as its authors or to a few thousand",
                self.method
            )
        })
    }

    fn check_parts(&self) -> Result<(), String> {
        let batch = self.batch;
        let Some(MicroBatch::Of(part)) = self.micro_batch else { return Ok(()) };
        require(part <= batch, || {
            format!(
                "is {part}, which is above `batch` {batch}: lower it, or leave it out for the whole batch at once"
            )
        })?;
        // A batch norm of one value a channel would divide by nothing.
        require(part >= 2, || format!("is {part}, and batch norms need two pictures at least"))?;
        require(batch % part != 1, || {
            format!(
                "is {part}, which leaves one picture of a batch of {batch} for the last part, and batch norms need two at \
                 least: take another number"
            )
        })
    }

    fn check_queue(&self) -> Result<(), String> {
        let (queue, batch) = (self.queue, self.batch);
        if !self.method.reads("queue") {
            return Ok(());
        }
        require(queue == 0 || queue >= batch, || {
            format!(
                "holds {queue} rows, fewer than a batch of {batch}; use 0 for none or a multiple of {batch}"
            )
        })
    }

    fn check_bands(&self) -> Result<(), String> {
        let (channels, chosen) = (self.channels, self.bands.as_ref().map_or(self.channels, Vec::len));
        let right = chosen == channels || matches!((chosen, channels), (1 | 3, 1 | 3));
        require(right, || {
            format!(
                "names {chosen}, but pictures have {channels} channels: set `channels` to {chosen}, or name {channels}"
            )
        })
    }

    fn check_augment(&self) -> Result<(), String> {
        require(self.augment != Augmenter::Gpu || self.channels == 3, || {
            let channels = self.channels;
            format!(
                "is gpu, which makes crops of three channels only, not of {channels}: leave it at auto or use cpu"
            )
        })
    }

    fn check_kernels(&self) -> Result<(), String> {
        require(self.kernels != Kernels::Matrix || self.precision == Precision::F16, || {
            "is matrix, but matrix units multiply half precision: add `precision` f16, or leave it at auto"
                .to_owned()
        })
    }

    fn check_values(&self, values: &[f64]) -> Result<(), String> {
        let (count, channels) = (values.len(), self.channels);
        require(count == channels || matches!(count, 1 | 3), || {
            format!("must be {channels} numbers, one for each channel, or one for all, not {count}")
        })
    }

    fn check_eval(&self) -> Result<(), String> {
        let (size, resize) = (self.eval_size, self.eval_resize);
        require(size <= resize, || {
            format!(
                "is {size}, which is above `eval_resize` {resize}: the centre is cut from the scaled picture"
            )
        })
    }
}
