//! What a survey found, as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::SETTINGS;
use super::timely::{Timely, timely};
use crate::cli::program;
use crate::config::{Advice, Config, Preset, advise, wrap};
use crate::data::{Dataset, Survey, configured};
use crate::error::Result;
use crate::measure::{self, Machine};
use crate::words::{about, counted, quoted};

/// Lines of classes and of unreadable pictures that the text shows.
const LINES: usize = 20;
/// Who would have to wait longer for all that is suggested is told first of what takes less, in seconds.
const LONG: f64 = 3600.0;

/// Everything that is told.
pub(super) struct Report<'a> {
    config: &'a Config,
    dataset: &'a Dataset,
    survey: &'a Survey,
    /// Pictures of each class.
    counts: Vec<usize>,
    /// Files that are equal to others, and groups of them on both sides of a split.
    equal: (usize, usize),
    advice: Vec<Advice>,
    /// Seconds that training with all of it takes on this machine, where its speed is known.
    seconds: Option<f64>,
    /// Networks by the time that there is.
    timely: Vec<Timely>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        config: &'a Config,
        dataset: &'a Dataset,
        survey: &'a Survey,
        equal: (usize, usize),
        machine: Option<&Machine>,
    ) -> Result<Self> {
        let counts = configured::class_counts(dataset);
        let facts = configured::facts(dataset, survey);
        let advice = match config.data {
            Some(_) => facts.as_ref().map_or(Ok(Vec::new()), advise)?,
            None => {
                let rule =
                    "it was made for these pictures, and is what `swav-wgpu train` takes without a path"
                        .to_owned();
                vec![Advice { key: "preset", value: Preset::Demo.to_string(), rule }]
            }
        };
        let timed = machine.zip(facts.as_ref()).filter(|_| !advice.is_empty());
        let seconds = timed.map(|(machine, facts)| measure::seconds(&advice, facts, machine)).transpose()?;
        let own = facts.filter(|_| config.data.is_some());
        let timely = own.map_or(Ok(Vec::new()), |facts| timely(&facts, machine))?;
        Ok(Self { config, dataset, survey, counts, equal, advice, seconds, timely })
    }

    /// Pictures that were looked at.
    fn seen(&self) -> usize {
        self.survey.sizes.len() + self.survey.unreadable.len()
    }

    /// Least, median and greatest width and height.
    fn sizes(&self) -> [[u32; 2]; 3] {
        let side = |which: usize| {
            let mut all: Vec<u32> = self.survey.sizes.iter().map(|size| size[which]).collect();
            all.sort_unstable();
            let at = |i: usize| all.get(i).copied().unwrap_or(0);
            [at(0), at(all.len() / 2), at(all.len().saturating_sub(1))]
        };
        let (widths, heights) = (side(0), side(1));
        [0, 1, 2].map(|i| [widths[i], heights[i]])
    }

    fn command(&self) -> String {
        self.command_with(&[])
    }

    /// The command with these settings over those that suit the pictures; `for` among them is a time to train for.
    fn command_with(&self, over: &[Advice]) -> String {
        let mut text = "swav-wgpu train".to_owned();
        if let Some(path) = &self.config.data {
            text += &format!(" {}", quoted(&path.display().to_string()));
        }
        for key in SETTINGS.into_iter().filter(|&key| key != "data") {
            if let (Ok(value), Ok(usual)) = (self.config.get(key), Config::default().get(key))
                && value != usual
            {
                text += &format!(" --{} {}", key.replace('_', "-"), quoted(&value));
            }
        }
        let kept = self.advice.iter().filter(|advice| over.iter().all(|one| one.key != advice.key));
        // A time decides how many epochs there are.
        let timed = over.iter().any(|one| one.key == "for");
        let kept = kept.filter(|advice| !(timed && advice.key == "epochs"));
        for Advice { key, value, .. } in kept.chain(over) {
            text += &format!(" --{} {value}", key.replace('_', "-"));
        }
        text
    }

    pub(super) fn text(&self) -> String {
        let (dataset, survey) = (self.dataset, self.survey);
        let mut text = match &self.config.data {
            Some(path) => format!("{}\n\n", path.display()),
            None => format!("{}, the pictures that come with the program\n\n", dataset.name()),
        };
        let mut line = |head: &str, what: String| {
            let _ = writeln!(text, "  {head:11} {what}");
        };
        line("pictures", format!("{}, {} of them to train on", dataset.len(), dataset.pretrain().len()));
        if self.seen() < dataset.len() {
            line("looked at", format!("{} of them", self.seen()));
        }
        line("classes", self.classes());
        for split in dataset.splits() {
            line(
                "judged by",
                format!(
                    "{}: the classes of {} from those of {}",
                    split.name,
                    split.queries.len(),
                    split.bank.len()
                ),
            );
        }
        if !survey.sizes.is_empty() {
            let [least, median, most] = self.sizes().map(|[width, height]| format!("{width}x{height}"));
            line("sizes", if least == most { least } else { format!("{least} to {most}, median {median}") });
            line("channels", self.channels());
            let show = |values: &[f64]| {
                values.iter().map(|value| format!("{value:.3}")).collect::<Vec<_>>().join(", ")
            };
            let of = if survey.mean.len() == 3 { "red, green, blue" } else { "a number a channel" };
            line("mean", format!("{} ({of}; every picture weighs the same)", show(&survey.mean)));
            line("deviation", show(&survey.std));
        }
        if self.equal.0 > 0 {
            line("duplicates", self.duplicates());
        }
        line("unreadable", format!("{} of {}", survey.unreadable.len(), self.seen()));
        for (picture, reason) in survey.unreadable.iter().take(LINES) {
            let reason = reason.replace(['\n', '\r'], " ");
            let name = dataset.picture_name(*picture);
            let named = if reason.contains(&name) { reason } else { format!("{name}: {reason}") };
            let _ = writeln!(text, "    {named}");
        }
        if survey.unreadable.len() > LINES {
            let _ = writeln!(text, "    and {} more, which --json lists", survey.unreadable.len() - LINES);
        }
        for notice in dataset.notices() {
            let _ = writeln!(text, "  note        {notice}");
        }
        text + &self.suggestions()
    }

    fn classes(&self) -> String {
        let classes = self.dataset.classes();
        if classes.is_empty() {
            return "none: the pictures have no labels".into();
        }
        let some = classes.iter().zip(&self.counts).take(LINES);
        let mut text = format!("{}: ", classes.len());
        text += &some.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ");
        if classes.len() > LINES {
            text += &format!(" and {} more", classes.len() - LINES);
        }
        let labelled: usize = self.counts.iter().sum();
        if labelled < self.dataset.len() {
            text += &format!("; {} without a label", self.dataset.len() - labelled);
        }
        text
    }

    fn duplicates(&self) -> String {
        let (spare, leaks) = self.equal;
        let leak = match leaks {
            0 => String::new(),
            _ => {
                format!(", {} on both sides of a split: what judges was trained on", counted(leaks, "group"))
            }
        };
        format!("{} equal to another{leak}; `swav-wgpu duplicates` lists them", counted(spare, "file"))
    }

    fn channels(&self) -> String {
        const NAMES: [&str; 4] = ["grey", "grey with transparency", "colour", "colour with transparency"];
        let counts = self.survey.channels.iter().zip(NAMES).filter(|(count, _)| **count > 0);
        let mut parts: Vec<String> = counts.map(|(count, name)| format!("{count} {name}")).collect();
        parts.extend(self.survey.bands.iter().map(|(bands, count)| format!("{count} with {bands} bands")));
        let deep = self.survey.bits.iter().filter(|(bits, _)| **bits > 8);
        parts.extend(deep.map(|(bits, count)| format!("{count} with {bits} bits a channel")));
        let grey = self.survey.channels[..2].iter().any(|count| *count > 0);
        parts.join(", ") + if grey { "; grey ones get three equal channels" } else { "" }
    }

    fn suggestions(&self) -> String {
        if self.advice.is_empty() {
            return "\nToo few pictures for a suggestion: four that can be read are the least.\n".into();
        }
        let mut text = "\nSuggested settings, and why\n\n".to_owned();
        for Advice { key, value, rule } in &self.advice {
            let flag = format!("--{} {value}", key.replace('_', "-"));
            let lines = wrap(rule, 72);
            let _ = writeln!(text, "  {flag:38} {}", lines[0]);
            for line in &lines[1..] {
                let _ = writeln!(text, "  {:38} {line}", "");
            }
        }
        let (whole, timed) = (self.whole(), self.by_time());
        let long = self.seconds.is_some_and(|seconds| seconds > LONG);
        text + &if long { timed + &whole } else { whole + &timed }
    }

    /// The command with everything that is suggested, and what it takes here.
    fn whole(&self) -> String {
        let time = self.seconds.map_or_else(String::new, |seconds| format!(", {} here", about(seconds)));
        format!("\nTo train with them{time}\n\n  {}\n", program::typed(&self.command(), &program::name()))
    }

    /// Commands by the time that there is.
    fn by_time(&self) -> String {
        let called = program::name();
        let typed = |settings: &[Advice]| program::typed(&self.command_with(settings), &called);
        let head = if self.timely.is_empty() { "" } else { "\nBy the time that there is\n\n" };
        self.timely.iter().fold(head.to_owned(), |text, one| text + &one.text(typed))
    }

    pub(super) fn json(&self) -> String {
        let (dataset, survey) = (self.dataset, self.survey);
        let [least, median, most] = self.sizes();
        // Of pictures that cannot be read there are no figures.
        let read = !survey.sizes.is_empty();
        let unreadable = survey.unreadable.iter();
        let unreadable: Vec<Value> = unreadable
            .map(|(picture, reason)| json!({ "name": dataset.picture_name(*picture), "reason": reason }))
            .collect();
        let classes: Vec<Value> = dataset
            .classes()
            .iter()
            .zip(&self.counts)
            .map(|(name, count)| json!({ "name": name, "pictures": count }))
            .collect();
        let splits: Vec<Value> = dataset
            .splits()
            .iter()
            .map(|split| json!({ "name": split.name, "bank": split.bank.len(), "queries": split.queries.len() }))
            .collect();
        let advice: Vec<Value> = self
            .advice
            .iter()
            .map(|Advice { key, value, rule }| json!({ "setting": key, "value": value, "rule": rule }))
            .collect();
        let [grey, grey_alpha, colour, colour_alpha] = survey.channels;
        let value = json!({
            "name": dataset.name(),
            "path": dataset.path().display().to_string(),
            "pictures": dataset.len(),
            "pretrain": dataset.pretrain().len(),
            "looked_at": self.seen(),
            "classes": classes,
            "splits": splits,
            "size": read.then(|| {
                json!({ "least": least, "median": median, "most": most, "shorter_side": survey.shorter_side() })
            }),
            "channels": {
                "grey": grey, "grey_alpha": grey_alpha, "colour": colour, "colour_alpha": colour_alpha,
                "bands": survey.bands,
            },
            "bits": survey.bits,
            "mean": read.then_some(&survey.mean),
            "std": read.then_some(&survey.std),
            "duplicates": { "equal_files": self.equal.0, "leaks": self.equal.1 },
            "unreadable": unreadable,
            "notices": dataset.notices(),
            "suggested": advice,
            "command": self.command(),
            "command_seconds": self.seconds,
            "by_time": self.timely.iter().map(|one| one.json(|network| self.command_with(network))).collect::<Vec<_>>(),
        });
        format!("{value:#}\n")
    }
}
