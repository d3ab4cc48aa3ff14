//! The buttons that drive a run.

use super::Order;
use crate::state::{Phase, State};
use crate::theme::Palette;
use eframe::egui::{Button, RichText, Ui, vec2};

/// What can be done with what was learned.
const USE: &str = "Sort pictures into groups, find look-alikes, explore, export, judge (Ctrl+U)";

/// Whether there is a checkpoint to go on from; a run that was stopped once it was open has written one.
pub(super) fn can_resume(state: &State) -> bool {
    !state.checkpoints.is_empty() || (state.phase == Phase::Stopped && state.started.is_some())
}

pub(super) fn run_buttons(ui: &mut Ui, state: &State, orders: &mut Vec<Order>) {
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
            button(ui, true, "Use it", USE, Order::Use);
            if clicked {
                orders.push(Order::Pause(false));
            }
        }
        Phase::Stopped | Phase::Failed if can_resume(state) => {
            button(ui, true, "Resume", "Go on from the last checkpoint", Order::Resume);
            button(ui, true, "Use it", USE, Order::Use);
            button(ui, true, "Show folder", "Where the files of this run are", Order::Folder);
        }
        Phase::Finished => {
            let use_it = Button::new(RichText::new("Use it").color(palette.ground).strong());
            let use_it = use_it.fill(palette.accent).min_size(vec2(64.0, 26.0));
            let clicked = ui.add(use_it).on_hover_text(USE).clicked();
            let there = state.summary.as_ref().is_some_and(|summary| summary.gallery.is_some());
            let help = "The nearest pictures of each prototype, as a page in the browser";
            button(ui, there, "Gallery", help, Order::Gallery);
            button(ui, true, "Show folder", "Where the files of this run are", Order::Folder);
            if clicked {
                orders.push(Order::Use);
            }
        }
        _ => {}
    }
}
