//! From a picture to the normalised pixels of one view: what the network sees.
//!
//! The order is that of the official pipeline: box and resize, flip, the colour adjustments, grey,
//! blur, normalise. All in `f32` without rounding between the steps. Pixels come out interleaved
//! with a fourth channel that is 0, so that a pixel is one aligned vector on the device.

use std::cell::RefCell;

use image::RgbImage;

use super::augment::{Augment, CropParams};
use super::blur::Blur;
use super::colour;
use super::crop::CropBox;
use super::resize::{Resizer, Target};
use super::simd::wide;

/// What a thread keeps from view to view.
#[derive(Default)]
struct Scratch {
    resizer: Resizer,
    blur: Blur,
    planes: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Renders one crop. `out` is `[size, size, 4]`: red, green, blue normalised, and 0.
///
/// A box that leaves the picture is moved inside.
///
/// # Panics
/// Where `out` has another length than 4·size².
pub fn render(picture: &RgbImage, params: &CropParams, size: u32, augment: &Augment, out: &mut [f32]) {
    let size = size as usize;
    let target = Target { full: [size; 2], offset: [0; 2], size, flip: params.flip };
    with_planes(picture, params.region, &target, |planes, blur| {
        wide(
            #[inline(always)]
            || {
                for &adjustment in params.jitter.iter().flatten() {
                    colour::adjust(planes, adjustment);
                }
                if params.grey {
                    colour::grey(planes);
                }
                if params.blur.is_some_and(|sigma| blur.set(sigma)) {
                    let (first, others) = planes.split_at_mut(size * size);
                    blur.run(first, size);
                    for plane in others.chunks_exact_mut(size * size) {
                        // All planes of a grey picture are the same one.
                        if params.grey { plane.copy_from_slice(first) } else { blur.run(plane, size) }
                    }
                }
                normalise(planes, augment.mean, augment.std, out);
            },
        );
    });
}

/// The plain view for evaluation: the shorter side resized to `resize` with antialiasing, the centre
/// `size`×`size` of it, normalised. `out` is `[size, size, 4]` as for [`render`]; a `resize` below
/// `size` is taken as `size`, since there is nothing to crop beyond the edge.
///
/// # Panics
/// Where `out` has another length than 4·size².
pub fn evaluation_view(
    picture: &RgbImage,
    resize: u32,
    size: u32,
    mean: [f32; 3],
    std: [f32; 3],
    out: &mut [f32],
) {
    let (width, height) = picture.dimensions();
    let short = resize.max(size);
    // The longer side is cut to a whole number, not rounded (torchvision's `Resize`).
    let long =
        |side: u32| (u64::from(short) * u64::from(side) / u64::from(width.min(height).max(1))) as usize;
    let full = [long(width), long(height)];
    let size = size as usize;
    let offset = full.map(|side| ((side - size) as f64 / 2.0).round_ties_even() as usize);
    let whole = CropBox { left: 0, top: 0, width, height };
    with_planes(picture, whole, &Target { full, offset, size, flip: false }, |planes, _| {
        normalise(planes, mean, std, out);
    });
}

/// Resizes into this thread's planes and hands them on. A picture or target of no size does nothing.
#[inline(always)]
fn with_planes(
    picture: &RgbImage,
    region: CropBox,
    target: &Target,
    then: impl FnOnce(&mut [f32], &mut Blur),
) {
    if picture.is_empty() || target.size == 0 {
        return;
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.planes.resize(3 * target.size * target.size, 0.0);
        wide(
            #[inline(always)]
            || scratch.resizer.run(picture, region, target, &mut scratch.planes),
        );
        then(&mut scratch.planes, &mut scratch.blur);
    });
}

#[inline(always)]
fn normalise(planes: &[f32], mean: [f32; 3], std: [f32; 3], out: &mut [f32]) {
    let n = planes.len() / 3;
    assert_eq!(out.len(), 4 * n, "a view needs four floats a pixel");
    let gain = std.map(f32::recip);
    let (red, rest) = planes.split_at(n);
    let (green, blue) = rest.split_at(n);
    for (((out, r), g), b) in out.chunks_exact_mut(4).zip(red).zip(green).zip(blue) {
        let pixel = [(r - mean[0]) * gain[0], (g - mean[1]) * gain[1], (b - mean[2]) * gain[2], 0.0];
        out.copy_from_slice(&pixel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::augment::Adjustment;
    use crate::data::testing::{Kind, close, difference, golden_cases};

    /// Undoes the interleaving: channel-major, without the fourth channel, which must be 0.
    fn channel_major(pixels: &[f32]) -> Vec<f32> {
        assert!(pixels.iter().skip(3).step_by(4).all(|&v| v == 0.0));
        (0..3).flat_map(|c| pixels.iter().skip(c).step_by(4).copied()).collect()
    }

    fn factors(case: &crate::data::testing::Case) -> Option<[Adjustment; 4]> {
        let factor = |name: &str| case.attr("f")[name].as_f64().unwrap() as f32;
        let order = case.attr("order").as_array().unwrap().iter();
        let all: Vec<Adjustment> = order
            .map(|name| match name.as_str().unwrap() {
                "brightness" => Adjustment::Brightness(factor("brightness")),
                "contrast" => Adjustment::Contrast(factor("contrast")),
                "saturation" => Adjustment::Saturation(factor("saturation")),
                "hue" => Adjustment::Hue(factor("hue")),
                other => panic!("unknown adjustment {other}"),
            })
            .collect();
        (!all.is_empty()).then(|| all.try_into().unwrap())
    }

    #[test]
    fn the_whole_chain_matches() {
        for case in golden_cases(Kind::Chain) {
            let picture = case.picture(&format!("img{}", case.attr("img")));
            let edge = |i: usize| case.attr("box")[i].as_u64().unwrap() as u32;
            let params = CropParams {
                region: CropBox { top: edge(0), left: edge(1), height: edge(2), width: edge(3) },
                flip: case.attr("flip").as_bool().unwrap(),
                jitter: factors(&case),
                grey: case.attr("gray").as_bool().unwrap(),
                blur: case.attr("sigma").as_f64().map(|sigma| sigma as f32),
            };
            let size = case.attr("size").as_u64().unwrap() as u32;
            let augment = Augment::default();
            let mut out = vec![f32::NAN; (size * size * 4) as usize];
            render(&picture, &params, size, &augment, &mut out);
            let got = channel_major(&out);
            close(&case, "out_float", &got, &case.expected("out_float").unwrap());
            let official = case.expected("out").unwrap();
            let mean = got.iter().zip(&official).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>();
            assert!(
                mean / got.len() as f64 <= case.spec("out")["mean_abs"].as_f64().unwrap(),
                "{}",
                case.name
            );
            let n = got.len() / 3;
            let levels: Vec<f32> =
                got.iter().enumerate().map(|(i, v)| v * augment.std[i / n] + augment.mean[i / n]).collect();
            let (most, mean) = difference(&case, "pil_u8", &levels);
            assert!(most <= case.spec("pil_u8")["max_level_diff"].as_f64().unwrap(), "{}: {most}", case.name);
            assert!(
                mean <= case.spec("pil_u8")["mean_level_diff"].as_f64().unwrap(),
                "{}: {mean}",
                case.name
            );
        }
    }

    #[test]
    fn the_evaluation_view_is_the_centre() {
        // Columns 0..30 hold their number; the centre 10 of a 30×10 picture are columns 10..20.
        let picture = RgbImage::from_fn(30, 10, |x, _| image::Rgb([x as u8; 3]));
        let mut out = vec![f32::NAN; 400];
        evaluation_view(&picture, 10, 10, [0.0; 3], [1.0; 3], &mut out);
        let row: Vec<f32> = out[..40].iter().step_by(4).map(|v| (v * 255.0).round()).collect();
        assert_eq!(row, (10..20).map(|x| x as f32).collect::<Vec<_>>());
        for (width, height, resize, size) in [(30, 10, 12, 8), (10, 31, 9, 9), (1, 7, 4, 3), (64, 64, 10, 32)]
        {
            let picture = RgbImage::from_pixel(width, height, image::Rgb([255, 0, 51]));
            let mut out = vec![f32::NAN; (size * size * 4) as usize];
            evaluation_view(&picture, resize, size, [0.5; 3], [0.5; 3], &mut out);
            let right = |p: &[f32]| p.iter().zip([1.0, -1.0, -0.6, 0.0]).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(out.chunks(4).all(right), "{width}x{height}");
        }
    }

    #[test]
    fn a_box_outside_the_picture_is_moved_inside() {
        let picture = RgbImage::from_pixel(5, 4, image::Rgb([9; 3]));
        let region = CropBox { left: 90, top: 2, width: 7, height: 0 };
        let params = CropParams { region, flip: true, jitter: None, grey: true, blur: Some(1.0) };
        let mut out = vec![f32::NAN; 4 * 49];
        render(&picture, &params, 7, &Augment::default(), &mut out);
        assert!(out.iter().all(|v| v.is_finite()));
    }
}
