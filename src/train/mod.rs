//! Training: the run folder, checkpoints, the learning-rate schedule and the health monitor.
//!
//! Everything in these files is free of devices and of printing, so that it can be tested alone.

pub mod checkpoint;
pub mod health;
pub mod run_folder;
pub mod schedule;
