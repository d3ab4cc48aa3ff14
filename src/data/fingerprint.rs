//! What tells whether two pictures are the same: a hash of their bytes, and one of their looks.

use std::fs::File;

use image::RgbImage;
use image::imageops::{FilterType, resize};
use image_hasher::{HashAlg, Hasher, HasherConfig};

use super::dataset::{Dataset, Original};
use crate::error::{Error, Result};

/// The deviation of a picture's brightness (0 to 255) below which it is of one colour. Its looks then are noise of
/// the encoder, and two such pictures look alike to every hash.
const FLAT: f64 = 2.0;

/// Side of the small picture that is kept of each.
const SMALL: u32 = 8;
/// What two small pictures of the same thing differ by at most, on average, of 255. Scaling and JPEG change the mean of
/// such a large block by one to three; another drawing of the same outline, or the same one in other colours, by more.
const SAME: u32 = 6;

/// A hash of a file's contents: equal files have equal ones, and nobody has found two others that have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contents([u8; 32]);

/// How a picture looks: 64 bits of the low frequencies of its brightness, and a picture of 8×8 pixels. Scaling and
/// encoding again change few of the bits and little of the picture; turned, mirrored and cropped copies have others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// A perceptual hash (DCT, compared with its mean).
    pub hash: u64,
    small: Vec<u8>,
}

impl Look {
    /// Whether two pictures of nearly the same hash are the same: many simple drawings share a hash.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let differences = self.small.iter().zip(&other.small).map(|(a, b)| u32::from(a.abs_diff(*b)));
        differences.sum::<u32>() <= SAME * self.small.len() as u32
    }
}

/// Makes looks.
pub struct Looks(Hasher);

impl Default for Looks {
    fn default() -> Self {
        Self(HasherConfig::new().hash_size(8, 8).hash_alg(HashAlg::Mean).preproc_dct().to_hasher())
    }
}

impl std::fmt::Debug for Looks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Looks")
    }
}

impl Looks {
    /// How a picture looks; `None` for one of a single colour.
    #[must_use]
    pub fn of(&self, picture: &RgbImage) -> Option<Look> {
        let luma = |pixel: &image::Rgb<u8>| pixel.0.iter().map(|&value| f64::from(value)).sum::<f64>() / 3.0;
        let count = (f64::from(picture.width()) * f64::from(picture.height())).max(1.0);
        let (sum, squares) =
            picture.pixels().map(luma).fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
        let mean = sum / count;
        if (squares / count - mean * mean).max(0.0).sqrt() < FLAT {
            return None;
        }
        let bits = self.0.hash_image(picture);
        let hash = bits.as_bytes().iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        Some(Look { hash, small: resize(picture, SMALL, SMALL, FilterType::Triangle).into_raw() })
    }
}

/// The hash of a picture's file, or of what would be in it.
///
/// # Errors
/// [`Error::Data`] or [`Error::Io`] naming the picture, where it cannot be read.
pub fn contents(dataset: &Dataset, picture: u32) -> Result<Contents> {
    let mut hasher = blake3::Hasher::new();
    match dataset.original(picture)? {
        Original::File(path) => {
            let file = File::open(&path).map_err(Error::io(&path))?;
            hasher.update_reader(file).map_err(Error::io(&path))?;
        }
        Original::Bytes { bytes, .. } => drop(hasher.update(&bytes)),
    }
    Ok(Contents(*hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(seed: u32) -> RgbImage {
        RgbImage::from_fn(120, 90, |x, y| {
            let wave =
                |n: u32| ((x * (seed % 5 + 1) + y * n) as f32 * 0.05 + seed as f32).sin() * 100.0 + 120.0;
            image::Rgb([wave(1) as u8, wave(2) as u8, wave(3) as u8])
        })
    }

    #[test]
    fn copies_look_alike_and_others_do_not() {
        let looks = Looks::default();
        let same = |a: &RgbImage, b: &RgbImage| {
            let (a, b) = (looks.of(a).unwrap(), looks.of(b).unwrap());
            (a.hash ^ b.hash).count_ones() <= 4 && a.is_same(&b)
        };
        for seed in 0..6 {
            let picture = scene(seed);
            let mut bytes = Vec::new();
            image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 60)
                .encode_image(&picture)
                .unwrap();
            let again = image::load_from_memory(&bytes).unwrap().to_rgb8();
            assert!(same(&picture, &again), "{seed}");
            assert!(same(&picture, &resize(&picture, 53, 40, FilterType::Triangle)), "{seed}");
            assert!(!same(&picture, &scene(seed + 1)), "{seed}");
        }
    }

    #[test]
    fn a_picture_of_one_colour_has_no_looks() {
        let looks = Looks::default();
        assert!(looks.of(&RgbImage::from_pixel(9, 9, image::Rgb([200, 10, 10]))).is_none());
        assert!(looks.of(&RgbImage::new(1, 1)).is_none());
    }
}
