//! As many channels as are wanted, of files and of arrays.

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};

use super::*;
use crate::data::testing::encode;

fn decoded(bytes: &[u8], reading: &Reading) -> Result<Decoded, String> {
    picture(Content::Encoded(bytes.into()), reading)
}

#[test]
fn as_many_channels_as_are_wanted() {
    let read = |bytes: &[u8], channels: usize| {
        decoded(bytes, &Reading { channels, ..Reading::default() }).map(|read| read.pixels)
    };
    let pixel = |bytes: &[u8], channels| read(bytes, channels).unwrap().pixel(1, 1).to_vec();
    let png = |picture: DynamicImage| encode(picture, ImageFormat::Png);
    let colour = png(ImageBuffer::from_pixel(3, 2, Rgb([200u8, 100, 50])).into());
    let grey = png(ImageBuffer::from_pixel(3, 2, Luma([77u8])).into());
    let clear = png(ImageBuffer::from_pixel(3, 2, Rgba([200u8, 100, 50, 0])).into());
    // 0.299 R + 0.587 G + 0.114 B, and what is transparent is white.
    assert_eq!([&colour, &grey, &clear].map(|bytes| pixel(bytes, 1)), [[124], [77], [255]]);
    assert_eq!(pixel(&clear, 4), [200, 100, 50, 0]);
    assert_eq!(pixel(&png(ImageBuffer::from_pixel(3, 2, LumaA([9u8, 8])).into()), 2), [9, 8]);
    for (bytes, channels) in [(&colour, 5), (&grey, 2), (&grey, 4), (&clear, 12), (&colour, 2)] {
        let message = read(bytes, channels).unwrap_err();
        assert!(message.contains(&format!("`--channels {channels}`")), "{message}");
    }
    // Arrays of any number of bands, of which some may be chosen.
    let array = |channels: u32| {
        let values = Values::U8((0..4 * channels as u8).collect());
        Content::Raw(Raw { values, width: 2, height: 2, channels, order: Order::Interleaved })
    };
    let chosen = |bands: &[usize], channels| {
        picture(array(12), &Reading { channels, bands: bands.to_vec(), ..Reading::default() })
            .map(|read| read.pixels.pixel(1, 0).to_vec())
    };
    assert_eq!(chosen(&[], 12).unwrap(), (12..24).collect::<Vec<u8>>());
    assert_eq!(chosen(&[12, 1, 5, 4], 4).unwrap(), [23, 12, 16, 15]);
    assert_eq!((chosen(&[2], 1).unwrap(), chosen(&[2], 3).unwrap()), (vec![13], vec![13; 3]));
    assert!(chosen(&[], 5).is_err() && chosen(&[1, 2], 5).is_err() && chosen(&[], 3).is_err());
}
