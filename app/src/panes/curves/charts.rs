//! What each chart shows of a report, and how its numbers are written.

use crate::state::{Evaluation, State};
use crate::units;
use egui_plot::GridMark;
use swav_wgpu::train::Metrics;
use swav_wgpu::train::figures::{Chart, FIGURES, Figure, Group, Level};

/// A figure that is drawn, and how.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    pub(super) figure: &'static Figure,
    pub(super) chart: Chart,
}

/// The charts of a run: of every figure that its reports have, those of a group together.
pub(super) fn charts(reports: &[Metrics]) -> Vec<Drawn> {
    let drawn = |figure: &'static Figure| Some(Drawn { figure, chart: figure.chart? });
    let has =
        |drawn: &Drawn| is_knn(drawn) || reports.iter().any(|report| (drawn.figure.of)(report).is_some());
    let mut all: Vec<Drawn> = FIGURES.iter().filter_map(drawn).filter(has).collect();
    all.sort_by_key(|drawn| Group::ALL.iter().position(|group| *group == drawn.figure.group));
    all
}

pub(super) fn is_knn(drawn: &Drawn) -> bool {
    drawn.chart.level == Some(Level::Pixels)
}

/// The dashed line of a chart.
pub(super) fn level(state: &State, drawn: &Drawn) -> Option<(&'static str, f64)> {
    let level = drawn.chart.level?;
    let value = match level {
        Level::Pixels => state.pixels.first()?.plain,
        _ => level.of(state.reports.last()?)?,
    };
    Some((level.name(state.config.method), value))
}

/// The points of the run itself; evaluations come as events of their own, also that of the untrained network.
pub(super) fn own_points(state: &State, drawn: &Drawn) -> Vec<[f64; 2]> {
    if !is_knn(drawn) {
        return points(&state.reports, drawn);
    }
    let plain = |e: &Evaluation| Some([e.step as f64, e.splits.first()?.plain]);
    state.evaluations.iter().filter_map(plain).collect()
}

pub(super) fn points(reports: &[Metrics], drawn: &Drawn) -> Vec<[f64; 2]> {
    let value = |report: &Metrics| {
        let value = (drawn.figure.of)(report)?;
        // A plot has no logarithmic axis of its own.
        if !drawn.chart.log { Some(value) } else { (value > 0.0).then(|| value.log10()) }
    };
    reports.iter().filter_map(|report| Some([report.step as f64, value(report)?])).collect()
}

/// An exponential mean that starts without a bias towards the first point.
pub(super) fn smoothed(points: &[[f64; 2]], keep: f64) -> Vec<[f64; 2]> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let next = |&[x, y]: &[f64; 2]| {
        sum = keep * sum + (1.0 - keep) * y;
        weight = keep * weight + (1.0 - keep);
        [x, sum / weight]
    };
    points.iter().map(next).collect()
}

pub(super) fn steps(value: f64) -> String {
    if value < 0.0 || value.fract() != 0.0 { String::new() } else { units::count(value as u64) }
}

/// The most marks on an axis of logarithms.
const MARKS: usize = 4;

/// Values that differ by less than this share of themselves are one value: the rest is rounding.
const FLAT: f64 = 1e-6;

/// Two to four marks on an axis, at round numbers: a small chart has no room for more, and needs two to say
/// how steep it is. One on an axis of one value.
pub(super) fn marks((least, most): (f64, f64)) -> Vec<GridMark> {
    let rough = (most - least) / 4.0;
    if !rough.is_normal() || rough < 0.0 {
        return Vec::new();
    }
    let size = least.abs().max(most.abs());
    if rough < FLAT * size {
        return vec![GridMark { value: (least + most) / 2.0, step_size: size }];
    }
    let ten = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0].map(|of| of * ten).into_iter().find(|step| *step >= rough).unwrap_or(10.0 * ten);
    let first = (least / step).ceil();
    let mark = |i: u32| GridMark { value: (first + f64::from(i)) * step, step_size: step };
    (0..9).map(mark).take_while(|mark| mark.value <= most).collect()
}

/// Two to four marks on an axis of logarithms to base ten, at one, two and five times powers of ten; where fewer of
/// them lie on it, at round numbers.
pub(super) fn log_marks((least, most): (f64, f64)) -> Vec<GridMark> {
    if !(least.is_finite() && most.is_finite() && least < most) {
        return Vec::new();
    }
    let powers = (least.floor() as i32..=most.ceil() as i32).map(|power| 10f64.powi(power));
    let all = powers.flat_map(|ten| [1.0, 2.0, 5.0].map(|of| (of * ten).log10()));
    let mut values: Vec<f64> = all.filter(|value| (least..=most).contains(value)).collect();
    if values.len() < 2 {
        let round = marks((10f64.powf(least), 10f64.powf(most)));
        values = round.iter().map(|mark| mark.value.log10()).collect();
    }
    if values.len() > MARKS {
        let whole: Vec<f64> =
            values.iter().copied().filter(|value| (value - value.round()).abs() < 1e-9).collect();
        values = if whole.len() > 1 { whole } else { values };
        values = values.iter().copied().step_by(values.len().div_ceil(MARKS)).collect();
    }
    // How far the next one is, or for the last the one before; of one alone a whole power.
    let size = |at: usize| match (values.get(at + 1), at.checked_sub(1)) {
        (Some(next), _) => next - values[at],
        (None, Some(before)) => values[at] - values[before],
        (None, None) => 1.0,
    };
    (0..values.len()).map(|at| GridMark { value: values[at], step_size: size(at) }).collect()
}

/// What a mark says: as many digits as tell it from the one beside it.
pub(super) fn marked(mark: GridMark, log: bool) -> String {
    let (value, step) = if log {
        let value = 10f64.powf(mark.value);
        (value, value * (10f64.powf(mark.step_size) - 1.0))
    } else {
        (mark.value, mark.step_size)
    };
    let size = value.abs();
    let exponent = |of: f64| (of.log10() + 1e-6).floor() as i32;
    // What three significant digits tell apart, as of `number`.
    let told = match size {
        0.0 => 0.0,
        _ if !(0.001..1e5).contains(&size) => 10f64.powi(exponent(size)),
        _ if size < 0.1 => 1e-4,
        _ if size < 10.0 => 0.01,
        _ if size < 100.0 => 0.1,
        _ => 1.0,
    };
    if !step.is_normal() || step >= 0.999 * told {
        return number(value, false);
    }
    if (0.001..1e5).contains(&size) {
        let digits = (-exponent(step)).max(0) as usize;
        return format!("{value:.digits$}");
    }
    let digits = (exponent(size) - exponent(step)).max(0) as usize;
    format!("{value:.digits$e}")
}

/// What an axis has to reach where all values are one: else rounding would fill it like a change.
pub(super) fn around<'a>(points: impl Iterator<Item = &'a [f64; 2]>) -> Option<[f64; 2]> {
    let ends = |(least, most): (f64, f64), &[_, y]: &[f64; 2]| (least.min(y), most.max(y));
    let (least, most) = points.fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    let size = least.abs().max(most.abs());
    let room = if size > 0.0 { 0.1 * size } else { 1.0 };
    (least <= most && most - least <= FLAT * size).then_some([least - room, most + room])
}

/// Marks at both ends of the axis of steps, and in its middle.
pub(super) fn ends((least, most): (f64, f64)) -> Vec<GridMark> {
    let (first, last) = (least.max(0.0).ceil(), (most / 1.01).floor());
    if last <= first {
        return Vec::new();
    }
    let middle = ((first + last) / 2.0).round();
    let size = (last - first) / 2.0;
    [first, middle, last].map(|value| GridMark { value, step_size: size }).to_vec()
}

/// Three significant digits.
pub(super) fn number(value: f64, log: bool) -> String {
    let value = if log { 10f64.powf(value) } else { value };
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        _ if !(0.001..1e5).contains(&size) => format!("{value:.0e}"),
        _ if size < 0.1 => format!("{value:.4}").trim_end_matches('0').to_owned(),
        _ if size < 10.0 => format!("{value:.2}"),
        _ if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_follows_without_a_bias() {
        let flat: Vec<[f64; 2]> = (0..5).map(|i| [f64::from(i), 2.0]).collect();
        assert!(smoothed(&flat, 0.9).iter().all(|[_, y]| (y - 2.0).abs() < 1e-12));
        let steps = smoothed(&[[0.0, 0.0], [1.0, 3.0]], 0.5);
        assert!((steps[1][1] - 2.0).abs() < 1e-12);
        assert_eq!(smoothed(&steps, 0.0), steps);
    }

    #[test]
    fn numbers_have_three_digits() {
        let all = [0.0, 5.7037, 12.34, 295.4, 0.00019, 0.0123].map(|value| number(value, false));
        assert_eq!(all, ["0", "5.70", "12.3", "295", "2e-4", "0.0123"]);
        assert_eq!(number(-1.0, true), "0.10");
        assert_eq!([steps(1000.0), steps(-5.0), steps(0.5)], ["1000", "", ""]);
    }

    #[test]
    fn an_axis_has_a_few_round_marks() {
        let values = |bounds| {
            let found = marks(bounds);
            found.into_iter().map(|mark| marked(mark, false)).collect::<Vec<_>>()
        };
        assert_eq!(values((0.31, 0.38)), ["0.32", "0.34", "0.36", "0.38"]);
        assert_eq!(values((-0.02, 1.0)), ["0", "0.50", "1.00"]);
        assert_eq!(values((270.0, 320.0)), ["280", "300", "320"]);
        assert_eq!(values((0.000_191, 0.000_209)), ["1.95e-4", "2.00e-4", "2.05e-4"]);
        assert_eq!(values((5.7012, 5.7088)), ["5.702", "5.704", "5.706", "5.708"]);
        assert_eq!(values((0.019_999_999_999_999_99, 0.02)), ["0.02"]);
        let powers = |least: f64, most: f64| {
            let found = log_marks((least.log10(), most.log10()));
            found.into_iter().map(|mark| marked(mark, true)).collect::<Vec<_>>()
        };
        assert_eq!(powers(0.55, 2.6), ["1.00", "2.00"]);
        assert_eq!(powers(0.4, 2.6), ["0.50", "1.00", "2.00"]);
        assert_eq!(powers(0.002, 30.0), ["0.01", "0.10", "1.00", "10.0"]);
        // Less than from one of them to the next: round numbers.
        assert_eq!(powers(0.61, 0.78), ["0.65", "0.70", "0.75"]);
        assert_eq!(powers(5.7012, 5.7088), ["5.702", "5.704", "5.706", "5.708"]);
        assert_eq!(powers(0.03, 0.030_000_000_01), ["0.03"]);
        assert!(powers(1.0, 1.0).is_empty() && powers(f64::NAN, 1.0).is_empty());
        // Whatever the axis, no two marks say the same.
        for decade in -7..7 {
            for width in [1.001, 1.02, 1.3, 2.0, 7.0, 90.0, 1e6] {
                let least = 1.7 * 10f64.powi(decade);
                for mut all in [values((least, least * width)), powers(least, least * width)] {
                    let count = all.len();
                    all.dedup();
                    assert!(all.len() == count && count > 1, "{least} to {width} times as much: {all:?}");
                }
            }
        }
        let both = ends((-9.0, 909.0));
        assert_eq!(both.iter().map(|mark| steps(mark.value)).collect::<Vec<_>>(), ["0", "450", "900"]);
        assert!(ends((0.0, 0.5)).is_empty());
        assert!(values((1.0, 1.0)).is_empty() && values((f64::NAN, 1.0)).is_empty());
    }

    #[test]
    fn rounding_is_not_drawn_as_a_change() {
        let of = |values: &[f64]| {
            let points: Vec<[f64; 2]> = values.iter().map(|&value| [1.0, value]).collect();
            around(points.iter())
        };
        let [low, high] = of(&[0.02, 0.019_999_999_999_999_99]).unwrap();
        assert!((low - 0.018).abs() < 1e-9 && (high - 0.022).abs() < 1e-9, "{low} {high}");
        assert_eq!(of(&[0.0, 0.0]), Some([-1.0, 1.0]));
        assert_eq!((of(&[0.02, 0.021]), of(&[]), of(&[f64::NAN])), (None, None, None));
    }

    #[test]
    fn every_chart_has_points() {
        let state = crate::samples::running(900);
        let all = charts(&state.reports);
        assert_eq!(all.len(), 10, "all but the accuracy, which SwAV has not");
        for drawn in &all {
            assert!(own_points(&state, drawn).len() > 1, "{}", drawn.figure.title);
        }
    }
}
