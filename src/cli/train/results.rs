//! The results of a run, its plan and its profile, as text.

use std::fmt::Write as _;

use crate::cli::table::{bytes, seconds, table};
use crate::config::Config;
use crate::gpu::Profile;
use crate::train::{Pair, PlanFigures, SplitSummary, Summary};

/// The summary at the end of a run.
pub(super) fn render(summary: &Summary) -> String {
    let Summary { steps, total_steps, loss, method, prototypes, prototypes_used, .. } = summary;
    let mut text = format!(
        "\n{steps} of {total_steps} steps in {:.0} s of training, {:.0} images/s, seed {}, on {}\n\n",
        summary.seconds, summary.images_per_s, summary.seed, summary.adapter
    );
    let level = summary.chance.map_or_else(String::new, |chance| {
        format!(", where {} = {chance:.3} is a network that tells nothing apart", method.chance())
    });
    let _ = writeln!(text, "  loss              {loss:.3}{level}");
    if *prototypes > 0 {
        let copies = match summary.prototypes_duplicated {
            0 => String::new(),
            copies => format!(", {copies} of them copies"),
        };
        let _ = writeln!(text, "  prototypes used   {prototypes_used} of {prototypes}{copies}");
    }
    let _ = writeln!(
        text,
        "  embedding spread  {:.3}, where 0 is a collapse and 1 the most",
        summary.embedding_spread
    );
    text += &accuracies(&summary.knn);
    if summary.unreadable > 0 {
        let list = summary.run_folder.join("unreadable.txt");
        let _ = writeln!(text, "\n  {} pictures could not be read: {}", summary.unreadable, list.display());
    }
    let _ = writeln!(text, "\n  run folder        {}", summary.run_folder.display());
    if let Some(gallery) = &summary.gallery {
        let _ = writeln!(text, "  gallery           {}", gallery.display());
    }
    text
}

/// Takes the accuracy under one centring rule.
type Rule = fn(Pair) -> f64;

/// The table of kNN accuracies, and in words where training did not help.
fn accuracies(splits: &[SplitSummary]) -> String {
    if splits.is_empty() {
        return String::new();
    }
    let wide = splits.iter().map(|split| split.name.chars().count()).max().unwrap_or(0) + 9;
    let mut text = format!("\n  {:wide$}  raw pixels  untrained  trained\n", "kNN accuracy");
    let mut lost = Vec::new();
    let rules: [(&str, Rule); 2] = [("plain", |pair| pair.plain), ("centred", |pair| pair.centred)];
    for split in splits {
        for (rule, take) in rules {
            let [pixels, untrained, trained] =
                [split.pixels, split.untrained, split.trained].map(|pair| pair.map(take));
            let show =
                |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
            let name = format!("{}, {rule}", split.name);
            let _ = writeln!(
                text,
                "  {name:wide$}  {:>10}  {:>9}  {:>7}",
                show(pixels),
                show(untrained),
                show(trained)
            );
            for (who, other) in [("raw pixels", pixels), ("the untrained network", untrained)] {
                if trained.zip(other).is_some_and(|(trained, other)| trained <= other) {
                    lost.push(format!("{who} on {name}"));
                }
            }
        }
    }
    if !lost.is_empty() {
        let _ = writeln!(text, "  Training does not beat {}.", lost.join("; "));
    }
    text
}

/// What a run would cost.
pub(super) fn plan(config: &Config, figures: &PlanFigures) -> String {
    let PlanFigures { dispatches, estimate, memory, driver, parameters, adapter, parts, extra } = figures;
    let allocated = driver.map_or_else(
        || "this driver does not say what it allocates".to_owned(),
        |driver| {
            format!(
                "{} allocated by the driver in blocks of {}",
                bytes(driver.allocated),
                bytes(driver.reserved)
            )
        },
    );
    format!(
        "adapter      {adapter}\n\
         parameters   {parameters}\n\
         a step       {dispatches} dispatches on {} pictures with {} crops each\n\
         parts        {}\n\
         submissions  {} a step at first, by a rough estimate of {} for this kind of adapter; the longest dispatch \
         is {} with {}\n\
         peak memory  {} on the device\n\
         at rest      {} planned, {allocated}\n",
        config.batch,
        config.crop_count(),
        parts_of_a_batch(parts, *extra),
        estimate.submissions,
        seconds(estimate.seconds),
        estimate.longest.0,
        seconds(estimate.longest.1),
        bytes(memory.peak()),
        bytes(memory.kept)
    )
}

/// In which parts a batch goes through the trunk, and what that costs.
fn parts_of_a_batch(parts: &[usize], extra: f64) -> String {
    let (most, last) = (parts.first().copied().unwrap_or(0), parts.last().copied().unwrap_or(0));
    match parts.len() {
        0 | 1 => "none: a batch goes through the trunk as a whole".to_owned(),
        count => {
            let rest = if last == most { String::new() } else { format!(", the last of {last}") };
            format!(
                "{count} of {most} pictures{rest}; each goes forward twice, which is {:.0} % more work",
                100.0 * extra
            )
        }
    }
}

/// Where the time of a step went, by operation and by layer.
pub(super) fn profile(profile: &Profile) -> String {
    let mut text = format!("\nDevice time of one step: {:.2} ms\n", profile.total());
    text += &table("operation", &profile.by_operation(), profile.total());
    text += &table("layer", &profile.by_layer(), profile.total());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_where_training_does_not_help() {
        let pair = |plain, centred| Some(Pair { plain, centred });
        let split = SplitSummary {
            name: "test".into(),
            pixels: pair(0.341, 0.555),
            untrained: pair(0.3, 0.35),
            trained: pair(0.45, 0.458),
        };
        let text = accuracies(&[split]);
        assert!(text.contains("test, plain") && text.contains("0.341") && text.contains("0.450"), "{text}");
        assert!(text.contains("does not beat raw pixels on test, centred."), "{text}");
        assert!(accuracies(&[]).is_empty());
    }
}
