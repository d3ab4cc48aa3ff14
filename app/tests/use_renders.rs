//! The screen of a network in use, in all its states. See `renders.rs` for how the pictures are made.

mod stage;

use eframe::egui::{Key, Modifiers, Theme};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::{NodeT, Queryable};
use stage::used::{used as uses, whole_used as whole};
use stage::{harness, nameless, samples, says, settle};
use std::collections::BTreeMap;
use swav_app::engine::Failure;
use swav_app::state::Phase;
use swav_app::uses::task::{About, Kind, News, Query};
use swav_app::uses::{Tab, Uses};
use swav_app::window::Window;
use swav_wgpu::data::LabelFile;
use swav_wgpu::error::Error;
use swav_wgpu::judge::{Judged, Table};
use swav_wgpu::pass::Progress;
use swav_wgpu::uses::sort::{How, Sorted};

const SIZE: [f32; 2] = [1280.0, 800.0];

#[test]
fn every_tab() {
    let mut results = SnapshotResults::new();
    let mut named = uses();
    let groups = named.groups.as_mut().unwrap();
    groups.rename(0, "Vögel");
    groups.rename(1, "houses");
    results.add(whole(SIZE, Theme::Dark, named).try_snapshot("use_sort"));

    let mut open = uses();
    (open.open, open.chosen) = (Some(1), vec![31, 33]);
    results.add(whole(SIZE, Theme::Dark, open).try_snapshot("use_group"));

    let mut alike = uses();
    alike.turn_to(Tab::Alike);
    let image = swav_wgpu::data::Dataset::open(None).unwrap().show(40).unwrap();
    let near = (0..40).map(|i| (40 + 3 * i, 1.0 - 0.013 * i as f32)).collect();
    alike.apply(News::Found { query: Query::Picture(40), image: Box::new(image), near });
    results.add(whole(SIZE, Theme::Light, alike).try_snapshot("use_alike"));

    let mut explore = uses();
    explore.turn_to(Tab::Explore);
    results.add(whole(SIZE, Theme::Dark, explore).try_snapshot("use_explore"));

    let mut export = uses();
    export.turn_to(Tab::Export);
    let export = whole([900.0, 600.0], Theme::Dark, export);
    for words in ["Weights", "PyTorch", "ONNX", "Features of the pictures", "Parquet", "Report", "Write"] {
        assert!(says(&export, words), "the export does not say {words}");
    }

    let mut judge = uses();
    judge.turn_to(Tab::Judge);
    let cells = ["34.1 / 70.2", "35.0 / 71.4", "44.1 / 80.0"].map(str::to_owned);
    let table = Table {
        of: Judged::Nearest,
        title: "kNN, top-1 / top-5 %".into(),
        rows: vec![("split, k 20, plain".into(), cells)],
        notes: vec!["split: 900 pictures ask 1800".into()],
    };
    judge.apply(News::Judged(vec![table.clone()], None));
    let judge = whole(SIZE, Theme::Dark, judge);
    for words in ["this network", "44.1 / 80.0", "raw pixels", "900 pictures ask"] {
        assert!(says(&judge, words), "the judgement does not say {words}");
    }

    let mut labelled = uses();
    labelled.dropped("/home/anna/labels.csv".into());
    let said = LabelFile {
        file: "/home/anna/labels.csv".into(),
        classes: 3,
        labelled: 190,
        pictures: 200,
        unmatched: 2,
        first_unmatched: Some((7, "9.png".into())),
    };
    labelled.apply(News::Judged(vec![table], Some(said)));
    let labelled = whole(SIZE, Theme::Light, labelled);
    for words in ["190 of 200 pictures in 3 classes", "2 lines name no picture here", "line 7", "44.1 / 80.0"]
    {
        assert!(says(&labelled, words), "the judgement by a file does not say {words}");
    }
}

/// A wide window has no empty part beside the groups.
#[test]
fn stacks_reach_from_side_to_side() {
    for (width, last) in [(1280.0, "group 05"), (900.0, "group 04")] {
        let harness = whole([width, 700.0], Theme::Dark, uses());
        let right = harness.get_by_label_contains(&format!("{last}, ")).rect().right();
        // The rim of the screen and the scroll bar; thumbnails of whole points leave less than three for each stack.
        assert!((width - 37.0..width).contains(&right), "{last} ends at {right} of {width}");
    }
}

/// A screen reader can say everything that can be clicked.
#[test]
fn everything_has_a_name() {
    for tab in [Tab::Sort, Tab::Alike, Tab::Explore, Tab::Export, Tab::Judge] {
        let mut uses = uses();
        uses.turn_to(tab);
        assert_eq!(nameless(&whole(SIZE, Theme::Dark, uses)), Vec::<String>::new(), "{tab:?}");
    }
    let mut open = uses();
    (open.open, open.chosen) = (Some(1), vec![31, 33]);
    assert_eq!(nameless(&whole(SIZE, Theme::Dark, open)), Vec::<String>::new());
}

#[test]
fn what_goes_on_what_failed_and_what_was_done_are_told_with_a_button() {
    let progress = Progress { doing: "sorting", unit: "files", done: 50, total: 200, seconds: 5.0 };
    let mut busy = uses();
    busy.apply(News::Began(Kind::Sort));
    busy.apply(News::Progress(progress));
    let busy = whole(SIZE, Theme::Dark, busy);
    assert!(says(&busy, "50 of 200 files, 15s left") && says(&busy, "Cancel"));

    let full = Error::io("out")(std::io::Error::from(std::io::ErrorKind::StorageFull));
    let failures = [
        (Kind::Sort, Failure::told(&full), ["Make room", "Go on", "Close"]),
        (Kind::Sort, Failure::told(&Error::Stopped), ["nothing is lost", "Go on", "Close"]),
    ];
    for (kind, failure, told) in failures {
        let mut failed = uses();
        failed.sort();
        failed.apply(News::Ended(kind, Err(failure)));
        let failed = whole(SIZE, Theme::Dark, failed);
        for words in told {
            assert!(says(&failed, words), "a failure does not say {words}");
        }
    }

    // A sort that was stopped in the middle is not over.
    let mut stopped = uses();
    let plan = stopped.groups.as_ref().unwrap().plan("out".into(), How::Copy);
    stopped.apply(News::Sorted(plan, Sorted { made: 20, ..Sorted::default() }));
    stopped.apply(News::Ended(Kind::Sort, Err(Failure::told(&Error::Stopped))));
    let stopped = whole(SIZE, Theme::Dark, stopped);
    assert!(says(&stopped, "Go on") && !says(&stopped, "20 of 200"));

    let mut weights = Uses::idle("swav_800ep_pretrain.pth.tar".into());
    let about = About { trained_on: None, ..samples::about() };
    weights.apply(News::About(Box::new(about)));
    let weights = whole(SIZE, Theme::Dark, weights);
    assert!(says(&weights, "Which pictures?") && says(&weights, "Choose a folder"));

    let mut gone = Uses::idle("runs/demo-3".into());
    gone.apply(News::About(Box::new(samples::about())));
    let missing = Error::Data { path: "/no/where".into(), reason: "there is nothing here".into() };
    gone.apply(News::Ended(Kind::Look, Err(Failure::told(&missing))));
    let mut gone = whole(SIZE, Theme::Dark, gone);
    assert!(says(&gone, "Where are they now?"));
    gone.get_by_label("Close").click();
    gone.run_steps(3);
    assert!(says(&gone, "No pictures were looked at") && says(&gone, "Try again"));

    let mut none = Uses::idle("holiday.pth".into());
    none.apply(News::Ended(Kind::Open, Err(Failure::saying("holiday.pth is no file of weights"))));
    let mut none = whole(SIZE, Theme::Dark, none);
    assert!(says(&none, "Open other weights"));
    none.get_by_label("Close").click();
    none.run_steps(3);
    assert!(says(&none, "No network is open") && says(&none, "Open other weights"));
}

/// Keys mean what is on the screen: not the run behind it, and not what lies below an open menu.
#[test]
fn keys_mean_what_is_in_front() {
    let mut named = uses();
    named.groups.as_mut().unwrap().rename(0, "Vögel");
    let window = Window::of(samples::paused(), Vec::new()).using(named);
    let mut named = harness(SIZE, Theme::Dark, window, |ui, window| window.draw(ui));
    settle(&mut named);
    let looked = named.state_mut().look_mut().clone();
    for key in [Key::Space, Key::S, Key::N, Key::O] {
        named.key_press(key);
    }
    for key in [Key::U, Key::Period, Key::S, Key::Enter] {
        named.key_press_modifiers(Modifiers::COMMAND, key);
    }
    named.run_steps(3);
    assert!(says(&named, "Vögel"), "names were thrown away");
    assert_eq!((named.state_mut().look_mut().clone(), named.state().state().phase), (looked, Phase::Paused));
    named.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    named.run_steps(3);
    assert!(!says(&named, "Vögel"), "a change is not taken back");

    let mut open = uses();
    (open.open, open.chosen) = (Some(1), vec![31, 33]);
    let mut open = whole(SIZE, Theme::Dark, open);
    open.get_by_label("Move 2 to").click();
    open.run_steps(4);
    assert_eq!(open.query_all_by_label("a new group").count(), 2, "the menu is not open");
    open.key_press(Key::Escape);
    open.run_steps(4);
    assert_eq!(open.query_all_by_label("a new group").count(), 1, "the menu is still open");
    assert!(says(&open, "Move 2 to"), "what was chosen is lost with the menu");
    open.key_press(Key::Escape);
    open.run_steps(4);
    assert!(!says(&open, "Move 2 to"));
}

/// What dragging one group onto another does, for those who have no mouse.
#[test]
fn an_open_group_is_merged_into_another() {
    let mut open = uses();
    open.open = Some(1);
    let all = open.groups.as_ref().unwrap().all();
    let sum = all[1].rows.len() + all[4].rows.len();
    let mut open = whole(SIZE, Theme::Dark, open);
    open.get_by_label("Merge into").click();
    open.run_steps(4);
    open.get_by_label("group 05").click();
    open.run_steps(4);
    assert!(says(&open, &format!("{sum} pictures, the most typical first")), "not merged");
    open.get_by_label("Undo").click();
    open.run_steps(4);
    assert!(!says(&open, &format!("{sum} pictures, the most typical first")), "not taken back");
}

#[test]
fn names_that_cannot_be_folders_keep_the_sort_from_starting() {
    let mut uses = uses();
    uses.groups.as_mut().unwrap().rename(2, "a/b");
    let expected: BTreeMap<usize, String> = uses.groups.as_ref().unwrap().problems();
    assert_eq!(expected.len(), 1);
    let harness = whole(SIZE, Theme::Dark, uses);
    assert!(says(&harness, "not every system allows in a name"));
    let button = harness.get_by_label("Sort 200 pictures");
    assert!(button.accesskit_node().is_disabled());
}
