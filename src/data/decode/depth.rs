//! The range of a set's samples, found by looking at some pictures: what black and white are where samples
//! have more than 8 bits. Cameras of microscopes and X-ray detectors put 10 to 14 bits into 16, and by their
//! whole range such pictures would be nearly black, with a dozen levels of grey left.

use rayon::prelude::*;

use super::samples::Kind;
use super::{Content, Reading, Values, dicom, samples, tiff};
use crate::data::spread;

/// Pictures that are looked at, spread over the set; the second number where some have more than 8 bits.
const LOOKS: [usize; 2] = [64, 256];

/// What was found.
#[derive(Debug, Default)]
pub(in crate::data) struct Found {
    /// The values that become black and white; none where no picture has more than 8 bits.
    pub(in crate::data) range: Option<[f32; 2]>,
    /// What a person should know, in sentences.
    pub(in crate::data) notices: Vec<String>,
}

/// What one picture has.
#[derive(Default)]
struct Look {
    spread: Option<([f32; 2], Kind)>,
    pages: usize,
    /// Bands beside the colours.
    extra: usize,
}

/// Looks at some of `count` pictures, which `read` gives; those that cannot be read are passed over.
pub(in crate::data) fn find<'a>(
    count: usize,
    reading: &Reading,
    read: impl Fn(u32) -> Option<Content<'a>> + Sync,
) -> Found {
    let some = |most: usize| -> Vec<Look> {
        let chosen: Vec<usize> = spread::firsts(count, most).collect();
        chosen.into_par_iter().filter_map(|i| look(read(i as u32)?, reading)).collect()
    };
    let mut looks = some(LOOKS[0]);
    if count > LOOKS[0] && looks.iter().any(|look| look.spread.is_some()) {
        looks = some(LOOKS[1]);
    }
    let mut found = Found::default();
    let spreads: Vec<([f32; 2], Kind)> = looks.iter().filter_map(|look| look.spread).collect();
    if reading.depth.is_none()
        && let Some(range) = range(&spreads)
    {
        found.range = Some(range);
        found.notices.push(sentence(range, &spreads));
    }
    let several = looks.iter().filter(|look| look.pages > 1).count();
    if several > 0 {
        found.notices.push(format!(
            "{several} of {} files that were looked at have several pages; the first of each is read, and `--pages all` \
             makes each page a picture",
            looks.len()
        ));
    }
    let extra = looks.iter().filter(|look| look.extra > 0).count();
    if extra > 0 && reading.bands.is_empty() && matches!(reading.channels, 1 | 3) {
        found.notices.push(format!(
            "{extra} of {} files that were looked at have bands beside red, green and blue, which are left out; \
             `--bands` chooses others, and `--channels` takes more",
            looks.len()
        ));
    }
    found
}

fn look(content: Content<'_>, reading: &Reading) -> Option<Look> {
    let mut seen = Look::default();
    let deep = match &content {
        Content::Raw(raw) => !matches!(raw.values, Values::U8(_)),
        Content::Page(bytes, _) if tiff::is(bytes) && !dicom::is(bytes) => {
            let glance = tiff::glance(bytes).ok()?;
            seen.extra = glance.extra;
            glance.deep
        }
        Content::Page(..) => true,
        Content::Encoded(bytes) if dicom::is(bytes) => {
            seen.pages = dicom::frames(bytes).ok()?;
            true
        }
        Content::Encoded(bytes) if tiff::is(bytes) => {
            let glance = tiff::glance(bytes).ok()?;
            (seen.pages, seen.extra) = (glance.pages, glance.extra);
            glance.deep
        }
        // The byte of a PNG's header that says the bits of a channel.
        Content::Encoded(bytes) if bytes.starts_with(b"\x89PNG") => bytes.get(24) == Some(&16),
        Content::Encoded(bytes) => matches!(bytes.get(..2), Some([b'P', b'2' | b'3' | b'5' | b'6' | b'7'])),
    };
    if deep {
        let (samples, _) = samples(content, reading).ok()?;
        seen.spread =
            samples.is_deep().then(|| samples.spread(reading)).flatten().map(|range| (range, samples.kind));
    }
    Some(seen)
}

/// The range of all by that of each: one in a hundred pictures may reach beyond it.
fn range(spreads: &[([f32; 2], Kind)]) -> Option<[f32; 2]> {
    let sorted = |end: usize| {
        let mut all: Vec<f32> = spreads.iter().map(|(range, _)| range[end]).collect();
        all.sort_unstable_by(f32::total_cmp);
        all
    };
    let (lows, highs) = (sorted(0), sorted(1));
    let last = lows.len().checked_sub(1)?;
    let (low, high) = (lows[last / 100], highs[last - last / 100]);
    let unsigned = spreads.iter().all(|(_, kind)| matches!(kind, Kind::Unsigned(_)));
    // The whole numbers of so many bits, where they fill a quarter of them or more.
    let bits = (8..32).find(|bits| high <= 2f32.powi(*bits) - 1.0).unwrap_or(32);
    let whole = 2f32.powi(bits) - 1.0;
    if unsigned && (high - low >= whole / 4.0 || high <= low) {
        return Some([0.0, whole]);
    }
    // Floats by convention.
    if !unsigned && low >= 0.0 && high <= 1.0 && high > 0.5 {
        return Some([0.0, 1.0]);
    }
    if high <= low {
        return Some([low, low + 1.0]);
    }
    // Three digits are as much as a sample knows.
    let step = 10f64.powi((f64::from(high) - f64::from(low)).log10().floor() as i32 - 2);
    let down = (f64::from(low) / step).floor() * step;
    let up = (f64::from(high) / step).ceil() * step;
    Some([down as f32, up as f32])
}

fn sentence([low, high]: [f32; 2], spreads: &[([f32; 2], Kind)]) -> String {
    let most = spreads.iter().map(|(range, _)| range[1]).fold(f32::MIN, f32::max);
    let least = spreads.iter().map(|(range, _)| range[0]).fold(f32::MAX, f32::min);
    let of = if spreads.len() == 1 { "a picture".to_owned() } else { format!("{} pictures", spreads.len()) };
    match whole_bits([low, high]) {
        Some(bits) => format!(
            "pictures of more than 8 bits are read as {bits} bits, since nearly all values of {of} that were looked \
             at lie between {least} and {most}: black is 0 and white {high} (`--depth {bits}`)"
        ),
        None => format!(
            "pictures of more than 8 bits are read between {low} and {high}, where nearly all values of {of} that \
             were looked at lie: these become black and white (`--depth {low}..{high}`)"
        ),
    }
}

/// The number of bits whose whole range this is.
fn whole_bits([low, high]: [f32; 2]) -> Option<i32> {
    (low == 0.0).then(|| (8..=32).find(|bits| high == 2f32.powi(*bits) - 1.0)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ranges: &[[f32; 2]], kind: Kind) -> Option<[f32; 2]> {
        range(&ranges.iter().map(|range| (*range, kind)).collect::<Vec<_>>())
    }

    #[test]
    fn whole_numbers_are_read_by_the_bits_that_they_fill() {
        let sixteen = Kind::Unsigned(16);
        assert_eq!(of(&[], sixteen), None);
        assert_eq!(of(&[[3.0, 4012.0], [0.0, 2500.0]], sixteen), Some([0.0, 4095.0]));
        assert_eq!(of(&[[0.0, 65_535.0]], sixteen), Some([0.0, 65_535.0]));
        assert_eq!(of(&[[0.0, 33_000.0]], sixteen), Some([0.0, 65_535.0]));
        assert_eq!(of(&[[0.0, 200.0]], sixteen), Some([0.0, 255.0]));
        // A narrow band far from zero would be left with few levels by any number of bits.
        assert_eq!(of(&[[32_800.0, 34_000.0]], sixteen), Some([32_800.0, 34_000.0]));
        assert_eq!(of(&[[0.0, 1e6]], Kind::Unsigned(32)), Some([0.0, 1_048_575.0]));
        assert_eq!(of(&[[7.0, 7.0]], sixteen), Some([0.0, 255.0]));
    }

    #[test]
    fn one_picture_in_a_hundred_does_not_decide() {
        let mut many = vec![[0.0, 4000.0]; 250];
        many[17] = [0.0, 65_535.0];
        many[90] = [0.0, 65_535.0];
        assert_eq!(of(&many, Kind::Unsigned(16)), Some([0.0, 4095.0]));
        assert_eq!(of(&many[..40], Kind::Unsigned(16)), Some([0.0, 65_535.0]));
    }

    #[test]
    fn floats_and_signed_numbers_are_read_by_the_range_that_they_have() {
        assert_eq!(of(&[[0.0, 0.98]], Kind::Float(32)), Some([0.0, 1.0]));
        assert_eq!(of(&[[0.001, 0.1234]], Kind::Float(32)), Some([0.001, 0.124]));
        assert_eq!(of(&[[-1003.2, 2998.7]], Kind::Signed(16)), Some([-1010.0, 3000.0]));
        assert_eq!(of(&[[-1.0, 1.0]], Kind::Float(16)), Some([-1.0, 1.0]));
        assert_eq!(of(&[[5.0, 5.0]], Kind::Float(32)), Some([5.0, 6.0]));
    }

    #[test]
    fn what_was_chosen_is_said_with_its_flag() {
        let spreads = [([12.0, 4012.0], Kind::Unsigned(16))];
        let text = sentence([0.0, 4095.0], &spreads);
        assert!(text.contains("12 bits") && text.contains("4012") && text.contains("`--depth 12`"), "{text}");
        let text = sentence([-1010.0, 3000.0], &spreads);
        assert!(text.contains("`--depth -1010..3000`"), "{text}");
    }
}
