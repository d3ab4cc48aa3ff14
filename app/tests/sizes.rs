//! Every screen at every size, dark and light, and on dense screens: no words are cut, nothing lies outside of the window,
//! and thumbnails are as sharp as the screen is.

mod stage;

use eframe::egui::Theme;
use egui_kittest::Harness;
use stage::first::first;
use stage::shapes::{cut, end_of, outside, paints, sharpness};
use stage::used::used;
use stage::{dense, pane, samples, settle, window};
use swav_app::state::State;
use swav_app::uses::Tab;
use swav_app::uses::task::{News, Query};
use swav_app::window::Window;

/// Points, and pixels to a point: the least window, usual ones, and the largest screens by points and by pixels.
const SIZES: [([f32; 2], f32); 6] = [
    ([900.0, 600.0], 1.0),
    ([1280.0, 800.0], 1.5),
    ([1280.0, 800.0], 2.0),
    ([1920.0, 1080.0], 1.0),
    ([1920.0, 1080.0], 2.0),
    ([3840.0, 2160.0], 1.0),
];

fn drawn(size: ([f32; 2], f32), theme: Theme, window: Window) -> Harness<'static, Window> {
    let mut harness = dense(size.0, size.1, theme, window, |ui, window| window.draw(ui));
    settle(&mut harness);
    harness
}

/// What does not fit of a screen, at every size.
fn faults(what: &str, make: impl Fn() -> Window) -> Vec<String> {
    let mut found = Vec::new();
    for size in SIZES {
        // Colours move nothing.
        let themes: &[Theme] = if size.1 == 1.0 { &[Theme::Dark, Theme::Light] } else { &[Theme::Dark] };
        for &theme in themes {
            let harness = drawn(size, theme, make());
            let all = cut(&harness).into_iter().chain(outside(&harness));
            found.extend(all.map(|fault| format!("{what} at {size:?}, {theme:?}: {fault}")));
        }
    }
    found
}

#[test]
fn the_first_screen_fits() {
    assert_eq!(faults("the first screen", first), Vec::<String>::new());
}

#[test]
fn the_screen_of_a_run_fits() {
    let mut found = faults("a run", || window(samples::running(900)));
    found.extend(faults("a failed run", || window(samples::failed())));
    found.extend(faults("an open prototype", || {
        let mut open = window(samples::running(900));
        open.look_mut().prototype = Some(7);
        open.look_mut().mark(600..640);
        open
    }));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_screens_of_a_network_in_use_fit() {
    let using = |uses| Window::of(State::default(), Vec::new()).using(uses);
    let mut found = Vec::new();
    for tab in [Tab::Sort, Tab::Alike, Tab::Explore, Tab::Export, Tab::Judge] {
        found.extend(faults(&format!("{tab:?}"), || {
            let mut uses = used();
            uses.turn_to(tab);
            using(uses)
        }));
    }
    found.extend(faults("an open group", || {
        let mut uses = used();
        (uses.open, uses.chosen) = (Some(1), vec![31, 33]);
        using(uses)
    }));
    assert_eq!(found, Vec::<String>::new());
}

/// A wide window has a row of all recipes, and earlier runs beside them.
#[test]
fn a_wide_window_is_made_use_of() {
    use egui_kittest::kittest::Queryable;
    for (size, rows) in [([1280.0, 800.0], 2), ([3840.0, 2160.0], 1)] {
        let harness = drawn((size, 1.0), Theme::Dark, first());
        let mut tops: Vec<i32> =
            harness.query_all_by_label_contains("Recipe ").map(|card| card.rect().top() as i32).collect();
        tops.dedup();
        assert_eq!(tops.len(), rows, "{size:?}");
        let right = harness.query_all_by_label_contains("Recipe ").map(|card| card.rect().right());
        let beside = harness.get_by_label("Open weights…").rect().left() > right.fold(0.0, f32::max);
        assert_eq!(beside, rows == 1, "{size:?}");
    }
}

#[test]
fn thumbnails_are_as_sharp_as_the_screen() {
    let using = |uses| Window::of(State::default(), Vec::new()).using(uses);
    for scale in [1.0, 1.5, 2.0] {
        let mut open = used();
        open.open = Some(1);
        let mut alike = used();
        alike.turn_to(Tab::Alike);
        let image = swav_wgpu::data::Dataset::open(None).unwrap().show(40).unwrap();
        let near = (0..40).map(|i| (40 + 3 * i, 1.0 - 0.013 * i as f32)).collect();
        alike.apply(News::Found { query: Query::Picture(40), image: Box::new(image), near });
        let all = [using(used()), using(open), using(alike), window(samples::running(900)), first()];
        for (at, window) in all.into_iter().enumerate() {
            let harness = drawn(([1280.0, 800.0], scale), Theme::Dark, window);
            let sharp = sharpness(&harness).expect("thumbnails");
            assert!(sharp > 0.88, "{sharp} pixels for each of screen {at} at {scale}");
        }
    }
}

/// The numbers at both ends of the axis of steps are whole, also those of the chart on the right.
#[test]
fn both_ends_of_the_steps_can_be_read() {
    for size in [[600.0, 372.0], [1240.0, 500.0]] {
        let charts = pane(size, "curves", window(samples::running(900)));
        assert_eq!(cut(&charts), Vec::<String>::new(), "{size:?}");
        // The rim of the pane, and the scroll bar, which would lie over it.
        let (end, most) = (end_of(&charts, "900"), size[0] - 20.0);
        assert!(paints(&charts, "900") && end <= most, "{end} of {most}");
    }
}
