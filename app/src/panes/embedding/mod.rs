//! The features of many pictures on a plane (PCA), drawn as one mesh. Hover shows a picture, the lasso marks
//! many; the grid beside shows the marked ones, and marking in it marks the plot.

mod parts;

use super::{Context, Pane, Wants};
use crate::engine::digest::Map;
use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{self, Color32, Mesh, Pos2, Rect, RichText, Sense, Shape, Stroke, Ui, Vec2, pos2, vec2};
use parts::{Frame, SIDE, dot, marked_grid, nearest, within};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Half the side of a point, in points.
const DOT: f32 = 2.6;

/// What the colours say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Colour {
    #[default]
    Prototype,
    Label,
    Certainty,
}

pub(super) struct EmbeddingPane {
    colour: Colour,
    /// The centre and how many times more is seen than all, on the plane.
    centre: [f32; 2],
    zoom: f32,
    lasso: Vec<Pos2>,
    /// The mesh that was drawn last, and for what.
    mesh: Option<(Key, Arc<Mesh>)>,
}

/// What a mesh depends on.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    step: u64,
    colour: Colour,
    rect: Rect,
    view: [f32; 3],
    dark: bool,
    marked: BTreeSet<u32>,
    classes: usize,
}

impl Default for EmbeddingPane {
    fn default() -> Self {
        Self { colour: Colour::default(), centre: [0.0; 2], zoom: 1.0, lasso: Vec::new(), mesh: None }
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
            let text =
                "Start a run: the features of many pictures appear here as points, near ones look alike.";
            widgets::empty(ui, "No features yet", text);
            return;
        };
        self.header(ui, context, &map);
        let grid = if context.look.marked.is_empty() { 0.0 } else { 2.0 * (SIDE + 5.0) + 14.0 };
        let all = ui.available_rect_before_wrap();
        let plot = Rect::from_min_max(all.min, pos2(all.right() - grid, all.bottom()));
        self.plot(ui, context, &map, plot);
        if grid > 0.0 {
            let beside = Rect::from_min_max(pos2(plot.right() + 8.0, all.top()), all.max);
            ui.scope_builder(egui::UiBuilder::new().max_rect(beside), |ui| marked_grid(ui, context));
        }
    }
}

impl EmbeddingPane {
    fn header(&mut self, ui: &mut Ui, context: &mut Context<'_>, map: &Map) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("colour").color(palette.weak));
            ui.selectable_value(&mut self.colour, Colour::Prototype, "prototype")
                .on_hover_text("The prototype that is nearest to the picture");
            if !context.thumbs.names().classes.is_empty() {
                ui.selectable_value(&mut self.colour, Colour::Label, "label")
                    .on_hover_text("The class of the picture, which training never sees");
            }
            ui.selectable_value(&mut self.colour, Colour::Certainty, "cosine")
                .on_hover_text("How near the nearest prototype is: bright is near");
            if ui.button("Fit").on_hover_text("Show all points (double click)").clicked() {
                (self.centre, self.zoom) = ([0.0; 2], 1.0);
            }
            if !context.look.marked.is_empty() && ui.button("Unmark").on_hover_text("Mark no picture (Esc)").clicked() {
                context.look.marked.clear();
            }
            let explained = 100.0 * map.explained.iter().sum::<f64>();
            let text = format!("{} pictures, {explained:.0} % of variance", map.pictures.len());
            ui.label(RichText::new(text).color(palette.weak)).on_hover_text(
                "Pooled features at unit length, on the two directions in which they spread most (PCA). Drag to move, \
                 scroll to zoom, drag with shift to mark with a lasso, click to mark one.",
            );
        });
        look_back(ui, context);
    }

    fn plot(&mut self, ui: &mut Ui, context: &mut Context<'_>, map: &Arc<Map>, rect: Rect) {
        let palette = Palette::of(ui);
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 4.0, palette.ground);
        let frame = Frame::around(&map.points, rect);
        self.navigate(ui, &response, rect, frame.unit);
        let place = self.place(rect, frame);
        let places: Vec<Pos2> = map.points.iter().map(|&point| place(point)).collect();
        let mesh = self.mesh(ui, context, map, rect, &places);
        painter.add(Shape::Mesh(mesh));
        self.mark(ui, context, map, &response, &places);
        if self.lasso.len() > 1 {
            painter.line(self.lasso.clone(), Stroke::new(1.5, palette.accent));
        }
        if self.lasso.is_empty() {
            hover(ui, context, map, &response, &places);
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

    /// One square a point, all in one mesh; made again only where something changed.
    fn mesh(&mut self, ui: &Ui, context: &Context<'_>, map: &Map, rect: Rect, places: &[Pos2]) -> Arc<Mesh> {
        let key = Key {
            step: map.step,
            colour: self.colour,
            rect,
            view: [self.centre[0], self.centre[1], self.zoom],
            dark: ui.visuals().dark_mode,
            marked: context.look.marked.clone(),
            classes: context.thumbs.names().classes.len(),
        };
        if let Some((_, mesh)) = self.mesh.as_ref().filter(|(of, _)| *of == key) {
            return Arc::clone(mesh);
        }
        let palette = Palette::of(ui);
        let mut mesh = Mesh::default();
        let any = !key.marked.is_empty();
        let seen = rect.expand(DOT);
        for (at, &place) in places.iter().enumerate().filter(|(_, place)| seen.contains(**place)) {
            let marked = key.marked.contains(&map.pictures[at]);
            let color = self.color(palette, context, map, at);
            let color = if any && !marked { color.gamma_multiply(0.25) } else { color };
            let size = if marked { 1.6 * DOT } else { DOT };
            dot(&mut mesh, place, size, color);
        }
        let mesh = Arc::new(mesh);
        self.mesh = Some((key, Arc::clone(&mesh)));
        mesh
    }

    fn color(&self, palette: Palette, context: &Context<'_>, map: &Map, at: usize) -> Color32 {
        match self.colour {
            Colour::Prototype => palette.numbered(map.best[at]),
            Colour::Label => {
                let label = context.thumbs.names().label(map.pictures[at]);
                label.map_or(palette.weak, |label| palette.numbered(label))
            }
            Colour::Certainty => palette.accent.gamma_multiply(map.cosine[at].clamp(0.12, 1.0)),
        }
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
            context.look.marked = inside.map(|(_, &picture)| picture).collect();
        }
        if response.clicked()
            && let Some(at) = pointer.and_then(|pointer| nearest(places, pointer))
        {
            context.look.marked = [map.pictures[at]].into();
        }
    }
}

/// A slider over the looks that were kept.
fn look_back(ui: &mut Ui, context: &mut Context<'_>) {
    let looks = &context.state.looks;
    if looks.len() < 2 {
        return;
    }
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new("look back").color(palette.weak));
        let newest = looks.len() - 1;
        let mut at = context.look.back.unwrap_or(newest).min(newest);
        ui.spacing_mut().slider_width = (ui.available_width() - 150.0).clamp(60.0, 420.0);
        let slider = egui::Slider::new(&mut at, 0..=newest).show_value(false);
        let moved =
            ui.add(slider).on_hover_text("Earlier looks at the embedding and the prototypes of this run");
        if moved.changed() {
            context.look.back = (at < newest).then_some(at);
        }
        ui.label(RichText::new(format!("step {}", looks[at].step)).monospace());
    });
}

/// The picture under the pointer, beside it.
fn hover(ui: &Ui, context: &mut Context<'_>, map: &Map, response: &egui::Response, places: &[Pos2]) {
    let Some(at) = response.hover_pos().and_then(|pointer| nearest(places, pointer)) else { return };
    let palette = Palette::of(ui);
    let picture = map.pictures[at];
    ui.painter().circle_stroke(places[at], 6.0, Stroke::new(1.5, palette.text));
    response.clone().on_hover_ui_at_pointer(|ui| {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(112.0), Sense::hover());
        context.thumbs.paint(ui.painter(), rect, picture, palette.raised);
        let class = context.thumbs.names().class(picture).unwrap_or("picture");
        ui.label(format!("{class} #{picture}"));
        let near = format!("prototype {}, cosine {:.2}", map.best[at], map.cosine[at]);
        ui.label(RichText::new(near).small().color(palette.weak));
    });
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
