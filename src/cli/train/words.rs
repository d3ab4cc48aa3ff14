//! The end of a run in words: what was learned, for somebody who has never trained a network, and what to type next.

use std::fmt::Write as _;
use std::path::Path;

use crate::cli::program;
use crate::config::Method;
use crate::judge::margin;
use crate::runs::run_folder::resume_command;
use crate::train::{Pair, SplitSummary, Summary};
use crate::words::quoted;

/// Below this spread all pictures look alike to the network.
const COLLAPSED: f64 = 0.05;

/// Two sentences and three commands. `data` are the pictures of the run, none for those that come with the program, and
/// `called` is what to type for the program.
pub(super) fn closing(summary: &Summary, data: Option<&Path>, called: &str) -> String {
    let mut text = format!("\n{}\n\nWhat to type next:\n", learned(summary));
    let next = next(summary, data).map(|(command, why)| (program::typed(&command, called), why));
    let wide = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    for (command, why) in next {
        let _ = writeln!(text, "  {command:wide$}  {why}");
    }
    text
}

/// What was learned, in two sentences.
fn learned(summary: &Summary) -> String {
    if summary.steps == 0 {
        return "Nothing is learned yet: there was no step. The run goes on where it stopped.".to_owned();
    }
    if summary.embedding_spread < COLLAPSED {
        return "The network learned nothing: all pictures look the same to it. The warnings above say what to change."
            .to_owned();
    }
    match summary.knn.iter().find(|split| split.trained.is_some()) {
        Some(split) => judged(split, summary),
        None => grouped(summary),
    }
}

/// Where there are labels: whether like pictures lie beside each other, and whether that is more than before. Everybody
/// is taken at the better of plain and centred features, as the table's last line takes them.
fn judged(split: &SplitSummary, summary: &Summary) -> String {
    let percent = |share: f64| format!("{:.0}", 100.0 * share);
    let trained = split.trained.map_or(0.0, Pair::better);
    let of = if summary.knn.len() > 1 { format!(" of `{}`", split.name) } else { String::new() };
    let labels = match summary.method {
        Method::Supervised => "as it was taught by the labels of others",
        _ => "though it never saw a label",
    };
    let first = format!(
        "Shown a new picture{of}, the network finds others that look like it, and their class is the right one {} times \
         of 100, {labels}.",
        percent(trained)
    );
    let others = [("with raw pixels", split.pixels), ("with the network before training", split.untrained)];
    let others: Vec<(&str, f64)> =
        others.into_iter().filter_map(|(name, pair)| Some((name, pair?.better()))).collect();
    let list: Vec<String> =
        others.iter().map(|(name, share)| format!("{name} {} times", percent(*share))).collect();
    let best = others.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    // Newcombe's interval of a difference, as if each had been asked about pictures of its own. They were the same, which
    // makes the difference surer than that.
    let chance = |other: f64| margin(trained, split.queries).hypot(margin(other, split.queries));
    let untrained = split.untrained.map(Pair::better);
    let verdict = if others.is_empty() {
        return format!("{first} There is nothing to compare that with.");
    } else if trained > best + chance(best) {
        "it has learned something about what they show"
    } else if trained > best {
        "it may have learned something, but the difference is no larger than chance makes it"
    } else if untrained.is_some_and(|before| trained > before + chance(before)) {
        "it has learned something, but raw pixels still tell more; more time or more pictures may change that"
    } else {
        "what it learned is of no use yet, and more time or more pictures are needed"
    };
    format!(
        "{first} That is so {} (each by the better of plain and centred features): {verdict}.",
        list.join(" and ")
    )
}

/// Where there are none: how many groups it sees.
fn grouped(summary: &Summary) -> String {
    let groups = match summary.prototypes {
        0 => "Pictures that look alike to the network now lie beside each other.".to_owned(),
        _ => format!(
            "The network has sorted the pictures into {} groups of pictures that look alike to it.",
            summary.prototypes_used
        ),
    };
    format!("{groups} Without labels only eyes can judge that: the gallery shows what it takes for alike.")
}

/// Three commands, the most useful first, each with what it is for.
fn next(summary: &Summary, data: Option<&Path>) -> [(String, &'static str); 3] {
    let run = quoted(&summary.run_folder.display().to_string()).into_owned();
    let report = (format!("swav-wgpu report {run}"), "everything about this run, on one page");
    let sort = data.map(|data| {
        let data = quoted(&data.display().to_string()).into_owned();
        (
            format!("swav-wgpu sort {run} {data} --into sorted --clusters 20 --dry-run"),
            "the pictures in 20 groups; without the last word, as folders",
        )
    });
    let embed =
        (format!("swav-wgpu embed {run} --out features.npy"), "what it sees in each picture, as numbers");
    let judge = if summary.knn.is_empty() {
        (format!("swav-wgpu eval clusters {run}"), "how even its groups are")
    } else {
        (format!("swav-wgpu eval linear {run}"), "how good a classifier on what it sees would be")
    };
    if !summary.finished {
        return [(resume_command(&summary.run_folder), "goes on with this run"), report, judge];
    }
    [report, sort.unwrap_or(embed), judge]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Pair;

    fn summary() -> Summary {
        let pair = |plain| Some(Pair { plain, centred: plain });
        let split = SplitSummary {
            name: "test".into(),
            queries: 1000,
            pixels: pair(0.341),
            untrained: pair(0.35),
            trained: pair(0.441),
        };
        let value = serde_json::json!({
            "interrupted": false, "finished": true, "steps": 10, "total_steps": 10, "loss": 1.0, "knn": [split],
            "prototypes": 30, "prototypes_used": 29, "prototypes_dead": 1, "prototypes_duplicated": 0,
            "embedding_spread": 0.9, "images_per_s": 1.0, "seconds": 1.0, "adapter": "x", "seed": 1,
            "run_folder": "runs/a b", "gallery": null, "unreadable": 0,
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn two_sentences_say_what_was_learned() {
        let mut summary = summary();
        let text = learned(&summary);
        assert!(text.contains("44 times of 100") && text.contains("has learned something"), "{text}");
        assert!(
            text.contains("so with raw pixels 34 times and with the network before training 35 times (each"),
            "{text}"
        );
        assert_eq!(text.matches(". ").count() + 1, 2, "{text}");
        summary.knn[0].queries = 100;
        assert!(learned(&summary).contains("no larger than chance"));
        summary.knn[0].trained = summary.knn[0].pixels;
        assert!(learned(&summary).contains("no use yet"));
        assert!(learned(&summary).contains("never saw a label"));
        summary.method = Method::Supervised;
        assert!(!learned(&summary).contains("never saw a label"), "{}", learned(&summary));
        summary.knn.clear();
        assert!(learned(&summary).contains("29 groups"));
        summary.embedding_spread = 0.01;
        assert!(learned(&summary).contains("learned nothing"));
        summary.steps = 0;
        assert!(learned(&summary).contains("Nothing is learned yet"));
    }

    /// The demo: what it learned is far more than before, and raw pixels less their mean are still ahead.
    #[test]
    fn everybody_is_taken_at_the_better_of_plain_and_centred() {
        let mut summary = summary();
        let pair = |plain, centred| Some(Pair { plain, centred });
        summary.knn[0].pixels = pair(0.341, 0.554);
        summary.knn[0].untrained = pair(0.35, 0.368);
        summary.knn[0].trained = pair(0.435, 0.469);
        summary.knn.push(SplitSummary { name: "other".into(), ..summary.knn[0].clone() });
        let text = learned(&summary);
        assert!(text.contains("of `test`") && text.contains("47 times of 100"), "{text}");
        assert!(text.contains("raw pixels 55 times") && text.contains("training 37 times"), "{text}");
        assert!(text.contains("raw pixels still tell more"), "{text}");
    }

    #[test]
    fn the_commands_fit_the_run() {
        let mut summary = summary();
        let text = closing(&summary, Some(Path::new("my photos")), "swav-wgpu");
        assert!(text.contains("swav-wgpu report 'runs/a b'"), "{text}");
        assert!(
            text.contains("sort 'runs/a b' 'my photos' --into") && text.contains("eval linear"),
            "{text}"
        );
        assert_eq!(text.matches("\n  swav-wgpu ").count(), 3, "{text}");
        summary.finished = false;
        let text = closing(&summary, None, "target/release/swav-wgpu");
        assert!(text.contains("\n  target/release/swav-wgpu train --resume 'runs/a b'"), "{text}");
        assert_eq!(text.matches("\n  target/release/swav-wgpu ").count(), 3, "{text}");
    }

    #[test]
    fn every_command_is_one_of_the_program() {
        let mut summary = summary();
        for (finished, data, labels) in
            [(true, Some("photos"), true), (true, None, true), (true, None, false), (false, None, false)]
        {
            summary.finished = finished;
            summary.run_folder = "runs/a".into();
            if !labels {
                summary.knn.clear();
            }
            for (command, _) in next(&summary, data.map(Path::new)) {
                let words = command.split(' ');
                crate::cli::command()
                    .try_get_matches_from(words)
                    .unwrap_or_else(|e| panic!("{command}: {e}"));
            }
        }
    }
}
