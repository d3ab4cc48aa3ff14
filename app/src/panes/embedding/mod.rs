//! The features of many pictures on a plane, drawn as one mesh: by PCA live, by t-SNE on demand. Hover shows a
//! picture, the lasso marks many; the grid beside shows the marked ones, and marking in it marks the plot.

mod around;
mod grid;
mod points;

use super::{Action, Context, Pane, Wants};
use crate::engine::digest::Map;
use crate::engine::unfold;
use crate::theme::Palette;
use crate::{units, widgets};
use around::{hover, how_many, legend, look_back, working};
use eframe::egui::{self, Pos2, Rect, RichText, Sense, Shape, Stroke, TextureHandle, Ui, pos2, vec2};
use points::{Drawn, Frame, Key, nearest, within};
use std::sync::Arc;

/// What the colours say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Colour {
    #[default]
    Prototype,
    Label,
    Loss,
}

pub(super) struct EmbeddingPane {
    colour: Colour,
    /// Whether the unfolded look is shown.
    unfolded: bool,
    /// The centre and how many times more is seen than all, on the plane.
    centre: [f32; 2],
    zoom: f32,
    lasso: Vec<Pos2>,
    fitted: Option<(Arc<Map>, Rect, Frame)>,
    drawn: Option<Drawn>,
    dot: Option<TextureHandle>,
}

impl Default for EmbeddingPane {
    fn default() -> Self {
        Self {
            colour: Colour::default(),
            unfolded: false,
            centre: [0.0; 2],
            zoom: 1.0,
            lasso: Vec::new(),
            fitted: None,
            drawn: None,
            dot: None,
        }
    }
}

impl Pane for EmbeddingPane {
    fn id(&self) -> &'static str {
        "embedding"
    }

    fn title(&self) -> &'static str {
        "Embedding"
    }

    fn wants(&self) -> Wants {
        Wants { crops: false, sample: true }
    }

    fn show(&mut self, ui: &mut Ui, context: &mut Context<'_>) {
        let Some(map) = context.map() else {
            let text = "The features of many pictures appear here as points; near ones look alike.";
            widgets::not_yet(ui, context.state.phase, "No features yet", text);
            return;
        };
        self.header(ui, context, &map);
        let shown = if self.unfolded { self.unfolding(ui, context) } else { Some(map) };
        let grid = if context.look.marked.is_empty() { 0.0 } else { grid::WIDTH };
        let all = ui.available_rect_before_wrap();
        let plot = Rect::from_min_max(all.min, pos2(all.right() - grid, all.bottom()));
        match shown {
            Some(map) => self.plot(ui, context, &map, plot),
            None => working(ui, context, plot),
        }
        if grid > 0.0 {
            let beside = Rect::from_min_max(pos2(plot.right() + 8.0, all.top()), all.max);
            ui.scope_builder(egui::UiBuilder::new().max_rect(beside), |ui| grid::show(ui, context));
        }
    }
}

impl EmbeddingPane {
    fn header(&mut self, ui: &mut Ui, context: &mut Context<'_>, map: &Map) {
        let palette = Palette::of(ui);
        ui.horizontal_wrapped(|ui| {
            let help = "The two directions in which the features spread most, live";
            ui.selectable_value(&mut self.unfolded, false, "PCA").on_hover_text(help);
            let text = format!(
                "Neighbours stay neighbours, distances between groups mean little. Worked out once for up to {} \
                 pictures, in some seconds; training goes on meanwhile, a little slower.",
                units::count(unfold::MOST as u64)
            );
            ui.selectable_value(&mut self.unfolded, true, "t-SNE").on_hover_text(text);
            ui.separator();
            ui.label(RichText::new("colour").color(palette.weak));
            ui.selectable_value(&mut self.colour, Colour::Prototype, "prototype")
                .on_hover_text("The prototype that is nearest to the picture");
            if !context.thumbs.names().classes.is_empty() {
                ui.selectable_value(&mut self.colour, Colour::Label, "label")
                    .on_hover_text("The class of the picture, which training never sees");
            }
            if !map.still {
                ui.selectable_value(&mut self.colour, Colour::Loss, "loss")
                    .on_hover_text("How badly the picture predicts its own balanced code");
            }
            ui.separator();
            if ui.button("Fit").on_hover_text("Show all points (double click)").clicked() {
                (self.centre, self.zoom) = ([0.0; 2], 1.0);
            }
            if !context.look.marked.is_empty()
                && ui.button("Unmark").on_hover_text("Mark no picture (Esc)").clicked()
            {
                context.look.mark([]);
            }
        });
        ui.horizontal(|ui| {
            how_many(ui, context, map);
            widgets::age(ui, context, 1);
            look_back(ui, context);
        });
    }

    /// The unfolded look; asks for it where there is none yet.
    fn unfolding(&mut self, ui: &mut Ui, context: &mut Context<'_>) -> Option<Arc<Map>> {
        let state = context.state;
        let newest = state.folded.as_ref()?.map.step;
        let found = state.unfolded.clone();
        if state.unfolding.is_none() && found.is_none() {
            context.actions.push(Action::Unfold);
        }
        let found = found?;
        ui.horizontal(|ui| {
            let weak = Palette::of(ui).weak;
            let pictures = units::count(found.pictures.len() as u64);
            let text = format!("{pictures} pictures at step {}", units::count(found.step));
            ui.label(RichText::new(text).color(weak));
            if let Some(share) = state.unfolding {
                ui.label(
                    RichText::new(format!("working on a newer one, {:.0} %", 100.0 * share)).color(weak),
                );
            } else if newest > found.step
                && ui.button("Again").on_hover_text("Unfold the network as it is now").clicked()
            {
                context.actions.push(Action::Unfold);
            }
        });
        Some(found)
    }

    fn plot(&mut self, ui: &mut Ui, context: &mut Context<'_>, map: &Arc<Map>, rect: Rect) {
        let palette = Palette::of(ui);
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        widgets::name(
            &response,
            format!("{} pictures on a plane; drag with Shift to mark some", map.pictures.len()),
        );
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 4.0, palette.ground);
        let frame = self.frame(map, rect);
        self.navigate(ui, &response, rect, frame.unit);
        let drawn = self.drawn(ui, context, map, rect, frame);
        painter.add(Shape::Mesh(Arc::clone(&drawn.mesh)));
        self.mark(ui, context, map, &response, &drawn.places);
        if self.lasso.len() > 1 {
            painter.line(self.lasso.clone(), Stroke::new(1.5, palette.accent));
        }
        if self.lasso.is_empty() {
            hover(ui, context, map, &response, &drawn.places);
        }
        legend(&painter, self.colour, context, drawn.losses, rect, palette);
        widgets::focus(ui, &response, rect);
        self.drawn = Some(drawn);
    }

    fn frame(&mut self, map: &Arc<Map>, rect: Rect) -> Frame {
        match &self.fitted {
            Some((of, at, frame)) if Arc::ptr_eq(of, map) && *at == rect => *frame,
            _ => {
                let frame = Frame::around(&map.points, rect);
                self.fitted = Some((Arc::clone(map), rect, frame));
                frame
            }
        }
    }

    /// Drag, scroll and double click.
    fn navigate(&mut self, ui: &Ui, response: &egui::Response, rect: Rect, unit: f32) {
        let unit = unit * self.zoom;
        let lasso = ui.input(|input| input.modifiers.shift) || !self.lasso.is_empty();
        if response.dragged() && !lasso {
            let by = response.drag_delta() / unit;
            self.centre = [self.centre[0] - by.x, self.centre[1] + by.y];
        }
        if let Some(pointer) = response.hover_pos() {
            let factor = ui.input(|input| input.zoom_delta() * (input.smooth_scroll_delta.y / 200.0).exp());
            let from = (pointer - rect.center()) / unit;
            let zoom = (self.zoom * factor).clamp(0.5, 200.0);
            // What is under the pointer stays there.
            let to = from * (self.zoom / zoom);
            self.centre = [self.centre[0] + from.x - to.x, self.centre[1] - from.y + to.y];
            self.zoom = zoom;
        }
        if response.double_clicked() {
            (self.centre, self.zoom) = ([0.0; 2], 1.0);
        }
    }

    fn place(&self, rect: Rect, frame: Frame) -> impl Fn([f32; 2]) -> Pos2 + use<> {
        let unit = frame.unit * self.zoom;
        let centre = [self.centre[0] + frame.middle[0], self.centre[1] + frame.middle[1]];
        let middle = rect.center();
        move |[x, y]| middle + vec2(x - centre[0], centre[1] - y) * unit
    }

    /// The points as they lie now: those of the last frame where nothing changed.
    fn drawn(&mut self, ui: &Ui, context: &Context<'_>, map: &Arc<Map>, rect: Rect, frame: Frame) -> Drawn {
        let names = context.thumbs.names();
        let key = Key {
            colour: self.colour,
            rect,
            view: [self.centre[0], self.centre[1], self.zoom],
            dark: ui.visuals().dark_mode,
            marked: Arc::clone(&context.look.marked),
            classes: names.classes.len(),
        };
        if let Some(drawn) = self.drawn.take().filter(|drawn| drawn.is_of(map, &key)) {
            return drawn;
        }
        let dot = self.dot.get_or_insert_with(|| points::dot(ui.ctx())).id();
        Drawn::new(map, key, dot, Palette::of(ui), names, self.place(rect, frame))
    }

    /// A click marks one, the lasso many.
    fn mark(
        &mut self,
        ui: &Ui,
        context: &mut Context<'_>,
        map: &Map,
        response: &egui::Response,
        places: &[Pos2],
    ) {
        let (shift, pointer) = (ui.input(|input| input.modifiers.shift), response.interact_pointer_pos());
        if response.dragged() && (shift || !self.lasso.is_empty()) {
            self.lasso.extend(pointer);
        } else if !self.lasso.is_empty() {
            let outline = std::mem::take(&mut self.lasso);
            let inside = places.iter().zip(&map.pictures).filter(|(place, _)| within(&outline, **place));
            context.look.mark(inside.map(|(_, &picture)| picture));
        }
        if response.clicked()
            && let Some(at) = pointer.and_then(|pointer| nearest(places, pointer))
        {
            context.look.mark([map.pictures[at]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_is_upright_and_centred() {
        let pane = EmbeddingPane { zoom: 2.0, centre: [0.3, -0.2], ..EmbeddingPane::default() };
        let rect = Rect::from_min_size(pos2(10.0, 10.0), vec2(200.0, 100.0));
        let place = pane.place(rect, Frame { middle: [0.1, 0.0], unit: 50.0 });
        assert!(place([0.4, -0.2]).distance(rect.center()) < 1e-3);
        // Up on the plane is up on the screen.
        assert!(place([0.3, 0.5]).y < rect.center().y);
    }
}
