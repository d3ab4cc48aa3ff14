//! 2-D convolution without bias, NCHW images and OIHW weights.
//!
//! `y[n,o,i,j] = Σ_{c,u,v} x[n,c,i·s+u−p,j·s+v−p] · w[o,c,u,v]`. One walk says which pixel stands at which place of
//! which patch; the rest is the linear layer on patches, forward and backward.

use super::{Tensor64, linear};

#[derive(Clone, Copy)]
/// How the window moves.
pub struct Geometry {
    /// Distance of neighbouring windows.
    pub stride: usize,
    /// Zeros around the picture.
    pub pad: usize,
}

impl Geometry {
    /// The size of an output axis: `⌊(size + 2·pad − kernel) / stride⌋ + 1`.
    pub fn out(self, size: usize, kernel: usize) -> usize {
        (size + 2 * self.pad - kernel) / self.stride + 1
    }
}

/// Calls `visit(pixel, place)` for every place `[(n, i, j), (c, u, v)]` of the patch matrix that holds a pixel;
/// the others are zero padding.
fn for_each_pixel(x: &[usize], kernel: [usize; 2], geometry: Geometry, mut visit: impl FnMut(usize, usize)) {
    let &[batch, channels, height, width] = x else { panic!("{x:?} is not NCHW") };
    let [rows, cols] = kernel;
    let mut place = 0;
    for n in 0..batch {
        for i in 0..geometry.out(height, rows) {
            for j in 0..geometry.out(width, cols) {
                for c in 0..channels {
                    for u in 0..rows {
                        for v in 0..cols {
                            let row = (i * geometry.stride + u).wrapping_sub(geometry.pad);
                            let col = (j * geometry.stride + v).wrapping_sub(geometry.pad);
                            if row < height && col < width {
                                visit(((n * channels + c) * height + row) * width + col, place);
                            }
                            place += 1;
                        }
                    }
                }
            }
        }
    }
}

/// The patch matrix `[N·OH·OW, C·KH·KW]`.
fn patches(x: &Tensor64, [_, _, rows, cols]: [usize; 4], geometry: Geometry) -> Tensor64 {
    let [n, c, height, width] = x.dims4();
    let positions = n * geometry.out(height, rows) * geometry.out(width, cols);
    let mut patches = Tensor64::zeros(&[positions, c * rows * cols]);
    for_each_pixel(&x.shape, [rows, cols], geometry, |pixel, place| patches.data[place] = x.data[pixel]);
    patches
}

/// `[N, C, H, W]` with its channels last, as rows `[N·H·W, C]`.
fn channels_last(x: &Tensor64) -> Tensor64 {
    let [n, c, height, width] = x.dims4();
    let area = height * width;
    let images =
        x.data.chunks(c * area).map(|image| linear::transpose(&Tensor64::new(&[c, area], image.to_vec())));
    let rows = images.flat_map(|image| image.data).collect();
    Tensor64::new(&[n * area, c], rows)
}

fn as_matrix(w: &Tensor64) -> Tensor64 {
    Tensor64::new(&[w.shape[0], w.shape[1..].iter().product()], w.data.clone())
}

/// Pictures `[N, C, H, W]` and weights `[O, C, KH, KW]` to `[N, O, OH, OW]`.
pub fn forward(x: &Tensor64, w: &Tensor64, geometry: Geometry) -> Tensor64 {
    let ([n, c, height, width], [outputs, _, rows, cols]) = (x.dims4(), w.dims4());
    assert_eq!(c, w.shape[1], "image and weight channels");
    let shape = [n, outputs, geometry.out(height, rows), geometry.out(width, cols)];
    let area = shape[2] * shape[3];
    let y = linear::forward(&patches(x, w.dims4(), geometry), &as_matrix(w), None);
    let images = (0..n).map(|i| linear::transpose(&y.slice(i * area, (i + 1) * area)));
    Tensor64::new(&shape, images.flat_map(|image| image.data).collect())
}

/// The gradient of the pictures, of shape `x_shape`.
pub fn backward_input(w: &Tensor64, dy: &Tensor64, x_shape: &[usize], geometry: Geometry) -> Tensor64 {
    let dpatches = linear::backward_input(&as_matrix(w), &channels_last(dy));
    let mut dx = Tensor64::zeros(x_shape);
    let kernel = [w.shape[2], w.shape[3]];
    for_each_pixel(x_shape, kernel, geometry, |pixel, place| dx.data[pixel] += dpatches.data[place]);
    dx
}

/// The gradient of the weights, of shape `w_shape`.
pub fn backward_weight(x: &Tensor64, dy: &Tensor64, w_shape: &[usize; 4], geometry: Geometry) -> Tensor64 {
    let dw = linear::backward_weight(&patches(x, *w_shape, geometry), &channels_last(dy));
    Tensor64::new(w_shape, dw.data)
}
