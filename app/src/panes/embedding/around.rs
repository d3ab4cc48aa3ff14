//! What stands around the points of the embedding: how many they are, the look back, the legend, and what
//! hover shows.

use super::points::{badness, nearest};
use super::{Colour, Context};
use crate::engine::digest::Map;
use crate::theme::Palette;
use crate::{units, widgets};
use eframe::egui::{self, Align2, ComboBox, Painter, Pos2, Rect, RichText, Sense, Stroke, Ui, Vec2, vec2};

/// How many pictures can be looked at.
const SAMPLES: [usize; 5] = [512, 2048, 8192, 32_768, 100_000];

/// How many pictures are looked at.
pub(super) fn how_many(ui: &mut Ui, context: &mut Context<'_>, map: &Map) {
    let there = context.thumbs.names().pretrain.len();
    let count = units::count(map.pictures.len() as u64);
    let explained = 100.0 * map.explained.iter().sum::<f64>();
    let help = format!(
        "Features at unit length. The two directions of PCA hold {explained:.0} % of their variance. The more \
         pictures, the rarer the looks: they take a hundredth of the time of a run.\n\nDrag to move, \
         scroll to zoom, drag with shift to mark with a lasso, click to mark one."
    );
    if map.still {
        ui.label(RichText::new(format!("all {count} pictures")).color(Palette::of(ui).weak))
            .on_hover_text(help);
        return;
    }
    ComboBox::from_id_salt("pictures")
        .width(112.0)
        .selected_text(format!("{count} pictures"))
        .show_ui(ui, |ui| {
            let sizes = SAMPLES.iter().enumerate().filter(|(at, _)| *at == 0 || SAMPLES[at - 1] < there);
            for (_, &size) in sizes {
                let name = if size >= there { "all".to_owned() } else { units::count(size as u64) };
                ui.selectable_value(&mut context.look.sample, Some(size), name);
            }
        })
        .response
        .on_hover_text(help);
}

/// A slider over the looks that were kept.
pub(super) fn look_back(ui: &mut Ui, context: &mut Context<'_>) {
    let looks = &context.state.looks;
    if looks.len() < 2 {
        return;
    }
    let palette = Palette::of(ui);
    let label = ui.label(RichText::new("look back").color(palette.weak));
    let newest = looks.len() - 1;
    let mut at = context.look.back.unwrap_or(newest).min(newest);
    ui.spacing_mut().slider_width = (ui.available_width() - 110.0).clamp(60.0, 420.0);
    let slider = egui::Slider::new(&mut at, 0..=newest).show_value(false);
    let moved = ui
        .add(slider)
        .labelled_by(label.id)
        .on_hover_text("Earlier looks at the embedding and the prototypes of this run");
    widgets::focus(ui, &moved, moved.rect);
    if moved.changed() {
        context.look.back = (at < newest).then_some(at);
    }
    ui.label(RichText::new(format!("step {}", units::count(looks[at].step))).monospace());
}

/// What stands in the place of a look that is not there yet.
pub(super) fn working(ui: &mut Ui, context: &Context<'_>, rect: Rect) {
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect), |ui| {
        let share = 100.0 * context.state.unfolding.unwrap_or(0.0);
        widgets::empty(
            ui,
            &format!("Unfolding, {share:.0} %"),
            "It takes some seconds; PCA shows the plane meanwhile.",
        );
    });
}

/// What the colours mean, in the corner: as many classes as there is room for, or the losses.
pub(super) fn legend(
    painter: &Painter,
    colour: Colour,
    context: &Context<'_>,
    losses: (f32, f32),
    rect: Rect,
    palette: Palette,
) {
    let (low, high) = losses;
    let mut rows: Vec<(egui::Color32, String)> = match colour {
        Colour::Prototype => Vec::new(),
        Colour::Label => {
            let classes = context.thumbs.names().classes.iter().enumerate();
            classes.map(|(at, name)| (palette.numbered(at as u32), name.clone())).collect()
        }
        Colour::Loss => [(0.0, "loss "), (0.5, ""), (1.0, "")]
            .map(|(share, lead)| {
                (badness(palette, share), format!("{lead}{:.2}", low + share * (high - low)))
            })
            .to_vec(),
    };
    let line = 14.0;
    let room = ((rect.height() - 30.0) / line).max(0.0) as usize;
    if rows.is_empty() || room < 3 {
        return;
    }
    if rows.len() > room {
        let more = rows.len() - (room - 1);
        rows.truncate(room - 1);
        rows.push((palette.weak, format!("and {more} more")));
    }
    let longest = rows.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(0).min(24);
    let size = vec2(26.0 + 6.2 * longest as f32, rows.len() as f32 * line + 10.0);
    let card = Rect::from_min_size(rect.left_top() + vec2(6.0, 6.0), size);
    painter.rect_filled(card, 4.0, palette.panel.gamma_multiply(0.85));
    let painter = painter.with_clip_rect(card.intersect(painter.clip_rect()));
    for (row, (color, name)) in rows.into_iter().enumerate() {
        let at = card.left_top() + vec2(10.0, 12.0 + row as f32 * line);
        painter.circle_filled(at, 3.5, color);
        widgets::text_at(&painter, at + vec2(8.0, 0.0), Align2::LEFT_CENTER, &name, 11.0, palette.text);
    }
}

/// The picture under the pointer, beside it.
pub(super) fn hover(
    ui: &Ui,
    context: &mut Context<'_>,
    map: &Map,
    response: &egui::Response,
    places: &[Pos2],
) {
    let Some(at) = response.hover_pos().and_then(|pointer| nearest(places, pointer)) else { return };
    let palette = Palette::of(ui);
    let picture = map.pictures[at];
    ui.painter().circle_stroke(places[at], 6.0, Stroke::new(1.5, palette.text));
    response.clone().on_hover_ui_at_pointer(|ui| {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(112.0), Sense::hover());
        context.thumbs.paint(ui.painter(), rect, picture, palette.raised);
        let names = context.thumbs.names();
        ui.set_max_width(220.0);
        ui.add(egui::Label::new(names.told(picture)).wrap());
        if let Some(class) = names.class(picture) {
            ui.label(RichText::new(format!("class {class}")).small());
        }
        let loss = if map.still { String::new() } else { format!(", loss {:.2}", map.loss[at]) };
        let near = format!("prototype {}, cosine {:.2}{loss}", map.best[at], map.cosine[at]);
        ui.label(RichText::new(near).small().color(palette.weak));
    });
}
