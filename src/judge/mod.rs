//! Examining a network: the same pictures, splits and measures for the trained network, the same network
//! untrained, and raw pixels, each of which is a *source* of features here.
//!
//! | file | what |
//! |---|---|
//! | `panel` | the pictures of a judgement, and what their neighbours say: for both of the next |
//! | `run` | the judge of a run, between its steps |
//! | `sample` | which pictures a run looks at |
//! | `whole` | judging by all pictures, at the end of a run |
//! | `finder` | who finds neighbours: the device or the processor |
//! | `rehearsal` | what a run's looks take |
//! | `accuracy` | shares of right answers |
//! | `device` | search, linear classifiers and fine-tuning as plans on the device |
//! | `nearest` | kNN, exact, on the device |
//! | `linear` | linear classifiers on cached features, or on fresh crops as in the recipe |
//! | `finetune` | the whole network on a few labels |
//! | `clusters` | what clusters say about the labels |
//! | `fresh` | random crops for classifiers that learn |
//! | `table` | results as tables for people |

mod accuracy;
mod clusters;
pub mod device;
mod finder;
mod finetune;
mod fresh;
mod linear;
mod nearest;
mod panel;
mod rehearsal;
pub(crate) mod run;
mod sample;
mod table;
pub(crate) mod whole;

pub use accuracy::{Pair, SplitAccuracy, margin};
pub use clusters::{Clustering, clusters};
pub use finetune::{FinetuneOptions, FinetuneResult, finetune};
pub use linear::{LinearOptions, LinearResult, linear};
pub use nearest::{NearestResult, nearest};
pub use panel::NearestOptions;
pub(crate) use sample::USUAL;
pub use table::{Judged, Table};

use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::eval::{Features, Near};
use crate::judge::device::search::Search;
use crate::pass::{self, Watch};
use crate::trained::Model;
use crate::trained::views::ASKING;
use panel::{Panel, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where features come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureSource {
    /// Raw pixels of a small copy of the picture: the least that a network has to beat.
    RawPixels,
    /// The network with random weights.
    Untrained,
    /// The network of the file.
    Trained,
}

impl FeatureSource {
    /// All, in the order of tables.
    pub const ALL: [Self; 3] = [Self::RawPixels, Self::Untrained, Self::Trained];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RawPixels => "raw pixels",
            Self::Untrained => "untrained network",
            Self::Trained => "this network",
        }
    }
}

/// What one source says of a picture set, a row a picture.
#[derive(Clone, Debug)]
pub struct Described {
    /// Where it comes from.
    pub source: FeatureSource,
    /// Features.
    pub features: Features,
    /// Best prototype of each picture, where there are prototypes.
    pub prototypes: Option<Vec<u32>>,
}

/// Pictures under examination, with what the sources say of them.
#[derive(Debug)]
pub struct Examination<'a> {
    model: &'a Model,
    dataset: &'a Dataset,
    panel: Panel,
    described: Vec<Described>,
}

/// The seed of the untrained network, where it has none of its own.
pub const SEED: u64 = 31;

impl<'a> Examination<'a> {
    /// Looks at the pictures of all splits, or at all pictures where there are none: at most `limit` of each
    /// side of a split, evenly spread. Every look is a pass.
    ///
    /// # Errors
    /// [`Error::Data`] where no picture can be read; what the driver reports; [`Error::Stopped`] where a pass
    /// is.
    pub fn new(model: &'a Model, dataset: &'a Dataset, limit: usize, watch: &mut Watch<'_>) -> Result<Self> {
        Self::of(model, dataset, limit, &FeatureSource::ALL, watch)
    }

    /// The same with some of the sources only.
    ///
    /// # Errors
    /// As [`Examination::new`].
    pub fn of(
        model: &'a Model,
        dataset: &'a Dataset,
        limit: usize,
        sources: &[FeatureSource],
        watch: &mut Watch<'_>,
    ) -> Result<Self> {
        let mut panel = Panel::of_all(dataset, limit);
        let seed = model.config().map_or(SEED, |config| config.seed);
        let untrained =
            sources.contains(&FeatureSource::Untrained).then(|| model.untrained(seed)).transpose()?;
        let trained = sources.contains(&FeatureSource::Trained).then_some(model);
        let mut described = Vec::new();
        for (source, network) in
            [(FeatureSource::Untrained, untrained.as_ref()), (FeatureSource::Trained, trained)]
        {
            if let Some(network) = network {
                described.push(describe(source, network, dataset, &mut panel, watch)?);
            }
        }
        // A picture that cannot be read is left out of everything.
        let looked_at = panel.pictures.len();
        let kept = panel.drop_unreadable();
        if kept.is_empty() {
            let reason = format!("none of {looked_at} pictures can be read");
            return Err(Error::Data { path: dataset.path().to_owned(), reason });
        }
        for one in &mut described {
            one.features = one.features.select(&kept);
            one.prototypes = one.prototypes.take().map(|all| kept.iter().map(|&row| all[row]).collect());
        }
        if sources.contains(&FeatureSource::RawPixels) {
            let features = panel.pixels(dataset, watch)?;
            described.insert(0, Described { source: FeatureSource::RawPixels, features, prototypes: None });
        }
        Ok(Self { model, dataset, panel, described })
    }

    /// Pictures that could not be read, with the reasons.
    #[must_use]
    pub fn unreadable(&self) -> &BTreeMap<u32, String> {
        &self.panel.unreadable
    }

    /// The splits that are examined.
    #[must_use]
    pub fn splits(&self) -> &[Split] {
        &self.panel.splits
    }

    /// What the sources say, a row for each picture that could be read.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// Rows and labels of those of `wanted` that can be read and have a label.
    fn labelled(&self, wanted: &[u32]) -> Side {
        self.panel.labelled(self.dataset, wanted)
    }

    /// Both sides of a split, where each has a picture with a label.
    fn sides(&self, split: &Split) -> Option<[Side; 2]> {
        self.panel.sides(self.dataset, split)
    }

    /// The pictures that could be read: the rows of all features.
    fn pictures(&self) -> &[u32] {
        &self.panel.pictures
    }

    /// Whether some split has labels on both sides.
    #[must_use]
    pub fn has_labels(&self) -> bool {
        self.panel.splits.iter().any(|split| self.sides(split).is_some())
    }

    /// The class of the picture of a row, where it is known.
    #[must_use]
    pub fn label(&self, row: usize) -> Option<u32> {
        self.dataset.label(*self.panel.pictures.get(row)?)
    }

    /// The names of the classes.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.dataset.classes()
    }

    /// The error of a set without labels.
    fn need_labels(&self) -> Result<()> {
        if self.has_labels() {
            return Ok(());
        }
        let reason =
            "these pictures have no labels to judge by: put each class into a folder of its own, name a file of \
             labels (`--label-file`), or use `eval clusters`, which needs none"
                .to_owned();
        Err(Error::Data { path: self.dataset.path().to_owned(), reason })
    }
}

/// The `k` nearest rows of `bank` for each row of `queries` by cosine, on the network's device.
///
/// # Errors
/// [`Error::Config`] for k of 0 or over 256; what the driver reports.
pub fn search(model: &Model, bank: &Features, queries: &Features, k: usize) -> Result<Vec<Vec<Near>>> {
    search_watched(model, bank, queries, k, &mut pass::unwatched)
}

/// The same as a pass over the queries.
///
/// # Errors
/// Likewise; [`Error::Stopped`] where the pass is.
pub fn search_watched(
    model: &Model,
    bank: &Features,
    queries: &Features,
    k: usize,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<Near>>> {
    pass::run(ASKING, queries.rows, watch, |pass| {
        let search = Search::new(model.gpu(), bank.dim, k, bank.rows, queries.rows)?;
        search.nearest_in(pass, &bank.unit(None), &queries.unit(None))
    })
}

/// Features and best prototypes of the pictures; rows of unreadable ones are of a blank picture.
fn describe(
    source: FeatureSource,
    model: &Model,
    dataset: &Dataset,
    panel: &mut Panel,
    watch: &mut Watch<'_>,
) -> Result<Described> {
    let (mut data, mut best) = (Vec::new(), Vec::new());
    let then = |views: &[f32], readable: &[bool]| {
        let seen = model.look(views, readable.len())?;
        data.extend_from_slice(&seen.features.data);
        best.extend(model.assign(&seen).into_iter().flatten().map(|(prototype, _)| prototype));
        Ok(())
    };
    let pictures = panel.pictures.clone();
    panel.look(dataset, model.viewing(), &pictures, watch, then)?;
    let features = Features::new(pictures.len(), model.feature_count(), data)?;
    let prototypes = (model.prototype_count() > 0).then_some(best);
    Ok(Described { source, features, prototypes })
}
