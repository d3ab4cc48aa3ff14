//! The screen of a network in use, as tests draw it.

use super::{harness, samples, settle};
use eframe::egui::Theme;
use egui_kittest::Harness;
use swav_app::state::State;
use swav_app::thumbs::Thumbs;
use swav_app::uses::Uses;
use swav_app::uses::task::{By, News};
use swav_app::window::Window;

/// Two hundred of the built-in pictures in twelve groups.
pub(crate) fn used() -> Uses {
    let mut uses = Uses::idle("runs/demo-3".into());
    uses.apply(News::About(Box::new(samples::about())));
    uses.apply(News::Seen(Box::new(samples::seen(200))));
    let of = (0..200u32).map(|row| (row * row / 900) % 12).collect();
    uses.apply(News::Grouped(By::Clusters, of, (0..200).map(|row| 1.0 - row as f32 / 400.0).collect()));
    uses.into = "/home/anna/Pictures/drawings sorted".into();
    *uses.thumbs_mut() = Thumbs::open(swav_wgpu::config::Config::default(), || {});
    uses
}

pub(crate) fn whole_used(size: [f32; 2], theme: Theme, uses: Uses) -> Harness<'static, Window> {
    let window = Window::of(State::default(), Vec::new()).using(uses);
    let mut harness = harness(size, theme, window, |ui, window| window.draw(ui));
    settle(&mut harness);
    harness
}
