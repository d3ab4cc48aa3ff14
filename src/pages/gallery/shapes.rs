//! Shapes and colours of the sheets: boxes with rounded corners, blended into a picture.

use image::{Rgb, RgbImage};

/// An axis-aligned box: x, y, width, height in pixels.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Fills a box with rounded corners, smoothly.
pub(super) fn rounded(sheet: &mut RgbImage, area: Area, radius: f64, colour: Rgb<u8>) {
    for y in area.y..area.y + area.height {
        for x in area.x..area.x + area.width {
            blend(sheet, x, y, colour, cover(area, radius, x, y));
        }
    }
}

/// How much of the pixel (x, y) lies in the box with rounded corners, from 0 to 1.
pub(super) fn cover(area: Area, radius: f64, x: u32, y: u32) -> f64 {
    let outside = |at: u32, start: u32, length: u32| {
        let from_middle = (f64::from(at - start) + 0.5 - f64::from(length) / 2.0).abs();
        (from_middle - (f64::from(length) / 2.0 - radius)).max(0.0)
    };
    let distance = outside(x, area.x, area.width).hypot(outside(y, area.y, area.height));
    (radius - distance + 0.5).clamp(0.0, 1.0)
}

pub(super) fn blend(sheet: &mut RgbImage, x: u32, y: u32, colour: Rgb<u8>, cover: f64) {
    let Some(pixel) = sheet.get_pixel_mut_checked(x, y) else { return };
    for (old, new) in pixel.0.iter_mut().zip(colour.0) {
        *old = (f64::from(*old) + cover * (f64::from(new) - f64::from(*old))).round() as u8;
    }
}

/// HSL with saturation 0.6, as on the page.
pub(super) fn colour(hue: f64, lightness: f64) -> Rgb<u8> {
    let chroma = 0.6 * lightness.min(1.0 - lightness);
    Rgb([0.0, 8.0, 4.0].map(|n| {
        let k = (n + hue / 30.0) % 12.0;
        let value = lightness - chroma * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (255.0 * value).round() as u8
    }))
}
