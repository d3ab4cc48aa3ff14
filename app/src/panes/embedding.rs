//! The features of many pictures on a plane (PCA), drawn as one mesh. Hover shows a picture, the lasso marks
//! many; the grid beside shows the marked ones, and marking in it marks the plot.

use super::{Context, Pane, Wants};
use crate::engine::digest::Map;
use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{
    self, Color32, Mesh, Pos2, Rect, RichText, ScrollArea, Sense, Shape, Stroke, Ui, Vec2, pos2, vec2,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Half the side of a point, in points.
const DOT: f32 = 2.6;
/// Side of a picture in the grid.
const SIDE: f32 = 44.0;

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
            let text = "Start a run: the features of many pictures appear here as points, near ones look alike.";
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
        let extent = map.points.iter().flatten().fold(1e-6f32, |most, v| most.max(v.abs())) * 1.08;
        self.navigate(ui, &response, rect, extent);
        let place = self.place(rect, extent);
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
    fn navigate(&mut self, ui: &Ui, response: &egui::Response, rect: Rect, extent: f32) {
        let unit = rect.width().min(rect.height()) / (2.0 * extent) * self.zoom;
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

    fn place(&self, rect: Rect, extent: f32) -> impl Fn([f32; 2]) -> Pos2 + use<> {
        let unit = rect.width().min(rect.height()) / (2.0 * extent) * self.zoom;
        let (centre, middle) = (self.centre, rect.center());
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
            diamond(&mut mesh, place, size, color);
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
        let moved = ui.add(slider).on_hover_text("Earlier looks at the embedding and the prototypes of this run");
        if moved.changed() {
            context.look.back = (at < newest).then_some(at);
        }
        ui.label(RichText::new(format!("step {}", looks[at].step)).monospace());
    });
}

/// A small square on its corner, which looks round at this size.
fn diamond(mesh: &mut Mesh, at: Pos2, size: f32, color: Color32) {
    let first = mesh.vertices.len() as u32;
    for corner in [vec2(0.0, -size), vec2(size, 0.0), vec2(0.0, size), vec2(-size, 0.0)] {
        mesh.colored_vertex(at + corner, color);
    }
    mesh.add_triangle(first, first + 1, first + 2);
    mesh.add_triangle(first, first + 2, first + 3);
}

/// The point under the pointer.
fn nearest(places: &[Pos2], pointer: Pos2) -> Option<usize> {
    let found = places.iter().enumerate().map(|(at, place)| (at, place.distance_sq(pointer)));
    found.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, distance)| *distance < 100.0).map(|(at, _)| at)
}

/// Whether a point lies inside an outline (even-odd rule).
fn within(outline: &[Pos2], at: Pos2) -> bool {
    let edges = outline.iter().zip(outline.iter().cycle().skip(1));
    let crossed = edges.filter(|(a, b)| {
        (a.y > at.y) != (b.y > at.y) && at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x)
    });
    crossed.count() % 2 == 1
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

/// The marked pictures; a click leaves only that one.
fn marked_grid(ui: &mut Ui, context: &mut Context<'_>) {
    let palette = Palette::of(ui);
    let marked: Vec<u32> = context.look.marked.iter().copied().collect();
    ui.label(RichText::new(format!("{} marked", marked.len())).color(palette.weak));
    if ui.button("Show crops").on_hover_text("Show the crops of the first few of them").clicked() {
        context.look.pictures = marked.iter().copied().take(4).collect();
    }
    ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
    let columns = ((ui.available_width() + 5.0) / (SIDE + 5.0)).floor().max(1.0) as usize;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, SIDE, marked.len().div_ceil(columns), |ui, rows| {
        for row in rows {
            ui.horizontal(|ui| {
                for &picture in marked.iter().skip(row * columns).take(columns) {
                    let (rect, response) = ui.allocate_exact_size(Vec2::splat(SIDE), Sense::click());
                    context.thumbs.paint(ui.painter(), rect, picture, palette.raised);
                    if response.hovered() {
                        widgets::outline(ui.painter(), rect, 1.5, palette.accent);
                    }
                    if response.clicked() {
                        context.look.marked = [picture].into();
                    }
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lasso_holds_what_is_inside() {
        let square = [pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 10.0), pos2(0.0, 10.0)];
        assert!(within(&square, pos2(5.0, 5.0)) && !within(&square, pos2(15.0, 5.0)));
        assert!(!within(&[], pos2(0.0, 0.0)));
        let places = [pos2(0.0, 0.0), pos2(50.0, 0.0)];
        assert_eq!(nearest(&places, pos2(45.0, 2.0)), Some(1));
        assert_eq!(nearest(&places, pos2(25.0, 0.0)), None);
    }

    #[test]
    fn the_plane_is_upright_and_centred() {
        let pane = EmbeddingPane { zoom: 2.0, centre: [0.3, -0.2], ..EmbeddingPane::default() };
        let rect = Rect::from_min_size(pos2(10.0, 10.0), vec2(200.0, 100.0));
        let place = pane.place(rect, 1.0);
        assert_eq!(place([0.3, -0.2]), rect.center());
        // Up on the plane is up on the screen.
        assert!(place([0.3, 0.5]).y < rect.center().y);
    }
}
