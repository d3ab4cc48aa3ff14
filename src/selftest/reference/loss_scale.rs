//! The loss scale from step to step.

/// What a step leaves to the next.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// What the next step multiplies its gradients by.
    pub scale: f64,
    /// Good steps since it changed.
    pub good: f64,
    /// Steps that moved nothing.
    pub skipped: f64,
    /// β₁ᵗ and β₂ᵗ over the steps that moved something, and over those that moved prototypes.
    pub powers: [f64; 4],
}

/// The state after a step with so many gradient values that are no numbers, and whether it is skipped.
pub fn adjust(
    state: &State,
    non_finite: f64,
    [floor, ceiling]: [f64; 2],
    patience: f64,
    [beta1, beta2]: [f64; 2],
    frozen: bool,
) -> (State, bool) {
    if non_finite > 0.0 {
        let (scale, skipped) = ((state.scale / 2.0).max(floor), state.skipped + 1.0);
        return (State { scale, good: 0.0, skipped, ..*state }, true);
    }
    let good = (state.good + 1.0).min(patience);
    let (scale, good) = match good >= patience && state.scale < ceiling {
        true => (state.scale * 2.0, 0.0),
        false => (state.scale, good),
    };
    let [late1, late2] = if frozen { [1.0, 1.0] } else { [beta1, beta2] };
    let [a, b, c, d] = state.powers;
    (State { scale, good, powers: [a * beta1, b * beta2, c * late1, d * late2], ..*state }, false)
}
