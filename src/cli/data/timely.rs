//! Networks by the time that there is, on this machine and on a usual GPU.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::{Advice, Facts, Value, whole_seconds, wrap};
use crate::error::Result;
use crate::measure::{Machine, Suggestion, suggest};

/// The times that are told of.
const TIMES: [u64; 2] = [20 * 60, 3600];
/// 10⁹ operations a second of a usual GPU, of which it gives training about a third.
const GPU: (&str, f64) = ("a GPU of 10 TFLOP/s, a third of which training gets", 10_000.0 / 3.0);

/// Why nothing larger is suggested than the preset's network, which has no settings of its own to have a rule.
const LARGEST: &str = "the preset's own, the largest that is suggested: its rate and batch are for this network, and larger ones \
     were not measured with them";

/// A network for a time on an adapter.
pub(super) struct Timely {
    adapter: String,
    gflop_per_s: f64,
    /// Whether it is the one of this machine.
    here: bool,
    time: Duration,
    suggestion: Suggestion,
}

/// Suggestions for `machine`, an adapter with its speed, where there is one, and for a usual GPU.
pub(super) fn timely(facts: &Facts, machine: Option<&Machine>) -> Result<Vec<Timely>> {
    let usual = Machine { adapter: GPU.0.to_owned(), gflop_per_s: GPU.1 };
    let here = machine.into_iter().flat_map(|machine| TIMES.map(|time| (machine, true, time)));
    let mut found = Vec::new();
    for (machine, here, time) in here.chain([(&usual, false, TIMES[0])]) {
        let Machine { adapter, gflop_per_s } = machine.clone();
        if let Some(suggestion) = suggest(facts, gflop_per_s, time as f64)? {
            let time = Duration::from_secs(time);
            found.push(Timely { adapter, gflop_per_s, here, time, suggestion });
        }
    }
    Ok(found)
}

impl Timely {
    /// Whether the run is over before the time is, since more epochs would change little.
    fn is_short(&self) -> bool {
        self.suggestion.seconds < 0.95 * self.time.as_secs_f64()
    }

    /// What gives the run its length: the time, which the program fills, or epochs where they take less than it.
    fn length(&self) -> Advice {
        let rule = self.suggestion.name.clone();
        if self.is_short() {
            return Advice { key: "epochs", value: format!("{:.0}", self.suggestion.epochs), rule };
        }
        Advice { key: "for", value: self.time.show(), rule }
    }

    /// All that the command has over the settings that suit the pictures.
    fn settings(&self) -> Vec<Advice> {
        self.suggestion.network.iter().cloned().chain([self.length()]).collect()
    }

    /// In a few lines; `command` is what trains with these settings.
    pub(super) fn text(&self, command: impl Fn(&[Advice]) -> String) -> String {
        let Suggestion { network, epochs, seconds, name } = &self.suggestion;
        let place = if self.here { "here" } else { "on a GPU" };
        let short =
            if self.is_short() { format!(", done after {}", whole_seconds(*seconds)) } else { String::new() };
        let rule = network.first().map_or(LARGEST, |advice| advice.rule.as_str());
        let mut text = format!("  {} {place}: {name}, about {epochs:.0} epochs{short}\n", self.time.show());
        let speed = format!("{} at {:.0} GFLOP a second: {rule}", self.adapter, self.gflop_per_s);
        for line in wrap(&speed, 92) {
            let _ = writeln!(text, "      {line}");
        }
        if self.here {
            let _ = writeln!(text, "      {}", command(&self.settings()));
        }
        text
    }

    pub(super) fn json(&self, command: impl Fn(&[Advice]) -> String) -> Json {
        let Suggestion { network, epochs, name, .. } = &self.suggestion;
        let settings: Vec<Json> = network
            .iter()
            .map(|Advice { key, value, rule }| json!({ "setting": key, "value": value, "rule": rule }))
            .collect();
        json!({
            "time": self.time.show(),
            "here": self.here,
            "adapter": self.adapter,
            "gflop_per_s": self.gflop_per_s,
            "network": name,
            "epochs": epochs,
            "settings": settings,
            "command": command(&self.settings()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pictures: usize, shorter_side: u32) -> Facts {
        let (mean, std) = (vec![0.485, 0.456, 0.406], vec![0.228, 0.224, 0.225]);
        Facts { pictures, classes: 10, shorter_side, grey: false, mean, std }
    }

    /// What is told of a machine, as text, and the settings that the commands have over the preset's.
    fn told(pictures: usize, gflop_per_s: f64) -> Vec<(String, Vec<Advice>)> {
        let machine = Machine { adapter: "this one".to_owned(), gflop_per_s };
        let told = timely(&facts(pictures, 300), Some(&machine)).unwrap();
        assert_eq!(told.iter().filter(|one| one.here).count(), TIMES.len());
        let line = |over: &[Advice]| {
            over.iter().map(|one| format!("--{} {}", one.key, one.value)).collect::<Vec<_>>().join(" ")
        };
        told.iter().filter(|one| one.here).map(|one| (one.text(line), one.settings())).collect()
    }

    #[test]
    fn a_run_gets_its_length_by_the_time_or_by_epochs_that_take_less() {
        let keys = |settings: &[Advice]| -> Vec<&str> {
            let lengths = settings.iter().filter(|one| ["for", "epochs"].contains(&one.key));
            lengths.map(|one| one.key).collect()
        };
        // A fast adapter is done with 800 epochs of few pictures long before: `--for` would fill the time.
        for (text, settings) in told(200, 10_000.0) {
            assert_eq!(keys(&settings), ["epochs"], "{text}");
            assert!(text.contains("--epochs 800\n") && text.contains("done after"), "{text}");
        }
        // The largest network has no settings of its own, and its line has the time all the same.
        for (text, settings) in told(10_000, 10_000.0) {
            assert_eq!((keys(&settings), settings.len()), (vec!["for"], 1), "{text}");
        }
        for (text, settings) in told(5_000, 20.0) {
            assert!(keys(&settings) == ["for"] && settings.len() > 1, "{text}");
        }
    }
}
