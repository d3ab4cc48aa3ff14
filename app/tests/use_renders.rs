//! The screen of a network in use, in all its states. See `renders.rs` for how the pictures are made.

mod stage;

use eframe::egui::Theme;
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, SnapshotResults};
use stage::{harness, nameless, samples, says, settle};
use std::collections::BTreeMap;
use swav_app::engine::Failure;
use swav_app::state::State;
use swav_app::thumbs::Thumbs;
use swav_app::uses::task::{About, By, Kind, News, Query};
use swav_app::uses::{Tab, Uses};
use swav_app::window::Window;
use swav_wgpu::error::Error;
use swav_wgpu::judge::{Judged, Table};
use swav_wgpu::pass::Progress;

/// Two hundred of the built-in pictures in twelve groups.
fn uses() -> Uses {
    let mut uses = Uses::idle("runs/demo-3".into());
    uses.apply(News::About(Box::new(samples::about())));
    uses.apply(News::Seen(Box::new(samples::seen(200))));
    let of = (0..200u32).map(|row| (row * row / 900) % 12).collect();
    uses.apply(News::Grouped(By::Clusters, of, (0..200).map(|row| 1.0 - row as f32 / 400.0).collect()));
    uses.into = "/home/anna/Pictures/drawings sorted".into();
    *uses.thumbs_mut() = Thumbs::open(swav_wgpu::config::Config::default(), || {});
    uses
}

fn whole(size: [f32; 2], theme: Theme, uses: Uses) -> Harness<'static, Window> {
    let window = Window::of(State::default(), Vec::new()).using(uses);
    let mut harness = harness(size, theme, window, |ui, window| window.draw(ui));
    settle(&mut harness);
    harness
}

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
    judge.apply(News::Judged(vec![table]));
    let judge = whole(SIZE, Theme::Dark, judge);
    for words in ["this network", "44.1 / 80.0", "raw pixels", "900 pictures ask"] {
        assert!(says(&judge, words), "the judgement does not say {words}");
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
        failed.apply(News::Ended(kind, Err(failure)));
        let failed = whole(SIZE, Theme::Dark, failed);
        for words in told {
            assert!(says(&failed, words), "a failure does not say {words}");
        }
    }

    let mut weights = Uses::idle("swav_800ep_pretrain.pth.tar".into());
    let about = About { trained_on: None, ..samples::about() };
    weights.apply(News::About(Box::new(about)));
    let weights = whole(SIZE, Theme::Dark, weights);
    assert!(says(&weights, "Which pictures?") && says(&weights, "Choose a folder"));

    let mut gone = Uses::idle("runs/demo-3".into());
    gone.apply(News::About(Box::new(samples::about())));
    let missing = Error::Data { path: "/no/where".into(), reason: "there is nothing here".into() };
    gone.apply(News::Ended(Kind::Look, Err(Failure::told(&missing))));
    assert!(says(&whole(SIZE, Theme::Dark, gone), "Where are they now?"));
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
