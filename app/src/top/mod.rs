//! What stands above the panes: run control, the timeline, the figures, and what is wrong.

mod buttons;
mod timeline;

use crate::engine::WayOut;
use crate::recent;
use crate::state::{Phase, Place, State};
use crate::theme::Palette;
use crate::units;
use crate::widgets::{self, figure};
use buttons::{can_resume, run_buttons};
use eframe::egui::{Align, Button, Color32, Frame, Layout, Margin, Rect, RichText, Ui, vec2};
use swav_wgpu::pass::{Progress, per_second};
use swav_wgpu::train::Summary;
use timeline::timeline;

/// What the bar may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Pauses, or goes on.
    Pause(bool),
    /// One step of a paused run.
    Step,
    /// Writes a checkpoint and ends.
    Stop,
    /// Writes a checkpoint.
    Checkpoint,
    /// Goes on with a stopped or failed run from its last checkpoint.
    Resume,
    /// Back to the first screen.
    Leave,
    /// Shows the gallery in a browser.
    Gallery,
    /// Sorts, finds, explores, exports and judges with what was learned.
    Use,
    /// Shows the run folder by the system's own means.
    Folder,
    /// The other of dark and light.
    Theme,
    /// All panes to their usual places.
    Layout,
    /// Says what the panes show, once more.
    Tour,
    /// Shows the keyboard shortcuts.
    Keys,
    /// Takes away what went wrong beside the run.
    Dismiss,
    /// Goes on from the last checkpoint with the pictures where they are now.
    Reconnect,
    /// Lets a person say where the pictures are now.
    Locate,
    /// Looks into the run now, however dear that is.
    Refresh,
}

/// Draws all of it; returns what was clicked.
pub fn show(ui: &mut Ui, state: &State) -> Vec<Order> {
    let mut orders = Vec::new();
    controls(ui, state, &mut orders);
    ui.add_space(2.0);
    timeline(ui, state);
    ui.add_space(2.0);
    figures(ui, state);
    pictures(ui, state, &mut orders);
    health(ui, state, &mut orders);
    orders
}

fn phase_color(palette: Palette, phase: Phase) -> Color32 {
    match phase {
        Phase::Running => palette.accent,
        Phase::Finished => palette.good,
        Phase::Failed => palette.error,
        Phase::Paused => palette.warning,
        _ => palette.weak,
    }
}

fn controls(ui: &mut Ui, state: &State, orders: &mut Vec<Order>) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        let live = state.phase.is_live();
        let leave = ui.add_enabled(!live, Button::new("Runs"));
        let why = "Stop the run first; a paused run can be stopped and resumed too";
        if leave.on_hover_text("Back to the first screen").on_disabled_hover_text(why).clicked() {
            orders.push(Order::Leave);
        }
        let name = match &state.started {
            Some(started) => recent::name(&started.run_folder),
            None => state.config.preset.map_or("run", |preset| preset.name()).to_owned(),
        };
        let folder = state.started.as_ref().map_or(String::new(), |s| s.run_folder.display().to_string());
        let name: String = name.chars().take(28).collect();
        ui.label(RichText::new(name).size(15.0).strong()).on_hover_text(folder);
        let phase = state.shown_phase();
        widgets::chip(ui, phase_color(palette, phase), phase.name());
        ui.add_space(8.0);
        run_buttons(ui, state, orders);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.menu_button("View", |ui| {
                let theme = if ui.visuals().dark_mode { "Light colours" } else { "Dark colours" };
                for (text, help, order) in [
                    (theme, "Ctrl+T", Order::Theme),
                    ("Reset layout", "All panes to their usual places", Order::Layout),
                    ("Tour", "What the panes show, in five sentences", Order::Tour),
                    ("Keyboard shortcuts", "F1", Order::Keys),
                ] {
                    if ui.button(text).on_hover_text(help).clicked() {
                        orders.push(order);
                        ui.close();
                    }
                }
            });
        });
    });
}

/// What goes on beside the steps, and how long it will: looking at pictures: 2 500 of 10 000, 15 s left.
pub(crate) fn pass(progress: &Progress) -> String {
    let Progress { doing, unit, done, total, seconds } = *progress;
    let count = |count: usize| units::count(count as u64);
    let counted = match (total, unit) {
        (_, "") => String::new(),
        (0, unit) => format!("{} {unit}, ", count(done)),
        (total, unit) => format!("{} of {} {unit}, ", count(done), count(total)),
    };
    match progress.seconds_left() {
        Some(left) => format!("{doing}: {counted}{} left", units::time(left)),
        None => format!("{doing}: {counted}{}", units::time(seconds)),
    }
}

fn figures(ui: &mut Ui, state: &State) {
    let Some(started) = &state.started else {
        match &state.pass {
            Some(progress) => ui.label(pass(progress)),
            None => ui.label(
                "Opening the pictures and the device; the first run compiles the kernels, which takes a moment.",
            ),
        };
        return;
    };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 18.0;
        let (step, total) = (state.step, state.total());
        let steps = format!("{}/{}", units::count(step), units::count(total));
        figure(ui, "step", &steps, "Steps done, of all; a step trains one batch of pictures");
        let per_epoch = state.steps_per_epoch();
        let epoch = (step.max(1) - 1) / per_epoch + 1;
        let help = "An epoch has seen every picture once";
        figure(ui, "epoch", &format!("{epoch}/{}", total.div_ceil(per_epoch)), help);
        if let Some(progress) = &state.pass {
            figure(ui, "now", &pass(progress), "What goes on beside the steps; Stop leaves it");
        }
        if let Some(report) = state.reports.last() {
            let loss = format!("{:.3}", report.loss);
            figure(ui, "loss", &loss, "The loss of the method in nats");
            if let Some(chance) = report.chance {
                let name = state.config.method.chance();
                let help = "The loss of a network that tells nothing apart; a sound loss is well below it";
                figure(ui, name, &format!("{chance:.3}"), help);
            }
        }
        if let Some(knn) = state.evaluations.last().and_then(|e| e.splits.first()) {
            let help = "Share of test pictures whose nearest neighbours have the right label, at the last evaluation";
            figure(ui, "kNN", &format!("{:.3}", knn.plain), help);
        }
        let last = state.reports.last();
        if let Some((used, dead)) = last.and_then(|last| last.prototypes_used.zip(last.prototypes_dead)) {
            let help = "Prototypes that were the best of some crop in the last 10 K crops";
            figure(ui, "prototypes used", &format!("{used} of {}", used + dead), help);
        }
        if let Some(rate) = state.images_per_s() {
            figure(ui, "images/s", &per_second(rate), "Pictures trained on in a second, evaluations left out");
        }
        if let Some(left) = state.seconds_left() {
            figure(ui, "left", &units::time(left), "Training time that is left at this pace, evaluations left out");
        }
        if state.phase.is_live() && !state.reports.is_empty() {
            let (word, help) = match state.advice.len() {
                0 => ("learning", "Nothing is wrong as far as loss, codes, prototypes, spread and gradient tell"),
                _ => ("see below", "What is wrong is told below, with what to change"),
            };
            figure(ui, "health", word, help);
        }
        let memory = match started.driver_bytes {
            Some(used) => format!("{} of {}", units::bytes(used), units::bytes(started.memory_bytes)),
            None => units::bytes(started.memory_bytes),
        };
        let help = "Device memory: what the driver had given when the run was set up, of the most that was planned";
        figure(ui, "memory", &memory, help);
        let help = format!("The graphics adapter; {} dispatches a step", started.dispatches);
        figure(ui, "on", &started.adapter, &help);
    });
}

/// That the pictures are gone, and what helps.
fn pictures(ui: &mut Ui, state: &State, orders: &mut Vec<Order>) {
    let palette = Palette::of(ui);
    let place = state.config.data.as_deref().map(|place| place.display().to_string()).unwrap_or_default();
    let (color, title, text) = match state.pictures {
        Place::There => return,
        Place::Gone => {
            let text = format!(
                "There is nothing in {place} any more: the run waits, and nothing is lost. Plug the disk in again, or say \
                 where the pictures are now."
            );
            (palette.error, "The pictures are gone", text)
        }
        Place::Back => {
            let text = "Reconnect goes on from a checkpoint, so that no picture is passed over.".to_owned();
            (palette.warning, "The pictures are back", text)
        }
    };
    banner(ui, color, title, &text, |ui| {
        if state.pictures == Place::Back && ui.button("Reconnect").clicked() {
            orders.push(Order::Reconnect);
        }
        if ui.button("Where are they now?").clicked() {
            orders.push(Order::Locate);
        }
    });
}

/// What is wrong, or what came out; nothing where a run is well.
fn health(ui: &mut Ui, state: &State, orders: &mut Vec<Order>) {
    let palette = Palette::of(ui);
    if let Some(failure) = &state.failure {
        banner(ui, palette.error, "Failed", &failure.text, |ui| {
            let again = failure.way_out == Some(WayOut::Again);
            let help = "Goes on from the last checkpoint, or begins anew where there is none";
            if again && ui.button("Try again").on_hover_text(help).clicked() {
                orders.push(Order::Resume);
            }
            if failure.way_out == Some(WayOut::Locate) && ui.button("Where are they now?").clicked() {
                orders.push(Order::Locate);
            }
        });
    }
    for advice in &state.advice {
        banner(ui, palette.warning, &advice.sentence, &advice.remedy, |_| {});
    }
    if let (Phase::Finished, Some(summary)) = (state.phase, &state.summary) {
        finished(ui, summary);
    }
    if state.phase == Phase::Stopped {
        banner(
            ui,
            palette.weak,
            "Stopped",
            match can_resume(state) {
                true => "A checkpoint is in the run folder: the run can be resumed at any time.",
                false => "It was stopped before its first step: nothing was written.",
            },
            |_| {},
        );
    }
}

/// What came out, in the colour of the truth: green only where the network beats what it began with.
fn finished(ui: &mut Ui, summary: &Summary) {
    let palette = Palette::of(ui);
    let mut text = match summary.prototypes {
        0 => String::new(),
        all => format!("{} of {all} prototypes used. ", summary.prototypes_used),
    };
    text += &format!("{} of training.", units::time(summary.seconds));
    let mut color = palette.good;
    if let Some(split) = summary.knn.first()
        && let Some(trained) = split.trained
    {
        text += &format!(" kNN {:.3} on {}", trained.plain, split.name);
        let beside = [("untrained", split.untrained), ("raw pixels", split.pixels)];
        let beside: Vec<(&str, f64)> =
            beside.iter().filter_map(|(who, pair)| Some((*who, pair.as_ref()?.plain))).collect();
        if !beside.is_empty() {
            let list: Vec<String> = beside.iter().map(|(who, knn)| format!("{who} {knn:.3}")).collect();
            text += &format!(" ({})", list.join(", "));
        }
        text.push('.');
        if let Some((who, _)) = beside.iter().find(|(_, knn)| *knn >= trained.plain) {
            color = palette.warning;
            text += &format!(" It is no better than {who}: more pictures or a longer run may help.");
        }
    }
    if summary.unreadable > 0 {
        let what = if summary.unreadable == 1 { "picture" } else { "pictures" };
        text += &format!(" {} {what} could not be read.", summary.unreadable);
    }
    banner(ui, color, "Finished", &text, |_| {});
}

fn banner(ui: &mut Ui, color: Color32, title: &str, text: &str, buttons: impl FnOnce(&mut Ui)) {
    let frame =
        Frame::new().fill(color.gamma_multiply(0.13)).corner_radius(4).inner_margin(Margin::symmetric(12, 6));
    ui.add_space(3.0);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            let top = ui.cursor().min;
            let bar = Rect::from_min_size(top + vec2(-12.0, -6.0), vec2(3.0, 28.0));
            ui.painter().rect_filled(bar, 1.0, color);
            ui.label(RichText::new(title).color(color).strong());
            ui.label(text);
            buttons(ui);
        });
    });
}
