//! What can be reached and read: by the keyboard, on every screen, and under the pointer in the plot.

mod stage;

use eframe::egui::accesskit::{Action, Role};
use eframe::egui::{Key, Rect, Theme, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use stage::first::first;
use stage::shapes::{painted, paints};
use stage::used::{used, whole_used};
use stage::{harness, pane, samples, says, settle, window};
use std::collections::BTreeMap;
use std::sync::Arc;
use swav_app::engine::Message;
use swav_app::engine::digest::Digest;
use swav_app::engine::unfold::fold;
use swav_app::uses::Tab;
use swav_app::window::Window;
use swav_wgpu::eval::Features;

fn whole(window: Window) -> Harness<'static, Window> {
    let mut harness = harness([1280.0, 800.0], Theme::Dark, window, |ui, window| window.draw(ui));
    settle(&mut harness);
    harness
}

/// What has the keyboard: which node, what it is called, and where it is.
fn focused(harness: &Harness<'_, Window>) -> Option<(u64, String, Rect)> {
    let mut nodes = vec![harness.root()];
    while let Some(node) = nodes.pop() {
        nodes.extend(node.children());
        let told = node.accesskit_node();
        if told.is_focused() && told.bounding_box().is_some() {
            let name = format!("{:?} {:?}", told.role(), told.label().or(told.value()).unwrap_or_default());
            return Some((told.locate().0.0, name, node.rect()));
        }
    }
    None
}

/// All that can be clicked on the screen and is not switched off.
fn clickable(harness: &Harness<'_, Window>) -> BTreeMap<u64, String> {
    let (mut found, mut nodes) = (BTreeMap::new(), vec![harness.root()]);
    while let Some(node) = nodes.pop() {
        nodes.extend(node.children());
        let told = node.accesskit_node();
        let acts = told.data().supports_action(Action::Click) && told.role() != Role::ScrollBar;
        if acts && !told.is_disabled() && told.data().supports_action(Action::Focus) {
            found.insert(told.locate().0.0, format!("{:?} {:?}", told.role(), told.label().or(told.value())));
        }
    }
    found
}

/// Goes through a screen by Tab alone: everything that can be clicked has its turn, and is seen to have it.
fn assert_reached(what: &str, mut harness: Harness<'static, Window>) {
    const MOST: usize = 400;
    let mut left = clickable(&harness);
    assert!(left.len() > 8, "{what}: {left:?}");
    let (mut first, mut unseen) = (None, Vec::new());
    for press in 0.. {
        assert!(press < MOST, "{what} has no end: {left:?} were not reached");
        harness.key_press(Key::Tab);
        harness.run_steps(3);
        let Some((id, name, place)) = focused(&harness) else { continue };
        if first == Some(id) {
            break;
        }
        first.get_or_insert(id);
        let with = painted(&harness, place);
        // The same place without the keyboard on it.
        let ctx = harness.ctx.clone();
        ctx.memory_mut(|memory| {
            memory.surrender_focus(memory.focused().expect("something has the keyboard"));
        });
        harness.run_steps(2);
        if painted(&harness, place) == with {
            unseen.push(name);
        }
        left.remove(&id);
        focus(&mut harness, id);
    }
    assert_eq!(left, BTreeMap::new(), "{what}: Tab does not come here");
    assert_eq!(unseen, Vec::<String>::new(), "{what}: nobody sees that these have the keyboard");
}

/// Gives the keyboard back to what had it.
fn focus(harness: &mut Harness<'_, Window>, id: u64) {
    let mut nodes = vec![harness.root()];
    while let Some(node) = nodes.pop() {
        if node.accesskit_node().locate().0.0 == id {
            node.focus();
            break;
        }
        nodes.extend(node.children());
    }
    harness.run_steps(2);
}

#[test]
fn the_keyboard_reaches_the_first_screen() {
    assert_reached("the first screen", whole(first()));
}

#[test]
fn the_keyboard_reaches_a_run() {
    assert_reached("a run", whole(window(samples::running(900))));
}

#[test]
fn the_keyboard_reaches_an_open_prototype() {
    let mut open = window(samples::running(900));
    open.look_mut().prototype = Some(7);
    open.look_mut().mark(600..606);
    assert_reached("an open prototype", whole(open));
}

#[test]
fn the_keyboard_reaches_a_network_in_use() {
    for tab in [Tab::Sort, Tab::Alike, Tab::Explore, Tab::Export, Tab::Judge] {
        let mut uses = used();
        uses.turn_to(tab);
        assert_reached(&format!("{tab:?}"), whole_used([1280.0, 800.0], Theme::Dark, uses));
    }
    let mut open = used();
    (open.open, open.chosen) = (Some(1), vec![31]);
    assert_reached("an open group", whole_used([1280.0, 800.0], Theme::Dark, open));
}

/// What a right click does, for those who have none.
#[test]
fn look_alikes_are_found_without_a_mouse() {
    let enter = |harness: &mut Harness<'static, Window>, name: &str| {
        harness.get_by_label(name).focus();
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(4);
    };
    const BUTTON: &str = "Find look-alikes";
    let mut open = used();
    open.open = Some(1);
    let picture =
        open.seen.as_ref().unwrap().pictures[open.groups.as_ref().unwrap().all()[1].rows[0] as usize];
    let mut group = whole_used([1280.0, 800.0], Theme::Dark, open);
    let name = group.state_mut().thumbs_mut().names().told(picture);
    // The tab above has the same words.
    let buttons = |harness: &Harness<'_, Window>| -> Vec<bool> {
        harness.query_all_by_label(BUTTON).map(|node| node.accesskit_node().is_disabled()).collect()
    };
    assert_eq!(buttons(&group), [false, true]);
    enter(&mut group, &name);
    assert_eq!(buttons(&group), [false, false]);
    group.query_all_by_label(BUTTON).last().unwrap().focus();
    group.run_steps(2);
    group.key_press(Key::Enter);
    group.run_steps(4);
    assert!(says(&group, "Look-alikes of what?"), "the other tab is not shown");

    for of_prototype in [true, false] {
        let mut marked = window(samples::running(900));
        marked.look_mut().prototype = of_prototype.then_some(7);
        let tile = samples::map(900, 2048, 300).prototypes[7].nearest[1].0;
        if !of_prototype {
            marked.look_mut().mark([tile, tile + 1]);
        }
        let mut run = whole(marked);
        let name = run.state_mut().thumbs_mut().names().told(tile);
        assert!(run.query_all_by_label(BUTTON).all(|node| node.accesskit_node().is_disabled()));
        enter(&mut run, &name);
        assert!(run.query_all_by_label(BUTTON).any(|node| !node.accesskit_node().is_disabled()));
    }
}

fn plot(harness: &Harness<'_, Window>) -> Rect {
    harness.get_by_label_contains("pictures on a plane; drag with Shift to mark some").rect()
}

/// The pointer over a point is told the file, the class, the prototype and the loss.
#[test]
fn a_point_says_what_it_is() {
    let mut run = pane([600.0, 372.0], "embedding", window(samples::running(900)));
    let place = plot(&run);
    let all = (1..20).flat_map(|y| (1..20).map(move |x| (x as f32 / 20.0, y as f32 / 20.0)));
    for (x, y) in all {
        run.hover_at(pos2(place.left() + x * place.width(), place.top() + y * place.height()));
        run.run_steps(6);
        if says(&run, ", cosine ") {
            break;
        }
    }
    assert!(says(&run, "prototype ") && says(&run, ", loss ") && says(&run, "class "), "nothing is told");
    let names = run.state_mut().thumbs_mut().names().files.clone();
    assert!(names.iter().any(|file| says(&run, file)), "the file is not told");
}

/// What colours mean stands beside them as soon as they mean something.
#[test]
fn colours_have_a_legend() {
    let mut run = pane([600.0, 372.0], "embedding", window(samples::running(900)));
    let class = run.state_mut().thumbs_mut().names().classes[0].clone();
    assert!(!paints(&run, &class) && !paints(&run, "loss 0."));
    run.get_by_label("label").click();
    run.run_steps(3);
    assert!(paints(&run, &class), "no legend of classes");
    run.get_by_label("loss").click();
    run.run_steps(3);
    assert!(paints(&run, "loss 0.") && !paints(&run, &class), "no legend of losses");
}

/// What was unfolded stays on the screen when the run has been looked at again.
#[test]
fn an_unfolded_look_outlives_the_next_one() {
    let unfolded = |newer: bool| {
        let mut state = samples::running(900);
        let features = Features::new(2048, 2, vec![0.5; 4096]).expect("as many values as that");
        let mut look = |step| {
            let map = Arc::new(samples::map(step, 2048, 300));
            let folded = Some(Arc::new(fold(Arc::clone(&map), &features)));
            let digest = Digest { step, draw: 1, crops: None, map: Some(map), folded };
            state.apply(Message::Digest(Box::new(digest)));
        };
        look(900);
        if newer {
            // It was being worked on meanwhile.
            look(910);
        }
        state.apply(Message::Unfolded(Arc::new(samples::map(900, 500, 300))));
        if newer {
            let map = Arc::new(samples::map(920, 2048, 300));
            let folded = Some(Arc::new(fold(Arc::clone(&map), &features)));
            let digest = Digest { step: 920, draw: 1, crops: None, map: Some(map), folded };
            state.apply(Message::Digest(Box::new(digest)));
        }
        let mut pane = pane([600.0, 372.0], "embedding", window(state));
        pane.get_by_label("t-SNE").click();
        pane.run_steps(3);
        pane
    };
    for newer in [false, true] {
        let pane = unfolded(newer);
        assert!(says(&pane, "500 pictures at step 900"), "newer: {newer}");
        assert_eq!(pane.query_by_label("Again").is_some(), newer);
    }
}
