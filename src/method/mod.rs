//! What turns crops into a trained network.
//!
//! [`Trainer`] knows no method: what stands on the trunk and makes a loss of its features is an `Objective`, one file
//! each (`swav`). `linear`, `finetune` and `neighbours` judge networks on the device.

mod checkpoint;
mod crops;
pub mod finetune;
pub mod linear;
mod looks;
mod memory;
pub mod neighbours;
mod objective;
mod recording;
mod report;
mod swav;
mod trainer;

pub use crops::{Batch, Crop, CropBench, Crops, Kind, Pictures, picture_room};
pub use memory::MemoryUse;
pub use objective::Known;
pub use report::{Scaling, StepReport};
pub use trainer::{Position, Trainer};
