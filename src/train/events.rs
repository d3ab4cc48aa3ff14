//! What a run tells whoever started it: events on the way, a summary at the end.

use super::health::Advice;
use super::preview::{Preview, PreviewRequest};
use crate::config::Method;
use crate::gpu::Profile;
use crate::judge::{Pair, SplitAccuracy};
use crate::pass::Progress;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The answer to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on. Not returning for a while pauses the run.
    Continue,
    /// Write a checkpoint and stop. An evaluation or another pass that is under way is left; what it lacks is
    /// made up for when the run is resumed. Before [`Event::Started`] there is nothing to write: the run ends
    /// with [`crate::error::Error::Stopped`] and leaves nothing behind.
    Stop,
    /// Write a checkpoint now and go on.
    Checkpoint,
    /// Look into the run now: the next event is [`Event::Preview`]. Only answers to [`Event::Started`],
    /// [`Event::Step`], [`Event::Preview`], [`Event::Checkpoint`] and [`Event::Finished`] are served at once;
    /// of several requests in between, the newest wins.
    Preview(PreviewRequest),
}

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Everything is open; the first step comes next (after the evaluation of the untrained network).
    Started(Started),
    /// Something else than a step takes its time: opening the pictures, an evaluation, the gallery, a preview. It
    /// comes several times a second while it does, before [`Event::Started`] too; any other event says that it
    /// is over.
    Pass(Progress),
    /// A step was submitted. Nothing to show, but a moment to pause or to stop.
    Step {
        /// Steps submitted.
        step: u64,
    },
    /// The figures of a step.
    Report(Metrics),
    /// kNN accuracy of raw pixels, the least to beat; once, at the start of a run with labels.
    Pixels {
        /// One entry a split.
        splits: Vec<SplitAccuracy>,
    },
    /// kNN accuracy of the network; step 0 is the untrained one.
    Evaluated {
        /// Steps done.
        step: u64,
        /// One entry a split.
        splits: Vec<SplitAccuracy>,
    },
    /// A checkpoint is on the disk.
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Steps done in it.
        step: u64,
    },
    /// Something is wrong with the run, or no longer.
    Advice(Advice),
    /// The run was given another number of steps, so that it ends in the time that it was given.
    Resized {
        /// Steps of the whole run.
        total_steps: u64,
        /// Why.
        text: String,
    },
    /// Something that a person should know.
    Notice(String),
    /// The device time of one step, where it was asked for.
    Profiled(Profile),
    /// What an answer asked for.
    Preview(Box<Preview>),
    /// Nothing more will be trained; the last event but previews of the network as it ended.
    Finished(Box<Summary>),
}

/// What a run consists of.
#[derive(Clone, Debug)]
pub struct Started {
    /// The graphics adapter.
    pub adapter: String,
    /// Whether it computes on the processor.
    pub software: bool,
    /// Pictures to train on.
    pub pictures: usize,
    /// Classes that serve evaluation, 0 without labels.
    pub classes: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Steps done before (a resumed run).
    pub start_step: u64,
    /// Device memory of the run at its peak, bytes.
    pub memory_bytes: u64,
    /// What the driver has allocated once everything is set up, where it tells.
    pub driver_bytes: Option<u64>,
    /// Dispatches of a step.
    pub dispatches: usize,
    /// Where its files are.
    pub run_folder: PathBuf,
}

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Metrics {
    /// Steps done.
    pub step: u64,
    /// The epoch of the last step, from 1.
    pub epoch: u64,
    /// The loss of that step, in nats.
    pub loss: f64,
    /// The loss of a network that tells nothing apart, where the method has one. (`ln_k` in files of version 0.1.)
    #[serde(default, alias = "ln_k", skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// The learning rate of that step.
    pub lr: f64,
    /// Pictures a second since the last report, evaluation and checkpoints left out.
    pub images_per_s: f64,
    /// Share of that time spent waiting for pictures.
    pub wait_share: f64,
    /// Share of right answers, of a method that asks questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Mean entropy of a picture's code, in nats, where the method has codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_entropy: Option<f64>,
    /// Prototypes that were the best of some crop in the last 10 K crops, where the method has prototypes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prototypes_used: Option<u64>,
    /// The other prototypes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prototypes_dead: Option<u64>,
    /// Prototypes with an earlier twin (cosine above 0.99), as of the last evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prototypes_duplicated: Option<u64>,
    /// 1 − |mean embedding|²: 0 when all embeddings are alike.
    pub embedding_spread: f64,
    /// Norm of the whole gradient.
    pub gradient_norm: f64,
    /// Values that are not finite.
    pub non_finite: u64,
    /// What gradients are multiplied by while they are half precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<f64>,
    /// Steps so far in which they overflowed, and which moved nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped_steps: Option<u64>,
    /// kNN accuracy, in reports of steps that end with an evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knn: Option<Vec<SplitAccuracy>>,
}

/// The three accuracies of a split, side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitSummary {
    /// The split.
    pub name: String,
    /// Pictures that were asked about, 0 in files of before it was kept: what decides how sure the figures are
    /// ([`crate::judge::margin`]).
    #[serde(default)]
    pub queries: u64,
    /// Raw pixels as features.
    pub pixels: Option<Pair>,
    /// The network before the first step.
    pub untrained: Option<Pair>,
    /// The network at the end.
    pub trained: Option<Pair>,
}

/// The figures at the end of a run: `summary.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Stopped by the caller; evaluation and gallery may then be missing.
    pub interrupted: bool,
    /// Whether all steps are done.
    pub finished: bool,
    /// Steps done.
    pub steps: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Mean loss of the last 50 steps, in nats.
    pub loss: f64,
    /// The loss of a network that tells nothing apart, where the method has one. (`ln_k` in files of version 0.1.)
    #[serde(default, alias = "ln_k", skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// What it was trained for.
    #[serde(default)]
    pub method: Method,
    /// Mean entropy of a picture's code at the last step, in nats, where the method has codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_entropy: Option<f64>,
    /// kNN accuracies, one entry a split; empty without labels.
    pub knn: Vec<SplitSummary>,
    /// The same by all pictures, where those above are of a sample and a look at all of them was worth its time. An untrained
    /// network is not judged by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub whole: Vec<SplitSummary>,
    /// K; 0 where the method has no prototypes.
    pub prototypes: u64,
    /// Prototypes that were the best of some crop in the last 10 K crops.
    pub prototypes_used: u64,
    /// The other prototypes.
    pub prototypes_dead: u64,
    /// Prototypes with an earlier twin.
    pub prototypes_duplicated: u64,
    /// 1 − |mean embedding|² at the last step.
    pub embedding_spread: f64,
    /// Pictures a second over the whole run, evaluation and checkpoints left out.
    pub images_per_s: f64,
    /// Seconds of training, evaluation and checkpoints left out.
    pub seconds: f64,
    /// The graphics adapter.
    pub adapter: String,
    /// Where the random numbers started.
    pub seed: u64,
    /// Where the files are.
    pub run_folder: PathBuf,
    /// The page of the gallery, where one was written.
    pub gallery: Option<PathBuf>,
    /// Pictures that could not be read.
    pub unreadable: u64,
}
