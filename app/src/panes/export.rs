//! Reports as CSV.

use swav_wgpu::train::Report;

/// All reports of a run, one a line, with the names of `metrics.jsonl`; kNN of every split in columns of its
/// own, empty where a report has none.
pub(super) fn csv(reports: &[Report]) -> String {
    let splits: Vec<String> = reports
        .iter()
        .filter_map(|report| report.knn.as_ref())
        .next_back()
        .map(|knn| knn.iter().map(|split| split.name.clone()).collect())
        .unwrap_or_default();
    let mut text =
        "step,epoch,loss,ln_k,lr,images_per_s,wait_share,code_entropy,prototypes_used,prototypes_dead,\
                    prototypes_duplicated,embedding_spread,gradient_norm,non_finite"
            .to_owned();
    for split in &splits {
        text += &format!(",knn_{split}_plain,knn_{split}_centred");
    }
    text.push('\n');
    for r in reports {
        let numbers = [
            r.step.to_string(),
            r.epoch.to_string(),
            r.loss.to_string(),
            r.ln_k.to_string(),
            r.lr.to_string(),
            r.images_per_s.to_string(),
            r.wait_share.to_string(),
            r.code_entropy.to_string(),
            r.prototypes_used.to_string(),
            r.prototypes_dead.to_string(),
            r.prototypes_duplicated.to_string(),
            r.embedding_spread.to_string(),
            r.gradient_norm.to_string(),
            r.non_finite.to_string(),
        ];
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
        let reports = [samples::report(10, 100), Report { knn, ..samples::report(20, 100) }];
        let text = csv(&reports);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.matches(',').count() == lines[0].matches(',').count()));
        assert!(lines[0].ends_with(",knn_test_plain,knn_test_centred") && lines[2].ends_with(",0.25,0.5"));
        assert_eq!(csv(&[]).lines().count(), 1);
    }
}
