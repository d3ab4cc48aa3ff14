//! Whole networks and training runs in `f64`, of the library's reference operations.
//!
//! Central finite differences check the gradients, the golden files (made with PyTorch) check the
//! values, and both check the GPU on nets and settings that the golden files do not hold.

pub(crate) mod arch;
pub(crate) mod bounds;
pub(crate) mod half;
pub(crate) mod network;
pub(crate) mod schedule;
pub(crate) mod seen;
pub(crate) mod training;

pub(crate) use swav_wgpu::selftest::reference::*;

use std::collections::BTreeMap;

/// Parameters, buffers or gradients by their torchvision name.
pub(crate) type Weights = BTreeMap<String, Tensor64>;

/// Adds a gradient to what is there under its name.
fn accumulate(grads: &mut Weights, name: &str, grad: Tensor64) {
    let sum = match grads.get(name) {
        Some(before) => before.add(&grad),
        None => grad,
    };
    grads.insert(name.into(), sum);
}
