//! What turns crops into a trained network.
//!
//! [`Trainer`] knows no method: what stands on the trunk and makes a loss of its features is an `Objective`, one file
//! each (`swav`, `deepcluster`, `simclr`, `moco`, `byol`, `supervised`). `clusters` and `balance` label a whole bank of
//! features on the device.
//!
//! # Errors
//!
//! What records dispatches fails as [`crate::ops`] say. What submits or reads reports what the driver says:
//! [`Error::Device`](crate::error::Error::Device) or [`Error::DeviceLost`](crate::error::Error::DeviceLost). Only other
//! errors are told at a function.

pub mod balance;
mod bank;
mod batch;
mod byol;
mod checkpoint;
pub mod clusters;
mod crops;
mod deepcluster;
mod epochs;
mod estimates;
mod looks;
mod meeting;
mod memory;
mod moco;
mod objective;
mod part;
mod parts;
mod recording;
mod report;
mod share;
mod simclr;
mod statistics;
mod steps;
mod supervised;
mod survey;
mod swav;
mod target;
mod together;
mod trainer;

#[cfg(test)]
mod seam_tests;

pub use batch::{Batch, Crops};
pub use crops::{AdjustmentKind, Crop, CropBench, LONGEST_SIDE, Pictures, picture_room};
pub use memory::MemoryUse;
pub use objective::Known;
pub use report::{Scaling, StepReport};
pub use share::pictures_of_rank;
pub use trainer::{Position, Trainer};
