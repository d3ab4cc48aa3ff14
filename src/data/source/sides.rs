//! Which part of a set a name speaks of: one rule for folders, files, archives and columns of tables.
//!
//! A name comes apart at everything that is no letter or digit, where a capital follows a small letter,
//! and where letters meet digits: `seg_train`, `PublicTest`, `val2017`. The last word that is known counts,
//! because folders come before file names.

use std::collections::{BTreeMap, BTreeSet};

/// A part of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Trained on, and the bank of every split.
    Train,
    /// Trained on where there is a train part, and nothing else.
    Unlabelled,
    /// Only judged by, under this name.
    Held(&'static str),
    /// Nothing is said.
    Plain,
}

const WORDS: [(&str, Side); 17] = [
    ("train", Side::Train),
    ("training", Side::Train),
    ("unlabeled", Side::Unlabelled),
    ("unlabelled", Side::Unlabelled),
    ("unsupervised", Side::Unlabelled),
    ("extra", Side::Unlabelled),
    ("test", Side::Held("test")),
    ("testing", Side::Held("test")),
    ("t10k", Side::Held("test")),
    ("val", Side::Held("val")),
    ("valid", Side::Held("val")),
    ("validation", Side::Held("val")),
    ("validate", Side::Held("val")),
    ("dev", Side::Held("dev")),
    ("eval", Side::Held("eval")),
    ("evaluation", Side::Held("eval")),
    ("holdout", Side::Held("holdout")),
];

/// Words that say nothing about what a folder holds.
const NEUTRAL: [&str; 14] = [
    "set", "data", "dataset", "images", "image", "imgs", "img", "pictures", "photos", "pics", "jpg", "jpeg",
    "png", "split",
];

impl Side {
    /// What the words of a name say: `train-00003-of-00010.parquet`, `val/0001.tar`, `x_test`, `Testing`.
    pub(super) fn of(name: &str) -> Self {
        words(name).iter().rev().find_map(|word| known(word)).unwrap_or(Self::Plain)
    }
}

/// What one word says; `trainset` is `train`.
fn known(word: &str) -> Option<Side> {
    let find = |word: &str| WORDS.iter().find(|(known, _)| *known == word).map(|&(_, side)| side);
    find(word).or_else(|| NEUTRAL.iter().find_map(|tail| find(word.strip_suffix(tail)?)))
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in name.split(|c: char| !c.is_alphanumeric()) {
        // Words with a digit of their own.
        if known(&run.to_lowercase()).is_some() {
            words.push(run.to_lowercase());
            continue;
        }
        let (mut word, mut before) = (String::new(), None);
        for letter in run.chars() {
            let breaks = before.is_some_and(|before: char| {
                before.is_lowercase() && letter.is_uppercase() || before.is_numeric() != letter.is_numeric()
            });
            if breaks {
                words.push(std::mem::take(&mut word));
            }
            word.extend(letter.to_lowercase());
            before = Some(letter);
        }
        words.push(word);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The folders, of several that stand side by side, that are parts of a set.
///
/// A train folder is one only beside another part whose name is the same but for the word of the part, as
/// `seg_train` and `seg_test` are: `train` alone may be a vehicle, and `bullet train` beside `test tube` are
/// two classes.
pub(super) fn folders(names: &BTreeSet<String>) -> BTreeMap<String, Side> {
    let mut groups: BTreeMap<Vec<String>, Vec<(String, Side)>> = BTreeMap::new();
    for name in names {
        let side = Side::of(name);
        if side != Side::Plain {
            let rest = words(name).into_iter();
            let rest = rest.filter(|word| known(word).is_none() && !NEUTRAL.contains(&&**word));
            groups.entry(rest.collect()).or_default().push((name.clone(), side));
        }
    }
    let whole = |group: &Vec<(String, Side)>| {
        let trained = group.iter().filter(|(_, side)| *side == Side::Train).count();
        0 < trained && trained < group.len()
    };
    groups.into_values().filter(whole).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_part_of_a_set_a_file_is() {
        let sides = [
            ("data/train-00000-of-00002.parquet", Side::Train),
            ("default/test/0000.parquet", Side::Held("test")),
            ("t10k-images-idx3-ubyte", Side::Held("test")),
            ("imagenet-val-000.tar", Side::Held("val")),
            ("unlabeled_X.bin", Side::Unlabelled),
            ("y_train.npy", Side::Train),
            ("trains/shard-0.tar", Side::Plain),
            ("train/test-3.tar", Side::Held("test")),
            ("Training", Side::Train),
            ("PublicTest", Side::Held("test")),
            ("val2017", Side::Held("val")),
            ("VALIDATION_set", Side::Held("val")),
            ("trainset", Side::Train),
            ("testimony", Side::Plain),
            ("latest", Side::Plain),
        ];
        for (name, side) in sides {
            assert_eq!(Side::of(name), side, "{name}");
        }
    }

    #[test]
    fn folders_are_parts_where_their_names_differ_in_nothing_else() {
        let parts = |names: &[&str]| {
            let found = folders(&names.iter().map(|name| (*name).to_owned()).collect());
            found.into_keys().collect::<Vec<_>>().join(" ")
        };
        for (names, expected) in [
            (&["Test", "Train"][..], "Test Train"),
            (&["Testing", "Training"], "Testing Training"),
            (&["seg_pred", "seg_test", "seg_train"], "seg_test seg_train"),
            (&["train_images", "valid"], "train_images valid"),
            (&["train2017", "val2017"], "train2017 val2017"),
            (&["asl_alphabet_test", "asl_alphabet_train"], "asl_alphabet_test asl_alphabet_train"),
            (&["train", "unlabeled"], "train unlabeled"),
            (&["bus", "train", "tram"], ""),
            (&["bullet train", "test tube"], ""),
            (&["test", "val"], ""),
        ] {
            assert_eq!(parts(names), expected, "{names:?}");
        }
    }
}
