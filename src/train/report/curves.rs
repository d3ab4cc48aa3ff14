//! How a run went: its curves, and what the health monitor says when it hears all reports again.

use crate::eval::report::{Curve, lines};
use crate::train::events::Report;
use crate::train::health::{Advice, Monitor};
use crate::train::memory::Memory;

/// What the monitor says over the reports, with the steps.
pub(super) fn advice(reports: &[Report], total: u64, freeze: u64) -> Vec<(u64, Advice)> {
    let mut monitor = Monitor::new(total, freeze);
    let say = |report: &Report| Some((report.step, monitor.observe(&Memory::figures(report))?));
    reports.iter().filter_map(say).collect()
}

/// Takes a figure out of a report.
type Figure = fn(&Report) -> f64;

/// A chart for each figure of a report, and one of the kNN accuracies.
pub(super) fn all(reports: &[Report]) -> String {
    let Some(last) = reports.last() else { return "<p>There are no reports yet.</p>".to_owned() };
    let curve = |name: &str, figure: Figure| Curve {
        name: name.to_owned(),
        points: reports.iter().map(|report| [report.step as f64, figure(report)]).collect(),
    };
    let ln_k = ("ln K", last.ln_k);
    let mut text = "<div class=\"charts\">\n".to_owned();
    text += &lines("loss, nats", &[curve("loss", |r| r.loss)], Some(ln_k));
    text += &lines("entropy of a code, nats", &[curve("entropy", |r| r.code_entropy)], Some(ln_k));
    let accuracies = accuracies(reports);
    if !accuracies.is_empty() {
        text += &lines("kNN accuracy", &accuracies, None);
    }
    text += &lines(
        "prototypes",
        &[
            curve("used", |r| r.prototypes_used as f64),
            curve("copies of another", |r| r.prototypes_duplicated as f64),
        ],
        None,
    );
    let others: [(&str, Figure); 5] = [
        ("spread of the embeddings", |r| r.embedding_spread),
        ("norm of the gradient", |r| r.gradient_norm),
        ("learning rate", |r| r.lr),
        ("images a second", |r| r.images_per_s),
        ("share of time waiting for pictures", |r| r.wait_share),
    ];
    for (title, figure) in others {
        text += &lines(title, &[curve(title, figure)], None);
    }
    text + "</div>\n"
}

/// A curve for each split and rule.
fn accuracies(reports: &[Report]) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for report in reports {
        for split in report.knn.iter().flatten() {
            for (rule, value) in [("plain", split.plain), ("centred", split.centred)] {
                let name = format!("{}, {rule}", split.name);
                let point = [report.step as f64, value];
                match curves.iter_mut().find(|curve| curve.name == name) {
                    Some(curve) => curve.points.push(point),
                    None => curves.push(Curve { name, points: vec![point] }),
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

    fn report(step: u64, loss: f64) -> Report {
        Report {
            step,
            epoch: 1,
            loss,
            ln_k: 5.0,
            lr: 0.1,
            images_per_s: 10.0,
            wait_share: 0.0,
            code_entropy: 1.0,
            prototypes_used: 90,
            prototypes_dead: 10,
            prototypes_duplicated: 0,
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
        let stuck: Vec<Report> = (1..200).map(|i| report(10 * i, 5.0)).collect();
        let page = all(&stuck);
        assert_eq!(page.matches("<figure>").count(), 9);
        assert!(page.contains("ln K") && page.contains("a, centred"));
        assert_eq!(accuracies(&stuck)[0].points.len(), 19);
        let said = advice(&stuck, 2000, 0);
        assert!(said.len() == 1 && said[0].1.sentence.contains("ln K"), "{said:?}");
        assert!(advice(&stuck[..3], 2000, 0).is_empty() && all(&[]).contains("no reports"));
        // What was written comes back.
        let line = serde_json::to_string(&report(100, 1.0)).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&line).unwrap().knn.unwrap()[0].centred, 0.6);
        let line = serde_json::to_string(&report(1, 1.0)).unwrap();
        assert!(serde_json::from_str::<Report>(&line).unwrap().knn.is_none());
    }
}
