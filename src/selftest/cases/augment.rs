//! Crops from packed pictures.
//!
//! Pixels are judged by the whole range from black to white. A Gaussian ends at 4.5 standard deviations
//! on the device and at 8 in the reference: what lies between is below 1e-5 of the whole.

use crate::error::Result;
use crate::gpu::Shape;
use crate::ops::augment::{self, ABSENT, AdjustmentKind, Crop};
use crate::selftest::bench::Bench;
use crate::selftest::reference::{Tensor64, augment as crops};
use crate::selftest::suite::Suite;

const TOLERANCE: f64 = 2e-5;

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.228, 0.224, 0.225];

/// A picture and what is done to a part of it.
struct Sample {
    width: u32,
    height: u32,
    crop: Crop,
}

/// `count` crops of different pictures that together try all that can be drawn. The sizes of pictures
/// are odd, so that rows begin at every byte of a word.
fn samples(bench: &mut Bench, count: usize, largest: u32) -> Vec<Sample> {
    let numbers = bench.random(&[count, 16]);
    let kinds = [
        AdjustmentKind::Brightness,
        AdjustmentKind::Contrast,
        AdjustmentKind::Saturation,
        AdjustmentKind::Hue,
    ];
    let sample = |(i, row): (usize, &[f64])| {
        // From normal numbers to [0, 1).
        let share = |at: usize| (row[at] * 1000.0).rem_euclid(1.0);
        let below = |at: usize, most: u32| (share(at) * f64::from(most)) as u32;
        let (width, height) = (1 + below(0, largest), 1 + below(1, largest));
        let (left, top) = (below(2, width), below(3, height));
        let region = [left, top, 1 + below(4, width - left), 1 + below(5, height - top)];
        let mut order = kinds;
        order.rotate_left(i % 4);
        order.swap(i / 4 % 4, i / 16 % 4);
        let factor = |kind, at| {
            (kind, if kind == AdjustmentKind::Hue { share(at) - 0.5 } else { 1.8 * share(at) } as f32)
        };
        let [a, b, c, d] = order;
        let adjustments = match i % 5 {
            0 => [(AdjustmentKind::None, 0.0); 4],
            _ => [factor(a, 6), factor(b, 7), factor(c, 8), factor(d, 9)],
        };
        let sigma = if i % 3 == 1 { (0.2 + 2.0 * share(10)) as f32 } else { 0.0 };
        let crop = Crop {
            offset: 0,
            picture_width: width,
            region,
            flip: i % 2 == 1,
            adjustments,
            grey: i % 7 == 3,
            sigma,
        };
        Sample { width, height, crop }
    };
    numbers.data.chunks(16).enumerate().map(sample).collect()
}

/// Crops of `size` pixels; each third one is of a picture that is not there.
fn cropped(bench: &mut Bench, size: usize, count: usize, largest: u32) -> Result<()> {
    let mut packed = Vec::new();
    let mut words = Vec::new();
    let before = bench.random(&[count, 3, size, size]);
    let tolerance = bench.stored(TOLERANCE);
    let mut want = Vec::new();
    for (i, mut sample) in samples(bench, count, largest).into_iter().enumerate() {
        let bytes = (3 * sample.width * sample.height) as usize;
        let noise = bench.random(&[bytes]);
        let pixels: Vec<u8> = noise.data.iter().map(|v| (128.0 + 90.0 * v).clamp(0.0, 255.0) as u8).collect();
        sample.crop.offset = packed.len() as u32;
        if i % 3 == 2 {
            words.extend(ABSENT);
            want.push(before.slice(i, i + 1));
        } else {
            words.extend(sample.crop.words());
            want.push(crops::crop(&pixels, &sample.crop, size, MEAN.map(f64::from), STD.map(f64::from)));
        }
        packed.extend(pixels);
        packed.resize(packed.len().next_multiple_of(4), 255);
    }
    packed.resize(packed.len().next_multiple_of(16), 0);
    let pictures: Vec<u32> =
        packed.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let pictures = bench.lab.words(&pictures);
    let descriptions = bench.lab.words(&words).reshaped(augment::descriptions(count as u32));
    let out = bench.activations(&before);
    augment::make(bench.plan(), &pictures, &descriptions, &out, MEAN, STD)?;
    for (i, want) in want.iter().enumerate() {
        let from = i * size * size * 4;
        let want = want.clone();
        let shape = want.shape.clone();
        let pick = move |got: &[f32]| {
            crate::selftest::layout::from_nhwc4(&shape, &got[from..from + shape[2] * shape[3] * 4])
        };
        // The range from black to white, normalised.
        bench.expect_picked(format!("crop {i}"), &out, pick, &want.data, tolerance, 1.0 / f64::from(STD[1]));
    }
    Ok(())
}

pub(super) fn crops_of_pictures(suite: &mut Suite) {
    suite.case("one crop of a picture of one pixel", single);
    for (size, count, largest) in
        [(1, 5, 9), (3, 33, 40), (7, 24, 5), (16, 12, 50), (33, 9, 70), (65, 4, 150)]
    {
        suite.both(format!("{count} crops of {size} pixels from pictures up to {largest}"), |bench| {
            cropped(bench, size, count, largest)
        });
    }
}

fn single(bench: &mut Bench) -> Result<()> {
    let pictures = bench.lab.words(&[0x00ff_8000, 0, 0, 0]);
    let crop = Crop {
        offset: 0,
        picture_width: 1,
        region: [0, 0, 1, 1],
        flip: false,
        adjustments: [(AdjustmentKind::None, 0.0); 4],
        grey: false,
        sigma: 0.0,
    };
    let descriptions = bench.lab.words(&crop.words()).reshaped(augment::descriptions(1));
    let out = bench.lab.zeros(Shape::pictures(1, 2, 2, 3));
    augment::make(bench.plan(), &pictures, &descriptions, &out, [0.0; 3], [1.0; 3])?;
    let want = [0.0, 128.0 / 255.0, 1.0].iter().flat_map(|&v| [v; 4]).collect();
    bench.expect("one colour", &out, &Tensor64::new(&[1, 3, 2, 2], want), 1e-6);
    Ok(())
}
