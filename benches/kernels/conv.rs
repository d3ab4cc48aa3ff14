//! Convolutions and linear layers: forward, both gradients, and the layout work around them.

use crate::field::{Field, noise, places};
use crate::shapes::Layers;
use crate::stand::{Stand, Work};
use swav_wgpu::error::Result;
use swav_wgpu::gpu::{Family, Shape};
use swav_wgpu::ops::conv2d::{self, Filter};
use swav_wgpu::ops::weights;
use swav_wgpu::selftest::bench::{Bench, largest};

/// Results that are computed again, and how far they may be off, as a share of the largest of them.
const SAMPLES: usize = 48;
const TOLERANCE: f64 = 1e-5;

/// A layer with numbers.
struct Layer {
    filter: Filter,
    x: Field,
    dy: Field,
    /// OIHW.
    w: Vec<f32>,
}

impl Layer {
    fn new(filter: Filter, x: Shape) -> Self {
        let values = (filter.filters * filter.channels * filter.taps()) as usize;
        let w = (0..values).map(|at| noise(1, at)).collect();
        Self { filter, x: Field::new(x, 2), dy: Field::new(filter.output(x), 3), w }
    }

    fn weight(&self, filter: usize, channel: usize, tap: usize) -> f64 {
        let Filter { channels, .. } = self.filter;
        f64::from(self.w[(filter * channels as usize + channel) * self.filter.taps() as usize + tap])
    }

    /// Image, row and column of a pixel.
    fn place(shape: Shape, row: usize) -> [usize; 3] {
        let (height, width) = (shape.height as usize, shape.width as usize);
        [row / (height * width), row / width % height, row % width]
    }

    /// The window's taps with their distance from the first one.
    fn taps(&self) -> impl Iterator<Item = (usize, isize, isize)> + use<> {
        let kernel = self.filter.kernel as usize;
        (0..kernel * kernel).map(move |tap| (tap, (tap / kernel) as isize, (tap % kernel) as isize))
    }

    fn y(&self, row: usize, filter: usize) -> f64 {
        let [image, i, j] = Self::place(self.dy.shape, row);
        let (stride, pad) = (self.filter.stride as isize, self.filter.pad as isize);
        let at = |tap: (usize, isize, isize), channel| {
            let (row, column) = (i as isize * stride + tap.1 - pad, j as isize * stride + tap.2 - pad);
            self.x.pixel(image, row, column, channel) * self.weight(filter, channel, tap.0)
        };
        let channels = self.filter.channels as usize;
        self.taps().flat_map(|tap| (0..channels).map(move |c| (tap, c))).map(|(tap, c)| at(tap, c)).sum()
    }

    fn dx(&self, row: usize, channel: usize) -> f64 {
        let [image, i, j] = Self::place(self.x.shape, row);
        let (stride, pad) = (self.filter.stride as isize, self.filter.pad as isize);
        let mut sum = 0.0;
        for (tap, u, v) in self.taps() {
            let (row, column) = (i as isize + pad - u, j as isize + pad - v);
            if row % stride == 0 && column % stride == 0 {
                for filter in 0..self.filter.filters as usize {
                    sum += self.dy.pixel(image, row / stride, column / stride, filter)
                        * self.weight(filter, channel, tap);
                }
            }
        }
        sum
    }

    fn dw(&self, filter: usize, channel: usize, tap: usize) -> f64 {
        let (stride, pad) = (self.filter.stride as isize, self.filter.pad as isize);
        let kernel = self.filter.kernel as usize;
        let (u, v) = ((tap / kernel) as isize - pad, (tap % kernel) as isize - pad);
        let product = |row: usize| {
            let [image, i, j] = Self::place(self.dy.shape, row);
            let x = self.x.pixel(image, i as isize * stride + u, j as isize * stride + v, channel);
            x * self.dy.at(row, filter)
        };
        (0..self.dy.shape.rows() as usize).map(product).sum()
    }

    fn flop(&self) -> Work {
        let Filter { channels, filters, .. } = self.filter;
        let terms = f64::from(channels) * f64::from(filters) * f64::from(self.filter.taps());
        Work::Flop(2.0 * f64::from(self.dy.shape.rows()) * terms)
    }
}

/// Expects a sample of the rows and channels of a tensor of this shape.
fn sample(
    bench: &mut Bench,
    what: &str,
    tensor: &swav_wgpu::gpu::Tensor,
    value: impl Fn(usize, usize) -> f64,
) {
    let shape = tensor.shape;
    let rows = places(4, SAMPLES, shape.rows() as usize);
    let channels = places(5, SAMPLES, shape.channels as usize);
    let want: Vec<f64> = rows.iter().zip(&channels).map(|(&row, &channel)| value(row, channel)).collect();
    let padded = shape.quads() as usize * 4;
    let at: Vec<usize> = rows.iter().zip(&channels).map(|(row, channel)| row * padded + channel).collect();
    let pick = move |got: &[f32]| Ok(at.iter().map(|&at| f64::from(got[at])).collect());
    bench.expect_picked(what, tensor, pick, &want, TOLERANCE, largest(&want));
}

fn forward(bench: &mut Bench, layer: &Layer) -> Result<()> {
    let filter = layer.filter;
    let x = layer.x.upload(bench);
    let w = bench.lab.upload(filter.panels(), weights::pack(&filter, &layer.w));
    let x = conv2d::stage(bench.plan(), &x);
    let y = conv2d::forward(bench.plan(), &filter, &x, &w)?;
    sample(bench, "y", &y, |row, filter| layer.y(row, filter));
    Ok(())
}

fn backward_input(bench: &mut Bench, layer: &Layer) -> Result<()> {
    let filter = layer.filter;
    let dy = layer.dy.upload(bench);
    let w = bench.lab.upload(filter.panels(), weights::pack(&filter, &layer.w));
    let dy = conv2d::stage(bench.plan(), &dy);
    let dx = conv2d::backward_input(bench.plan(), &filter, &dy, &w, layer.x.shape, None)?;
    sample(bench, "dx", &dx, |row, channel| layer.dx(row, channel));
    Ok(())
}

fn backward_weight(bench: &mut Bench, layer: &Layer) -> Result<()> {
    let filter = layer.filter;
    let (x, dy) = (layer.x.upload(bench), layer.dy.upload(bench));
    let dw = bench.lab.zeros(filter.panels());
    let (x, dy) = (conv2d::stage(bench.plan(), &x), conv2d::stage(bench.plan(), &dy));
    conv2d::backward_weight(bench.plan(), &filter, &x, &dy, &dw)?;
    let (taps, channels) = (filter.taps() as usize, filter.channels as usize);
    let at = places(6, SAMPLES / 2, layer.w.len());
    let value = |&at: &usize| layer.dw(at / taps / channels, at / taps % channels, at % taps);
    let want: Vec<f64> = at.iter().map(value).collect();
    let pick = move |got: &[f32]| {
        let oihw = weights::unpack(&filter, got);
        Ok(at.iter().map(|&at| f64::from(oihw[at])).collect())
    };
    bench.expect_picked("dw", &dw, pick, &want, TOLERANCE, largest(&want));
    Ok(())
}

/// Layout work on the weights of a layer.
fn layouts(stand: &mut Stand, name: &str, filter: Filter) -> Result<()> {
    const SLICES: usize = 8;
    let panels = filter.panels();
    let bytes = panels.bytes() as f64;
    let values = (panels.bytes() / 4) as usize;
    stand.time(&format!("{name} weights::transpose"), Work::Bytes(2.0 * bytes), |bench| {
        let w: Vec<f32> =
            (0..(filter.filters * filter.channels * filter.taps()) as usize).map(|at| noise(1, at)).collect();
        let tensor = bench.lab.upload(panels, weights::pack(&filter, &w));
        let turned = weights::transpose(bench.plan(), &filter, &tensor)?;
        let exchanged = Filter { channels: filter.filters, filters: filter.channels, ..filter };
        let (taps, inputs, outputs) =
            (filter.taps() as usize, filter.channels as usize, filter.filters as usize);
        let at = places(7, SAMPLES, w.len());
        let want: Vec<f64> = at.iter().map(|&at| f64::from(w[at])).collect();
        let there = move |at: usize| {
            let (output, input, tap) = (at / taps / inputs, at / taps % inputs, at % taps);
            (input * outputs + output) * taps + tap
        };
        let pick = move |got: &[f32]| {
            let iohw = weights::unpack(&exchanged, got);
            Ok(at.iter().map(|&at| f64::from(iohw[there(at)])).collect())
        };
        bench.expect_picked("turned", &turned, pick, &want, 0.0, 1.0);
        Ok(())
    })?;
    let work = Work::Bytes((SLICES + 2) as f64 * bytes);
    stand.time(&format!("{name} weights::reduce_slices ({SLICES})"), work, |bench| {
        let parts = Field::new(Shape::matrix(SLICES as u32 * panels.images, panels.channels), 8);
        let (tparts, dw) = (parts.upload(bench), bench.lab.zeros(panels));
        weights::reduce_slices(bench.plan(), &tparts, SLICES as u32, &dw)?;
        let width = panels.channels as usize;
        let at = places(9, SAMPLES, values);
        let part =
            |at: usize, slice: usize| parts.at(slice * panels.images as usize + at / width, at % width);
        let want: Vec<f64> = at.iter().map(|&at| (0..SLICES).map(|slice| part(at, slice)).sum()).collect();
        let pick = move |got: &[f32]| Ok(at.iter().map(|&at| f64::from(got[at])).collect());
        bench.expect_picked("sum", &dw, pick, &want, 1e-6, largest(&want).max(1.0));
        Ok(())
    })
}

/// Everything of a network's layers.
pub(crate) fn time(stand: &mut Stand, layers: &Layers) -> Result<()> {
    let mut turned = Vec::new();
    for &(filter, x) in &layers.filters {
        let Filter { filters, kernel, stride, .. } = filter;
        let name = format!("{} {x} to {filters}, {kernel}x{kernel}/{stride}", layers.name);
        let [y, dx, dw] = ["forward", "backward_input", "backward_weight"]
            .map(|function| format!("{name} conv2d::{function}"));
        if [&y, &dx, &dw].iter().any(|name| stand.wants(name)) {
            let layer = Layer::new(filter, x);
            stand.time(&y, layer.flop(), |bench| forward(bench, &layer))?;
            stand.time(&dx, layer.flop(), |bench| backward_input(bench, &layer))?;
            stand.time(&dw, layer.flop(), |bench| backward_weight(bench, &layer))?;
        }
        // The same weights serve all resolutions.
        if !turned.contains(&filter) {
            turned.push(filter);
            let name = format!("{} {} to {filters}, {kernel}x{kernel}", layers.name, filter.channels);
            layouts(stand, &name, filter)?;
        }
    }
    staging(stand, layers)
}

/// Copies of the network's largest activation into textures: the CPU family's way to read.
fn staging(stand: &mut Stand, layers: &Layers) -> Result<()> {
    const COPIES: usize = 4;
    let largest = layers.norms.iter().max_by_key(|shape| shape.bytes());
    let Some(&shape) = largest.filter(|_| stand.family() == Family::Subgroup) else { return Ok(()) };
    let name = format!("{} {shape} conv2d::stage ({COPIES} copies)", layers.name);
    stand.time(&name, Work::Bytes((2 * COPIES) as f64 * shape.bytes() as f64), |bench| {
        let x = Field::new(shape, 10).upload(bench);
        for _ in 0..COPIES {
            let _texels = conv2d::stage(bench.plan(), &x);
        }
        Ok(())
    })
}
