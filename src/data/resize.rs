//! Antialiased resizing of a part of a picture to planes of `f32` in [0, 1].
//!
//! out[o] = Σ_i w(i) in[i], w(i) ∝ max(0, 1 − |i + ½ − (o + ½)s| / max(s, 1)), s = in / out: a
//! triangle filter that widens when shrinking, as PIL and torchvision do (`antialias=True`).
//! The vertical pass comes first: it adds whole rows, which is fast on interleaved bytes, and
//! leaves few rows for the horizontal pass, which also parts the channels.

use std::ops::Range;

use image::RgbImage;

use super::crop::CropBox;

/// The weights of one direction.
#[derive(Default)]
struct Filter {
    /// For each output: first input, and where its weights are.
    spans: Vec<(usize, Range<usize>)>,
    weights: Vec<f32>,
}

impl Filter {
    /// Prepares the outputs `window` of a resize from `input` to `output` samples; all weights are
    /// multiplied by `gain`.
    fn set(&mut self, input: usize, output: usize, window: Range<usize>, gain: f64) {
        self.spans.clear();
        self.weights.clear();
        let scale = input as f64 / output as f64;
        let reach = scale.max(1.0);
        for o in window {
            let centre = (o as f64 + 0.5) * scale;
            let start = (centre - reach + 0.5).max(0.0) as usize;
            let end = ((centre + reach + 0.5) as usize).min(input);
            let weight = |i: usize| (1.0 - ((i as f64 + 0.5 - centre) / reach).abs()).max(0.0);
            let total: f64 = (start..end).map(weight).sum();
            let first = self.weights.len();
            self.weights.extend((start..end).map(|i| (weight(i) * gain / total) as f32));
            self.spans.push((start, first..self.weights.len()));
        }
    }

    /// The inputs that any output needs.
    fn inputs(&self) -> Range<usize> {
        match (self.spans.first(), self.spans.last()) {
            (Some(first), Some(last)) => first.0..last.0 + last.1.len(),
            _ => 0..0,
        }
    }
}

/// Buffers that are reused from picture to picture.
#[derive(Default)]
pub(super) struct Resizer {
    rows: Filter,
    columns: Filter,
    /// After the vertical pass: `size` rows of interleaved RGB, and one float that is read, not used.
    middle: Vec<f32>,
}

/// A window of a resized picture.
pub(super) struct Target {
    /// Columns and rows that the whole region is resized to.
    pub full: [usize; 2],
    /// First column and row that are wanted.
    pub offset: [usize; 2],
    /// Columns and rows that are wanted.
    pub size: usize,
    /// Mirror the window left to right.
    pub flip: bool,
}

impl Resizer {
    /// Resizes `region` of a picture into `planes`: red, green, blue, each `size`×`size`.
    pub(super) fn run(&mut self, picture: &RgbImage, region: CropBox, target: &Target, planes: &mut [f32]) {
        let region = region.within(picture.width(), picture.height());
        let (left, top) = (region.left as usize, region.top as usize);
        let size = target.size;
        let window = |axis: usize| target.offset[axis]..target.offset[axis] + size;
        self.columns.set(region.width as usize, target.full[0], window(0), 1.0);
        self.rows.set(region.height as usize, target.full[1], window(1), 1.0 / 255.0);

        let needed = self.columns.inputs();
        let (row_bytes, stride) = (3 * picture.width() as usize, 3 * needed.len());
        let begin = 3 * (left + needed.start);
        self.middle.clear();
        self.middle.resize(size * stride + 1, 0.0);
        for (out, (start, weights)) in self.middle.chunks_exact_mut(stride).zip(&self.rows.spans) {
            for (i, &weight) in self.rows.weights[weights.clone()].iter().enumerate() {
                let at = (top + start + i) * row_bytes + begin;
                add_row(out, &picture.as_raw()[at..at + stride], weight);
            }
        }

        let (red, rest) = planes.split_at_mut(size * size);
        let (green, blue) = rest.split_at_mut(size * size);
        for y in 0..size {
            let row = &self.middle[y * stride..=(y + 1) * stride];
            for (x, (start, weights)) in self.columns.spans.iter().enumerate() {
                let from = 3 * (start - needed.start);
                let pixel =
                    weigh(&row[from..=from + 3 * weights.len()], &self.columns.weights[weights.clone()]);
                let at = y * size + if target.flip { size - 1 - x } else { x };
                (red[at], green[at], blue[at]) = (pixel[0], pixel[1], pixel[2]);
            }
        }
    }
}

fn add_row(sum: &mut [f32], row: &[u8], weight: f32) {
    for (sum, &value) in sum.iter_mut().zip(row) {
        *sum += weight * f32::from(value);
    }
}

/// The weighted sum of interleaved pixels. Reads four floats a pixel, so that a pixel is one vector
/// register: the fourth lane is the next pixel's red and thrown away.
fn weigh(mut pixels: &[f32], weights: &[f32]) -> [f32; 4] {
    let mut sum = [0.0; 4];
    for &weight in weights {
        let Some(pixel) = pixels.first_chunk::<4>() else { break };
        for lane in 0..4 {
            sum[lane] += weight * pixel[lane];
        }
        pixels = &pixels[3..];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Kind, close, golden_cases, levels};

    fn resize(picture: &RgbImage, region: CropBox, size: usize, flip: bool) -> Vec<f32> {
        let mut planes = vec![0.0; 3 * size * size];
        Resizer::default().run(
            picture,
            region,
            &Target { full: [size; 2], offset: [0; 2], size, flip },
            &mut planes,
        );
        planes
    }

    #[test]
    fn boxes_match_torchvision_and_pil() {
        for case in golden_cases(Kind::Resize) {
            let picture = case.picture(&format!("img{}", case.attr("img")));
            let number = |key: &str| case.attr(key).as_u64().unwrap() as u32;
            let region =
                CropBox { left: number("left"), top: number("top"), width: number("w"), height: number("h") };
            let got = resize(&picture, region, number("size") as usize, false);
            if let Some(want) = case.expected("tv_f") {
                close(&case, "tv_f", &got, &want);
            }
            levels(&case, "pil", &got);
            levels(&case, "tv_u8", &got);
        }
    }

    #[test]
    fn a_flip_mirrors_and_a_window_is_a_part() {
        let picture =
            RgbImage::from_fn(13, 9, |x, y| image::Rgb([(x * 19) as u8, (y * 28) as u8, (x * y) as u8]));
        let region = CropBox { left: 1, top: 2, width: 11, height: 6 };
        let (straight, flipped) = (resize(&picture, region, 8, false), resize(&picture, region, 8, true));
        for (a, b) in straight.chunks(8).zip(flipped.chunks(8)) {
            assert!(a.iter().eq(b.iter().rev()));
        }
        let mut part = vec![0.0; 27];
        let target = Target { full: [8, 8], offset: [3, 4], size: 3, flip: false };
        Resizer::default().run(&picture, region, &target, &mut part);
        for (i, value) in part.iter().enumerate() {
            let (c, y, x) = (i / 9, i / 3 % 3 + 4, i % 3 + 3);
            assert!((value - straight[c * 64 + y * 8 + x]).abs() < 1e-6);
        }
    }
}
