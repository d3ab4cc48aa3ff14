//! How crops are drawn, and what was drawn for one: the random half of the augmentation.
//!
//! Drawing and rendering are apart because a renderer may run elsewhere (on the device, say) from
//! the same [`CropParams`]. All values are drawn whether they are used or not, the box last: so a
//! setting that is switched off leaves every other draw of the crop as it was.

use super::crop::CropBox;
use super::view::padded;
use crate::config::Config;
pub use crate::config::CropGroup;
use crate::error::{Error, Result};
use crate::rng::Stream;

/// How views of a picture are made. The default is the official recipe: 2×224 and 6×96.
#[derive(Clone, Debug, PartialEq)]
pub struct Augment {
    /// The groups of crops, large ones first; the assignment crops are the first of all.
    pub crops: Vec<CropGroup>,
    /// Probability of a horizontal flip.
    pub flip: f64,
    /// Probability that the four colour adjustments below are applied, in random order.
    pub jitter: f64,
    /// Brightness is multiplied by U(1 − b, 1 + b).
    pub brightness: f64,
    /// Contrast is multiplied by U(1 − c, 1 + c).
    pub contrast: f64,
    /// Saturation is multiplied by U(1 − s, 1 + s).
    pub saturation: f64,
    /// Hue is turned by U(−h, h) of a whole turn; at most 0.5.
    pub hue: f64,
    /// Probability of greyscale.
    pub grey: f64,
    /// Probability of a Gaussian blur.
    pub blur: f64,
    /// Least and greatest standard deviation of the blur, in pixels of the crop.
    pub blur_radius: [f64; 2],
    /// Subtracted from the channels, which are in [0, 1]: one value each, and so many channels has a picture.
    pub mean: Vec<f32>,
    /// Then divided by.
    pub std: Vec<f32>,
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            crops: vec![
                CropGroup { count: 2, size: 224, scale: [0.14, 1.0] },
                CropGroup { count: 6, size: 96, scale: [0.05, 0.14] },
            ],
            flip: 0.5,
            jitter: 0.8,
            brightness: 0.8,
            contrast: 0.8,
            saturation: 0.8,
            hue: 0.2,
            grey: 0.2,
            blur: 0.5,
            blur_radius: [0.1, 2.0],
            mean: vec![0.485, 0.456, 0.406],
            // The first is .229 everywhere else; the official code has .228, and so its weights.
            std: vec![0.228, 0.224, 0.225],
        }
    }
}

impl Augment {
    /// Crops of each picture, over all groups.
    #[must_use]
    pub fn views(&self) -> usize {
        self.crops.iter().map(|group| group.count).sum()
    }

    /// Channels of the pictures.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.mean.len()
    }

    /// Floats of a crop of `size`×`size` pixels.
    #[must_use]
    pub fn floats(&self, size: u32) -> usize {
        padded(self.channels()) * (size as usize).pow(2)
    }

    /// Refuses values that make no sense, by the ranges of the settings of the same names.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        if self.mean.is_empty() || self.mean.len() != self.std.len() {
            return Err(Error::config("std", "mean and std need one value for each channel"));
        }
        let [mean, std] = [&self.mean, &self.std].map(|all| all.iter().map(|&one| f64::from(one)).collect());
        let [blur_min, blur_max] = self.blur_radius;
        let Self { flip, jitter, brightness, contrast, saturation, hue, grey, blur, .. } = *self;
        let crops = self.crops.clone();
        Config {
            crops,
            flip,
            jitter,
            brightness,
            contrast,
            saturation,
            hue,
            grey,
            blur,
            blur_min,
            blur_max,
            mean,
            std,
            ..Config::default()
        }
        .validate_augmentation()
    }
}

/// One colour adjustment with its factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Adjustment {
    /// Multiply the channels; 1 changes nothing.
    Brightness(f32),
    /// Stretch from the mean grey of the crop; 1 changes nothing.
    Contrast(f32),
    /// Stretch from each pixel's own grey; 1 changes nothing, 0 is grey.
    Saturation(f32),
    /// Turn the hue by this share of a whole turn, in [−0.5, 0.5]; 0 changes nothing.
    Hue(f32),
}

/// What was drawn for one crop: everything that rendering needs beside the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct CropParams {
    /// The part of the picture.
    pub region: CropBox,
    /// Mirrored left to right.
    pub flip: bool,
    /// The colour adjustments in the order in which they are applied, if any.
    pub jitter: Option<[Adjustment; 4]>,
    /// Turned to grey, after the adjustments.
    pub grey: bool,
    /// Standard deviation of the blur in pixels of the crop, if any.
    pub blur: Option<f32>,
    /// The factors of brightness and contrast of each channel, which stand for those of `jitter` where the
    /// picture is not of three channels; else empty.
    pub each: Vec<[f32; 2]>,
}

impl CropParams {
    /// Draws a crop of a `width`×`height` picture from its stream, which is
    /// `Stream::new(seed, Purpose::Crop, &[epoch, picture, crop])`, crops counted over all groups.
    pub fn draw(stream: &mut Stream, augment: &Augment, group: &CropGroup, width: u32, height: u32) -> Self {
        let flip = stream.chance(augment.flip);
        let jittered = stream.chance(augment.jitter);
        let mut factor = |strength: f64| stream.range((1.0 - strength).max(0.0), 1.0 + strength) as f32;
        let (brightness, contrast) = (factor(augment.brightness), factor(augment.contrast));
        let saturation = factor(augment.saturation);
        let hue = stream.range(-augment.hue, augment.hue) as f32;
        let mut jitter = [
            Adjustment::Brightness(brightness),
            Adjustment::Contrast(contrast),
            Adjustment::Saturation(saturation),
            Adjustment::Hue(hue),
        ];
        stream.shuffle(&mut jitter);
        let grey = stream.chance(augment.grey);
        let blurred = stream.chance(augment.blur);
        let sigma = stream.range(augment.blur_radius[0], augment.blur_radius[1]) as f32;
        let mut factor = |strength: f64| stream.range((1.0 - strength).max(0.0), 1.0 + strength) as f32;
        // Saturation and hue hide the shares of the channels; without them, every channel goes its own way.
        let apart = if augment.channels() == 3 { 0 } else { augment.channels() };
        let each = (0..apart).map(|_| [factor(augment.brightness), factor(augment.contrast)]).collect();
        let region = CropBox::draw(|| stream.uniform(), group.scale, width, height);
        let (jitter, blur) = (jittered.then_some(jitter), blurred.then_some(sigma));
        Self { region, flip, jitter, grey, blur, each }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{golden_json, moments};
    use crate::rng::Purpose;

    fn draws(n: u64, augment: &Augment) -> Vec<CropParams> {
        (0..n)
            .map(|i| {
                let mut stream = Stream::new(31, Purpose::Crop, &[0, i, 0]);
                CropParams::draw(&mut stream, augment, &augment.crops[0], 96, 96)
            })
            .collect()
    }

    #[test]
    fn colour_draws_have_the_official_distribution() {
        let stats = golden_json("09_aug_stats.json");
        let augment = Augment::default();
        let n = 50_000;
        let all = draws(n, &augment);
        let share =
            |what: &dyn Fn(&CropParams) -> bool| all.iter().filter(|c| what(c)).count() as f64 / n as f64;
        let near = |got: f64, want: f64, what: &str| {
            let error = (want * (1.0 - want) / n as f64).sqrt();
            assert!((got - want).abs() < 5.0 * error, "{what}: {got} for {want}");
        };
        near(share(&|c| c.flip), stats["horizontal_flip"]["p"].as_f64().unwrap(), "flip");
        near(share(&|c| c.jitter.is_some()), stats["color_jitter"]["p_apply"].as_f64().unwrap(), "jitter");
        near(share(&|c| c.grey), stats["grayscale"]["p"].as_f64().unwrap(), "grey");
        near(share(&|c| c.blur.is_some()), stats["gaussian_blur"]["p"].as_f64().unwrap(), "blur");

        let sigma: Vec<f64> = all.iter().filter_map(|c| c.blur).map(f64::from).collect();
        let range = &stats["gaussian_blur"]["sigma_uniform"];
        let (low, high) = (range[0].as_f64().unwrap(), range[1].as_f64().unwrap());
        assert!(sigma.iter().all(|s| (low..=high).contains(s)));
        let (mean, std) = moments(&sigma);
        assert!((mean - (low + high) / 2.0).abs() < 0.02 && (std - (high - low) / 12f64.sqrt()).abs() < 0.01);

        let jitter = &stats["color_jitter"];
        let mut values = vec![Vec::new(); 4];
        let mut orders = std::collections::HashMap::<Vec<usize>, usize>::new();
        for adjustments in all.iter().filter_map(|c| c.jitter) {
            let mut order = Vec::new();
            for adjustment in adjustments {
                let (kind, value) = match adjustment {
                    Adjustment::Brightness(f) => (0, f),
                    Adjustment::Contrast(f) => (1, f),
                    Adjustment::Saturation(f) => (2, f),
                    Adjustment::Hue(f) => (3, f),
                };
                values[kind].push(f64::from(value));
                order.push(kind);
            }
            *orders.entry(order).or_default() += 1;
        }
        for (kind, name) in ["brightness", "contrast", "saturation", "hue"].into_iter().enumerate() {
            let (low, high) = (jitter[name][0].as_f64().unwrap(), jitter[name][1].as_f64().unwrap());
            assert!(values[kind].iter().all(|v| (low - 1e-6..=high + 1e-6).contains(v)), "{name}");
            let (mean, std) = moments(&values[kind]);
            assert!((mean - jitter["means"][kind].as_f64().unwrap()).abs() < 0.015, "{name}: mean {mean}");
            assert!((std - jitter["stds"][kind].as_f64().unwrap()).abs() < 0.01, "{name}: deviation {std}");
        }
        assert_eq!(orders.len() as u64, jitter["n_orders"].as_u64().unwrap());
        let total = values[0].len() as f64;
        assert!(orders.values().all(|&c| (c as f64 / total - 1.0 / 24.0).abs() < 0.005), "{orders:?}");
    }

    #[test]
    fn the_default_is_the_official_recipe() {
        let recipe = &golden_json("09_aug_stats.json")["multicrop"]["recipes"]["imagenet"];
        let augment = Augment::default();
        for (i, group) in augment.crops.iter().enumerate() {
            assert_eq!(group.size as u64, recipe["size"][i].as_u64().unwrap());
            assert_eq!(group.count as u64, recipe["n"][i].as_u64().unwrap());
            let scale = [&recipe["min_scale"], &recipe["max_scale"]].map(|s| s[i].as_f64().unwrap());
            assert_eq!(group.scale, scale);
        }
        augment.check().unwrap();
    }

    #[test]
    fn switching_one_setting_off_leaves_the_others() {
        let on = Augment::default();
        let off = Augment { jitter: 0.0, blur: 0.0, brightness: 0.0, ..Augment::default() };
        for (a, b) in draws(200, &on).iter().zip(draws(200, &off)) {
            assert_eq!((&a.region, a.flip, a.grey), (&b.region, b.flip, b.grey));
            assert!(b.jitter.is_none() && b.blur.is_none());
        }
    }

    #[test]
    fn every_band_has_factors_of_its_own() {
        let bands = |n: usize| Augment { mean: vec![0.5; n], std: vec![0.2; n], ..Augment::default() };
        for (five, rgb) in draws(200, &bands(5)).iter().zip(draws(200, &Augment::default())) {
            assert_eq!((five.flip, five.jitter, five.blur), (rgb.flip, rgb.jitter, rgb.blur));
            assert!(five.each.len() == 5 && rgb.each.is_empty());
            assert!(five.each.iter().flatten().all(|factor| (0.2..=1.8).contains(factor)));
            assert!(five.each.windows(2).all(|pair| pair[0] != pair[1]));
        }
        assert_eq!(draws(1, &bands(1))[0].each.len(), 1);
    }

    #[test]
    fn senseless_values_are_refused_by_name() {
        let field = |change: &dyn Fn(&mut Augment)| {
            let mut augment = Augment::default();
            change(&mut augment);
            augment.check().unwrap_err().to_string()
        };
        assert!(field(&|a| a.crops.clear()).contains("`crops`"));
        assert!(field(&|a| a.crops[0].size = 0).contains("`crops`"));
        assert!(field(&|a| a.crops[1].scale = [0.5, 0.1]).contains("`crops`"));
        assert!(field(&|a| a.hue = 0.6).contains("`hue`"));
        assert!(field(&|a| a.flip = f64::NAN).contains("`flip`"));
        assert!(field(&|a| a.blur_radius = [2.0, 1.0]).contains("`blur_min`"));
        assert!(field(&|a| a.std[1] = 0.0).contains("`std`"));
        assert!(field(&|a| a.std.truncate(2)).contains("`std`"));
    }
}
