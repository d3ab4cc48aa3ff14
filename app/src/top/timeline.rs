//! The steps of a run on a line.

use super::phase_color;
use crate::state::State;
use crate::theme::Palette;
use crate::units;
use eframe::egui::{Rect, Sense, Stroke, Ui, pos2, vec2};

/// Steps from left to right: done ones filled, epochs as ticks, checkpoints and evaluations as marks.
pub(super) fn timeline(ui: &mut Ui, state: &State) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    crate::widgets::name(&response, format!("Step {} of {}", state.step, state.total()));
    let painter = ui.painter_at(rect.expand(2.0));
    let track =
        Rect::from_min_max(pos2(rect.left(), rect.top() + 5.0), pos2(rect.right(), rect.top() + 14.0));
    painter.rect_filled(track, 3.0, palette.raised);
    let total = state.total();
    if total == 0 {
        return;
    }
    let at = |step: u64| track.left() + track.width() * (step as f32 / total as f32).clamp(0.0, 1.0);
    let done = Rect::from_min_max(track.min, pos2(at(state.step), track.bottom()));
    painter.rect_filled(done, 3.0, phase_color(palette, state.phase).gamma_multiply(0.75));
    // Ticks that would stand closer than a few points are thinned out.
    let epochs = total / state.steps_per_epoch();
    let every = (epochs * 6 / (track.width() as u64).max(1) + 1).next_power_of_two();
    for epoch in (every..epochs).step_by(every as usize) {
        let x = at(epoch * state.steps_per_epoch());
        painter.vline(x, track.y_range(), Stroke::new(1.0, palette.ground.gamma_multiply(0.7)));
    }
    for &step in &state.checkpoints {
        let tip = pos2(at(step), track.bottom() + 1.0);
        let mark = vec![tip, tip + vec2(-3.5, 5.0), tip + vec2(3.5, 5.0)];
        painter.add(eframe::egui::Shape::convex_polygon(mark, palette.weak, Stroke::NONE));
    }
    let mut last = f32::MIN;
    for evaluation in &state.evaluations {
        let x = at(evaluation.step);
        if x - last < 7.0 {
            continue;
        }
        last = x;
        painter.circle_filled(pos2(at(evaluation.step), track.top() - 2.5), 2.5, palette.text);
    }
    if let Some(pointer) = response.hover_pos() {
        let step =
            ((pointer.x - track.left()) / track.width() * total as f32).clamp(0.0, total as f32) as u64;
        let near = state.evaluations.iter().min_by_key(|e| e.step.abs_diff(step));
        let near = near.filter(|e| (at(e.step) - pointer.x).abs() < 8.0);
        let knn =
            near.and_then(|e| Some(format!("\nkNN after step {}: {:.3}", e.step, e.splits.first()?.plain)));
        response.on_hover_text(format!(
            "step {} of {}, epoch {}{}\nTicks: epochs. Dots: kNN evaluations. Triangles: checkpoints.",
            units::count(step),
            units::count(total),
            (step / state.steps_per_epoch() + 1).min(epochs.max(1)),
            knn.unwrap_or_default()
        ));
    }
}
