//! One prototype: its pictures by likeness, what they are, its neighbours, its past.

use super::Context;
use crate::engine::digest::{Map, Tile};
use crate::theme::Palette;
use crate::widgets::{self, figure};
use eframe::egui::{Align2, Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};
use std::collections::BTreeMap;

const SIDE: f32 = 58.0;

/// Draws prototype `k`; a way back to all of them included.
pub(super) fn show(ui: &mut Ui, context: &mut Context<'_>, map: &Map, k: u32) {
    let palette = Palette::of(ui);
    let tile = &map.prototypes[k as usize];
    ui.horizontal_wrapped(|ui| {
        if ui.button("All prototypes").on_hover_text("Back (Esc)").clicked() {
            context.look.prototype = None;
        }
        ui.label(RichText::new(format!("Prototype {k}")).strong());
        super::look_alikes(ui, context);
        if tile.count == 0 {
            widgets::chip(ui, palette.warning, "dead");
        } else if tile.twin {
            widgets::chip(ui, palette.warning, "doubled");
        }
    });
    ui.horizontal_wrapped(|ui| {
        let fair = tile.share * map.prototypes.len() as f64;
        figure(
            ui,
            "crops",
            &tile.count.to_string(),
            "How many of the last 10 K crops it was the best one of",
        );
        figure(
            ui,
            "fair share ×",
            &format!("{fair:.2}"),
            "Its share of them, where 1 is what balanced codes aim at",
        );
        figure(
            ui,
            "pictures",
            &tile.members.to_string(),
            "Pictures of the sample that it is the best one of",
        );
        let entropy = label_entropy(context, map, k);
        if let Some(entropy) = entropy {
            let help = "Entropy of the labels of its pictures in nats: 0 means that all have the same label";
            figure(ui, "label entropy", &format!("{entropy:.2}"), help);
        }
    });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        heading(
            ui,
            match tile.members {
                0 => "Nearest pictures, all of which are nearer to another prototype",
                _ => "Nearest pictures",
            },
        );
        pictures(ui, context, tile);
        heading(ui, "Labels of its pictures");
        labels(ui, context, map, k);
        heading(ui, "Nearest prototypes");
        neighbours(ui, context, map, tile);
        heading(ui, "Share of crops so far");
        past(ui, context, k);
    });
}

fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(text).color(Palette::of(ui).weak));
}

fn pictures(ui: &mut Ui, context: &mut Context<'_>, tile: &Tile) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
        for &(picture, cosine) in &tile.nearest {
            let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE + 13.0), Sense::click());
            widgets::name(&response, context.thumbs.names().told(picture));
            let square = Rect::from_min_size(rect.min, vec2(SIDE, SIDE));
            context.thumbs.paint(ui.painter(), square, picture, palette.raised);
            let text = format!("{cosine:.2}");
            widgets::text_at(
                ui.painter(),
                rect.center_bottom(),
                Align2::CENTER_BOTTOM,
                &text,
                10.5,
                palette.weak,
            );
            if context.look.marked.contains(&picture) {
                widgets::outline(ui.painter(), square, 2.0, palette.accent);
            }
            widgets::focus(ui, &response, square);
            if response.clicked() {
                context.look.mark([picture]);
            }
            response.context_menu(|ui| {
                if ui.button("Find look-alikes").clicked() {
                    context.actions.push(super::Action::LookAlikes(picture));
                    ui.close();
                }
            });
            let name = context.thumbs.names().told(picture);
            response.on_hover_text(format!(
                "{name}\ncosine {cosine:.3}. Click to mark it in the embedding; right click for look-alikes."
            ));
        }
    });
}

/// How often each label occurs among the pictures that a prototype is the best one of, the most common first.
fn label_mix(context: &Context<'_>, map: &Map, k: u32) -> Vec<(u32, u32)> {
    let mut counts = BTreeMap::new();
    for (&picture, _) in map.pictures.iter().zip(&map.best).filter(|(_, best)| **best == k) {
        if let Some(label) = context.thumbs.names().label(picture) {
            *counts.entry(label).or_insert(0u32) += 1;
        }
    }
    let mut mix: Vec<(u32, u32)> = counts.into_iter().collect();
    mix.sort_by_key(|&(label, count)| (std::cmp::Reverse(count), label));
    mix
}

fn label_entropy(context: &Context<'_>, map: &Map, k: u32) -> Option<f64> {
    let mix = label_mix(context, map, k);
    let total: u32 = mix.iter().map(|(_, count)| count).sum();
    let term = |&(_, count): &(u32, u32)| {
        let share = f64::from(count) / f64::from(total);
        -share * share.ln()
    };
    (total > 0).then(|| mix.iter().map(term).sum::<f64>().max(0.0))
}

fn labels(ui: &mut Ui, context: &mut Context<'_>, map: &Map, k: u32) {
    let palette = Palette::of(ui);
    let mix = label_mix(context, map, k);
    if mix.is_empty() {
        ui.label("None is known: the pictures have no labels, or none of the sample lies here.");
        return;
    }
    let total: u32 = mix.iter().map(|(_, count)| count).sum();
    for (label, count) in mix.into_iter().take(6) {
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width().min(320.0), 17.0), Sense::hover());
        let name = context.thumbs.names().classes.get(label as usize).cloned().unwrap_or_default();
        widgets::name(&response, format!("{name}: {count} of {total}"));
        let (left, mid) = (rect.left(), rect.center().y);
        widgets::text_at(ui.painter(), pos2(left, mid), Align2::LEFT_CENTER, &name, 12.0, palette.text);
        let track = Rect::from_min_max(pos2(left + 130.0, mid - 3.0), pos2(rect.right() - 40.0, mid + 3.0));
        widgets::bar(ui.painter(), track, count as f32 / total as f32, palette.accent, palette.raised);
        let right = pos2(rect.right(), mid);
        widgets::text_at(ui.painter(), right, Align2::RIGHT_CENTER, &count.to_string(), 12.0, palette.weak);
    }
}

fn neighbours(ui: &mut Ui, context: &mut Context<'_>, map: &Map, tile: &Tile) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        for &(other, cosine) in &tile.neighbours {
            let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE + 13.0), Sense::click());
            let square = Rect::from_min_size(rect.min, vec2(SIDE, SIDE));
            if let Some((picture, _)) = map.prototypes[other as usize].nearest.first() {
                context.thumbs.paint(ui.painter(), square, *picture, palette.raised);
            }
            widgets::name(&response, format!("Prototype {other}, cosine {cosine:.2}"));
            let text = format!("{other}: {cosine:.2}");
            widgets::text_at(
                ui.painter(),
                rect.center_bottom(),
                Align2::CENTER_BOTTOM,
                &text,
                10.5,
                palette.weak,
            );
            widgets::focus(ui, &response, square);
            if response.clicked() {
                context.look.prototype = Some(other);
            }
            response.on_hover_text(format!("Prototype {other}, cosine {cosine:.3}. Click to open it."));
        }
    });
}

fn past(ui: &mut Ui, context: &Context<'_>, k: u32) {
    let share = |look: &std::sync::Arc<Map>| look.prototypes.get(k as usize).map_or(0.0, |tile| tile.share);
    let values: Vec<f64> = context.state.looks.iter().map(share).collect();
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width().min(320.0), 40.0), Sense::hover());
    let palette = Palette::of(ui);
    widgets::name(&response, "Its share of the last crops over the looks at this run");
    ui.painter().rect_filled(rect, 3.0, palette.ground);
    widgets::sparkline(ui.painter(), rect.shrink(4.0), &values, palette.accent);
    response.on_hover_text("Its share of the last crops, from the first look at the run to the newest");
}
