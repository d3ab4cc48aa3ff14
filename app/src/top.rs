//! What stands above the panes: run control, the timeline, the figures, and what is wrong.

use crate::recent;
use crate::state::{Phase, State};
use crate::theme::Palette;
use crate::units;
use crate::widgets::{self, figure};
use eframe::egui::{
    Align, Button, Color32, Frame, Layout, Margin, Rect, RichText, Sense, Stroke, Ui, pos2, vec2,
};
use swav_wgpu::pass::Progress;

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
    /// The other of dark and light.
    Theme,
    /// All panes to their usual places.
    Layout,
    /// Shows the keyboard shortcuts.
    Keys,
    /// Takes away what went wrong beside the run.
    Dismiss,
}

/// Draws all of it; returns what was clicked. `error` is what went wrong beside the run.
pub fn show(ui: &mut Ui, state: &State, error: Option<&str>) -> Vec<Order> {
    let mut orders = Vec::new();
    controls(ui, state, &mut orders);
    ui.add_space(2.0);
    timeline(ui, state);
    ui.add_space(2.0);
    figures(ui, state);
    health(ui, state);
    if let Some(error) = error {
        ui.horizontal(|ui| {
            if ui.button("Close").on_hover_text("Take this message away (Esc)").clicked() {
                orders.push(Order::Dismiss);
            }
            banner(ui, Palette::of(ui).error, "Not done", error);
        });
    }
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
        ui.label(RichText::new(name).size(15.0).strong()).on_hover_text(folder);
        let phase = state.shown_phase();
        widgets::chip(ui, phase_color(palette, phase), phase.name());
        ui.add_space(8.0);
        run_buttons(ui, state, orders);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Keys").on_hover_text("Keyboard shortcuts (F1)").clicked() {
                orders.push(Order::Keys);
            }
            let theme = if ui.visuals().dark_mode { "Light" } else { "Dark" };
            if ui.button(theme).on_hover_text("The other colours (Ctrl+T)").clicked() {
                orders.push(Order::Theme);
            }
            if ui.button("Reset layout").on_hover_text("All panes to their usual places").clicked() {
                orders.push(Order::Layout);
            }
        });
    });
}

fn run_buttons(ui: &mut Ui, state: &State, orders: &mut Vec<Order>) {
    let palette = Palette::of(ui);
    let mut button = |ui: &mut Ui, on: bool, text: &str, help: &str, order: Order| {
        let button = Button::new(text).min_size(vec2(64.0, 26.0));
        if ui.add_enabled(on, button).on_hover_text(help).clicked() {
            orders.push(order);
        }
    };
    match state.phase {
        Phase::Running | Phase::Opening => {
            let running = state.phase == Phase::Running;
            button(ui, running, "Pause", "Wait after this step (Space)", Order::Pause(true));
            button(ui, false, "Step", "One step of a paused run (S)", Order::Step);
            button(ui, true, "Stop", "Write a checkpoint and end (Ctrl+.)", Order::Stop);
            button(ui, running, "Checkpoint", "Write a checkpoint now (Ctrl+S)", Order::Checkpoint);
        }
        Phase::Paused => {
            let go = Button::new(RichText::new("Go on").color(palette.ground).strong());
            let go = go.fill(palette.accent).min_size(vec2(64.0, 26.0));
            let clicked = ui.add(go).on_hover_text("Train on (Space)").clicked();
            button(ui, true, "Step", "One step (S)", Order::Step);
            button(ui, true, "Stop", "Write a checkpoint and end (Ctrl+.)", Order::Stop);
            button(ui, true, "Checkpoint", "Write a checkpoint now (Ctrl+S)", Order::Checkpoint);
            if clicked {
                orders.push(Order::Pause(false));
            }
        }
        Phase::Stopped | Phase::Failed if can_resume(state) => {
            button(ui, true, "Resume", "Go on from the last checkpoint", Order::Resume);
        }
        Phase::Finished => {
            let there = state.summary.as_ref().is_some_and(|summary| summary.gallery.is_some());
            let help = "The nearest pictures of each prototype, as a page in the browser";
            button(ui, there, "Gallery", help, Order::Gallery);
        }
        _ => {}
    }
}

/// Whether there is a checkpoint to go on from; a run that was stopped once it was open has written one.
fn can_resume(state: &State) -> bool {
    !state.checkpoints.is_empty() || (state.phase == Phase::Stopped && state.started.is_some())
}

/// What goes on beside the steps, and how long it will: looking at pictures: 2 500 of 10 000, 15 s left.
fn pass(progress: &Progress) -> String {
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

/// Steps from left to right: done ones filled, epochs as ticks, checkpoints and evaluations as marks.
fn timeline(ui: &mut Ui, state: &State) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let painter = ui.painter_at(rect.expand(2.0));
    let track =
        Rect::from_min_max(pos2(rect.left(), rect.top() + 5.0), pos2(rect.right(), rect.top() + 14.0));
    painter.rect_filled(track, 3.0, palette.raised);
    let total = state.total();
    if total == 0 {
        return;
    }
    let at = |step: u64| track.left() + track.width() * (step as f32 / total as f32).clamp(0.0, 1.0);
    let done = Rect::from_min_max(track.min, pos2(at(state.step), track.bottom()));
    painter.rect_filled(done, 3.0, phase_color(palette, state.phase).gamma_multiply(0.75));
    // Ticks that would stand closer than a few points are thinned out.
    let epochs = total / state.steps_per_epoch();
    let every = (epochs * 6 / (track.width() as u64).max(1) + 1).next_power_of_two();
    for epoch in (every..epochs).step_by(every as usize) {
        let x = at(epoch * state.steps_per_epoch());
        painter.vline(x, track.y_range(), Stroke::new(1.0, palette.ground.gamma_multiply(0.7)));
    }
    for &step in &state.checkpoints {
        let tip = pos2(at(step), track.bottom() + 1.0);
        let mark = vec![tip, tip + vec2(-3.5, 5.0), tip + vec2(3.5, 5.0)];
        painter.add(eframe::egui::Shape::convex_polygon(mark, palette.weak, Stroke::NONE));
    }
    for evaluation in &state.evaluations {
        painter.circle_filled(pos2(at(evaluation.step), track.top() - 2.5), 2.5, palette.text);
    }
    if let Some(pointer) = response.hover_pos() {
        let step =
            ((pointer.x - track.left()) / track.width() * total as f32).clamp(0.0, total as f32) as u64;
        let near = state.evaluations.iter().min_by_key(|e| e.step.abs_diff(step));
        let near = near.filter(|e| (at(e.step) - pointer.x).abs() < 8.0);
        let knn =
            near.and_then(|e| Some(format!("\nkNN after step {}: {:.3}", e.step, e.splits.first()?.plain)));
        response.on_hover_text(format!(
            "step {} of {}, epoch {}{}\nTicks: epochs. Dots: kNN evaluations. Triangles: checkpoints.",
            units::count(step),
            units::count(total),
            (step / state.steps_per_epoch() + 1).min(epochs.max(1)),
            knn.unwrap_or_default()
        ));
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
        if let Some(rate) = state.images_per_s() {
            figure(ui, "images/s", &format!("{rate:.0}"), "Pictures trained on in a second, evaluations left out");
        }
        if let Some(left) = state.seconds_left() {
            figure(ui, "left", &units::time(left), "Training time that is left at this pace, evaluations left out");
        }
        if state.phase.is_live() && !state.reports.is_empty() {
            let (word, help) = match state.advice.len() {
                0 => ("sound", "Nothing is wrong as far as loss, codes, prototypes, spread and gradient tell"),
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

/// What is wrong, or what came out; nothing where a run is well.
fn health(ui: &mut Ui, state: &State) {
    let palette = Palette::of(ui);
    if let Some(failure) = &state.failure {
        banner(ui, palette.error, "Failed", &failure.text);
    }
    for advice in &state.advice {
        banner(ui, palette.warning, &advice.sentence, &advice.remedy);
    }
    if let (Phase::Finished, Some(summary)) = (state.phase, &state.summary) {
        let mut text = format!(
            "{} of {} prototypes used, {} of training.",
            summary.prototypes_used,
            summary.prototypes,
            units::time(summary.seconds)
        );
        if let Some(split) = summary.knn.first()
            && let Some(trained) = split.trained
        {
            text += &format!(" kNN {:.3} on {}", trained.plain, split.name);
            let beside = [("untrained", split.untrained), ("raw pixels", split.pixels)];
            let beside: Vec<String> = beside
                .iter()
                .filter_map(|(who, pair)| Some(format!("{who} {:.3}", pair.as_ref()?.plain)))
                .collect();
            if !beside.is_empty() {
                text += &format!(" ({})", beside.join(", "));
            }
            text.push('.');
        }
        banner(ui, palette.good, "Finished", &text);
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
        );
    }
}

fn banner(ui: &mut Ui, color: Color32, title: &str, text: &str) {
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
        });
    });
}
