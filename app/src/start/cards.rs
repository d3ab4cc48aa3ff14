//! Recipes as cards: what each makes of a picture, what it is for, and how long it takes here.

use crate::form::Form;
use crate::recipes::Recipes;
use crate::theme::Palette;
use crate::{units, widgets};
use eframe::egui::{self, Align2, Color32, FontId, Rect, RichText, Sense, Ui, WidgetInfo, pos2, vec2};
use swav_wgpu::config::Preset;

/// The least width of a card and its height, points.
const CARD: [f32; 2] = [176.0, 118.0];
/// The same in a low window, in which only the chosen one says what it is for, below all of them.
const LOW: [f32; 2] = [112.0, 64.0];
const GAP: f32 = 8.0;
/// The side of the largest crop, points, and in a low window.
const CROP: [f32; 2] = [38.0, 24.0];

/// Draws all of them; a click chooses one. `seconds` is what the chosen one takes with all that was changed of it.
pub(super) fn show(ui: &mut Ui, form: &mut Form, recipes: &mut Recipes, seconds: Option<f64>) {
    let width = ui.available_width();
    let low = is_low(ui);
    let least = if low { LOW } else { CARD };
    let across = across(width, least[0]) as f32;
    let size = vec2((width - GAP * (across - 1.0)) / across, least[1]);
    for row in Preset::ALL.chunks(across as usize) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing = vec2(GAP, GAP);
            for &preset in row {
                let chosen = form.preset() == preset;
                let time = if chosen { seconds.or(recipes.seconds(preset)) } else { recipes.seconds(preset) };
                if card(ui, size, preset, chosen, time, recipes) {
                    form.set_preset(preset);
                }
            }
        });
        ui.add_space(GAP - ui.spacing().item_spacing.y);
    }
    if low {
        ui.label(RichText::new(sentence(form.preset())).color(Palette::of(ui).weak));
    } else {
        ui.add_space(GAP - 2.0);
    }
}

/// Cards in a row: one row of all of them, or rows of three, so that none stands alone.
fn across(width: f32, least: f32) -> usize {
    let fit = ((width + GAP) / (least + GAP)).floor().max(1.0) as usize;
    if fit >= Preset::ALL.len() { Preset::ALL.len() } else { fit.min(3) }
}

/// Whether the window is so low that what begins a run must be drawn close together to be seen whole.
pub(super) fn is_low(ui: &Ui) -> bool {
    ui.ctx().content_rect().height() < 720.0
}

fn card(
    ui: &mut Ui,
    size: egui::Vec2,
    preset: Preset,
    chosen: bool,
    time: Option<f64>,
    recipes: &mut Recipes,
) -> bool {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let few = if recipes.is_timed() { "too few" } else { "" };
    // Of fewer pictures than a batch there is no step.
    let time = time.map_or_else(|| few.to_owned(), |seconds| format!("~{}", units::time(seconds)));
    let summary = sentence(preset);
    response.widget_info(|| {
        let name = format!("Recipe {}: {summary} {time}", preset.name());
        WidgetInfo::selected(egui::Role::RadioButton, true, chosen, name.trim_end())
    });
    let painter = ui.painter().with_clip_rect(rect.expand(3.0).intersect(ui.clip_rect()));
    let lit = response.hovered() || response.has_focus();
    painter.rect_filled(rect, 5.0, if lit || chosen { palette.raised } else { palette.ground });
    if chosen || response.has_focus() {
        widgets::outline(&painter, rect, if chosen { 2.0 } else { 1.0 }, palette.accent);
    }
    let (inner, low) = (rect.shrink(9.0), size.y <= LOW[1]);
    let largest = CROP[usize::from(low)];
    let line = inner.top() + largest + 7.0;
    // The time stands beside the name, or where there is little room beside the crops.
    let corner = if low { inner.right_top() } else { pos2(inner.right(), line + 1.0) };
    let told = painter.text(corner, Align2::RIGHT_TOP, time, FontId::proportional(12.0), palette.text);
    let name = FontId::proportional(13.5);
    painter.text(pos2(inner.left(), line), Align2::LEFT_TOP, preset.name(), name, palette.text);
    let end = if low { told.left() - 4.0 } else { inner.right() };
    let mut left = inner.left();
    for (share, texture) in recipes.shown(ui.ctx(), preset) {
        let side = (largest * share).max(14.0);
        if left + side > end {
            break;
        }
        let square = Rect::from_min_size(pos2(left, inner.top() + largest - side), vec2(side, side));
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture.id(), square, uv, Color32::WHITE);
        left += side + 4.0;
    }
    if !low {
        let galley = painter.layout(summary, FontId::proportional(11.5), palette.weak, inner.width());
        painter.galley(pos2(inner.left(), line + 18.0), galley, palette.weak);
    }
    widgets::focus(ui, &response, rect);
    response.on_hover_text(preset.source()).clicked()
}

/// What a recipe is for, as a sentence.
fn sentence(preset: Preset) -> String {
    let summary = preset.summary();
    let mut letters = summary.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_stand_in_whole_rows() {
        let widths = [100.0, 370.0, 600.0, 1000.0, 1096.0, 3000.0];
        assert_eq!(widths.map(|width| across(width, CARD[0])), [1, 2, 3, 3, 6, 6]);
    }
}
