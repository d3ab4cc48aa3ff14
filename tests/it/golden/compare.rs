//! The comparator: a computed tensor against an expected one, with the manifest's tolerances.
//!
//! `|got − want| ≤ atol + rtol·|want|` per element. A failure names file, case, tensor and the worst element with
//! what was got, wanted and allowed.

use super::{Case, TensorSpec};

impl Case<'_> {
    /// Panics unless `got` is within the manifest's tolerance of the expected `tensor`.
    ///
    /// `got` is always the whole tensor: of a sampled one the stored elements are picked here, and where the sum
    /// and norm of the whole are stored beside it (`<tensor>#sum_l2`) they are compared too.
    pub(crate) fn expect<T: Copy + Into<f64>>(&self, tensor: &str, got: &[T]) {
        if let Err(message) = self.check(tensor, got) {
            panic!("{message}");
        }
    }

    /// Like [`Case::expect`] with the error for a message. The number is the worst error as a share of what is
    /// allowed, for a report of the margin.
    pub(crate) fn check<T: Copy + Into<f64>>(&self, tensor: &str, got: &[T]) -> Result<f64, String> {
        self.check_with(tensor, got, &[])
    }

    /// The same where each element may be off by as much more as `room` says (the whole tensor too, or nothing).
    pub(crate) fn check_with<T: Copy + Into<f64>>(
        &self,
        tensor: &str,
        got: &[T],
        room: &[f64],
    ) -> Result<f64, String> {
        let spec = self.spec(tensor);
        let got: Vec<f64> = got.iter().map(|&v| v.into()).collect();
        let all = room;
        let room = if all.is_empty() { Vec::new() } else { self.pick(tensor, spec, all)? };
        let more = |i: usize| room.get(i).copied().unwrap_or(0.0);
        let allowed = |i: usize, want: f64| Some(self.allowed(tensor, spec, i, want)? + more(i));
        let mut worst = self.compare(tensor, &self.pick(tensor, spec, &got)?, allowed)?;
        let companion = format!("{tensor}#sum_l2");
        if let Some(spec) = self.tensors.get(&companion) {
            let sum_l2 = [got.iter().sum(), got.iter().map(|v| v * v).sum::<f64>().sqrt()];
            let more = [all.iter().sum(), all.iter().map(|v| v * v).sum::<f64>().sqrt()];
            let allowed = |i: usize, want: f64| Some(self.allowed(&companion, spec, i, want)? + more[i]);
            worst = worst.max(self.compare(&companion, &sum_l2, allowed)?);
        }
        if let Some(bound) = spec.mean_level_diff {
            let (_, want) = self.input(tensor);
            let mean =
                got.iter().zip(&want).map(|(g, w)| (g - f64::from(*w)).abs()).sum::<f64>() / got.len() as f64;
            if mean.is_nan() || mean > bound {
                return Err(format!(
                    "{}: {tensor}: mean difference {mean:.4} levels, allowed {bound}",
                    self.label()
                ));
            }
        }
        Ok(worst)
    }

    /// A comparison with a tolerance of the caller's, for values more exact than the manifest asks.
    pub(crate) fn check_within<T: Copy + Into<f64>>(
        &self,
        tensor: &str,
        got: &[T],
        allowed: impl Fn(f64) -> f64,
    ) -> Result<f64, String> {
        let got: Vec<f64> = got.iter().map(|&v| v.into()).collect();
        let got = self.pick(tensor, self.spec(tensor), &got)?;
        self.compare(tensor, &got, |_, want| Some(allowed(want)))
    }

    /// A comparison of two tensors of the same kind as one that is stored, with its tolerance.
    pub(crate) fn check_alike(&self, tensor: &str, got: &[f64], want: &[f64]) -> Result<(), String> {
        let spec = self.spec(tensor);
        let [got, want] = [self.pick(tensor, spec, got)?, self.pick(tensor, spec, want)?];
        let off = got.iter().zip(&want).enumerate().find(|&(i, (&got, &want))| {
            let allowed = self.allowed(tensor, spec, i, want).unwrap_or(0.0);
            (got - want).is_nan() || (got - want).abs() > allowed
        });
        off.map_or(Ok(()), |(i, (got, want))| {
            Err(format!("{}: {tensor}[{i}]: got {got:e}, want {want:e}", self.label()))
        })
    }

    /// The elements of the whole tensor that the file stores.
    fn pick(&self, tensor: &str, spec: &TensorSpec, got: &[f64]) -> Result<Vec<f64>, String> {
        let full: usize = spec.full_shape.as_ref().unwrap_or(&spec.shape).iter().product();
        if got.len() != full {
            return Err(format!("{}: {tensor}: got {} elements, want {full}", self.label(), got.len()));
        }
        let stride = if spec.sampled { spec.flat_stride.unwrap_or(1) } else { 1 };
        Ok(got.iter().step_by(stride).copied().collect())
    }

    fn allowed(&self, tensor: &str, spec: &TensorSpec, index: usize, want: f64) -> Option<f64> {
        if spec.exact {
            return Some(0.0);
        }
        let per_step = || self.attrs.get(format!("{tensor}_atol_per_step"))?.get(index)?.as_f64();
        let absolute = spec.atol.or(spec.max_level_diff).or_else(per_step)?;
        Some(absolute + spec.rtol * want.abs())
    }

    fn compare(
        &self,
        tensor: &str,
        got: &[f64],
        allowed: impl Fn(usize, f64) -> Option<f64>,
    ) -> Result<f64, String> {
        let (shape, want) = self.input(tensor);
        if got.len() != want.len() {
            return Err(format!("{}: {tensor}: got {} elements, want {shape:?}", self.label(), got.len()));
        }
        let (mut worst, mut message, mut wrong) = (0.0, String::new(), 0);
        for (i, (&got, &want)) in got.iter().zip(&want).enumerate() {
            let want = f64::from(want);
            let allowed = allowed(i, want)
                .ok_or_else(|| format!("{}: {tensor}: the manifest gives no tolerance", self.label()))?;
            let error = (got - want).abs();
            let share = match error {
                0.0 => 0.0,
                // A NaN is worse than any number.
                _ if error.is_nan() => f64::INFINITY,
                _ => error / allowed,
            };
            wrong += usize::from(share > 1.0);
            if share > worst {
                worst = share;
                let place = coordinates(i, &shape);
                message = format!(
                    "worst at {place:?}: got {got:e}, want {want:e}, off by {error:.3e}, allowed {allowed:.3e}"
                );
            }
        }
        if worst <= 1.0 {
            return Ok(worst);
        }
        Err(format!(
            "{}: {tensor} {shape:?}: {wrong} of {} elements differ; {message}",
            self.label(),
            got.len()
        ))
    }
}

fn coordinates(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut place = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        place[axis] = flat % shape[axis];
        flat /= shape[axis];
    }
    place
}

/// The comparator itself: what it must refuse.
#[cfg(test)]
mod tests {
    use crate::golden::Golden;

    #[test]
    fn differences_are_refused_and_named() {
        let golden = Golden::open();
        let case = golden.cases("01")[0];
        let (_, mut y) = case.input("y");
        case.expect("y", &y);
        y[3] += 1.0;
        let message = case.check("y", &y).expect_err("a wrong element");
        assert!(
            message.contains(case.file) && message.contains(case.name) && message.contains("1 of"),
            "{message}"
        );
        y[3] = f32::NAN;
        assert!(case.check("y", &y).is_err(), "a NaN");
        assert!(case.check("y", &y[1..]).is_err(), "a missing element");
        assert!(case.check("x", &case.input("x").1).is_err(), "a tensor without a tolerance");
    }
}
