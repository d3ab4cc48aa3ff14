//! The only code that names `wgpu` or `naga`: adapters, devices, tensors, kernels and plans.
//!
//! Everything above records dispatches into a [`Plan`] once, [`Session::bind`]s it, and then replays
//! it: no allocation, no bind group and no shader work happens inside a training step.
//!
//! | file | what |
//! |---|---|
//! | `adapter` | which adapters there are, what they can do, and which one a name means |
//! | `method`, `choice` | the ways to make products: families, geometries, classes; and what a device takes of them |
//! | `opening` | a device as the settings of a run say |
//! | `device` | one opened adapter: queue, limits, captured errors, uploads and read-backs |
//! | `arena` | who owns which bytes: leases while recording, real buffers once the plan is complete |
//! | `tensor` | a shaped handle on arena bytes in single or half precision; dropping the last handle frees the bytes for reuse |
//! | `shader`, `kernel` | WGSL files, their reflection by naga, pipelines with checked `Params` |
//! | `plan` | the recorded list of dispatches |
//! | `session`, `replay`, `submission` | a run's memory: binds plans and submits them |
//! | `pace` | how much work goes into one submission |
//! | `journal` | what the device did, by its own word |
//! | `transfer` | data in and out of tensors |
//! | `profile` | time stamps of every dispatch of one replay |

mod adapter;
mod arena;
mod choice;
mod device;
mod journal;
mod kernel;
mod method;
mod opening;
mod pace;
mod plan;
#[cfg(test)]
mod poison;
mod profile;
mod replay;
mod session;
mod shader;
mod submission;
mod tensor;
mod transfer;

pub use adapter::{AdapterFacts, adapters, find};
pub use arena::{Arena, Usage};
pub use choice::Choices;
pub use device::{DriverMemory, Gpu};
pub use kernel::{Kernel, Scalar, ShaderParams};
pub use method::{Class, Family, Geometry, Method, Operation};
pub use opening::{open, open_adapter, open_seat, ranks_on_one};
pub use pace::{EntryEstimate, Estimate, Pace};
pub use plan::{Grid, Plan, Stop};
pub use profile::{Profile, ProfileRow};
pub use replay::{Replay, Traffic};
pub use session::Session;
pub use shader::Shader;
#[doc(hidden)]
pub use submission::Loss;
pub use tensor::{Element, Shape, Tensor};
pub use transfer::Fetch;

pub(crate) use kernel::shader_params;
#[cfg(test)]
pub(crate) use poison::{kernels_with_shared_memory, poisoned};
