//! What each chart shows of a report, and how its numbers are written.

use crate::state::{Evaluation, State};
use crate::units;
use egui_plot::GridMark;
use swav_wgpu::train::Report;

/// One chart.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    pub(super) of: fn(&Report) -> Option<f64>,
    /// Whether noise may be smoothed away.
    pub(super) noisy: bool,
    /// Whether the axis shows powers of ten.
    pub(super) log: bool,
}

pub(super) const CHARTS: [Chart; 8] = [
    Chart {
        title: "Loss",
        unit: "nats",
        help: "The swapped-prediction loss. The dashed line is ln K: a network that tells nothing apart.",
        of: |r| Some(r.loss),
        noisy: true,
        log: false,
    },
    Chart {
        title: "kNN accuracy",
        unit: "",
        help: "Share of test pictures whose nearest neighbours have the right label; the figure to watch. The dashed \
               line is what raw pixels reach.",
        of: |r| Some(r.knn.as_ref()?.first()?.plain),
        noisy: false,
        log: false,
    },
    Chart {
        title: "Code entropy",
        unit: "nats",
        help: "Mean entropy of a picture's code: ln K (dashed) says nothing, 0 is certain.",
        of: |r| Some(r.code_entropy),
        noisy: true,
        log: false,
    },
    Chart {
        title: "Prototypes used",
        unit: "",
        help: "Prototypes that were the best one of some crop in the last 10 K crops. The dashed line is all of them.",
        of: |r| Some(r.prototypes_used as f64),
        noisy: false,
        log: false,
    },
    Chart {
        title: "Embedding spread",
        unit: "",
        help: "0 when all embeddings are the same, near 1 when they are spread.",
        of: |r| Some(r.embedding_spread),
        noisy: true,
        log: false,
    },
    Chart {
        title: "Gradient norm",
        unit: "",
        help: "Norm of the whole gradient, in powers of ten.",
        of: |r| (r.gradient_norm > 0.0).then(|| r.gradient_norm.log10()),
        noisy: true,
        log: true,
    },
    Chart {
        title: "Learning rate",
        unit: "",
        help: "The learning rate of each step.",
        of: |r| Some(r.lr),
        noisy: false,
        log: false,
    },
    Chart {
        title: "Images per second",
        unit: "1/s",
        help: "Pictures trained on in a second, evaluation and checkpoints left out.",
        of: |r| (r.images_per_s > 0.0).then_some(r.images_per_s),
        noisy: true,
        log: false,
    },
];

/// The dashed line of a chart.
pub(super) fn reference(state: &State, chart: &Chart) -> Option<(&'static str, f64)> {
    let last = state.reports.last()?;
    match chart.title {
        "Loss" | "Code entropy" => Some(("ln K", last.ln_k)),
        "kNN accuracy" => Some(("raw pixels", state.pixels.first()?.plain)),
        "Prototypes used" => Some(("all", (last.prototypes_used + last.prototypes_dead) as f64)),
        _ => None,
    }
}

/// The points of the run itself; evaluations come as events of their own, also that of the untrained network.
pub(super) fn own_points(state: &State, chart: &Chart) -> Vec<[f64; 2]> {
    if chart.title != "kNN accuracy" {
        return points(&state.reports, chart);
    }
    let plain = |e: &Evaluation| Some([e.step as f64, e.splits.first()?.plain]);
    state.evaluations.iter().filter_map(plain).collect()
}

pub(super) fn points(reports: &[Report], chart: &Chart) -> Vec<[f64; 2]> {
    reports.iter().filter_map(|report| Some([report.step as f64, (chart.of)(report)?])).collect()
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
        assert!(values((1.0, 1.0)).is_empty() && values((f64::NAN, 1.0)).is_empty());
    }

    #[test]
    fn every_chart_has_points() {
        let state = crate::samples::running(900);
        for chart in &CHARTS {
            assert!(own_points(&state, chart).len() > 1, "{}", chart.title);
        }
    }
}
