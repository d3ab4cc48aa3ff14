//! The tab that judges the network beside raw pixels and the same network untrained.

use super::Uses;
use super::task::Task;
use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{Button, Frame, Grid, Margin, RichText, ScrollArea, Ui};
use swav_wgpu::judge::{FeatureSource, Judged, Table};

/// Pictures of each side of a split, at most.
const LIMIT: usize = 5000;

impl Uses {
    pub(super) fn judge(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            let go = ui.add_enabled(self.busy.is_none(), Button::new("Judge"));
            if go.on_disabled_hover_text("Wait for what goes on").clicked() {
                self.order(Task::Judge { linear: self.linear, limit: LIMIT });
            }
            ui.checkbox(&mut self.linear, "linear classifiers too").on_hover_text(
                "Trained on the features of the pictures with labels, as papers do. Takes longest.",
            );
            let text = format!("At most {LIMIT} pictures of each side of a split, evenly spread.");
            ui.label(RichText::new(text).color(Palette::of(ui).weak));
        });
        ui.add_space(6.0);
        let Some(tables) = &self.tables else {
            let text = "kNN and linear classifiers say how well features tell classes apart, which needs a folder for \
                        each class; clusters can be judged without. Everything stands beside raw pixels and the same \
                        network untrained: what training was worth is the difference.";
            widgets::empty(ui, "Not judged yet", text);
            return;
        };
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            let judged = tables.iter().any(|table| table.of != Judged::Clusters);
            if !judged {
                ui.label("These pictures have no labels to judge by: only their clusters can be told.");
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
