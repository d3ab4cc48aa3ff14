//! The earlier runs: what they are, and what can be done with them.

use super::Wish;
use crate::faces::Faces;
use crate::recent::Entry;
use crate::theme::Palette;
use crate::{units, widgets};
use eframe::egui::{
    Align, Frame, Image, Label, Layout, Margin, RichText, Role, Sense, TextEdit, TextureHandle, Ui, Vec2,
    WidgetInfo,
};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The side of a run's picture, points.
const FACE: f32 = 38.0;

/// What the list itself remembers: the run that is being renamed, with its new name, and the one that is to be deleted.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    renaming: Option<(PathBuf, String)>,
    deleting: Option<PathBuf>,
}

impl Runs {
    fn menu(&mut self, ui: &mut Ui, entry: &Entry, wishes: &mut Vec<Wish>) {
        if ui.button("Again with these settings").clicked() {
            wishes.push(Wish::Again(entry.path.clone()));
            ui.close();
        }
        if ui.button("Show in folder").clicked() {
            wishes.push(Wish::Show(entry.path.clone()));
            ui.close();
        }
        ui.add_enabled_ui(!entry.running, |ui| {
            if ui.button("Rename").clicked() {
                self.renaming = Some((entry.path.clone(), entry.name()));
                ui.close();
            }
            if ui.button("Delete…").clicked() {
                self.deleting = Some(entry.path.clone());
                ui.close();
            }
        });
    }

    /// The name of a run, or a field to type another into.
    fn name(&mut self, ui: &mut Ui, entry: &Entry, wishes: &mut Vec<Wish>) {
        let Some((_, name)) = self.renaming.as_mut().filter(|(path, _)| *path == entry.path) else {
            let name = Label::new(RichText::new(entry.name()).strong()).truncate();
            ui.add(name).on_hover_text(entry.path.display().to_string());
            return;
        };
        let field = ui.add(TextEdit::singleline(name).hint_text("Name of the run").desired_width(220.0));
        let name = name.trim().to_owned();
        if field.lost_focus() {
            let escaped = ui.input(|input| input.key_pressed(eframe::egui::Key::Escape));
            if !escaped && name != entry.name() {
                wishes.push(Wish::Rename(entry.path.clone(), name));
            }
            self.renaming = None;
        } else {
            field.request_focus();
        }
    }

    /// Asks before a run goes into the bin.
    fn confirm(&mut self, ui: &mut Ui, entry: &Entry, wishes: &mut Vec<Wish>) {
        if self.deleting.as_ref() != Some(&entry.path) {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            let palette = Palette::of(ui);
            ui.label("Put this run with its checkpoints into the bin? The pictures stay.");
            if ui.button(RichText::new("Delete").color(palette.error)).clicked() {
                wishes.push(Wish::Delete(entry.path.clone()));
                self.deleting = None;
            }
            if ui.button("Keep").clicked() {
                self.deleting = None;
            }
        });
    }
}

/// Draws the list.
pub(super) fn show(
    ui: &mut Ui,
    (entries, faces): (&[Entry], &Faces),
    runs: &mut Runs,
    home: &Path,
    wishes: &mut Vec<Wish>,
) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Earlier runs").size(16.0).strong());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Open a run folder…").clicked() {
                wishes.push(Wish::PickRun);
            }
            let weights = ui.button("Open weights…");
            let help = "A .safetensors, .pth or .pt file: of this program, of the official SwAV code, or a torchvision \
                        ResNet. Sort, search and explore with it, without training.";
            if weights.on_hover_text(help).clicked() {
                wishes.push(Wish::PickWeights);
            }
        });
    });
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if home.is_dir() && ui.button("Show in folder").clicked() {
                wishes.push(Wish::Show(home.to_owned()));
            }
            if ui.button("Change…").on_hover_text("Choose another folder for the runs to come").clicked() {
                wishes.push(Wish::PickHome);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(format!("New ones go to {}", home.display())).color(palette.weak);
                ui.add(Label::new(text).truncate());
            });
        });
    });
    ui.add_space(4.0);
    if entries.is_empty() {
        let text = "None yet. A run keeps its settings, figures and checkpoints in a folder of its own, and can be \
                    resumed, looked at and used from here.";
        ui.label(RichText::new(text).color(palette.weak));
        return;
    }
    entries.iter().for_each(|entry| show_entry(ui, entry, faces.get(&entry.path), runs, wishes));
}

fn show_entry(
    ui: &mut Ui,
    entry: &Entry,
    face: Option<&TextureHandle>,
    runs: &mut Runs,
    wishes: &mut Vec<Wish>,
) {
    let palette = Palette::of(ui);
    let frame = Frame::new().fill(palette.panel).corner_radius(5).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let (square, response) = ui.allocate_exact_size(Vec2::splat(FACE), Sense::hover());
            widgets::name(&response, format!("A picture of {}", entry.name()));
            match face {
                Some(face) => Image::new(face).corner_radius(3).paint_at(ui, square),
                None => drop(ui.painter().rect_filled(square, 3.0, palette.raised)),
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let menu = ui.menu_button("…", |ui| runs.menu(ui, entry, wishes)).response;
                menu.widget_info(|| {
                    WidgetInfo::labeled(Role::Button, true, format!("More for {}", entry.name()))
                });
                menu.on_hover_text("Again with these settings, rename, delete, show in folder");
                if !entry.has_checkpoint {
                    ui.label(RichText::new("no checkpoint").color(palette.weak))
                        .on_hover_text("Stopped before its first checkpoint: it can only be started again");
                } else if entry.finished {
                    let use_it = ui.button("Use").on_hover_text("Sort, find, explore, export, judge with it");
                    if use_it.clicked() {
                        wishes.push(Wish::Use(entry.path.clone()));
                    }
                    let open = ui.button("Open").on_hover_text("Look at what it learned");
                    if open.clicked() {
                        wishes.push(Wish::Open(entry.path.clone()));
                    }
                } else {
                    let resume =
                        ui.button("Resume").on_hover_text("Go on with it, as if it had never stopped");
                    if resume.clicked() {
                        wishes.push(Wish::Resume(entry.path.clone()));
                    }
                    let open = ui.button("Open paused").on_hover_text("Look at it before it goes on");
                    if open.clicked() {
                        wishes.push(Wish::Open(entry.path.clone()));
                    }
                }
                if entry.running {
                    widgets::chip(ui, palette.accent, "running")
                        .on_hover_text("Another window or a terminal trains it now");
                } else if entry.finished {
                    widgets::chip(ui, palette.good, "finished");
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    runs.name(ui, entry, wishes);
                    ui.add(Label::new(RichText::new(describe(entry)).color(palette.weak)).truncate());
                });
            });
        });
        runs.confirm(ui, entry, wishes);
    });
    ui.add_space(2.0);
}

/// How long it was.
fn length(entry: &Entry) -> String {
    let steps = format!("step {}", units::count(entry.step));
    match (entry.seconds, entry.last.as_ref().map(|last| last.epoch)) {
        (Some(seconds), Some(epochs)) if epochs > 0 => {
            format!("{epochs} epoch{} in {}", if epochs == 1 { "" } else { "s" }, units::time(seconds))
        }
        (Some(seconds), _) => format!("{steps} in {}", units::time(seconds)),
        _ => steps,
    }
}

/// A run in a line.
fn describe(entry: &Entry) -> String {
    let mut parts = Vec::new();
    parts.extend(entry.preset.map(|preset| preset.name().to_owned()));
    parts.extend(entry.data.as_ref().map(|data| crate::recent::name(data)));
    parts.push(length(entry));
    parts.extend(entry.last.as_ref().map(|last| format!("loss {:.2}", last.loss)));
    parts.extend(entry.knn.map(|knn| format!("kNN {knn:.3}")));
    let age = entry.modified.and_then(|time| SystemTime::now().duration_since(time).ok());
    parts.extend(age.map(|age| units::ago(age.as_secs())));
    parts.join("  ·  ")
}
