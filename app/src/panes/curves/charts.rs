//! What each chart shows of a report, and how its numbers are written.

use crate::state::{Evaluation, State};
use crate::units;
use egui_plot::GridMark;
use swav_wgpu::train::Metrics;
use swav_wgpu::train::figures::{Chart, FIGURES, Figure, Level};

/// A figure that is drawn, and how.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    pub(super) figure: &'static Figure,
    pub(super) chart: Chart,
}

/// The charts of a run: of every figure that its reports have.
pub(super) fn charts(reports: &[Metrics]) -> Vec<Drawn> {
    let drawn = |figure: &'static Figure| Some(Drawn { figure, chart: figure.chart? });
    let has =
        |drawn: &Drawn| is_knn(drawn) || reports.iter().any(|report| (drawn.figure.of)(report).is_some());
    FIGURES.iter().filter_map(drawn).filter(has).collect()
}

fn is_knn(drawn: &Drawn) -> bool {
    drawn.chart.level == Some(Level::Pixels)
}

/// The dashed line of a chart.
pub(super) fn reference(state: &State, drawn: &Drawn) -> Option<(&'static str, f64)> {
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

/// Two to four marks on an axis, at round numbers: a small chart has no room for more, and needs two to say
/// how steep it is.
pub(super) fn marks((least, most): (f64, f64)) -> Vec<GridMark> {
    let rough = (most - least) / 4.0;
    if !rough.is_normal() || rough < 0.0 {
        return Vec::new();
    }
    let ten = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0].map(|of| of * ten).into_iter().find(|step| *step >= rough).unwrap_or(10.0 * ten);
    let first = (least / step).ceil();
    let mark = |i: u32| GridMark { value: (first + f64::from(i)) * step, step_size: step };
    (0..9).map(mark).take_while(|mark| mark.value <= most).collect()
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
            found.iter().map(|mark| number(mark.value, false)).collect::<Vec<_>>()
        };
        assert_eq!(values((0.31, 0.38)), ["0.32", "0.34", "0.36", "0.38"]);
        assert_eq!(values((-0.02, 1.0)), ["0", "0.50", "1.00"]);
        assert_eq!(values((270.0, 320.0)), ["280", "300", "320"]);
        let both = ends((-9.0, 909.0));
        assert_eq!(both.iter().map(|mark| steps(mark.value)).collect::<Vec<_>>(), ["0", "450", "900"]);
        assert!(ends((0.0, 0.5)).is_empty());
        assert!(values((1.0, 1.0)).is_empty() && values((f64::NAN, 1.0)).is_empty());
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
