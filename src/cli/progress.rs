//! The progress of a run: a bar in a terminal, a plain line every ten seconds in a log.
//!
//! Both go to standard error, so that standard output carries only results.

use std::io::{IsTerminal as _, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a log gets a line.
const PERIOD: Duration = Duration::from_secs(10);

/// A share of the time spent waiting for pictures that is worth telling.
const WAIT: f64 = 0.1;

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
    /// What the loss is when nothing is learned: ln K.
    pub ln_k: f64,
    /// The learning rate.
    pub lr: f64,
    /// Pictures a second, crops counted once.
    pub images_per_s: f64,
    /// The share of the time in which the device waited for pictures.
    pub wait_share: f64,
}

/// Shows how far a run is.
pub struct Progress {
    face: Face,
    total: u64,
    pace: Pace,
}

enum Face {
    Bar(ProgressBar),
    Log { out: Box<dyn Write + Send>, last: Option<Instant> },
}

impl Progress {
    /// Starts showing a run of `total` steps, of which `start` are done already.
    pub fn new(total: u64, start: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::log(total, start, Box::new(std::io::stderr()));
        }
        let bar = ProgressBar::new(total).with_position(start);
        // The template is a constant; were it wrong, a plainer bar is better than none.
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:24}] {pos}/{len} {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        // The clock of the remaining time would jump without a tick between slow reports.
        bar.tick();
        Self { face: Face::Bar(bar), total, pace: Pace::new(start) }
    }

    /// Writes lines to `out`, whatever it is.
    pub fn log(total: u64, start: u64, out: Box<dyn Write + Send>) -> Self {
        Self { face: Face::Log { out, last: None }, total, pace: Pace::new(start) }
    }

    /// Shows a report.
    pub fn report(&mut self, report: &Report) {
        let now = Instant::now();
        self.pace.add(report.step, now);
        let left = self.pace.left(self.total.saturating_sub(report.step));
        let (place, figures) = (place(report), figures(report, left));
        match &mut self.face {
            Face::Bar(bar) => {
                bar.set_prefix(place);
                bar.set_message(figures);
                bar.set_position(report.step);
            }
            Face::Log { out, last } => {
                let due = last.is_none_or(|last| now.duration_since(last) >= PERIOD);
                if due || report.step >= self.total {
                    *last = Some(now);
                    // A log that cannot be written is no reason to stop training.
                    let _ = writeln!(out, "{place} {}/{} {figures}", report.step, self.total);
                }
            }
        }
    }

    /// Shows a sentence above the bar or in the log: an evaluation, a warning, a checkpoint.
    pub fn message(&mut self, text: &str) {
        match &mut self.face {
            Face::Bar(bar) => bar.suspend(|| {
                let _ = writeln!(std::io::stderr(), "{text}");
            }),
            Face::Log { out, .. } => {
                let _ = writeln!(out, "{text}");
            }
        }
    }

    /// Leaves the last state on the screen and gives the terminal back.
    pub fn finish(self) {
        match self.face {
            Face::Bar(bar) => bar.abandon(),
            Face::Log { mut out, .. } => {
                let _ = out.flush();
            }
        }
    }
}

fn place(report: &Report) -> String {
    format!("epoch {}/{}", report.epoch, report.epochs)
}

fn figures(report: &Report, left: Option<Duration>) -> String {
    let Report { loss, ln_k, lr, images_per_s, wait_share, .. } = report;
    // Below ten pictures a second, whole numbers would hide every change.
    let digits = usize::from(*images_per_s < 10.0);
    let mut text = format!("loss {loss:.3} (ln K {ln_k:.3}) lr {} {images_per_s:.digits$} img/s", rate(*lr));
    if *wait_share > WAIT {
        text += &format!(", {:.0} % waiting for pictures", wait_share * 100.0);
    }
    if let Some(left) = left {
        text += &format!(" {} left", clock(left));
    }
    text
}

/// A learning rate in two digits that count: 4.8, 0.0018, 6.3e-6.
fn rate(lr: f64) -> String {
    if lr == 0.0 || lr >= 100.0 {
        return format!("{lr:.0}");
    }
    if lr < 1e-4 {
        return format!("{lr:.1e}");
    }
    let digits = (1.0 - lr.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{lr:.digits$}")
}

/// A time in its two largest units: 3m12s, 2h05m, 4d03h.
fn clock(time: Duration) -> String {
    let s = time.as_secs();
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{m}m{:02}s", s % 60),
        3600..86_400 => format!("{h}h{:02}m", m % 60),
        _ => format!("{d}d{:02}h", h % 24),
    }
}

/// The time a step takes, smoothed, so that the slow first steps (drivers compile kernels then) are
/// soon forgotten.
struct Pace {
    step: u64,
    at: Option<Instant>,
    seconds: Option<f64>,
}

impl Pace {
    fn new(start: u64) -> Self {
        Self { step: start, at: None, seconds: None }
    }

    fn add(&mut self, step: u64, now: Instant) {
        if let Some(at) = self.at
            && step > self.step
        {
            let seconds = now.duration_since(at).as_secs_f64() / (step - self.step) as f64;
            self.seconds = Some(self.seconds.map_or(seconds, |old| 0.9 * old + 0.1 * seconds));
        }
        (self.step, self.at) = (step, Some(now));
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

    fn at(step: u64) -> Report {
        Report {
            epoch: 3,
            epochs: 44,
            step,
            loss: 4.2131,
            ln_k: 300_f64.ln(),
            lr: 0.00182,
            images_per_s: 812.4,
            wait_share: 0.02,
        }
    }

    #[test]
    fn a_report_reads_as_one_line() {
        let left = Some(Duration::from_secs(192));
        assert_eq!(figures(&at(1), left), "loss 4.213 (ln K 5.704) lr 0.0018 812 img/s 3m12s left");
        let waiting = Report { wait_share: 0.31, images_per_s: 1.84, loss: f64::NAN, ..at(1) };
        let text = figures(&waiting, None);
        assert_eq!(text, "loss NaN (ln K 5.704) lr 0.0018 1.8 img/s, 31 % waiting for pictures");
    }

    #[test]
    fn a_log_gets_the_first_and_the_last_report_and_few_between() {
        let sink = Sink::default();
        let mut progress = Progress::log(100, 0, Box::new(sink.clone()));
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
    fn numbers_keep_two_digits() {
        assert_eq!([rate(4.8), rate(0.0018), rate(6.3e-6), rate(0.0)], ["4.8", "0.0018", "6.3e-6", "0"]);
        let clocks = [5, 192, 7500, 270_000].map(|s| clock(Duration::from_secs(s)));
        assert_eq!(clocks, ["5s", "3m12s", "2h05m", "3d03h"]);
    }
}
