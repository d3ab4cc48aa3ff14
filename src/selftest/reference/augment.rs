//! A crop of a picture: resized, mirrored, its colours adjusted, blurred, normalised.

use super::Tensor64;
use crate::ops::augment::{AdjustmentKind, Crop};

const LUMA: [f64; 3] = [0.2989, 0.587, 0.114];

/// Three planes of `size`×`size` values in [0, 1].
type Planes = [Vec<f64>; 3];

/// The crop of a picture of `crop.picture_width` columns (`samples`: three bytes a pixel), `[1, 3, size, size]`.
pub fn crop(samples: &[u8], crop: &Crop, size: usize, mean: [f64; 3], std: [f64; 3]) -> Tensor64 {
    let mut planes = resized(samples, crop, size);
    for (kind, factor) in crop.adjustments {
        adjust(&mut planes, kind, f64::from(factor));
    }
    if crop.grey {
        let grey: Vec<f64> = (0..size * size).map(|i| luma(pixel(&planes, i))).collect();
        planes = [grey.clone(), grey.clone(), grey];
    }
    let mut out = Vec::new();
    for (c, plane) in planes.iter().enumerate() {
        let plane = blurred(plane, size, f64::from(crop.sigma));
        out.extend(plane.iter().map(|value| (value - mean[c]) / std[c]));
    }
    Tensor64::new(&[1, 3, size, size], out)
}

fn pixel(planes: &Planes, at: usize) -> [f64; 3] {
    [planes[0][at], planes[1][at], planes[2][at]]
}

fn luma(pixel: [f64; 3]) -> f64 {
    pixel.iter().zip(LUMA).map(|(value, weight)| value * weight).sum()
}

/// Weights of the inputs for one output: a triangle, wider when shrinking, cut off at the edges.
fn weights(output: usize, outputs: usize, inputs: usize) -> Vec<f64> {
    let scale = inputs as f64 / outputs as f64;
    let centre = (output as f64 + 0.5) * scale;
    let weight = |i: usize| (1.0 - ((i as f64 + 0.5 - centre) / scale.max(1.0)).abs()).max(0.0);
    let all: Vec<f64> = (0..inputs).map(weight).collect();
    let total: f64 = all.iter().sum();
    all.iter().map(|weight| weight / total).collect()
}

fn resized(samples: &[u8], crop: &Crop, size: usize) -> Planes {
    let [left, top, width, height] = crop.region.map(|n| n as usize);
    let mut planes = [(); 3].map(|()| vec![0.0; size * size]);
    for y in 0..size {
        let down = weights(y, size, height);
        for x in 0..size {
            let across = weights(if crop.flip { size - 1 - x } else { x }, size, width);
            for (j, wy) in down.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                for (i, wx) in across.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                    let at = 3 * ((top + j) * crop.picture_width as usize + left + i);
                    for (c, plane) in planes.iter_mut().enumerate() {
                        plane[y * size + x] += wy * wx * f64::from(samples[at + c]) / 255.0;
                    }
                }
            }
        }
    }
    planes
}

fn adjust(planes: &mut Planes, kind: AdjustmentKind, factor: f64) {
    let n = planes[0].len();
    let mean = (0..n).map(|i| luma(pixel(planes, i))).sum::<f64>() / n as f64;
    for i in 0..n {
        let old = pixel(planes, i);
        let grey = luma(old);
        let blend = |with: f64| old.map(|value| (factor * value + (1.0 - factor) * with).clamp(0.0, 1.0));
        let new = match kind {
            AdjustmentKind::None => old,
            AdjustmentKind::Brightness => blend(0.0),
            AdjustmentKind::Contrast => blend(mean),
            AdjustmentKind::Saturation => blend(grey),
            AdjustmentKind::Hue => turned(old, factor),
        };
        (0..3).for_each(|c| planes[c][i] = new[c]);
    }
}

/// Through HSV, by its six sectors.
fn turned([r, g, b]: [f64; 3], turn: f64) -> [f64; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = most - least;
    if chroma == 0.0 {
        return [r, g, b];
    }
    let sixths = if most == r {
        (g - b) / chroma
    } else if most == g {
        2.0 + (b - r) / chroma
    } else {
        4.0 + (r - g) / chroma
    };
    let hue = (sixths / 6.0 + turn).rem_euclid(1.0) * 6.0;
    let between = chroma * (1.0 - (hue % 2.0 - 1.0).abs());
    let [r, g, b] = match hue as u32 {
        0 => [chroma, between, 0.0],
        1 => [between, chroma, 0.0],
        2 => [0.0, chroma, between],
        3 => [0.0, between, chroma],
        4 => [between, 0.0, chroma],
        _ => [chroma, 0.0, between],
    };
    [r + least, g + least, b + least]
}

/// A Gaussian with replicated edges, far beyond what can be seen of it.
fn blurred(plane: &[f64], size: usize, sigma: f64) -> Vec<f64> {
    if sigma == 0.0 {
        return plane.to_vec();
    }
    let radius = (8.0 * sigma).ceil() as i64;
    let weight = |d: i64| (-0.5 * (d as f64 / sigma).powi(2)).exp();
    let total: f64 = (-radius..=radius).map(weight).sum();
    let inside = |at: i64| at.clamp(0, size as i64 - 1) as usize;
    let pass = |plane: &[f64], place: &dyn Fn(usize, i64) -> usize| -> Vec<f64> {
        let at = |i: usize| (-radius..=radius).map(|d| weight(d) * plane[place(i, d)]).sum::<f64>() / total;
        (0..size * size).map(at).collect()
    };
    let rows = pass(plane, &|i, d| i / size * size + inside((i % size) as i64 + d));
    pass(&rows, &|i, d| inside((i / size) as i64 + d) * size + i % size)
}
