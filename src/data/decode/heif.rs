//! HEIC and AVIF by the system's libheif, in programs that are built with the feature `heif`.
//!
//! Turns and mirrors that the file notes are part of its decoding.

use super::samples::Samples;

/// Whether bytes are those of a HEIC or AVIF picture, by the brand of their container (ISO/IEC 23008-12).
pub(super) fn is(bytes: &[u8]) -> bool {
    const BRANDS: [&[u8; 4]; 10] =
        [b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"];
    bytes.get(4..8) == Some(b"ftyp") && BRANDS.iter().any(|brand| bytes.get(8..12) == Some(&brand[..]))
}

/// The first picture of a file. `check` refuses sizes before any pixel is unpacked.
#[cfg(feature = "heif")]
pub(super) fn read(
    bytes: &[u8],
    check: impl Fn([u32; 2], usize) -> Result<(), String>,
) -> Result<Samples, String> {
    use image::{DynamicImage, RgbImage, RgbaImage};
    use libheif_rs::{ColorSpace, HeifContext, LibHeif, RgbChroma};
    let text = |error: libheif_rs::HeifError| format!("libheif cannot read it: {error}");
    let context = HeifContext::read_from_bytes(bytes).map_err(text)?;
    let handle = context.primary_image_handle().map_err(text)?;
    check([handle.width(), handle.height()], 1)?;
    let alpha = handle.has_alpha_channel();
    let chroma = if alpha { RgbChroma::Rgba } else { RgbChroma::Rgb };
    let decoded = LibHeif::new().decode(&handle, ColorSpace::Rgb(chroma), None).map_err(text)?;
    let plane = decoded.planes().interleaved.ok_or("libheif gave no pixels")?;
    let (width, height, row) = (plane.width, plane.height, plane.width as usize * if alpha { 4 } else { 3 });
    let rows = plane.data.chunks(plane.stride.max(1)).take(height as usize);
    let samples: Vec<u8> = rows.flat_map(|line| line.iter().take(row).copied()).collect();
    let picture = if alpha {
        RgbaImage::from_raw(width, height, samples).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, samples).map(DynamicImage::from)
    };
    picture.map(Samples::from).ok_or_else(|| "libheif gave fewer pixels than its size says".into())
}

/// Says how to get there.
#[cfg(not(feature = "heif"))]
pub(super) fn read(
    bytes: &[u8],
    _check: impl Fn([u32; 2], usize) -> Result<(), String>,
) -> Result<Samples, String> {
    let (name, convert) = match bytes.get(8..12) {
        Some(b"avif" | b"avis") => ("an AVIF picture", "avifdec IN.avif OUT.png"),
        _ => ("a HEIC picture", "heif-convert IN.heic OUT.jpg"),
    };
    Err(format!(
        "this is {name}, which this program was built without; convert it with `{convert}`, or build the program with \
         `--features heif`, which needs the system's libheif"
    ))
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "heif")]
    #[test]
    fn pictures_of_libheif_are_read() {
        use super::super::{Content, Reading, picture};
        use libheif_rs::{
            Channel, ColorSpace, CompressionFormat, EncoderQuality, HeifContext, Image, LibHeif, RgbChroma,
        };
        for format in [CompressionFormat::Hevc, CompressionFormat::Av1] {
            let mut image = Image::new(64, 32, ColorSpace::Rgb(RgbChroma::Rgb)).unwrap();
            image.create_plane(Channel::Interleaved, 64, 32, 8).unwrap();
            let plane = image.planes_mut().interleaved.unwrap();
            for line in plane.data.chunks_mut(plane.stride) {
                line.chunks_mut(3)
                    .take(64)
                    .enumerate()
                    .for_each(|(x, pixel)| pixel.fill(if x < 32 { 40 } else { 200 }));
            }
            let (library, mut context) = (LibHeif::new(), HeifContext::new().unwrap());
            let mut encoder = library.encoder_for_format(format).unwrap();
            encoder.set_quality(EncoderQuality::LossLess).unwrap();
            context.encode_image(&image, &mut encoder, None).unwrap();
            let bytes = context.write_to_bytes().unwrap();
            assert!(super::is(&bytes));
            let decoded = picture(Content::Encoded((&bytes[..]).into()), &Reading::default()).unwrap();
            assert_eq!(decoded.size, [64, 32]);
            let near = |x: usize, level: u8| decoded.pixels.samples()[3 * x].abs_diff(level) <= 2;
            assert!(near(3, 40) && near(60, 200));
            let cut = picture(Content::Encoded((&bytes[..bytes.len() / 2]).into()), &Reading::default());
            assert!(cut.unwrap_err().contains("libheif"));
        }
    }

    #[cfg(not(feature = "heif"))]
    #[test]
    fn a_program_without_libheif_says_so() {
        let said = |bytes: &[u8]| super::read(bytes, |_, _| Ok(())).unwrap_err();
        assert!(super::is(b"\0\0\0\x18ftypheic\0\0\0\0") && !super::is(b"\0\0\0\x18ftypmp42\0\0\0\0"));
        assert!(said(b"\0\0\0\x18ftypheic\0\0\0\0").contains("heif-convert"));
        assert!(said(b"\0\0\0\x18ftypavif\0\0\0\0").contains("--features heif"));
    }
}
