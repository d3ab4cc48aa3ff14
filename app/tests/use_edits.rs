//! Groups that a person puts right on the screen, and sorts that are begun, left and gone on with.

mod stage;

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, Theme, ViewportCommand, ViewportEvent};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use stage::used::{used as uses, whole_used as whole};
use stage::{harness, nameless, says, settle};
use swav_app::engine::Failure;
use swav_app::state::State;
use swav_app::uses::task::{Kind, News};
use swav_app::window::Window;
use swav_wgpu::error::Error;
use swav_wgpu::pass::Progress;
use swav_wgpu::uses::sort::{How, Sorted};

const SIZE: [f32; 2] = [1280.0, 800.0];

/// The field of a group's name.
fn name_field<'t>(harness: &'t Harness<'_, Window>, name: &'t str) -> egui_kittest::Node<'t> {
    harness.get_by(|node| node.role() == Role::TextInput && node.value().as_deref() == Some(name))
}

/// The screen in which somebody has just typed another name of the fifth group, and has done nothing else yet.
fn typing(text: &str) -> Harness<'static, Window> {
    let mut harness = whole(SIZE, Theme::Dark, uses());
    name_field(&harness, "group 05").click();
    harness.run_steps(2);
    harness.event(Event::Text(text.to_owned()));
    harness.run_steps(2);
    name_field(&harness, text);
    harness
}

fn names(harness: &Harness<'_, Window>) -> Vec<String> {
    let groups = harness.state().uses().and_then(|uses| uses.groups.as_ref()).expect("groups");
    groups.all().iter().map(|group| group.name.clone()).collect()
}

/// Whatever is clicked next, and wherever that stands on the screen.
#[test]
fn a_name_that_was_just_typed_counts() {
    let mut sorted = typing("Vögel");
    sorted.get_by_label("Sort 200 pictures").click();
    sorted.run_steps(3);
    let plan = &sorted.state().uses().unwrap().sorted.as_ref().expect("a sort was ordered").0;
    assert_eq!(plan.names[4], "Vögel", "the sort has the old name");
    assert_eq!(names(&sorted)[4], "Vögel");

    for next in ["group 01, ", "group 09, "] {
        let mut opened = typing("Vögel");
        opened.get_by_label_contains(next).click();
        opened.run_steps(3);
        assert!(opened.state().uses().unwrap().open.is_some());
        assert_eq!(names(&opened)[4], "Vögel", "{next}");
    }
    for next in ["group 02", "group 08"] {
        let mut other = typing("Vögel");
        name_field(&other, next).click();
        other.run_steps(3);
        other.event(Event::Text("Häuser".to_owned()));
        other.run_steps(2);
        other.key_press(Key::Enter);
        other.run_steps(3);
        assert_eq!(names(&other)[4], "Vögel", "{next}");
        assert!(names(&other).contains(&"Häuser".to_owned()));
    }
    let mut away = typing("Vögel");
    away.get_by_label("Explore").click();
    away.run_steps(3);
    assert_eq!(names(&away)[4], "Vögel");

    // The group that was named is one place further up once an earlier one has gone into another.
    let mut merged = typing("Vögel");
    let [from, to] =
        ["group 04, ", "group 01, "].map(|label| merged.get_by_label_contains(label).rect().left_top());
    let off = eframe::egui::vec2(30.0, 30.0);
    merged.drag_at(from + off);
    merged.run_steps(2);
    merged.hover_at(to + 2.0 * off);
    merged.run_steps(2);
    merged.drop_at(to + off);
    merged.run_steps(3);
    assert_eq!((names(&merged).len(), &*names(&merged)[3]), (11, "Vögel"), "{:?}", names(&merged));
}

/// A name that no folder can have is checked like any other, although it has only just been typed.
#[test]
fn a_wrong_name_that_was_just_typed_keeps_the_sort_from_starting() {
    let mut wrong = typing("a/b");
    wrong.get_by_label("Sort 200 pictures").click();
    wrong.run_steps(3);
    assert!(wrong.state().uses().unwrap().sorted.is_none(), "it was sorted");
    assert!(says(&wrong, "not every system allows in a name"));
    assert!(wrong.get_by_label("Sort 200 pictures").accesskit_node().is_disabled());
}

/// A sort goes on while somebody leaves, opens another folder or closes the window: asked first, in one way for all.
#[test]
fn a_sort_is_not_ended_without_a_question() {
    let sorting = || {
        let mut uses = uses();
        let plan = uses.groups.as_ref().unwrap().plan("/home/anna/out".into(), How::Copy);
        uses.sorted = Some((plan, false));
        uses.apply(News::Began(Kind::Sort));
        let progress = Progress { doing: "sorting", unit: "files", done: 50, total: 200, seconds: 5.0 };
        uses.apply(News::Progress(progress));
        let window = Window::of(State::default(), Vec::new()).using(uses);
        let mut harness = harness(SIZE, Theme::Dark, window, |ui, window| {
            window.close(ui.ctx());
            window.draw(ui);
        });
        settle(&mut harness);
        harness
    };
    const ASKED: &str = "50 of 200 are in their folders";
    let mut left = sorting();
    left.key_press_modifiers(Modifiers::COMMAND, Key::L);
    left.run_steps(4);
    assert!(left.state().uses().is_some() && says(&left, ASKED));
    assert_eq!(nameless(&left), Vec::<String>::new());
    left.get_by_label("Go on sorting").click();
    left.run_steps(4);
    assert!(left.state().uses().is_some() && !says(&left, ASKED));
    left.get_by_label("Back").click();
    left.run_steps(4);
    left.key_press(Key::Escape);
    left.run_steps(4);
    assert!(left.state().uses().is_some() && !says(&left, ASKED));
    left.get_by_label("Back").click();
    left.run_steps(4);
    left.get_by_label("Stop sorting and leave").click();
    left.run_steps(4);
    assert!(left.state().uses().is_none());

    let commands = |harness: &Harness<'_, Window>| {
        harness
            .output()
            .viewport_output
            .values()
            .flat_map(|output| output.commands.clone())
            .collect::<Vec<_>>()
    };
    let mut closed = sorting();
    let viewport = closed.input().viewport_id;
    closed.input_mut().viewports.entry(viewport).or_default().events.push(ViewportEvent::Close);
    closed.step();
    assert!(commands(&closed).contains(&ViewportCommand::CancelClose));
    closed.run_steps(4);
    assert!(says(&closed, ASKED));
    closed.get_by_label("Stop sorting and leave").click();
    let mut told = Vec::new();
    for _ in 0..4 {
        closed.step();
        told.extend(commands(&closed));
    }
    assert!(told.contains(&ViewportCommand::Close) && closed.state().uses().is_none(), "{told:?}");

    // Other pictures are looked at once that is what a person wants.
    let mut other = sorting();
    other.get_by_label("built-in drawings").click();
    other.run_steps(4);
    assert!(says(&other, ASKED));
    // A sort that came to its end keeps nobody.
    assert!(whole(SIZE, Theme::Dark, uses()).state().uses().is_some_and(|uses| uses.unfinished().is_none()));
}

/// Groups that got other names since would put what is left beside what is there: the rest goes where the first went.
#[test]
fn a_sort_that_was_stopped_goes_on_by_the_names_that_it_began_with() {
    let mut stopped = uses();
    stopped.groups.as_mut().unwrap().rename(0, "Vögel");
    stopped.sort();
    let plan = stopped.sorted.as_ref().unwrap().0.clone();
    stopped.apply(News::Began(Kind::Sort));
    stopped.apply(News::Sorted(plan.clone(), Sorted { made: 20, ..Sorted::default() }));
    stopped.apply(News::Ended(Kind::Sort, Err(Failure::told(&Error::Stopped))));
    stopped.groups.as_mut().unwrap().rename(0, "birds");
    let mut harness = whole(SIZE, Theme::Dark, stopped);
    harness.get_by_label("Close").click();
    harness.run_steps(4);
    assert!(says(&harness, "was not finished") && says(&harness, "lie there twice"));
    assert_eq!(nameless(&harness), Vec::<String>::new());
    harness.get_by_label("Finish it as it was").click();
    harness.run_steps(4);
    let now = harness.state().uses().unwrap();
    assert_eq!(now.sorted, Some((plan.clone(), false)));
    assert_eq!(names(&harness)[0], "birds");

    // One that is over says so before the next goes into the same folder by other names.
    let mut over = uses();
    over.sorted = Some((over.groups.as_ref().unwrap().plan(over.into.clone().into(), How::Copy), true));
    let same = whole(SIZE, Theme::Dark, over);
    assert!(!says(&same, "lie there twice"));
    let mut over = uses();
    over.sorted = Some((over.groups.as_ref().unwrap().plan(over.into.clone().into(), How::Copy), true));
    over.groups.as_mut().unwrap().rename(0, "Vögel");
    let other = whole(SIZE, Theme::Dark, over);
    assert!(says(&other, "lie there twice"));
}

/// What can be done about a sort that failed stands beside it.
#[test]
fn a_sort_that_failed_has_a_way_out() {
    let gone = Error::Data { path: "/no/where".into(), reason: "the pictures are not there any more".into() };
    let links = Error::io("out/a.png")(std::io::Error::from(std::io::ErrorKind::CrossesDevices));
    let inside = Error::config("into", "out lies in the folder of pictures");
    let table: [(Error, &[&str], &[&str]); 3] = [
        (gone, &["Where are they now?", "Go on"], &["Make copies"]),
        (links, &["Make copies"], &["Go on", "Where are they now?"]),
        (inside, &["lies in the folder"], &["Go on", "Make copies", "Finish it as it was"]),
    ];
    for (error, there, missing) in table {
        let mut failed = uses();
        failed.how = How::HardLink;
        failed.sort();
        failed.apply(News::Ended(Kind::Sort, Err(Failure::told(&error))));
        let mut failed = whole(SIZE, Theme::Dark, failed);
        for words in there {
            assert!(says(&failed, words), "{error} does not say {words}");
        }
        for words in missing {
            assert!(!says(&failed, words), "{error} says {words}");
        }
        if there.contains(&"Make copies") {
            failed.get_by_label("Make copies").click();
            failed.run_steps(3);
            let uses = failed.state().uses().unwrap();
            assert_eq!((uses.how, uses.sorted.as_ref().unwrap().0.how), (How::Copy, How::Copy));
        }
    }
}
