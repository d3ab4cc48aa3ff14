//! The tab that judges the network beside raw pixels and the same network untrained.

use super::task::Task;
use super::{Tab, Uses, Want};
use crate::dialogs::{Ask, For};
use crate::theme::Palette;
use crate::widgets;
use crate::words::{plain, sentence};
use eframe::egui::{Button, Frame, Grid, Label, Margin, RichText, ScrollArea, TextEdit, Ui};
use std::path::Path;
use swav_wgpu::data::LabelFile;
use swav_wgpu::judge::{FeatureSource, Judged, Table};

/// Pictures of each side of a split, at most.
const LIMIT: usize = 5000;
/// What files of labels end in.
const LABELS: &[&str] = &["csv", "tsv", "txt", "jsonl"];

/// How it is judged, as chosen.
#[derive(Debug, Default)]
pub(super) struct Judging {
    linear: bool,
    /// The path of a file of labels, as typed; empty where the pictures' own are judged by.
    labels: String,
    /// What the file said that the tables are of.
    pub(super) said: Option<LabelFile>,
}

impl Judging {
    /// Forgets the file of labels: it was of other pictures.
    pub(super) fn forget(&mut self) {
        (self.labels, self.said) = (String::new(), None);
    }

    /// What is to be done.
    pub(super) fn task(&self) -> Task {
        let labels = Some(self.labels.trim()).filter(|path| !path.is_empty()).map(Into::into);
        Task::Judge { linear: self.linear, limit: LIMIT, labels }
    }
}

/// Whether a file's name says that it holds labels.
pub(super) fn holds_labels(path: &Path) -> bool {
    path.extension().is_some_and(|ending| LABELS.iter().any(|label| ending.eq_ignore_ascii_case(label)))
}

impl Uses {
    /// Chooses a file of labels.
    pub(super) fn judge_by(&mut self, labels: &Path) {
        (self.tab, self.judging.labels) = (Tab::Judge, labels.display().to_string());
    }

    pub(super) fn judge(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        ui.horizontal_wrapped(|ui| {
            let go = ui.add_enabled(self.busy.is_none(), Button::new("Judge"));
            if go.on_disabled_hover_text("Wait for what goes on").clicked() {
                self.order(self.judging.task());
            }
            ui.checkbox(&mut self.judging.linear, "linear classifiers too").on_hover_text(
                "Trained on the features of the pictures with labels, as papers do. Takes longest.",
            );
            let text = format!("At most {LIMIT} pictures of each side of a split, evenly spread.");
            ui.label(RichText::new(text).color(Palette::of(ui).weak));
        });
        self.labels_row(ui, wants);
        self.tables(ui);
    }

    /// Where the labels come from.
    fn labels_row(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let help = "A table (CSV, TSV) with the path or file name of each picture and its label, such as \
                    photo12.jpg,cat. It takes the place of folders for classes; nothing is ever trained by it. Drop it \
                    on the window, choose it, or type its path.";
        let palette = Palette::of(ui);
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(RichText::new("Label file").color(palette.weak)).on_hover_text(help);
            let width = (ui.available_width() - 190.0).clamp(160.0, 560.0);
            let edit = TextEdit::singleline(&mut self.judging.labels).desired_width(width);
            ui.add(edit.hint_text("none: the folders are the classes"))
                .labelled_by(label.id)
                .on_hover_text(help);
            if ui.button("Choose…").clicked() {
                wants.push(Want::Ask(Ask::File("Labels", LABELS), For::Labels));
            }
            let clear = ui.add_enabled(!self.judging.labels.is_empty(), Button::new("Clear"));
            if clear.on_hover_text("Judge by the folders again").clicked() {
                self.judging.labels.clear();
            }
        });
    }

    fn tables(&self, ui: &mut Ui) {
        ui.add_space(6.0);
        let Some(tables) = &self.tables else {
            let text = "kNN and linear classifiers say how well features tell classes apart, which needs a folder for \
                        each class; clusters can be judged without. Everything stands beside raw pixels and the same \
                        network untrained: what training was worth is the difference.";
            widgets::empty(ui, "Not judged yet", text);
            return;
        };
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            if let Some(said) = &self.judging.said {
                ui.add(Label::new(sentence(&plain(&said.to_string()))).wrap());
                ui.add_space(4.0);
            }
            let judged = tables.iter().any(|table| table.of != Judged::Clusters);
            if !judged {
                ui.label(
                    "These pictures have no labels to judge by, so only their clusters can be told. A label file gives \
                     them some.",
                );
            }
            for (at, table) in tables.iter().enumerate() {
                show(ui, at, table);
            }
        });
    }
}

fn show(ui: &mut Ui, at: usize, table: &Table) {
    let palette = Palette::of(ui);
    let frame = Frame::new().fill(palette.panel).corner_radius(5).inner_margin(Margin::same(14));
    frame.show(ui, |ui| {
        ui.label(RichText::new(&table.title).size(15.0).strong());
        Grid::new(("table", at)).striped(true).spacing([26.0, 6.0]).show(ui, |ui| {
            ui.label("");
            for source in FeatureSource::ALL {
                ui.label(RichText::new(source.name()).color(palette.weak));
            }
            ui.end_row();
            for (name, cells) in &table.rows {
                ui.label(name);
                for (source, cell) in FeatureSource::ALL.iter().zip(cells) {
                    let text = RichText::new(cell).monospace();
                    ui.label(if *source == FeatureSource::Trained { text.strong() } else { text });
                }
                ui.end_row();
            }
        });
        for note in &table.notes {
            ui.label(RichText::new(note).small().color(palette.weak));
        }
    });
    ui.add_space(8.0);
}
