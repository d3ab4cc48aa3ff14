//! Every entry point of every shader against an `f64` reference, on any adapter and in any kernel
//! family, at awkward sizes: 1, primes, a group, tile, panel or chunk and one more or less, channels
//! that are no multiple of four, windows larger than the picture, grids that must be folded.
//!
//! The tests run it, and so does `swav-wgpu selftest` for whoever suspects a driver.
//!
//! | file | what |
//! |---|---|
//! | `reference` | every operation in plain `f64` |
//! | `cases` | what is run, and what must come of it |
//! | `suite` | runs cases and keeps count by entry point |
//! | `bench` | the comparer, and what it checks of every case beside the values |
//! | `lab`, `layout` | numbers in and out of a recorded plan |

pub mod bench;
mod cases;
pub mod lab;
pub mod layout;
pub mod reference;
mod suite;

use std::sync::Arc;

pub use suite::{Outcome, Score, Suite};

use crate::error::Result;
use crate::gpu::{Choices, Element, Family, Gpu, Method};
use crate::ops::SHADERS;

/// The cases of one operation.
#[derive(Clone, Copy)]
pub struct Operation {
    /// What is tested.
    pub name: &'static str,
    cases: fn(&mut Suite),
}

/// All operations.
pub const OPERATIONS: &[Operation] = &cases::ALL;

impl Operation {
    /// Runs the cases on a device, with the family that it was opened for.
    pub fn run(&self, gpu: &Arc<Gpu>) -> Outcome {
        let mut suite = Suite::new(gpu);
        (self.cases)(&mut suite);
        suite.outcome
    }

    /// Whether its results are products that a family can make in several ways ([`variants`]).
    #[must_use]
    pub fn has_variants(&self) -> bool {
        matches!(self.name, "convolutions" | "linear_layers")
    }
}

/// The ways in which a family can make products, one after another: what a tuning may choose. The usual
/// choice alone would leave most of its geometries unseen.
#[must_use]
pub fn variants(family: Family) -> Vec<Choices> {
    let own = |method: &Method| match method {
        Method::Subgroup => family == Family::Subgroup,
        Method::Tile(_) => family == Family::Tile,
        Method::Direct(_) => family == Family::Direct,
        // The direct family reads buffers too, but leaves them to the tile family's kernel. What the matrix family does
        // with single precision is the tile family's.
        Method::Winograd => matches!(family, Family::Subgroup | Family::Tile),
        Method::Matrix => false,
    };
    Method::all(family).into_iter().filter(own).map(|method| Choices::only(family, method)).collect()
}

/// Everything that a family can dispatch, as `file/entry point`, with `.f16` for half precision: a file that
/// names a family belongs to it alone, the others to all.
///
/// # Errors
/// A shader that is no WGSL.
pub fn entry_points(family: Family) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for shader in SHADERS {
        let kernels = shader.kernels()?;
        let own = match shader.family() {
            None => true,
            // What is single precision, the matrix family multiplies in tiles.
            Some(Family::Tile) if family == Family::Matrix => {
                kernels.iter().all(|name| !name.ends_with(Element::F16.suffix()))
            }
            Some(named) => named == family,
        };
        if own {
            found.extend(kernels);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}
