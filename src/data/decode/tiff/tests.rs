//! Every layout, kind of sample and codec with the values that must come out.

use super::make::{Page, Style, file, number};
use super::*;
use crate::data::Reading;
use image::RgbImage;

/// The picture in 8 bit.
fn rgb(bytes: &[u8], reading: &Reading) -> Result<RgbImage, String> {
    read(bytes, 0, |_, _| Ok(())).and_then(|(samples, _)| {
        samples.into_picture(reading).map(|picture| picture.shown(crate::data::FIRST_BANDS))
    })
}

fn reds(bytes: &[u8]) -> Vec<u8> {
    rgb(bytes, &Reading::default()).unwrap().pixels().map(|pixel| pixel.0[0]).collect()
}

fn pixels(bytes: &[u8]) -> Vec<[u8; 3]> {
    rgb(bytes, &Reading::default()).unwrap().pixels().map(|pixel| pixel.0).collect()
}

pub(super) fn refused(bytes: &[u8]) -> String {
    rgb(bytes, &Reading::default()).unwrap_err()
}

/// Values of so many bits, high bit first, each row filled up to a byte.
fn packed(values: &[u64], bits: usize, width: usize) -> Vec<u8> {
    let row = |row: &[u64]| {
        let bit =
            |at: usize| row.get(at / bits).is_some_and(|value| value >> (bits - 1 - at % bits) & 1 == 1);
        let byte = |byte: usize| (0..8).fold(0, |all, at| all << 1 | u8::from(bit(8 * byte + at)));
        (0..(row.len() * bits).div_ceil(8)).map(byte).collect::<Vec<u8>>()
    };
    values.chunks(width).flat_map(row).collect()
}

#[test]
fn whole_numbers_of_any_width_are_scaled_by_their_own_range() {
    for bits in 1..=16usize {
        let most = (1u64 << bits) - 1;
        let values: Vec<u64> = (0..15).map(|i| i * most / 14).collect();
        for style in [
            Style::default(),
            Style { big_endian: true, wide: false },
            Style { big_endian: true, wide: true },
        ] {
            let bytes = if bits == 16 {
                values.iter().flat_map(|value| number(style, *value, 2)).collect()
            } else {
                packed(&values, bits, 5)
            };
            let want: Vec<u8> =
                values.iter().map(|value| (*value as f64 * 255.0 / most as f64).round() as u8).collect();
            let tiff = file(style, &[Page::strip([5, 3], bits as u64, 1, bytes)]);
            assert_eq!(reds(&tiff), want, "{bits} bits, {style:?}");
        }
    }
}

#[test]
fn signed_numbers_floats_and_wide_ones_follow_the_depth() {
    let of = |bits: u64, format: u64, values: &[u64], depth: [f32; 2]| {
        let style = Style { big_endian: true, wide: false };
        let bytes = values.iter().flat_map(|value| number(style, *value, bits as usize / 8)).collect();
        let page =
            Page::strip([values.len() as u64, 1], bits, 1, bytes).with(tag::SAMPLE_FORMAT, 3, &[format]);
        let reading = Reading { depth: Some(depth), ..Reading::default() };
        let picture = rgb(&file(style, &[page]), &reading).unwrap();
        picture.pixels().map(|pixel| pixel.0[0]).collect::<Vec<u8>>()
    };
    let signed = |value: i64| value as u64;
    assert_eq!(of(16, 2, &[-1000, 0, 1000].map(signed), [-1000.0, 1000.0]), [0, 128, 255]);
    assert_eq!(of(8, 2, &[-128, 0, 127].map(signed), [-128.0, 127.0]), [0, 128, 255]);
    assert_eq!(of(32, 2, &[-70_000, 0, 70_000].map(signed), [-70_000.0, 70_000.0]), [0, 128, 255]);
    assert_eq!(of(32, 1, &[0, 500_000, 2_000_000], [0.0, 1_000_000.0]), [0, 128, 255]);
    assert_eq!(of(24, 1, &[0, 1 << 23, (1 << 24) - 1], [0.0, 16_777_215.0]), [0, 128, 255]);
    let float = |value: f32| u64::from(value.to_bits());
    assert_eq!(of(32, 3, &[-1.0, 0.25, 0.5, 9.0, f32::NAN].map(float), [0.0, 1.0]), [0, 64, 128, 255, 0]);
    assert_eq!(of(64, 3, &[0.0f64, 0.5, 1.0].map(f64::to_bits), [0.0, 1.0]), [0, 128, 255]);
    // 0.5 and 1 in half precision, and in 24 bits.
    assert_eq!(of(16, 3, &[0x0000, 0x3800, 0x3c00], [0.0, 1.0]), [0, 128, 255]);
    assert_eq!(of(24, 3, &[0, 0x3e_0000, 0x3f_0000], [0.0, 1.0]), [0, 128, 255]);
    // Without a depth: floats from 0 to 1.
    let page = Page::strip([2, 1], 32, 1, [0.2f32, 0.4].iter().flat_map(|v| v.to_le_bytes()).collect());
    assert_eq!(reds(&page.with(tag::SAMPLE_FORMAT, 3, &[3]).file()), [51, 102]);
}

/// A picture of 7×5 whose samples differ everywhere: channel c of pixel (x, y) is 40·c + 7·y + x.
fn sample(x: usize, y: usize, c: usize) -> u8 {
    (40 * c + 7 * y + x) as u8
}

fn whole() -> Vec<[u8; 3]> {
    (0..35).map(|at| [0, 1, 2].map(|c| sample(at % 7, at / 7, c))).collect()
}

/// Its chunks of a size, interleaved or a plane after the other; tiles are filled up with 99.
pub(super) fn chunks([wide, high]: [usize; 2], planar: bool, tiled: bool) -> Vec<Vec<u8>> {
    let planes: Vec<Vec<usize>> = if planar { vec![vec![0], vec![1], vec![2]] } else { vec![vec![0, 1, 2]] };
    let mut all = Vec::new();
    for plane in planes {
        for top in (0..5).step_by(high) {
            for left in (0..7).step_by(wide) {
                let rows = top..if tiled { top + high } else { 5.min(top + high) };
                let inside = |x: usize, y: usize, c: usize| if x < 7 && y < 5 { sample(x, y, c) } else { 99 };
                let pixels = rows.flat_map(|y| (left..left + wide).map(move |x| (x, y)));
                all.push(pixels.flat_map(|(x, y)| plane.iter().map(move |c| inside(x, y, *c))).collect());
            }
        }
    }
    all
}

#[test]
fn strips_and_tiles_interleaved_and_planar_come_to_their_places() {
    for planar in [false, true] {
        let page = || Page::strip([7, 5], 8, 3, vec![]).with(tag::PLANAR, 3, &[1 + u64::from(planar)]);
        for high in 1..=6usize {
            let strips = page()
                .with(tag::ROWS_PER_STRIP, 3, &[high as u64])
                .chunked(chunks([7, high], planar, false), None);
            assert_eq!(pixels(&strips.file()), whole(), "strips of {high}, planar {planar}");
            for wide in [1, 2, 4, 7, 16] {
                let tile = [wide as u64, high as u64];
                let tiles = page().chunked(chunks([wide, high], planar, true), Some(tile));
                assert_eq!(pixels(&tiles.file()), whole(), "tiles of {tile:?}, planar {planar}");
            }
        }
    }
    // GDAL leaves out tiles of nothing but zeros.
    let mut some = chunks([4, 4], false, true);
    some[1].clear();
    let sparse = pixels(&Page::strip([7, 5], 8, 3, vec![]).chunked(some, Some([4, 4])).file());
    assert_eq!((sparse[5], sparse[0], sparse[34]), ([0; 3], whole()[0], whole()[34]));
}

pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_lossless_codec_gives_the_samples_back() {
    let raw = chunks([7, 5], false, false).remove(0);
    let lzw = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(&raw).unwrap();
    let literal =
        raw.chunks(100).flat_map(|run| [vec![run.len() as u8 - 1], run.to_vec()].concat()).collect();
    let zstd = ruzstd::encoding::compress_to_vec(raw.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    let all: [(u64, Vec<u8>); 5] =
        [(5, lzw), (8, deflated(&raw)), (32946, deflated(&raw)), (32773, literal), (50000, zstd)];
    for (compression, bytes) in all {
        let page = Page::strip([7, 5], 8, 3, bytes.clone()).with(tag::COMPRESSION, 3, &[compression]);
        assert_eq!(pixels(&page.file()), whole(), "{compression}");
        let cut = Page::strip([7, 5], 8, 3, bytes[..bytes.len() / 2].to_vec());
        let message = refused(&cut.with(tag::COMPRESSION, 3, &[compression]).file());
        assert!(message.contains("missing"), "{compression}: {message}");
    }
    // Runs, and the byte that means nothing.
    let runs = Page::strip([5, 1], 8, 1, vec![128, 0xfe, 7, 1, 8, 9]).with(tag::COMPRESSION, 3, &[32773]);
    assert_eq!(reds(&runs.file()), [7, 7, 7, 8, 9]);
    // Bits of each byte in reverse.
    let turned = Page::strip([8, 1], 1, 1, vec![0b0000_0101]).with(tag::FILL_ORDER, 3, &[2]);
    assert_eq!(reds(&turned.file()), [255, 0, 255, 0, 0, 0, 0, 0]);
}

/// Made by `tifffile.imwrite(…, compression='lzma', predictor=True)`, so by liblzma.
#[test]
fn lzma_of_another_program_is_read() {
    let picture = rgb(include_bytes!("../../../../tests/fixtures/lzma.tif"), &Reading::default()).unwrap();
    assert_eq!(picture.dimensions(), (32, 24));
    let wrong = picture
        .enumerate_pixels()
        .find(|(x, y, pixel)| pixel.0 != [(x * 8) as u8, (y * 10) as u8, (x + y) as u8]);
    assert!(wrong.is_none(), "{wrong:?}");
}

#[test]
fn jpeg_and_webp_inside_are_read() {
    let smooth = RgbImage::from_fn(32, 16, |x, y| image::Rgb([(x * 7) as u8, (y * 15) as u8, 90]));
    let webp = crate::data::testing::encode(smooth.clone(), image::ImageFormat::WebP);
    let page = Page::strip([32, 16], 8, 3, webp).with(tag::COMPRESSION, 3, &[50001]);
    assert_eq!(rgb(&page.file(), &Reading::default()).unwrap(), smooth);
    let jpeg = crate::data::testing::encode(smooth.clone(), image::ImageFormat::Jpeg);
    let page = Page::strip([32, 16], 8, 3, jpeg.clone()).with(tag::COMPRESSION, 3, &[7]);
    let page = page.with(tag::PHOTOMETRIC, 3, &[6]);
    let near = |got: &RgbImage| got.as_raw().iter().zip(smooth.as_raw()).all(|(a, b)| a.abs_diff(*b) < 24);
    assert!(near(&rgb(&page.clone().file(), &Reading::default()).unwrap()));
    // As libtiff writes it: the tables once, in a tag, and streams without them.
    let scan = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    let huffman = jpeg.windows(2).rposition(|two| two == [0xff, 0xda]).unwrap();
    let frame = scan + 2 + usize::from(jpeg[scan + 2]) * 256 + usize::from(jpeg[scan + 3]);
    let tables = [&jpeg[..2], &jpeg[2..scan], &jpeg[frame..huffman], &[0xff, 0xd9]].concat();
    let stream = [&jpeg[..2], &jpeg[scan..frame], &jpeg[huffman..]].concat();
    let values: Vec<u64> = tables.iter().map(|byte| u64::from(*byte)).collect();
    let apart = page.chunked(vec![stream], None).with(tag::JPEG_TABLES, 7, &values);
    assert!(near(&rgb(&apart.file(), &Reading::default()).unwrap()));
}

#[test]
fn fax_lines_are_read() {
    use fax::{Color, VecWriter, encoder::Encoder};
    let black = |x: usize, y: usize| (x / 3 + y).is_multiple_of(2);
    let mut encoder = Encoder::new(VecWriter::new());
    for y in 0..4 {
        let line = (0..20).map(|x| if black(x, y) { Color::Black } else { Color::White });
        encoder.encode_line(line, 20).unwrap();
    }
    let bytes = encoder.finish().unwrap().finish();
    let page =
        Page::strip([20, 4], 1, 1, bytes).with(tag::COMPRESSION, 3, &[4]).with(tag::PHOTOMETRIC, 3, &[0]);
    let want: Vec<u8> = (0..80).map(|at| if black(at % 20, at / 20) { 0 } else { 255 }).collect();
    assert_eq!(reds(&page.file()), want);
}

#[test]
fn predictors_are_undone() {
    let style = Style { big_endian: true, wide: false };
    // Differences of 16 bits in two channels, which wrap around.
    let stored = [60_000u64, 10, 10_000, 5, 65_000, 65_535];
    let bytes = stored.iter().flat_map(|value| number(style, *value, 2)).collect();
    let page =
        Page::strip([3, 1], 16, 2, bytes).with(tag::PREDICTOR, 3, &[2]).with(tag::COMPRESSION, 3, &[1]);
    let (samples, _) = read(&file(style, &[page]), 0, |_, _| Ok(())).unwrap();
    assert_eq!(samples.values, Values::U16(vec![60_000, 10, 4464, 15, 3928, 14]));
    // Floats: all highest bytes, then the next, as differences.
    let floats = [0.25f32, 0.5, -3.0, 1e-20];
    let planes: Vec<u8> = (0..4).flat_map(|plane| floats.map(|value| value.to_be_bytes()[plane])).collect();
    let differences: Vec<u8> =
        (0..16).map(|at| if at == 0 { planes[0] } else { planes[at].wrapping_sub(planes[at - 1]) }).collect();
    let page = Page::strip([4, 1], 32, 1, deflated(&differences)).with(tag::SAMPLE_FORMAT, 3, &[3]);
    let page = page.with(tag::PREDICTOR, 3, &[3]).with(tag::COMPRESSION, 3, &[8]);
    let (samples, _) = read(&page.file(), 0, |_, _| Ok(())).unwrap();
    assert_eq!(samples.values, Values::F32(floats.to_vec()));
}

#[test]
fn colours_of_every_kind_become_rgb() {
    let near = |got: &[[u8; 3]], want: &[[u8; 3]]| {
        let close =
            |(got, want): (&[u8; 3], &[u8; 3])| got.iter().zip(want).all(|(a, b)| a.abs_diff(*b) <= 2);
        assert!(got.len() == want.len() && got.iter().zip(want).all(close), "{got:?} for {want:?}");
    };
    let inverted = Page::strip([3, 1], 8, 1, vec![0, 100, 255]).with(tag::PHOTOMETRIC, 3, &[0]);
    assert_eq!(reds(&inverted.file()), [255, 155, 0]);
    let palette: Vec<u64> = [[0, 0xffff, 0x8000, 0], [0, 0, 0x4000, 0], [0, 0x1234, 0, 0xff00]].concat();
    let page = Page::strip([4, 1], 2, 1, vec![0b0001_1011]).with(tag::PHOTOMETRIC, 3, &[3]);
    let page = page.with(tag::COLOUR_MAP, 3, &palette);
    assert_eq!(pixels(&page.file()), [[0, 0, 0], [255, 0, 0x12], [0x80, 0x40, 0], [0, 0, 255]]);
    let ink = Page::strip([3, 1], 8, 4, vec![255, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 255]);
    near(&pixels(&ink.with(tag::PHOTOMETRIC, 3, &[5]).file()), &[[0, 255, 255], [255, 127, 255], [0, 0, 0]]);
    // sRGB's red is L 54.3, a 80.8, b 69.9 under D50.
    let lab =
        Page::strip([3, 1], 8, 3, vec![255, 0, 0, 138, 81, 70, 0, 0, 0]).with(tag::PHOTOMETRIC, 3, &[8]);
    near(&pixels(&lab.file()), &[[255, 255, 255], [255, 0, 0], [0, 0, 0]]);
    let icc = Page::strip([2, 1], 8, 3, vec![255, 128, 128, 138, 209, 198]).with(tag::PHOTOMETRIC, 3, &[9]);
    near(&pixels(&icc.file()), &[[255, 255, 255], [255, 0, 0]]);
    let luma = Page::strip([2, 1], 8, 3, vec![76, 85, 255, 255, 128, 128]).with(tag::PHOTOMETRIC, 3, &[6]);
    near(&pixels(&luma.clone().with(tag::SUBSAMPLING, 3, &[1, 1]).file()), &[[254, 0, 0], [255, 255, 255]]);
    // Four lumas share a pair of chromas; the right and lower edges are filled up.
    let units = vec![76, 76, 76, 76, 85, 255, 200, 0, 200, 0, 128, 128];
    let shared =
        Page::strip([3, 1], 8, 3, units).with(tag::PHOTOMETRIC, 3, &[6]).with(tag::SUBSAMPLING, 3, &[2, 2]);
    near(&pixels(&shared.file()), &[[254, 0, 0], [254, 0, 0], [200, 200, 200]]);
}

#[test]
fn bands_are_chosen_and_only_a_flag_makes_transparency() {
    let four = |extra: &[u64]| {
        let page = Page::strip([1, 1], 8, 4, vec![10, 20, 30, 0]);
        if extra.is_empty() { page.file() } else { page.with(tag::EXTRA_SAMPLES, 3, extra).file() }
    };
    assert_eq!(pixels(&four(&[2])), [[255, 255, 255]]);
    assert_eq!(pixels(&four(&[0])), [[10, 20, 30]]);
    assert_eq!(pixels(&four(&[])), [[10, 20, 30]]);
    let chosen = |bytes: &[u8], bands: &[usize]| {
        let reading = Reading { bands: bands.to_vec(), ..Reading::default() };
        rgb(bytes, &reading).map(|picture| picture.get_pixel(0, 0).0)
    };
    assert_eq!(chosen(&four(&[2]), &[4, 3, 2]), Ok([0, 30, 20]));
    let many = |count: u64| {
        let bytes = (1..=count).flat_map(|band| (100 * band as u16).to_le_bytes()).collect();
        Page::strip([1, 1], 16, count, bytes).with(tag::PHOTOMETRIC, 3, &[1]).file()
    };
    for count in [2, 4, 5, 12] {
        let message = refused(&many(count));
        assert!(message.contains(&format!("{count} bands")) && message.contains("`--bands"), "{message}");
    }
    let reading = Reading { bands: vec![12, 1, 6], depth: Some([0.0, 1200.0]), ..Reading::default() };
    assert_eq!(rgb(&many(12), &reading).unwrap().get_pixel(0, 0).0, [255, 21, 128]);
    assert_eq!(chosen(&many(12), &[13]).unwrap_err(), "it has 12 bands, and `--bands` asks for number 13");
}

#[test]
fn the_first_whole_page_is_read_and_pages_are_counted() {
    let page = |value: u8| Page::strip([1, 1], 8, 1, vec![value]);
    let small = page(7).with(tag::SUBFILE, 4, &[1]);
    let bytes = file(Style { big_endian: false, wide: true }, &[small.clone(), page(1), small, page(2)]);
    assert_eq!(reds(&bytes), [1]);
    assert_eq!(glance(&bytes).unwrap().pages, 2);
    let second = read(&bytes, 1, |_, _| Ok(())).unwrap().0;
    assert_eq!(second.values, Values::U8(vec![2]));
    assert!(read(&bytes, 2, |_, _| Ok(())).is_err());
}

#[test]
fn missing_values_of_gdal_count_for_nothing() {
    let floats = [-9999.0f32, 0.5, 1.0, 0.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let text: Vec<u64> = b"-9999\0".iter().map(|byte| u64::from(*byte)).collect();
    let page =
        Page::strip([4, 1], 32, 1, floats).with(tag::SAMPLE_FORMAT, 3, &[3]).with(tag::NO_DATA, 2, &text);
    let (samples, _) = read(&page.file(), 0, |_, _| Ok(())).unwrap();
    assert_eq!(samples.spread(&Reading::default()), Some([0.0, 1.0]));
    assert_eq!(
        samples
            .into_picture(&Reading::default())
            .unwrap()
            .shown(crate::data::FIRST_BANDS)
            .pixels()
            .map(|p| p.0[0])
            .collect::<Vec<_>>(),
        [0, 128, 255, 0]
    );
}
