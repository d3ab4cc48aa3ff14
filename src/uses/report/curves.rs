//! How a run went: its curves, and what the health monitor says when it hears all reports again.

use crate::config::Method;
use crate::pages::page::{Curve, Look, Paint, lines};
use crate::train::RunState;
use crate::train::events::Metrics;
use crate::train::figures::{FIGURES, Figure};
use crate::train::health::{Advice, Monitor};
use crate::uses::references::References;
use maud::{Markup, html};

/// Figures of the machine, not of the training.
const MACHINE: [&str; 2] = ["images_per_s", "wait_share"];

/// What the monitor says over the reports of a run with this method, with the steps.
pub(super) fn advice(reports: &[Metrics], method: Method, total: u64, freeze: u64) -> Vec<(u64, Advice)> {
    let mut monitor = Monitor::new(total, freeze);
    let say = |report: &Metrics| Some((report.step, monitor.observe(&RunState::figures(report, method))?));
    reports.iter().filter_map(say).collect()
}

/// A chart for each figure that the reports of a run of `total` steps have, and one of the kNN accuracies; `beside` are runs
/// to compare with.
pub(super) fn all(reports: &[Metrics], method: Method, total: u64, beside: Option<&References>) -> Markup {
    let Some(last) = reports.last() else { return html! { p { "There are no reports yet." } } };
    let others = beside.map(|references| (references.name_beside(total), references.runs_beside(total)));
    let drawn = |figure: &Figure| {
        let Figure { key, title, unit, of, chart, .. } = figure;
        let level = chart.as_ref()?.level.and_then(|level| Some((level.name(method), level.of(last)?)));
        let point = |report: &Metrics| Some([report.step as f64, of(report)?]);
        let curve = |name: &str, reports: &[Metrics]| Curve {
            name: name.to_owned(),
            points: reports.iter().filter_map(point).collect(),
            ..Curve::default()
        };
        let mut curves = if *key == "knn" { accuracies(reports) } else { vec![curve(title, reports)] };
        let is_empty = curves.iter().all(|curve| curve.points.is_empty());
        // How fast another machine was says nothing.
        if let Some((name, runs)) = others.as_ref().filter(|_| !is_empty && !MACHINE.contains(key)) {
            let look = Look { paint: Paint::Behind, ..Look::default() };
            curves.extend(runs.iter().map(|reports| Curve { look, ..curve(name, reports) }));
        }
        let title = if unit.is_empty() { (*title).to_owned() } else { format!("{title}, {unit}") };
        curves.iter().any(|curve| !curve.points.is_empty()).then(|| lines(&title, &curves, level))
    };
    html! { div.charts { @for chart in FIGURES.iter().filter_map(drawn) { (chart) } } }
}

/// A curve for each split and rule.
fn accuracies(reports: &[Metrics]) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for report in reports {
        for split in report.knn.iter().flatten() {
            for (rule, value) in [("plain", split.plain), ("centred", split.centred)] {
                let name = format!("{}, {rule}", split.name);
                let point = [report.step as f64, value];
                match curves.iter_mut().find(|curve| curve.name == name) {
                    Some(curve) => curve.points.push(point),
                    None => curves.push(Curve { name, points: vec![point], ..Curve::default() }),
                }
            }
        }
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::SplitAccuracy;

    fn report(step: u64, loss: f64) -> Metrics {
        Metrics {
            step,
            epoch: 1,
            loss,
            chance: Some(5.0),
            lr: 0.1,
            images_per_s: 10.0,
            wait_share: 0.0,
            accuracy: None,
            code_entropy: Some(1.0),
            prototypes_used: Some(90),
            prototypes_dead: Some(10),
            prototypes_duplicated: Some(0),
            embedding_spread: 0.9,
            gradient_norm: 1.0,
            non_finite: 0,
            loss_scale: None,
            skipped_steps: None,
            knn: step
                .is_multiple_of(100)
                .then(|| vec![SplitAccuracy { name: "a".into(), plain: 0.5, centred: 0.6 }]),
        }
    }

    #[test]
    fn curves_and_advice_come_from_the_reports() {
        let stuck: Vec<Metrics> = (1..200).map(|i| report(10 * i, 5.0)).collect();
        let page = all(&stuck, Method::Swav, 1990, None).into_string();
        assert_eq!(page.matches("<figure>").count(), 10);
        assert!(page.contains("ln K") && page.contains("a, centred"));
        assert!(!page.contains("reference"));
        let references = &crate::uses::references::REFERENCES[0];
        let page = all(&stuck, Method::Swav, 1990, Some(references)).into_string();
        assert_eq!(page.matches("<figure>").count(), 10);
        // Not in the two charts of how fast the machine was.
        assert_eq!(page.matches("3 reference runs of demo, by share of the run</span>").count(), 8);
        assert_eq!(accuracies(&stuck)[0].points.len(), 19);
        let said = advice(&stuck, Method::Swav, 2000, 0);
        assert!(said.len() == 1 && said[0].1.sentence.contains("ln K"), "{said:?}");
        assert!(
            advice(&stuck[..3], Method::Swav, 2000, 0).is_empty()
                && all(&[], Method::Swav, 1990, None).0.contains("no reports")
        );
        // What was written comes back.
        let line = serde_json::to_string(&report(100, 1.0)).unwrap();
        assert_eq!(serde_json::from_str::<Metrics>(&line).unwrap().knn.unwrap()[0].centred, 0.6);
        let line = serde_json::to_string(&report(1, 1.0)).unwrap();
        assert!(serde_json::from_str::<Metrics>(&line).unwrap().knn.is_none());
    }
}
