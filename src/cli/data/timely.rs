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
    /// In a few lines; `command` is what trains with these settings.
    pub(super) fn text(&self, command: impl Fn(&[Advice]) -> String) -> String {
        let Suggestion { network, epochs, seconds, name } = &self.suggestion;
        let place = if self.here { "here" } else { "on a GPU" };
        let short = if *seconds < 0.95 * self.time.as_secs_f64() {
            format!(", done after {}", whole_seconds(*seconds))
        } else {
            String::new()
        };
        let rule = network
            .first()
            .map_or("the preset's own, the largest that is suggested", |advice| advice.rule.as_str());
        let mut text = format!("  {} {place}: {name}, about {epochs:.0} epochs{short}\n", self.time.show());
        let speed = format!("{} at {:.0} GFLOP a second: {rule}", self.adapter, self.gflop_per_s);
        for line in wrap(&speed, 92) {
            let _ = writeln!(text, "      {line}");
        }
        if self.here {
            let _ = writeln!(text, "      {} --for {}", command(network), self.time.show());
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
            "command": format!("{} --for {}", command(network), self.time.show()),
        })
    }
}
