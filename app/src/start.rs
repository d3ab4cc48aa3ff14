//! The first screen: pictures, recipe and a button; earlier runs; the form of all settings.

use crate::form::{Form, Resolved};
use crate::recent::Entry;
use crate::settings::Settings;
use crate::theme::Palette;
use crate::thumbs::Thumbs;
use crate::{units, widgets};
use eframe::egui::{
    Align, Button, ComboBox, Frame, Label, Layout, Margin, Panel, Rect, RichText, ScrollArea, Sense, Stroke,
    TextEdit, Ui, vec2,
};
use std::path::PathBuf;
use std::time::SystemTime;
use swav_wgpu::config::Preset;
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
}

/// What the first screen draws from.
pub struct Start<'a> {
    /// The settings of the next run.
    pub form: &'a mut Form,
    /// The form's own memory.
    pub settings: &'a mut Settings,
    /// Earlier runs.
    pub entries: &'a [Entry],
    /// The adapters of this machine.
    pub adapters: &'a [AdapterFacts],
    /// The pictures that are chosen.
    pub thumbs: &'a mut Thumbs,
    /// Something that went wrong.
    pub error: Option<&'a str>,
}

impl Start<'_> {
    /// Draws the screen.
    pub fn show(self, ui: &mut Ui) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let resolved = self.form.resolve();
        let palette = Palette::of(ui);
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::same(16));
        let width = (ui.available_width() * 0.46).clamp(430.0, 620.0);
        Panel::right("settings").frame(frame).resizable(false).exact_size(width).show(ui, |ui| {
            self.settings.show(ui, self.form, &resolved);
        });
        Frame::new().inner_margin(Margin::symmetric(28, 22)).show(ui, |ui| {
            ui.label(RichText::new("Learn features from pictures, without labels").heading());
            let text = "SwAV cuts every picture into crops and learns to predict from each crop which prototypes the \
                        others belong to. What comes out are features, and clusters of pictures that look alike.";
            ui.label(RichText::new(text).color(palette.weak));
            ui.add_space(12.0);
            if let Some(error) = self.error {
                banner(ui, error);
            }
            new_run(ui, self.form, self.thumbs, &resolved, self.adapters, &mut wishes);
            ui.add_space(18.0);
            earlier(ui, self.entries, &mut wishes);
        });
        wishes
    }
}

fn banner(ui: &mut Ui, text: &str) {
    let palette = Palette::of(ui);
    let frame =
        Frame::new().fill(palette.error.gamma_multiply(0.14)).corner_radius(4).inner_margin(Margin::same(10));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(RichText::new(text).color(palette.error));
    });
    ui.add_space(8.0);
}

/// Pictures, recipe, button.
fn new_run(
    ui: &mut Ui,
    form: &mut Form,
    thumbs: &mut Thumbs,
    resolved: &Resolved,
    adapters: &[AdapterFacts],
    wishes: &mut Vec<Wish>,
) {
    let (sound, within) = (resolved.errors.is_empty(), resolved.errors.get("for").map(String::as_str));
    let palette = Palette::of(ui);
    let frame = Frame::new()
        .fill(palette.panel)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(6)
        .inner_margin(Margin::same(14));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new("Pictures").color(palette.weak));
            if ui.selectable_label(form.data().is_none(), "built-in drawings").clicked() {
                form.set_data(None);
            }
            if let Some(data) = form.data() {
                let shown = ui.selectable_label(true, crate::recent::name(data));
                shown.on_hover_text(data.display().to_string());
            }
            if ui.button("Choose a folder…").on_hover_text("Or drop one on this window (Ctrl+O)").clicked()
            {
                wishes.push(Wish::PickFolder);
            }
        });
        some_of_them(ui, thumbs);
        ui.horizontal(|ui| {
            let label = ui.label(RichText::new("Recipe   ").color(palette.weak));
            let mut preset = form.preset();
            ComboBox::from_id_salt("preset")
                .width(150.0)
                .selected_text(preset.name())
                .show_ui(ui, |ui| {
                    for &choice in Preset::ALL {
                        ui.selectable_value(&mut preset, choice, choice.name())
                            .on_hover_text(choice.source());
                    }
                })
                .response
                .labelled_by(label.id)
                .on_hover_text(preset.source());
            form.set_preset(preset);
        });
        ui.label(RichText::new(form.preset().summary()).color(palette.weak));
        ui.horizontal(|ui| {
            let label = ui.label(RichText::new("Time      ").color(palette.weak));
            let field = TextEdit::singleline(&mut form.within).hint_text("20m").desired_width(80.0);
            ui.add(field).labelled_by(label.id).on_hover_text(
                "20m or 8h: a few steps are measured, and as many as fit are trained. Empty: as many epochs as the recipe \
                 says",
            );
            let (text, colour) = match within {
                Some(reason) => (reason, palette.error),
                None if form.within.trim().is_empty() => ("as long as the recipe takes", palette.weak),
                None => ("as good as it gets in that time", palette.weak),
            };
            ui.label(RichText::new(text).color(colour));
        });
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            let text = RichText::new("Start training").size(15.0).strong().color(palette.ground);
            let button = Button::new(text).fill(palette.accent).min_size(vec2(150.0, 34.0));
            let response = ui.add_enabled(sound, button).on_hover_text("Ctrl+Enter");
            if response.on_disabled_hover_text("A setting is wrong: see the form").clicked() {
                wishes.push(Wish::Start);
            }
            let text = RichText::new(device(adapters)).color(palette.weak);
            ui.add(Label::new(text).wrap()).on_hover_text(
                "The graphics adapter that is used unless the setting `adapter` names another",
            );
        });
    });
}

/// A row of the chosen pictures, and how many there are.
fn some_of_them(ui: &mut Ui, thumbs: &mut Thumbs) {
    const SIDE: f32 = 48.0;
    let palette = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), SIDE), Sense::hover());
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
        Some(problem) => ui.label(RichText::new(problem).color(palette.error)),
        None if names.set.is_empty() => ui.label(RichText::new("looking for pictures…").color(palette.weak)),
        None => {
            let number = units::count(names.pretrain.len() as u64);
            ui.label(RichText::new(format!("{number} pictures to train on, {labels}")).color(palette.weak))
        }
    };
    ui.add_space(4.0);
}

/// The adapter that a run would get, in words.
fn device(adapters: &[AdapterFacts]) -> String {
    let rank = |facts: &&AdapterFacts| match facts.kind.as_str() {
        "discrete GPU" => 0,
        "integrated GPU" => 1,
        "virtual GPU" | "other" => 2,
        _ => 3,
    };
    match adapters.iter().min_by_key(|facts| (rank(facts), facts.index)) {
        None => "no graphics adapter found: install the driver of your GPU (Vulkan, Metal or DirectX 12)"
            .to_owned(),
        Some(facts) if facts.software => format!("{}: on the processor, slow", facts.name),
        Some(facts) => facts.name.clone(),
    }
}

fn earlier(ui: &mut Ui, entries: &[Entry], wishes: &mut Vec<Wish>) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Earlier runs").size(16.0).strong());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Open a run folder…").clicked() {
                wishes.push(Wish::PickRun);
            }
        });
    });
    ui.add_space(4.0);
    if entries.is_empty() {
        let text = "None yet. A run keeps its settings, figures and checkpoints in a folder under runs/, and can be \
                    resumed or looked at from here.";
        ui.label(RichText::new(text).color(palette.weak));
        return;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        entries.iter().for_each(|entry| show_entry(ui, entry, wishes));
    });
}

fn show_entry(ui: &mut Ui, entry: &Entry, wishes: &mut Vec<Wish>) {
    let palette = Palette::of(ui);
    let frame = Frame::new().fill(palette.panel).corner_radius(5).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.label(RichText::new(entry.name()).strong())
                    .on_hover_text(entry.path.display().to_string());
                ui.label(RichText::new(describe(entry)).color(palette.weak));
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if !entry.has_checkpoint {
                    ui.label(RichText::new("no checkpoint").color(palette.weak))
                        .on_hover_text("Stopped before its first checkpoint: it can only be started again");
                } else if entry.finished {
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
                if entry.finished {
                    widgets::chip(ui, palette.good, "finished");
                }
            });
        });
    });
    ui.add_space(2.0);
}

/// A run in a line.
fn describe(entry: &Entry) -> String {
    let mut parts = Vec::new();
    parts.extend(entry.preset.map(|preset| preset.name().to_owned()));
    parts.extend(entry.data.as_ref().map(|data| crate::recent::name(data)));
    parts.push(format!("step {}", units::count(entry.step)));
    parts.extend(entry.last.as_ref().map(|last| format!("loss {:.2}", last.loss)));
    parts.extend(entry.knn.map(|knn| format!("kNN {knn:.3}")));
    let age = entry.modified.and_then(|time| SystemTime::now().duration_since(time).ok());
    parts.extend(age.map(|age| units::ago(age.as_secs())));
    parts.join("  ·  ")
}
