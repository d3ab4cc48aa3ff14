//! The tab that finds look-alikes: of a picture of the set, or of any file.

use super::group::tile;
use super::task::{Choice, Query};
use super::{Tab, Uses, Want};
use crate::dialogs::{Ask, For};
use crate::theme::Palette;
use crate::{recent, widgets};
use eframe::egui::{self, Frame, Margin, Panel, Rect, RichText, Sense, TextureOptions, Ui, pos2, vec2};

/// Side of a picture, points.
const SIDE: f32 = 92.0;
const GAP: f32 = 8.0;
/// Width of the picture that look-alikes are of.
const WIDTH: f32 = 236.0;
/// What files a picture may be.
const ENDINGS: &[&str] =
    &["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "qoi", "pnm", "ppm", "pgm"];

impl Uses {
    pub(super) fn alike(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let frame = Frame::new().fill(Palette::of(ui).panel).corner_radius(5).inner_margin(Margin::same(10));
        Panel::left("query").frame(frame).exact_size(WIDTH + 20.0).resizable(false).show(ui, |ui| {
            ui.set_width(WIDTH);
            self.query(ui, wants);
        });
        let frame = Frame::new().inner_margin(Margin { left: 12, ..Margin::ZERO });
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            let shown: Vec<(u32, Option<f32>)> = match (&self.found, &self.seen) {
                (Some(found), _) => {
                    found.near.iter().map(|&(picture, cosine)| (picture, Some(cosine))).collect()
                }
                (None, Some(seen)) => seen.pictures.iter().map(|&picture| (picture, None)).collect(),
                _ => Vec::new(),
            };
            let height = if self.found.is_some() { SIDE + 15.0 } else { SIDE };
            widgets::grid(ui, shown.len(), vec2(SIDE, height), GAP, |ui, at| {
                let (picture, cosine) = shown[at];
                self.candidate(ui, picture, cosine);
            });
        });
    }

    fn candidate(&mut self, ui: &mut Ui, picture: u32, cosine: Option<f32>) {
        // What is asked for has a distance of zero to itself, up to rounding.
        let distance = cosine.map(|cosine| format!("{:.3}", (1.0 - cosine).max(0.0)));
        let own = self.found.as_ref().is_some_and(|found| found.query == Query::Picture(picture));
        let response = tile(ui, &mut self.thumbs, picture, SIDE, distance.as_deref(), own);
        if response.clicked() {
            self.find(Query::Picture(picture));
        }
    }

    /// The picture that look-alikes are of, and what can be done.
    fn query(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let palette = Palette::of(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, WIDTH), Sense::hover());
        widgets::name(&response, "The picture that look-alikes are of");
        ui.painter().rect_filled(rect, 4.0, palette.ground);
        match &mut self.found {
            Some(found) => {
                let texture = found.texture.get_or_insert_with(|| {
                    ui.ctx().load_texture("query", found.image.clone(), TextureOptions::LINEAR)
                });
                let size = texture.size_vec2();
                let scale = (WIDTH / size.x).min(WIDTH / size.y);
                let place = Rect::from_center_size(rect.center(), size * scale);
                let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                ui.painter().image(texture.id(), place, uv, egui::Color32::WHITE);
            }
            None => {
                let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(rect));
                widgets::empty(&mut inner, "Look-alikes of what?", "Click a picture, or drop one here.");
            }
        }
        if let Some(found) = &self.found {
            let name = match &found.query {
                Query::Picture(picture) => self.thumbs.names().told(*picture),
                Query::File(path) => recent::name(path),
            };
            ui.add(egui::Label::new(name).wrap());
        }
        ui.add_space(4.0);
        if ui.button("Choose a picture…").clicked() {
            wants.push(Want::Ask(Ask::File("A picture", ENDINGS), For::Query));
        }
        let Some(found) = &self.found else { return };
        let near: Vec<u32> = found.near.iter().map(|(picture, _)| *picture).collect();
        if ui
            .button("Mark them in the plot")
            .on_hover_text("Shows where they lie among all pictures")
            .clicked()
        {
            self.look.mark(near);
            self.tab = Tab::Explore;
        }
        if ui.button("Show all pictures").clicked() {
            self.found = None;
        }
        ui.add_space(6.0);
        let text = "Below each picture stands its distance: 1 less the cosine between the features, so 0 is the same \
                    and 1 has nothing in common.";
        ui.label(RichText::new(text).small().color(palette.weak));
        if matches!(self.choice, Choice::At(_))
            && self.about.as_ref().is_some_and(|about| about.trained_on.is_some())
        {
            ui.label(RichText::new("The network was trained on other pictures.").small().color(palette.weak));
        }
    }
}
