//! Multi-crop and the swap: the crops of chosen pictures, and how well each predicts the others' codes.
//!
//! A row a picture. On the left the picture with the boxes of its crops; then the crops; then, for each
//! assignment crop, the prototypes under its code: the bar is the code, which says what the others must
//! predict, and each mark is what one of the others does predict. Marks that reach the end of the bars are
//! what training is for.

mod likeness;
mod numbers;

use super::{Action, Context, Pane, Wants};
use crate::engine::digest::{Map, top};
use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{
    Align2, Color32, ColorImage, Label, Rect, RichText, ScrollArea, Sense, TextureOptions, Ui, pos2, vec2,
};
use swav_wgpu::train::preview::{Crops, View};

/// Prototypes shown under a code.
const TOP: usize = 4;
/// Side of the picture, points.
const PICTURE: f32 = 120.0;
/// Height of a row of the chart, points.
const LINE: f32 = 23.0;

pub(super) struct CropsPane;

impl Pane for CropsPane {
    fn id(&self) -> &'static str {
        "crops"
    }

    fn title(&self) -> &'static str {
        "Multi-crop and swap"
    }

    fn wants(&self) -> Wants {
        Wants { crops: true, sample: false }
    }

    fn show(&mut self, ui: &mut Ui, context: &mut Context<'_>) {
        let Some(shown) = context.state.shown.clone() else {
            let text = "The crops of a few pictures appear here, with the code of each large crop and what the other \
                        crops predict of it.";
            widgets::not_yet(ui, context.state.phase, "No crops yet", text);
            return;
        };
        header(ui, context, shown.step, shown.draw);
        let map = context.map();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for crops in shown.crops.iter() {
                picture_row(ui, context, crops, map.as_deref());
                ui.add_space(10.0);
            }
        });
    }
}

fn header(ui: &mut Ui, context: &mut Context<'_>, step: u64, draw: u64) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        let draw_new = ui.button("New crops").on_hover_text("Draw other crops of these pictures (N)");
        if draw_new.clicked() {
            context.look.draw += 1;
        }
        let other = ui.button("Other pictures").on_hover_text("Look at other pictures (O)");
        if other.clicked() {
            context.actions.push(Action::OtherPictures);
        }
        let text = format!("crops of epoch {}, network of step {step}", draw + 1);
        ui.label(RichText::new(text).color(palette.weak)).on_hover_text(
            "Which crops are drawn depends on the seed, the epoch and the picture: these are the ones that training \
             uses in that epoch. The network is looked at in evaluation mode.",
        );
        widgets::age(ui, context, 0);
    });
    ui.add_space(4.0);
}

fn picture_row(ui: &mut Ui, context: &mut Context<'_>, crops: &Crops, map: Option<&Map>) {
    let palette = Palette::of(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        ui.vertical(|ui| {
            show_boxes(ui, palette, crops);
            let names = context.thumbs.names();
            let text = RichText::new(names.short(crops.picture)).small().color(palette.weak);
            // A name as long as the picture is wide, so that it pushes nothing aside.
            ui.allocate_ui(vec2(PICTURE, 14.0), |ui| {
                ui.set_max_width(PICTURE);
                ui.add(Label::new(text).truncate()).on_hover_text(names.told(crops.picture));
            });
        });
        show_views(ui, palette, crops);
        let assigned: Vec<usize> =
            (0..crops.views.len()).filter(|&at| crops.views[at].code.is_some()).collect();
        let width = (ui.available_width() / assigned.len().max(1) as f32 - 12.0).clamp(100.0, 260.0);
        for at in assigned {
            ui.vertical(|ui| show_code(ui, context, crops, at, width, map));
        }
        if crops.views.iter().any(|view| view.likeness.is_some()) {
            ui.vertical(|ui| likeness::show(ui, palette, crops));
        }
    });
}

/// The picture with the boxes of its crops.
fn show_boxes(ui: &mut Ui, palette: Palette, crops: &Crops) {
    let (w, h) = (crops.image.width() as f32, crops.image.height() as f32);
    let scale = PICTURE / w.max(h);
    let (rect, response) = ui.allocate_exact_size(vec2(PICTURE, h * scale), Sense::hover());
    widgets::name(&response, format!("Picture {} with the boxes of its crops", crops.picture));
    let rect = Rect::from_min_size(rect.min, vec2(w * scale, h * scale));
    let key = format!("picture {}", crops.picture);
    paint_pixels(ui, &key, &crops.image, rect);
    let frame = |view: &View| {
        let region = view.params.region;
        let corner = rect.min + vec2(region.left as f32, region.top as f32) * scale;
        Rect::from_min_size(corner, vec2(region.width as f32, region.height as f32) * scale).shrink(1.0)
    };
    let frames: Vec<Rect> = crops.views.iter().map(frame).collect();
    for (at, view) in crops.views.iter().enumerate().rev() {
        let width = if view.code.is_some() { 2.0 } else { 1.0 };
        widgets::outline(ui.painter(), frames[at], width, color_of(palette, at));
    }
    // Above all frames, so that none crosses a number.
    for (at, label) in numbers::places(&frames).into_iter().enumerate() {
        ui.painter().rect_filled(label, 1.0, color_of(palette, at));
        let number = (at + 1).to_string();
        widgets::text_at(ui.painter(), label.center(), Align2::CENTER_CENTER, &number, 10.0, palette.ground);
    }
}

/// The crops as training sees them, large ones first.
fn show_views(ui: &mut Ui, palette: Palette, crops: &Crops) {
    let largest = crops.views.iter().map(|view| view.pixels.width()).max().unwrap_or(1);
    let side = |view: &View| if view.pixels.width() * 4 > largest * 3 { 57.0 } else { 36.0 };
    let columns = if crops.views.len() > 4 { 3 } else { 1 };
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 8.0);
        let numbered: Vec<(usize, &View)> = crops.views.iter().enumerate().collect();
        for row in numbered.chunks(columns) {
            ui.horizontal_top(|ui| {
                for (at, view) in row {
                    let (rect, response) =
                        ui.allocate_exact_size(vec2(side(view), side(view)), Sense::hover());
                    let key = format!("view {} {at}", crops.picture);
                    paint_pixels(ui, &key, &view.pixels, rect);
                    widgets::outline(ui.painter(), rect, 1.5, color_of(palette, *at));
                    widgets::name(&response, describe(*at, view));
                    response.on_hover_text(describe(*at, view));
                }
            });
        }
    });
}

/// What was drawn for a crop, in words.
fn describe(at: usize, view: &View) -> String {
    let size = view.pixels.width();
    let mut text = format!("Crop {}: {size}×{size} pixels", at + 1);
    if view.params.flip {
        text += ", mirrored";
    }
    if view.params.jitter.is_some() {
        text += ", colours changed";
    }
    if view.params.grey {
        text += ", grey";
    }
    if let Some(sigma) = view.params.blur {
        text += &format!(", blurred by {sigma:.1} pixels");
    }
    text
}

/// The code of one crop, and what the others predict of it.
fn show_code(
    ui: &mut Ui,
    context: &mut Context<'_>,
    crops: &Crops,
    at: usize,
    width: f32,
    map: Option<&Map>,
) {
    let palette = Palette::of(ui);
    let Some(code) = &crops.views[at].code else { return };
    let others: Vec<usize> = (0..crops.views.len()).filter(|&other| other != at).collect();
    let (rect, response) =
        ui.allocate_exact_size(vec2(width, 18.0 + TOP as f32 * LINE + 16.0), Sense::hover());
    let painter = ui.painter().clone();
    let color = color_of(palette, at);
    let title = format!("code of crop {}", at + 1);
    widgets::name(&response, format!("{title}, and what the other crops predict of it"));
    widgets::text_at(&painter, rect.min, Align2::LEFT_TOP, &title, 12.0, color);
    let best = top(code, TOP);
    let scale = 1.0 / best.first().map_or(1.0, |best| best.1).max(0.02);
    for (line, &(prototype, share)) in best.iter().enumerate() {
        let y = rect.top() + 18.0 + line as f32 * LINE;
        let tile = Rect::from_min_size(pos2(rect.left(), y), vec2(LINE - 3.0, LINE - 3.0));
        match map.and_then(|map| map.prototypes.get(prototype as usize)?.nearest.first()) {
            Some((nearest, _)) => context.thumbs.paint(&painter, tile, *nearest, palette.raised),
            None => {
                painter.rect_filled(tile, 2.0, palette.raised);
            }
        }
        let number = format!("#{prototype}");
        let mid = tile.center().y;
        widgets::text_at(
            &painter,
            pos2(tile.right() + 5.0, mid),
            Align2::LEFT_CENTER,
            &number,
            11.0,
            palette.weak,
        );
        let bars =
            Rect::from_min_max(pos2(tile.right() + 38.0, mid - 5.0), pos2(rect.right() - 34.0, mid + 5.0));
        widgets::bar(&painter, bars, share * scale, color.gamma_multiply(0.55), palette.raised);
        for &other in &others {
            let predicted = crops.views[other].prediction.get(prototype as usize).copied().unwrap_or(0.0);
            let x = bars.left() + bars.width() * (predicted * scale).clamp(0.0, 1.0);
            let mark = Rect::from_center_size(pos2(x, mid), vec2(3.0, 15.0));
            painter.rect_filled(mark, 1.0, color_of(palette, other));
        }
        let percent = format!("{:.0} %", 100.0 * share);
        widgets::text_at(
            &painter,
            pos2(rect.right(), mid),
            Align2::RIGHT_CENTER,
            &percent,
            11.0,
            palette.weak,
        );
    }
    let text = format!("loss of the others {:.2}", swapped_loss(code, &others, crops));
    widgets::text_at(&painter, rect.left_bottom(), Align2::LEFT_BOTTOM, &text, 11.0, palette.weak);
    response.on_hover_text(format!(
        "Bars: the code of crop {}, its balanced share of its first prototypes, the largest drawn in full. Marks: what \
         each other crop predicts, in its own colour. The loss is the mean cross-entropy between them, in nats; ln K = {:.2} says nothing.",
        at + 1,
        (code.len().max(1) as f64).ln()
    ));
}

/// Mean cross-entropy of the others' predictions with a code, in nats.
fn swapped_loss(code: &[f32], others: &[usize], crops: &Crops) -> f64 {
    let entropy = |prediction: &[f32]| -> f64 {
        code.iter().zip(prediction).map(|(q, p)| -f64::from(*q) * f64::from(p.max(1e-30)).ln()).sum()
    };
    let sum: f64 = others.iter().map(|&other| entropy(&crops.views[other].prediction)).sum();
    sum / others.len().max(1) as f64
}

fn color_of(palette: Palette, view: usize) -> Color32 {
    palette.series[view % palette.series.len()]
}

/// Draws pixels, uploading them only where they changed.
fn paint_pixels(ui: &Ui, key: &str, pixels: &image::RgbImage, rect: Rect) {
    let size = [pixels.width() as usize, pixels.height() as usize];
    // Large pictures are shown small: every n-th pixel is enough.
    let step = size[0].max(size[1]).div_ceil(512).max(1);
    let print = fingerprint(pixels);
    let id = eframe::egui::Id::unique(("pixels", key));
    let known: Option<(u64, eframe::egui::TextureHandle)> = ui.data(|data| data.get_temp(id));
    let texture = match known {
        Some((of, texture)) if of == print => texture,
        _ => {
            let image = if step == 1 {
                ColorImage::from_rgb(size, pixels.as_raw())
            } else {
                let small = size.map(|side| side.div_ceil(step));
                let pixel = |i: usize| {
                    let at = pixels.get_pixel((i % small[0] * step) as u32, (i / small[0] * step) as u32);
                    Color32::from_rgb(at[0], at[1], at[2])
                };
                ColorImage::new(small, (0..small[0] * small[1]).map(pixel).collect())
            };
            let texture = ui.ctx().load_texture(key, image, TextureOptions::LINEAR);
            ui.data_mut(|data| data.insert_temp(id, (print, texture.clone())));
            texture
        }
    };
    let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture.id(), rect, uv, Color32::WHITE);
}

/// Enough of a picture to notice that it is another one.
fn fingerprint(pixels: &image::RgbImage) -> u64 {
    let bytes = pixels.as_raw();
    let step = (bytes.len() / 257).max(1);
    let start = u64::from(pixels.width()) << 32 | u64::from(pixels.height());
    bytes
        .iter()
        .step_by(step)
        .fold(start, |print, &byte| (print ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_the_cross_entropy_of_the_others() {
        let mut crops = crate::samples::crops(&[40]).remove(0);
        crops.views[1].prediction = vec![0.25, 0.75];
        let code = [1.0, 0.0];
        assert!((swapped_loss(&code, &[1], &crops) - 4f64.ln()).abs() < 1e-6);
        assert_eq!(swapped_loss(&code, &[], &crops), 0.0);
        assert_ne!(fingerprint(&crops.image), fingerprint(&crops.views[0].pixels));
        assert!(describe(1, &crops.views[1]).contains("32×32 pixels, mirrored"));
    }
}
