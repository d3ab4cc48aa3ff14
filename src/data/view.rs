//! From a picture to the normalised pixels of one view: what the network sees.
//!
//! The order is that of the official pipeline: box and resize, flip, the colour adjustments, grey,
//! blur, normalise. All in `f32` without rounding between the steps. Pixels come out interleaved, their
//! channels filled up to quads with 0, so that a pixel is aligned vectors on the device.

use std::cell::RefCell;

use super::augment::{Augment, CropParams};
use super::blur::Blur;
use super::colour;
use super::crop::CropBox;
use super::picture::Picture;
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

/// Renders one crop. `out` is `[size, size, 4·quads]`: the channels normalised, filled up to quads with 0.
///
/// A box that leaves the picture is moved inside. A picture of other than three channels has no colours: its
/// channels are adjusted one by one.
///
/// # Panics
/// Where the picture has not as many channels as the means are, or `out` has another length.
pub fn render(picture: &Picture, params: &CropParams, size: u32, augment: &Augment, out: &mut [f32]) {
    let size = size as usize;
    let target = Target { full: [size; 2], offset: [0; 2], size, flip: params.flip };
    with_planes(picture, params.region, &target, |planes, blur| {
        wide(
            #[inline(always)]
            || {
                let coloured = picture.channels() == 3;
                for &adjustment in params.jitter.iter().flatten() {
                    if coloured {
                        colour::adjust(planes, adjustment);
                    } else {
                        colour::adjust_each(planes, adjustment, &params.each);
                    }
                }
                let grey = params.grey && coloured;
                if grey {
                    colour::grey(planes);
                }
                if params.blur.is_some_and(|sigma| blur.set(sigma)) {
                    let (first, others) = planes.split_at_mut(size * size);
                    blur.run(first, size);
                    for plane in others.chunks_exact_mut(size * size) {
                        // All planes of a grey picture are the same one.
                        if grey { plane.copy_from_slice(first) } else { blur.run(plane, size) }
                    }
                }
                normalise(planes, &augment.mean, &augment.std, out);
            },
        );
    });
}

/// The plain view for evaluation: the shorter side resized to `resize` with antialiasing, the centre
/// `size`×`size` of it, normalised. `out` is `[size, size, 4·quads]` as for [`render`]; a `resize` below
/// `size` is taken as `size`, since there is nothing to crop beyond the edge.
///
/// # Panics
/// As [`render`].
pub fn evaluation_view(
    picture: &Picture,
    resize: u32,
    size: u32,
    mean: &[f32],
    std: &[f32],
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
    picture: &Picture,
    region: CropBox,
    target: &Target,
    then: impl FnOnce(&mut [f32], &mut Blur),
) {
    if picture.samples().is_empty() || target.size == 0 {
        return;
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.planes.resize(picture.channels() * target.size * target.size, 0.0);
        wide(
            #[inline(always)]
            || scratch.resizer.run(picture, region, target, &mut scratch.planes),
        );
        then(&mut scratch.planes, &mut scratch.blur);
    });
}

#[inline(always)]
fn normalise(planes: &[f32], mean: &[f32], std: &[f32], out: &mut [f32]) {
    let n = planes.len() / mean.len().max(1);
    let wide = padded(mean.len());
    assert_eq!(out.len(), wide * n, "a view needs {wide} floats a pixel");
    let gain: Vec<f32> = std.iter().copied().map(f32::recip).collect();
    if let (&[red_mean, green_mean, blue_mean], &[red_gain, green_gain, blue_gain]) = (mean, gain.as_slice())
    {
        let (red, rest) = planes.split_at(n);
        let (green, blue) = rest.split_at(n);
        for (((out, r), g), b) in out.chunks_exact_mut(4).zip(red).zip(green).zip(blue) {
            let pixel =
                [(r - red_mean) * red_gain, (g - green_mean) * green_gain, (b - blue_mean) * blue_gain, 0.0];
            out.copy_from_slice(&pixel);
        }
        return;
    }
    out.fill(0.0);
    for (c, plane) in planes.chunks_exact(n.max(1)).enumerate() {
        for (pixel, value) in out.chunks_exact_mut(wide).zip(plane) {
            pixel[c] = (value - mean[c]) * gain[c];
        }
    }
}

/// Floats that a pixel of so many channels takes in a view: whole quads.
#[must_use]
pub fn padded(channels: usize) -> usize {
    channels.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::augment::Adjustment;
    use crate::data::testing::{Kind, close, difference, golden_cases};
    use image::RgbImage;

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
                each: Vec::new(),
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
        let picture = RgbImage::from_fn(30, 10, |x, _| image::Rgb([x as u8; 3])).into();
        let mut out = vec![f32::NAN; 400];
        evaluation_view(&picture, 10, 10, &[0.0; 3], &[1.0; 3], &mut out);
        let row: Vec<f32> = out[..40].iter().step_by(4).map(|v| (v * 255.0).round()).collect();
        assert_eq!(row, (10..20).map(|x| x as f32).collect::<Vec<_>>());
        for (width, height, resize, size) in [(30, 10, 12, 8), (10, 31, 9, 9), (1, 7, 4, 3), (64, 64, 10, 32)]
        {
            let picture = RgbImage::from_pixel(width, height, image::Rgb([255, 0, 51])).into();
            let mut out = vec![f32::NAN; (size * size * 4) as usize];
            evaluation_view(&picture, resize, size, &[0.5; 3], &[0.5; 3], &mut out);
            let right = |p: &[f32]| p.iter().zip([1.0, -1.0, -0.6, 0.0]).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(out.chunks(4).all(right), "{width}x{height}");
        }
    }

    #[test]
    fn a_box_outside_the_picture_is_moved_inside() {
        let picture = RgbImage::from_pixel(5, 4, image::Rgb([9; 3])).into();
        let region = CropBox { left: 90, top: 2, width: 7, height: 0 };
        let params =
            CropParams { region, flip: true, jitter: None, grey: true, blur: Some(1.0), each: Vec::new() };
        let mut out = vec![f32::NAN; 4 * 49];
        render(&picture, &params, 7, &Augment::default(), &mut out);
        assert!(out.iter().all(|v| v.is_finite()));
    }
    /// A picture of five bands: each is resized as it would be alone, adjusted by its own factors around its own
    /// mean, and normalised by its own mean and deviation; the rest of the quads is 0.
    #[test]
    fn bands_are_made_one_by_one() {
        let bands = 5;
        let value = |x: u32, y: u32, c: u32| (x * 11 + y * (3 + c) + 40 * c) as u8;
        let picture = |bands: std::ops::Range<u32>| {
            let pixel = |i: u32| bands.clone().map(move |c| value(i % 12, i / 12, c));
            Picture::new(12, 9, bands.len() as u32, (0..108).flat_map(pixel).collect()).unwrap()
        };
        let mean: Vec<f32> = (0..bands).map(|c| 0.1 * c as f32).collect();
        let std: Vec<f32> = (0..bands).map(|c| 0.2 + 0.1 * c as f32).collect();
        let augment = |c: std::ops::Range<usize>| Augment {
            mean: mean[c.clone()].to_vec(),
            std: std[c].to_vec(),
            ..Augment::default()
        };
        let each: Vec<[f32; 2]> = (0..bands).map(|c| [0.5 + 0.2 * c as f32, 1.5 - 0.3 * c as f32]).collect();
        let jitter = [
            Adjustment::Hue(0.3),
            Adjustment::Brightness(9.0),
            Adjustment::Saturation(0.0),
            Adjustment::Contrast(9.0),
        ];
        let params = |each: &[[f32; 2]]| CropParams {
            region: CropBox { left: 1, top: 2, width: 9, height: 6 },
            flip: true,
            jitter: Some(jitter),
            grey: true,
            blur: Some(0.8),
            each: each.to_vec(),
        };
        let mut all = vec![f32::NAN; 8 * 49];
        render(&picture(0..bands), &params(&each), 7, &augment(0..5), &mut all);
        for c in 0..bands as usize {
            let mut alone = vec![f32::NAN; 4 * 49];
            let band = picture(c as u32..c as u32 + 1);
            render(&band, &params(&each[c..=c]), 7, &augment(c..c + 1), &mut alone);
            let got: Vec<f32> = all.iter().skip(c).step_by(8).copied().collect();
            let want: Vec<f32> = alone.iter().step_by(4).copied().collect();
            assert_eq!(got, want, "band {c}");
        }
        assert!(all.chunks(8).all(|pixel| pixel[5..] == [0.0; 3]));
        // The view for evaluation of a flat picture, by hand.
        let flat = Picture::new(4, 4, 2, [51, 255].repeat(16)).unwrap();
        let mut out = vec![f32::NAN; 4 * 9];
        evaluation_view(&flat, 3, 3, &[0.2, 0.5], &[0.5, 0.25], &mut out);
        let near = |pixel: &[f32]| pixel.iter().zip([0.0, 2.0, 0.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(out.chunks(4).all(near), "{out:?}");
    }
}
