//! What a run's state is made of.

use std::sync::Arc;
use swav_wgpu::train::SplitAccuracy;
use swav_wgpu::train::preview::Crops;

/// Where a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// No run.
    #[default]
    Idle,
    /// Pictures, device and network are being opened, or the untrained network is judged.
    Opening,
    /// Training.
    Running,
    /// Waiting for a person.
    Paused,
    /// Told to stop; the last checkpoint is being written.
    Stopping,
    /// All steps are done.
    Finished,
    /// Ended before its last step, with a checkpoint.
    Stopped,
    /// Ended by an error.
    Failed,
}

impl Phase {
    /// Whether the engine has steps before it.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Opening | Self::Running | Self::Paused | Self::Stopping)
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "no run",
            Self::Opening => "opening",
            Self::Running => "training",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// Where the pictures of a run are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Where they were when it began.
    #[default]
    There,
    /// Not there any more.
    Gone,
    /// There again, but some of them may have been taken for unreadable meanwhile.
    Back,
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A matter of course.
    Info,
    /// Good news.
    Good,
    /// Something to look into.
    Warning,
    /// The run ended by it.
    Error,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Steps done when it was written.
    pub step: u64,
    /// How much it matters.
    pub level: Level,
    /// What happened.
    pub text: String,
}

/// A kNN evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Steps done; 0 is the untrained network.
    pub step: u64,
    /// One entry a split.
    pub splits: Vec<SplitAccuracy>,
}

/// The crops that are shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Steps that the network had done.
    pub step: u64,
    /// Which crops they are.
    pub draw: u64,
    /// The crops.
    pub crops: Arc<Vec<Crops>>,
}
