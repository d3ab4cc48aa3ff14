//! The integration tests, in one binary so that they share one device and are linked once.
//!
//! | module | what it checks |
//! |---|---|
//! | `cli` | the real program: same bits, stopping and going on, bad input, what it prints and leaves behind |
//! | `golden` | reads the fixtures that were made with the official implementation, driven by their manifest |
//! | `reference` | the whole method in f64, written for clearness |
//! | `reference_checks`, `reference_gradients`, `reference_runs` | the reference against the fixtures and finite differences |
//! | `shader_checks` | every shader on every back end, and the boundaries between modules; needs no GPU |

#[cfg(unix)]
mod cli;
mod golden;
mod lab;
mod layout;
mod ops_golden;
mod optimizer_golden;
mod reference;
mod reference_checks;
mod reference_gradients;
mod reference_runs;
mod runs_golden;
mod shader_checks;
