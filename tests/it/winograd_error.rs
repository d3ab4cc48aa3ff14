//! How exact Winograd's kernels are beside those of direct sums, at the channel counts of a ResNet-18. Forward and
//! the gradient of the input are the same sum of other numbers: activations that are zero or more, gradients of
//! both signs against turned windows. Errors are relative to the largest wanted value, as in the self-test.
//!
//! `cargo test --release --test it -- winograd_error --nocapture` prints the table.

use swav_wgpu::gpu::{self, Choices, Family, Gpu, Method, Operation, Shape, Tensor};
use swav_wgpu::ops::conv2d::{self, Filter};
use swav_wgpu::ops::weights;
use swav_wgpu::selftest::lab::Lab;
use swav_wgpu::selftest::layout::{from_nhwc4, to_nhwc4};
use swav_wgpu::selftest::reference::conv::{self, Geometry};
use swav_wgpu::selftest::reference::{Rng64, Tensor64};

/// What the self-test allows a convolution.
const TOLERANCE: f64 = 3e-6;
/// Pictures, and their sides: 32 tiles of 2×2 pixels each.
const PICTURES: [usize; 2] = [2, 8];
const FILTERS: usize = 16;
const SAME: Geometry = Geometry { stride: 1, pad: 1 };

/// Normal numbers that single precision holds.
fn normal(rng: &mut Rng64, shape: &[usize]) -> Tensor64 {
    let data = (0..shape.iter().product()).map(|_| f64::from(rng.normal() as f32)).collect();
    Tensor64 { shape: shape.to_vec(), data }
}

/// A convolution with what is wanted of it.
struct Sums {
    filter: Filter,
    x: Tensor64,
    w: Tensor64,
    dy: Tensor64,
    y: Tensor64,
    dx: Tensor64,
}

impl Sums {
    /// From `channels` to [`FILTERS`] for `y`; for `dx`, the other way about: both are sums over `channels`.
    fn new(channels: usize) -> [Self; 2] {
        let mut rng = Rng64(channels as u64);
        [[channels, FILTERS], [FILTERS, channels]].map(|[channels, filters]| {
            let [pictures, side] = PICTURES;
            let mut x = normal(&mut rng, &[pictures, channels, side, side]);
            x.data.iter_mut().for_each(|value| *value = value.max(0.0));
            let w = normal(&mut rng, &[filters, channels, 3, 3]);
            let dy = normal(&mut rng, &[pictures, filters, side, side]);
            let (y, dx) = (conv::forward(&x, &w, SAME), conv::backward_input(&w, &dy, &x.shape, SAME));
            let [channels, filters] = [channels as u32, filters as u32];
            Self { filter: Filter { channels, filters, kernel: 3, stride: 1, pad: 1 }, x, w, dy, y, dx }
        })
    }

    /// The worst errors of `y` and `dx` by the kernels of one method.
    fn errors(&self, family: Family, method: Method) -> [f64; 2] {
        let gpu =
            Gpu::open_with(None, Some(Choices::only(family, method))).expect("the adapter runs this family");
        let mut lab = Lab::new(&gpu);
        let [x, dy] = [&self.x, &self.dy].map(|t| {
            let [images, channels, height, width] = [0, 1, 2, 3].map(|axis| t.shape[axis] as u32);
            lab.upload(Shape::pictures(images, height, width, channels), to_nhwc4(&t.shape, &single(t)))
        });
        for (operation, operand) in [(Operation::Forward, &x), (Operation::BackwardInput, &dy)] {
            assert_eq!(conv2d::method(&gpu, operation, &self.filter, operand.shape), method, "{operation}");
        }
        let w = lab.upload(self.filter.panels(), weights::pack(&self.filter, &single(&self.w)));
        let [staged, staged_dy] = [&x, &dy].map(|tensor| conv2d::stage(&mut lab.plan, tensor));
        let y = conv2d::forward(&mut lab.plan, &self.filter, &staged, &w).expect("records");
        let dx = conv2d::backward_input(&mut lab.plan, &self.filter, &staged_dy, &w, x.shape, None);
        let dx = dx.expect("records");
        let session = lab.run().expect("the plan runs");
        [(&y, &self.y), (&dx, &self.dx)].map(|(got, want): (&Tensor, &Tensor64)| {
            let got = session.read(got).expect("the device answers");
            let got = from_nhwc4(&want.shape, &got).expect("padding is zero");
            let worst = got.iter().zip(&want.data).map(|(got, want)| (got - want).abs()).fold(0.0, f64::max);
            worst / want.data.iter().map(|value| value.abs()).fold(0.0, f64::max)
        })
    }
}

fn single(tensor: &Tensor64) -> Vec<f32> {
    tensor.data.iter().map(|&value| value as f32).collect()
}

/// Winograd's sum has a term a channel where the direct one has nine, and a result is made of nine such sums. So its
/// rounding errors, which grow with the terms of a sum, are no larger.
#[test]
fn winograds_kernels_are_as_exact_as_direct_ones() {
    let families = Gpu::open(None, None).expect("an adapter").facts().families();
    let mut seen = 0;
    for (family, direct) in
        [(Family::Subgroup, Method::Subgroup), (Family::Tile, Method::Tile(gpu::Geometry::TILE[0]))]
    {
        if !families.contains(&family) {
            continue;
        }
        for channels in [64, 128, 256, 512] {
            let [forward, backward] = Sums::new(channels);
            for (what, at, sums) in [("forward", 0, forward), ("backward_input", 1, backward)] {
                let [fast, plain] = [Method::Winograd, direct].map(|method| sums.errors(family, method)[at]);
                println!(
                    "{family} {channels:>4} channels, {what:<15}Winograd {fast:.1e}, direct {plain:.1e}"
                );
                assert!(fast < plain && fast < TOLERANCE, "{channels} {what}: {fast:.1e}, {plain:.1e}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0, "no family of this adapter has Winograd's kernels");
}
