//! The tab that writes files for other programs.

use super::task::Task;
use super::{Uses, Want};
use crate::dialogs::{Ask, For, Out};
use crate::recent;
use crate::theme::Palette;
use eframe::egui::{Button, Checkbox, Frame, Label, Margin, RichText, ScrollArea, TextEdit, Ui, vec2};
use std::path::{Path, PathBuf};
use swav_wgpu::uses::embed::What;
use swav_wgpu::uses::export::Format;

/// What is exported, and where to, as chosen.
#[derive(Debug)]
pub(super) struct Exports {
    format: Format,
    trunk_only: bool,
    what: What,
    ending: &'static str,
    /// Paths as typed: weights, features, page.
    paths: [String; 3],
}

impl Default for Exports {
    fn default() -> Self {
        let (format, what) = (Format::Safetensors, What::Features);
        Self { format, trunk_only: false, what, ending: "npy", paths: <[String; 3]>::default() }
    }
}

impl Exports {
    /// Names that say what they are, in a person's documents; what was typed stays.
    pub(super) fn propose(&mut self, network: &Path) {
        let home = dirs::document_dir().or_else(dirs::home_dir).unwrap_or_default();
        let name = recent::name(network);
        let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or("network");
        let names = [
            format!("{stem}.{}", self.format.extension()),
            format!("{stem} {}.{}", self.what.name(), self.ending),
            format!("{stem} report.html"),
        ];
        for (path, name) in self.paths.iter_mut().zip(names) {
            if path.is_empty() {
                *path = home.join(name).display().to_string();
            }
        }
    }

    pub(super) fn set(&mut self, out: Out, path: &Path) {
        self.paths[out as usize] = path.display().to_string();
    }

    /// Gives a path the ending that goes with what was chosen.
    fn end(&mut self, out: Out, ending: &str) {
        let path = PathBuf::from(&self.paths[out as usize]).with_extension(ending);
        self.set(out, &path);
    }
}

impl Uses {
    pub(super) fn export(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(760.0);
            card(ui, "Weights", "What was learned, for other programs to go on with.", |ui| {
                self.weights(ui, wants);
            });
            let text = "What the network says of every picture, a row each.";
            card(ui, "Features of the pictures", text, |ui| self.features(ui, wants));
            let text = "Settings, curves, crops, prototypes, and how good it is, on one page for a browser.";
            card(ui, "Report", text, |ui| self.page(ui, wants));
        });
    }

    fn weights(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let formats = [
            (Format::Safetensors, "safetensors", "With the settings of the run"),
            (Format::Pytorch, "PyTorch", "A state dict for torch.load, under torchvision's names"),
            (Format::Onnx, "ONNX", "The trunk, from normalised pixels to the features of the run"),
        ];
        let before = self.exports.format;
        ui.horizontal_wrapped(|ui| {
            for (format, name, help) in formats {
                ui.selectable_value(&mut self.exports.format, format, name).on_hover_text(help);
            }
            let onnx = self.exports.format == Format::Onnx;
            let only = Checkbox::new(&mut self.exports.trunk_only, "trunk only");
            ui.add_enabled(!onnx, only)
                .on_hover_text("Leaves out the projection head and the prototypes")
                .on_disabled_hover_text("ONNX never has the projection head and the prototypes");
        });
        if self.exports.format != before {
            self.exports.end(Out::Weights, self.exports.format.extension());
        }
        if self.path_row(ui, Out::Weights, wants) {
            let Exports { format, trunk_only, .. } = self.exports;
            let out = self.exports.paths[Out::Weights as usize].trim().into();
            self.order(Task::Weights { format, trunk_only, out });
        }
    }

    fn features(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let (embeds, has) =
            self.about.as_ref().map_or((false, false), |about| (about.embeds, about.prototypes > 0));
        let kinds = [
            (What::Features, true, "features of the trunk", "What to compare pictures by"),
            (What::Embeddings, embeds, "embeddings", "Of unit length, after the projection head"),
            (What::Scores, has, "scores of the prototypes", "Cosines with every prototype"),
        ];
        ui.horizontal_wrapped(|ui| {
            for (what, can, name, help) in kinds {
                ui.add_enabled_ui(can, |ui| {
                    ui.selectable_value(&mut self.exports.what, what, name)
                        .on_hover_text(help)
                        .on_disabled_hover_text("This network has none");
                });
            }
        });
        let before = self.exports.ending;
        ui.horizontal_wrapped(|ui| {
            let endings = [
                ("npy", "NumPy", "An array, with the names beside it in a .csv"),
                ("parquet", "Parquet", "A table with names, classes and prototypes"),
                ("safetensors", "safetensors", "With the names in its metadata"),
            ];
            for (ending, name, help) in endings {
                ui.selectable_value(&mut self.exports.ending, ending, name).on_hover_text(help);
            }
        });
        if self.exports.ending != before {
            self.exports.end(Out::Features, self.exports.ending);
        }
        if self.path_row(ui, Out::Features, wants) {
            let out = self.exports.paths[Out::Features as usize].trim().into();
            self.order(Task::Features(self.exports.what, out));
        }
    }

    fn page(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        if !self.network.is_dir() {
            ui.label("A report is made of a run, and this is a file of weights.");
            return;
        }
        if self.path_row(ui, Out::Page, wants) {
            let out = self.exports.paths[Out::Page as usize].trim().into();
            self.order(Task::Page(out));
        }
    }

    /// Where it goes; whether it is to be written now.
    fn path_row(&mut self, ui: &mut Ui, out: Out, wants: &mut Vec<Want>) -> bool {
        let palette = Palette::of(ui);
        let path = &mut self.exports.paths[out as usize];
        let exists = Path::new(path.trim()).exists();
        let mut write = false;
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(RichText::new("Into").color(palette.weak));
            let width = (ui.available_width() - 190.0).max(160.0);
            ui.add(TextEdit::singleline(path).desired_width(width)).labelled_by(label.id);
            if ui.button("Choose…").clicked() {
                let name = recent::name(Path::new(path.trim()));
                wants.push(Want::Ask(Ask::Save(name), For::Export(out)));
            }
            let ready = self.busy.is_none() && !exists && !path.trim().is_empty();
            let button = Button::new("Write").min_size(vec2(70.0, 26.0));
            let why = if exists {
                "There is a file of this name already: choose another"
            } else {
                "Wait for what goes on"
            };
            write = ui.add_enabled(ready, button).on_disabled_hover_text(why).clicked();
        });
        if exists {
            let text = RichText::new("This file exists already.").small().color(palette.weak);
            ui.add(Label::new(text));
        }
        write
    }
}

fn card(ui: &mut Ui, title: &str, text: &str, contents: impl FnOnce(&mut Ui)) {
    let palette = Palette::of(ui);
    let frame = Frame::new().fill(palette.panel).corner_radius(5).inner_margin(Margin::same(14));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(RichText::new(title).size(15.0).strong());
        ui.label(RichText::new(text).color(palette.weak));
        ui.add_space(4.0);
        contents(ui);
    });
    ui.add_space(8.0);
}
