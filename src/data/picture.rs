//! A decoded picture of any number of channels: what crops and views are made of, and how a person is
//! shown it.

use image::{Rgb, RgbImage};

/// The bands that are shown as red, green and blue, numbered from 1 as GDAL does.
pub type Shown = [u32; 3];

/// The first three bands.
pub const FIRST_BANDS: Shown = [1, 2, 3];

/// A picture of 8-bit samples, pixel by pixel, row by row: `[height, width, channels]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    channels: u32,
    samples: Vec<u8>,
}

impl Picture {
    /// A picture of samples that lie pixel by pixel; none where they are not as many as its size and its
    /// channels say.
    #[must_use]
    pub fn new(width: u32, height: u32, channels: u32, samples: Vec<u8>) -> Option<Self> {
        let count = u128::from(width) * u128::from(height) * u128::from(channels);
        (samples.len() as u128 == count).then_some(Self { width, height, channels, samples })
    }

    /// One black pixel: what stands in for a picture that cannot be read any more.
    #[must_use]
    pub fn black(channels: u32) -> Self {
        Self { width: 1, height: 1, channels, samples: vec![0; channels as usize] }
    }

    /// In pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// In pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Samples of a pixel.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels as usize
    }

    /// All samples, `[height, width, channels]`.
    #[must_use]
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// The samples of a pixel.
    ///
    /// # Panics
    /// Where the pixel lies outside.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> &[u8] {
        assert!(x < self.width && y < self.height, "there is no pixel {x}, {y}");
        let (at, channels) = (y as usize * self.width as usize + x as usize, self.channels());
        &self.samples[at * channels..][..channels]
    }

    /// The picture as a person is shown it: one channel is grey, two are magenta and green, three are what
    /// they are, and of more the `bands` stand for red, green and blue. A band that is not there is the last.
    #[must_use]
    pub fn shown(&self, bands: Shown) -> RgbImage {
        let from = match self.channels {
            0 => return RgbImage::new(self.width, self.height),
            1 => [0; 3],
            2 => [0, 1, 0],
            3 => [0, 1, 2],
            channels => bands.map(|band| band.clamp(1, channels) as usize - 1),
        };
        let mut samples = self.samples.chunks_exact(self.channels());
        RgbImage::from_fn(self.width, self.height, |_, _| {
            let pixel = samples.next().unwrap_or_default();
            Rgb(from.map(|channel| pixel.get(channel).copied().unwrap_or_default()))
        })
    }
}

#[cfg(test)]
impl Picture {
    /// A pixel of a picture of three channels, for tests.
    pub(super) fn get_pixel(&self, x: u32, y: u32) -> &Rgb<u8> {
        image::Pixel::from_slice(self.pixel(x, y))
    }
}

impl From<RgbImage> for Picture {
    fn from(picture: RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        Self { width, height, channels: 3, samples: picture.into_raw() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_must_be_as_many_as_pixels_and_channels_say() {
        assert!(Picture::new(2, 3, 5, vec![0; 30]).is_some());
        assert!(Picture::new(2, 3, 5, vec![0; 29]).is_none());
        assert!(Picture::new(u32::MAX, u32::MAX, u32::MAX, Vec::new()).is_none());
    }

    #[test]
    fn three_bands_of_any_number_are_shown() {
        // Sample c of pixel x is 10·x + c.
        let picture = |channels: u32| {
            let samples = (0..2).flat_map(|x| (0..channels).map(move |c| (10 * x + c) as u8)).collect();
            Picture::new(2, 1, channels, samples).unwrap()
        };
        let second = |channels, bands| picture(channels).shown(bands).get_pixel(1, 0).0;
        assert_eq!(second(1, FIRST_BANDS), [10; 3]);
        assert_eq!(second(2, FIRST_BANDS), [10, 11, 10]);
        assert_eq!(second(3, [3, 2, 1]), [10, 11, 12]);
        assert_eq!(second(5, FIRST_BANDS), [10, 11, 12]);
        assert_eq!(second(12, [12, 4, 0]), [21, 13, 10]);
        assert_eq!(second(4, [9, 1, 1]), [13, 10, 10]);
        assert_eq!(picture(5).pixel(1, 0), [10, 11, 12, 13, 14]);
        let rgb = picture(3).shown(FIRST_BANDS);
        assert_eq!(Picture::from(rgb), picture(3));
        assert_eq!(Picture::default().shown(FIRST_BANDS).dimensions(), (0, 0));
    }
}
