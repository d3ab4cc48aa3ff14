//! Which of many pictures are alike, from pairs or from hashes that differ in few bits.

use std::collections::BTreeMap;

/// Sets of two or more members that pairs connect, each ascending, by their first members.
#[must_use]
pub fn groups(count: usize, pairs: impl IntoIterator<Item = (u32, u32)>) -> Vec<Vec<u32>> {
    let mut leader: Vec<u32> = (0..count as u32).collect();
    for (a, b) in pairs {
        let (a, b) = (find(&mut leader, a), find(&mut leader, b));
        leader[a.max(b) as usize] = a.min(b);
    }
    let mut sets: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for member in 0..count as u32 {
        sets.entry(find(&mut leader, member)).or_default().push(member);
    }
    sets.into_values().filter(|set| set.len() > 1).collect()
}

fn find(leader: &mut [u32], mut member: u32) -> u32 {
    while leader[member as usize] != member {
        // Halve the way for whoever asks next.
        leader[member as usize] = leader[leader[member as usize] as usize];
        member = leader[member as usize];
    }
    member
}

/// Others of a part's bucket that each hash is compared with. A bucket of a hundred thousand pictures holds some dozen;
/// only where very many share a part, as simple drawings do, are pairs missed, and then only some of each group's.
const WINDOW: usize = 256;

/// Pairs of places whose hashes differ in `most` bits or fewer, each with its distance.
///
/// Two hashes that differ in `most` bits agree in at least one of `most` + 1 parts, so only those that share a part are
/// compared (multi-index hashing, Norouzi et al. 2012), at most 256 for each (`WINDOW`): far fewer than all pairs.
#[must_use]
pub fn near(hashes: &[u64], most: u32) -> Vec<(u32, u32, u32)> {
    let mut found = Vec::new();
    let parts = most + 1;
    for part in 0..parts {
        let (from, to) = (part * 64 / parts, (part + 1) * 64 / parts);
        let of = |hash: u64| if to - from == 64 { hash } else { hash >> from & ((1 << (to - from)) - 1) };
        let mut order: Vec<(u64, u64, u32)> =
            (0..).zip(hashes).map(|(place, &hash)| (of(hash), hash, place)).collect();
        order.sort_unstable();
        for same in order.chunk_by(|a, b| a.0 == b.0) {
            for (at, &(_, a, first)) in same.iter().enumerate() {
                for &(_, b, second) in same[at + 1..].iter().take(WINDOW) {
                    let distance = (a ^ b).count_ones();
                    if distance <= most {
                        found.push((first.min(second), first.max(second), distance));
                    }
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn pairs_connect_to_groups() {
        assert_eq!(groups(7, [(5, 1), (1, 3), (6, 2)]), [vec![1, 3, 5], vec![2, 6]]);
        assert!(groups(3, []).is_empty());
    }

    /// The same as comparing all with all, on random hashes with planted neighbours.
    #[test]
    fn no_near_pair_is_missed() {
        let bits = |i: u64| Stream::new(7, Purpose::Test, &[i]).bits();
        let mut hashes: Vec<u64> = (0..200).map(bits).collect();
        for i in 0..100 {
            let mut hash = hashes[i];
            for flip in 0..i as u64 % 9 {
                hash ^= 1 << (bits(1000 + i as u64 * 16 + flip) % 64);
            }
            hashes.push(hash);
        }
        for most in [0, 1, 4, 7] {
            let found = near(&hashes, most);
            let mut wanted = Vec::new();
            for a in 0..hashes.len() {
                for b in a + 1..hashes.len() {
                    let distance = (hashes[a] ^ hashes[b]).count_ones();
                    if distance <= most {
                        wanted.push((a as u32, b as u32, distance));
                    }
                }
            }
            assert!(wanted.len() >= 10 && found == wanted, "{most}");
        }
    }

    #[test]
    fn many_equal_hashes_are_no_square_of_pairs() {
        let found = near(&vec![7; 10_000], 4);
        assert!(found.len() <= 10_000 * WINDOW);
        assert_eq!(groups(10_000, found.iter().map(|&(a, b, _)| (a, b))).len(), 1);
    }
}
