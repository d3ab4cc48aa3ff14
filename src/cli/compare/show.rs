//! What is shown while a comparison goes on, and at its end.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::interrupt::Interrupt;
use crate::cli::progress::clock;
use crate::cli::train::watch::Watch;
use crate::compare::{Arm, Begin, Comparison, Grid, Happening, three_digits};
use crate::config::Method;
use crate::train::Flow;
use crate::words::counted;

/// Shows happenings, and passes Ctrl-C on.
pub(super) struct Show {
    interrupt: Interrupt,
    watch: Option<Watch>,
    arms: usize,
    folder: Option<PathBuf>,
    pace: Pace,
}

/// How fast arms are done, judging included, by those that were begun and done in this session.
#[derive(Debug, Default)]
struct Pace {
    /// Operations of each arm.
    flop: Vec<f64>,
    /// Operations of those that were timed, and what they took.
    timed: (f64, Duration),
    /// The one under way, where it began anew, and when.
    under_way: Option<(f64, Instant)>,
}

impl Pace {
    /// The next arm begins, the last one being done.
    fn next(&mut self, at: usize, begin: Begin, now: Instant) {
        if let Some((flop, since)) = self.under_way.take() {
            self.timed = (self.timed.0 + flop, self.timed.1 + now.duration_since(since));
        }
        let flop = self.flop.get(at).filter(|_| begin == Begin::Fresh);
        self.under_way = flop.map(|flop| (*flop, now));
    }

    /// What this arm and all that follow will take; `None` before one was timed. Those that are done already are taken
    /// to come before it.
    fn left(&self, at: usize) -> Option<Duration> {
        let (flop, time) = self.timed;
        let to_do: f64 = self.flop.get(at..)?.iter().sum();
        (flop > 0.0).then(|| time.mul_f64(to_do / flop))
    }
}

impl Show {
    /// For a comparison that begins with this method.
    pub(super) fn new(method: Method) -> Self {
        let interrupt = Interrupt::training("Stopping; nothing was written.");
        let watch = Some(Watch::of(interrupt.clone(), method));
        Self { interrupt, watch, arms: 0, folder: None, pace: Pace::default() }
    }

    /// Shows what happens, and says whether it goes on.
    pub(super) fn tell(&mut self, happening: Happening<'_>) -> Flow {
        match happening {
            Happening::Planned { folder, arms } => {
                self.interrupt.keep();
                (self.arms, self.folder) = (arms.len(), Some(folder.to_owned()));
                self.pace.flop = arms.iter().map(Arm::flop).collect();
                let steps: u64 = arms.iter().map(|arm| arm.steps).sum();
                let gflop = 1e-9 * self.pace.flop.iter().sum::<f64>();
                self.say(&format!(
                    "{} with {steps} steps and {} GFLOP together; files in {}",
                    counted(arms.len(), "run"),
                    three_digits(gflop),
                    folder.display()
                ));
            }
            Happening::Arm { at, arm, begin } => {
                if let Some(watch) = self.watch.take() {
                    watch.finish();
                }
                self.watch = Some(Watch::of(self.interrupt.clone(), arm.config.method));
                let state = match begin {
                    Begin::Fresh => format!("{} steps", arm.steps),
                    Begin::Resumed => format!("{} steps, from its checkpoint", arm.steps),
                    Begin::Trained => "trained already, to be judged".to_owned(),
                    Begin::Judged => "done already".to_owned(),
                };
                self.pace.next(at, begin, Instant::now());
                let left = self.pace.left(at).filter(|_| begin == Begin::Fresh);
                let left = left.map_or_else(String::new, |left| {
                    format!("; about {} until the whole comparison is done", clock(left))
                });
                self.say(&format!("arm {} of {}: {}: {state}{left}", at + 1, self.arms, arm.name));
            }
            Happening::Event(event) => {
                if let Some(watch) = &mut self.watch {
                    return watch.show(event);
                }
            }
        }
        if self.interrupt.is_set() { Flow::Stop } else { Flow::Continue }
    }

    fn say(&mut self, text: &str) {
        if let Some(watch) = &mut self.watch {
            watch.say(text);
        }
    }

    /// Gives the terminal back; the folder of the comparison, once there is one.
    pub(super) fn finish(self) -> Option<PathBuf> {
        if let Some(watch) = self.watch {
            watch.finish();
        }
        self.folder
    }
}

/// The tables at the end.
pub(super) fn render(comparison: &Comparison, folder: &Path) -> String {
    let results: Vec<String> = comparison.results().iter().map(grid).collect();
    let mut text = format!("\n{}\n{}\n", results.join("\n"), grid(&comparison.costs()));
    for arm in &comparison.arms {
        if let Some(reason) = arm.failure() {
            let _ = writeln!(text, "  {}: {reason}", arm.name);
        }
    }
    for (name, said) in [("equal", comparison.equal()), ("not equal", comparison.unequal())] {
        for line in said.iter().flat_map(|one| crate::config::wrap(&format!("{name}: {one}"), 110)) {
            let _ = writeln!(text, "  {line}");
        }
    }
    let _ = writeln!(text, "\n  page     {}", folder.join("comparison.html").display());
    let _ = writeln!(text, "  figures  {}", folder.join("comparison.json").display());
    text
}

/// A table; the first column to the left, all others to the right.
fn grid(of: &Grid) -> String {
    let lines: Vec<&Vec<String>> = std::iter::once(&of.head).chain(&of.rows).collect();
    let wide = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..of.head.len()).map(wide).collect();
    let mut text = String::new();
    for line in lines {
        let cell = |(at, (cell, width)): (usize, (&String, &usize))| {
            if at == 0 { format!("  {cell:width$}") } else { format!("  {cell:>width$}") }
        };
        let row: String = line.iter().zip(&widths).enumerate().map(cell).collect();
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_arms_that_were_done_from_their_beginning() {
        let (start, mut pace) = (Instant::now(), Pace { flop: vec![9.0, 4.0, 2.0, 6.0], ..Pace::default() });
        let after = |seconds| start + Duration::from_secs(seconds);
        pace.next(0, Begin::Judged, after(0));
        pace.next(1, Begin::Resumed, after(0));
        assert_eq!(pace.left(1), None, "nobody knows how much of it was done before");
        pace.next(2, Begin::Fresh, after(100));
        assert_eq!(pace.left(2), None);
        pace.next(3, Begin::Fresh, after(110));
        assert_eq!(pace.left(3), Some(Duration::from_secs(30)));
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let words = |line: &[&str]| line.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let of = Grid {
            head: words(&["", "kNN, %"]),
            rows: vec![words(&["swav", "43.9 ± 1.2"]), words(&["byol", "-"])],
        };
        assert_eq!(grid(&of), "            kNN, %\n  swav  43.9 ± 1.2\n  byol           -\n");
    }
}
