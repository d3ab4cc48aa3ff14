//! What is refused, and damage.

use super::make::{Page, Style, file};
use super::tests::{chunks, deflated, refused};
use super::*;
use crate::data::Reading;
use crate::data::testing::mutants;
use image::RgbImage;

#[test]
fn what_is_not_read_is_said_in_plain_words() {
    let page = || Page::strip([2, 1], 8, 1, vec![0, 0]);
    let cases = [
        (page().with(tag::COMPRESSION, 3, &[34712]), "JPEG 2000"),
        (page().with(tag::COMPRESSION, 3, &[34887]), "LERC"),
        (page().with(tag::COMPRESSION, 3, &[6]), "old kind of JPEG"),
        (page().with(tag::COMPRESSION, 3, &[4711]), "method 4711"),
        (page().with(tag::PHOTOMETRIC, 3, &[32803]), "mosaic"),
        (page().with(tag::SAMPLE_FORMAT, 3, &[6]), "complex"),
        (page().with(tag::BITS, 3, &[17]), "17 bits"),
        (page().with(tag::TILE_WIDTH, 3, &[0]).with(tag::TILE_HEIGHT, 3, &[16]), "makes no sense"),
        (page().with(tag::HEIGHT, 3, &[3]).with(tag::ROWS_PER_STRIP, 3, &[1]), "missing"),
        (page().with(tag::WIDTH, 3, &[9]), "missing"),
        (page().with(tag::PREDICTOR, 3, &[9]), "predictor"),
    ];
    for (page, words) in cases {
        let message = refused(&page.file());
        assert!(
            message.contains(words) && !message.contains('`') | message.contains("tiffcp"),
            "{words}: {message}"
        );
    }
    let mixed = Page::strip([1, 1], 8, 3, vec![0; 5]).with(tag::BITS, 3, &[8, 8, 16]);
    assert!(refused(&mixed.file()).contains("8, 8, 16"));
}

/// Whatever is wrong with a file: a result without a panic, quickly, and in bounded memory.
#[test]
fn no_damage_makes_the_reader_panic() {
    let jpeg = crate::data::testing::encode(RgbImage::new(16, 16), image::ImageFormat::Jpeg);
    let tiles = chunks([4, 4], true, true).iter().map(|bytes| deflated(bytes)).collect();
    let page = Page::strip([7, 5], 8, 3, vec![]).with(tag::PLANAR, 3, &[2]).with(tag::COMPRESSION, 3, &[8]);
    let luma = Page::strip([3, 1], 8, 3, vec![9; 12]).with(tag::PHOTOMETRIC, 3, &[6]);
    let files = [
        page.chunked(tiles, Some([4, 4])).file(),
        file(Style { big_endian: true, wide: true }, &[Page::strip([9, 4], 12, 1, vec![5; 56])]),
        Page::strip([16, 16], 8, 3, jpeg)
            .with(tag::COMPRESSION, 3, &[7])
            .with(tag::PHOTOMETRIC, 3, &[6])
            .file(),
        luma.with(tag::SUBSAMPLING, 3, &[2, 2]).file(),
        Page::strip([4, 2], 4, 1, vec![0x12; 4])
            .with(tag::PHOTOMETRIC, 3, &[3])
            .with(tag::COLOUR_MAP, 3, &[9; 48])
            .file(),
        Page::strip([4, 1], 32, 1, vec![1; 16])
            .with(tag::SAMPLE_FORMAT, 3, &[3])
            .with(tag::PREDICTOR, 3, &[3])
            .file(),
        Page::strip([20, 4], 1, 1, vec![0x26, 0xa1, 0x4d]).with(tag::COMPRESSION, 3, &[4]).file(),
        include_bytes!("../../../../tests/fixtures/lzma.tif").to_vec(),
    ];
    let check = |[width, height]: [u32; 2], channels: usize| {
        if u64::from(width) * u64::from(height) * channels as u64 > 1 << 22 {
            Err("large".into())
        } else {
            Ok(())
        }
    };
    for whole in files {
        let mut good = 0;
        for damaged in mutants(&whole, 600) {
            drop(glance(&damaged));
            if let Ok((samples, _)) = read(&damaged, 0, check) {
                good += usize::from(samples.into_picture(&Reading::default()).is_ok());
            }
        }
        assert!(good > 0, "every damage makes it unreadable, so nothing behind the header is tried");
    }
}
