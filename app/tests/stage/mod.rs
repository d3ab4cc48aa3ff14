//! Where windows and panes are drawn without a screen, for tests and benches.
#![allow(dead_code, reason = "each of them takes some of it")]

pub(crate) mod first;
pub(crate) mod network;
pub(crate) mod samples;
pub(crate) mod shapes;
pub(crate) mod used;

use eframe::egui::accesskit::{Action, Role};
use eframe::egui::{Frame, Key, Margin, Theme, Ui};
use egui_kittest::{Harness, SnapshotOptions};
use swav_app::state::State;
use swav_app::theme::{self, Palette};
use swav_app::thumbs::Thumbs;
use swav_app::window::Window;
use swav_wgpu::config::{Config, Preset};

/// Pixels that may differ: another release of the driver rounds an edge differently. A part that is missing or
/// has moved is thousands.
const FEW: usize = 600;

pub(crate) fn harness(
    size: [f32; 2],
    theme: Theme,
    window: Window,
    draw: impl FnMut(&mut Ui, &mut Window) + 'static,
) -> Harness<'static, Window> {
    dense(size, 1.0, theme, window, draw)
}

/// The same on a screen with so many pixels to a point.
pub(crate) fn dense(
    size: [f32; 2],
    pixels_per_point: f32,
    theme: Theme,
    window: Window,
    draw: impl FnMut(&mut Ui, &mut Window) + 'static,
) -> Harness<'static, Window> {
    Harness::builder()
        .with_size(size)
        .with_pixels_per_point(pixels_per_point)
        .with_theme(theme)
        .with_context_setup(theme::install)
        .with_options(SnapshotOptions::new().max_failed_pixels(FEW))
        .build_ui_state(draw, window)
}

/// The demo with a network of a few thousand weights, for runs that must be over soon, with these settings over it.
pub(crate) fn small_demo(over: &[(&str, &str)]) -> Config {
    const SMALL: [(&str, &str); 9] = [
        ("batch", "8"),
        ("width", "4"),
        ("hidden", "16"),
        ("embedding", "8"),
        ("prototypes", "12"),
        ("crops", "2x16@0.4-1"),
        ("eval_resize", "16"),
        ("eval_size", "16"),
        ("workers", "1"),
    ];
    let mut config = Config::from_preset(Preset::Demo).expect("the demo is sound");
    for (key, value) in SMALL.iter().chain(over) {
        config.set(key, value).expect("a sound value");
    }
    config
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
pub(crate) fn window(mut state: State) -> Window {
    // How old a look is shows when it is twenty seconds old, as it may be by then on a machine that is busy.
    state.looked = [None; 2];
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

/// What can be clicked or has the keyboard, and has no name that a screen reader could say: roles and places.
pub(crate) fn nameless(harness: &Harness<'_, Window>) -> Vec<String> {
    use egui_kittest::kittest::NodeT;
    let mut found = Vec::new();
    let mut nodes = vec![harness.root()];
    while let Some(node) = nodes.pop() {
        nodes.extend(node.children());
        let told = node.accesskit_node();
        // The role of a scroll bar says all.
        let acts = told.role() != Role::ScrollBar
            && (told.data().supports_action(Action::Click) || told.data().supports_action(Action::Focus));
        let words = [told.label(), told.placeholder().map(str::to_owned)];
        // What a label says is its value.
        let own = told.value().filter(|_| told.role() == Role::Label);
        if acts
            && !words.into_iter().chain([own]).flatten().any(|name| name.chars().any(char::is_alphanumeric))
        {
            found.push(format!("{:?} at {:?}, {:?}", told.role(), node.rect(), told.value()));
        }
    }
    found
}

/// What has the keyboard after so many presses of Tab.
pub(crate) fn tabbed(harness: &mut Harness<'_, Window>, presses: usize) -> Vec<String> {
    use egui_kittest::kittest::NodeT;
    let mut names = Vec::new();
    for _ in 0..presses {
        harness.key_press(Key::Tab);
        harness.run_steps(2);
        let mut nodes = vec![harness.root()];
        while let Some(node) = nodes.pop() {
            nodes.extend(node.children());
            if node.accesskit_node().is_focused() {
                names.extend(node.accesskit_node().label());
            }
        }
    }
    names
}

/// Whether some words are on the screen.
pub(crate) fn says<'t>(harness: &'t Harness<'_, Window>, words: &'t str) -> bool {
    egui_kittest::kittest::Queryable::query_all_by(harness, move |node| {
        node.value().or(node.label()).is_some_and(|text| text.contains(words))
    })
    .next()
    .is_some()
}
