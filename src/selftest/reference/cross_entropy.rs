//! Cross-entropy against given targets: the stored clusters of DeepCluster-v2 and SeLa-v2, and labels.
//!
//! `loss = weight · Σ_rows − Σ_k target[row, k] · log_softmax(logits / T)[row, k]`. Targets are constants. A row
//! of zeros has no target: it adds nothing.

use super::Tensor64;
use super::loss::log_softmax;

/// The targets of labels, `[rows, classes]`: 1 at the label, and a row of zeros where there is none.
pub fn one_hot(labels: &[Option<usize>], classes: usize) -> Tensor64 {
    let of_row =
        |label: &Option<usize>| (0..classes).map(|k| f64::from(u8::from(*label == Some(k)))).collect();
    let rows: Vec<Vec<f64>> = labels.iter().map(of_row).collect();
    Tensor64::new(&[labels.len(), classes], rows.concat())
}

/// What each row adds to the loss, and the gradient of the logits.
pub fn cross_entropy(
    logits: &Tensor64,
    targets: &Tensor64,
    weight: f64,
    temperature: f64,
) -> (Vec<f64>, Tensor64) {
    assert_eq!(logits.shape, targets.shape);
    let (mut losses, mut dlogits) = (Vec::new(), Vec::new());
    let classes = logits.shape[1];
    for (row, target) in logits.data.chunks(classes).zip(targets.data.chunks(classes)) {
        let log_p = log_softmax(row, temperature);
        let mass: f64 = target.iter().sum();
        losses.push(-weight * log_p.iter().zip(target).map(|(log_p, t)| log_p * t).sum::<f64>());
        let gradient =
            log_p.iter().zip(target).map(|(log_p, t)| (mass * log_p.exp() - t) * weight / temperature);
        dlogits.extend(gradient);
    }
    (losses, Tensor64::new(&logits.shape, dlogits))
}

/// Whether the label of each row has its largest logit; of equal ones the first counts.
pub fn right(logits: &Tensor64, labels: &[Option<usize>]) -> Vec<bool> {
    let best = |row: &[f64]| (0..row.len()).rev().max_by(|&a, &b| row[a].total_cmp(&row[b]));
    logits
        .data
        .chunks(logits.shape[1])
        .zip(labels)
        .map(|(row, label)| label.is_some() && best(row) == *label)
        .collect()
}
