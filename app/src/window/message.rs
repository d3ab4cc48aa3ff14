//! What went wrong beside a run: one line in a fixed place at the foot of the window, so that nothing moves under the
//! pointer, with a button that does what helps.

use super::Window;
use crate::dialogs::{Ask, For};
use crate::engine::WayOut;
use crate::theme::Palette;
use eframe::egui::{self, Align, Frame, Label, Layout, Margin, Panel, RichText, Ui};

impl Window {
    /// Draws it, where there is something.
    pub(super) fn message(&mut self, ui: &mut Ui) {
        let Some(error) = self.error.clone() else {
            self.remedy = None;
            return;
        };
        let palette = Palette::of(ui);
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 8));
        let ctx = ui.ctx().clone();
        Panel::bottom("message").frame(frame).show(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Close").on_hover_text("Take this message away (Esc)").clicked() {
                    self.error = None;
                }
                self.remedy_button(ui, &ctx);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(RichText::new(&error).color(palette.error)).wrap());
                });
            });
        });
    }

    fn remedy_button(&mut self, ui: &mut Ui, ctx: &egui::Context) {
        match self.remedy {
            Some(WayOut::Again) if self.last.is_some() && ui.button("Try again").clicked() => {
                self.error = None;
                if let Some((options, paused)) = self.last.clone() {
                    self.start(ctx, options, paused);
                }
            }
            Some(WayOut::Locate) if ui.button("Where are they now?").clicked() => {
                self.ask(ctx, Ask::Folder("Where the pictures are now"), For::Located);
            }
            _ => {}
        }
    }

    /// A person said where the pictures of a run are now.
    pub(super) fn located(&mut self, ctx: &egui::Context, data: std::path::PathBuf) {
        self.error = None;
        if let (Some(started), Some(engine)) = (&self.state.started, &self.engine) {
            self.then = Some((started.run_folder.clone(), Some(data)));
            engine.control().stop();
            self.state.stopping();
        } else if let Some((options, paused)) = self.last.clone() {
            match options.resume {
                Some(run) => self.resume(ctx, &run, paused, Some(data)),
                None => self.form.set_data(Some(data)),
            }
        }
    }

    /// Goes on from a checkpoint, with the pictures where they are.
    pub(super) fn reconnect(&mut self) {
        if let (Some(started), Some(engine)) = (&self.state.started, &self.engine) {
            self.then = Some((started.run_folder.clone(), None));
            engine.control().stop();
            self.state.stopping();
        }
    }
}
