//! The arguments of `swav-wgpu eval`.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{ArgAction, Args, Subcommand, value_parser};

use crate::cli::flags::{Given, at_least_one};
use crate::cli::model::{self, Force, Looking, Pictures};
use crate::judge::{FinetuneOptions, LinearOptions, SEED};

/// Judge the features of a run or of any file of weights
#[derive(Args)]
#[command(
    long_about = "Judge the features of a run, or of any file of weights, on pictures with labels. The same is done \
                  with the same network untrained and with raw pixels: what training gained is the difference.",
    after_help = "Examples:\n  swav-wgpu eval knn runs/demo-1\n  swav-wgpu eval linear swav_800ep_pretrain.pth.tar \
                  --data imagenette --limit 5000\n  swav-wgpu eval finetune runs/demo-1 --labels 1\n  \
                  swav-wgpu eval clusters runs/photos --data photos --json\n  swav-wgpu eval knn runs/photos --data \
                  photos --label-file labels.csv"
)]
pub(in crate::cli) struct Eval {
    #[command(subcommand)]
    pub(super) measure: Measure,
}

/// What is measured.
#[derive(Subcommand)]
pub(super) enum Measure {
    Knn(Knn),
    Linear(Linear),
    Finetune(Finetune),
    Clusters(Clusters),
}

impl Measure {
    /// The word that was typed, and what all measures share.
    pub(super) fn parts(&self) -> (&'static str, &Shared) {
        match self {
            Self::Knn(knn) => ("knn", &knn.shared),
            Self::Linear(linear) => ("linear", &linear.shared),
            Self::Finetune(finetune) => ("finetune", &finetune.shared),
            Self::Clusters(clusters) => ("clusters", &clusters.shared),
        }
    }
}

/// What all measures take: network, pictures, and how results are shown.
#[derive(Args)]
pub(super) struct Shared {
    #[arg(value_name = "RUN|FILE", help = model::SOURCE)]
    pub(super) network: PathBuf,
    #[command(flatten)]
    pub(super) pictures: Pictures,
    /// A file with the labels of the pictures, in place of folders
    ///
    /// Labels of the pictures, for sets without a folder for each class: CSV, TSV or JSON lines, headed or not, with the
    /// picture's path or file name and its label, as in `photo 12.jpg,cat`. Columns are found by their usual names (path,
    /// file, image; label, class, category); a column `split` with train and test says which pictures ask. What the file
    /// says takes the place of the set's own classes, and judges only: no run is trained by it.
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    pub(super) label_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) force: Force,
    /// Pictures of each side of a split, at most, evenly spread
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = at_least_one())]
    pub(super) limit: usize,
    /// Print everything as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print a table by class too
    #[arg(long)]
    pub(super) classes: bool,
    /// Write this network's confusion matrix as a page
    #[arg(long, value_name = "FILE.html")]
    pub(super) confusion: Option<PathBuf>,
    #[command(flatten)]
    pub(super) settings: Given<Looking>,
}

/// The labels of the nearest pictures vote (cosine)
#[derive(Args)]
pub(super) struct Knn {
    #[command(flatten)]
    shared: Shared,
    /// How many neighbours, at most 256
    #[arg(long, value_name = "LIST", value_delimiter = ',', action = ArgAction::Set, default_value = "20,200")]
    pub(super) k: Vec<usize>,
    /// A neighbour's weight is exp(cosine / this)
    #[arg(long, value_name = "X", default_value_t = 0.07)]
    pub(super) temperature: f64,
}

/// What linear classifiers do where nothing else is said.
static LINEAR: LazyLock<LinearOptions> = LazyLock::new(LinearOptions::default);
/// Their rates as a list is typed.
static RATES: LazyLock<String> =
    LazyLock::new(|| LINEAR.rates.iter().map(f64::to_string).collect::<Vec<_>>().join(","));
/// Their weight decay as small numbers are typed.
static DECAY: LazyLock<String> = LazyLock::new(|| format!("{:e}", LINEAR.decay));

/// A linear classifier on the frozen network
#[derive(Args)]
#[command(
    long_about = "A linear classifier on the frozen network: SGD with momentum 0.9, cosine, initial weights \
                        N(0, 0.01).\n\nWithout --recipe the features of plain views are computed once and several \
                        learning rates are tried at once; a fifth of the training pictures chooses, and the test \
                        pictures are looked at once. With --recipe every epoch sees fresh crops and flips at rate \
                        0.3, as the official code does."
)]
pub(super) struct Linear {
    #[command(flatten)]
    shared: Shared,
    /// Learning rates to choose from
    #[arg(long, value_name = "LIST", value_delimiter = ',', action = ArgAction::Set, default_value = RATES.as_str())]
    pub(super) rates: Vec<f64>,
    /// Times that every picture is seen
    #[arg(long, value_name = "N", default_value_t = LINEAR.epochs, value_parser = at_least_one())]
    pub(super) epochs: usize,
    /// Pictures of a step
    #[arg(long, value_name = "N", default_value_t = LINEAR.batch, value_parser = at_least_one())]
    pub(super) batch: usize,
    /// Weight decay
    #[arg(long, value_name = "X", default_value = DECAY.as_str())]
    pub(super) decay: f64,
    /// Where initial weights, order and crops come from
    #[arg(long, value_name = "N", default_value_t = LINEAR.seed, value_parser = value_parser!(u64).range(1..))]
    pub(super) seed: u64,
    /// Fresh crops in every epoch
    #[arg(long)]
    pub(super) recipe: bool,
}

/// Percent of the labels that fine-tuning uses where nothing else is said, as in the paper's second table.
const LABELS: f64 = 10.0;
/// What it then does; other percentages change its rates only.
static FINETUNE: LazyLock<FinetuneOptions> = LazyLock::new(|| FinetuneOptions::of_labels(LABELS));

/// The whole network trained on a few labels
#[derive(Args)]
#[command(
    long_about = "Semi-supervised fine-tuning: of each class a few pictures keep their labels (at least one), and \
                  the whole network learns from them with a new linear classifier: SGD with momentum 0.9, no decay, \
                  fresh crops and flips, rates to a fifth at 60 % and 80 % of the epochs, as the official code does \
                  it. Beside it stand the same network from random weights, and a linear classifier on raw pixels \
                  with the same labels."
)]
pub(super) struct Finetune {
    #[command(flatten)]
    shared: Shared,
    /// Percent of the labels that are used
    #[arg(long, value_name = "X", default_value_t = LABELS, value_parser = percent)]
    pub(super) labels: f64,
    /// Times that every picture is seen
    #[arg(long, value_name = "N", default_value_t = FINETUNE.epochs, value_parser = at_least_one())]
    pub(super) epochs: usize,
    /// Pictures of a step, at most
    #[arg(long, value_name = "N", default_value_t = FINETUNE.batch, value_parser = at_least_one())]
    pub(super) batch: usize,
    /// Learning rate of the trunk [default: 0.01; below 3 % of labels 0.02]
    #[arg(long, value_name = "X")]
    pub(super) rate: Option<f64>,
    /// Learning rate of the classifier [default: 0.2; below 3 % of labels 5]
    #[arg(long, value_name = "X")]
    pub(super) head_rate: Option<f64>,
    /// Which labels are used; where classifier, order and crops come from
    #[arg(long, value_name = "N", default_value_t = FINETUNE.seed, value_parser = value_parser!(u64).range(1..))]
    pub(super) seed: u64,
}

/// A number, or a word to whoever means the labels themselves.
fn percent(text: &str) -> Result<f64, String> {
    let said = "this is how many percent of the labels are used, such as 10; a file with labels is named by `--label-file`";
    text.parse().map_err(|_| said.to_owned())
}

/// What clusters say about the labels (NMI, ARI, purity)
#[derive(Args)]
pub(super) struct Clusters {
    #[command(flatten)]
    shared: Shared,
    /// Clusters of k-means [default: the number of classes]
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    pub(super) clusters: Option<usize>,
    /// Where k-means starts
    #[arg(long, value_name = "N", default_value_t = SEED, value_parser = value_parser!(u64).range(1..))]
    pub(super) seed: u64,
}
