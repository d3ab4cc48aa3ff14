//! The parts of judging that are plans on the device.
//!
//! | file | what |
//! |---|---|
//! | `search` | the nearest rows of a bank for each query, exact |
//! | `classifiers` | linear classifiers of several learning rates, trained together on cached features |
//! | `finetune` | a trunk with a new classifier, trained on a few labels |
//!
//! # Errors
//!
//! All of them report what the driver says ([`Error::Device`](crate::error::Error::Device),
//! [`Error::DeviceLost`](crate::error::Error::DeviceLost)). Only other errors are told at a function.

pub mod classifiers;
pub mod finetune;
pub mod search;
