//! What all pages that are written share: text made safe, and pictures inside the page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbImage};

/// Text that is safe between tags and in quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A picture as an address that holds it: PNG, or JPEG where that is much smaller (photographs).
#[must_use]
pub fn data_uri(picture: &RgbImage) -> String {
    let (width, height) = picture.dimensions();
    let (mut png, mut jpeg) = (Vec::new(), Vec::new());
    // Writing to memory cannot fail; a picture without pixels gives an empty address.
    let _ = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive).write_image(
        picture,
        width,
        height,
        ExtendedColorType::Rgb8,
    );
    let _ = JpegEncoder::new_with_quality(&mut jpeg, 85).encode_image(picture);
    let (kind, bytes) = if png.len() > 2 * jpeg.len() { ("jpeg", jpeg) } else { ("png", png) };
    format!("data:image/{kind};base64,{}", BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_from_their_address() {
        let flat = RgbImage::from_fn(40, 30, |x, _| image::Rgb([if x < 20 { 10 } else { 200 }, 0, 90]));
        // Smooth with a little noise, as photographs are.
        let photo = RgbImage::from_fn(120, 120, |x, y| {
            let wave = (x as f32 * 0.05).sin() * (y as f32 * 0.04).cos();
            image::Rgb(
                [90, 120, 150]
                    .map(|level| level + (40.0 + 40.0 * wave) as u8 + ((x * x * 31 + y * 17 * x) % 5) as u8),
            )
        });
        for (picture, kind) in [(&flat, "png"), (&photo, "jpeg")] {
            let uri = data_uri(picture);
            let bytes = uri.strip_prefix(&format!("data:image/{kind};base64,")).unwrap();
            let back = image::load_from_memory(&BASE64_STANDARD.decode(bytes).unwrap()).unwrap().to_rgb8();
            assert_eq!(back.dimensions(), picture.dimensions());
            assert!(kind == "jpeg" || &back == picture);
        }
        assert_eq!(escape("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
    }
}
