//! Contrastive losses, as cross-entropies over the positive and the negatives of each row: nothing here uses that
//! products of rows are symmetric, or that the positives of a row share their negatives.

use super::Tensor64;
use super::loss::log_softmax;

/// What a loss says.
pub struct Contrast {
    /// What each row adds to the loss.
    pub shares: Vec<f64>,
    /// What each row adds to the share of positives that are more like it than all negatives.
    pub right: Vec<f64>,
    /// The gradient of the rows.
    pub gradient: Tensor64,
    /// The size of the terms that make up each value of it, which may cancel out.
    pub terms: Tensor64,
}

impl Contrast {
    fn new(rows: &Tensor64) -> Self {
        let none = vec![0.0; rows.shape[0]];
        let zeros = Tensor64::zeros(&rows.shape);
        Self { shares: none.clone(), right: none, gradient: zeros.clone(), terms: zeros }
    }

    /// Adds `factor` times `values` to the gradient of a row.
    fn add(&mut self, at: usize, factor: f64, values: &[f64]) {
        for (to, value) in (at * values.len()..).zip(values) {
            self.gradient.data[to] += factor * value;
            self.terms.data[to] += (factor * value).abs();
        }
    }

    /// The loss.
    pub fn loss(&self) -> f64 {
        self.shares.iter().sum()
    }
}

fn row(x: &Tensor64, at: usize) -> &[f64] {
    let dim = x.shape[1];
    &x.data[at * dim..(at + 1) * dim]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `−log softmax(logits / T)` of the first, its derivatives by the logits, and whether the first is the largest.
fn cross_entropy(logits: &[f64], temperature: f64) -> (f64, Vec<f64>, f64) {
    let log_p = log_softmax(logits, temperature);
    let derivative = |(at, log_p): (usize, &f64)| (log_p.exp() - f64::from(at == 0)) / temperature;
    let right = logits[1..].iter().all(|&other| other < logits[0]);
    (-log_p[0], log_p.iter().enumerate().map(derivative).collect(), f64::from(right))
}

/// SimCLR's loss over all crops of `batch` pictures, rows `z` view-major (SwAV paper, appendix A.8): the mean of
/// `−log(e^s_ip / (e^s_ip + Σ e^s_in))` over rows i and other crops p of the same picture, n being all crops of the
/// other pictures and s = z zᵀ / T.
pub fn all_crops(z: &Tensor64, batch: usize, temperature: f64) -> Contrast {
    let rows = z.shape[0];
    let weight = 1.0 / (rows * (rows / batch - 1)) as f64;
    let mut found = Contrast::new(z);
    for anchor in 0..rows {
        let (positives, negatives): (Vec<_>, Vec<_>) =
            (0..rows).filter(|&other| other != anchor).partition(|other| other % batch == anchor % batch);
        for positive in positives {
            let others: Vec<usize> = [&[positive], &negatives[..]].concat();
            let logits: Vec<f64> = others.iter().map(|&other| dot(row(z, anchor), row(z, other))).collect();
            let (loss, derivatives, right) = cross_entropy(&logits, temperature);
            found.shares[anchor] += weight * loss;
            found.right[anchor] += weight * right;
            for (&other, derivative) in others.iter().zip(derivatives) {
                found.add(anchor, weight * derivative, row(z, other));
                found.add(other, weight * derivative, row(z, anchor));
            }
        }
    }
    found
}

/// MoCo's loss: the mean over the queries `q` of the cross-entropy of `[q · key, q · queue] / T`, the key of query i
/// being row i mod batch of `keys`. Only the queries get a gradient.
pub fn queue(q: &Tensor64, keys: &Tensor64, queue: &Tensor64, temperature: f64) -> Contrast {
    let weight = 1.0 / q.shape[0] as f64;
    let mut found = Contrast::new(q);
    for query in 0..q.shape[0] {
        let key = row(keys, query % keys.shape[0]);
        let others: Vec<&[f64]> = [key].into_iter().chain(queue.data.chunks(queue.shape[1])).collect();
        let logits: Vec<f64> = others.iter().map(|other| dot(row(q, query), other)).collect();
        let (loss, derivatives, right) = cross_entropy(&logits, temperature);
        (found.shares[query], found.right[query]) = (weight * loss, weight * right);
        for (other, derivative) in others.iter().zip(derivatives) {
            found.add(query, weight * derivative, other);
        }
    }
    found
}
