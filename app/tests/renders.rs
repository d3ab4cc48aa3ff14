//! Every screen and pane in realistic states: what must be told is looked up by its words; a few renders are
//! compared with pictures in `snapshots/`.
//!
//! The pictures are made by the software driver. After a change that is meant, write them again with
//! `UPDATE_SNAPSHOTS=1 cargo test --release -p swav-app --test renders`, and look at each of them.

mod stage;

use eframe::egui::accesskit::Role;
use eframe::egui::{Frame, HoveredFile, Key, Margin, Modifiers, Theme};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, SnapshotResults};
use stage::first::first;
use stage::{harness, nameless, samples, says, settle, tabbed, window};
use swav_app::engine::Message;
use swav_app::engine::digest::Digest;
use swav_app::state::{Phase, State};
use swav_app::theme::Palette;
use swav_app::top;
use swav_app::window::Window;
use swav_wgpu::config::{Config, Preset};
use swav_wgpu::train::Event;
use swav_wgpu::train::events::Started;

/// A pane alone, at the size that it has in a small window.
fn pane(id: &'static str, window: Window) -> Harness<'static, Window> {
    stage::pane([600.0, 372.0], id, window)
}

fn whole(theme: Theme, window: Window) -> Harness<'static, Window> {
    let mut harness = harness([1280.0, 800.0], theme, window, |ui, window| window.draw(ui));
    settle(&mut harness);
    harness
}

#[test]
fn whole_windows() {
    let mut results = SnapshotResults::new();
    results.add(whole(Theme::Dark, window(samples::running(900))).try_snapshot("running"));
    let failed = whole(Theme::Light, window(samples::failed()));
    for words in ["failed", "Failed", "Resume", "no longer finite", "Runs"] {
        assert!(says(&failed, words), "a failed run does not say {words}");
    }
    let opening = State::opening(swav_wgpu::config::Config::default(), Vec::new());
    let opening = whole(Theme::Dark, window(opening));
    for words in ["opening", "compiles the kernels", "No crops yet", "No features yet", "No prototypes yet"] {
        assert!(says(&opening, words), "a run that opens does not say {words}");
    }
}

/// A wrong setting is told once, in a fixed place: a line below its field would move what somebody types into.
#[test]
fn what_the_button_refuses_the_key_refuses_too_and_says_why() {
    fn told(harness: &Harness<'_, Window>) -> usize {
        let found = harness.query_all_by(|node| {
            // A text of its own; its lines are nodes too.
            let told = node.value().is_some_and(|text| text.contains("must lie between 2 and 65536"));
            told && node.role() == Role::Label
        });
        found.count()
    }
    let mut wrong = first();
    wrong.form_mut().edit(Config::setting("batch").unwrap(), "1".to_owned());
    let mut wrong = whole(Theme::Dark, wrong);
    assert_eq!(told(&wrong), 1);
    wrong.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    wrong.run_steps(3);
    assert_eq!((told(&wrong), wrong.state().state().phase), (2, Phase::Idle));
    // So it is with pictures that are not there.
    let mut nowhere = window(State::default());
    nowhere.form_mut().set_data(Some("/no/where".into()));
    let mut nowhere = whole(Theme::Dark, nowhere);
    nowhere.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    nowhere.run_steps(3);
    assert!(says(&nowhere, "These pictures cannot be opened"));
    assert_eq!(nowhere.state().state().phase, Phase::Idle);
}

/// A screen reader can say everything that can be clicked, and the keyboard begins where a run does.
#[test]
fn everything_has_a_name_and_the_keyboard_begins_with_the_pictures() {
    let mut start = whole(Theme::Dark, first());
    assert_eq!(nameless(&start), Vec::<String>::new());
    let names = tabbed(&mut start, 3);
    assert_eq!(names[..2], ["built-in drawings", "Choose a folder…"], "{names:?}");
    assert!(names[2].starts_with("Recipe demo"), "{names:?}");
    let running = whole(Theme::Dark, window(samples::running(900)));
    assert_eq!(nameless(&running), Vec::<String>::new());
    let mut open = window(samples::running(900));
    open.look_mut().prototype = Some(7);
    assert_eq!(nameless(&whole(Theme::Dark, open)), Vec::<String>::new());
}

#[test]
fn recipes_are_chosen_by_their_cards_and_what_is_held_above_the_window_is_told() {
    let mut results = SnapshotResults::new();
    let mut start = whole(Theme::Dark, first());
    results.add(start.try_snapshot("start"));
    assert!(says(&start, "drawings 2") && says(&start, "in 6m 53s") && says(&start, "kNN 0.441"));
    start.get_by_label_contains("Recipe photos").click();
    start.run_steps(3);
    assert_eq!(start.state_mut().form_mut().preset(), Preset::Photos);
    let held = HoveredFile { path: Some("/home/anna/holidays".into()), ..HoveredFile::default() };
    start.input_mut().hovered_files.push(held);
    start.run_steps(2);
    results.add(start.try_snapshot("start_held"));
    let mut small = harness([900.0, 600.0], Theme::Light, first(), |ui, window| window.draw(ui));
    settle(&mut small);
    assert!(small.get_by_label("Start training").rect().bottom() < 600.0, "what begins a run cannot be seen");
    results.add(small.try_snapshot("start_small"));
}

#[test]
fn the_tour_goes_on_and_is_gone_for_ever() {
    let mut results = SnapshotResults::new();
    // Nothing is pointed at before it is there.
    let mut early = window(State::opening(Config::default(), Vec::new()));
    early.tour_mut().again();
    assert!(whole(Theme::Dark, early).query_by_label("Next").is_none());
    let mut touring = window(samples::running(900));
    touring.tour_mut().again();
    let mut touring = whole(Theme::Dark, touring);
    results.add(touring.try_snapshot("tour"));
    for words in ["Crops and their codes", "Features", "Prototypes", "Curves", "The run itself"] {
        assert!(says(&touring, words), "the tour does not say {words}");
        assert_eq!(nameless(&touring), Vec::<String>::new());
        let button = if words == "The run itself" { "Done" } else { "Next" };
        touring.get_by_label(button).click();
        touring.run_steps(3);
    }
    assert!(touring.state_mut().tour_mut().is_over() && touring.query_by_label("Done").is_none());
    let mut closed = window(samples::running(900));
    closed.tour_mut().again();
    let mut closed = whole(Theme::Dark, closed);
    closed.get_by_label("Do not show again").click();
    closed.run_steps(3);
    assert!(closed.state_mut().tour_mut().is_over());
}

#[test]
fn what_stands_above_the_panes() {
    let stopped = {
        let mut state = samples::running(700);
        let summary = Box::new(samples::summary(700, 1892));
        state.apply(swav_app::engine::Message::Ended(Ok(summary)));
        state
    };
    let states = [
        (samples::paused(), ["paused", "Go on", "Step", "Checkpoint"]),
        (samples::finished(), ["finished", "Gallery", "296 of 300 prototypes", "kNN 0.441"]),
        (samples::collapsed(), ["training", "Only 4 of 300", "Freeze the prototypes", "see below"]),
        (stopped, ["stopped", "Resume", "can be resumed at any time", "Runs"]),
    ];
    for (state, told) in states {
        let mut harness = harness([1280.0, 150.0], Theme::Dark, window(state), |ui, window| {
            let frame = Frame::new().fill(Palette::of(ui).panel).inner_margin(Margin::symmetric(12, 8));
            frame.show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                top::show(ui, window.state());
            });
        });
        settle(&mut harness);
        for words in told {
            assert!(says(&harness, words), "the bar does not say {words}");
        }
    }
}

#[test]
fn panes() {
    let mut results = SnapshotResults::new();
    for id in ["crops", "embedding", "prototypes", "curves", "log"] {
        let mut full = pane(id, window(samples::running(900)));
        match id {
            "log" => assert!(says(&full, "checkpoint of step 750") && says(&full, "2781 pictures")),
            _ => results.add(full.try_snapshot(format!("pane_{id}"))),
        }
        let empty = pane(id, Window::of(State::default(), Vec::new()));
        // Nothing to show is told in words, not in an empty frame.
        let words = egui_kittest::kittest::Queryable::query_all_by(&empty, |node| {
            node.value()
                .or(node.label())
                .is_some_and(|text| text.contains("Start a run") || text.contains("is kept here"))
        });
        assert!(words.count() >= 1, "{id} says nothing when it is empty");
    }
    // kNN keeps its place until there is a value, where there are labels to judge by.
    for (classes, told) in [(16, true), (0, false)] {
        let mut state = State::opening(Config::default(), Vec::new());
        let started = Started { classes, ..samples::started(1892) };
        state.apply(Message::Event(Event::Started(started)));
        state.apply(Message::Event(Event::Report(samples::report(10, 1892))));
        let early = pane("curves", Window::of(state, Vec::new()));
        assert_eq!(says(&early, "kNN accuracy") && says(&early, "with the first evaluation"), told);
    }
    let mut open = window(samples::running(900));
    open.look_mut().prototype = Some(7);
    results.add(pane("prototypes", open).try_snapshot("pane_prototype_open"));
    let mut state = samples::running(900);
    let crops = Some(std::sync::Arc::new(samples::alike(&[40, 700, 1500])));
    let digest = Digest { step: 900, draw: 1, crops, map: None, folded: None };
    state.apply(Message::Digest(Box::new(digest)));
    results.add(pane("crops", window(state)).try_snapshot("pane_crops_alike"));
    let mut marked = window(samples::running(900));
    marked.look_mut().mark(600..640);
    results.add(pane("embedding", marked).try_snapshot("pane_embedding_marked"));
}

#[test]
fn a_hundred_thousand_points_are_drawn() {
    let mut state = samples::running(20);
    let map = std::sync::Arc::new(samples::map(30, 100_000, 60));
    let digest =
        swav_app::engine::digest::Digest { step: 30, draw: 0, crops: None, map: Some(map), folded: None };
    state.apply(swav_app::engine::Message::Digest(Box::new(digest)));
    let mut harness = pane("embedding", Window::of(state, Vec::new()));
    // How long a frame takes is measured by `benches/frames.rs`.
    harness.run_steps(5);
    assert!(says(&harness, "100\u{2009}000 pictures"));
}
