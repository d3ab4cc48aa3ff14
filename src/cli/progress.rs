//! How far a run or a pass is: one line in a terminal that is drawn anew, a plain line every ten seconds in a log.
//!
//! Both go to standard error, so that standard output carries only results.

mod line;

pub use line::clock;

use std::io::{IsTerminal as _, Write};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use crate::pass;

/// How often a log gets a line.
const PERIOD: Duration = Duration::from_secs(10);

/// What a report of the engine says to someone who watches.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// The epoch under way, from 1.
    pub epoch: u64,
    /// The epochs of the run.
    pub epochs: u64,
    /// Steps done.
    pub step: u64,
    /// The loss of the last step.
    pub loss: f64,
    /// What the loss is when nothing is learned, and how that level is called, where the method has one.
    pub chance: Option<(&'static str, f64)>,
    /// The learning rate.
    pub lr: f64,
    /// Pictures a second, crops counted once.
    pub images_per_s: f64,
    /// The share of the time in which the device waited for pictures.
    pub wait_share: f64,
}

/// Shows how far something is.
pub struct Progress {
    face: Face,
    /// Steps of the run; 0 before there is one.
    total: u64,
    pace: Pace,
    /// The pass under way and its seconds so far: time that no step takes.
    aside: (&'static str, f64),
}

enum Face {
    Line(ProgressBar),
    Log {
        out: Box<dyn Write + Send>,
        /// When a line about the run was written.
        last: Option<Instant>,
        /// The pass under way, and the second in which it was last told of.
        pass: Option<(&'static str, f64)>,
    },
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// Shows it on standard error.
    #[must_use]
    pub fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::log(Box::new(std::io::stderr()));
        }
        let bar = ProgressBar::new_spinner();
        // The template is a constant; were it wrong, another look is better than none.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self::of(Face::Line(bar))
    }

    /// Writes lines to `out`, whatever it is.
    #[must_use]
    pub fn log(out: Box<dyn Write + Send>) -> Self {
        Self::of(Face::Log { out, last: None, pass: None })
    }

    fn of(face: Face) -> Self {
        Self { face, total: 0, pace: Pace::new(0), aside: ("", 0.0) }
    }

    /// From now on it is about a run of `total` steps, of which `start` are done already.
    pub fn steps(&mut self, total: u64, start: u64) {
        (self.total, self.pace) = (total, Pace::new(start));
    }

    /// From now on the run is to have `total` steps.
    pub fn resize(&mut self, total: u64) {
        self.total = total;
    }

    /// Shows a report.
    pub fn report(&mut self, report: &Report) {
        let now = Instant::now();
        self.pace.add(report.step, now);
        let left = self.pace.left(self.total.saturating_sub(report.step));
        match &mut self.face {
            Face::Line(bar) => bar.set_message(line::of_report(report, self.total, left, width())),
            Face::Log { out, last, .. } => {
                let due = last.is_none_or(|last| now.duration_since(last) >= PERIOD);
                if due || report.step >= self.total {
                    *last = Some(now);
                    // A log that cannot be written is no reason to stop training.
                    let _ = writeln!(out, "{}", line::of_report_in_log(report, self.total, left));
                }
            }
        }
    }

    /// Shows how far a pass is. A log hears of one that takes ten seconds, and then every ten seconds.
    pub fn pass(&mut self, progress: &pass::Progress) {
        let (doing, before) = self.aside;
        let same = doing == progress.doing && before <= progress.seconds;
        self.pace.leave_out(progress.seconds - if same { before } else { 0.0 });
        self.aside = (progress.doing, progress.seconds);
        match &mut self.face {
            Face::Line(bar) => bar.set_message(line::of_pass(progress, width())),
            Face::Log { out, pass, .. } => {
                let same = pass.filter(|&(doing, told)| doing == progress.doing && told <= progress.seconds);
                let told = same.map_or(0.0, |(_, told)| told);
                let due = progress.seconds - told >= PERIOD.as_secs_f64();
                *pass = Some((progress.doing, if due { progress.seconds } else { told }));
                if due {
                    let _ = writeln!(out, "{}", line::of_pass_in_log(progress));
                }
            }
        }
    }

    /// Shows a sentence above the line or in the log: an evaluation, a warning, a checkpoint.
    pub fn message(&mut self, text: &str) {
        match &mut self.face {
            Face::Line(bar) => bar.suspend(|| {
                let _ = writeln!(std::io::stderr(), "{text}");
            }),
            Face::Log { out, .. } => {
                let _ = writeln!(out, "{text}");
            }
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if let Face::Line(bar) = &self.face {
            bar.set_message("");
        }
    }

    /// Leaves the last state on the screen and gives the terminal back.
    pub fn finish(&mut self) {
        match &mut self.face {
            Face::Line(bar) if bar.message().is_empty() => bar.finish_and_clear(),
            Face::Line(bar) => bar.abandon(),
            Face::Log { out, .. } => {
                let _ = out.flush();
            }
        }
    }
}

/// Signs that fit beside each other in the terminal; in the last place some terminals begin a new line.
fn width() -> usize {
    usize::from(Term::stderr().size().1).saturating_sub(1)
}

/// The time a step takes, smoothed, so that the slow first steps (drivers compile kernels then) are
/// soon forgotten.
struct Pace {
    step: u64,
    at: Option<Instant>,
    seconds: Option<f64>,
    /// Seconds since the last report that were no steps.
    left_out: f64,
}

impl Pace {
    fn new(start: u64) -> Self {
        Self { step: start, at: None, seconds: None, left_out: 0.0 }
    }

    fn add(&mut self, step: u64, now: Instant) {
        if let Some(at) = self.at
            && step > self.step
        {
            let seconds = (now.duration_since(at).as_secs_f64() - self.left_out).max(0.0);
            let seconds = seconds / (step - self.step) as f64;
            self.seconds = Some(self.seconds.map_or(seconds, |old| 0.9 * old + 0.1 * seconds));
        }
        (self.step, self.at, self.left_out) = (step, Some(now), 0.0);
    }

    fn leave_out(&mut self, seconds: f64) {
        self.left_out += seconds;
    }

    fn left(&self, steps: u64) -> Option<Duration> {
        Duration::try_from_secs_f64(self.seconds? * steps as f64).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A report of a run in its third epoch, for the tests of lines too.
    pub(super) fn at(step: u64) -> Report {
        Report {
            epoch: 3,
            epochs: 44,
            step,
            loss: 4.2131,
            chance: Some(("ln K", 300_f64.ln())),
            lr: 0.00182,
            images_per_s: 812.4,
            wait_share: 0.02,
        }
    }

    #[test]
    fn a_log_gets_the_first_and_the_last_report_and_few_between() {
        let sink = Sink::default();
        let mut progress = Progress::log(Box::new(sink.clone()));
        progress.steps(100, 0);
        for step in 1..=100 {
            progress.report(&at(step));
        }
        progress.message("kNN .45");
        progress.finish();
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("epoch 3/44 1/100 loss 4.213"));
        assert!(lines[1].starts_with("epoch 3/44 100/100"));
        assert_eq!(lines[2], "kNN .45");
    }

    #[test]
    fn the_first_interval_does_not_count_a_resumed_start() {
        let (mut pace, start) = (Pace::new(500), Instant::now());
        pace.add(510, start);
        assert_eq!(pace.left(10), None);
        pace.add(520, start + Duration::from_secs(20));
        assert_eq!(pace.left(10), Some(Duration::from_secs(20)));
    }

    #[test]
    fn passes_between_two_reports_do_not_count_as_steps() {
        let (mut progress, start) = (Progress::log(Box::new(Sink::default())), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        progress.steps(100, 0);
        progress.pace.add(10, start);
        progress.pace.add(20, after(20));
        // Two passes of the same name, of 4 and 6 seconds, and ten steps of two seconds.
        for seconds in [0.0, 2.0, 4.0, 0.0, 3.0, 6.0] {
            let (doing, unit) = ("looking", "pictures");
            progress.pass(&pass::Progress { doing, unit, done: 0, total: 9, seconds });
        }
        progress.pace.add(30, after(50));
        assert_eq!(progress.pace.left(10), Some(Duration::from_secs(20)));
    }

    #[test]
    fn a_log_hears_of_long_passes_every_ten_seconds() {
        let sink = Sink::default();
        let mut progress = Progress::log(Box::new(sink.clone()));
        let at = |doing, seconds: f64| pass::Progress {
            doing,
            unit: "pictures",
            done: (seconds * 10.0) as usize,
            total: 1000,
            seconds,
        };
        // A short pass is over before anybody asks; a long one is told of at 10, 20 and 30 s; the next starts anew.
        let seconds = |from: u32, to: u32| (from..=to).map(|tenth| f64::from(tenth) / 10.0);
        seconds(0, 99).for_each(|second| progress.pass(&at("listing", second)));
        seconds(0, 315).for_each(|second| progress.pass(&at("looking", second)));
        seconds(0, 105).for_each(|second| progress.pass(&at("looking", second)));
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[0], "looking: 100/1000 pictures 10 a second 1m30s left");
        assert!(lines[2].starts_with("looking: 300/1000") && lines[3].starts_with("looking: 100/1000"));
    }
}
