//! Reports as CSV.

use swav_wgpu::train::Metrics;
use swav_wgpu::train::figures::{FIGURES, Figure};

/// All reports of a run, one a line, with the names of `metrics.jsonl`; kNN of every split in columns of its
/// own, empty where a report has none.
pub(super) fn csv(reports: &[Metrics]) -> String {
    let splits: Vec<String> = reports
        .iter()
        .filter_map(|report| report.knn.as_ref())
        .next_back()
        .map(|knn| knn.iter().map(|split| split.name.clone()).collect())
        .unwrap_or_default();
    // kNN has columns of its own; a run without half precision has no loss scale, and so on.
    let has = |figure: &&Figure| figure.key != "knn" && reports.iter().any(|r| (figure.of)(r).is_some());
    let figures: Vec<&Figure> = FIGURES.iter().filter(has).collect();
    let mut text = figures.iter().map(|figure| figure.key).collect::<Vec<_>>().join(",");
    for split in &splits {
        text += &format!(",knn_{split}_plain,knn_{split}_centred");
    }
    text.push('\n');
    for r in reports {
        let number = |figure: &&Figure| (figure.of)(r).map_or(String::new(), |value| value.to_string());
        let numbers: Vec<String> = figures.iter().map(number).collect();
        text += &numbers.join(",");
        for name in &splits {
            let found = r.knn.iter().flatten().find(|split| split.name == *name);
            text += &found.map_or(",,".to_owned(), |split| format!(",{},{}", split.plain, split.centred));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use swav_wgpu::train::SplitAccuracy;

    #[test]
    fn every_line_has_every_column() {
        let knn = Some(vec![SplitAccuracy { name: "test".into(), plain: 0.25, centred: 0.5 }]);
        let reports = [samples::report(10, 100), Metrics { knn, ..samples::report(20, 100) }];
        let text = csv(&reports);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.matches(',').count() == lines[0].matches(',').count()));
        assert!(lines[0].ends_with(",knn_test_plain,knn_test_centred") && lines[2].ends_with(",0.25,0.5"));
        assert!(
            lines[0].starts_with("step,epoch,loss,") && lines[0].contains(",prototypes_duplicated,"),
            "{text}"
        );
        assert_eq!(csv(&[]).lines().count(), 1);
    }
}
