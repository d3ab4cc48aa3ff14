//! What an adapter does at the most, as plain kernels get it: the roof that a step's speed is seen under.

use std::sync::Arc;

use serde::Serialize;

use super::cases::{fastest, numbers};
use crate::error::Result;
use crate::gpu::{Arena, Choices, Family, Gpu, Plan, Replay, Session, Shape, Tensor, Usage};
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
    let (session, replay, _) = ready(&gpu, copied, |plan, x| Ok((peak::copy(plan, x)?, 0)))?;
    let seconds = fastest(&gpu, &session, &replay, f64::INFINITY)?;
    drop(session);
    let gigabyte_per_s = 2e-9 * copied.bytes() as f64 / seconds;

    let quads = if software { 1 << 14 } else { 1 << 20 };
    let gflop_per_s = 1e-9 * fused(&gpu, quads)?.flop_per_s();

    let matrix_gflop_per_s = matrix.then(|| {
        let blocks = if software { 64 } else { 1 << 13 };
        let side = peak::side(&Plan::new(&gpu, &Arc::new(Arena::default())));
        let source = Shape::matrix(2 * side, side);
        let timed = in_turns(&gpu, source, 1, |plan, x, turns| peak::multiply(plan, x, turns, blocks))?;
        Ok(1e-9 * timed.flop_per_s())
    });
    Ok(Peaks { gigabyte_per_s, gflop_per_s, matrix_gflop_per_s: matrix_gflop_per_s.transpose()? })
}

/// Workgroups of 128 invocations that keep a device busy: what many of them do in the time of a single one.
pub(super) fn width(gpu: &Arc<Gpu>) -> Result<u32> {
    let groups = if gpu.facts().software { 64 } else { 1 << 14 };
    // Workgroups of 64. A single one takes far more turns than many of them to be as long.
    let of = |groups: u32| Ok(fused(gpu, 64 * groups)?.seconds_of_a_turn());
    let (one, many): (f64, f64) = (of(1)?, of(groups)?);
    let at_once = f64::from(groups) * one / many;
    Ok((at_once / 2.0).round().clamp(1.0, 4096.0) as u32)
}

/// So many quads that are multiplied and added to.
fn fused(gpu: &Arc<Gpu>, quads: u32) -> Result<Timed> {
    in_turns(gpu, Shape::matrix(quads, 4), 16, |plan, x, turns| peak::fused(plan, x, turns, [0.999, 1e-3]))
}

/// What is done in turns, within one dispatch that nothing can cut.
struct Timed {
    seconds: f64,
    turns: u32,
    /// Multiplications and additions of all turns.
    flop: u64,
}

impl Timed {
    fn flop_per_s(&self) -> f64 {
        self.flop as f64 / self.seconds
    }

    fn seconds_of_a_turn(&self) -> f64 {
        self.seconds / f64::from(self.turns)
    }
}

/// The fastest of a few runs of what is recorded, in so many turns that even it is long enough to be timed, from `few` on.
fn in_turns(
    gpu: &Arc<Gpu>,
    shape: Shape,
    few: u32,
    record: impl Fn(&mut Plan, &Tensor, u32) -> Result<(Tensor, u64)>,
) -> Result<Timed> {
    grown(few, gpu.facts().rounds(), |turns| {
        let (session, replay, flop) = ready(gpu, shape, |plan, x| record(plan, x, turns))?;
        Ok(Timed { seconds: fastest(gpu, &session, &replay, f64::INFINITY)?, turns, flop })
    })
}

/// What took long enough to be timed alone. It begins with few turns and asks for more by what those took, so that on no
/// device one dispatch takes much longer than that: a system would end what takes seconds, and nothing can cut a dispatch.
/// `rounds` are the most that a loop may take.
fn grown(few: u32, rounds: u32, mut timed: impl FnMut(u32) -> Result<Timed>) -> Result<Timed> {
    /// Handing something over and waiting for it takes a tenth of a millisecond, which is nothing beside these seconds.
    const LONG: f64 = 0.02;
    /// What is asked for where it is not long enough.
    const AIM: f64 = 0.03;
    /// Beyond these a clock stands still.
    const MOST: u32 = 1 << 24;
    let most = MOST.min(rounds);
    let mut turns = few;
    loop {
        let last = timed(turns)?;
        if last.seconds >= LONG || turns >= most {
            return Ok(last);
        }
        // What comes on top of the turns makes few of them look slow, so that the next are rather fewer than they might be.
        let factor = (AIM / last.seconds).clamp(1.5, 8.0);
        turns = (f64::from(turns) * factor).min(f64::from(most)).ceil() as u32;
    }
}

/// What is recorded, with memory and numbers in it, and what it computes.
fn ready(
    gpu: &Arc<Gpu>,
    shape: Shape,
    record: impl Fn(&mut Plan, &Tensor) -> Result<(Tensor, u64)>,
) -> Result<(Session, Replay, u64)> {
    let arena = Arc::new(Arena::default());
    let mut plan = Plan::new(gpu, &arena);
    let x = arena.lease(shape, Usage::Storage, "source");
    let (_result, flop) = record(&mut plan, &x)?;
    let session = Session::allocate(gpu, &arena)?;
    session.write(&x, &numbers(shape.values()));
    session.settle()?;
    let replay = session.bind(plan)?;
    Ok((session, replay, flop))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of these seconds each, with others on top of all: what a run was asked for, and what it took.
    fn runs(turn: f64, on_top: f64) -> Vec<(u32, f64)> {
        let mut runs = Vec::new();
        let last = grown(16, u32::MAX, |turns| {
            let seconds = on_top + turn * f64::from(turns);
            runs.push((turns, seconds));
            Ok(Timed { seconds, turns, flop: 0 })
        });
        let last = last.unwrap();
        assert_eq!((last.turns, last.seconds), *runs.last().unwrap(), "what was long enough is what is told");
        runs
    }

    /// From a large GPU's workgroup (30 ns a turn) to sixteen thousand of them on a processor's graphics unit.
    #[test]
    fn runs_grow_until_they_can_be_timed_and_never_get_long() {
        for turn in [30e-9, 1e-6, 20e-6, 300e-6, 1e-3, 4e-3, 50e-3] {
            for on_top in [0.0, 100e-6, 5e-3] {
                let runs = runs(turn, on_top);
                let (first, others) = runs.split_first().unwrap();
                assert_eq!(first.0, 16, "no device takes long over so few");
                assert!(others.iter().all(|(_, seconds)| *seconds < 0.05), "{runs:?}");
                assert!(runs.last().unwrap().1 >= 0.02 && runs.len() < 12, "{runs:?}");
            }
        }
        assert_eq!(runs(0.0, 0.0).last().unwrap().0, 1 << 24, "a clock that stands still is not waited for");
    }

    #[test]
    fn what_a_few_turns_take_tells_what_many_do() {
        let gpu = Gpu::open(None, None).expect("an adapter; `make test` installs one");
        let few = fused(&gpu, 64).unwrap();
        let most = gpu.facts().rounds();
        assert!((16..=most).contains(&few.turns), "{} turns in {} s", few.turns, few.seconds);
        assert!(few.turns == most || few.seconds >= 0.02, "{} turns in {} s", few.turns, few.seconds);
        assert_eq!(few.flop, 64 * u64::from(few.turns) * 64);
    }
}
