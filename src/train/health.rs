//! The health monitor: turns the figures of a report into a sentence with a remedy.
//!
//! The most common cry of people who train SwAV is "my loss sits at ln K". Four things go wrong in
//! practice: the loss sits at ln K, the embeddings or prototypes collapse, the run diverges, or the
//! numbers stop being finite. Each is said once, when it has lasted, and once more when it is over;
//! nothing is said in the first steps, where all of this is normal. The remedies (`remedies`) are those of each
//! method's authors. Pure: figures in, advice out.

mod remedies;

use crate::config::Method;
use serde::{Deserialize, Serialize};

/// What the monitor looks at: the figures of one report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// What the network is trained for.
    pub method: Method,
    /// Steps done.
    pub step: u64,
    /// The loss, in nats.
    pub loss: f64,
    /// The loss of a network that tells nothing apart (ln K of SwAV), where the method has one.
    pub chance: Option<f64>,
    /// Entropy of a sample's code, mean over samples, in nats (ln K = says nothing).
    pub code_entropy: Option<f64>,
    /// Prototypes that are the best one of some sample in a window of several K samples.
    pub prototypes_used: Option<u64>,
    /// Prototypes with an earlier twin (cosine above 0.99).
    pub prototypes_duplicated: Option<u64>,
    /// K.
    pub prototypes: Option<u64>,
    /// 1 − |mean z|² of the unit embeddings: 0 = all the same, near 1 = spread.
    pub embedding_spread: f64,
    /// Norm of the whole gradient.
    pub gradient_norm: f64,
    /// Values that are not finite, counted on the device.
    pub non_finite: u64,
}

/// What is wrong, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureMode {
    /// NaN or infinity somewhere.
    NonFinite,
    /// The loss is far above that of a network that tells nothing apart, or the gradient explodes.
    Diverging,
    /// All embeddings are alike, or a handful of prototypes take everything.
    Collapsed,
    #[serde(alias = "at_ln_k")]
    /// The loss does not leave that of a network that tells nothing apart (ln K of SwAV).
    AtChance,
}

const KINDS: [FailureMode; 4] =
    [FailureMode::NonFinite, FailureMode::Diverging, FailureMode::Collapsed, FailureMode::AtChance];

/// Something to tell the person who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What it is about.
    pub kind: FailureMode,
    /// False: this is wrong. True: it was, and no longer is.
    pub cleared: bool,
    /// What is happening, in plain words.
    pub sentence: String,
    /// What to change; empty when it has cleared.
    pub remedy: String,
}

/// One complaint: since which step its sign shows (or has gone), and whether it was said.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Complaint {
    said: bool,
    /// The step of the first report in a row that disagrees with `said`.
    since: Option<u64>,
}

/// Remembers enough of the past to tell a passing wobble from a state. Serialisable, so that a
/// resumed run says what the uninterrupted one would have said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Monitor {
    /// Before this step nothing is said but non-finite values and divergence.
    quiet_until: u64,
    /// How many steps a sign must last before it is said, or be gone before it has cleared.
    stretch: u64,
    complaints: [Complaint; 4],
    /// The loss, smoothed over about five reports.
    loss: Option<f64>,
    /// The usual ln |gradient|, slow to follow.
    usual_gradient: Option<f64>,
    reports: u64,
}

/// The loss counts as sitting at the chance level from this share of it on.
const AT_CHANCE: f64 = 0.99;
/// Embeddings count as all alike below this spread, and as sound again above twice of it.
const NO_SPREAD: f64 = 0.02;
/// A gradient this many times the usual one is exploding.
const EXPLODING: f64 = 100.0;
/// Reports before the usual gradient is known.
const GRADIENT_REPORTS: u64 = 10;

impl Monitor {
    /// A monitor for a run of `total_steps` whose prototypes are frozen for `freeze_steps`. Quiet for
    /// 5 % of the run, at least 300 steps (a fifth of a short run), at most 5,000.
    #[must_use]
    pub fn new(total_steps: u64, freeze_steps: u64) -> Self {
        let quiet = (total_steps / 20).clamp(300.min(total_steps / 5), 5000);
        Self {
            quiet_until: quiet,
            stretch: (quiet / 3).clamp(1, 200),
            complaints: [Complaint::default(); 4],
            loss: None,
            usual_gradient: None,
            reports: 0,
        }
        .waiting_for(freeze_steps)
    }

    /// While the prototypes stand still the loss may well stay near ln K.
    fn waiting_for(mut self, freeze_steps: u64) -> Self {
        self.quiet_until = self.quiet_until.max(freeze_steps.saturating_add(self.stretch));
        self
    }

    /// Takes a report; says at most one thing, the most urgent.
    pub fn observe(&mut self, figures: &Figures) -> Option<Advice> {
        self.reports += 1;
        let finite = figures.loss.is_finite() && figures.gradient_norm.is_finite() && figures.non_finite == 0;
        let explosion = if finite { self.follow(figures) } else { 1.0 };
        let signs = self.signs(figures, finite, explosion);
        let changes: Vec<bool> =
            (0..KINDS.len()).map(|i| self.has_changed(i, signs[i], figures.step)).collect();
        let i = changes.iter().position(|&changed| changed)?;
        let complaint = &mut self.complaints[i];
        *complaint = Complaint { said: !complaint.said, since: None };
        let cleared = !complaint.said;
        let (sentence, remedy) = if cleared {
            (remedies::cleared(KINDS[i], figures), String::new())
        } else {
            remedies::words(KINDS[i], figures, explosion)
        };
        Some(Advice { kind: KINDS[i], cleared, sentence, remedy })
    }

    /// What was said and has not cleared, the most urgent first.
    pub fn active(&self) -> impl Iterator<Item = FailureMode> {
        KINDS.into_iter().zip(&self.complaints).filter(|(_, complaint)| complaint.said).map(|(kind, _)| kind)
    }

    /// Updates the smoothed figures; returns how many times the usual gradient this one is.
    fn follow(&mut self, figures: &Figures) -> f64 {
        self.loss = Some(self.loss.map_or(figures.loss, |old| old + 0.2 * (figures.loss - old)));
        let now = figures.gradient_norm.max(1e-30).ln();
        let usual = self.usual_gradient.unwrap_or(now);
        // One outlier moves the usual by a twentieth of e-fold at most; a lasting change does in the end.
        self.usual_gradient = Some(usual + 0.05 * (now - usual).clamp(-1.0, 1.0));
        (now - usual).exp()
    }

    /// Whether each of [`KINDS`] shows in this report; a sign that was said needs more to go away
    /// than it took to come.
    fn signs(&self, figures: &Figures, finite: bool, explosion: f64) -> [bool; 4] {
        if !finite {
            return [true, self.complaints[1].said, self.complaints[2].said, self.complaints[3].said];
        }
        let loss = self.loss.unwrap_or(figures.loss);
        let settled = self.reports > GRADIENT_REPORTS;
        let slack = if self.complaints[1].said { 0.5 } else { 1.0 };
        let high = figures.chance.map(|chance| chance + (0.25 * chance).max(1.0) * slack);
        let diverging = settled && (high.is_some_and(|high| loss > high) || explosion > EXPLODING);
        let patient = figures.step >= self.quiet_until;
        let collapsed = patient && is_collapsed(figures, self.complaints[2].said);
        let edge = AT_CHANCE - if self.complaints[3].said { 0.01 } else { 0.0 };
        // A collapsed or diverging run has its own words: the chance level is then only a consequence. But what was
        // said is not taken back for that.
        let explained = (diverging || collapsed) && !self.complaints[3].said;
        let stays = figures.chance.is_some_and(|chance| chance > 0.0 && loss > edge * chance);
        [false, diverging, collapsed, patient && stays && !explained]
    }

    /// Whether a sign has now lasted (or been gone) long enough to be told.
    fn has_changed(&mut self, i: usize, sign: bool, step: u64) -> bool {
        let wait = match (KINDS[i], sign) {
            (FailureMode::NonFinite, true) => 0,
            (FailureMode::Diverging, true) => (self.stretch / 4).max(1),
            _ => self.stretch,
        };
        let complaint = &mut self.complaints[i];
        if sign == complaint.said {
            complaint.since = None;
            return false;
        }
        let since = *complaint.since.get_or_insert(step);
        step.saturating_sub(since) >= wait
    }
}

/// All embeddings alike, or nearly all samples on a few prototypes, or prototypes that became one.
fn is_collapsed(figures: &Figures, said: bool) -> bool {
    let (edge, share) = if said { (2.0 * NO_SPREAD, 5) } else { (NO_SPREAD, 3) };
    figures.embedding_spread < edge || few_used(figures, share) || merged(figures)
}

fn few_used(figures: &Figures, percent: u64) -> bool {
    let few = |(used, all): (u64, u64)| all > 1 && (used <= 1 || 100 * used < percent * all);
    figures.prototypes_used.zip(figures.prototypes).is_some_and(few)
}

fn merged(figures: &Figures) -> bool {
    let most = |(copies, all): (u64, u64)| all > 1 && 10 * copies >= 9 * all;
    figures.prototypes_duplicated.zip(figures.prototypes).is_some_and(most)
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
