//! Pooling: 3x3 max-pool (stride 2, padding 1), average pool, global and over a grid.

use super::Tensor64;
use super::conv::Geometry;

const WINDOW: usize = 3;
const GEOMETRY: Geometry = Geometry { stride: 2, pad: 1 };

/// The pooled values and, for each, the flat index of the input that won.
///
/// Padding never wins, and of equal values the first in row-major order does.
pub fn max_pool(x: &Tensor64) -> (Tensor64, Vec<usize>) {
    let [n, c, height, width] = x.dims4();
    let (out_height, out_width) = (GEOMETRY.out(height, WINDOW), GEOMETRY.out(width, WINDOW));
    let mut winners = Vec::new();
    for plane in 0..n * c {
        for i in 0..out_height {
            for j in 0..out_width {
                let mut best: Option<usize> = None;
                for u in 0..WINDOW {
                    for v in 0..WINDOW {
                        let row = (i * GEOMETRY.stride + u).wrapping_sub(GEOMETRY.pad);
                        let col = (j * GEOMETRY.stride + v).wrapping_sub(GEOMETRY.pad);
                        if row >= height || col >= width {
                            continue;
                        }
                        let here = (plane * height + row) * width + col;
                        if best.is_none_or(|best| x.data[here] > x.data[best]) {
                            best = Some(here);
                        }
                    }
                }
                winners.push(best.expect("every window holds a pixel"));
            }
        }
    }
    let y = winners.iter().map(|&i| x.data[i]).collect();
    (Tensor64::new(&[n, c, out_height, out_width], y), winners)
}

/// The gradient of the pictures: each winner gets that of its window.
pub fn max_pool_backward(winners: &[usize], dy: &Tensor64, x_shape: &[usize]) -> Tensor64 {
    let mut dx = Tensor64::zeros(x_shape);
    for (&winner, &d) in winners.iter().zip(&dy.data) {
        dx.data[winner] += d;
    }
    dx
}

/// `[N, C, H, W]` to `[N, C]`.
pub fn average_pool(x: &Tensor64) -> Tensor64 {
    let [n, c, height, width] = x.dims4();
    let area = height * width;
    Tensor64::new(&[n, c], x.data.chunks(area).map(|p| p.iter().sum::<f64>() / area as f64).collect())
}

/// Means over the cells of a grid `[rows, columns]`, `[n, c, rows, columns]`: PyTorch's `adaptive_avg_pool2d`.
pub fn grid_pool(x: &Tensor64, [rows, columns]: [usize; 2]) -> Tensor64 {
    let [n, c, height, width] = x.dims4();
    let edges = |cell: usize, pixels: usize, cells: usize| {
        cell * pixels / cells..((cell + 1) * pixels).div_ceil(cells)
    };
    let mut means = Vec::new();
    for map in x.data.chunks(height * width) {
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            let (down, across) = (edges(i, height, rows), edges(j, width, columns));
            let area = (down.len() * across.len()) as f64;
            let sum: f64 = down.map(|row| map[row * width..][across.clone()].iter().sum::<f64>()).sum();
            means.push(sum / area);
        }
    }
    Tensor64::new(&[n, c, rows, columns], means)
}

/// The gradient of the pictures.
pub fn average_pool_backward(dy: &Tensor64, x_shape: &[usize]) -> Tensor64 {
    let area = x_shape[2] * x_shape[3];
    let dx = dy.data.iter().flat_map(|&d| std::iter::repeat_n(d / area as f64, area)).collect();
    Tensor64::new(x_shape, dx)
}
