//! One file an operation, each the twin of `shaders/<same name>[.<family>].wgsl`.
//!
//! A function here knows its kernel's `Params`, grid and bindings, records the dispatch and returns
//! the result. Forward and backward of one idea stand in one file. Nothing here knows of layers.
//!
//! Gradients of parameters are *added* to what stands in their tensor, because a parameter may serve several times in a
//! step (the trunk runs once per crop resolution): a step clears them first. Gradients of activations are *assigned*:
//! each activation is made once, and its tensor may hold anything before.
//!
//! # Errors
//!
//! Whatever records a dispatch fails with [`Error::Shader`](crate::error::Error::Shader) where the kernel and its twin
//! here do not match, which is a bug, and with [`Error::Limit`](crate::error::Error::Limit) where a tensor or the grid
//! is larger than the adapter allows. Only other errors are told at a function.

pub mod augment;
pub mod balance;
pub mod batch_norm;
pub mod contrast;
pub mod conv2d;
pub mod cross_entropy;
pub mod loss;
pub mod loss_scale;
pub mod nearest;
pub mod normalize;
pub mod optimizer;
pub mod parts;
pub mod peak;
pub mod pool;
pub mod probe;
pub mod queue;
pub mod regression;
pub mod report;
pub mod sinkhorn;
pub mod vector;
pub mod weights;
pub(crate) mod winograd;

use crate::gpu::{Element, Family, Gpu, Plan, Shader, Tensor, shader_params};

/// Every shader of the program, for tests and tools.
pub const SHADERS: &[&Shader] = &[
    &augment::SHADER[0],
    &augment::SHADER[1],
    &conv2d::SUBGROUP[0],
    &conv2d::SUBGROUP[1],
    &conv2d::TILE[0],
    &conv2d::TILE[1],
    &conv2d::DIRECT[0],
    &conv2d::DIRECT[1],
    &conv2d::MATRIX[0],
    &conv2d::MATRIX[1],
    &conv2d::MATRIX[2],
    &winograd::SUBGROUP[0],
    &winograd::SUBGROUP[1],
    &winograd::PASSES[0],
    &winograd::PASSES[1],
    &winograd::TILE[0],
    &winograd::TILE[1],
    &weights::BUFFERS,
    &weights::TEXELS,
    &batch_norm::BUFFERS[0],
    &batch_norm::BUFFERS[1],
    &batch_norm::TEXELS[0],
    &batch_norm::TEXELS[1],
    &pool::BUFFERS[0],
    &pool::BUFFERS[1],
    &pool::TEXELS[0],
    &pool::TEXELS[1],
    &vector::BUFFERS[0],
    &vector::BUFFERS[1],
    &vector::TEXELS[0],
    &vector::TEXELS[1],
    &normalize::SHADER,
    &sinkhorn::BUFFERS,
    &sinkhorn::TEXELS,
    &balance::BUFFERS,
    &balance::TEXELS,
    &loss::SHADER,
    &contrast::BUFFERS,
    &contrast::TEXELS,
    &cross_entropy::SHADER,
    &regression::SHADER,
    &queue::SHADER,
    &parts::SHADER,
    &optimizer::BUFFERS[0],
    &optimizer::BUFFERS[1],
    &optimizer::TEXELS[0],
    &optimizer::TEXELS[1],
    &loss_scale::SHADER,
    &report::SHADER[0],
    &report::SHADER[1],
    &nearest::BUFFERS,
    &nearest::TEXELS,
    &probe::SHADER,
    &peak::SHADER,
    &peak::MATRIX[0],
    &peak::MATRIX[1],
    &peak::MATRIX[2],
];

shader_params! {
    /// What changes from step to step (`shaders/shared/step.wgsl`), written before each submission.
    pub struct Step {
        /// The learning rate.
        learning_rate: f32,
        /// 1: prototypes are not updated.
        frozen: u32,
        /// First row of the Sinkhorn problem in use; the queue's rows come first.
        first_row: u32,
        /// Queue row of the newest entry.
        queue_cursor: u32,
        /// AdamW: 1 - β1 to the power of the steps.
        correction1: f32,
        /// The same of β2.
        correction2: f32,
        /// [`Step::correction1`] of parameters that were frozen at first.
        late_correction1: f32,
        /// [`Step::correction2`] of them.
        late_correction2: f32,
    }
}

/// Declares a shader: its file, the helpers after it, and whether every adapter can run it.
macro_rules! shader {
    ($file:literal $(+ $shared:literal)*, $portable:literal) => {
        $crate::gpu::Shader {
            file: $file,
            text: include_str!(concat!("../../shaders/", $file)),
            shared: &[$(($shared, include_str!(concat!("../../shaders/shared/", $shared)))),*],
            portable: $portable,
        }
    };
}
pub(crate) use shader;

/// Declares both forms of a shader that sees activations: for single and for half precision ([`of`]). Those
/// that only the subgroup family's adapters run write them in words of 64 bits (`pairs.wgsl`).
macro_rules! forms {
    ($file:literal $(+ $shared:literal)*, true) => {
        [
            $crate::ops::shader!($file $(+ $shared)* + "quads.f32.wgsl", true),
            $crate::ops::shader!($file $(+ $shared)* + "quads.f16.wgsl" + "half.wgsl", true),
        ]
    };
    ($file:literal $(+ $shared:literal)*, false) => {
        [
            $crate::ops::shader!($file $(+ $shared)* + "quads.f32.pairs.wgsl" + "pairs.wgsl", false),
            $crate::ops::shader!($file $(+ $shared)* + "quads.f16.pairs.wgsl" + "pairs.wgsl" + "half.wgsl", false),
        ]
    };
}
pub(crate) use forms;

/// The form of a shader for activations of single or of half precision.
fn of([single, half]: &[Shader; 2], element: Element) -> &Shader {
    match element {
        Element::F32 => single,
        Element::F16 => half,
    }
}

/// The form of a shader without or with a loss scale.
fn scaled<'a>([none, dynamic]: &'a [Shader; 2], scale: Option<&Tensor>) -> &'a Shader {
    if scale.is_some() { dynamic } else { none }
}

/// A shader for matrix units as an adapter takes it.
struct MatrixForm {
    shader: &'static Shader,
    /// Of the blocks that are multiplied.
    side: u32,
    /// The constant of workgroups: four of the largest subgroups.
    invocations: (&'static str, f64),
}

/// The form of a shader for blocks of 16, of 8, or of 8 on Metal. Only devices that were opened for matrix units have any.
fn matrix_form(gpu: &Gpu, [large, small, metal]: &'static [Shader; 3]) -> MatrixForm {
    let facts = gpu.facts();
    let (shader, side) = match facts.matrix {
        Some(16) => (large, 16),
        _ if facts.backend == "Metal" => (metal, 8),
        _ => (small, 8),
    };
    let lanes = facts.subgroup.map_or(32, |(_, most)| most);
    MatrixForm { shader, side, invocations: ("INVOCATIONS", f64::from(4 * lanes)) }
}

/// The variant of a pass over activations that suits the adapter: large inputs as buffers or texels.
fn variant<'a, S>(plan: &Plan, buffers: &'a S, texels: &'a S) -> &'a S {
    match plan.gpu().family() {
        Family::Subgroup => texels,
        Family::Tile | Family::Direct | Family::Matrix => buffers,
    }
}

/// A large input in the form that the adapter reads fastest.
fn input(plan: &mut Plan, tensor: &Tensor) -> Tensor {
    match plan.gpu().family() {
        Family::Subgroup => plan.stage(tensor),
        Family::Tile | Family::Direct | Family::Matrix => tensor.clone(),
    }
}

/// Rounds of a loop that no driver ends early ([`AdapterFacts::rounds`](crate::gpu::AdapterFacts::rounds)), with room for
/// other loops beside it.
const LOOP: u32 = 1 << 15;

/// Rows a chunk and chunks, for sums over rows in two stages: at most `most` chunks, but none longer than a [`LOOP`].
fn chunks(rows: u32, most: u32) -> (u32, u32) {
    let chunk = rows.div_ceil(most).max(rows.min(16)).min(LOOP);
    (chunk.max(1), rows.div_ceil(chunk.max(1)).max(1))
}

/// A long sum in slices that are summed in order: the terms of a slice, a multiple of `step`, and the slices. As many as
/// are `wanted` to fill the device, but long enough to be worth their partial sums, and short enough for a loop.
fn slices(plan: &Plan, terms: u32, [wanted, least, step]: [u32; 3]) -> (u32, u32) {
    slices_of(terms, [wanted, least, step], plan.gpu().facts().rounds())
}

fn slices_of(terms: u32, [wanted, least, step]: [u32; 3], rounds: u32) -> (u32, u32) {
    // A term takes a round at most, and half of the rounds are left to other loops.
    let slices = wanted.min(terms.div_ceil(least)).max(terms.div_ceil(rounds / 2)).max(1);
    let slice = terms.div_ceil(slices).next_multiple_of(step);
    (slice, terms.div_ceil(slice))
}

/// The constant of kernels in which a workgroup shares a row: GPUs run its invocations side by side,
/// a CPU driver one vector after another, with a barrier between that costs more than the sharing gains.
fn lanes(plan: &Plan) -> [(&'static str, f64); 1] {
    match plan.gpu().family() {
        Family::Subgroup => [("LANES", 8.0)],
        Family::Direct if plan.gpu().facts().software => [("LANES", 8.0)],
        Family::Tile | Family::Direct | Family::Matrix => [("LANES", 64.0)],
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::Error;
    use crate::gpu::{Arena, Shape};

    #[test]
    fn a_loop_that_a_driver_would_end_early_is_refused() {
        let gpu = Gpu::open(None, None).expect("an adapter; `make test` installs one");
        let mut plan = Plan::new(&gpu, &Arc::new(Arena::default()));
        let x = plan.lease(Shape::matrix(1, 4));
        let mut after = |rounds| {
            plan.loops(rounds);
            vector::relu(&mut plan, &x).map(drop)
        };
        assert!(after(60_000).is_ok());
        let refused = after(60_001);
        assert_eq!(matches!(refused, Err(Error::Limit { .. })), gpu.facts().software, "{refused:?}");
        assert!(vector::relu(&mut plan, &x).is_ok(), "it was said of one dispatch");
    }

    #[test]
    fn slices_are_as_many_as_wanted_and_no_longer_than_a_loop_may_be() {
        assert_eq!(slices_of(10_000, [10, 256, 32], u32::MAX), (1024, 10));
        assert_eq!(slices_of(1000, [10, 256, 32], u32::MAX), (256, 4), "none is too short to be worth it");
        assert_eq!(slices_of(10, [10, 256, 32], 60_000), (32, 1));
        // The pixels of 128 pictures of 224 to a side after a stem, with three workgroups for all of them.
        let pixels = 128 * 112 * 112;
        assert_eq!(slices_of(pixels, [3, 256, 32], u32::MAX).1, 3, "a GPU has no such bound");
        for terms in [29_999, 30_001, pixels, 1 << 31] {
            let (slice, slices) = slices_of(terms, [3, 256, 32], 60_000);
            assert!(slice <= 30_016 && slice.is_multiple_of(32), "{terms}: {slice}");
            assert!(u64::from(slice) * u64::from(slices) >= u64::from(terms) && slice * (slices - 1) < terms);
        }
    }
}
