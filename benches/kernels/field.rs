//! Made-up activations and weights, in the layout of the device, and which of them are looked at.

use swav_wgpu::gpu::{Shape, Tensor};
use swav_wgpu::selftest::bench::Bench;
use swav_wgpu::selftest::reference::Tensor64;

/// Uniform in `[-1, 1)`: a function of the place, cheap enough for millions.
pub(crate) fn noise(seed: u64, at: usize) -> f32 {
    let mut z = (at as u64).wrapping_add(seed << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

/// `count` places out of `0..below`, the same each time.
pub(crate) fn places(seed: u64, count: usize, below: usize) -> Vec<usize> {
    let place = |at| ((f64::from(noise(seed, at)) + 1.0) / 2.0 * below as f64) as usize;
    (0..count).map(|at| place(at).min(below - 1)).collect()
}

/// Rows of channels, NHWC, the padding zero.
pub(crate) struct Field {
    pub(crate) shape: Shape,
    data: Vec<f32>,
}

impl Field {
    pub(crate) fn new(shape: Shape, seed: u64) -> Self {
        let padded = shape.quads() as usize * 4;
        let channels = shape.channels as usize;
        let value = |at: usize| if at % padded < channels { noise(seed, at) } else { 0.0 };
        Self { shape, data: (0..(shape.bytes() / 4) as usize).map(value).collect() }
    }

    pub(crate) fn upload(&self, bench: &mut Bench) -> Tensor {
        bench.lab.upload(self.shape, self.data.clone())
    }

    pub(crate) fn at(&self, row: usize, channel: usize) -> f64 {
        f64::from(self.data[row * self.shape.quads() as usize * 4 + channel])
    }

    /// Value (image, row, column, channel), or 0 outside of the picture.
    pub(crate) fn pixel(&self, image: usize, row: isize, column: isize, channel: usize) -> f64 {
        let (height, width) = (self.shape.height as isize, self.shape.width as isize);
        if row < 0 || column < 0 || row >= height || column >= width {
            return 0.0;
        }
        self.at((image * height as usize + row as usize) * width as usize + column as usize, channel)
    }

    /// Some of the channels of all rows.
    pub(crate) fn columns(&self, channels: &[usize]) -> Tensor64 {
        columns(self.shape, channels, |at| f64::from(self.data[at]))
    }

    /// The first rows as a matrix.
    pub(crate) fn rows(&self, rows: usize) -> Tensor64 {
        let channels = self.shape.channels as usize;
        let data = (0..rows * channels).map(|at| self.at(at / channels, at % channels)).collect();
        Tensor64::new(&[rows, channels], data)
    }

    /// The first image, `[1, C, H, W]`.
    pub(crate) fn image(&self) -> Tensor64 {
        let Shape { height, width, channels, .. } = self.shape;
        let [h, w, c] = [height, width, channels].map(|n| n as usize);
        let data = (0..c * h * w).map(|at| self.at(at % (h * w), at / (h * w))).collect();
        Tensor64::new(&[1, c, h, w], data)
    }
}

/// Some channels of what a tensor of this shape holds, `[rows, channels]`.
pub(crate) fn columns(shape: Shape, channels: &[usize], value: impl Fn(usize) -> f64) -> Tensor64 {
    let (rows, padded) = (shape.rows() as usize, shape.quads() as usize * 4);
    let row = |row| channels.iter().map(move |channel| row * padded + channel);
    let data = (0..rows).flat_map(row).map(value).collect();
    Tensor64::new(&[rows, channels.len()], data)
}
