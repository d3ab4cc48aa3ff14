//! The command line's side of a run: shows its events, passes Ctrl-C on, prints the results.

use super::{TrainRequest, results, words};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::{self, Progress};
use crate::cli::{Outcome, print, program, table};
use crate::config::{Config, Method, Preset};
use crate::error::Result;
use crate::gpu::Profile;
use crate::ranks::Exchange;
use crate::runs::run_folder::resume_command;
use crate::train::events::Started;
use crate::train::health::Advice;
use crate::train::{Event, Flow, Metrics, SplitAccuracy, TrainOptions, run};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Trains, showing how it goes.
pub(super) fn train(request: TrainRequest, ranks: &Arc<dyn Exchange>) -> Result<Outcome> {
    let TrainRequest { config, profile, resume, within, .. } = request;
    let mut watch = Watch::new(&config);
    let data = config.data.clone();
    let options = TrainOptions { config, resume, profile, within };
    let outcome = run::train_among(options, ranks, &mut |event| watch.show(event));
    // The terminal is given back before anything else is written, an error too.
    let (measured, missed) = watch.finish();
    let summary = outcome?;
    if summary.interrupted {
        let command = program::typed(&resume_command(&summary.run_folder), &program::name());
        print(&format!(
            "Stopped at step {} of {}. Go on with: {command}\n",
            summary.steps, summary.total_steps
        ))?;
        return Ok(Outcome::Interrupted);
    }
    print(&(results::render(&summary) + &words::closing(&summary, data.as_deref(), &program::name())))?;
    if let Some(profile) = measured {
        print(&results::profile(&profile))?;
    }
    // Ctrl-C that came after the last step: everything was done, but whoever called should know.
    Ok(if missed && !summary.finished { Outcome::Interrupted } else { Outcome::Done })
}

/// A step is told of when the device has begun it. The wish to stop is heard when it is done, and by then the next is under
/// way; not so with a driver that computes while it is given work, as those of processors do.
const UNDER_WAY: u32 = 2;

/// What is shown while a run goes on.
pub(in crate::cli) struct Watch {
    interrupt: Interrupt,
    progress: Progress,
    profile: Option<Profile>,
    /// Said under the header, where the demo shows less than the method can.
    remark: Option<&'static str>,
    /// What the settings say, for a run whose epochs have that many steps.
    steps_per_epoch: u64,
    total: u64,
    method: Method,
    /// When a step was told of last, if nothing but steps came since.
    stepped: Option<Instant>,
    /// What a step takes.
    each: Option<Duration>,
    /// Steps from the wish to stop to the end, at the most.
    under_way: u32,
}

impl Watch {
    fn new(config: &Config) -> Self {
        let interrupt = Interrupt::training("Stopping before the first step; nothing was written.");
        let large_only = config.preset == Some(Preset::Demo) && config.crops.len() == 1;
        let remark =
            "The demo trains on two large crops a picture: at this budget small crops cost accuracy.";
        Self { remark: large_only.then_some(remark), ..Self::of(interrupt, config.method) }
    }

    /// For one of several runs, which Ctrl-C stops alike.
    pub(in crate::cli) fn of(interrupt: Interrupt, method: Method) -> Self {
        Self {
            interrupt,
            progress: Progress::new(),
            profile: None,
            remark: None,
            steps_per_epoch: 1,
            total: 0,
            method,
            stepped: None,
            each: None,
            under_way: UNDER_WAY,
        }
    }

    /// Shows an event.
    pub(in crate::cli) fn show(&mut self, event: Event) -> Flow {
        match event {
            Event::Pass(progress) => {
                self.stepped = None;
                self.progress.pass(&progress);
            }
            Event::Started(started) => self.started(&started),
            Event::Report(report) => self.report(&report),
            Event::Pixels { splits } => self.accuracies("raw pixels", &splits),
            Event::Evaluated { step: 0, splits } => self.accuracies("untrained network", &splits),
            Event::Evaluated { step, splits } => self.accuracies(&format!("step {step}"), &splits),
            Event::Advice(Advice { cleared, sentence, remedy, .. }) => {
                let sign = if cleared { "better:" } else { "warning:" };
                self.say(format!("{sign} {sentence} {remedy}").trim_end());
            }
            Event::Resized { total_steps, text } => {
                self.total = total_steps;
                self.progress.resize(total_steps);
                self.say(&text);
            }
            Event::Notice(text) => self.say(&text),
            Event::Profiled(profile) => self.profile = Some(profile),
            Event::Step { .. } => self.stepped(),
            // A checkpoint is a matter of course; where it lies is told when it is needed.
            Event::Checkpoint { .. } => self.stepped = None,
            // Nothing asks for previews here; the summary comes back from the engine.
            Event::Preview(_) | Event::Finished(_) => {}
        }
        if self.interrupt.is_set() { Flow::Stop } else { Flow::Continue }
    }

    /// Tells Ctrl-C how long it would take from now, by what the last step took.
    fn stepped(&mut self) {
        let now = Instant::now();
        self.each = self.stepped.map(|before| now.duration_since(before)).or(self.each);
        self.stepped = Some(now);
        self.interrupt.ends_after(self.each.map(|each| self.under_way * each));
    }

    fn started(&mut self, started: &Started) {
        self.steps_per_epoch = started.steps_per_epoch.max(1);
        self.total = started.total_steps;
        // There is a run folder now.
        self.interrupt.keep();
        self.interrupt.ends_after(None);
        self.under_way = if started.software { 1 } else { UNDER_WAY };
        self.progress.clear();
        self.progress.steps(started.total_steps, started.start_step);
        let Started { adapter, pictures, classes, total_steps, start_step, dispatches, .. } = started;
        self.say(&format!(
            "{adapter}; {} dispatches a step, {}",
            dispatches,
            table::bytes(started.memory_bytes)
        ));
        if started.software {
            self.say(
                "warning: training on the CPU through a software driver: fine for the demo, slow for more",
            );
        }
        let labels = labels(*classes, self.method);
        let place = if *start_step > 0 { format!(", from step {start_step}") } else { String::new() };
        let folder = started.run_folder.display();
        self.say(&format!("{pictures} pictures {labels}; {total_steps} steps{place}; files in {folder}"));
        if let Some(remark) = self.remark {
            self.say(remark);
        }
    }

    fn report(&mut self, report: &Metrics) {
        let epochs = self.total.div_ceil(self.steps_per_epoch);
        self.progress.report(&shown(report, epochs, self.method));
    }

    fn accuracies(&mut self, who: &str, splits: &[SplitAccuracy]) {
        let one = |split: &SplitAccuracy| {
            let SplitAccuracy { name, plain, centred } = split;
            format!("{name} {plain:.3} plain, {centred:.3} centred")
        };
        let all: Vec<String> = splits.iter().map(one).collect();
        self.say(&format!("kNN accuracy of {who}: {}", all.join("; ")));
    }

    /// Shows a sentence above the line or in the log.
    pub(in crate::cli) fn say(&mut self, text: &str) {
        self.progress.message(text);
    }

    /// Gives the terminal back; returns the profile and whether Ctrl-C was pressed.
    pub(in crate::cli) fn finish(mut self) -> (Option<Profile>, bool) {
        self.progress.finish();
        (self.profile, self.interrupt.is_set())
    }
}

/// What there is of labels, and who knows them.
fn labels(classes: usize, method: Method) -> String {
    match (classes, method) {
        (0, _) => "without labels".to_owned(),
        (_, Method::Supervised) => format!("of {classes} classes (which are what it learns)"),
        _ => format!("of {classes} classes (known only to the evaluation)"),
    }
}

/// What the line shows of a report.
fn shown(report: &Metrics, epochs: u64, method: Method) -> progress::Report {
    progress::Report {
        epoch: report.epoch,
        epochs,
        step: report.step,
        loss: report.loss,
        chance: report.chance.map(|chance| (method.chance(), chance)),
        lr: report.lr,
        images_per_s: report.images_per_s,
        wait_share: report.wait_share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::figures::Figure;

    #[test]
    fn labels_are_not_said_to_be_unknown_to_who_learns_them() {
        assert_eq!(labels(0, Method::Swav), "without labels");
        assert_eq!(labels(16, Method::Byol), "of 16 classes (known only to the evaluation)");
        assert_eq!(labels(16, Method::Supervised), "of 16 classes (which are what it learns)");
    }

    #[test]
    fn the_line_shows_figures_of_the_table() {
        let report = r#"{"step": 7, "epoch": 2, "loss": 4.5, "chance": 5.7, "lr": 0.25, "images_per_s": 31.0,
            "wait_share": 0.125, "embedding_spread": 0.9, "gradient_norm": 1.5, "non_finite": 0}"#;
        let report: Metrics = serde_json::from_str(report).unwrap();
        let shown = shown(&report, 9, Method::Swav);
        let of = |key: &str| (Figure::of_key(key).unwrap().of)(&report).unwrap();
        let figures = [
            ("step", shown.step as f64),
            ("epoch", shown.epoch as f64),
            ("loss", shown.loss),
            ("chance", shown.chance.unwrap().1),
            ("lr", shown.lr),
            ("images_per_s", shown.images_per_s),
            ("wait_share", shown.wait_share),
        ];
        for (key, shown) in figures {
            assert_eq!(shown.to_bits(), of(key).to_bits(), "{key}");
        }
    }
}
