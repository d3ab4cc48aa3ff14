//! What the sources of numbered pictures have in common: labels from numbers or words, and what the
//! parts of a set (train, test, unlabelled) mean for training and evaluation.

use std::path::Path;

use super::super::dataset::{Listing, Pictures, Split};
use super::super::pages::Picked;
use super::super::split::held_out;
use super::exclude::Exclude;
pub(super) use super::sides::Side;
use crate::error::{Error, Result};

/// A set as its files describe it.
pub(super) struct Table {
    /// Class names; empty where there are no labels.
    pub(super) classes: Vec<String>,
    /// One entry a picture.
    pub(super) labels: Vec<Option<u32>>,
    /// Which part of the set each run of pictures belongs to, and how many they are.
    pub(super) sides: Vec<(Side, u32)>,
    pub(super) pictures: Box<dyn Pictures>,
    /// What a person should know.
    pub(super) notices: Vec<String>,
}

impl Table {
    /// The listing of this set, called `name`, at `path`; picture names are below `root`.
    pub(super) fn listing(mut self, name: String, path: &Path, root: &Path) -> Result<Listing> {
        if self.labels.is_empty() {
            return Err(Error::Data { path: path.to_owned(), reason: "it holds no pictures".into() });
        }
        if u32::try_from(self.labels.len()).is_err() {
            let reason = "more than 4 billion pictures; name a part of them".into();
            return Err(Error::Data { path: path.to_owned(), reason });
        }
        if self.classes.len() < 2 {
            self.classes.clear();
            self.labels.fill(None);
        }
        let named = |picture: u32| self.pictures.name(picture);
        let (pretrain, splits) = parts(self.classes.len(), &self.labels, &self.sides, named);
        Ok(Listing {
            name,
            path: path.to_owned(),
            root: root.to_owned(),
            classes: self.classes,
            labels: self.labels,
            pretrain,
            splits,
            pictures: self.pictures.into(),
            notices: self.notices,
        })
    }

    /// The pictures whose names no pattern hits, for sources that list rows instead of files.
    pub(super) fn without(self, exclude: &Exclude) -> Self {
        let hits = |at: u32| exclude.hits(self.pictures.name(at).as_ref());
        let kept: Vec<u32> = (0..self.labels.len() as u32).filter(|&at| !hits(at)).collect();
        if kept.len() == self.labels.len() {
            return self;
        }
        let sides =
            self.sides.iter().flat_map(|&(side, count)| (0..count).map(move |_| side)).collect::<Vec<_>>();
        Self {
            labels: kept.iter().map(|&at| self.labels[at as usize]).collect(),
            sides: kept.iter().map(|&at| (sides[at as usize], 1)).collect(),
            pictures: Box::new(Picked::some(self.pictures.into(), &kept)),
            ..self
        }
    }
}

/// Pictures to train on, and splits: where there is a train part, every other labelled part is a split of its name; else
/// all are trained on, and a fifth of every class is held out as queries. `sides` are runs of pictures with the part that
/// they belong to, `name` names a picture.
pub(super) fn parts(
    classes: usize,
    labels: &[Option<u32>],
    sides: &[(Side, u32)],
    name: impl Fn(u32) -> String,
) -> (Vec<u32>, Vec<Split>) {
    let has = |wanted: fn(&Side) -> bool| sides.iter().any(|(side, count)| *count > 0 && wanted(side));
    let trained = has(|side| *side == Side::Train);
    if !trained || !has(|side| matches!(side, Side::Held(_))) {
        let all: Vec<u32> = (0..labels.len() as u32).collect();
        if classes == 0 {
            return (all, Vec::new());
        }
        // Forward slashes, so that the choice is the same on every system.
        let name = |picture: u32| name(picture).replace('\\', "/");
        return (all, vec![held_out(labels, classes, name)]);
    }
    let of = |wanted: &dyn Fn(Side) -> bool| -> Vec<u32> {
        let mut first = 0;
        let mut found = Vec::new();
        for &(side, count) in sides {
            if wanted(side) {
                found.extend(first..first + count);
            }
            first += count;
        }
        found
    };
    let labelled = |mut pictures: Vec<u32>| {
        pictures.retain(|&picture| labels[picture as usize].is_some());
        pictures
    };
    let pretrain = of(&|side| matches!(side, Side::Train | Side::Unlabelled));
    let bank = labelled(of(&|side| side == Side::Train));
    let mut names: Vec<&'static str> = Vec::new();
    for (side, _) in sides {
        if let Side::Held(name) = side
            && !names.contains(name)
        {
            names.push(name);
        }
    }
    let split = |name: &&'static str| Split {
        name: (*name).into(),
        bank: bank.clone(),
        queries: labelled(of(&|side| side == Side::Held(name))),
    };
    let splits = names.iter().map(split).filter(|split| !split.queries.is_empty()).collect();
    (pretrain, splits)
}

/// Classes from numbers: `names` by number where it names them all, else the numbers in order.
/// Negative numbers mean that the class is not known.
pub(super) fn from_numbers(numbers: &[Option<i64>], names: Vec<String>) -> (Vec<String>, Vec<Option<u32>>) {
    let known = || numbers.iter().flatten().copied().filter(|number| *number >= 0);
    if known().all(|number| number < names.len() as i64) && !names.is_empty() {
        let label = |number: &Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        return (names, numbers.iter().map(label).collect());
    }
    let mut distinct: Vec<i64> = known().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let label = |number: &Option<i64>| Some(distinct.binary_search(&(*number)?).ok()? as u32);
    let labels = numbers.iter().map(label).collect();
    (distinct.iter().map(i64::to_string).collect(), labels)
}

/// Classes from words; where all are numbers they are sorted as numbers.
pub(super) fn from_words(words: &[Option<String>]) -> (Vec<String>, Vec<Option<u32>>) {
    let number = |word: &Option<String>| word.as_ref().map(|word| word.parse::<i64>().ok());
    let numbers: Vec<Option<Option<i64>>> = words.iter().map(number).collect();
    if numbers.iter().flatten().all(Option::is_some) {
        let numbers: Vec<Option<i64>> = numbers.into_iter().map(Option::flatten).collect();
        return from_numbers(&numbers, Vec::new());
    }
    let mut classes: Vec<String> = words.iter().flatten().cloned().collect();
    classes.sort_unstable();
    classes.dedup();
    let label = |word: &Option<String>| Some(classes.binary_search(word.as_ref()?).ok()? as u32);
    let labels = words.iter().map(label).collect();
    (classes, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_become_classes() {
        let names = || vec!["cat".to_owned(), "dog".to_owned()];
        let (classes, labels) = from_numbers(&[Some(1), None, Some(-1), Some(0)], names());
        assert_eq!((classes, labels), (names(), vec![Some(1), None, None, Some(0)]));
        let (classes, labels) = from_numbers(&[Some(10), Some(2), Some(10)], names());
        assert_eq!(classes, ["2", "10"]);
        assert_eq!(labels, [Some(1), Some(0), Some(1)]);
        let word = |text: &str| Some(text.to_owned());
        assert_eq!(from_words(&[word("10"), word("9"), None]).0, ["9", "10"]);
        let (classes, labels) = from_words(&[word("10"), word("b"), None]);
        assert_eq!((classes.len(), labels), (2, vec![Some(0), Some(1), None]));
    }
}
