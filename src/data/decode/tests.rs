//! Every kind of picture, damaged and hostile ones, and reduced JPEGs.

use super::*;
use crate::data::testing::{encode, mutants};
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba};

fn decoded(bytes: &[u8], reading: &Reading) -> Result<Decoded, String> {
    picture(Content::Encoded(bytes.into()), reading)
}

fn read(picture: impl Into<DynamicImage>, format: ImageFormat) -> RgbImage {
    decoded(&encode(picture, format), &Reading::default()).unwrap().pixels.shown(FIRST_BANDS)
}

/// Within so many levels.
fn near(got: Rgb<u8>, want: [u8; 3], levels: u8) -> bool {
    got.0.iter().zip(want).all(|(a, b)| a.abs_diff(b) <= levels)
}

#[test]
fn every_kind_of_pixel_becomes_rgb() {
    let grey = ImageBuffer::from_pixel(3, 2, Luma([77u8]));
    assert_eq!(read(grey.clone(), ImageFormat::Png).get_pixel(2, 1), &Rgb([77, 77, 77]));
    let deep = ImageBuffer::from_pixel(3, 2, Rgb([0u16, 0x8080, 0xffff]));
    assert_eq!(read(deep, ImageFormat::Png).get_pixel(0, 0), &Rgb([0, 128, 255]));
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
fn palettes_and_single_bits_are_looked_up() {
    // Two bits a pixel: red, clear green, blue, red.
    let palette = b"\x89PNG\x0d\x0a\x1a\x0a\0\0\0\x0dIHDR\0\0\0\x04\0\0\0\x02\x02\x03\0\0\0\x02\xc6\x95\xf0\0\0\0\x09PL\
        TE\xff\0\0\0\xff\0\0\0\xff-J\xcd\x8a\0\0\0\x02tRNS\xff\0\xe5\xb70J\0\0\0\x0cIDATx\x9cc\x90`\x90\0\0\0d\x001j\
        \x91:\x9a\0\0\0\0IEND\xaeB`\x82";
    let read = decoded(palette, &Reading::default()).unwrap();
    let row: Vec<[u8; 3]> = (0..4).map(|x| read.pixels.get_pixel(x, 1).0).collect();
    assert_eq!(row, [[255, 0, 0], [255, 255, 255], [0, 0, 255], [255, 0, 0]]);
    assert_eq!((read.size, read.channels), ([4, 2], 4));
    let bits =
        b"\x89PNG\x0d\x0a\x1a\x0a\0\0\0\x0dIHDR\0\0\0\x09\0\0\0\x02\x01\0\0\0\0\xa2-\xcb~\0\0\0\x0eIDATx\
        \x9cc\x5cu\x8d\x81\x81\x01\0\x06\xb6\x01\x82\xf6bu\xcf\0\0\0\0IEND\xaeB`\x82";
    let read = decoded(bits, &Reading::default()).unwrap();
    assert_eq!([0, 1, 8].map(|x| read.pixels.get_pixel(x, 0).0[0]), [255, 0, 255]);
    assert_eq!((read.size, read.channels, read.bits), ([9, 2], 1, 8));
}

#[test]
fn the_first_frame_stands_for_an_animation() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    let frame = |colour| image::Frame::new(ImageBuffer::from_pixel(6, 5, Rgba(colour)));
    encoder.encode_frames([frame([255, 0, 0, 255]), frame([0, 0, 255, 255])]).unwrap();
    drop(encoder);
    let read = decoded(&bytes, &Reading::default()).unwrap();
    assert_eq!((read.size, read.pixels.get_pixel(5, 4)), ([6, 5], &Rgb([255, 0, 0])));
}

/// What a name says does not count, only what the bytes are.
#[test]
fn a_wrong_extension_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    put("a.jpg", &encode(RgbImage::from_pixel(4, 3, Rgb([9, 8, 7])), ImageFormat::Png));
    put("b.png", b"");
    put("c.gif", b"<html>404 not found</html>");
    let dataset = crate::data::Dataset::open(Some(folder.path())).unwrap();
    assert_eq!(dataset.decode(0).unwrap().get_pixel(0, 0), &Rgb([9, 8, 7]));
    let message = |picture| dataset.decode(picture).unwrap_err().to_string();
    assert!(message(1).contains("b.png") && message(1).contains("empty"), "{}", message(1));
    assert!(message(2).contains("c.gif") && message(2).contains("not a picture"), "{}", message(2));
}

#[test]
fn damaged_and_huge_files_are_named() {
    let fail = |bytes: &[u8]| decoded(bytes, &Reading::default()).unwrap_err();
    assert!(fail(b"").contains("empty"));
    assert!(fail(b"not a picture").contains("not a picture in a format"));
    let mut png = encode(RgbImage::new(9, 9), ImageFormat::Png);
    png.truncate(png.len() / 2);
    assert!(!fail(&png).is_empty());
    // A header that promises 20,000 × 20,000 pixels is refused before they are allocated.
    let mut bmp = encode(RgbImage::new(1, 1), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&20_000u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&20_000u32.to_le_bytes());
    let message = fail(&bmp);
    assert!(message.contains("20000x20000") && message.contains("it is damaged"), "{message}");
    // One whose bytes could hold them is refused for its size alone.
    bmp.resize(1 << 20, 7);
    let message = fail(&bmp);
    assert!(message.contains("20000x20000") && message.contains("100 megapixels"), "{message}");
}

#[test]
fn the_limits_are_settings() {
    let png = encode(RgbImage::new(1100, 1000), ImageFormat::Png);
    let small = Reading { max_pixels: 1_000_000, ..Reading::default() };
    let message = decoded(&png, &small).unwrap_err();
    assert!(message.contains("1100x1000") && message.contains("`max_megapixels`"), "{message}");
    assert!(decoded(&png, &Reading { max_pixels: 1_100_000, ..Reading::default() }).is_ok());
    let clear = encode(ImageBuffer::from_pixel(3, 2, Rgba([100u8, 100, 100, 51])), ImageFormat::Png);
    let black = Reading { background: [0, 50, 255], ..Reading::default() };
    assert_eq!(decoded(&clear, &black).unwrap().pixels.get_pixel(1, 1), &Rgb([20, 60, 224]));
}

#[test]
fn what_a_picture_was_is_told() {
    let told = |picture: DynamicImage, format| {
        let Decoded { size, channels, bits, .. } =
            decoded(&encode(picture, format), &Reading::default()).unwrap();
        (size, channels, bits)
    };
    let grey: DynamicImage = ImageBuffer::from_pixel(3, 2, Luma([7u16])).into();
    assert_eq!(told(grey, ImageFormat::Png), ([3, 2], 1, 16));
    let clear: DynamicImage = ImageBuffer::from_pixel(3, 2, Rgba([7u8; 4])).into();
    assert_eq!(told(clear, ImageFormat::WebP), ([3, 2], 4, 8));
    let grey: DynamicImage = ImageBuffer::from_pixel(3, 2, Luma([7u8])).into();
    assert_eq!(told(grey, ImageFormat::Jpeg), ([3, 2], 1, 8));
}

/// Made by another program: inks, and a note that the camera was turned.
#[test]
fn cmyk_and_orientation_of_jpegs_are_followed() {
    let ink =
        decoded(include_bytes!("../../../tests/fixtures/cmyk.jpg"), &Reading::default()).unwrap().pixels;
    let at = |x| *ink.get_pixel(x, 8);
    assert!(
        near(at(3), [0, 255, 255], 12) && near(at(12), [255, 0, 0], 12) && near(at(20), [0; 3], 12),
        "{:?}",
        [at(3), at(12), at(20)]
    );
    for by in [1, 2] {
        let detail = (by == 2).then_some(Detail { side: 8, shorter: 8 });
        let bytes = include_bytes!("../../../tests/fixtures/turned.jpg");
        let Decoded { pixels, size, .. } = decoded(bytes, &Reading { detail, ..Reading::default() }).unwrap();
        // 48×16 with red on the left, shown with red on top.
        assert_eq!((size, pixels.dimensions()), ([16, 48], (16 / by, 48 / by)));
        assert!(
            near(*pixels.get_pixel(4, 2), [255, 0, 0], 12)
                && near(*pixels.get_pixel(4, 47 / by), [0, 0, 255], 12)
        );
    }
}

#[test]
fn a_jpeg_that_is_cut_short_is_not_filled_with_grey() {
    let noise = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 4) as u8, (y * 4) as u8, (x * y) as u8]));
    let whole = encode(noise, ImageFormat::Jpeg);
    assert!(decoded(&whole, &Reading::default()).is_ok());
    for length in [whole.len() / 2, whole.len() - 3, 300, 21, 2] {
        let cut = &whole[..length];
        assert!(decoded(cut, &Reading::default()).is_err(), "{length} of {}", whole.len());
    }
    // What follows the end is none of the picture.
    assert!(decoded(&[whole, b"more".to_vec()].concat(), &Reading::default()).is_ok());
}

#[test]
fn reduction_leaves_every_crop_its_pixels() {
    let group = |size, least| CropGroup { count: 2, size, scale: [least, 1.0] };
    let official = Detail::of(&[group(224, 0.14), group(96, 0.05)], 256);
    assert_eq!((official.side, official.shorter), (692, 256));
    // Photographs of ImageNet stay whole, those of a camera do not.
    let got = [(500, 375), (1383, 1383), (1384, 1384), (4000, 3000), (6000, 4000), (20_000, 300)];
    assert_eq!(got.map(|(w, h)| official.reduction(w, h)), [1, 1, 2, 4, 4, 1]);
    let mut next = crate::rng::Stream::new(31, crate::rng::Purpose::Test, &[]);
    for _ in 0..2000 {
        let (width, height) = (1 + next.below(8000) as u32, 1 + next.below(8000) as u32);
        let groups = [group(8 + next.below(300) as usize, next.range(0.02, 1.0))];
        let by = Detail::of(&groups, 8).reduction(width, height);
        if by > 1 {
            let area = f64::from(width / by) * f64::from(height / by) * groups[0].scale[0];
            let shorter = (area * 3.0 / 4.0).sqrt();
            assert!(shorter >= groups[0].size as f64 - 1e-6, "{width}x{height} by {by}: {groups:?}");
        }
    }
}

#[test]
fn reduced_jpegs_look_like_whole_ones() {
    let smooth = RgbImage::from_fn(203, 301, |x, y| Rgb([x as u8, (y / 2) as u8, 90]));
    let grey = image::GrayImage::from_fn(203, 301, |x, _| Luma([x as u8]));
    for picture in [DynamicImage::from(smooth), grey.into()] {
        let bytes = encode(picture, ImageFormat::Jpeg);
        let whole = decoded(&bytes, &Reading::default()).unwrap();
        for by in [2, 4, 8] {
            let detail = Some(Detail { side: 240 / by, shorter: 200 / by });
            let reduced = decoded(&bytes, &Reading { detail, ..Reading::default() }).unwrap();
            assert_eq!(reduced.size, whole.size);
            assert_eq!(reduced.pixels.dimensions(), (203u32.div_ceil(by), 301u32.div_ceil(by)));
            for (x, y) in [(1, 1), (10, 20), (24, 36)] {
                let centre = |at: u32| at * by + by / 2;
                let want = whole.pixels.get_pixel(centre(x), centre(y)).0;
                assert!(near(*reduced.pixels.get_pixel(x, y), want, 8), "{by}: {x},{y}");
            }
        }
    }
}

#[test]
fn bare_samples_of_any_order_are_pictures() {
    // Pixel (x, y) of channel c is 40·c + 10·y + x.
    let value = |x: usize, y: usize, c: usize| (40 * c + 10 * y + x) as u8;
    let all = |order: &dyn Fn(usize) -> (usize, usize, usize)| {
        (0..18).map(order).map(|(x, y, c)| value(x, y, c)).collect()
    };
    let orders: [(Order, Vec<u8>); 3] = [
        (Order::Interleaved, all(&|i| (i / 3 % 3, i / 9, i % 3))),
        (Order::Planes, all(&|i| (i % 3, i / 3 % 2, i / 6))),
        (Order::Columns, all(&|i| (i / 2 % 3, i % 2, i / 6))),
    ];
    for (order, samples) in orders {
        let raw = Raw { values: Values::U8(samples), width: 3, height: 2, channels: 3, order };
        let pixels = picture(Content::Raw(raw), &Reading::default()).unwrap().pixels;
        assert_eq!(pixels.get_pixel(2, 1), &Rgb([12, 52, 92]), "{order:?}");
    }
    let grey = Raw { values: Values::U8(vec![5, 6]), width: 2, height: 1, channels: 1, order: Order::Planes };
    assert_eq!(
        picture(Content::Raw(grey), &Reading::default()).unwrap().pixels.get_pixel(1, 0),
        &Rgb([6; 3])
    );
    for (samples, channels) in [(5, 3), (4, 2), (0, 0)] {
        let raw =
            Raw { values: Values::U8(vec![0; samples]), width: 2, height: 1, channels, order: Order::Planes };
        assert!(picture(Content::Raw(raw), &Reading::default()).is_err());
    }
}

/// Decoders of others, on damaged files of every format and both ways of JPEG.
#[test]
fn no_damage_makes_decoding_panic() {
    damage(250);
}

/// The same at length; run it under a limit of memory (`ulimit -v`) to find decoders that believe a header.
#[test]
#[ignore = "takes minutes"]
fn much_damage_makes_no_decoding_panic() {
    damage(20_000);
}

/// Decodes `count` damaged files of every format.
fn damage(count: u64) {
    let colours = RgbImage::from_fn(40, 33, |x, y| Rgb([(x * 6) as u8, (y * 7) as u8, (x * y) as u8]));
    let reading =
        Reading { max_pixels: 1_000_000, detail: Some(Detail { side: 8, shorter: 8 }), ..Reading::default() };
    let formats = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Pnm,
    ];
    for format in formats {
        let mut read = 0;
        for bytes in mutants(&encode(colours.clone(), format), count) {
            read += u32::from(decoded(&bytes, &reading).is_ok());
        }
        // Sums over its chunks protect a PNG: hardly any damage gets past them.
        assert!(read > 5 || format == ImageFormat::Png, "{format:?}: {read}");
    }
    // A note of a camera, and inks.
    for bytes in [
        &include_bytes!("../../../tests/fixtures/turned.jpg")[..],
        include_bytes!("../../../tests/fixtures/cmyk.jpg"),
    ] {
        let read = mutants(bytes, count).filter(|bytes| decoded(bytes, &reading).is_ok()).count();
        assert!(read > 5, "{read}");
    }
}

/// Measures; run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn cost_of_jpegs() {
    let noise = |x: u32, y: u32, by: u32| {
        ((x / by).wrapping_mul(2_654_435_761) ^ (y / by).wrapping_mul(40_503)) >> 20
    };
    let camera = RgbImage::from_fn(4000, 3000, |x, y| {
        let value = |by| (noise(x, y, by) % 64 + x * 160 / 4000) as u8;
        Rgb([value(9), value(23), value(40)])
    });
    let bytes = encode(camera, ImageFormat::Jpeg);
    println!("4000x3000, {} kB", bytes.len() / 1000);
    let mut full = 0.0;
    for by in [1, 2, 4, 8] {
        let detail = (by > 1).then_some(Detail { side: 3400 / by, shorter: 3000 / by });
        let reading = Reading { detail, ..Reading::default() };
        let mut least = f64::MAX;
        for _ in 0..5 {
            let start = std::time::Instant::now();
            assert_eq!(decoded(&bytes, &reading).unwrap().pixels.width(), 4000 / by);
            least = least.min(start.elapsed().as_secs_f64());
        }
        full = if by == 1 { least } else { full };
        println!("1/{by}: {:.1} ms, {:.2} of the whole", least * 1e3, least / full);
    }
}
