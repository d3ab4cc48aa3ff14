//! Colour adjustments on planes of `f32` in [0, 1], as torchvision defines them for float tensors.
//!
//! With L = .2989 R + .587 G + .114 B: brightness f·x; contrast f·x + (1 − f)·mean(L); saturation
//! f·x + (1 − f)·L; hue turns the HSV hue by f of a turn. Each result is clamped to [0, 1]. PIL,
//! which the official pipeline uses, rounds to 8 bit after every step and its hue has 256 values.
//!
//! A picture of other than three channels has no L: [`adjust_each`].

use super::augment::Adjustment;

const LUMA: [f32; 3] = [0.2989, 0.587, 0.114];

/// The three channels of `planes`.
#[inline(always)]
fn channels(planes: &mut [f32]) -> [&mut [f32]; 3] {
    let n = planes.len() / 3;
    let (red, rest) = planes.split_at_mut(n);
    let (green, blue) = rest.split_at_mut(n);
    [red, green, blue]
}

#[inline(always)]
fn luma(red: f32, green: f32, blue: f32) -> f32 {
    LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
}

/// Applies one adjustment; a factor that changes nothing costs nothing.
#[inline(always)]
pub(super) fn adjust(planes: &mut [f32], adjustment: Adjustment) {
    match adjustment {
        Adjustment::Brightness(f) if f != 1.0 => blend(planes, f, 0.0),
        Adjustment::Contrast(f) if f != 1.0 => {
            let mean = mean_luma(planes);
            blend(planes, f, (1.0 - f) * mean);
        }
        Adjustment::Saturation(f) if f != 1.0 => saturation(planes, f),
        Adjustment::Hue(f) if f != 0.0 => hue(planes, f),
        _ => {}
    }
}

/// Applies one adjustment to each channel by itself: brightness and contrast by the channel's own factors,
/// `each`, contrast around its own mean. The others mean nothing where channels are not red, green and blue.
#[inline(always)]
pub(super) fn adjust_each(planes: &mut [f32], adjustment: Adjustment, each: &[[f32; 2]]) {
    let n = planes.len() / each.len().max(1);
    for (plane, &[brightness, contrast]) in planes.chunks_exact_mut(n.max(1)).zip(each) {
        match adjustment {
            Adjustment::Brightness(_) if brightness != 1.0 => blend(plane, brightness, 0.0),
            Adjustment::Contrast(_) if contrast != 1.0 => {
                let mean = (sum(plane) / plane.len() as f64) as f32;
                blend(plane, contrast, (1.0 - contrast) * mean);
            }
            _ => {}
        }
    }
}

#[inline(always)]
fn blend(planes: &mut [f32], factor: f32, add: f32) {
    for value in planes {
        *value = (factor * *value + add).clamp(0.0, 1.0);
    }
}

/// Eight running sums are both faster and closer than one.
#[inline(always)]
fn sum(plane: &[f32]) -> f64 {
    let mut sums = [0.0f32; 8];
    let blocks = plane.chunks_exact(8);
    let rest: f32 = blocks.remainder().iter().sum();
    for block in blocks {
        for (sum, &value) in sums.iter_mut().zip(block) {
            *sum += value;
        }
    }
    f64::from(rest) + sums.iter().map(|&s| f64::from(s)).sum::<f64>()
}

/// The mean of L.
#[inline(always)]
fn mean_luma(planes: &mut [f32]) -> f32 {
    let n = planes.len() / 3;
    let sums = channels(planes).map(|plane| sum(plane));
    let total: f64 = sums.iter().zip(LUMA).map(|(&sum, weight)| f64::from(weight) * sum).sum();
    (total / n.max(1) as f64) as f32
}

#[inline(always)]
fn saturation(planes: &mut [f32], factor: f32) {
    let [red, green, blue] = channels(planes);
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let grey = (1.0 - factor) * luma(*r, *g, *b);
        for value in [r, g, b] {
            *value = (factor * *value + grey).clamp(0.0, 1.0);
        }
    }
}

/// Turns all channels to L.
#[inline(always)]
pub(super) fn grey(planes: &mut [f32]) {
    let [red, green, blue] = channels(planes);
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let grey = luma(*r, *g, *b);
        (*r, *g, *b) = (grey, grey, grey);
    }
}

/// Turns the hue. In sixths of a turn, with V the largest channel and C the largest minus the
/// smallest, channel n of (5, 3, 1) is V − C·clamp(min(k, 4 − k), 0, 1), k = (n + hue) mod 6: no
/// branches, and neither saturation nor a table of cases is needed.
#[inline(always)]
fn hue(planes: &mut [f32], turn: f32) {
    let shift = 6.0 * turn;
    let wrap = |k: f32| if k >= 6.0 { k - 6.0 } else { k };
    let [red, green, blue] = channels(planes);
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let (r, g, b) = (*red, *green, *blue);
        let most = max(max(r, g), b);
        let chroma = most - min(min(r, g), b);
        let scale = if chroma > 0.0 { 1.0 / chroma } else { 0.0 };
        let (base, difference) = if most == g { (2.0, b - r) } else { (4.0, r - g) };
        let (base, difference) = if most == r { (0.0, g - b) } else { (base, difference) };
        let hue = base + difference * scale + shift;
        let hue = wrap(if hue < 0.0 { hue + 6.0 } else { hue });
        let channel = |n: f32| {
            let k = wrap(n + hue);
            most - chroma * min(max(min(k, 4.0 - k), 0.0), 1.0)
        };
        (*red, *green, *blue) = (channel(5.0), channel(3.0), channel(1.0));
    }
}

/// `f32::min` and `max` look for NaN, of which there are none here, and are not one instruction.
#[inline(always)]
fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Kind, close, golden_cases, levels, planes_of};

    #[test]
    fn adjustments_match_torchvision_and_pil() {
        for case in golden_cases(Kind::Colour) {
            let name = case.name.rsplit('_').next().unwrap().to_owned();
            let mut got = planes_of(&case.picture(&name));
            let factor = || case.attr("factor").as_f64().unwrap() as f32;
            match case.attr("op").as_str() {
                Some("brightness") => adjust(&mut got, Adjustment::Brightness(factor())),
                Some("contrast") => adjust(&mut got, Adjustment::Contrast(factor())),
                Some("saturation") => adjust(&mut got, Adjustment::Saturation(factor())),
                Some("hue") => adjust(&mut got, Adjustment::Hue(factor())),
                None if case.name.starts_with("gray") => grey(&mut got),
                other => panic!("{}: unknown adjustment {other:?}", case.name),
            }
            close(&case, "f", &got, &case.expected("f").unwrap());
            levels(&case, "pil", &got);
        }
    }

    #[test]
    fn each_channel_has_its_own_factors_and_mean() {
        let mut planes = [0.2, 0.4, 0.5, 0.7];
        let near = |got: &[f32], want: [f32; 4]| got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6);
        let each = [[2.0, 0.5], [1.0, 3.0]];
        adjust_each(&mut planes, Adjustment::Brightness(0.0), &each);
        assert!(near(&planes, [0.4, 0.8, 0.5, 0.7]), "{planes:?}");
        adjust_each(&mut planes, Adjustment::Contrast(0.0), &each);
        assert!(near(&planes, [0.5, 0.7, 0.3, 0.9]), "{planes:?}");
        adjust_each(&mut planes, Adjustment::Saturation(0.0), &each);
        adjust_each(&mut planes, Adjustment::Hue(0.2), &each);
        assert!(near(&planes, [0.5, 0.7, 0.3, 0.9]), "{planes:?}");
    }

    #[test]
    fn a_whole_turn_of_hue_and_greys_change_nothing() {
        let start: Vec<f32> = (0..300).map(|i| (i * 37 % 101) as f32 / 100.0).collect();
        let mut planes = start.clone();
        for _ in 0..4 {
            adjust(&mut planes, Adjustment::Hue(0.25));
            adjust(&mut planes, Adjustment::Hue(-0.5));
            adjust(&mut planes, Adjustment::Hue(0.5));
        }
        assert!(start.iter().zip(&planes).all(|(a, b)| (a - b).abs() < 1e-5));
        let mut flat = vec![0.4; 30];
        adjust(&mut flat, Adjustment::Hue(0.3));
        assert!(flat.iter().all(|&v| v == 0.4));
    }
}
