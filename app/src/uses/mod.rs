//! What is done with a network that has learned: sort a folder, find look-alikes, explore, export, judge. It serves a
//! run that is paused or over as well as any file of weights, on the pictures it was trained on or on others.
//!
//! ```text
//! worker thread ──News──▶ Uses::apply ──▶ tabs (draw only) ──Want──▶ window ──Task──▶ worker thread
//! ```
//!
//! | file | what |
//! |---|---|
//! | `task` | what the worker is told to do, and what it tells |
//! | `worker`, `write` | a network on a thread of its own; what it writes for other programs |
//! | `apply` | what the worker told, taken in |
//! | `groups`, `edit` | groups of pictures as a person puts them right, and the sorts that they lead to |
//! | `keep` | groups that outlive the screen |
//! | `away` | going away from the screen while a sort goes on |
//! | `screen` | the frame of the screen: network, pictures, tabs, progress, messages |
//! | `sorting`, `group`, `target` | the tab that sorts a folder: all groups as stacks; one group open; where they go |
//! | `alike` | the tab that finds look-alikes |
//! | `plane` | the tab that explores: the panes of a run, without a run |
//! | `export`, `judge` | the tabs that write files and that judge |

mod alike;
mod apply;
mod away;
mod edit;
mod export;
mod group;
mod groups;
mod judge;
mod keep;
mod plane;
mod screen;
mod sorting;
mod target;
pub mod task;
mod worker;
mod write;

pub use apply::{Done, Found};
pub use away::Away;
pub use groups::{Group, Groups};
pub use worker::Worker;

use crate::dialogs::{Ask, For};
use crate::dock::Dock;
use crate::engine::{Failure, Message};
use crate::panes::Look;
use crate::state::State;
use crate::thumbs::Thumbs;
use eframe::egui;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use swav_wgpu::judge::Table;
use swav_wgpu::pass::Progress;
use swav_wgpu::uses::sort::How;
use task::{About, By, Choice, Kind, News, Plan, Query, Seen, Task};

/// Groups that are proposed.
const GROUPS: usize = 12;
/// Look-alikes that are shown.
const NEAR: usize = 40;

/// The parts of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Sort a folder.
    #[default]
    Sort,
    /// Find look-alikes.
    Alike,
    /// Explore.
    Explore,
    /// Export.
    Export,
    /// Judge.
    Judge,
}

/// What the screen wants of the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// Away from the screen.
    Go(Away),
    /// A dialog.
    Ask(Ask, For),
    /// A file or folder shown by the system.
    Show(PathBuf),
    /// The other of dark and light.
    Theme,
}

/// All that is known of a network in use.
pub struct Uses {
    worker: Option<Worker>,
    /// The run folder or file of weights.
    pub network: PathBuf,
    /// What it is, once it is loaded.
    pub about: Option<About>,
    /// Which pictures were asked for.
    pub choice: Choice,
    /// The pictures, once they were looked at.
    pub seen: Option<Box<Seen>>,
    /// What goes on.
    pub busy: Option<Kind>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What went wrong last, with what.
    pub failure: Option<(Kind, Failure)>,
    /// What was told last: something that was done.
    pub done: Option<Done>,
    /// Whether the network could not be loaded, or the pictures not be looked at: there is nothing to show.
    missed: Option<Kind>,
    /// The groups.
    pub groups: Option<Groups>,
    /// How many are wanted, and by what.
    pub wanted: (By, usize),
    /// Where the sorted pictures go, as typed.
    pub into: String,
    /// How they get there.
    pub how: How,
    /// The sort that was ordered last, and whether it came to its end.
    pub sorted: Option<(Plan, bool)>,
    /// Whether one goes on.
    sorting: bool,
    /// Where a person wants to go meanwhile.
    away: Option<Away>,
    keeper: keep::Keeper,
    /// The group that is open.
    pub open: Option<usize>,
    /// The rows that are chosen in it.
    pub chosen: Vec<u32>,
    /// The name that is being typed.
    typed: Option<(usize, String)>,
    /// Look-alikes.
    pub found: Option<Found>,
    /// What judging said.
    pub tables: Option<Vec<Table>>,
    exports: export::Exports,
    judging: judge::Judging,
    /// The path of pictures, as typed.
    path: String,
    tab: Tab,
    /// What the panes of a run draw from.
    pub state: State,
    look: Look,
    thumbs: Thumbs,
    dock: Dock,
    unfolding: (Sender<Message>, Receiver<Message>),
}

impl Uses {
    /// Loads a network and looks at pictures with it.
    #[must_use]
    pub fn open(network: PathBuf, choice: Choice, ctx: &egui::Context) -> Self {
        let ctx = ctx.clone();
        let mut worker = Worker::start(network.clone(), dirs::cache_dir(), move || ctx.request_repaint());
        worker.order(Task::Look(choice.clone()));
        Self { worker: Some(worker), choice, ..Self::idle(network) }
    }

    /// A network without a worker: for tests, which say themselves what one would have told.
    #[must_use]
    pub fn idle(network: PathBuf) -> Self {
        Self {
            worker: None,
            network,
            about: None,
            choice: Choice::Own,
            seen: None,
            busy: None,
            progress: None,
            failure: None,
            done: None,
            missed: None,
            groups: None,
            wanted: (By::default(), GROUPS),
            into: String::new(),
            how: How::Copy,
            sorted: None,
            sorting: false,
            away: None,
            keeper: keep::Keeper::default(),
            open: None,
            chosen: Vec::new(),
            typed: None,
            found: None,
            tables: None,
            exports: export::Exports::default(),
            judging: judge::Judging::default(),
            path: String::new(),
            tab: Tab::default(),
            state: State::default(),
            look: Look::default(),
            thumbs: Thumbs::none(),
            dock: Dock::new(None),
            unfolding: channel(),
        }
    }

    /// Shows a part of the screen.
    pub fn turn_to(&mut self, tab: Tab) {
        self.tab = tab;
    }

    /// The thumbnails.
    pub fn thumbs_mut(&mut self) -> &mut Thumbs {
        &mut self.thumbs
    }

    /// Takes in what the worker told.
    pub fn poll(&mut self, ctx: &egui::Context) {
        self.thumbs.poll(ctx);
        let unfolded: Vec<Message> = self.unfolding.1.try_iter().collect();
        unfolded.into_iter().for_each(|message| self.state.apply(message));
        let news = self.worker.as_mut().map(Worker::poll).unwrap_or_default();
        for news in news {
            if let News::Seen(seen) = &news {
                let again = ctx.clone();
                self.thumbs = Thumbs::open(seen.config.clone(), move || again.request_repaint());
            }
            self.apply(news);
        }
        self.keep_soon(ctx);
    }

    /// Whether there is nothing to look at before a person chooses pictures.
    #[must_use]
    pub fn needs_pictures(&self) -> bool {
        let knows = self.about.as_ref().is_none_or(|about| about.trained_on.is_some());
        self.choice == Choice::Own && !knows
    }

    /// Has the worker do something. One that has no network does nothing, and why stays on the screen.
    pub fn order(&mut self, task: Task) {
        self.commit();
        let kind = task.kind();
        if self.worker.as_mut().is_some_and(|worker| worker.order(task)) {
            (self.busy, self.done) = (Some(kind), None);
            self.sorting |= kind == Kind::Sort;
        }
    }

    /// Ends what goes on.
    pub fn cancel(&self) {
        if let Some(worker) = &self.worker {
            worker.cancel();
        }
    }

    /// Looks at other pictures.
    pub fn look_at(&mut self, choice: Choice) {
        if !self.may_go(Away::Look(choice.clone())) {
            return;
        }
        self.keep();
        self.cancel();
        self.choice = choice.clone();
        self.order(Task::Look(choice));
    }

    /// Finds look-alikes of something, and shows them.
    pub fn find(&mut self, query: Query) {
        self.tab = Tab::Alike;
        self.order(Task::Find(query, NEAR));
    }

    /// What a dialog answered, or what was dropped on the window.
    pub fn answered(&mut self, purpose: &For, path: PathBuf) {
        match purpose {
            For::Used => self.look_at(Choice::At(path)),
            For::Moved => {
                self.carry();
                self.look_at(Choice::At(path));
            }
            For::Query => self.find(Query::File(path)),
            For::Labels => self.judge_by(&path),
            For::Sorted => {
                self.into = path.display().to_string();
                self.keeper.touched = true;
            }
            For::Export(out) => self.exports.set(*out, &path),
            _ => {}
        }
    }

    /// A folder is other pictures, a table holds labels to judge by, a picture is to be found.
    pub fn dropped(&mut self, path: PathBuf) {
        let purpose = match () {
            () if path.is_dir() => For::Used,
            () if judge::holds_labels(&path) => For::Labels,
            () => For::Query,
        };
        self.answered(&purpose, path);
    }

    /// Closes what is open, the front first.
    pub fn back(&mut self) {
        if self.away.take().is_some() || self.failure.take().is_some() || self.done.take().is_some() {
            return;
        }
        if !std::mem::take(&mut self.chosen).is_empty() || self.open.take().is_some() {
            return;
        }
        self.look.prototype = None;
        self.look.mark([]);
    }

    /// The number of a row's picture.
    fn picture(&self, row: u32) -> u32 {
        self.seen.as_ref().and_then(|seen| seen.pictures.get(row as usize)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
