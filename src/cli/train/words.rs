//! The end of a run in words: what was learned, for somebody who has never trained a network, and what to type next.

use std::fmt::Write as _;
use std::path::Path;

use crate::judge::margin;
use crate::runs::run_folder::resume_command;
use crate::train::{SplitSummary, Summary};
use crate::words::quoted;

/// Below this spread all pictures look alike to the network.
const COLLAPSED: f64 = 0.05;

/// Two sentences and three commands. `data` are the pictures of the run, none for those that come with the program.
pub(super) fn closing(summary: &Summary, data: Option<&Path>) -> String {
    let mut text = format!("\n{}\n\nWhat to type next:\n", learned(summary));
    let next = next(summary, data);
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
        Some(split) => judged(split),
        None => grouped(summary),
    }
}

/// Where there are labels: whether like pictures lie beside each other, and whether that is more than before.
fn judged(split: &SplitSummary) -> String {
    let percent = |share: f64| format!("{:.0}", 100.0 * share);
    let trained = split.trained.map_or(0.0, |pair| pair.plain);
    let first = format!(
        "Shown a new picture, the network finds others that look like it, and their class is the right one {} times of \
         100, though it never saw a label.",
        percent(trained)
    );
    let others = [("with raw pixels", split.pixels), ("with the network before training", split.untrained)];
    let others: Vec<(&str, f64)> =
        others.into_iter().filter_map(|(name, pair)| Some((name, pair?.plain))).collect();
    let list: Vec<String> =
        others.iter().map(|(name, share)| format!("{name} {} times", percent(*share))).collect();
    let best = others.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    let sure = margin(trained, split.queries.max(1)) + margin(best, split.queries.max(1));
    let verdict = if others.is_empty() {
        return format!("{first} There is nothing to compare that with.");
    } else if trained > best + sure {
        "it has learned something about what they show"
    } else if trained > best {
        "it may have learned something, but the difference is no larger than chance makes it"
    } else {
        "what it learned is of no use yet, and more time or more pictures are needed"
    };
    format!("{first} That is so {}: {verdict}.", list.join(" and "))
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
            text.contains("so with raw pixels 34 times and with the network before training 35 times: it"),
            "{text}"
        );
        assert_eq!(text.matches(". ").count() + 1, 2, "{text}");
        summary.knn[0].queries = 100;
        assert!(learned(&summary).contains("no larger than chance"));
        summary.knn[0].trained = summary.knn[0].pixels;
        assert!(learned(&summary).contains("no use yet"));
        summary.knn.clear();
        assert!(learned(&summary).contains("29 groups"));
        summary.embedding_spread = 0.01;
        assert!(learned(&summary).contains("learned nothing"));
        summary.steps = 0;
        assert!(learned(&summary).contains("Nothing is learned yet"));
    }

    #[test]
    fn the_commands_fit_the_run() {
        let mut summary = summary();
        let text = closing(&summary, Some(Path::new("my photos")));
        assert!(text.contains("swav-wgpu report 'runs/a b'"), "{text}");
        assert!(
            text.contains("sort 'runs/a b' 'my photos' --into") && text.contains("eval linear"),
            "{text}"
        );
        assert_eq!(text.matches("\n  swav-wgpu ").count(), 3, "{text}");
        summary.finished = false;
        let text = closing(&summary, None);
        assert!(text.contains("train --resume 'runs/a b'"), "{text}");
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
