//! Raw pixels as features: the least that a trained network has to beat.

use super::Features;
use crate::data::Picture;
use crate::error::Result;
use crate::pass::Pass;
use image::{ImageBuffer, Luma, imageops};
use rayon::prelude::*;

/// Pictures are made this many pixels wide and high.
pub const SIDE: u32 = 32;

/// The pictures `0..count` as `count` rows of 32 × 32 × `channels` values in `[0, 1]` (height, width, channel),
/// made small by averaging areas (no aliasing), whatever the picture's proportions. Rows come in the
/// order of the pictures, whatever the number of threads. `pass` counts them.
///
/// # Errors
/// The first error of `decode`; [`crate::error::Error::Stopped`] where the pass is.
pub fn features(
    count: u32,
    channels: usize,
    pass: &Pass,
    decode: impl Fn(u32) -> Result<Picture> + Sync,
) -> Result<Features> {
    let dim = (SIDE * SIDE) as usize * channels;
    let mut data = vec![0.0; count as usize * dim];
    data.par_chunks_mut(dim).enumerate().try_for_each(|(id, row)| {
        fill(&decode(id as u32)?, channels, row);
        pass.advance(1)
    })?;
    Ok(Features { rows: count as usize, dim, data })
}

/// The same rows of one channel, where the channels of every pixel are equal: all cosines are the same, and so are those of
/// rows less their mean. `None` where some pixel has a colour.
#[must_use]
pub fn of_one_channel(features: &Features, channels: usize) -> Option<Features> {
    let pixels = features.data.par_chunks_exact(channels.max(1));
    let grey = pixels.clone().all(|pixel| pixel.iter().all(|&value| value == pixel[0]));
    (channels > 1 && grey).then(|| Features {
        rows: features.rows,
        dim: features.dim / channels,
        data: pixels.map(|pixel| pixel[0]).collect(),
    })
}

/// A picture without pixels, or one that does not have these channels, stays what `row` is.
fn fill(picture: &Picture, channels: usize, row: &mut [f32]) {
    if picture.samples().is_empty() || picture.channels() != channels {
        return;
    }
    for channel in 0..channels {
        let band = picture.samples().iter().skip(channel).step_by(channels).copied().collect();
        let band = ImageBuffer::<Luma<u8>, Vec<u8>>::from_raw(picture.width(), picture.height(), band);
        let small = imageops::thumbnail(&band.unwrap_or_default(), SIDE, SIDE);
        for (to, level) in row.iter_mut().skip(channel).step_by(channels).zip(small.into_raw()) {
            *to = f32::from(level) / 255.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use image::{Rgb, RgbImage};

    #[test]
    fn sizes_order_and_range() {
        let sizes = [(64, 64), (7, 90), (1, 1), (32, 32), (0, 5)];
        let picture = |id: u32| {
            let (width, height) = sizes[id as usize];
            Ok(RgbImage::from_pixel(width, height, Rgb([id as u8 * 10, 255, 0])).into())
        };
        let got = features(4, 3, &Pass::default(), picture).unwrap();
        assert_eq!((got.rows, got.dim, got.data.len()), (4, 3072, 4 * 3072));
        for id in 0..4 {
            for pixel in got.row(id).chunks(3) {
                assert_eq!(pixel, [id as f32 * 10.0 / 255.0, 1.0, 0.0]);
            }
        }
        assert_eq!(features(5, 3, &Pass::default(), picture).unwrap().row(4), [0.0; 3072]);
    }

    #[test]
    fn downsizing_averages_instead_of_picking() {
        // A one-pixel chessboard becomes grey everywhere away from the border.
        let board = RgbImage::from_fn(128, 128, |x, y| Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3]));
        let got = features(1, 3, &Pass::default(), |_| Ok(board.clone().into())).unwrap();
        assert!(got.data.iter().all(|&value| (value - 0.5).abs() < 0.02));
    }

    #[test]
    fn grey_pictures_are_as_like_in_one_channel_as_in_three() {
        let grey = |id: u32| {
            let level = move |x: u32, y: u32| Rgb([((x * (id + 3) + y * 7) % 251) as u8; 3]);
            Ok(RgbImage::from_fn(32, 32, level).into())
        };
        let three = features(3, 3, &Pass::default(), grey).unwrap();
        let one = of_one_channel(&three, 3).unwrap();
        assert_eq!((one.rows, one.dim), (3, 1024));
        let cosine = |of: &Features, centre: Option<&[f32]>| -> f32 {
            let unit = of.unit(centre);
            unit.row(0).iter().zip(unit.row(2)).map(|(a, b)| a * b).sum()
        };
        assert!((cosine(&three, None) - cosine(&one, None)).abs() < 1e-5);
        let centred = [&three, &one].map(|of| cosine(of, Some(&of.mean())));
        assert!((centred[0] - centred[1]).abs() < 1e-5);
        let mut coloured = three.clone();
        coloured.data[4] += 0.1;
        assert!(of_one_channel(&coloured, 3).is_none() && of_one_channel(&one, 1).is_none());
    }

    #[test]
    fn an_unreadable_picture_is_passed_on() {
        let broken = |id: u32| match id {
            3 => Err(Error::config("picture", "broken")),
            _ => Ok(RgbImage::new(4, 4).into()),
        };
        let read = |count| features(count, 3, &Pass::default(), broken);
        assert!(read(3).is_ok() && read(5).is_err());
    }
}
