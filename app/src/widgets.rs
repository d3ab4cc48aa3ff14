//! Small things that several panes draw.

use crate::panes::{Action, Context};
use crate::state::Phase;
use crate::theme::Palette;
use crate::units;
use eframe::egui::{
    self, Align, Align2, Color32, FontId, Label, Layout, Rect, Response, RichText, ScrollArea, Sense, Stroke,
    StrokeKind, TextFormat, TextStyle, Ui, Vec2, pos2, text::LayoutJob, vec2,
};

/// A label and its value, the value in fixed-width digits. `help` is told on hover.
pub fn figure(ui: &mut Ui, label: &str, value: &str, help: &str) {
    let palette = Palette::of(ui);
    // One text of two colours, so that a row that is too narrow breaks between figures and not within one.
    let mut job = LayoutJob::default();
    let body = TextStyle::Body.resolve(ui.style());
    job.append(label, 0.0, TextFormat::simple(body, palette.weak));
    let digits = TextStyle::Monospace.resolve(ui.style());
    job.append(value, 5.0, TextFormat::simple(digits, palette.text));
    ui.add(Label::new(job).extend()).on_hover_text(help);
}

/// What a pane says when there is nothing to draw: what it will show, and what to do for it.
pub fn empty(ui: &mut Ui, title: &str, text: &str) {
    let palette = Palette::of(ui);
    let rect = ui.available_rect_before_wrap();
    let mut inner = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(Rect::from_center_size(rect.center(), vec2(rect.width().min(360.0), 90.0)))
            .layout(Layout::top_down(Align::Center)),
    );
    inner.label(RichText::new(title).size(15.0).color(palette.text));
    inner.add_space(2.0);
    inner.label(RichText::new(text).color(palette.weak));
    ui.allocate_rect(rect, Sense::hover());
}

/// The same of something that a run brings: whether one has to be started, is being opened, or has nothing yet.
pub fn not_yet(ui: &mut Ui, phase: Phase, title: &str, text: &str) {
    let lead = match phase {
        Phase::Idle => "Start a run. ",
        Phase::Opening => "Opening… ",
        _ => "",
    };
    empty(ui, title, &format!("{lead}{text}"));
}

/// How old what is shown is, once that is worth saying, with a button that looks again: crops (0) or pictures and
/// prototypes (1).
pub fn age(ui: &mut Ui, context: &mut Context<'_>, which: usize) {
    const WORTH: u64 = 20;
    let age = context.state.looked[which].map(|at| at.elapsed().as_secs()).filter(|age| *age >= WORTH);
    let Some(age) = age.filter(|_| matches!(context.state.phase, Phase::Running | Phase::Paused)) else {
        return;
    };
    let text = format!("updated {} ago", units::time(age as f64));
    ui.label(RichText::new(text).color(Palette::of(ui).weak))
        .on_hover_text("Looks take a hundredth of the time of a run, and a little more in its first minutes");
    if ui.small_button("Refresh").on_hover_text("Look again now, after this step").clicked() {
        context.actions.push(Action::Refresh);
    }
}

/// A dot and a word: what state something is in.
pub fn chip(ui: &mut Ui, color: Color32, text: &str) -> Response {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(12.5), color);
    let size = vec2(galley.size().x + 26.0, 22.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    // Painted text is told to screen readers.
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
    let painter = ui.painter();
    painter.rect_filled(rect, 11.0, color.gamma_multiply(0.16));
    painter.circle_filled(pos2(rect.left() + 11.0, rect.center().y), 3.5, color);
    painter.galley(pos2(rect.left() + 19.0, rect.center().y - galley.size().y / 2.0), galley, color);
    response
}

/// Tells screen readers what something drawn by hand is; only what can be clicked or dragged is a button.
pub fn name(response: &Response, text: impl Into<String>) {
    let acts = response.sense.senses_click() || response.sense.senses_drag();
    let role = if acts { egui::Role::Button } else { egui::Role::Image };
    let text = text.into();
    response.widget_info(|| egui::WidgetInfo::labeled(role, true, text.clone()));
}

/// A horizontal bar of `share` (0 to 1).
pub fn bar(painter: &egui::Painter, rect: Rect, share: f32, color: Color32, ground: Color32) {
    painter.rect_filled(rect, 1.5, ground);
    let width = rect.width() * share.clamp(0.0, 1.0);
    if width > 0.0 {
        painter.rect_filled(Rect::from_min_size(rect.min, vec2(width, rect.height())), 1.5, color);
    }
}

/// Text at a place, in a size.
pub fn text_at(
    painter: &egui::Painter,
    at: egui::Pos2,
    anchor: Align2,
    text: &str,
    size: f32,
    color: Color32,
) {
    painter.text(at, anchor, text, FontId::proportional(size), color);
}

/// A frame around something.
pub fn outline(painter: &egui::Painter, rect: Rect, width: f32, color: Color32) {
    painter.rect_stroke(rect, 2.0, Stroke::new(width, color), StrokeKind::Outside);
}

/// Shows that something drawn by hand has the keyboard. Drawn last, so that nothing lies above it.
pub fn focus(ui: &Ui, response: &Response, rect: Rect) {
    if response.has_focus() {
        outline(ui.painter(), rect.shrink(2.0), 2.0, Palette::of(ui).text);
    }
}

/// How many columns of a width, with a gap between two, have room; at least one.
pub fn columns(room: f32, width: f32, gap: f32) -> usize {
    ((room + gap) / (width + gap)).floor().max(1.0) as usize
}

/// Tiles of one size in as many columns as there is room for beside the scroll bar; `show` draws each that is seen.
pub fn grid(ui: &mut Ui, count: usize, tile: Vec2, gap: f32, mut show: impl FnMut(&mut Ui, usize)) {
    let room = ui.available_width() - ui.spacing().scroll.allocated_width();
    let columns = columns(room, tile.x, gap);
    ui.spacing_mut().item_spacing = Vec2::splat(gap);
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, tile.y, count.div_ceil(columns), |ui, seen| {
        for row in seen {
            ui.horizontal_top(|ui| {
                for at in (row * columns..count).take(columns) {
                    show(ui, at);
                }
            });
        }
    });
}

/// A curve without axes, for a tile.
pub fn sparkline(painter: &egui::Painter, rect: Rect, values: &[f64], color: Color32) {
    let most = values.iter().copied().fold(0.0, f64::max);
    if values.len() < 2 || most <= 0.0 {
        return;
    }
    let step = rect.width() / (values.len() - 1) as f32;
    let place = |(i, &value): (usize, &f64)| {
        pos2(rect.left() + i as f32 * step, rect.bottom() - (value / most) as f32 * rect.height())
    };
    painter.line(values.iter().enumerate().map(place).collect(), Stroke::new(1.5, color));
}
