//! What the window orders and what the engine's thread answers to an event because of it.
//!
//! The engine asks after every step; pausing is the answer not coming. Orders are a slot, not a queue: the
//! newest wins. How often previews are made is decided by what they cost (`Pacer`).

use super::pacer::Pacer;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use swav_wgpu::train::{Event, Flow, PreviewRequest};

/// What the window wants of the engine.
#[derive(Debug, Default)]
struct Orders {
    paused: bool,
    /// Steps to do although paused.
    steps: u64,
    stop: bool,
    checkpoint: bool,
    /// What visible panes show, kept up to date.
    watched: PreviewRequest,
    /// Asked for by a click: not to be put off.
    crops_are_urgent: bool,
    sample_is_urgent: bool,
}

/// The orders, shared by the window and the engine's thread.
#[derive(Debug, Default)]
pub struct Control {
    orders: Mutex<Orders>,
    changed: Condvar,
}

/// What the engine's thread remembers from one event to the next.
#[derive(Debug, Default)]
pub struct Turn {
    finished: bool,
    step: u64,
    crops: Part,
    sample: Part,
}

/// One part of the previews: how often it may be made, and when it was.
#[derive(Debug, Default)]
struct Part {
    pacer: Pacer,
    /// Whether the engine was asked for it last.
    pending: bool,
    /// The step after which it was made.
    looked: Option<u64>,
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        // A panic in another thread leaves whole orders behind: they are only flags.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Stops after each step, or goes on.
    pub fn pause(&self, paused: bool) {
        self.order(|orders| orders.paused = paused);
    }

    /// Whether it waits.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.lock().paused
    }

    /// One step of a paused run.
    pub fn step(&self) {
        self.order(|orders| orders.steps += 1);
    }

    /// Writes a checkpoint and ends; of a finished run, lets it go.
    pub fn stop(&self) {
        self.order(|orders| orders.stop = true);
    }

    /// Writes a checkpoint now.
    pub fn checkpoint(&self) {
        self.order(|orders| orders.checkpoint = true);
    }

    /// What visible panes show. What changed is made at once, the rest when its time has come.
    pub fn watch(&self, request: &PreviewRequest) {
        self.order(|orders| {
            let crops = (&request.pictures, request.draw) != (&orders.watched.pictures, orders.watched.draw);
            orders.crops_are_urgent |= crops && !request.pictures.is_empty();
            orders.sample_is_urgent |= request.sample > orders.watched.sample;
            orders.watched = request.clone();
        });
    }

    /// Looks into the run at once, however long ago the last look was.
    pub fn refresh(&self) {
        self.order(|orders| (orders.crops_are_urgent, orders.sample_is_urgent) = (true, true));
    }

    /// The answer to an event. Does not come while the run is paused or finished and nothing is asked.
    pub fn answer(&self, event: &Event, turn: &mut Turn) -> Flow {
        let now = Instant::now();
        let new_step = turn.note(event, now);
        let mut orders = self.lock();
        if !is_moment(event) {
            return if orders.stop { Flow::Stop } else { Flow::Continue };
        }
        if new_step {
            orders.steps = orders.steps.saturating_sub(1);
        }
        loop {
            if orders.stop {
                return if turn.finished { Flow::Continue } else { Flow::Stop };
            }
            if std::mem::take(&mut orders.checkpoint) {
                return Flow::Checkpoint;
            }
            let idle = turn.finished || (orders.paused && orders.steps == 0);
            let request = turn.due(&mut orders, idle, Instant::now());
            if let Some(request) = request {
                return Flow::Preview(request);
            }
            if !idle {
                return Flow::Continue;
            }
            orders = self.changed.wait(orders).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Turn {
    /// Takes an event in; says whether a step was done that was not known before.
    fn note(&mut self, event: &Event, now: Instant) -> bool {
        match event {
            Event::Finished(_) => self.finished = true,
            Event::Preview(preview) => {
                let cost = Duration::from_secs_f64(preview.seconds.clamp(0.0, 3600.0));
                self.crops.note(self.step, now, cost);
                self.sample.note(self.step, now, cost);
            }
            Event::Started(started) => self.step = started.start_step,
            Event::Step { step } if *step != self.step => {
                self.step = *step;
                return true;
            }
            _ => {}
        }
        false
    }

    /// The parts of what is watched that are to be made now. A network that rests is looked at once, at no
    /// cost to anybody, and then only when another look is asked for.
    fn due(&mut self, orders: &mut Orders, idle: bool, now: Instant) -> Option<PreviewRequest> {
        // Urgent once: what is not watched now is made anew when it is.
        let [crops_are_urgent, sample_is_urgent] =
            [&mut orders.crops_are_urgent, &mut orders.sample_is_urgent].map(std::mem::take);
        let watched = &orders.watched;
        let crops =
            !watched.pictures.is_empty() && (crops_are_urgent || self.crops.is_news(self.step, idle, now));
        let sample = watched.sample > 0 && (sample_is_urgent || self.sample.is_news(self.step, idle, now));
        if !crops && !sample {
            return None;
        }
        (self.crops.pending, self.sample.pending) = (crops, sample);
        Some(PreviewRequest {
            pictures: if crops { watched.pictures.clone() } else { Vec::new() },
            draw: watched.draw,
            sample: if sample { watched.sample } else { 0 },
        })
    }
}

impl Part {
    /// A preview came, after `step`; where this part was asked for, it is in it.
    fn note(&mut self, step: u64, now: Instant, cost: Duration) {
        if std::mem::take(&mut self.pending) {
            self.pacer.note(now, cost);
            self.looked = Some(step);
        }
    }

    /// Whether a look shows something new, and is not too dear: an idle engine has nothing better to do.
    fn is_news(&self, step: u64, idle: bool, now: Instant) -> bool {
        if idle { self.looked != Some(step) } else { self.pacer.wait(now).is_zero() }
    }
}

/// Whether the engine serves the answer at once.
fn is_moment(event: &Event) -> bool {
    matches!(event, Event::Started(_) | Event::Step { .. } | Event::Preview(_) | Event::Finished(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use swav_wgpu::train::Preview;

    fn watched(pictures: &[u32], sample: usize) -> PreviewRequest {
        PreviewRequest { pictures: pictures.to_vec(), draw: 0, sample }
    }

    fn preview(seconds: f64) -> Event {
        let request = PreviewRequest::default();
        Event::Preview(Box::new(Preview { request, step: 1, crops: Vec::new(), sample: None, seconds }))
    }

    #[test]
    fn a_click_is_served_at_once_and_the_rest_waits() {
        let (control, mut turn) = (Control::default(), Turn::default());
        assert_eq!(control.answer(&Event::Step { step: 1 }, &mut turn), Flow::Continue);
        control.watch(&watched(&[4], 9));
        assert_eq!(control.answer(&Event::Step { step: 2 }, &mut turn), Flow::Preview(watched(&[4], 9)));
        // It took a minute: nothing for an hour, but for what is new.
        assert_eq!(control.answer(&preview(60.0), &mut turn), Flow::Continue);
        control.watch(&watched(&[4], 9));
        assert_eq!(control.answer(&Event::Step { step: 3 }, &mut turn), Flow::Continue);
        control.watch(&watched(&[5], 9));
        assert_eq!(control.answer(&Event::Step { step: 4 }, &mut turn), Flow::Preview(watched(&[5], 0)));
    }

    #[test]
    fn orders_are_answered_in_turn() {
        let (control, mut turn) = (Control::default(), Turn::default());
        control.checkpoint();
        // Not a moment at which the engine could write one.
        assert_eq!(control.answer(&Event::Notice(String::new()), &mut turn), Flow::Continue);
        assert_eq!(control.answer(&Event::Step { step: 1 }, &mut turn), Flow::Checkpoint);
        assert_eq!(control.answer(&Event::Step { step: 1 }, &mut turn), Flow::Continue);
        control.stop();
        assert_eq!(control.answer(&Event::Notice(String::new()), &mut turn), Flow::Stop);
        assert_eq!(control.answer(&Event::Step { step: 2 }, &mut turn), Flow::Stop);
    }

    #[test]
    fn a_paused_run_does_the_steps_that_are_asked_for() {
        let control = Arc::new(Control::default());
        control.pause(true);
        let (sender, answers) = std::sync::mpsc::channel();
        let engine = Arc::clone(&control);
        let thread = std::thread::spawn(move || {
            let mut turn = Turn::default();
            let mut looked = false;
            for step in 1.. {
                let event = if looked { preview(10.0) } else { Event::Step { step } };
                let flow = engine.answer(&event, &mut turn);
                let stop = flow == Flow::Stop;
                looked = matches!(flow, Flow::Preview(_));
                sender.send(flow).unwrap();
                if stop {
                    break;
                }
            }
        });
        let wait = Duration::from_millis(50);
        assert!(answers.recv_timeout(wait).is_err());
        control.step();
        assert_eq!(answers.recv().unwrap(), Flow::Continue);
        assert!(answers.recv_timeout(wait).is_err());
        control.watch(&watched(&[1], 0));
        assert_eq!(answers.recv().unwrap(), Flow::Preview(watched(&[1], 0)));
        control.pause(false);
        assert_eq!(answers.recv().unwrap(), Flow::Continue);
        control.stop();
        thread.join().unwrap();
    }
}
