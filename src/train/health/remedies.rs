//! What the health monitor says: a sentence about what is happening, and what to change, by method.

use super::{EXPLODING, FailureMode, Figures, NO_SPREAD, merged};
use crate::config::Method;

/// The sentence and the remedy of a complaint.
pub(super) fn words(kind: FailureMode, figures: &Figures, explosion: f64) -> (String, String) {
    let sentence = sentence(kind, figures, explosion);
    let remedy = match figures.method {
        Method::Swav => swav(kind, figures),
        Method::DeepclusterV2 | Method::SelaV2 => clusters(kind).to_owned(),
        Method::Simclr => simclr(kind).to_owned(),
        Method::MocoV2 => moco(kind).to_owned(),
        Method::Byol => byol(kind).to_owned(),
        Method::Supervised => supervised(kind).to_owned(),
    };
    (sentence, remedy)
}

fn sentence(kind: FailureMode, figures: &Figures, explosion: f64) -> String {
    let Figures { step, loss, .. } = *figures;
    let (name, chance) = (figures.method.chance(), figures.chance.unwrap_or_default());
    match kind {
        FailureMode::NonFinite => {
            format!("At step {step} the numbers stopped being finite ({} values).", figures.non_finite.max(1))
        }
        FailureMode::Diverging if explosion > EXPLODING => {
            format!("The gradient is {explosion:.0} times its usual size: the run is diverging.")
        }
        FailureMode::Diverging => format!(
            "The loss is {loss:.2}, far above {name} = {chance:.2}: worse than guessing, the run is diverging."
        ),
        FailureMode::Collapsed => collapse(figures),
        FailureMode::AtChance => {
            let place = if loss > 1.01 * chance { "above" } else { "at" };
            format!(
                "The loss stays {place} {name} ({loss:.3}, {name} = {chance:.3}): the model does not yet tell pictures \
                 apart."
            )
        }
    }
}

fn collapse(figures: &Figures) -> String {
    let [all, used, copies] = [figures.prototypes, figures.prototypes_used, figures.prototypes_duplicated]
        .map(Option::unwrap_or_default);
    let spread = figures.embedding_spread;
    if spread < NO_SPREAD {
        format!("All pictures get nearly the same features (spread {spread:.3}, 0 is a point): collapsed.")
    } else if merged(figures) {
        format!("{copies} of {all} prototypes are copies of another: collapsed.")
    } else {
        format!("Only {used} of {all} prototypes are used: collapsed onto a few clusters.")
    }
}

fn swav(kind: FailureMode, figures: &Figures) -> String {
    let remedy = match kind {
        FailureMode::NonFinite => {
            "Go back to the last checkpoint with a lower learning rate or a longer warm-up; if ε is below 0.02, raise it."
        }
        FailureMode::Diverging => {
            "Lower the learning rate or warm up for longer. If it began when the queue started, use a smaller queue or \
             start it later: the loss should go down at that point."
        }
        FailureMode::Collapsed => {
            "Freeze the prototypes for longer, lower ε to 0.03 and lower the learning rate; with a queue, make it \
             smaller or start it later; with many unused prototypes, use fewer (about 10 for every class that you \
             expect)."
        }
        FailureMode::AtChance => {
            // Codes that say nothing cannot be predicted to any use: then ε is the first suspect.
            let uniform =
                figures.code_entropy.zip(figures.chance).is_some_and(|(entropy, ln_k)| entropy > 0.9 * ln_k);
            let first = if uniform {
                "The codes are almost uniform, so first lower ε to 0.03. Then try"
            } else {
                "Try ε 0.03,"
            };
            return format!(
                "{first} freezing the prototypes for longer, fewer crops or softer colour changes, another learning \
                 rate; about 10 prototypes for every class that you expect (12 to 20 in all easily fails)."
            );
        }
    };
    remedy.to_owned()
}

const RATE: &str = "Go back to the last checkpoint with a lower learning rate or a longer warm-up.";

fn clusters(kind: FailureMode) -> &'static str {
    match kind {
        FailureMode::NonFinite | FailureMode::Diverging => RATE,
        FailureMode::Collapsed => "Lower the learning rate or warm up for longer, and use fewer prototypes.",
        FailureMode::AtChance => {
            "In the first epochs the clusters are those of a random network. If it stays, use fewer prototypes, another \
             learning rate, or softer colour changes on small or drawn pictures. Empty clusters are no fault."
        }
    }
}

fn simclr(kind: FailureMode) -> &'static str {
    match kind {
        FailureMode::NonFinite => {
            "Go back to the last checkpoint with a lower learning rate, or a higher temperature if it is below 0.05."
        }
        FailureMode::Diverging => RATE,
        FailureMode::Collapsed => {
            "Lower the learning rate; check that the crops of a picture differ (jitter, grey, scale)."
        }
        FailureMode::AtChance => {
            "Larger batches have more negatives and learn sooner; try another learning rate, a temperature between 0.1 \
             and 0.5, and softer colour changes on small or drawn pictures."
        }
    }
}

fn moco(kind: FailureMode) -> &'static str {
    match kind {
        FailureMode::NonFinite | FailureMode::Diverging => RATE,
        FailureMode::Collapsed => {
            "Lower the learning rate, or raise `target_momentum` towards 0.999: keys should change slowly."
        }
        FailureMode::AtChance => {
            "In the first epochs the loss rises while real keys fill the queue, which is no fault. If it stays, use a \
             shorter queue, a lower `target_momentum` in short runs, or another learning rate; judge by kNN."
        }
    }
}

fn byol(kind: FailureMode) -> &'static str {
    match kind {
        FailureMode::NonFinite | FailureMode::Diverging => RATE,
        FailureMode::Collapsed => {
            "The loss is small because every picture looks the same to the network. Keep the batch norms of head and \
             predictor, raise `target_momentum`, lower the learning rate, and use batches of 64 or more."
        }
        FailureMode::AtChance => "",
    }
}

fn supervised(kind: FailureMode) -> &'static str {
    match kind {
        FailureMode::NonFinite | FailureMode::Diverging => RATE,
        FailureMode::Collapsed => "Lower the learning rate.",
        FailureMode::AtChance => {
            "Check that the labels belong to the pictures, and try another learning rate."
        }
    }
}

/// What is said once a complaint is over.
pub(super) fn cleared(kind: FailureMode, figures: &Figures) -> String {
    let Figures { loss, embedding_spread, .. } = *figures;
    let (name, chance) = (figures.method.chance(), figures.chance.unwrap_or_default());
    match kind {
        FailureMode::NonFinite => "All numbers are finite again.".to_owned(),
        FailureMode::Diverging => match figures.chance {
            Some(_) => {
                format!("The loss has come back to {loss:.2} ({name} = {chance:.2}): no longer diverging.")
            }
            None => format!("The loss has come back to {loss:.2}: no longer diverging."),
        },
        FailureMode::Collapsed => match figures.prototypes_used.zip(figures.prototypes) {
            Some((used, all)) => {
                format!(
                    "No longer collapsed: {used} of {all} prototypes are used, spread {embedding_spread:.2}."
                )
            }
            None => format!("No longer collapsed: spread {embedding_spread:.2}."),
        },
        FailureMode::AtChance => format!("The loss has left {name}: {loss:.3}, {name} = {chance:.3}."),
    }
}
