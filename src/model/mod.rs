//! Layers with forward and backward, the ResNet trunk, heads and predictors, and the prototypes; and whole networks: what a
//! file or the settings say that one consists of ([`NetworkSpec`]), and one that is only used ([`Inference`]).
//!
//! A layer records its dispatches into a plan. `forward` returns what `backward` needs (`Saved`) by
//! value and `backward` consumes it: forgetting one or using it twice does not compile, and one layer
//! can run twice in a step (SwAV runs the trunk once per crop resolution).
//!
//! # Errors
//!
//! What records dispatches fails as [`crate::ops`] say. What reads or writes the device's memory reports what the driver
//! says: [`Error::Device`](crate::error::Error::Device) or [`Error::DeviceLost`](crate::error::Error::DeviceLost). Only
//! other errors are told at a function.

mod block;
pub(crate) mod evaluation;
mod fit;
mod inference;
mod layers;
mod mlp;
mod network;
mod resnet;
mod store;

pub use evaluation::best_prototypes;
pub use fit::Fit;
pub use inference::{Inference, Seen, views_at_once};
pub use layers::{BatchNorm, Conv, Linear, Wanted};
pub use mlp::{Mlp, MlpSaved, MlpSpec};
pub(crate) use network::Projection;
pub use network::{HeadSpec, NetworkSpec, adapt_stem};
pub use resnet::{Trunk, TrunkSaved};
pub use store::{EstimateId, Init, Parameter, ParameterId, Store};
