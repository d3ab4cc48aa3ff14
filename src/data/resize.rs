//! Antialiased resizing of a part of a picture to planes of `f32` in [0, 1].
//!
//! out[o] = Σ_i w(i) in[i], w(i) ∝ max(0, 1 − |i + ½ − (o + ½)s| / max(s, 1)), s = in / out: a
//! triangle filter that widens when shrinking, as PIL and torchvision do (`antialias=True`).
//! The vertical pass comes first: it adds whole rows, which is fast on interleaved bytes, and
//! leaves few rows for the horizontal pass, which also parts the channels.

use std::ops::Range;

use super::crop::CropBox;
use super::picture::Picture;

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
    #[inline(always)]
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
    #[inline(always)]
    fn inputs(&self) -> Range<usize> {
        match (self.spans.first(), self.spans.last()) {
            (Some(first), Some(last)) => first.0..last.0 + last.1.len(),
            _ => 0..0,
        }
    }
}

/// Rows that are resized together: as many as the widest common vector has floats.
const LANES: usize = 8;

/// Buffers that are reused from picture to picture.
#[derive(Default)]
pub(super) struct Resizer {
    rows: Filter,
    columns: Filter,
    /// After the vertical pass, the samples of [`LANES`] rows: first channel of column 0, its second one, …
    middle: Vec<[f32; LANES]>,
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
    /// Resizes `region` of a picture into `planes`, one a channel, each `size`×`size`.
    #[inline(always)]
    pub(super) fn run(&mut self, picture: &Picture, region: CropBox, target: &Target, planes: &mut [f32]) {
        let channels = picture.channels();
        let region = region.within(picture.width(), picture.height());
        let (left, top) = (region.left as usize, region.top as usize);
        let size = target.size;
        let window = |axis: usize| target.offset[axis]..target.offset[axis] + size;
        self.columns.set(region.width as usize, target.full[0], window(0), 1.0);
        self.rows.set(region.height as usize, target.full[1], window(1), 1.0 / 255.0);
        let needed = self.columns.inputs();
        let row_bytes = channels * picture.width() as usize;
        let begin = top * row_bytes + channels * (left + needed.start);
        let count = channels * needed.len();
        self.middle.resize(count.max(LANES), [0.0; LANES]);
        for first in (0..size).step_by(LANES) {
            // The last rows of a size that is no multiple are made again, which changes nothing.
            let first = first.min(size.saturating_sub(LANES));
            if count >= 4 * LANES {
                self.add_rows::<4>(&picture.samples()[begin..], row_bytes, first, count);
            } else {
                self.add_rows::<1>(&picture.samples()[begin..], row_bytes, first, count);
            }
            let plane = size * size;
            if channels == 3 {
                // Known numbers: only so do the loops over channels become vectors.
                self.add_columns::<3>(needed.start, [0, 3], target, first, planes);
            } else {
                for (channel, plane) in planes.chunks_exact_mut(plane).enumerate() {
                    self.add_columns::<1>(needed.start, [channel, channels], target, first, plane);
                }
            }
        }
    }

    /// The vertical pass for the rows from `first` on, of `count` samples each, `BLOCKS` vectors of them at a
    /// time: one alone would wait for each of its additions.
    #[inline(always)]
    #[expect(
        clippy::needless_range_loop,
        reason = "indices of equal arrays: only so do they stay in registers"
    )]
    fn add_rows<const BLOCKS: usize>(
        &mut self,
        samples: &[u8],
        row_bytes: usize,
        first: usize,
        count: usize,
    ) {
        let last = self.rows.spans.len() - 1;
        for at in (0..count).step_by(BLOCKS * LANES) {
            let at = at.min(count.saturating_sub(BLOCKS * LANES));
            let mut blocks = [[[0.0; LANES]; LANES]; BLOCKS];
            for lane in 0..LANES {
                let (start, weights) = &self.rows.spans[(first + lane).min(last)];
                let mut from = start * row_bytes + at;
                let mut sums = [[0.0; LANES]; BLOCKS];
                for &weight in &self.rows.weights[weights.clone()] {
                    for b in 0..BLOCKS {
                        let values = eight(&samples[from + b * LANES..]);
                        for i in 0..LANES {
                            sums[b][i] += weight * f32::from(values[i]);
                        }
                    }
                    from += row_bytes;
                }
                for b in 0..BLOCKS {
                    blocks[b][lane] = sums[b];
                }
            }
            for b in 0..BLOCKS {
                let Some(middle) = self.middle[at + b * LANES..].first_chunk_mut::<LANES>() else { return };
                *middle = transposed(&blocks[b]);
            }
        }
    }

    /// The horizontal pass for the rows from `first` on, which also parts the channels: the `COUNT` from
    /// `channel` on of `channels`, a plane each.
    #[inline(always)]
    fn add_columns<const COUNT: usize>(
        &self,
        start: usize,
        [channel, channels]: [usize; 2],
        target: &Target,
        first: usize,
        planes: &mut [f32],
    ) {
        let size = target.size;
        for at in (0..size).step_by(LANES) {
            let at = at.min(size.saturating_sub(LANES));
            let mut blocks = [[[0.0; LANES]; LANES]; COUNT];
            for lane in 0..LANES.min(size) {
                let (from, weights) = &self.columns.spans[at + lane];
                let columns = self.middle[channels * (from - start)..].chunks_exact(channels);
                let mut sums = [[0.0; LANES]; COUNT];
                for (column, &weight) in columns.zip(&self.columns.weights[weights.clone()]) {
                    for c in 0..COUNT {
                        for i in 0..LANES {
                            sums[c][i] += weight * column[channel + c][i];
                        }
                    }
                }
                let lane = if target.flip { LANES.min(size) - 1 - lane } else { lane };
                for c in 0..COUNT {
                    blocks[c][lane] = sums[c];
                }
            }
            let at = if target.flip { size - at - LANES.min(size) } else { at };
            for (c, block) in blocks.iter().enumerate() {
                let block = transposed(block);
                let lines = &mut planes[c * size * size + first * size + at..];
                for i in 0..LANES.min(size) {
                    match lines[i * size..].first_chunk_mut::<LANES>() {
                        Some(line) if size >= LANES => *line = block[i],
                        _ => lines[i * size..(i + 1) * size].copy_from_slice(&block[i][..size]),
                    }
                }
            }
        }
    }
}

/// The next samples; zeros beyond the end of the picture, where a part is narrower than that.
#[inline(always)]
fn eight(samples: &[u8]) -> [u8; LANES] {
    match samples.first_chunk() {
        Some(values) => *values,
        None => std::array::from_fn(|i| samples.get(i).copied().unwrap_or(0)),
    }
}

#[inline(always)]
fn transposed(block: &[[f32; LANES]; LANES]) -> [[f32; LANES]; LANES] {
    std::array::from_fn(|i| std::array::from_fn(|j| block[j][i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Kind, close, golden_cases, levels};
    use image::RgbImage;

    fn resize(picture: &Picture, region: CropBox, size: usize, flip: bool) -> Vec<f32> {
        let mut planes = vec![0.0; picture.channels() * size * size];
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

    /// The same channel gives the same plane, however many others there are beside it.
    #[test]
    fn channels_do_not_see_each_other() {
        let value = |x: u32, y: u32, c: u32| (x * (19 + c) + y * 28 * c + x * y) as u8;
        let picture = |channels: std::ops::Range<u32>| {
            let count = channels.len() as u32;
            let pixel = |i: u32| channels.clone().map(move |c| value(i % 13, i / 13, c));
            Picture::new(13, 9, count, (0..117).flat_map(pixel).collect()).unwrap()
        };
        for (size, flip) in [(3, true), (8, false), (20, true)] {
            let region = CropBox { left: 2, top: 1, width: 10, height: 7 };
            let plane = |c: u32| resize(&picture(c..c + 1), region, size, flip);
            for channels in [1..2, 0..2, 0..3, 0..5, 0..12] {
                let want: Vec<f32> = channels.clone().flat_map(plane).collect();
                assert_eq!(resize(&picture(channels.clone()), region, size, flip), want, "{channels:?}");
            }
        }
    }

    #[test]
    fn a_flip_mirrors_and_a_window_is_a_part() {
        let picture = Picture::from(RgbImage::from_fn(13, 9, |x, y| {
            image::Rgb([(x * 19) as u8, (y * 28) as u8, (x * y) as u8])
        }));
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
