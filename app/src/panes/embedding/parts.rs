//! Points on the plane, and the grid of the marked pictures.

use crate::panes::Context;
use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{Color32, Mesh, Pos2, Rect, RichText, ScrollArea, Sense, Ui, Vec2, vec2};

/// Side of a picture in the grid.
pub(super) const SIDE: f32 = 44.0;

/// What part of the plane is seen at first: all points, whatever their shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The middle of the points.
    pub(super) middle: [f32; 2],
    /// Points of the screen for one unit of the plane.
    pub(super) unit: f32,
}

impl Frame {
    pub(super) fn around(points: &[[f32; 2]], rect: Rect) -> Self {
        let range = |axis: usize| {
            let values = || points.iter().map(|point| point[axis]);
            let (least, most) = (values().fold(f32::MAX, f32::min), values().fold(f32::MIN, f32::max));
            if least <= most { (least, most) } else { (-1.0, 1.0) }
        };
        let (x, y) = (range(0), range(1));
        let size = [x, y].map(|(least, most)| (most - least).max(1e-4));
        let unit = (rect.width() / size[0]).min(rect.height() / size[1]) * 0.92;
        Self { middle: [(x.0 + x.1) / 2.0, (y.0 + y.1) / 2.0], unit }
    }
}

/// Six corners: round enough at this size, and cheap.
pub(super) fn dot(mesh: &mut Mesh, at: Pos2, size: f32, color: Color32) {
    let first = mesh.vertices.len() as u32;
    let (half, high) = (0.5 * size, 0.866 * size);
    for (x, y) in [(size, 0.0), (half, high), (-half, high), (-size, 0.0), (-half, -high), (half, -high)] {
        mesh.colored_vertex(at + vec2(x, y), color);
    }
    for corner in 1..5 {
        mesh.add_triangle(first, first + corner, first + corner + 1);
    }
}

/// The point under the pointer.
pub(super) fn nearest(places: &[Pos2], pointer: Pos2) -> Option<usize> {
    let found = places.iter().enumerate().map(|(at, place)| (at, place.distance_sq(pointer)));
    found.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, distance)| *distance < 100.0).map(|(at, _)| at)
}

/// Whether a point lies inside an outline (even-odd rule).
pub(super) fn within(outline: &[Pos2], at: Pos2) -> bool {
    let edges = outline.iter().zip(outline.iter().cycle().skip(1));
    let crossed = edges.filter(|(a, b)| {
        (a.y > at.y) != (b.y > at.y) && at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x)
    });
    crossed.count() % 2 == 1
}

/// The marked pictures; a click leaves only that one.
pub(super) fn marked_grid(ui: &mut Ui, context: &mut Context<'_>) {
    let palette = Palette::of(ui);
    let marked: Vec<u32> = context.look.marked.iter().copied().collect();
    ui.label(RichText::new(format!("{} marked", marked.len())).color(palette.weak));
    if ui.button("Show crops").on_hover_text("Show the crops of the first few of them").clicked() {
        context.look.pictures = marked.iter().copied().take(4).collect();
    }
    ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
    let columns = ((ui.available_width() + 5.0) / (SIDE + 5.0)).floor().max(1.0) as usize;
    ScrollArea::vertical().auto_shrink(false).show_rows(
        ui,
        SIDE,
        marked.len().div_ceil(columns),
        |ui, rows| {
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
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    #[test]
    fn the_lasso_holds_what_is_inside() {
        let square = [pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 10.0), pos2(0.0, 10.0)];
        assert!(within(&square, pos2(5.0, 5.0)) && !within(&square, pos2(15.0, 5.0)));
        assert!(!within(&[], pos2(0.0, 0.0)));
        let places = [pos2(0.0, 0.0), pos2(50.0, 0.0)];
        assert_eq!(nearest(&places, pos2(45.0, 2.0)), Some(1));
        assert_eq!(nearest(&places, pos2(25.0, 0.0)), None);
    }
}
