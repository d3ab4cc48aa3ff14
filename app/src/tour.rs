//! Five bubbles that say what the window of a run shows, each pointing at a part of it; they are gone for ever once a person
//! has seen or closed them.

use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{
    Area, CornerRadius, Frame, Id, LayerId, Margin, Order, Pos2, Rect, RichText, Shape, Stroke, Ui, pos2,
    vec2,
};

/// The part above the panes.
pub const TOP: &str = "top";

/// What is pointed at, by the id of the pane; what it is called, and what it shows.
const STOPS: [(&str, &str, &str); 5] = [
    (
        "crops",
        "Crops and their codes",
        "Every picture is cut into crops; the bars are the code of a large crop, and the marks are what the other crops \
         predict of it.",
    ),
    (
        "embedding",
        "Features",
        "Every point is a picture, and pictures that look alike to the network move together as it learns.",
    ),
    (
        "prototypes",
        "Prototypes",
        "Every tile is a prototype with the pictures nearest to it, and a click opens it.",
    ),
    (
        "curves",
        "Curves",
        "The loss should fall well below its dashed line, and kNN should rise above that of raw pixels.",
    ),
    (
        TOP,
        "The run itself",
        "Pause, step, stop and write checkpoints here; what goes wrong is told here too, with what helps.",
    ),
];

/// Width of a bubble, points.
const WIDTH: f32 = 300.0;
/// How far a bubble stands from what it points at.
const TIP: f32 = 12.0;

/// Where the tour is.
#[derive(Clone, Debug, Default)]
pub struct Tour {
    at: usize,
    over: bool,
}

impl Tour {
    /// A tour that begins, or one that was seen.
    #[must_use]
    pub fn new(over: bool) -> Self {
        Self { at: 0, over }
    }

    /// Whether it has been seen or closed: to be remembered.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Begins again.
    pub fn again(&mut self) {
        *self = Self::default();
    }

    /// Closes it for ever.
    pub fn close(&mut self) {
        self.over = true;
    }

    /// The next bubble, or the end.
    fn next(&mut self) {
        self.at += 1;
        self.over |= self.at >= STOPS.len();
    }

    /// Draws the bubble of the moment; `place` says where a part of the window is, if it can be seen.
    pub fn show(&mut self, ui: &Ui, place: impl Fn(&str) -> Option<Rect>) {
        while !self.over {
            let (id, title, text) = STOPS[self.at];
            let Some(part) = place(id) else {
                // A pane that lies behind another is not pointed at.
                self.next();
                continue;
            };
            let ctx = ui.ctx();
            let tip = tip(id, part);
            let screen = ctx.content_rect();
            let left = (tip.x - WIDTH / 2.0).clamp(screen.left() + 8.0, screen.right() - WIDTH - 8.0);
            let painter = ctx.layer_painter(LayerId::new(Order::Middle, Id::unique("tour part")));
            widgets::outline(&painter, part.shrink(2.0), 2.0, Palette::of(ui).accent);
            let area =
                Area::new(Id::unique("tour")).order(Order::Foreground).fixed_pos(pos2(left, tip.y + TIP));
            area.show(ctx, |ui| self.bubble(ui, tip, title, text));
            return;
        }
    }

    fn bubble(&mut self, ui: &mut Ui, tip: Pos2, title: &str, text: &str) {
        let palette = Palette::of(ui);
        let frame = Frame::new()
            .fill(palette.panel)
            .stroke(Stroke::new(1.0, palette.accent))
            .corner_radius(CornerRadius::same(8))
            .inner_margin(Margin::same(14));
        let base = tip.y + TIP;
        let corners = vec![pos2(tip.x - 9.0, base + 1.0), tip, pos2(tip.x + 9.0, base + 1.0)];
        frame.show(ui, |ui| {
            ui.set_width(WIDTH - 30.0);
            ui.label(RichText::new(title).size(15.0).strong());
            ui.label(text);
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                let last = self.at + 1 == STOPS.len();
                if ui.button(if last { "Done" } else { "Next" }).clicked() {
                    self.next();
                }
                if !last
                    && ui.button("Do not show again").on_hover_text("View, Tour shows it again").clicked()
                {
                    self.close();
                }
                ui.label(
                    RichText::new(format!("{} of {}", self.at.min(4) + 1, STOPS.len())).color(palette.weak),
                );
            });
        });
        ui.painter().add(Shape::convex_polygon(corners.clone(), palette.panel, Stroke::NONE));
        ui.painter().line_segment([corners[0], corners[1]], Stroke::new(1.0, palette.accent));
        ui.painter().line_segment([corners[1], corners[2]], Stroke::new(1.0, palette.accent));
    }
}

/// Where a bubble touches what it points at: below the bar, and a little into a pane.
fn tip(id: &str, part: Rect) -> Pos2 {
    if id == TOP {
        pos2(part.left() + 240.0, part.bottom() - 4.0)
    } else {
        part.center_top() + vec2(0.0, 56.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes;

    #[test]
    fn every_bubble_points_at_a_pane_or_at_the_bar_and_the_last_ends_it() {
        let known: Vec<&str> = panes::all().iter().map(|pane| pane.id()).chain([TOP]).collect();
        assert!(STOPS.iter().all(|(id, _, text)| known.contains(id) && text.ends_with('.')));
        let mut tour = Tour::new(false);
        for _ in 0..STOPS.len() {
            assert!(!tour.is_over());
            tour.next();
        }
        assert!(tour.is_over());
        tour.again();
        assert!(!tour.is_over());
        tour.close();
        assert!(tour.is_over() && Tour::new(true).is_over());
    }
}
