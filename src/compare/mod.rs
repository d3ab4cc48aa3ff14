//! Ways to train beside each other: every arm is a run on the same pictures at equal compute, judged in the same way.
//!
//! | file | what |
//! |---|---|
//! | `arms` | the plan: which runs there are and how many steps each may take; pure |
//! | `over` | rows that differ in one setting |
//! | `weigh` | what a step of each costs and what memory it takes, before the first is trained |
//! | `stored` | the plan on the disk, so that the same command goes on with it and another is refused |
//! | `judge` | what a finished arm is worth |
//! | `results` | all arms together, and means over seeds |
//! | `tables`, `terms`, `page` | the same for people |
//!
//! A comparison is a folder with a run folder for each arm. An arm that is judged is skipped, one with a checkpoint is
//! resumed, any other begins anew: so whatever ends a comparison, the same command goes on.

mod arms;
mod judge;
mod over;
mod page;
mod results;
mod stored;
mod tables;
mod terms;
mod weigh;

pub use arms::{Arm, Crops, Facts, Request, Row};
pub use judge::{Accuracy, Grouping, Verdict};
pub(crate) use over::LENGTHS;
pub use over::Over;
pub use results::{ArmResult, Cell, Comparison, End, Mean, Point};
pub use tables::{Grid, three_digits};

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::interop::{remove_leftovers, write_atomic};
use crate::pass::Progress;
use crate::runs::run_folder::{self, RunFolder};
use crate::train::{Event, Flow, Record, TrainOptions, train};
use stored::Stored;
use weigh::{Opened, prices, weigh};

/// What all arms spend alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// Floating-point operations, counted from the architecture.
    Flop,
    /// Steps.
    Steps,
    /// Seconds, by steps that are measured before the first arm is trained.
    Time,
    /// Nothing: every arm has the length of its own settings.
    Own,
}

/// How an arm begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// From its first step.
    Fresh,
    /// From its checkpoint.
    Resumed,
    /// It is trained, and only to be judged.
    Trained,
    /// Nothing is left to do.
    Judged,
}

/// What a comparison tells whoever started it.
#[derive(Debug)]
pub enum Happening<'a> {
    /// The plan is made, or found in the folder.
    Planned {
        /// The folder of the comparison.
        folder: &'a Path,
        /// Every arm.
        arms: &'a [Arm],
    },
    /// The next arm comes.
    Arm {
        /// Which, counted from 0.
        at: usize,
        /// The arm.
        arm: &'a Arm,
        /// What is left of it.
        begin: Begin,
    },
    /// Something of the arm under way, or a pass.
    Event(Event),
}

/// Whoever started a comparison: told what happens, and asked whether it goes on.
pub type Teller<'a> = dyn FnMut(Happening<'_>) -> Flow + 'a;

/// Makes the comparison, or goes on with it, and writes `comparison.json` and `comparison.html` into its folder, anew
/// after every arm.
///
/// # Errors
/// A plan that makes no sense, before anything is written; a folder that holds something else;
/// [`Error::Stopped`] where it was asked to stop, with everything kept; what [`train`] reports, of which
/// [`Error::Diverged`] only ends the arm.
pub fn compare(request: &Request, on: &mut Teller<'_>) -> Result<Comparison> {
    let (facts, opened) = facts(request, on)?;
    let mut arms = arms::of(request, &facts)?;
    let begun = request.out.as_deref().filter(|out| stored::is_begun(out));
    let (folder, stored) = match begun {
        Some(out) => {
            let claim = run_folder::claim(out, "out")?;
            remove_leftovers(out);
            let stored = Stored::read(out)?;
            stored.put_into(&mut arms, request.budget, &facts, out)?;
            (Folder { path: out.to_owned(), _claim: claim.map(Claim::File) }, stored)
        }
        None => {
            request.out.as_deref().map_or(Ok(()), stored::check_new)?;
            let prices = prices(&arms, request.budget, on)?;
            arms::share(&mut arms, request.budget, &prices)?;
            weigh(&mut arms, opened, on)?;
            let stored = Stored::new(request.budget, &facts, &arms);
            (Folder::create(request, &stored)?, stored)
        }
    };
    on(Happening::Planned { folder: &folder.path, arms: &arms });
    let mut comparison = Comparison::gather(&folder.path, &stored, &arms)?;
    for (at, arm) in arms.iter().enumerate() {
        let path = folder.path.join(&arm.folder);
        let begin = begin(&path)?;
        let told = on(Happening::Arm { at, arm, begin });
        if begin != Begin::Judged {
            if told == Flow::Stop {
                return Err(Error::Stopped);
            }
            run_arm(arm, &path, begin, comparison.baselines.is_none(), on)?;
        }
        comparison = Comparison::gather(&folder.path, &stored, &arms)?;
        write(&comparison, &folder.path)?;
    }
    Ok(comparison)
}

/// Writes `comparison.json` and `comparison.html`.
fn write(comparison: &Comparison, folder: &Path) -> Result<()> {
    write_json(&folder.join("comparison.json"), comparison)?;
    let page = page::page(comparison);
    write_atomic(&folder.join("comparison.html"), |file| file.write_all(page.as_bytes()))
}

/// What the arms share of the pictures, and the pictures as the first row reads them.
fn facts(request: &Request, on: &mut Teller<'_>) -> Result<(Facts, Opened)> {
    let Some(first) = request.rows.first() else {
        return Err(Error::config("methods", "there is nothing to compare: name two at least"));
    };
    first.config.validate()?;
    let mut opened = Opened::default();
    let dataset = opened.of(&first.config, &mut |progress: &_| watched(progress, on))?;
    let facts = Facts {
        name: dataset.name().to_owned(),
        pictures: dataset.pretrain().len(),
        classes: dataset.classes().len(),
    };
    Ok((facts, opened))
}

/// A pass, told as an event.
fn watched(progress: &Progress, on: &mut Teller<'_>) -> ControlFlow<()> {
    match on(Happening::Event(Event::Pass(*progress))) {
        Flow::Stop => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    }
}

/// The folder of a comparison, which no other process writes into meanwhile.
struct Folder {
    path: PathBuf,
    _claim: Option<Claim>,
}

/// What is held, and not read.
enum Claim {
    #[expect(dead_code, reason = "held, not read")]
    File(std::sync::Arc<std::fs::File>),
    #[expect(dead_code, reason = "held, not read")]
    Folder(RunFolder),
}

impl Folder {
    /// The folder that was asked for, or the next `comparisons/<preset>-N`, with the plan in it.
    fn create(request: &Request, stored: &Stored) -> Result<Self> {
        let folder = match &request.out {
            Some(out) => RunFolder::create(out)?,
            None => {
                let preset = request.rows.first().and_then(|row| row.config.preset);
                let name = preset.map_or("comparison", crate::config::Preset::name);
                RunFolder::create_next(Path::new("comparisons"), name)?
            }
        };
        stored.write(folder.path())?;
        Ok(Self { path: folder.path().to_owned(), _claim: Some(Claim::Folder(folder)) })
    }
}

/// What is left of the arm in this folder.
fn begin(path: &Path) -> Result<Begin> {
    if judge::verdict(path)?.is_some() {
        return Ok(Begin::Judged);
    }
    let Ok(run) = RunFolder::find(path) else { return Ok(Begin::Fresh) };
    if Record::read(&run)?.summary.is_some_and(|summary| summary.finished) {
        return Ok(Begin::Trained);
    }
    let any = run.checkpoint().exists() || run.previous_checkpoint().exists();
    Ok(if any { Begin::Resumed } else { Begin::Fresh })
}

/// Trains what is left of an arm, and judges it, with baselines where there are none yet.
fn run_arm(arm: &Arm, path: &Path, begin: Begin, baselines: bool, on: &mut Teller<'_>) -> Result<()> {
    if begin != Begin::Trained {
        let options = match begin {
            // It goes on as it began, kernels included.
            Begin::Resumed => {
                let file = RunFolder::find(path)?.config();
                let text = std::fs::read_to_string(&file).map_err(Error::io(&file))?;
                let config = Config::of_run(&text, &file.display().to_string())?;
                TrainOptions { config, resume: Some(path.to_owned()), profile: false, within: None }
            }
            _ => {
                // Left by a kill before the first checkpoint: nothing in it is worth keeping.
                if RunFolder::find(path).is_ok() {
                    std::fs::remove_dir_all(path).map_err(Error::io(path))?;
                }
                let config = Config { out: Some(path.to_owned()), ..arm.config.clone() };
                TrainOptions { config, resume: None, profile: false, within: None }
            }
        };
        match train(options, &mut |event| on(Happening::Event(event))) {
            Ok(summary) if summary.finished => {}
            Ok(_) => return Err(Error::Stopped),
            // The others may well train: that this one does not is a result.
            Err(error @ Error::Diverged { .. }) => return judge::write_failure(path, &error.to_string()),
            Err(error) => return Err(error),
        }
    }
    let verdict = judge::judge(path, arm, baselines, &mut |progress: &_| watched(progress, on))?;
    judge::write(path, &verdict)
}

/// A JSON file, whole or not at all.
fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::io(path)(error.into()))? + "\n";
    write_atomic(path, |file| file.write_all(text.as_bytes()))
}
