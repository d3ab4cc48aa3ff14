//! The linear layer `y = x wᵀ + bias`, weights `[out, in]`; without bias it also scores the prototypes.

use super::Tensor64;

/// `a [m, k] · b [k, n]`, written as sums of rows of `b` so that it is not too slow for whole nets.
pub fn matmul(a: &Tensor64, b: &Tensor64) -> Tensor64 {
    let ((m, k), (rows, n)) = (a.dims2(), b.dims2());
    assert_eq!(k, rows, "inner sizes");
    let mut y = Tensor64::zeros(&[m, n]);
    for (a, y) in a.data.chunks(k).zip(y.data.chunks_mut(n)) {
        for (a, b) in a.iter().zip(b.data.chunks(n)) {
            y.iter_mut().zip(b).for_each(|(y, b)| *y += a * b);
        }
    }
    y
}

/// `xᵀ`
pub fn transpose(x: &Tensor64) -> Tensor64 {
    let (rows, cols) = x.dims2();
    let data = (0..cols).flat_map(|c| (0..rows).map(move |r| x.data[r * cols + c])).collect();
    Tensor64::new(&[cols, rows], data)
}

/// Rows `x` `[n, in]` to `[n, out]`.
pub fn forward(x: &Tensor64, w: &Tensor64, bias: Option<&Tensor64>) -> Tensor64 {
    let mut y = matmul(x, &transpose(w));
    if let Some(bias) = bias {
        for row in y.data.chunks_mut(bias.len()) {
            row.iter_mut().zip(&bias.data).for_each(|(y, b)| *y += b);
        }
    }
    y
}

/// `dx = dy w`
pub fn backward_input(w: &Tensor64, dy: &Tensor64) -> Tensor64 {
    matmul(dy, w)
}

/// `dw = dyᵀ x`
pub fn backward_weight(x: &Tensor64, dy: &Tensor64) -> Tensor64 {
    matmul(&transpose(dy), x)
}

/// `dbias = Σ_rows dy`
pub fn backward_bias(dy: &Tensor64) -> Tensor64 {
    let (rows, outputs) = dy.dims2();
    let sums = (0..outputs).map(|o| (0..rows).map(|r| dy.data[r * outputs + o]).sum()).collect();
    Tensor64::new(&[outputs], sums)
}
