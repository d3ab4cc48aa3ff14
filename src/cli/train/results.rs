//! The results of a run, its plan and its profile, as text.

use std::fmt::Write as _;

use crate::cli::table::table;
use crate::gpu::Profile;
use crate::judge::margin;
use crate::pass::per_second;
use crate::train::{Pair, SplitSummary, Summary};

/// The summary at the end of a run.
pub(super) fn render(summary: &Summary) -> String {
    let Summary { steps, total_steps, loss, method, prototypes, prototypes_used, .. } = summary;
    let mut text = format!(
        "\n{steps} of {total_steps} steps in {:.0} s of training, {} images/s, seed {}, on {}\n\n",
        summary.seconds,
        per_second(summary.images_per_s),
        summary.seed,
        summary.adapter
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
    text += &accuracies("kNN accuracy", &summary.knn);
    text += &accuracies("by all pictures", &summary.whole);
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

/// The table of kNN accuracies, and in words where training did not help by the better of the rules.
fn accuracies(heading: &str, splits: &[SplitSummary]) -> String {
    if splits.is_empty() {
        return String::new();
    }
    let longest = splits.iter().map(|split| split.name.chars().count()).max().unwrap_or(0) + 9;
    let wide = longest.max(heading.len());
    let mut text = format!("\n  {heading:wide$}  raw pixels  untrained  trained\n");
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
        }
        for (who, other) in [("raw pixels", split.pixels), ("the untrained network", split.untrained)] {
            if split.trained.zip(other).is_some_and(|(trained, other)| trained.better() <= other.better()) {
                lost.push(format!("{who} on {}", split.name));
            }
        }
    }
    for split in splits.iter().filter(|split| split.queries > 0) {
        let (name, queries) = (&split.name, split.queries);
        if let Some(share) = split.trained.or(split.untrained).map(|pair| pair.plain) {
            let margin = margin(share, queries);
            let _ = writeln!(
                text,
                "  {name} asks about {queries} pictures: with others its figures would differ by up to {margin:.3}, 19 \
                 times of 20."
            );
        }
    }
    if !lost.is_empty() {
        let _ = writeln!(
            text,
            "  Training does not beat {}, by the better of plain and centred features.",
            lost.join("; ")
        );
    }
    text
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
            queries: 400,
            pixels: pair(0.341, 0.555),
            untrained: pair(0.3, 0.35),
            trained: pair(0.45, 0.458),
        };
        let text = accuracies("kNN accuracy", &[split]);
        assert!(text.contains("test, plain") && text.contains("0.341") && text.contains("0.450"), "{text}");
        // Wilson's interval of 180 of 400 is .4019 to .4990.
        let sure = "test asks about 400 pictures: with others its figures would differ by up to 0.049, 19 times of 20.";
        assert!(text.contains(sure), "{text}");
        assert!(text.contains("does not beat raw pixels on test, by the better of"), "{text}");
        assert!(accuracies("kNN accuracy", &[]).is_empty());
    }
}
