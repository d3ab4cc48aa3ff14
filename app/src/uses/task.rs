//! What the worker of a network is told to do, and what it tells.

use crate::engine::Failure;
use crate::engine::digest::Map;
use crate::engine::unfold::Folded;
use image::RgbImage;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use swav_wgpu::config::Config;
use swav_wgpu::data::LabelFile;
use swav_wgpu::judge::Table;
use swav_wgpu::pass::Progress;
use swav_wgpu::uses::embed::What;
use swav_wgpu::uses::export::Format;
use swav_wgpu::uses::sort::{How, Sorted};

/// Which pictures a network is to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Those that it was trained on, where it knows them.
    #[default]
    Own,
    /// The built-in drawings.
    BuiltIn,
    /// A folder, or any other source.
    At(PathBuf),
}

/// What pictures are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// Clusters of these pictures (k-means on the features).
    #[default]
    Clusters,
    /// The prototypes of the network: pictures that come later go where their like went before.
    Prototypes,
}

/// What look-alikes are looked for of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A picture of the set, by its number.
    Picture(u32),
    /// Any file.
    File(PathBuf),
}

/// Something to do.
#[derive(Clone, Debug)]
pub enum Task {
    /// Opens pictures and looks at all of them.
    Look(Choice),
    /// Puts the pictures into so many groups.
    Group(By, usize),
    /// Finds so many look-alikes.
    Find(Query, usize),
    /// Puts the files of the pictures into the folders of their groups.
    Sort(Plan),
    /// Writes the weights.
    Weights {
        /// How.
        format: Format,
        /// Whether the projection head and the prototypes are left out.
        trunk_only: bool,
        /// The file.
        out: PathBuf,
    },
    /// Writes what the network says of the pictures; the ending of the file says how.
    Features(What, PathBuf),
    /// Writes the page of the run.
    Page(PathBuf),
    /// Judges the network beside its untrained self and raw pixels.
    Judge {
        /// Whether linear classifiers are trained, which takes longest.
        linear: bool,
        /// Pictures of each side of a split, at most.
        limit: usize,
        /// A file of labels to judge by, in place of the pictures' own.
        labels: Option<PathBuf>,
    },
}

/// A sort as a person settled it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The group of each picture that was looked at, in order.
    pub groups: Vec<u32>,
    /// The folder of each group.
    pub names: Vec<String>,
    /// Where the folders go.
    pub into: PathBuf,
    /// How the files get there.
    #[serde(with = "how")]
    pub how: How,
}

/// How files get to their groups, as text.
pub(super) mod how {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use swav_wgpu::uses::sort::How;

    pub(in crate::uses) fn serialize<S: Serializer>(how: &How, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(how.name())
    }

    pub(in crate::uses) fn deserialize<'t, D: Deserializer<'t>>(from: D) -> Result<How, D::Error> {
        let name = String::deserialize(from)?;
        let found = How::ALL.into_iter().find(|how| how.name() == name);
        found.ok_or_else(|| de::Error::custom(format!("no way to sort is called {name}")))
    }
}

/// The kinds of tasks, for buttons and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Loading the network.
    Open,
    /// [`Task::Look`].
    Look,
    /// [`Task::Group`].
    Group,
    /// [`Task::Find`].
    Find,
    /// [`Task::Sort`].
    Sort,
    /// Writing a file.
    Write,
    /// [`Task::Judge`].
    Judge,
}

impl Task {
    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Look(_) => Kind::Look,
            Self::Group(..) => Kind::Group,
            Self::Find(..) => Kind::Find,
            Self::Sort(_) => Kind::Sort,
            Self::Weights { .. } | Self::Features(..) | Self::Page(_) => Kind::Write,
            Self::Judge { .. } => Kind::Judge,
        }
    }
}

/// A network in words.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Its architecture.
    pub network: String,
    /// The adapter that it runs on.
    pub adapter: String,
    /// Whether that is the processor.
    pub software: bool,
    /// How many prototypes it has.
    pub prototypes: usize,
    /// Whether it has a projection head, so that there are embeddings.
    pub embeds: bool,
    /// The pictures that it was trained on, where it knows that: `Some(None)` is the built-in set.
    pub trained_on: Option<Option<PathBuf>>,
    /// Which of several networks of the file it is.
    pub notice: Option<String>,
}

/// All pictures of a set, as a network sees them.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The settings that the set is opened by.
    pub config: Config,
    /// Where the set lies; `None` is the built-in one.
    pub place: Option<PathBuf>,
    /// The numbers of the pictures that could be read, ascending: the rows of everything else.
    pub pictures: Vec<u32>,
    /// What they are called, each by its row.
    pub names: Vec<String>,
    /// The names of those that could not, with the reasons.
    pub unreadable: Vec<(String, String)>,
    /// What was left out when the set was listed.
    pub notices: Vec<String>,
    /// Whether the pictures are files of their own, so that they can be linked to.
    pub files: bool,
    /// Pictures and prototypes on a plane.
    pub map: Arc<Map>,
    /// What that can be unfolded from.
    pub folded: Arc<Folded>,
}

/// What the worker tells.
#[derive(Debug)]
pub enum News {
    /// It begins with something.
    Began(Kind),
    /// How far it is.
    Progress(Progress),
    /// The network is loaded.
    About(Box<About>),
    /// The pictures were looked at.
    Seen(Box<Seen>),
    /// The group of each row, and how typical the row is of it.
    Grouped(By, Vec<u32>, Vec<f32>),
    /// Look-alikes, nearest first, with their cosines.
    Found {
        /// Of what.
        query: Query,
        /// A picture of it, small enough to be shown.
        image: Box<RgbImage>,
        /// The look-alikes.
        near: Vec<(u32, f32)>,
    },
    /// What a sort did.
    Sorted(Plan, Sorted),
    /// A file was written.
    Wrote(PathBuf, String),
    /// Tables of judgements, and what the file of labels said, where there was one.
    Judged(Vec<Table>, Option<LabelFile>),
    /// What began has ended.
    Ended(Kind, Result<(), Failure>),
}
