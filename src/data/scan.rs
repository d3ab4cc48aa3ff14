//! A look at every picture of a set: sizes, channels, means and deviations, and what cannot be read.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::dataset::Dataset;
use super::decode::Decoded;
use super::picture::Picture;
use crate::error::Result;
use crate::pass::Pass;

/// Pictures whose figures are held before they are added up in order.
const PORTION: usize = 64;

/// What pictures turned out to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// Width and height of every picture that could be read, in order.
    pub sizes: Vec<[u32; 2]>,
    /// How many were grey, grey with transparency, colour, colour with transparency.
    pub channels: [usize; 4],
    /// How many had so many bands, where that is none of these.
    pub bands: BTreeMap<usize, usize>,
    /// How many had so many bits a channel.
    pub bits: BTreeMap<u32, usize>,
    /// Pictures that cannot be read, with the reasons.
    pub unreadable: Vec<(u32, String)>,
    /// Mean of the values of each channel, which are in [0, 1]; every picture weighs the same.
    pub mean: Vec<f64>,
    /// Their deviation.
    pub std: Vec<f64>,
}

/// What one picture is.
struct Look {
    size: [u32; 2],
    channels: usize,
    alpha: bool,
    bits: u32,
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Survey {
    /// Looks at `pictures` in order, on all cores; `pass` counts them. The result does not depend on the
    /// number of threads.
    ///
    /// # Errors
    /// [`crate::error::Error::Stopped`] where the pass is.
    pub fn of(dataset: &Dataset, pictures: &[u32], pass: &Pass) -> Result<Self> {
        let mut survey = Self::default();
        let channels = dataset.reading().channels;
        let (mut mean, mut square) = (vec![0.0; channels], vec![0.0; channels]);
        for some in pictures.chunks(PORTION) {
            let looks: Result<Vec<Result<Look, String>>> = some
                .par_iter()
                .map(|&picture| {
                    let found = look(dataset, picture);
                    pass.advance(1).map(|()| found)
                })
                .collect();
            let looks = looks?;
            for (&picture, look) in some.iter().zip(looks) {
                match look {
                    Ok(look) => {
                        survey.sizes.push(look.size);
                        match (look.channels, look.alpha) {
                            (1 | 3, false) | (2 | 4, true) => survey.channels[look.channels - 1] += 1,
                            (bands, _) => *survey.bands.entry(bands).or_default() += 1,
                        }
                        *survey.bits.entry(look.bits).or_default() += 1;
                        for channel in 0..channels {
                            mean[channel] += look.mean[channel];
                            square[channel] += look.square[channel];
                        }
                    }
                    Err(reason) => survey.unreadable.push((picture, reason)),
                }
            }
        }
        let count = survey.sizes.len().max(1) as f64;
        survey.mean = mean.iter().map(|mean| mean / count).collect();
        // Rounding may bring a set of one colour below zero.
        let variance = square.iter().zip(&survey.mean).map(|(square, mean)| square / count - mean.powi(2));
        survey.std = variance.map(|variance| variance.max(0.0).sqrt()).collect();
        Ok(survey)
    }

    /// The median of the pictures' shorter sides; 0 where none could be read.
    #[must_use]
    pub fn shorter_side(&self) -> u32 {
        let mut sides: Vec<u32> = self.sizes.iter().map(|[width, height]| *width.min(height)).collect();
        sides.sort_unstable();
        sides.get(sides.len() / 2).copied().unwrap_or(0)
    }
}

fn look(dataset: &Dataset, picture: u32) -> Result<Look, String> {
    let decoded = dataset.inspect(picture).map_err(|error| error.to_string())?;
    let (mean, square) = moments(&decoded.pixels);
    let Decoded { size, channels, alpha, bits, .. } = decoded;
    Ok(Look { size, channels, alpha, bits, mean, square })
}

/// Mean of the values and of their squares, a channel each, in [0, 1]; the sums are exact.
fn moments(picture: &Picture) -> (Vec<f64>, Vec<f64>) {
    let channels = picture.channels();
    let (mut sum, mut square) = (vec![0u64; channels], vec![0u64; channels]);
    for pixel in picture.samples().chunks_exact(channels.max(1)) {
        for (channel, &value) in pixel.iter().enumerate() {
            sum[channel] += u64::from(value);
            square[channel] += u64::from(value).pow(2);
        }
    }
    let pixels = f64::from(picture.width()) * f64::from(picture.height());
    (
        sum.into_iter().map(|sum| sum as f64 / (255.0 * pixels)).collect(),
        square.into_iter().map(|square| square as f64 / (255.0 * 255.0 * pixels)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::encode;
    use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};

    #[test]
    fn a_survey_counts_measures_and_lists() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
        put("a.png", encode(RgbImage::from_pixel(9, 5, Rgb([255, 0, 51])), ImageFormat::Png));
        put("b.png", encode(GrayImage::from_pixel(100, 200, Luma([0])), ImageFormat::Png));
        put("c.png", b"torn".to_vec());
        let dataset = Dataset::open(Some(folder.path())).unwrap();
        let survey = Survey::of(&dataset, &[0, 1, 2], &Pass::default()).unwrap();
        assert_eq!(
            (&survey.sizes, survey.channels, survey.bands.len(), survey.bits.get(&8)),
            (&vec![[9, 5], [100, 200]], [1, 0, 1, 0], 0, Some(&2))
        );
        assert_eq!(survey.shorter_side(), 100);
        assert_eq!((survey.unreadable.len(), survey.unreadable[0].0), (1, 2));
        // Every picture weighs the same, whatever its size.
        let near = |got: &[f64], want: [f64; 3]| got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(&survey.mean, [0.5, 0.0, 0.1]) && near(&survey.std, [0.5, 0.0, 0.1]), "{survey:?}");
        let none = Survey::of(&dataset, &[], &Pass::default()).unwrap();
        assert_eq!((none.shorter_side(), none.mean), (0, vec![0.0; 3]));
    }
}
