//! Training: the engine behind every face of the program, and what it keeps on disk.
//!
//! | file | what |
//! |---|---|
//! | `run` | [`run::train`]: the loop from a configuration to a summary; synchronous, prints nothing |
//! | `events` | what the loop tells whoever called it, and what it may be answered |
//! | `figures` | every figure of a report once: its key, title, help, level and how it is drawn |
//! | `caller` | whoever started it: told what happens, heard between steps and in passes |
//! | `looks` | its looks at its own network: before the first step, on the way, at the end |
//! | `epochs` | what a method does between steps: a first look at all pictures, and what begins an epoch |
//! | `observe`, `clock` | what becomes of the report of a step; how long training took |
//! | `preview`, `sample` | looking into a run between two steps, where the answer to an event asks for it |
//! | `setup` | opening data, device and run folder, fresh or resumed |
//! | `room` | how many pictures of a batch an adapter has memory for at once |
//! | `crops` | how the settings say that crops are made, and all crops of one picture to look at |
//! | `pictures` | the data set of a run by its settings, and how it is normalised |
//! | `contact` | pictures with their crops, and what a network says of each, for a contact sheet |
//! | `memory` | what the loop remembers across a restart beside the tensors |
//! | `views` | the plain views that evaluation looks at |
//! | `trained` | [`Model`]: a trained network in one's own program |
//! | `embed`, `sort` | features of pictures to files; pictures into folders of look-alikes |
//! | `examine` | kNN, linear classifiers and clusters of a network, beside baselines |
//! | `report` | a run on one page |
//! | `compare` | ways to train beside each other, at equal compute |
//! | `export` | weights for other programs |
//! | `evaluate` | kNN accuracy and best prototypes of plain views |
//! | `finish` | the summary and the gallery |
//! | `checkpoint`, `run_folder` | files of a run, never half written |
//! | `measure` | how fast a training step is, for users and for benches |
//! | `schedule`, `health` | the learning rate of a step; figures turned into advice |

mod caller;
pub mod checkpoint;
mod clock;
pub mod compare;
pub mod contact;
pub mod crops;
pub mod duplicates;
pub mod embed;
mod epochs;
mod evaluate;
pub mod events;
pub mod examine;
pub mod export;
pub mod figures;
mod finish;
pub mod health;
mod looks;
pub mod measure;
mod memory;
mod observe;
pub mod pictures;
pub mod preview;
pub mod report;
mod room;
pub mod run;
pub mod run_folder;
pub mod sample;
pub mod schedule;
mod setup;
pub mod sort;
mod tensorboard;
mod trained;
mod views;

pub use events::{Event, Flow, Pair, Report, SplitAccuracy, SplitSummary, Summary};
pub use preview::{Preview, PreviewRequest};
pub use run::{PlanFigures, TrainOptions, plan, train};
pub use trained::{Embedding, Model, ModelOptions};
pub use views::Viewing;
