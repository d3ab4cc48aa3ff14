//! Keyboard shortcuts. None works while a text field has the focus, but those with Ctrl.

use crate::top::Order;
use eframe::egui::{self, Grid, Key as K, Modifiers, RichText};

/// What a key press means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The same as a click in the bar.
    Order(Order),
    /// Starts what the form says.
    Start,
    /// Lets a person pick a folder.
    PickFolder,
    /// Other crops of the same pictures.
    NewCrops,
    /// Other pictures.
    OtherPictures,
    /// Closes what is open, or unmarks.
    Back,
    /// Takes the last change back.
    Undo,
}

impl Key {
    /// Whether it does something while a network is in use: what lies behind is out of sight, and stays as it is.
    #[must_use]
    pub fn is_for_use(self) -> bool {
        match self {
            Self::Order(order) => matches!(order, Order::Leave | Order::Theme | Order::Keys),
            Self::PickFolder | Self::Back | Self::Undo => true,
            Self::Start | Self::NewCrops | Self::OtherPictures => false,
        }
    }
}

/// A shortcut: what is pressed, what it does, how it is told.
const KEYS: [(Modifiers, K, Key, &str, &str); 14] = [
    (Modifiers::NONE, K::Space, Key::Order(Order::Pause(true)), "Space", "Pause, go on"),
    (Modifiers::NONE, K::S, Key::Order(Order::Step), "S", "One step of a paused run"),
    (Modifiers::NONE, K::N, Key::NewCrops, "N", "New crops"),
    (Modifiers::NONE, K::O, Key::OtherPictures, "O", "Other pictures"),
    (Modifiers::NONE, K::Escape, Key::Back, "Esc", "Close the prototype, unmark pictures"),
    (Modifiers::COMMAND, K::S, Key::Order(Order::Checkpoint), "Ctrl+S", "Write a checkpoint"),
    (Modifiers::COMMAND, K::Period, Key::Order(Order::Stop), "Ctrl+.", "Stop, with a checkpoint"),
    (Modifiers::COMMAND, K::Enter, Key::Start, "Ctrl+Enter", "Start training"),
    (Modifiers::COMMAND, K::O, Key::PickFolder, "Ctrl+O", "Choose a folder of pictures"),
    (Modifiers::COMMAND, K::L, Key::Order(Order::Leave), "Ctrl+L", "Back to the list of runs"),
    (Modifiers::COMMAND, K::U, Key::Order(Order::Use), "Ctrl+U", "Use what was learned"),
    (Modifiers::COMMAND, K::Z, Key::Undo, "Ctrl+Z", "Take the last change of the groups back"),
    (Modifiers::COMMAND, K::T, Key::Order(Order::Theme), "Ctrl+T", "Dark, light"),
    (Modifiers::NONE, K::F1, Key::Order(Order::Keys), "F1", "This list"),
];

/// What was pressed.
#[must_use]
pub fn pressed(ctx: &egui::Context) -> Vec<Key> {
    let typing = ctx.egui_wants_keyboard_input();
    // A text field takes its own changes back, and what is open above all else is closed by itself.
    let (text, popup) = (ctx.text_edit_focused(), egui::Popup::is_any_open(ctx));
    let others = |key: Key| (text && key == Key::Undo) || (popup && key == Key::Back);
    ctx.input_mut(|input| {
        KEYS.iter()
            .filter(|(modifiers, _, key, ..)| (!typing || modifiers.command) && !others(*key))
            .filter(|(modifiers, key, ..)| input.consume_key(*modifiers, *key))
            .map(|(_, _, key, ..)| *key)
            .collect()
    })
}

/// Lists them.
pub fn show(ctx: &egui::Context, open: &mut bool) {
    let window = egui::Window::new("Keyboard").open(open).collapsible(false).resizable(false);
    window.anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0]).show(ctx, |ui| {
        Grid::new("keys").num_columns(2).spacing([24.0, 6.0]).show(ui, |ui| {
            for (_, _, _, name, what) in KEYS {
                ui.label(RichText::new(name).monospace());
                ui.label(what);
                ui.end_row();
            }
        });
        ui.label(RichText::new("In the embedding: drag moves, scroll zooms, drag with shift marks.").weak());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_leave_alone_what_lies_behind_a_network_in_use() {
        let used = KEYS.iter().filter(|(_, _, key, ..)| key.is_for_use()).map(|(.., name, _)| *name);
        assert_eq!(used.collect::<Vec<_>>(), ["Esc", "Ctrl+O", "Ctrl+L", "Ctrl+Z", "Ctrl+T", "F1"]);
    }
}
