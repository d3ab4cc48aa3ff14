//! Axes of charts: their range, their scale, and the round values that stand at them.

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Equal differences have equal lengths.
    Linear,
    /// Equal ratios have equal lengths; what is not above zero has no place.
    Logarithmic,
}

impl Scale {
    /// Where a value stands on an axis of this scale; no number where it has no place.
    pub(super) fn of(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.log10(),
        }
    }
}

/// A number in few characters.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        size if size > 0.0 && size < 0.001 => format!("{value:.0e}"),
        size if size >= 10_000.0 => format!("{}k", value / 1000.0),
        _ => format!("{}", (value * 1e4).round() / 1e4),
    }
}

/// The range of an axis.
pub(super) struct Axis {
    pub(super) low: f64,
    high: f64,
    ticks: usize,
}

impl Axis {
    /// From the least to the greatest value, and around a single one, with room for so many ticks.
    pub(super) fn of(values: impl Iterator<Item = f64>, ticks: f64) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let room = if high > low { 0.0 } else { 0.5 * low.abs().max(1e-3) };
        Self { low: low - room, high: high + room, ticks: ticks as usize }
    }

    /// Where a value lies between two pixels.
    pub(super) fn at(&self, value: f64, from: f64, to: f64) -> f64 {
        from + (value - self.low) / (self.high - self.low) * (to - from)
    }

    /// Round values (1, 2 or 5 times a power of ten apart).
    pub(super) fn ticks(&self) -> Vec<f64> {
        let least = (self.high - self.low) / self.ticks.max(1) as f64;
        let power = 10f64.powf(least.log10().floor());
        let step = [1.0, 2.0, 5.0]
            .into_iter()
            .map(|m| m * power)
            .find(|&step| step >= least)
            .unwrap_or(10.0 * power);
        let first = (self.low / step).ceil() as i64;
        (first..)
            .map(|i| i as f64 * step)
            .take_while(|&tick| tick <= self.high + 1e-9 * step)
            .take(64)
            .collect()
    }
    /// Where round values stand on an axis of this scale, and what they are. On a logarithmic one they are 1, 2 and 5 times
    /// powers of ten, or powers of ten alone where those would stand too close; of a short range, those of a linear one.
    pub(super) fn marks(&self, scale: Scale) -> Vec<(f64, f64)> {
        if scale == Scale::Linear {
            return self.ticks().into_iter().map(|tick| (tick, tick)).collect();
        }
        let inside = |factors: &[f64]| -> Vec<(f64, f64)> {
            let powers = (self.low.floor() as i32..=self.high.ceil() as i32).take(64);
            let values =
                powers.flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)));
            let placed = values.map(|value| (scale.of(value), value));
            placed.filter(|(at, _)| (self.low - 1e-9..=self.high + 1e-9).contains(at)).collect()
        };
        let fine = inside(&[1.0, 2.0, 5.0]);
        match fine.len() {
            0 | 1 => {
                let values =
                    Self { low: 10f64.powf(self.low), high: 10f64.powf(self.high), ticks: self.ticks };
                values.ticks().into_iter().map(|value| (scale.of(value), value)).collect()
            }
            few if few <= self.ticks + 2 => fine,
            _ => inside(&[1.0]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let ticks = |low, high, ticks| Axis { low, high, ticks }.ticks();
        assert_eq!(ticks(0.0, 1892.0, 5), [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!(ticks(3.4, 5.9, 2), [4.0]);
        assert_eq!(ticks(-0.2, 0.2, 4), [-0.2, -0.1, 0.0, 0.1, 0.2]);
        assert_eq!([12_000.0, 0.00002, 0.25, 500.0].map(short), ["12k", "2e-5", "0.25", "500"]);
    }

    #[test]
    fn marks_of_a_logarithmic_axis_are_round_and_inside() {
        let marks = |low: f64, high: f64| -> Vec<f64> {
            let axis = Axis { low: low.log10(), high: high.log10(), ticks: 5 };
            axis.marks(Scale::Logarithmic).into_iter().map(|(_, shown)| shown).collect()
        };
        assert_eq!(marks(999.0, 60_000.0), [1e3, 2e3, 5e3, 1e4, 2e4, 5e4]);
        assert_eq!(marks(3.0, 40.0), [5.0, 10.0, 20.0]);
        assert_eq!(marks(1.0, 1e5), [1.0, 10.0, 100.0, 1e3, 1e4, 1e5]);
        assert_eq!(marks(310.0, 410.0), [320.0, 340.0, 360.0, 380.0, 400.0]);
        assert!(Scale::Logarithmic.of(0.0).is_infinite() && Scale::Logarithmic.of(-1.0).is_nan());
    }
}
