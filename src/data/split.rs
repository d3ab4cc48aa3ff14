//! How the labelled pictures of a set are split into those that vote and those that ask.

use crate::rng::{Purpose, Stream};

/// One way to judge features by nearest neighbours: labels of the bank predict those of the queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What the results are called, for instance `test` or `held-out`.
    pub name: String,
    /// Pictures whose labels are known to the classifier.
    pub bank: Vec<u32>,
    /// Pictures whose labels must be predicted.
    pub queries: Vec<u32>,
}

/// Holds out a fifth of every class (at least one picture of two or more), chosen by a hash of the
/// pictures' names: the same for every run, seed and machine.
pub(super) fn held_out(labels: &[Option<u32>], classes: usize, name: impl Fn(u32) -> String) -> Split {
    let mut members = vec![Vec::new(); classes];
    for (picture, label) in (0..).zip(labels) {
        if let Some(label) = label {
            let bytes: Vec<u64> = name(picture).bytes().map(u64::from).collect();
            let rank = Stream::new(0, Purpose::Name, &bytes).bits();
            members[*label as usize].push((rank, picture));
        }
    }
    let (mut bank, mut queries) = (Vec::new(), Vec::new());
    for mut class in members {
        class.sort_unstable();
        let held = if class.len() < 2 { 0 } else { (class.len() / 5).max(1) };
        queries.extend(class[..held].iter().map(|&(_, picture)| picture));
        bank.extend(class[held..].iter().map(|&(_, picture)| picture));
    }
    bank.sort_unstable();
    queries.sort_unstable();
    Split { name: "held-out".into(), bank, queries }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_takes_a_fifth_of_each_class() {
        let labels: Vec<Option<u32>> = (0..100)
            .map(|i| if i == 99 { None } else { Some(u32::from(i >= 60)) })
            .chain([Some(2)])
            .collect();
        let split = held_out(&labels, 3, |i| format!("{i}.png"));
        let count = |class| split.queries.iter().filter(|&&p| labels[p as usize] == Some(class)).count();
        assert_eq!((count(0), count(1), count(2)), (12, 7, 0));
        assert_eq!(split.bank.len() + split.queries.len(), 100);
        assert_eq!(split, held_out(&labels, 3, |i| format!("{i}.png")));
        assert_ne!(split.queries[..12], (0..12).collect::<Vec<_>>());
    }
}
