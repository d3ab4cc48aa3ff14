//! What all pages that are written share: what surrounds them, and pictures inside the page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A whole page; with its styles it needs nothing beside it but what the body names.
#[must_use]
pub fn document(title: &str, style: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { (body) }
        }
    };
    page.into_string()
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
    }
    #[test]
    fn a_title_is_text_and_a_style_is_none() {
        let page = document("a < b", "p > b {}", &html! { p title="\"" { "&" } });
        assert!(page.contains("<title>a &lt; b</title><style>p > b {}</style>"), "{page}");
        assert!(page.ends_with("<body><p title=\"&quot;\">&amp;</p></body></html>"), "{page}");
    }
}
