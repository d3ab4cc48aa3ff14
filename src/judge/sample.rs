//! Which pictures a run looks at.

use crate::config::Config;
use crate::data::Split;
use crate::measure::flop_per_view;

/// Pictures on each side of a split, where nothing else is asked for.
pub(crate) const USUAL: usize = 5000;
/// On a processor an evaluation takes no more operations than this, as long as enough pictures are left: it is a minute
/// of a small machine.
const PROCESSOR: u64 = 2_000_000_000_000;
/// So many are left in any case: a share of 250 is known to within 6 %.
const LEAST: usize = 250;

/// Pictures on each side of a split, at most, and whether they are fewer than usual because a processor computes.
pub(super) fn most(config: &Config, software: bool) -> (usize, bool) {
    match config.eval_pictures {
        Some(0) => (usize::MAX, false),
        Some(most) => (most, false),
        None if software => {
            let views = PROCESSOR / flop_per_view(config).max(1);
            let most = usize::try_from(views / 2).unwrap_or(USUAL).clamp(LEAST, USUAL);
            (most, most < USUAL)
        }
        None => (USUAL, false),
    }
}

/// Says of which pictures the figures are, where not of all.
pub(super) fn sampled(
    all: &[Split],
    taken: &[Split],
    shown: usize,
    pictures: usize,
    slow: bool,
) -> Option<String> {
    let sides = |(all, taken): (&Split, &Split)| {
        let [bank, queries] = [(&all.bank, &taken.bank), (&all.queries, &taken.queries)];
        let cut = taken.bank.len() < all.bank.len() || taken.queries.len() < all.queries.len();
        let of = |(all, taken): (&Vec<u32>, &Vec<u32>)| match taken.len() == all.len() {
            true => format!("all {}", all.len()),
            false => format!("{} of {}", taken.len(), all.len()),
        };
        cut.then(|| format!("{} bank pictures and {} queries ({})", of(bank), of(queries), all.name))
    };
    let mut parts: Vec<String> = all.iter().zip(taken).filter_map(sides).collect();
    if shown < pictures {
        parts.push(format!("{shown} of {pictures} for the gallery"));
    }
    let list = parts.join("; ");
    let why = if slow { "; fewer than usual, because a processor computes" } else { "" };
    (!parts.is_empty()).then(|| {
        format!("Evaluation looks at a sample, spread evenly: {list}{why}. --eval-pictures 0 takes all.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(name: &str, bank: u32, queries: u32) -> Split {
        Split { name: name.into(), bank: (0..bank).collect(), queries: (0..queries).collect() }
    }

    #[test]
    fn a_sample_is_said_with_its_size_and_a_whole_set_is_not() {
        let all = [split("test", 80, 20), split("small", 3, 2)];
        assert_eq!(sampled(&all, &all, 100, 100, false), None);
        let taken = [split("test", 40, 20), split("small", 3, 2)];
        let text = sampled(&all, &taken, 70, 100, false).unwrap();
        assert!(
            text.contains("40 of 80 bank pictures and all 20 queries (test); 70 of 100 for the"),
            "{text}"
        );
        assert!(!text.contains("small") && text.contains("--eval-pictures 0"), "{text}");
    }

    #[test]
    fn a_processor_looks_at_fewer_pictures_where_the_network_is_large() {
        let mut config = Config::from_preset(crate::config::Preset::Demo).unwrap();
        // So small a network does not matter.
        assert_eq!(most(&config, true), (USUAL, false));
        config = Config::from_preset(crate::config::Preset::Cifar).unwrap();
        let (few, slow) = most(&config, true);
        // ResNet-18 is 1.1 GFLOP a view of 32 pixels.
        assert!(slow && (800..1000).contains(&few), "{few}");
        assert_eq!(most(&config, false), (USUAL, false));
        assert_eq!(most(&Config::default(), true), (LEAST, true));
        for (asked, got) in [(0, usize::MAX), (7, 7), (90_000, 90_000)] {
            config.eval_pictures = Some(asked);
            assert_eq!(most(&config, true), (got, false));
        }
    }
}
