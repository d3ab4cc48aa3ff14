//! What the augmentation does to one picture: every crop as a person can look at it, with its box in
//! the picture and what was drawn. The same draws as the loader's, so these are the crops of a run.

use image::RgbImage;

use super::augment::{Augment, CropGroup, CropParams};
use super::picture::{Picture, Shown};
use super::view::{padded, render};
use crate::error::Result;
use crate::rng::{Purpose, Stream};

/// A picture with all of its crops.
#[derive(Clone, Debug)]
pub struct Showcase {
    /// The picture.
    pub picture: Picture,
    /// The bands of it that are shown.
    pub bands: Shown,
    /// Its crops, in the order of the groups.
    pub views: Vec<View>,
}

/// One crop.
#[derive(Clone, Debug)]
pub struct View {
    /// The group that it belongs to, an index into [`Augment::crops`].
    pub group: usize,
    /// What was drawn; [`CropParams::region`] is the box, in pixels of the picture.
    pub params: CropParams,
    /// The crop, `size`×`size`, before it is normalised, as a person is shown it.
    pub pixels: RgbImage,
}

impl Showcase {
    /// Crops `picture`, which is number `number` of its data set, as epoch `epoch` (from 0) of a run
    /// with this seed does; `bands` of it are shown.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] where the augmentation makes no sense.
    pub fn new(
        picture: Picture,
        bands: Shown,
        augment: &Augment,
        seed: u64,
        epoch: u64,
        number: u32,
    ) -> Result<Self> {
        augment.check()?;
        let channels = augment.channels();
        let plain = Augment { mean: vec![0.0; channels], std: vec![1.0; channels], ..augment.clone() };
        let view = |(params, group): (CropParams, usize)| {
            let size = augment.crops[group].size as u32;
            let mut pixels = vec![0.0; plain.floats(size)];
            render(&picture, &params, size, &plain, &mut pixels);
            let pixels = pixels.chunks_exact(padded(channels));
            let bytes = pixels.flat_map(|pixel| pixel[..channels].iter().copied().map(level)).collect();
            // So many bytes a pixel: the length is right.
            let pixels = Picture::new(size, size, channels as u32, bytes).unwrap_or_default().shown(bands);
            View { group, params, pixels }
        };
        let views = draws(augment, seed, epoch, number, picture.dimensions()).map(view).collect();
        Ok(Self { picture, bands, views })
    }

    /// The picture as a person is shown it.
    #[must_use]
    pub fn look(&self) -> RgbImage {
        self.picture.shown(self.bands)
    }
}

fn level(value: f32) -> u8 {
    (value * 255.0).round() as u8
}

/// What is drawn for each crop of a picture, with the crop's group: the same for every renderer.
pub(super) fn draws(
    augment: &Augment,
    seed: u64,
    epoch: u64,
    number: u32,
    (width, height): (u32, u32),
) -> impl Iterator<Item = (CropParams, usize)> {
    let of_group = |(i, group): (usize, &'_ CropGroup)| std::iter::repeat_n(i, group.count);
    let groups: Vec<usize> = augment.crops.iter().enumerate().flat_map(of_group).collect();
    (0u64..).zip(groups).map(move |(crop, group)| {
        let mut stream = Stream::new(seed, Purpose::Crop, &[epoch, u64::from(number), crop]);
        (CropParams::draw(&mut stream, augment, &augment.crops[group], width, height), group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::FIRST_BANDS;

    #[test]
    fn the_crops_are_those_of_the_loader_and_lie_in_the_picture() {
        let picture = RgbImage::from_fn(60, 40, |x, y| image::Rgb([(x * 4) as u8, (y * 6) as u8, 90]));
        let picture = Picture::from(picture);
        let crops = vec![
            CropGroup { count: 2, size: 16, scale: [0.14, 1.0] },
            CropGroup { count: 3, size: 9, scale: [0.05, 0.14] },
        ];
        let augment = Augment { crops, ..Augment::default() };
        let shown = Showcase::new(picture.clone(), FIRST_BANDS, &augment, 31, 2, 7).unwrap();
        assert_eq!(shown.views.iter().map(|v| v.group).collect::<Vec<_>>(), [0, 0, 1, 1, 1]);
        for (crop, view) in (0..).zip(&shown.views) {
            let group = &augment.crops[view.group];
            let mut stream = Stream::new(31, Purpose::Crop, &[2, 7, crop]);
            assert_eq!(view.params, CropParams::draw(&mut stream, &augment, group, 60, 40));
            let size = group.size as u32;
            assert_eq!(view.pixels.dimensions(), (size, size));
            let mut normalised = vec![0.0; 4 * group.size * group.size];
            render(&picture, &view.params, size, &augment, &mut normalised);
            for (got, want) in view.pixels.pixels().zip(normalised.chunks(4)) {
                for c in 0..3 {
                    let level = (want[c] * augment.std[c] + augment.mean[c]) * 255.0;
                    assert!((f32::from(got[c]) - level).abs() < 0.51, "{} for {level}", got[c]);
                }
            }
        }
        let bad = Augment { hue: 2.0, ..augment };
        assert!(Showcase::new(picture, FIRST_BANDS, &bad, 31, 2, 7).is_err());
    }
}
