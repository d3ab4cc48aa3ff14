//! Whoever started a run: told what happens, and heard, between the steps and in the passes beside them.

use super::events::{Event, Flow};
use super::preview::PreviewRequest;
use crate::pass::Progress;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Seconds of a pass before the first step, from which on it is not waited for.
const LONG: f64 = 1.0;

/// The other side of a run.
pub(super) struct Caller<'a> {
    on_event: &'a mut dyn FnMut(Event) -> Flow,
    /// Whether the run was asked to stop.
    pub(super) stop: bool,
    pub(super) asked: Asked,
    /// When the time of the run is up.
    pub(super) deadline: Option<Instant>,
    /// How long it has had the word so far. Whoever does not return from an event pauses the run.
    pub(super) away: Duration,
}

/// What answers to events asked for and was not done yet.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) checkpoint: bool,
    pub(super) preview: Option<PreviewRequest>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(on_event: &'a mut dyn FnMut(Event) -> Flow, deadline: Option<Instant>) -> Self {
        Self { on_event, stop: false, asked: Asked::default(), deadline, away: Duration::ZERO }
    }

    /// Hands an event over and takes the answer in.
    pub(super) fn tell(&mut self, event: Event) {
        let start = Instant::now();
        let answer = (self.on_event)(event);
        self.away += start.elapsed();
        match answer {
            Flow::Continue => {}
            Flow::Stop => self.stop = true,
            Flow::Checkpoint => self.asked.checkpoint = true,
            Flow::Preview(request) => self.asked.preview = Some(request),
        }
    }

    /// Whether the time of the run is up.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether the run has to end now, for one reason or the other.
    pub(super) fn must_end(&self) -> bool {
        self.stop || self.is_late()
    }

    /// Watches a pass before there is a run folder. Time that is up ends only one that takes long: a run that is
    /// as good as open is opened, so that a resumed one finds it.
    pub(super) fn watch_opening(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.tell(Event::Pass(*progress));
        let late = self.is_late() && progress.seconds > LONG;
        if self.stop || late { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Watches a pass on behalf of whoever started the run.
    pub(super) fn watch(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.tell(Event::Pass(*progress));
        if self.must_end() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
