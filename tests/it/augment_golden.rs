//! The crops that the device makes against the fixtures of the official pipeline (group 09), as the
//! unit tests of `src/data` hold the processor's to them.

use crate::devices::shared_devices;
use crate::golden::{Case, Golden, Values};
use serde_json::Value;
use std::sync::Arc;
use swav_wgpu::gpu::{Gpu, Shape};
use swav_wgpu::ops::augment::{self, AdjustmentKind, Crop};
use swav_wgpu::selftest::lab::Lab;

const PLAIN: [(AdjustmentKind, f32); 4] = [(AdjustmentKind::None, 0.0); 4];

/// A square of what was drawn, from a picture `[height, width, 3]` in levels.
struct Wanted<'a> {
    picture: &'a Values,
    size: usize,
    crop: Crop,
    mean: [f32; 3],
    std: [f32; 3],
}

impl<'a> Wanted<'a> {
    /// The whole picture, unchanged.
    fn whole(picture: &'a Values, size: usize) -> Self {
        let (height, width) = (picture.0[0] as u32, picture.0[1] as u32);
        let crop = Crop {
            offset: 0,
            picture_width: width,
            region: [0, 0, width, height],
            flip: false,
            adjustments: PLAIN,
            grey: false,
            sigma: 0.0,
        };
        Self { picture, size, crop, mean: [0.0; 3], std: [1.0; 3] }
    }

    /// `[size, size, 3]`.
    fn make(&self, gpu: &Arc<Gpu>) -> Vec<f32> {
        let mut lab = Lab::new(gpu);
        let mut bytes: Vec<u8> = self.picture.1.iter().map(|&level| level as u8).collect();
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        let words: Vec<u32> =
            bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes"))).collect();
        let pictures = lab.words(&words);
        let crops = lab.words(&self.crop.words()).reshaped(augment::descriptions(1));
        let out = lab.zeros(Shape::pictures(1, self.size as u32, self.size as u32, 3));
        augment::make(&mut lab.plan, &pictures, &crops, &out, self.mean, self.std).expect("recorded");
        let made = lab.run().and_then(|session| session.read(&out)).expect("a result");
        made.chunks_exact(4).flat_map(|pixel| pixel[..3].to_vec()).collect()
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn adjustment(name: &str, factor: f64) -> (AdjustmentKind, f32) {
    let kind = match name {
        "brightness" => AdjustmentKind::Brightness,
        "contrast" => AdjustmentKind::Contrast,
        "saturation" => AdjustmentKind::Saturation,
        "hue" => AdjustmentKind::Hue,
        other => panic!("unknown adjustment {other}"),
    };
    (kind, factor as f32)
}

/// The picture `name` of the file that a case stands in.
fn picture(golden: &Golden, case: &Case<'_>, name: &str) -> Values {
    let cases = golden.cases(case.file);
    let images = cases.iter().find(|other| other.file == case.file && other.name == "images");
    images.unwrap_or_else(|| panic!("{} has no images", case.file)).input(name)
}

/// A test of every case that `wants` picks; there must be one.
fn each(group: &str, wants: impl Fn(&Case<'_>) -> bool, test: impl Fn(&Golden, &Case<'_>, &Arc<Gpu>)) {
    let golden = Golden::open();
    let cases: Vec<_> = golden.cases(group).into_iter().filter(|case| wants(case)).collect();
    assert!(!cases.is_empty());
    for gpu in shared_devices() {
        cases.iter().for_each(|case| test(&golden, case, gpu));
    }
}

#[test]
fn boxes_match_torchvision() {
    each(
        "09_aug_resize",
        |case| case.has("tv_f"),
        |golden, case, gpu| {
            let at = |key: &str| number(&case.attrs[key]) as u32;
            let picture = picture(golden, case, &format!("img{}", case.attrs["img"]));
            let mut wanted = Wanted::whole(&picture, at("size") as usize);
            wanted.crop.region = [at("left"), at("top"), at("w"), at("h")];
            case.expect("tv_f", &wanted.make(gpu));
        },
    );
}

/// Adjustments look at pixels one by one and at their mean: a picture that is no square is laid out
/// again and again until it is one.
#[test]
fn adjustments_match_torchvision() {
    each(
        "09_aug_color",
        |case| case.has("f"),
        |golden, case, gpu| {
            let name = case.name.rsplit('_').next().expect("a name");
            let (shape, values) = picture(golden, case, name);
            let pixels = shape[0] * shape[1];
            let side = (1..).find(|side| side * side % pixels == 0).expect("pixels² is one");
            let square =
                (vec![side, side, 3], values.iter().copied().cycle().take(3 * side * side).collect());
            let mut wanted = Wanted::whole(&square, side);
            match case.attrs["op"].as_str() {
                Some(op) => wanted.crop.adjustments[2] = adjustment(op, number(&case.attrs["factor"])),
                None => wanted.crop.grey = true,
            }
            case.expect("f", &wanted.make(gpu)[..3 * pixels]);
        },
    );
}

/// A picture that is no square is continued by its own edge, which is what replicated edges mean.
#[test]
fn blurs_match_the_true_gaussian() {
    each(
        "09_aug_blur",
        |case| case.has("true_f"),
        |golden, case, gpu| {
            let (shape, values) = picture(golden, case, &format!("sub{}", case.attrs["sub"]));
            let (height, width) = (shape[0], shape[1]);
            let side = height.max(width);
            let level = |i: usize| {
                let (row, column) = ((i / 3 / side).min(height - 1), (i / 3 % side).min(width - 1));
                values[3 * (row * width + column) + i % 3]
            };
            let square = (vec![side, side, 3], (0..3 * side * side).map(level).collect());
            let mut wanted = Wanted::whole(&square, side);
            wanted.crop.sigma = number(&case.attrs["sigma"]) as f32;
            let made = wanted.make(gpu);
            let inside = |i: usize| made[3 * (i / 3 / width * side + i / 3 % width) + i % 3];
            case.expect("true_f", &(0..3 * width * height).map(inside).collect::<Vec<_>>());
        },
    );
}

#[test]
fn the_whole_chain_matches() {
    each(
        "09_aug_blur",
        |case| case.has("out_float"),
        |golden, case, gpu| {
            let picture = picture(golden, case, &format!("img{}", case.attrs["img"]));
            let mut wanted = Wanted::whole(&picture, number(&case.attrs["size"]) as usize);
            let edge = |i: usize| number(&case.attrs["box"][i]) as u32;
            wanted.crop.region = [edge(1), edge(0), edge(3), edge(2)];
            wanted.crop.flip = case.attrs["flip"].as_bool().expect("a flag");
            wanted.crop.grey = case.attrs["gray"].as_bool().expect("a flag");
            wanted.crop.sigma = case.attrs["sigma"].as_f64().unwrap_or(0.0) as f32;
            let order = case.attrs["order"].as_array().expect("a list");
            for (to, name) in wanted.crop.adjustments.iter_mut().zip(order) {
                let name = name.as_str().expect("a name");
                *to = adjustment(name, number(&case.attrs["f"][name]));
            }
            (wanted.mean, wanted.std) = ([0.485, 0.456, 0.406], [0.228, 0.224, 0.225]);
            let made = wanted.make(gpu);
            let planes: Vec<f32> =
                (0..3).flat_map(|c| made.iter().skip(c).step_by(3).copied().collect::<Vec<_>>()).collect();
            case.expect("out_float", &planes);
        },
    );
}
