//! ReLU, alone and of a sum.

use super::Tensor64;

/// `max(x, 0)`
pub fn forward(x: &Tensor64) -> Tensor64 {
    x.map(|v| v.max(0.0))
}

/// `relu(a + b)`
pub fn of_sum(a: &Tensor64, b: &Tensor64) -> Tensor64 {
    forward(&a.add(b))
}

/// The gradient through a ReLU from its output: zero where the output is zero. Also that of both sides of
/// `relu(a + b)`.
pub fn backward(y: &Tensor64, dy: &Tensor64) -> Tensor64 {
    y.zip(dy, |y, d| if y > 0.0 { d } else { 0.0 })
}
