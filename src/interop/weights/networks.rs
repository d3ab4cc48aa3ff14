//! The networks among the tensors of a file, the one that is taken, and its names in torchvision's words.

use super::super::Shapes;
use super::heads::Trunk;
use super::names::Layout;
use std::collections::BTreeMap;

/// A ResNet among the tensors of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    /// What stands before the names of its tensors, the last dot included.
    prefix: String,
    layout: Layout,
}

/// The rank of the network that is trained.
const TRAINED: u32 = 1;

/// What a checkpoint has beside the network.
const NOT_WEIGHTS: [&str; 6] = ["optimizer.", "queue", "target.", "bank.", "centroids.", "labels"];

/// Whether a tensor of a checkpoint belongs to the network.
#[must_use]
pub fn is_weight(name: &str) -> bool {
    !NOT_WEIGHTS.iter().any(|other| name.starts_with(other))
}

impl Network {
    /// Every ResNet that the names and shapes show, in the order in which they are preferred.
    ///
    /// The rule, where a file holds several: a teacher or an average of weights (`teacher`, `ema`) comes first,
    /// because their authors judge by it (DINO, and trainers that keep an average); then the network that was trained
    /// (`encoder_q` of MoCo, `online` of BYOL, or no word at all); then a `student`; last the slow copy that only
    /// makes targets (`encoder_k`, `momentum`, `target`). Among equals the one with the shortest path comes first.
    pub(super) fn all(shapes: &Shapes) -> Vec<Self> {
        let mut found: Vec<Self> = shapes.keys().filter_map(|name| Self::begins_at(name, shapes)).collect();
        found.sort_by_key(|network| (network.rank(), network.prefix.len(), network.prefix.clone()));
        found.dedup();
        found
    }

    fn begins_at(name: &str, shapes: &Shapes) -> Option<Self> {
        let (layout, prefix) = Layout::ALL.into_iter().find_map(|layout| {
            let prefix = name.strip_suffix(layout.stem())?;
            (prefix.is_empty() || prefix.ends_with('.')).then_some((layout, prefix))
        })?;
        let is_whole = shapes.get(name)?.len() == 4 && layout.has_stages(prefix, shapes);
        is_whole.then(|| Self { prefix: prefix.to_owned(), layout })
    }

    fn rank(&self) -> u32 {
        let path = self.prefix.to_lowercase();
        let words: Vec<&str> = path.split(['.', '_']).collect();
        let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
        match () {
            () if has(&["teacher", "ema"]) => 0,
            () if has(&["student"]) => 2,
            () if has(&["k", "key", "momentum", "target"]) => 3,
            () => TRAINED,
        }
    }

    /// The path to it, as a person names it; empty where its names stand at the top.
    pub(super) fn path(&self) -> &str {
        self.prefix.trim_end_matches('.')
    }

    /// Whether `key` is its path, or whole words at the start, in the middle or at the end of it.
    pub(super) fn is_called(&self, key: &str) -> bool {
        format!(".{}", self.prefix).contains(&format!(".{}.", key.trim_matches('.')))
    }

    /// Its tensors: the names in the file with those of torchvision, and of the official head and prototypes, which
    /// may stand beside the trunk and have other trainers' names. What belongs to `others` is left out.
    pub(super) fn names(&self, shapes: &Shapes, others: &[Self]) -> BTreeMap<String, String> {
        let stages = self.layout.stages(&self.prefix, shapes);
        // A network without a prefix would own every tensor of the file.
        let within =
            |other: &&Self| other.prefix.len() > self.prefix.len() && other.prefix.starts_with(&self.prefix);
        let inner: Vec<&str> = others.iter().filter(within).map(|other| other.prefix.as_str()).collect();
        let own = |name: &String| {
            let is_of_another = inner.iter().any(|prefix| name.starts_with(prefix));
            let rest = name.strip_prefix(&self.prefix).filter(|_| !is_of_another)?;
            Some((name.clone(), self.layout.rename(rest, &stages)))
        };
        let mut names: BTreeMap<String, String> =
            shapes.keys().filter_map(own).filter(|(_, new)| is_weight(new)).collect();
        let features = names.iter().filter(|(_, new)| new.starts_with("layer"));
        let features = features.filter_map(|(name, _)| shapes.get(name)?.first().copied()).max().unwrap_or(0);
        // A slow copy or a teacher does not own what stands beside it and the network that is trained.
        let owns = |path: &str| {
            let there = others.iter().filter(|other| other.prefix.starts_with(path)).count();
            there <= 1 || self.rank() == TRAINED
        };
        let trunk = Trunk { prefix: &self.prefix, features, owns: &owns };
        names.extend(trunk.heads(shapes));
        names
    }
}
