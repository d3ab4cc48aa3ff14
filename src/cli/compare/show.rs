//! What is shown while a comparison goes on, and at its end.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::interrupt::Interrupt;
use crate::cli::train::watch::Watch;
use crate::compare::{Begin, Comparison, Grid, Happening, three_digits};
use crate::config::Method;
use crate::train::Flow;
use crate::words::counted;

/// Shows happenings, and passes Ctrl-C on.
pub(super) struct Show {
    interrupt: Interrupt,
    watch: Option<Watch>,
    arms: usize,
    folder: Option<PathBuf>,
}

impl Show {
    /// For a comparison that begins with this method.
    pub(super) fn new(method: Method) -> Self {
        let interrupt = Interrupt::new(
            "Stopping; nothing was written.",
            "Stopping after this step, with a checkpoint. Ctrl-C again stops at once, without one.",
        );
        let watch = Some(Watch::of(interrupt.clone(), method));
        Self { interrupt, watch, arms: 0, folder: None }
    }

    /// Shows what happens, and says whether it goes on.
    pub(super) fn tell(&mut self, happening: Happening<'_>) -> Flow {
        match happening {
            Happening::Planned { folder, arms } => {
                self.interrupt.keep();
                (self.arms, self.folder) = (arms.len(), Some(folder.to_owned()));
                let steps: u64 = arms.iter().map(|arm| arm.steps).sum();
                let gflop: f64 = arms.iter().map(|arm| 1e-9 * arm.flop()).sum();
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
                self.say(&format!("arm {} of {}: {}: {state}", at + 1, self.arms, arm.name));
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
    let mut text = format!("\n{}\n{}\n", grid(&comparison.results()), grid(&comparison.costs()));
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
    fn columns_stand_under_their_heads() {
        let words = |line: &[&str]| line.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let of = Grid {
            head: words(&["", "kNN, %"]),
            rows: vec![words(&["swav", "43.9 ± 1.2"]), words(&["byol", "-"])],
        };
        assert_eq!(grid(&of), "            kNN, %\n  swav  43.9 ± 1.2\n  byol           -\n");
    }
}
