//! The end of a run: the last evaluation, the gallery, and the summary.

use super::events::{Event, SplitSummary, Summary};
use super::forecast::is_worth;
use super::keeping::Keeping;
use super::record::Record;
use super::run::Engine;
use super::setup::Setup;
use crate::config::{Method, whole_seconds};
use crate::error::{Error, Result};
use crate::judge::whole::Verdict;
use crate::judge::{Pair, SplitAccuracy};
use crate::pages::gallery::{self, Gallery, Labels};
use crate::pass;
use crate::runs::run_folder::resume_command;
use crate::words::{counted, quoted};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

impl Engine<'_> {
    /// Writes the results. A run that was stopped gets only the figures that are there already: whoever stops it
    /// does not want to wait. One that is out of time looks as long as there is time.
    pub(super) fn finish(&mut self, finished: bool) -> Result<Summary> {
        let gallery = match self.last_look(finished) {
            Ok(page) => Some(page),
            Err(Error::Stopped) => None,
            Err(error) => return Err(error),
        };
        if gallery.is_none() && !self.caller.stop {
            let resume = resume_command(self.setup.run.path());
            let text = format!(
                "There was no time left for the last evaluation and the gallery: `{resume}` makes them at its end."
            );
            self.emit(Event::Notice(text));
        }
        let whole = if finished && gallery.is_some() { self.whole()? } else { Vec::new() };
        let mut summary = self.summary(self.caller.stop, finished);
        (summary.gallery, summary.whole) = (gallery, whole);
        if summary.gallery.is_some()
            && let Some(board) = &mut self.setup.board
        {
            let picture = self.setup.run.gallery().join("gallery.png");
            board.picture(self.setup.state.reported, "gallery", &picture)?;
        }
        if !summary.interrupted {
            summary.unreadable = self.write_unreadable()?;
        }
        let path = self.setup.run.summary();
        let text =
            serde_json::to_string_pretty(&summary).map_err(|error| Error::io(&path)(error.into()))? + "\n";
        self.setup.run.write_text_atomic(&path, &text)?;
        Ok(summary)
    }

    /// Judges the network as it is now, and writes the gallery; gives the path of its page.
    fn last_look(&mut self, finished: bool) -> Result<PathBuf> {
        let step = self.setup.state.reported;
        if self.caller.must_end() {
            return Err(Error::Stopped);
        }
        if self.setup.state.evaluated != Some(step) && !self.make_up(step)? {
            return Err(Error::Stopped);
        }
        self.gallery(&self.summary(false, finished))
    }

    /// Judges by all pictures where evaluations looked at a sample and that takes no more than its share of the time.
    fn whole(&mut self) -> Result<Vec<SplitSummary>> {
        let Setup { judge, trainer, state, run, keeping, .. } = &mut self.setup;
        if self.caller.must_end() {
            return Ok(Vec::new());
        }
        let Some(seconds) = judge.whole_seconds() else {
            // A run that was finished before has been judged.
            let same = Record::read(run)?.summary.filter(|earlier| earlier.steps == state.reported);
            return Ok(same.map_or_else(Vec::new, |earlier| earlier.whole));
        };
        let has_room = keeping.as_ref().is_none_or(Keeping::has_room_for_all);
        if !has_room || !is_worth(seconds, state.seconds) {
            let why =
                if has_room { "more than a tenth of the training" } else { "for which its time has no room" };
            let (count, run) = (judge.whole_count(), quoted(&run.path().display().to_string()).into_owned());
            let text = format!(
                "These figures are of a sample: to judge by all {count} pictures would take {}, {why}. `swav-wgpu eval knn {run} \
                 --limit {count}` does it.",
                whole_seconds(seconds)
            );
            self.emit(Event::Notice(text));
            return Ok(Vec::new());
        }
        let caller = &mut self.caller;
        let verdict = match judge.whole(trainer, &mut |progress| caller.watch(progress)) {
            // Whoever stops it has all other results.
            Err(Error::Stopped) => None,
            judged => judged?,
        };
        Ok(verdict.map_or_else(Vec::new, |Verdict { pixels, network, queries }| {
            let of =
                |name: &str| queries.iter().find(|(split, _)| split == name).map_or(0, |(_, count)| *count);
            side_by_side(&pixels, &[], &network, of)
        }))
    }

    fn summary(&self, interrupted: bool, finished: bool) -> Summary {
        let Setup { run, trainer, judge, state, schedule, adapter, .. } = &self.setup;
        let pictures = state.reported as f64 * self.config.batch as f64;
        Summary {
            interrupted,
            finished,
            steps: state.reported,
            total_steps: schedule.length.total,
            loss: state.loss(),
            chance: trainer.chance(),
            method: self.config.method,
            code_entropy: state.code_entropy,
            knn: side_by_side(&state.pixels, &state.untrained, &state.trained, |split| judge.queries(split)),
            whole: Vec::new(),
            prototypes: trainer.prototype_count() as u64,
            prototypes_used: state.occupancy.used() as u64,
            prototypes_dead: state.occupancy.dead() as u64,
            prototypes_duplicated: state.duplicated,
            embedding_spread: state.embedding_spread,
            images_per_s: if state.seconds > 0.0 { pictures / state.seconds } else { 0.0 },
            seconds: state.seconds,
            adapter: adapter.name.clone(),
            seed: self.config.seed,
            run_folder: run.path().to_owned(),
            gallery: None,
            unreadable: self.unreadable().len() as u64,
        }
    }

    fn gallery(&mut self, summary: &Summary) -> Result<PathBuf> {
        let Setup { run, dataset, trainer, judge, .. } = &mut self.setup;
        let caller = &mut self.caller;
        let clusters = (self.config.prototypes, self.config.seed);
        let best = judge.best_prototypes(trainer, clusters, &mut |progress| caller.watch(progress))?;
        let shown = &judge.shown;
        let classes: Vec<u32> =
            shown.iter().map(|&picture| dataset.label(picture).unwrap_or(u32::MAX)).collect();
        let labels = Labels { of: &classes, names: dataset.classes() };
        let gallery = Gallery {
            title: &title(dataset.name(), summary.prototypes, self.config.prototypes),
            prototypes: self.config.prototypes,
            best: &best,
            labels: (!dataset.classes().is_empty()).then_some(labels),
            figures: &figures(summary, shown.len(), dataset.len()),
        };
        let folder = run.gallery();
        let watch = &mut |progress: &_| caller.watch(progress);
        let written = pass::run(("drawing the gallery", "thumbnails"), 0, watch, |pass| {
            gallery::write(&folder, &gallery, pass, |row| dataset.show(shown[row as usize]))
        })?;
        if written.unreadable > 0 {
            let these = counted(written.unreadable, "picture");
            self.emit(Event::Notice(format!("{these} of the gallery cannot be read any more.")));
        }
        Ok(folder.join("index.html"))
    }

    /// All pictures that could not be read, by training or by evaluation.
    fn unreadable(&self) -> BTreeMap<u32, String> {
        let mut all: BTreeMap<u32, String> = self.setup.loader.unreadable().into_iter().collect();
        all.extend(self.setup.elsewhere.iter().map(|(&picture, reason)| (picture, reason.clone())));
        all.extend(self.setup.judge.unreadable().iter().map(|(&picture, reason)| (picture, reason.clone())));
        all
    }

    /// Writes the list of pictures that could not be read, where there are any; returns their number.
    pub(super) fn write_unreadable(&self) -> Result<u64> {
        let all = self.unreadable();
        if !all.is_empty() {
            let mut text = String::new();
            for (picture, reason) in &all {
                // One line a picture: a reason may itself have several.
                let reason = reason.replace(['\n', '\r'], " ");
                let _ = writeln!(text, "{}\t{reason}", self.setup.dataset.picture_name(*picture));
            }
            self.setup.run.write_text_atomic(&self.setup.run.unreadable(), &text)?;
        }
        Ok(all.len() as u64)
    }
}

/// The accuracies of each split in one row.
fn side_by_side(
    pixels: &[SplitAccuracy],
    untrained: &[SplitAccuracy],
    trained: &[SplitAccuracy],
    queries: impl Fn(&str) -> u64,
) -> Vec<SplitSummary> {
    let pair = |of: &[SplitAccuracy], name: &str| {
        let found = of.iter().find(|split| split.name == name)?;
        Some(Pair { plain: found.plain, centred: found.centred })
    };
    let names = if trained.is_empty() { untrained } else { trained };
    names
        .iter()
        .map(|SplitAccuracy { name, .. }| SplitSummary {
            name: name.clone(),
            queries: queries(name),
            pixels: pair(pixels, name),
            untrained: pair(untrained, name),
            trained: pair(trained, name),
        })
        .collect()
}

/// What the gallery shows: groups by prototypes, or by k-means where there are none.
fn title(pictures: &str, prototypes: u64, clusters: usize) -> String {
    match prototypes {
        0 => format!("{pictures}: {clusters} clusters of its features"),
        _ => format!("{pictures}: what {prototypes} prototypes found"),
    }
}

/// The loss beside the chance level, where there is one, as headings of pages show it.
pub(crate) fn loss_figure(method: Method, loss: f64, chance: Option<f64>) -> (String, String) {
    match chance {
        Some(chance) => (format!("loss ({})", method.chance()), format!("{loss:.3} ({chance:.3})")),
        None => ("loss".to_owned(), format!("{loss:.3}")),
    }
}

/// The figures in the heading of the gallery, which is chosen from `shown` of all `pictures`.
fn figures(summary: &Summary, shown: usize, pictures: usize) -> Vec<(String, String)> {
    let mut figures = vec![
        ("steps".to_owned(), summary.steps.to_string()),
        loss_figure(summary.method, summary.loss, summary.chance),
    ];
    if summary.prototypes > 0 {
        let used = format!("{} of {}", summary.prototypes_used, summary.prototypes);
        figures.push(("prototypes used".to_owned(), used));
    }
    if shown < pictures {
        figures.push(("chosen from".to_owned(), format!("{shown} of {pictures} pictures")));
    }
    for split in &summary.knn {
        if let Some(Pair { plain, centred }) = split.trained {
            let name = format!("kNN on {} (plain / centred)", split.name);
            figures.push((name, format!("{plain:.3} / {centred:.3}")));
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_matched_by_name() {
        let one = |name: &str, plain| SplitAccuracy { name: name.into(), plain, centred: plain / 2.0 };
        let rows = side_by_side(
            &[one("b", 0.2), one("a", 0.4)],
            &[one("a", 0.6)],
            &[one("a", 0.8), one("b", 1.0)],
            |_| 7,
        );
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].queries, 7);
        assert_eq!(rows[0].pixels, Some(Pair { plain: 0.4, centred: 0.2 }));
        assert_eq!(rows[1].untrained, None);
        assert_eq!(rows[1].trained.map(|pair| pair.centred), Some(0.5));
        assert!(side_by_side(&[], &[], &[], |_| 7).is_empty());
    }
}
