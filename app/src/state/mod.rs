//! All that the window knows about a run. [`State::apply`] is the only way in; views only read.

mod looks;
mod parts;

pub use parts::{Evaluation, Level, Line, Phase, Place, Shown};

use crate::engine::digest::Map;
use crate::engine::unfold::Folded;
use crate::engine::{Failure, Message};
use crate::words::plain;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use swav_wgpu::config::Config;
use swav_wgpu::pass::Progress;
use swav_wgpu::train::events::Started;
use swav_wgpu::train::health::Advice;
use swav_wgpu::train::{Event, Metrics, Pair, SplitAccuracy, SplitSummary, Summary};

/// Lines of the log that are kept.
const LOG: usize = 2000;

/// A run, as far as the window knows.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Where it is.
    pub phase: Phase,
    /// Its settings.
    pub config: Config,
    /// What it consists of, once it is open.
    pub started: Option<Started>,
    /// Steps that were submitted.
    pub step: u64,
    /// All reports so far, also of earlier sittings.
    pub reports: Vec<Metrics>,
    /// kNN of raw pixels.
    pub pixels: Vec<SplitAccuracy>,
    /// kNN of the network, in order.
    pub evaluations: Vec<Evaluation>,
    /// What goes on beside the steps, and how far it is.
    pub pass: Option<Progress>,
    /// Steps at which a checkpoint was written.
    pub checkpoints: Vec<u64>,
    /// What is wrong with the run now.
    pub advice: Vec<Advice>,
    /// What happened, oldest first.
    pub log: VecDeque<Line>,
    /// The figures at the end.
    pub summary: Option<Box<Summary>>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Whether the pictures are gone, or were and are back: the run waits for a person.
    pub pictures: Place,
    /// When the newest crops and the newest look came.
    pub looked: [Option<Instant>; 2],
    /// The crops that are shown.
    pub shown: Option<Shown>,
    /// Whether it waits as soon as it is open.
    hold: bool,
    /// Looks at pictures and prototypes, oldest first, thinned out evenly.
    pub looks: Vec<Arc<Map>>,
    /// What the newest look can be unfolded from.
    pub folded: Option<Arc<Folded>>,
    /// How far the unfolding of a look is, while it goes on.
    pub unfolding: Option<f32>,
    /// The look that was unfolded last.
    pub unfolded: Option<Arc<Map>>,
}

impl State {
    /// A run that is about to be opened. `earlier` are the reports of a run that goes on.
    #[must_use]
    pub fn opening(config: Config, earlier: Vec<Metrics>) -> Self {
        let evaluations = earlier
            .iter()
            .filter_map(|report| Some(Evaluation { step: report.step, splits: report.knn.clone()? }))
            .collect();
        Self { phase: Phase::Opening, config, reports: earlier, evaluations, ..Self::default() }
    }

    /// Looks of earlier sittings, to look back at.
    #[must_use]
    pub fn looking_back(self, looks: Vec<Arc<Map>>) -> Self {
        Self { looks, ..self }
    }

    /// Takes a message in.
    pub fn apply(&mut self, message: Message) {
        match message {
            Message::Event(event) => self.event(event),
            Message::Digest(digest) => self.look(*digest),
            Message::Pictures { there } => self.pictures_are(there),
            Message::Unfolding(share) => self.unfolding = Some(share),
            Message::Unfolded(map) => {
                self.unfolding = None;
                self.unfolded = Some(map);
            }
            Message::Ended(Ok(summary)) => {
                self.summary = Some(summary);
                self.ended();
            }
            Message::Ended(Err(failure)) if failure.stopped => {
                self.pass = None;
                self.say(Level::Info, "stopped before the first step; nothing was written".to_owned());
                self.phase = Phase::Stopped;
            }
            Message::Ended(Err(failure)) => {
                self.pass = None;
                self.say(Level::Error, failure.text.clone());
                self.failure = Some(failure);
                self.phase = Phase::Failed;
            }
        }
    }

    /// The pictures have gone, for which the engine has paused, or are back.
    fn pictures_are(&mut self, there: bool) {
        if there {
            self.pictures = Place::Back;
            self.say(Level::Info, "the pictures are there again".to_owned());
        } else if self.phase.is_live() {
            self.pictures = Place::Gone;
            if self.phase != Phase::Stopping {
                self.phase = Phase::Paused;
            }
            let place = self.config.data.as_deref().unwrap_or(Path::new(""));
            self.say(Level::Error, format!("the pictures are gone from {}: the run waits", place.display()));
        }
    }

    /// Pictures that cannot be read, with the reasons, of those that were looked at before it was started.
    pub fn passed_over(&mut self, pictures: &[(String, String)]) {
        for (name, why) in pictures {
            self.say(Level::Warning, format!("{name} cannot be read and is passed over: {}", plain(why)));
        }
    }

    /// Opens it paused: for looking at it first.
    pub fn hold(&mut self, hold: bool) {
        self.hold = hold;
    }

    /// What the person ordered; the engine follows at its next step.
    pub fn paused(&mut self, paused: bool) {
        match (self.phase, paused) {
            (Phase::Running, true) => self.phase = Phase::Paused,
            (Phase::Paused, false) => self.phase = Phase::Running,
            _ => {}
        }
    }

    /// The person wants it to end.
    pub fn stopping(&mut self) {
        if self.phase.is_live() {
            self.phase = Phase::Stopping;
        }
    }

    fn event(&mut self, event: Event) {
        self.pass = if let Event::Pass(progress) = &event { Some(*progress) } else { None };
        match event {
            Event::Started(started) => self.open(started),
            Event::Step { step } => {
                self.step = step;
                self.under_way();
            }
            Event::Report(report) => {
                // A resumed run may report a step again that the file has already.
                self.reports.retain(|earlier| earlier.step < report.step);
                self.reports.push(report);
            }
            Event::Pixels { splits } => {
                self.say(
                    Level::Info,
                    format!("kNN of raw pixels, the least to beat: {}", accuracies(&splits)),
                );
                self.pixels = splits;
            }
            Event::Evaluated { step, splits } => {
                let who = if step == 0 { "of the untrained network" } else { "now" };
                self.say(Level::Info, format!("kNN {who}: {}", accuracies(&splits)));
                self.evaluations.retain(|earlier| earlier.step < step);
                self.evaluations.push(Evaluation { step, splits });
                self.under_way();
            }
            Event::Checkpoint { path, step } => {
                self.checkpoints.push(step);
                self.say(Level::Info, format!("checkpoint of step {step} in {}", path.display()));
            }
            Event::Advice(advice) => self.advise(advice),
            Event::Resized { total_steps, text } => {
                if let Some(started) = &mut self.started {
                    started.total_steps = total_steps;
                }
                self.say(Level::Info, plain(&text));
            }
            Event::Notice(text) => self.say(Level::Info, plain(&text)),
            Event::Finished(summary) => {
                for line in summary.whole.iter().filter_map(by_all) {
                    self.say(Level::Info, line);
                }
                self.summary = Some(summary);
                self.ended();
            }
            _ => {}
        }
    }

    fn open(&mut self, started: Started) {
        self.step = started.start_step;
        let labels = match started.classes {
            0 => "without labels".to_owned(),
            n => format!("of {n} classes (known only to the evaluation)"),
        };
        self.say(Level::Info, format!("{} pictures {labels}", started.pictures));
        self.say(Level::Info, format!("files in {}", started.run_folder.display()));
        if started.software {
            let text =
                "Training on the processor through a software driver: fine for the demo, slow for more.";
            self.say(Level::Warning, text.to_owned());
        }
        self.started = Some(started);
        // A run that is held waits before its first step, so no step will tell that it is under way.
        if std::mem::take(&mut self.hold) {
            self.phase = Phase::Paused;
        }
    }

    /// The first sign of life after opening.
    fn under_way(&mut self) {
        if self.phase == Phase::Opening {
            self.phase = Phase::Running;
        }
    }

    fn advise(&mut self, mut advice: Advice) {
        (advice.sentence, advice.remedy) = (plain(&advice.sentence), plain(&advice.remedy));
        let level = if advice.cleared { Level::Good } else { Level::Warning };
        self.say(level, format!("{} {}", advice.sentence, advice.remedy).trim_end().to_owned());
        self.advice.retain(|earlier| earlier.kind != advice.kind);
        if !advice.cleared {
            self.advice.push(advice);
        }
    }

    fn ended(&mut self) {
        let Some(summary) = &self.summary else { return };
        let (finished, steps, total) = (summary.finished, summary.steps, summary.total_steps);
        self.step = steps;
        let phase = if finished { Phase::Finished } else { Phase::Stopped };
        // The same summary comes twice: when training is over, and when the engine has been let go.
        if self.phase != phase {
            self.phase = phase;
            let level = if finished { Level::Good } else { Level::Info };
            self.say(level, format!("{} at step {steps} of {total}", phase.name()));
        }
    }

    fn say(&mut self, level: Level, text: String) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(Line { step: self.step, level, text });
    }

    /// Steps of the whole run, once known.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.started.as_ref().map_or(0, |started| started.total_steps)
    }

    /// The phase as a person would name it: a run that is opened after its last step has nothing to pause.
    #[must_use]
    pub fn shown_phase(&self) -> Phase {
        let done = self.total() > 0 && self.step >= self.total();
        if done && self.phase == Phase::Paused { Phase::Finished } else { self.phase }
    }

    /// Steps of an epoch, once known.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        self.started.as_ref().map_or(1, |started| started.steps_per_epoch.max(1))
    }

    /// Pictures a second of the last report.
    #[must_use]
    pub fn images_per_s(&self) -> Option<f64> {
        self.reports.last().map(|report| report.images_per_s).filter(|rate| *rate > 0.0)
    }

    /// Seconds of training that are left at the usual pace of the last reports.
    #[must_use]
    pub fn seconds_left(&self) -> Option<f64> {
        let last = &self.reports[self.reports.len().saturating_sub(8)..];
        let rates: Vec<f64> = last.iter().map(|r| r.images_per_s).filter(|rate| *rate > 0.0).collect();
        let rate = rates.iter().sum::<f64>() / rates.len() as f64;
        let left = self.total().saturating_sub(self.step) * self.config.batch as u64;
        (!rates.is_empty() && self.phase.is_live()).then(|| left as f64 / rate)
    }

    /// The newest look at pictures and prototypes.
    #[must_use]
    pub fn map(&self) -> Option<&Arc<Map>> {
        self.looks.last()
    }
}

/// What was found by all pictures, where evaluations looked at a sample.
fn by_all(split: &SplitSummary) -> Option<String> {
    let SplitSummary { name, queries, pixels, trained, .. } = split;
    let show = |pair: Pair| format!("{:.3} plain, {:.3} centred", pair.plain, pair.centred);
    let pixels = pixels.map_or_else(String::new, |pair| format!("; raw pixels {}", show(pair)));
    Some(format!(
        "kNN by all pictures, {queries} of which are asked about: {name} {}{pixels}",
        show((*trained)?)
    ))
}

/// Accuracies in a line.
fn accuracies(splits: &[SplitAccuracy]) -> String {
    let one = |s: &SplitAccuracy| format!("{} {:.3} plain, {:.3} centred", s.name, s.plain, s.centred);
    splits.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
