//! Layers with forward and backward, the ResNet trunk, heads and predictors, and the prototypes.
//!
//! A layer records its dispatches into a plan. `forward` returns what `backward` needs (`Saved`) by
//! value and `backward` consumes it: forgetting one or using it twice does not compile, and one layer
//! can run twice in a step (SwAV runs the trunk once per crop resolution).

mod block;
mod layers;
mod mlp;
mod resnet;
mod store;

pub use layers::{BatchNorm, Conv, Linear, Wanted};
pub use mlp::{Mlp, MlpSaved, MlpSpec};
pub use resnet::Trunk;
pub use store::{EstimateId, Init, Parameter, ParameterId, Store};
