//! The screen of a network in use, as tests draw it.

use super::{harness, samples, settle};
use eframe::egui::Theme;
use egui_kittest::Harness;
use swav_app::state::State;
use swav_app::thumbs::Thumbs;
use swav_app::uses::Uses;
use swav_app::uses::task::{By, News};
use swav_app::window::Window;

/// Pictures that come with the program.
const BUILT_IN: u32 = 4_666;

/// Two hundred of the built-in pictures in twelve groups.
pub(crate) fn used() -> Uses {
    used_of(200)
}

/// So many of them; of more than there are, the same ones come again.
pub(crate) fn used_of(pictures: u32) -> Uses {
    let mut uses = Uses::idle("runs/demo-3".into());
    uses.apply(News::About(Box::new(samples::about())));
    let mut seen = samples::seen(pictures);
    seen.pictures.iter_mut().for_each(|picture| *picture %= BUILT_IN);
    uses.apply(News::Seen(Box::new(seen)));
    let of = (0..u64::from(pictures)).map(|row| ((row * row / 900) % 12) as u32).collect();
    let sure = (0..pictures).map(|row| 1.0 - row as f32 / (2 * pictures) as f32).collect();
    uses.apply(News::Grouped(By::Clusters, of, sure));
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
