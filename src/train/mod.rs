//! Training: the engine behind every face of the program, and what it keeps on disk.
//!
//! | file | what |
//! |---|---|
//! | `run` | [`run::train`]: the loop from a configuration to a summary; synchronous, prints nothing |
//! | `events` | what the loop tells whoever called it, and what it may be answered |
//! | `observe`, `clock` | what becomes of the report of a step; how long training took |
//! | `setup` | opening data, device and run folder, fresh or resumed |
//! | `crops` | how the settings say that crops are made, and all crops of one picture to look at |
//! | `contact` | pictures with their crops, and what a network says of each, for a contact sheet |
//! | `memory` | what the loop remembers across a restart beside the tensors |
//! | `evaluate` | kNN accuracy and best prototypes of plain views |
//! | `finish` | the summary and the gallery |
//! | `checkpoint`, `run_folder` | files of a run, never half written |
//! | `measure` | how fast a training step is, for users and for benches |
//! | `schedule`, `health` | the learning rate of a step; figures turned into advice |

pub mod checkpoint;
mod clock;
pub mod contact;
pub mod crops;
mod evaluate;
pub mod events;
mod finish;
pub mod health;
pub mod measure;
mod memory;
mod observe;
pub mod run;
pub mod run_folder;
pub mod schedule;
mod setup;

pub use events::{Event, Flow, Pair, Report, SplitAccuracy, SplitSummary, Summary};
pub use run::{PlanFigures, TrainOptions, plan, train};
