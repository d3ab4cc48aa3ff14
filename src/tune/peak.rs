//! What an adapter does at the most, as plain kernels get it: the roof that a step's speed is seen under.

use std::sync::Arc;

use serde::Serialize;

use super::cases::{fastest, numbers};
use crate::error::Result;
use crate::gpu::{Arena, Choices, Family, Gpu, Plan, Session, Shape, Tensor, Usage};
use crate::ops::peak;

/// The most that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peaks {
    /// 10⁹ bytes a second that a copy reads and writes.
    pub gigabyte_per_s: f64,
    /// 10⁹ multiplications and additions a second in single precision.
    pub gflop_per_s: f64,
    /// The same of matrix units on half precision, where they are in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix_gflop_per_s: Option<f64>,
}

/// Measures the adapter that `adapter` means, with matrix units if the kernels that are in use have them; takes about a
/// second.
///
/// # Errors
/// No such adapter; what the driver reports.
pub fn peaks(adapter: Option<&str>, matrix: bool) -> Result<Peaks> {
    let gpu = Gpu::open_with(adapter, matrix.then(|| Choices::usual(Family::Matrix)))?;
    let software = gpu.facts().software;
    // Far more than a cache holds, and invocations enough for any GPU; a processor has few of either.
    let bytes = if software { 64 << 20 } else { gpu.facts().max_binding_bytes.min(256 << 20) };
    let copied = Shape::matrix((bytes / 64) as u32, 16);
    let (seconds, _) = timed(&gpu, copied, |plan, x| Ok((peak::copy(plan, x)?, 0)))?;
    let gigabyte_per_s = 2e-9 * copied.bytes() as f64 / seconds;

    let quads = if software { 1 << 14 } else { 1 << 20 };
    let (seconds, flop) =
        timed(&gpu, Shape::matrix(quads, 4), |plan, x| peak::fused(plan, x, 256, [0.999, 1e-3]))?;
    let gflop_per_s = 1e-9 * flop as f64 / seconds;

    let matrix_gflop_per_s = matrix.then(|| {
        let blocks = if software { 64 } else { 1 << 13 };
        let side = peak::side(&Plan::new(&gpu, &Arc::new(Arena::default())));
        let (seconds, flop) =
            timed(&gpu, Shape::matrix(2 * side, side), |plan, x| peak::multiply(plan, x, 256, blocks))?;
        Ok(1e-9 * flop as f64 / seconds)
    });
    Ok(Peaks { gigabyte_per_s, gflop_per_s, matrix_gflop_per_s: matrix_gflop_per_s.transpose()? })
}

/// Workgroups of 128 invocations that keep a device busy: what many of them do in the time of a single one.
pub(super) fn width(gpu: &Arc<Gpu>) -> Result<u32> {
    // Workgroups of 64, each long enough to be timed alone.
    const TURNS: u32 = 1 << 13;
    let groups = if gpu.facts().software { 64 } else { 1 << 14 };
    let of = |groups: u32| {
        timed(gpu, Shape::matrix(64 * groups, 4), |plan, x| peak::fused(plan, x, TURNS, [0.999, 1e-3]))
    };
    let ((one, _), (many, _)) = (of(1)?, of(groups)?);
    let at_once = f64::from(groups) * one / many;
    Ok((at_once / 2.0).round().clamp(1.0, 4096.0) as u32)
}

/// Seconds of one run of what is recorded, and what it computes.
fn timed(
    gpu: &Arc<Gpu>,
    shape: Shape,
    record: impl Fn(&mut Plan, &Tensor) -> Result<(Tensor, u64)>,
) -> Result<(f64, u64)> {
    let arena = Arc::new(Arena::default());
    let mut plan = Plan::new(gpu, &arena);
    let x = arena.lease(shape, Usage::Storage, "source");
    let (_result, flop) = record(&mut plan, &x)?;
    let session = Session::allocate(gpu, &arena)?;
    session.write(&x, &numbers(shape.values()));
    session.settle()?;
    let replay = session.bind(plan)?;
    Ok((fastest(gpu, &session, &replay, f64::INFINITY)?, flop))
}
