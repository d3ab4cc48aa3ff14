//! Loops compiled for the widest vectors of the processor that runs them.
//!
//! The program is built for any x86-64, whose vectors are four floats wide; nearly every processor has
//! eight. What a loop computes is the same to the last bit: multiplications and additions are not
//! contracted, and no sum changes its order.

use std::sync::LazyLock;

static ARCH: LazyLock<pulp::Arch> = LazyLock::new(pulp::Arch::new);

/// Runs `work`, compiled with what this processor can do. Functions that it calls must be inlined to
/// gain anything.
#[inline(always)]
pub(super) fn wide<R>(work: impl FnOnce() -> R) -> R {
    ARCH.dispatch(work)
}
