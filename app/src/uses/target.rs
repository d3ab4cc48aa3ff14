//! Below the stacks: where their pictures go, and how; and what is left of an earlier sort.

use super::{Uses, Want};
use crate::dialogs::{Ask, For};
use crate::theme::Palette;
use crate::units;
use eframe::egui::{Button, Label, RichText, TextEdit, Ui, vec2};
use std::collections::BTreeMap;
use swav_wgpu::uses::sort::How;

impl Uses {
    /// Where the pictures go, and how.
    pub(super) fn target(&mut self, ui: &mut Ui, problems: &BTreeMap<usize, String>, wants: &mut Vec<Want>) {
        let palette = Palette::of(ui);
        let files = self.seen.as_ref().is_some_and(|seen| seen.files);
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(RichText::new("Into").color(palette.weak));
            let width = (ui.available_width() - 580.0).max(160.0);
            let field = ui.add(TextEdit::singleline(&mut self.into).desired_width(width));
            self.keeper.touched |= field.labelled_by(label.id).changed();
            if ui.button("Choose…").clicked() {
                wants.push(Want::Ask(Ask::Folder("Where the groups go"), For::Sorted));
            }
            let kinds = [
                (How::Copy, "copies", "Every picture is copied; the originals stay"),
                (
                    How::HardLink,
                    "hard links",
                    "A second name of the same file, on the same disk: takes no room",
                ),
                (How::Manifest, "a list only", "manifest.csv says which picture is in which group"),
            ];
            for (how, name, help) in kinds {
                let can = files || how != How::HardLink;
                ui.add_enabled_ui(can, |ui| {
                    let value = ui.selectable_value(&mut self.how, how, name);
                    self.keeper.touched |= value.changed();
                    value
                        .on_hover_text(help)
                        .on_disabled_hover_text("These pictures are no files of their own");
                });
            }
            let count = self.seen.as_ref().map_or(0, |seen| seen.pictures.len());
            let text = format!("Sort {} pictures", units::count(count as u64));
            let text = RichText::new(text).strong().color(palette.ground);
            let ready = problems.is_empty() && self.busy.is_none() && !self.into.trim().is_empty();
            let button = Button::new(text).fill(palette.accent).min_size(vec2(140.0, 28.0));
            let why =
                problems.values().next().map_or("Wait for what goes on, or choose a folder", String::as_str);
            let help = "Nothing is moved and nothing is written over";
            let go = ui.add_enabled(ready, button).on_hover_text(help).on_disabled_hover_text(why);
            if go.clicked() {
                self.sort();
            }
        });
        if let Some(problem) = problems.values().next() {
            ui.add(Label::new(RichText::new(problem).color(palette.error)).wrap());
        }
        self.left(ui);
    }

    /// What an earlier sort left to be done, or has put where this one goes.
    fn left(&mut self, ui: &mut Ui) {
        let palette = Palette::of(ui);
        // Where the line below tells it, it is not told twice.
        if self.failure.is_some() || self.busy.is_some() {
            return;
        }
        if let Some(plan) = self.unfinished() {
            let mut text = format!("The sort into {} was not finished.", plan.into.display());
            if self.doubles() {
                text += " It had other groups; sorted anew, pictures lie there twice.";
            }
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(text).color(palette.warning));
                if ui.button("Finish it as it was").clicked() {
                    self.resume();
                }
            });
        } else if self.doubles() {
            let text = "This folder holds a sort by other groups: pictures will lie there twice, unless you choose \
                        another folder.";
            ui.add(Label::new(RichText::new(text).color(palette.warning)).wrap());
        }
    }
}
