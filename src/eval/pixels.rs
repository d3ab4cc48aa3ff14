//! Raw pixels as features: the least that a trained network has to beat.

use super::Features;
use crate::data::Picture;
use crate::error::Result;
use image::{ImageBuffer, Luma, imageops};
use rayon::prelude::*;

/// Pictures are made this many pixels wide and high.
pub const SIDE: u32 = 32;

/// The pictures `0..count` as `count` rows of 32 × 32 × `channels` values in `[0, 1]` (height, width, channel),
/// made small by averaging areas (no aliasing), whatever the picture's proportions. Rows come in the
/// order of the pictures, whatever the number of threads.
///
/// # Errors
/// The first error of `decode`.
pub fn features(
    count: u32,
    channels: usize,
    decode: impl Fn(u32) -> Result<Picture> + Sync,
) -> Result<Features> {
    let rows: Result<Vec<Vec<f32>>> =
        (0..count).into_par_iter().map(|id| decode(id).map(|picture| row(&picture, channels))).collect();
    let data = rows?.concat();
    Ok(Features { rows: count as usize, dim: (SIDE * SIDE) as usize * channels, data })
}

/// A picture without pixels, or one that does not have these channels, is zeros.
fn row(picture: &Picture, channels: usize) -> Vec<f32> {
    let mut row = vec![0.0; (SIDE * SIDE) as usize * channels];
    if picture.samples().is_empty() || picture.channels() != channels {
        return row;
    }
    for channel in 0..channels {
        let band = picture.samples().iter().skip(channel).step_by(channels).copied().collect();
        let band = ImageBuffer::<Luma<u8>, Vec<u8>>::from_raw(picture.width(), picture.height(), band);
        let small = imageops::thumbnail(&band.unwrap_or_default(), SIDE, SIDE);
        for (to, level) in row.iter_mut().skip(channel).step_by(channels).zip(small.into_raw()) {
            *to = f32::from(level) / 255.0;
        }
    }
    row
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
        let got = features(4, 3, picture).unwrap();
        assert_eq!((got.rows, got.dim, got.data.len()), (4, 3072, 4 * 3072));
        for id in 0..4 {
            for pixel in got.row(id).chunks(3) {
                assert_eq!(pixel, [id as f32 * 10.0 / 255.0, 1.0, 0.0]);
            }
        }
        assert_eq!(features(5, 3, picture).unwrap().row(4), [0.0; 3072]);
    }

    #[test]
    fn downsizing_averages_instead_of_picking() {
        // A one-pixel chessboard becomes grey everywhere away from the border.
        let board = RgbImage::from_fn(128, 128, |x, y| Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3]));
        let got = features(1, 3, |_| Ok(board.clone().into())).unwrap();
        assert!(got.data.iter().all(|&value| (value - 0.5).abs() < 0.02));
    }

    #[test]
    fn an_unreadable_picture_is_passed_on() {
        let broken = |id: u32| match id {
            3 => Err(Error::config("picture", "broken")),
            _ => Ok(RgbImage::new(4, 4).into()),
        };
        assert!(features(3, 3, broken).is_ok() && features(5, 3, broken).is_err());
    }
}
