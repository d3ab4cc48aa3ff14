//! Every kind of picture, damaged and hostile ones, and reduced JPEGs.

use super::*;
use crate::data::testing::encode;
use image::{ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};

fn read(picture: impl Into<DynamicImage>, format: ImageFormat) -> RgbImage {
    from_bytes(&encode(picture, format), Path::new("x")).unwrap()
}

#[test]
fn every_kind_of_pixel_becomes_rgb() {
    let grey = ImageBuffer::from_pixel(3, 2, Luma([77u8]));
    assert_eq!(read(grey.clone(), ImageFormat::Png).get_pixel(2, 1), &Rgb([77, 77, 77]));
    let deep = ImageBuffer::from_pixel(3, 2, Rgb([0u16, 0x8080, 0xffff]));
    assert_eq!(read(deep.clone(), ImageFormat::Png).get_pixel(0, 0), &Rgb([0, 128, 255]));
    assert_eq!(read(deep, ImageFormat::Tiff).get_pixel(0, 0), &Rgb([0, 128, 255]));
    let clear = ImageBuffer::from_pixel(3, 2, Rgba([10u8, 20, 30, 0]));
    assert_eq!(read(clear.clone(), ImageFormat::Png).get_pixel(0, 0), &Rgb([255, 255, 255]));
    assert_eq!(read(clear.clone(), ImageFormat::WebP).get_pixel(0, 0), &Rgb([255, 255, 255]));
    assert_eq!(read(clear, ImageFormat::Gif).get_pixel(0, 0), &Rgb([255, 255, 255]));
    let half = ImageBuffer::from_pixel(3, 2, LumaA([0u8, 128]));
    assert_eq!(read(half, ImageFormat::Png).get_pixel(0, 0), &Rgb([127, 127, 127]));
    assert_eq!(read(grey.clone(), ImageFormat::Jpeg).get_pixel(1, 1), &Rgb([77, 77, 77]));
    assert_eq!(read(grey, ImageFormat::Bmp).dimensions(), (3, 2));
}

#[test]
fn damaged_and_huge_files_are_named() {
    let fail = |bytes: &[u8]| from_bytes(bytes, Path::new("some/cat.png")).unwrap_err().to_string();
    assert!(fail(b"").contains("some/cat.png"));
    assert!(fail(b"not a picture").contains("not a picture in a format"));
    let mut png = encode(RgbImage::new(9, 9), ImageFormat::Png);
    png.truncate(png.len() / 2);
    assert!(fail(&png).starts_with("some/cat.png: "));
    // A header that promises 20,000 × 20,000 pixels is refused before they are allocated.
    let mut bmp = encode(RgbImage::new(1, 1), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&20_000u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&20_000u32.to_le_bytes());
    let message = fail(&bmp);
    assert!(message.contains("20000x20000") && message.contains("100 megapixels"), "{message}");
}
