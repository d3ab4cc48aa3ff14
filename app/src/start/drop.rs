//! What a folder or file that is held above the window lights up.

use crate::theme::Palette;
use crate::{recent, widgets};
use eframe::egui::{Align2, FontId, Id, LayerId, Order, Rect, Ui};
use std::path::Path;

/// Lights a part of the window up while something is held above the window, and says what letting it go does. It can be
/// let go anywhere.
pub(super) fn target(ui: &Ui, rect: Rect) {
    let held = ui.input(|input| input.raw.hovered_files.first().map(|file| file.path.clone()));
    let Some(path) = held else { return };
    let palette = Palette::of(ui);
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Foreground, Id::unique("drop")));
    painter.rect_filled(rect, 6.0, palette.ground.gamma_multiply(0.93));
    painter.rect_filled(rect, 6.0, palette.accent.gamma_multiply(0.18));
    widgets::outline(&painter, rect, 3.0, palette.accent);
    let text = told(path.as_deref());
    painter.text(rect.center(), Align2::CENTER_CENTER, text, FontId::proportional(18.0), palette.text);
}

/// What letting it go does.
fn told(path: Option<&Path>) -> String {
    let Some(path) = path else { return "Drop it to train on these pictures".to_owned() };
    let name: String = recent::name(path).chars().take(40).collect();
    if crate::window::is_weights(path) {
        format!("Drop “{name}” to use these weights")
    } else if recent::config(path).is_ok() {
        format!("Drop “{name}” to open this run")
    } else {
        format!("Drop “{name}” to train on these pictures")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_told_by_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = folder.path().join("holidays");
        std::fs::create_dir(&pictures).unwrap();
        assert_eq!(told(Some(&pictures)), "Drop “holidays” to train on these pictures");
        std::fs::write(pictures.join("config.toml"), "").unwrap();
        assert_eq!(told(Some(&pictures)), "Drop “holidays” to open this run");
        let weights = folder.path().join("swav.safetensors");
        std::fs::write(&weights, "").unwrap();
        assert_eq!(told(Some(&weights)), "Drop “swav.safetensors” to use these weights");
        assert!(told(None).starts_with("Drop it"));
    }
}
