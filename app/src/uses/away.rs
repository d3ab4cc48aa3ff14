//! Going away from the screen while a sort goes on: a person is asked first.

use super::task::Choice;
use super::{Uses, Want};
use crate::theme::Palette;
use crate::units;
use eframe::egui::{Button, Id, Modal, RichText, Ui, vec2};
use std::path::PathBuf;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Away {
    /// Back to where it was opened from.
    Leave,
    /// The window is closed.
    Close,
    /// Other pictures, with the same network.
    Look(Choice),
    /// Another network.
    Open(PathBuf),
    /// A run or a file that was dropped on the window.
    Take(PathBuf),
}

impl Uses {
    /// Whether nothing would be cut short; else a person is asked first.
    pub fn may_go(&mut self, to: Away) -> bool {
        self.away = self.sorting.then_some(to);
        self.away.is_none()
    }

    /// Ends what goes on, and keeps what is to be kept. With `wait` it has ended then, or takes too long.
    pub fn end(&mut self, wait: bool) {
        self.keep();
        self.cancel();
        if let Some(worker) = self.worker.as_mut().filter(|_| wait) {
            worker.wait();
        }
    }

    /// Asks, where that has to be.
    pub(super) fn ask_before_going(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let Some(away) = self.away.clone() else { return };
        if !self.sorting {
            // It came to its end meanwhile.
            self.away = None;
            return self.go(away, wants);
        }
        let palette = Palette::of(ui);
        let modal = Modal::new(Id::unique("away")).show(ui.ctx(), |ui| {
            ui.set_width(380.0);
            ui.label(RichText::new("Pictures are being sorted").size(16.0).strong());
            let how_far = self.progress.map_or_else(String::new, |progress| {
                let [done, total] = [progress.done, progress.total].map(|count| units::count(count as u64));
                format!("{done} of {total} are in their folders. ")
            });
            let text = "Stopped now, it can go on later: your groups are kept, and what is there stays.";
            ui.label(RichText::new(format!("{how_far}{text}")).color(palette.weak));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let stay = RichText::new("Go on sorting").strong().color(palette.ground);
                let stay = ui.add(Button::new(stay).fill(palette.accent).min_size(vec2(130.0, 28.0)));
                let stop = ui.add(Button::new("Stop sorting and leave").min_size(vec2(0.0, 28.0)));
                (stay.clicked(), stop.clicked())
            })
            .inner
        });
        let closed = modal.should_close();
        let (stay, stop) = modal.inner;
        if stop {
            // Told to end, it does not keep anybody.
            self.cancel();
            (self.away, self.sorting) = (None, false);
            self.go(away, wants);
        } else if stay || closed {
            self.away = None;
        }
    }

    fn go(&mut self, away: Away, wants: &mut Vec<Want>) {
        match away {
            Away::Look(choice) => self.look_at(choice),
            away => wants.push(Want::Go(away)),
        }
    }
}
