//! Some of many things, evenly spread: which of `0..all` stand for all of them.
//!
//! Both functions part `0..all` into `most` parts whose sizes differ by one at most, and take one of each; they take
//! all where there are not more. What is trained, judged and shown depends on which, so the rules stay as they are.

use super::Split;

/// The first of each part: it begins with 0, and more are often asked for of a set that grows.
pub fn firsts(all: usize, most: usize) -> impl ExactSizeIterator<Item = usize> {
    let parts = most.min(all);
    (0..parts).map(move |part| place(part as u64, all, parts))
}

/// The middle of each part: for a few that people look at, where neither end should stand out.
pub fn middles(all: usize, most: usize) -> impl ExactSizeIterator<Item = usize> {
    let parts = most.min(all);
    (0..parts).map(move |part| place(2 * part as u64 + 1, all, 2 * parts))
}

/// At most `most` of the pictures, evenly spread.
#[must_use]
pub fn some_of(pictures: &[u32], most: usize) -> Vec<u32> {
    firsts(pictures.len(), most).map(|at| pictures[at]).collect()
}

/// Splits of at most `most` pictures on each side, evenly spread, and all pictures of them in ascending order.
#[must_use]
pub fn thinned(splits: &[Split], most: usize) -> (Vec<Split>, Vec<u32>) {
    let thin = |split: &Split| Split {
        name: split.name.clone(),
        bank: some_of(&split.bank, most),
        queries: some_of(&split.queries, most),
    };
    let splits: Vec<Split> = splits.iter().map(thin).collect();
    let mut pictures: Vec<u32> =
        splits.iter().flat_map(|split| split.bank.iter().chain(&split.queries).copied()).collect();
    pictures.sort_unstable();
    pictures.dedup();
    (splits, pictures)
}

/// `all · part / parts`, in 64 bits on every machine.
fn place(part: u64, all: usize, parts: usize) -> usize {
    (part * all as u64 / parts as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_equal_size_and_one_of_each_is_taken() {
        assert_eq!(firsts(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(middles(10, 4).collect::<Vec<_>>(), [1, 3, 6, 8]);
        for (all, most) in [(0, 5), (1, 1), (3, 6), (7, 7), (97, 10), (1000, 999)] {
            for chosen in [firsts(all, most).collect::<Vec<_>>(), middles(all, most).collect()] {
                assert_eq!(chosen.len(), most.min(all));
                let steps: Vec<usize> = chosen.windows(2).map(|pair| pair[1] - pair[0]).collect();
                let (least, most) = (steps.iter().min(), steps.iter().max());
                assert!(
                    least.zip(most).is_none_or(|(least, most)| *least > 0 && most - least <= 1),
                    "{steps:?}"
                );
                assert!(chosen.iter().all(|&one| one < all), "{all}: {chosen:?}");
            }
        }
        assert_eq!((firsts(9, 0).len(), middles(9, usize::MAX).last()), (0, Some(8)));
    }
}
