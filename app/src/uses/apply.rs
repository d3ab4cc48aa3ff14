//! What the worker told, taken in: the only way into what is known of a network in use.

use super::task::{Kind, News, Plan, Query, Seen, Task};
use super::write::is_whole;
use super::{Groups, Uses, screen};
use crate::engine::digest::Digest;
use crate::engine::{Failure, Message};
use crate::panes::Look;
use crate::state::State;
use crate::words::plain;
use eframe::egui;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use swav_wgpu::uses::sort::{How, Sorted};

/// Look-alikes of a picture.
pub struct Found {
    /// Of what.
    pub query: Query,
    /// The picture itself.
    pub image: egui::ColorImage,
    /// Once it was drawn.
    pub(super) texture: Option<egui::TextureHandle>,
    /// Pictures with their cosines, nearest first.
    pub near: Vec<(u32, f32)>,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// A sentence.
    pub text: String,
    /// What was written.
    pub at: Option<PathBuf>,
    /// Whether nothing was left out.
    pub whole: bool,
}

impl Uses {
    /// Takes a piece of news in.
    pub fn apply(&mut self, news: News) {
        match news {
            News::Began(kind) => {
                (self.busy, self.progress) = (Some(kind), None);
                self.failure = None;
                self.sorting |= kind == Kind::Sort;
                if kind == Kind::Look {
                    self.missed = None;
                }
            }
            News::Progress(progress) => self.progress = Some(progress),
            News::About(about) => self.about = Some(*about),
            News::Seen(seen) => self.take_pictures(seen),
            News::Grouped(by, of, typical) => {
                self.commit();
                // What nobody has changed is found again by the same numbers.
                self.keeper.touched |= self.groups.as_ref().is_some_and(|groups| groups.changes() > 0);
                self.wanted.0 = by;
                self.groups = Some(match self.groups.take() {
                    Some(groups) => groups.again(&of, &typical),
                    None => Groups::new(&of, &typical),
                });
                self.open = None;
                self.chosen.clear();
            }
            News::Found { query, image, near } => {
                let size = [image.width() as usize, image.height() as usize];
                let image = egui::ColorImage::from_rgb(size, image.as_raw());
                self.found = Some(Found { query, image, texture: None, near });
            }
            News::Sorted(plan, sorted) => {
                let at = plan.into.clone();
                let whole = sorted.taken.is_empty() && sorted.failed.is_empty();
                let whole_so_far = is_whole(&plan, &sorted);
                self.done = Some(Done { text: told(&plan, &sorted), at: Some(at), whole });
                self.sorted = Some((plan, whole_so_far));
                self.keeper.touched = true;
            }
            News::Wrote(path, note) => {
                let text = format!("Written: {}. {note}.", path.display());
                self.done = Some(Done { text, at: Some(path), whole: true });
            }
            News::Judged(tables, labels) => {
                (self.tables, self.judging.said) = (Some(tables), labels);
            }
            News::Ended(kind, ended) => self.ended(kind, ended),
        }
    }

    fn ended(&mut self, kind: Kind, ended: Result<(), Failure>) {
        (self.busy, self.progress) = (None, None);
        if kind == Kind::Sort {
            self.sort_ended(ended.as_ref().err());
        }
        if ended.is_err() {
            // What was done before it was stopped is not all of it.
            self.done = None;
            self.missed = matches!(kind, Kind::Open | Kind::Look).then_some(kind).or(self.missed);
        }
        self.failure = match ended {
            // A set that has to be chosen is asked for where the pictures would stand.
            Err(_) if kind == Kind::Look && self.needs_pictures() => None,
            Err(failure) if failure.stopped => {
                let what = screen::stopped(kind);
                Some((kind, Failure { text: what.to_owned(), ..failure }))
            }
            Err(failure) => Some((kind, failure)),
            Ok(()) if kind == Kind::Look => self.to_be_finished(),
            Ok(()) => None,
        };
    }

    /// What a sort that ended leaves to be done.
    fn sort_ended(&mut self, failure: Option<&Failure>) {
        self.sorting = false;
        // What was refused has done nothing that it could go on with.
        if failure.is_some_and(|failure| failure.field.is_some()) {
            self.sorted = None;
        }
        self.keeper.touched = true;
    }

    /// A sort of an earlier day that did not come to its end.
    fn to_be_finished(&self) -> Option<(Kind, Failure)> {
        let into = self.unfinished()?.into.display();
        let text =
            format!("Your groups are back. The sort into {into} was not finished: it can go on from there.");
        Some((Kind::Sort, Failure { stopped: true, ..Failure::saying(&text) }))
    }

    fn take_pictures(&mut self, seen: Box<Seen>) {
        self.keep();
        let digest = Digest {
            step: 0,
            draw: 0,
            crops: None,
            map: Some(Arc::clone(&seen.map)),
            folded: Some(Arc::clone(&seen.folded)),
        };
        self.state = State::default();
        self.state.apply(Message::Digest(Box::new(digest)));
        // An earlier set that is still being unfolded must not arrive among these pictures.
        self.unfolding = channel();
        self.look = Look::default();
        (self.groups, self.sorted, self.found, self.tables) = (None, None, None, None);
        // A file of labels is of the pictures that were.
        self.judging.forget();
        self.into = beside(seen.place.as_deref()).display().to_string();
        if !seen.files && matches!(self.how, How::HardLink | How::Symlink) {
            self.how = How::Copy;
        }
        let most = seen.pictures.len();
        self.wanted.1 = self.wanted.1.min(most);
        self.exports.propose(&self.network);
        self.seen = Some(seen);
        (self.open, self.typed) = (None, None);
        self.chosen.clear();
        if !self.bring_back() {
            self.order(Task::Group(self.wanted.0, self.wanted.1));
        }
    }
}

/// A folder beside the pictures, for the sorted ones.
pub(super) fn beside(place: Option<&Path>) -> PathBuf {
    let home = || dirs::picture_dir().or_else(dirs::home_dir).unwrap_or_default();
    match place {
        Some(place) => {
            let full = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
            let name = full.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let name = if full.is_dir() { crate::recent::name(&full) } else { name };
            full.parent().map_or_else(home, Path::to_owned).join(format!("{name} sorted"))
        }
        None => home().join("drawings sorted"),
    }
}

/// What a sort did, in a sentence.
fn told(plan: &Plan, sorted: &Sorted) -> String {
    let all = plan.groups.len();
    if plan.how == How::Manifest {
        return format!("The list of {all} pictures and their groups is written. No picture was copied.");
    }
    let mut text =
        format!("{} of {all} pictures put into {} folders", sorted.made + sorted.present, plan.names.len());
    if sorted.present > 0 {
        text += &format!("; {} of them were there already", sorted.present);
    }
    if !sorted.taken.is_empty() {
        text += &format!("; {} left alone, because something else has their names", sorted.taken.len());
    }
    if let Some((name, reason)) = sorted.failed.first() {
        text += &format!(
            "; {} could not be put there, the first: {name}: {}",
            sorted.failed.len(),
            plain(reason)
        );
    }
    text + ". The pictures themselves stayed where they were."
}
