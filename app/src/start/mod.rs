//! The first screen: pictures, recipe and a button; earlier runs; the form of all settings.

mod cards;
mod drop;
mod length;
mod runs;
mod suited;

pub use length::Length;
pub use runs::Runs;

use crate::faces::Faces;
use crate::form::{Form, Resolved};
use crate::prospect::Cost;
use crate::recent::Entry;
use crate::recipes::Recipes;
use crate::settings::Settings;
use crate::theme::Palette;
use crate::thumbs::Thumbs;
use crate::{units, widgets};
use eframe::egui::{
    Align, Button, Frame, Label, Layout, Margin, Rect, RichText, ScrollArea, Sense, Stroke, Ui, UiBuilder,
    vec2,
};
use std::path::{Path, PathBuf};
use swav_wgpu::config::Config;
use swav_wgpu::data::spread;
use swav_wgpu::gpu::AdapterFacts;

/// What the first screen may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Starts what the form says.
    Start,
    /// Lets a person pick a folder of pictures.
    PickFolder,
    /// Lets a person pick the folder of a run.
    PickRun,
    /// Goes on with a run.
    Resume(PathBuf),
    /// Opens a run without training.
    Open(PathBuf),
    /// Lets a person pick a file of weights.
    PickWeights,
    /// Uses a run or a file of weights.
    Use(PathBuf),
    /// The settings of an earlier run for a new one.
    Again(PathBuf),
    /// Gives a run another name.
    Rename(PathBuf, String),
    /// Puts a run into the bin.
    Delete(PathBuf),
    /// Shows a folder by the system's own means.
    Show(PathBuf),
    /// Lets a person choose where runs are kept.
    PickHome,
    /// The other of dark and light.
    Theme,
    /// Shows the keyboard shortcuts.
    Keys,
}

/// What the first screen draws from.
pub struct Start<'a> {
    /// The settings of the next run.
    pub form: &'a mut Form,
    /// The form's own memory.
    pub settings: &'a mut Settings,
    /// Earlier runs.
    pub entries: &'a [Entry],
    /// Their pictures.
    pub faces: &'a Faces,
    /// The adapters of this machine.
    pub adapters: &'a [AdapterFacts],
    /// The pictures that are chosen.
    pub thumbs: &'a mut Thumbs,
    /// The list's own memory.
    pub runs: &'a mut Runs,
    /// What recipes make of the pictures.
    pub recipes: &'a mut Recipes,
    /// The length's own memory.
    pub length: &'a mut Length,
    /// Where runs are kept.
    pub home: &'a Path,
    /// What a run of these settings takes, once it was worked out.
    pub cost: Option<&'a Result<Cost, String>>,
    /// Pictures of a sample that cannot be read, with the reasons.
    pub unreadable: &'a [(String, String)],
}

impl Start<'_> {
    /// Pictures, recipe, what will happen, button.
    fn new_run(&mut self, ui: &mut Ui, resolved: &Resolved, wishes: &mut Vec<Wish>) -> Rect {
        let palette = Palette::of(ui);
        let frame = Frame::new()
            .fill(palette.panel)
            .stroke(Stroke::new(1.0, palette.line))
            .corner_radius(6)
            .inner_margin(Margin::same(14));
        let frame = frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            self.pictures(ui, wishes);
            some_of_them(ui, self.thumbs, self.unreadable);
            ui.label(RichText::new("Recipe").color(palette.weak));
            let seconds = self.cost.and_then(|cost| cost.as_ref().ok()).map(|cost| cost.seconds);
            cards::show(ui, self.form, self.recipes, seconds);
            self.what_will_happen(ui, &resolved.config);
            ui.add_space(6.0);
            self.start_row(ui, resolved, wishes);
        });
        frame.response.rect
    }

    fn pictures(&mut self, ui: &mut Ui, wishes: &mut Vec<Wish>) {
        let palette = Palette::of(ui);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Pictures").color(palette.weak));
            if ui.selectable_label(self.form.data().is_none(), "built-in drawings").clicked() {
                self.form.set_data(None);
            }
            if let Some(folder) = self.form.folder().map(Path::to_owned) {
                let name: String = crate::recent::name(&folder).chars().take(40).collect();
                let shown = ui.selectable_label(self.form.data().is_some(), name);
                if shown.on_hover_text(folder.display().to_string()).clicked() && self.form.data().is_none() {
                    self.form.set_data(Some(folder));
                }
            }
            if ui.button("Choose a folder…").on_hover_text("Or drop one on this window (Ctrl+O)").clicked()
            {
                wishes.push(Wish::PickFolder);
            }
        });
    }

    /// Groups, length and memory, in words and before anything is started.
    fn what_will_happen(&mut self, ui: &mut Ui, config: &Config) {
        ui.add_space(4.0);
        ui.label(length::told(config, self.form.within(), self.cost)).on_hover_text(
            "By the operations of the run and the measured speed of the device, which is kept; evaluations are left out.",
        );
        self.length.show(ui, self.form);
        suited::show(ui, self.form, config, self.cost);
    }

    fn start_row(&mut self, ui: &mut Ui, resolved: &Resolved, wishes: &mut Vec<Wish>) {
        let palette = Palette::of(ui);
        let wrong = wrong(resolved, self.thumbs);
        ui.horizontal(|ui| {
            let text = RichText::new("Start training").size(15.0).strong().color(palette.ground);
            let button = Button::new(text).fill(palette.accent).min_size(vec2(150.0, 34.0));
            let response = ui.add_enabled(wrong.is_none(), button).on_hover_text("Ctrl+Enter");
            if response.on_disabled_hover_text(wrong.unwrap_or_default()).clicked() {
                wishes.push(Wish::Start);
            }
            let text = RichText::new(device(self.adapters)).color(palette.weak);
            ui.add(Label::new(text).wrap()).on_hover_text(
                "The graphics adapter that is used unless the setting “adapter” names another",
            );
        });
    }

    /// Draws the screen. What a run begins with comes first, so that the keyboard reaches it first.
    pub fn show(mut self, ui: &mut Ui) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let resolved = self.form.resolve();
        let palette = Palette::of(ui);
        let all = ui.available_rect_before_wrap();
        let width = (all.width() * 0.46).clamp(430.0, 620.0);
        let (left, right) = all.split_left_right_at_x(all.right() - width);
        ui.scope_builder(UiBuilder::new().id_salt("run").max_rect(left), |ui| {
            ScrollArea::vertical().id_salt("run").auto_shrink(false).show(ui, |ui| {
                let frame = Frame::new().inner_margin(Margin::symmetric(28, 22));
                frame.show(ui, |ui| self.left(ui, &resolved, &mut wishes));
            });
        });
        ui.painter().rect_filled(right, 0.0, palette.panel);
        ui.scope_builder(UiBuilder::new().id_salt("settings").max_rect(right.shrink(16.0)), |ui| {
            self.settings.show(ui, self.form, &resolved);
        });
        ui.painter().vline(right.left(), right.y_range(), Stroke::new(1.0, palette.line));
        wishes
    }

    fn left(&mut self, ui: &mut Ui, resolved: &Resolved, wishes: &mut Vec<Wish>) {
        const BUTTONS: f32 = 130.0;
        /// From this width on, earlier runs stand beside the next one.
        const BESIDE: f32 = 1500.0;
        let palette = Palette::of(ui);
        let title = RichText::new("Learn features from pictures, without labels").heading();
        let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::hover());
        let (words, buttons) = head.split_left_right_at_x(head.right() - BUTTONS);
        let middle = Layout::left_to_right(Align::Center);
        ui.scope_builder(UiBuilder::new().max_rect(words).layout(middle), |ui| {
            ui.add(Label::new(title).truncate());
        });
        let text = "SwAV cuts every picture into crops and learns to predict from each crop which prototypes the \
                    others belong to. What comes out are features, and clusters of pictures that look alike.";
        if !cards::is_low(ui) {
            ui.label(RichText::new(text).color(palette.weak));
            ui.add_space(12.0);
        }
        let room = ui.available_width();
        if room < BESIDE {
            let new_run = self.new_run(ui, resolved, wishes);
            drop::target(ui, new_run);
            ui.add_space(14.0);
            runs::show(ui, (self.entries, self.faces), self.runs, self.home, wishes);
        } else {
            // A list as wide as such a window has its buttons far from its names.
            let column = |ui: &mut Ui, share: f32, draw: &mut dyn FnMut(&mut Ui)| {
                let size = vec2(share * (room - 28.0), 0.0);
                ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
                    ui.set_width(size.x);
                    draw(ui);
                });
            };
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 28.0;
                column(ui, 0.58, &mut |ui| {
                    ui.spacing_mut().item_spacing.x = 8.0;
                    let new_run = self.new_run(ui, resolved, wishes);
                    drop::target(ui, new_run);
                });
                column(ui, 0.42, &mut |ui| {
                    ui.spacing_mut().item_spacing.x = 8.0;
                    runs::show(ui, (self.entries, self.faces), self.runs, self.home, wishes);
                });
            });
        }
        let layout = Layout::right_to_left(Align::Center);
        ui.scope_builder(UiBuilder::new().max_rect(buttons).layout(layout), |ui| {
            if ui.button("Keys").on_hover_text("Keyboard shortcuts (F1)").clicked() {
                wishes.push(Wish::Keys);
            }
            let theme = if ui.visuals().dark_mode { "Light" } else { "Dark" };
            if ui.button(theme).on_hover_text("The other colours (Ctrl+T)").clicked() {
                wishes.push(Wish::Theme);
            }
        });
    }
}

/// Why a run cannot begin yet, in a sentence.
#[must_use]
pub fn wrong(resolved: &Resolved, thumbs: &Thumbs) -> Option<String> {
    let names = thumbs.names();
    match resolved.errors.iter().next() {
        Some((key, reason)) => Some(format!("{}: {reason}", crate::words::name(key))),
        None if thumbs.problem().is_some() => Some("These pictures cannot be opened".to_owned()),
        None if names.set.is_empty() => Some("Wait until the pictures are found".to_owned()),
        None if names.pretrain.is_empty() => Some("There is no picture to train on".to_owned()),
        None => None,
    }
}

/// A row of the chosen pictures, how many there are, and what of them is passed over.
fn some_of_them(ui: &mut Ui, thumbs: &mut Thumbs, unreadable: &[(String, String)]) {
    const SIDE: f32 = 48.0;
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), SIDE), Sense::hover());
    widgets::name(&response, "Some of the pictures");
    let pretrain = &thumbs.names().pretrain;
    let count = ((rect.width() + 6.0) / (SIDE + 6.0)) as usize;
    let some: Vec<u32> = spread::middles(pretrain.len(), count).map(|i| pretrain[i]).collect();
    for (at, picture) in some.into_iter().enumerate() {
        let corner = rect.min + vec2(at as f32 * (SIDE + 6.0), 0.0);
        thumbs.paint(ui.painter(), Rect::from_min_size(corner, vec2(SIDE, SIDE)), picture, palette.raised);
    }
    let names = thumbs.names();
    let labels = match names.classes.len() {
        0 => "no labels".to_owned(),
        n => format!("{n} classes, for judging only"),
    };
    match thumbs.problem() {
        Some(problem) => ui.add(Label::new(RichText::new(problem).color(palette.error)).wrap()),
        None if names.set.is_empty() => ui.label(RichText::new("looking for pictures…").color(palette.weak)),
        None => {
            let number = units::count(names.pretrain.len() as u64);
            ui.label(RichText::new(format!("{number} pictures to train on, {labels}")).color(palette.weak))
        }
    };
    if let Some((name, why)) = unreadable.first() {
        let list: Vec<String> =
            unreadable.iter().take(12).map(|(name, why)| format!("{name}: {why}")).collect();
        let text = format!(
            "{} of those looked at cannot be read and are passed over: {name} ({why})",
            unreadable.len()
        );
        let line = Label::new(RichText::new(text).color(palette.warning)).truncate();
        ui.add(line).on_hover_text(list.join("\n"));
    }
    if let Some(notice) = names.notices.first() {
        let line = Label::new(RichText::new(notice).color(palette.warning)).truncate();
        ui.add(line).on_hover_text(names.notices.join("\n"));
    }
    ui.add_space(4.0);
}

/// The adapter that a run would get.
pub(crate) fn usual(adapters: &[AdapterFacts]) -> Option<&AdapterFacts> {
    adapters.iter().min_by_key(|facts| facts.place())
}

/// The same in words.
fn device(adapters: &[AdapterFacts]) -> String {
    match usual(adapters) {
        None => "no graphics adapter found: install the driver of your GPU (Vulkan, Metal or DirectX 12)"
            .to_owned(),
        Some(facts) if facts.software => format!("{}: on the processor, slow", facts.name),
        Some(facts) => facts.name.clone(),
    }
}
