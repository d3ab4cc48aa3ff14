//! Training: the engine behind every face of the program.
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
//! | `preview`, `sample` | what may be seen of a run between two steps |
//! | `serve` | makes it, where the answer to an event asks for it |
//! | `ground` | pictures, device and settings, before there is a network |
//! | `setup` | opening everything with the run folder, fresh or resumed |
//! | `beginning`, `earlier` | what a fresh run begins with, and what another goes on from: checked, and told |
//! | `crops` | who makes the crops of a run, and a batch of them as a trainer takes it |
//! | `lead`, `follow` | several ranks that train one network: what rank 0 tells the others, and how they do it |
//! | `room` | how many pictures of a batch an adapter has memory for at once |
//! | `record` | what a run folder says of how a run went |
//! | `state` | what the loop remembers across a restart beside the tensors |
//! | `plan` | what memory and time a run would take |
//! | `forecast`, `rehearsal` | how long so many steps take, by what a few of them took before the run |
//! | `budget`, `keeping` | how many steps fit the time that a run is to take, and whether it keeps to it |
//! | `finish` | the summary and the gallery |
//! | `tensorboard` | the figures of a run for TensorBoard |
//! | `schedule`, `health` | the learning rate of a step; figures turned into advice |

mod beginning;
mod budget;
mod caller;
mod clock;
pub mod crops;
mod earlier;
mod epochs;
pub mod events;
pub mod figures;
mod finish;
mod follow;
pub mod forecast;
mod ground;
pub mod health;
mod keeping;
mod lead;
mod looks;
mod observe;
mod plan;
pub mod preview;
mod record;
mod rehearsal;
mod room;
pub mod run;
pub mod sample;
pub mod schedule;
mod serve;
mod setup;
mod state;
mod tensorboard;

pub use crate::judge::{Pair, SplitAccuracy};
pub use events::{Event, Flow, Metrics, SplitSummary, Summary};
pub(crate) use finish::loss_figure;
pub use follow::follow;
pub use forecast::Forecast;
pub(crate) use plan::plan_on;
pub use plan::{PlanFigures, Planned, forecast, plan, plan_run};
pub use preview::{Preview, PreviewRequest};
pub use record::Record;
pub use run::{TrainOptions, train, train_among};
pub(crate) use state::RunState;
