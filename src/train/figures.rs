//! Every figure that training reports, once: how it is called in files and on screens, what it means, and how it is
//! drawn. `metrics.jsonl`, CSV, charts and the documents are made of this table or tested against it.

use super::events::Metrics;
use crate::config::Method;

/// A figure of [`Metrics`].
#[derive(Debug)]
pub struct Figure {
    /// Its field in `metrics.jsonl`, and its column.
    pub key: &'static str,
    /// Its name on screens.
    pub title: &'static str,
    /// What it is counted in, where it is not a plain number.
    pub unit: &'static str,
    /// What it means, in a sentence or two.
    pub help: &'static str,
    /// What it tells of a run.
    pub group: Group,
    /// Its value, where the report has it.
    pub of: fn(&Metrics) -> Option<f64>,
    /// What a chart shows of it.
    pub chart: Option<Chart>,
}

/// What figures tell of a run: the heading that they stand under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What is minimised, and by which steps.
    Learning,
    /// What the features are worth.
    Worth,
    /// Whether all is well inside.
    Health,
    /// How fast it goes.
    Speed,
}

impl Group {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Learning, Self::Worth, Self::Health, Self::Speed];

    /// The heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Learning => "Learning",
            Self::Worth => "How good it is",
            Self::Health => "Health",
            Self::Speed => "Speed",
        }
    }

    /// What a person sees by its figures, in a sentence or two.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Learning => {
                "What training makes smaller, and how large its steps are. A loss that stays at the dashed line learns \
                 nothing."
            }
            Self::Worth => {
                "What the features are worth on pictures with labels, which training never sees. Above the dashed line \
                 they are better than raw pixels."
            }
            Self::Health => {
                "Whether the network still tells pictures apart: codes become certain, all prototypes stay in use, and \
                 features keep their spread."
            }
            Self::Speed => "How fast it goes, and whether reading the pictures holds the device up.",
        }
    }
}

/// How a figure is drawn over the steps of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chart {
    /// A level to compare it with.
    pub level: Option<Level>,
    /// Whether noise may be smoothed away.
    pub noisy: bool,
    /// Whether the axis shows powers of ten.
    pub log: bool,
}

/// A level that a figure is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What a network has that tells nothing apart.
    Chance,
    /// All prototypes.
    Prototypes,
    /// The kNN accuracy of raw pixels, which is no part of a report.
    Pixels,
}

impl Level {
    /// Its name, of a run with this method.
    #[must_use]
    pub fn name(self, method: Method) -> &'static str {
        match self {
            Self::Chance => method.chance(),
            Self::Prototypes => "all",
            Self::Pixels => "raw pixels",
        }
    }

    /// Its value by a report.
    #[must_use]
    pub fn of(self, report: &Metrics) -> Option<f64> {
        match self {
            Self::Chance => report.chance,
            Self::Prototypes => Some((report.prototypes_used? + report.prototypes_dead?) as f64),
            Self::Pixels => None,
        }
    }
}

const PLAIN: Chart = Chart { level: None, noisy: false, log: false };
const NOISY: Chart = Chart { noisy: true, ..PLAIN };

macro_rules! figures {
    ($($key:ident $group:ident $title:literal $unit:literal $chart:expr, $of:expr; $help:literal)+) => {
        /// The figures, in the order in which they are shown.
        pub const FIGURES: &[Figure] = &[$(Figure {
            key: stringify!($key), title: $title, unit: $unit, help: $help, group: Group::$group, of: $of, chart: $chart,
        }),+];
    };
}

figures! {
    step Learning "Step" "" None, |r| Some(r.step as f64);
    "Steps done."
    epoch Learning "Epoch" "" None, |r| Some(r.epoch as f64);
    "The epoch of the last step, from 1."
    loss Learning "Loss" "nats" Some(Chart { level: Some(Level::Chance), ..NOISY }), |r| Some(r.loss);
    "The loss of the method. The dashed line is what a network has that tells nothing apart: ln K of SwAV."
    knn Worth "kNN accuracy" "" Some(Chart { level: Some(Level::Pixels), ..PLAIN }), |r| Some(r.knn.as_ref()?.first()?.plain);
    "Share of test pictures whose nearest neighbours have the right label; the figure to watch. The dashed line is what raw pixels reach."
    chance Learning "Chance level" "nats" None, |r| r.chance;
    "The loss of a network that tells nothing apart: ln K of SwAV."
    accuracy Learning "Accuracy" "" Some(NOISY), |r| r.accuracy;
    "Share of right answers, of methods that ask questions: which picture a crop is of, or its class or cluster."
    code_entropy Health "Code entropy" "nats" Some(Chart { level: Some(Level::Chance), ..NOISY }), |r| r.code_entropy;
    "Mean entropy of a picture's code: ln K (dashed) says nothing, 0 is certain."
    prototypes_used Health "Prototypes used" "" Some(Chart { level: Some(Level::Prototypes), ..PLAIN }),
        |r| r.prototypes_used.map(|n| n as f64);
    "Prototypes that were the best one of some crop in the last 10 K crops. The dashed line is all of them."
    embedding_spread Health "Embedding spread" "" Some(NOISY), |r| Some(r.embedding_spread);
    "1 − the squared length of the mean embedding: 0 when all are the same, near 1 when they are spread."
    gradient_norm Learning "Gradient norm" "" Some(Chart { log: true, ..NOISY }), |r| Some(r.gradient_norm);
    "Norm of the whole gradient, in powers of ten."
    lr Learning "Learning rate" "" Some(PLAIN), |r| Some(r.lr);
    "The learning rate of each step."
    images_per_s Speed "Images per second" "1/s" Some(NOISY), |r| (r.images_per_s > 0.0).then_some(r.images_per_s);
    "Pictures trained on in a second since the last report, evaluation and checkpoints left out."
    wait_share Speed "Waiting for pictures" "" Some(NOISY), |r| Some(r.wait_share);
    "Share of the time in which the device waited for pictures."
    prototypes_dead Health "Prototypes not used" "" None, |r| r.prototypes_dead.map(|n| n as f64);
    "Prototypes that were not."
    prototypes_duplicated Health "Prototype copies" "" Some(PLAIN), |r| r.prototypes_duplicated.map(|n| n as f64);
    "Prototypes with an earlier twin (cosine above 0.99), as of the last evaluation."
    non_finite Health "Values that are not finite" "" None, |r| Some(r.non_finite as f64);
    "Values of the gradient that were NaN or infinite."
    loss_scale Health "Loss scale" "" None, |r| r.loss_scale;
    "With half precision: what gradients are multiplied by in the trunk."
    skipped_steps Health "Skipped steps" "" None, |r| r.skipped_steps.map(|n| n as f64);
    "With half precision: the steps so far that were left out because the scale was too large."
}

impl Figure {
    /// The figure of a key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<&'static Self> {
        FIGURES.iter().find(|figure| figure.key == key)
    }
}
