//! Recipes as cards: what each makes of a picture, what it is for, and how long it takes here.

use crate::form::Form;
use crate::recipes::Recipes;
use crate::theme::Palette;
use crate::{units, widgets};
use eframe::egui::{self, Align2, Color32, FontId, Rect, Sense, Ui, WidgetInfo, pos2, vec2};
use swav_wgpu::config::Preset;

/// The least width of a card and its height, points.
const CARD: [f32; 2] = [176.0, 118.0];
const GAP: f32 = 8.0;
/// The side of the largest crop, points.
const CROP: f32 = 38.0;

/// Draws all of them; a click chooses one. `seconds` is what the chosen one takes with all that was changed of it.
pub(super) fn show(ui: &mut Ui, form: &mut Form, recipes: &mut Recipes, seconds: Option<f64>) {
    let width = ui.available_width();
    let across = ((width + GAP) / (CARD[0] + GAP)).floor().clamp(1.0, 3.0);
    let size = vec2((width - GAP * (across - 1.0)) / across, CARD[1]);
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
    ui.add_space(GAP - 2.0);
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
    let inner = rect.shrink(9.0);
    let mut left = inner.left();
    for (share, texture) in recipes.shown(ui.ctx(), preset) {
        let side = (CROP * share).max(14.0);
        if left + side > inner.right() {
            break;
        }
        let square = Rect::from_min_size(pos2(left, inner.top() + CROP - side), vec2(side, side));
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture.id(), square, uv, Color32::WHITE);
        left += side + 4.0;
    }
    let line = inner.top() + CROP + 7.0;
    painter.text(
        pos2(inner.left(), line),
        Align2::LEFT_TOP,
        preset.name(),
        FontId::proportional(13.5),
        palette.text,
    );
    painter.text(
        pos2(inner.right(), line + 1.0),
        Align2::RIGHT_TOP,
        time,
        FontId::proportional(12.0),
        palette.text,
    );
    let galley = painter.layout(summary, FontId::proportional(11.5), palette.weak, inner.width());
    painter.galley(pos2(inner.left(), line + 18.0), galley, palette.weak);
    response.on_hover_text(preset.source()).clicked()
}

/// What a recipe is for, as a sentence.
fn sentence(preset: Preset) -> String {
    let summary = preset.summary();
    let mut letters = summary.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
