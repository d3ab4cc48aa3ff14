//! Where windows and panes are drawn without a screen, for tests and benches.
#![allow(dead_code, reason = "each of them takes some of it")]

pub(crate) mod samples;

use eframe::egui::{Frame, Margin, Theme, Ui};
use egui_kittest::{Harness, SnapshotOptions};
use swav_app::state::State;
use swav_app::theme::{self, Palette};
use swav_app::thumbs::Thumbs;
use swav_app::window::Window;

/// Pixels that may differ: another release of the driver rounds an edge differently. A part that is missing or
/// has moved is thousands.
const FEW: usize = 600;

pub(crate) fn harness(
    size: [f32; 2],
    theme: Theme,
    window: Window,
    draw: impl FnMut(&mut Ui, &mut Window) + 'static,
) -> Harness<'static, Window> {
    Harness::builder()
        .with_size(size)
        .with_theme(theme)
        .with_context_setup(theme::install)
        .with_options(SnapshotOptions::new().max_failed_pixels(FEW))
        .build_ui_state(draw, window)
}

/// Draws until nothing moves any more, with all thumbnails there.
pub(crate) fn settle(harness: &mut Harness<'_, Window>) {
    for _ in 0..3 {
        harness.run_steps(3);
        let ctx = harness.ctx.clone();
        harness.state_mut().thumbs_mut().wait(&ctx);
    }
    harness.run_steps(3);
}

/// A window that shows a run of the built-in pictures.
pub(crate) fn window(state: State) -> Window {
    let mut window = Window::of(state, Vec::new());
    *window.thumbs_mut() = Thumbs::open(swav_wgpu::config::Config::default(), || {});
    window
}

/// A pane alone.
pub(crate) fn pane(size: [f32; 2], id: &'static str, window: Window) -> Harness<'static, Window> {
    let mut harness = harness(size, Theme::Dark, window, move |ui, window| {
        let frame = Frame::new().fill(Palette::of(ui).panel).inner_margin(Margin::same(10));
        frame.show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            window.draw_pane(id, ui);
        });
    });
    settle(&mut harness);
    harness
}

/// Whether some words are on the screen.
pub(crate) fn says<'t>(harness: &'t Harness<'_, Window>, words: &'t str) -> bool {
    egui_kittest::kittest::Queryable::query_all_by(harness, move |node| {
        node.value().or(node.label()).is_some_and(|text| text.contains(words))
    })
    .next()
    .is_some()
}
