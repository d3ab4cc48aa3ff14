use super::looks::LOOKS;
use super::*;
use crate::engine::digest::{Digest, Map};
use crate::samples;
use swav_wgpu::train::health::FailureMode;

fn after(events: Vec<Event>) -> State {
    let mut state = State::opening(Config::default(), Vec::new());
    events.into_iter().for_each(|event| state.apply(Message::Event(event)));
    state
}

fn advice(kind: FailureMode, cleared: bool) -> Event {
    let (sentence, remedy) = ("Something.".to_owned(), "Do this.".to_owned());
    Event::Advice(Advice { kind, cleared, sentence, remedy })
}

#[test]
fn a_run_goes_through_its_phases() {
    let mut state = after(vec![Event::Started(samples::started(100))]);
    assert_eq!((state.phase, state.total(), state.step), (Phase::Opening, 100, 0));
    state.apply(Message::Event(Event::Step { step: 1 }));
    assert_eq!((state.phase, state.step), (Phase::Running, 1));
    state.paused(true);
    state.apply(Message::Event(Event::Step { step: 2 }));
    assert_eq!((state.phase, state.step), (Phase::Paused, 2));
    state.paused(false);
    assert_eq!(state.phase, Phase::Running);
    state.stopping();
    state.apply(Message::Event(Event::Step { step: 3 }));
    assert_eq!(state.phase, Phase::Stopping);
    let summary = Box::new(samples::summary(3, 100));
    state.apply(Message::Event(Event::Finished(summary.clone())));
    let lines = state.log.len();
    state.apply(Message::Ended(Ok(summary)));
    assert_eq!((state.phase, state.log.len()), (Phase::Stopped, lines));
    assert!(state.log.back().unwrap().text.contains("stopped at step 3 of 100"));
    // What is over cannot be paused or stopped.
    state.paused(true);
    state.stopping();
    assert_eq!(state.phase, Phase::Stopped);
}

#[test]
fn a_run_opened_after_its_last_step_is_finished() {
    let mut state = after(vec![Event::Started(samples::started(2)), Event::Step { step: 1 }]);
    state.paused(true);
    assert_eq!(state.shown_phase(), Phase::Paused);
    state.apply(Message::Event(Event::Step { step: 2 }));
    assert_eq!((state.phase, state.shown_phase()), (Phase::Paused, Phase::Finished));
}

#[test]
fn a_failure_is_told_and_kept() {
    let mut state = after(vec![Event::Started(samples::started(10))]);
    let failure = Failure { field: Some("batch".into()), ..Failure::saying("batch: too large") };
    state.apply(Message::Ended(Err(failure.clone())));
    assert_eq!((state.phase, state.failure.as_ref()), (Phase::Failed, Some(&failure)));
    assert_eq!(state.log.back().map(|line| line.level), Some(Level::Error));
}

#[test]
fn advice_stands_until_it_clears() {
    let mut state = after(vec![advice(FailureMode::AtChance, false), advice(FailureMode::Collapsed, false)]);
    assert_eq!(state.advice.len(), 2);
    state.apply(Message::Event(advice(FailureMode::AtChance, true)));
    assert_eq!(state.advice.iter().map(|a| a.kind).collect::<Vec<_>>(), [FailureMode::Collapsed]);
    assert_eq!(state.log.back().map(|line| line.level), Some(Level::Good));
}

#[test]
fn a_resumed_run_replaces_what_it_reports_again() {
    let earlier = vec![samples::report(10, 100), samples::report(20, 100), samples::report(30, 100)];
    let mut state = State::opening(Config::default(), earlier);
    state.apply(Message::Event(Event::Report(samples::report(20, 100))));
    assert_eq!(state.reports.iter().map(|r| r.step).collect::<Vec<_>>(), [10, 20]);
}

#[test]
fn remaining_time_follows_the_pace() {
    let mut state = after(vec![Event::Started(samples::started(100)), Event::Step { step: 20 }]);
    assert_eq!(state.seconds_left(), None);
    let report = Metrics { images_per_s: 64.0, ..samples::report(20, 100) };
    state.apply(Message::Event(Event::Report(report)));
    let batch = state.config.batch as f64;
    assert!((state.seconds_left().unwrap() - 80.0 * batch / 64.0).abs() < 1e-9);
}

#[test]
fn looks_are_thinned_out_and_the_newest_stays() {
    let mut state = State::default();
    for step in 1..=300 {
        let map = Some(Arc::new(Map { step, pictures: vec![1], points: vec![[0.1, 0.2]], ..Map::default() }));
        state.apply(Message::Digest(Box::new(Digest { step, draw: 0, crops: None, map, folded: None })));
        assert!(state.looks.len() <= LOOKS);
        assert_eq!(state.map().map(|map| map.step), Some(step));
    }
    assert_eq!(state.looks[0].step, 1);
    assert!(state.looks.is_sorted_by_key(|look| look.step));
}

#[test]
fn a_pass_is_shown_until_something_else_happens() {
    let progress =
        |done| Progress { doing: "looking at pictures", unit: "pictures", done, total: 9, seconds: 1.0 };
    let mut state = after(vec![Event::Pass(progress(1)), Event::Pass(progress(4))]);
    assert_eq!((state.phase, state.pass.map(|pass| pass.done)), (Phase::Opening, Some(4)));
    state.apply(Message::Event(Event::Started(samples::started(10))));
    assert_eq!(state.pass, None);
    state.apply(Message::Event(Event::Step { step: 1 }));
    state.apply(Message::Event(Event::Pass(progress(2))));
    assert_eq!((state.phase, state.pass.map(|pass| pass.done)), (Phase::Running, Some(2)));
    state.apply(Message::Event(Event::Report(samples::report(1, 10))));
    assert_eq!(state.pass, None);
}

#[test]
fn a_run_that_is_stopped_before_it_is_open_has_not_failed() {
    let progress = Progress { doing: "listing", unit: "files", done: 1, total: 0, seconds: 1.0 };
    let mut state = after(vec![Event::Pass(progress)]);
    state.stopping();
    state.apply(Message::Ended(Err(Failure::from(swav_wgpu::error::Error::Stopped))));
    assert_eq!((state.phase, state.failure.as_ref(), state.pass), (Phase::Stopped, None, None));
    assert!(state.log.back().unwrap().text.contains("nothing was written"));
}

#[test]
fn a_run_that_gets_another_length_has_it_from_then_on() {
    let mut state = after(vec![Event::Started(samples::started(100)), Event::Step { step: 20 }]);
    let text = "Steps take 2.00 times as long as when they were measured.".to_owned();
    state.apply(Message::Event(Event::Resized { total_steps: 60, text: text.clone() }));
    assert_eq!((state.total(), state.step), (60, 20));
    assert!(state.log.iter().any(|line| line.text == text));
}

#[test]
fn a_run_whose_pictures_go_waits_loudly_until_a_person_goes_on() {
    let mut state = after(vec![Event::Started(samples::started(100)), Event::Step { step: 1 }]);
    state.apply(Message::Pictures { there: false });
    assert_eq!((state.phase, state.pictures), (Phase::Paused, Place::Gone));
    assert_eq!(state.log.back().map(|line| line.level), Some(Level::Error));
    // A step that was on its way does not make it look as if it went on.
    state.apply(Message::Event(Event::Step { step: 2 }));
    assert_eq!(state.phase, Phase::Paused);
    state.apply(Message::Pictures { there: true });
    assert_eq!((state.phase, state.pictures), (Phase::Paused, Place::Back));
    let mut over = after(vec![Event::Started(samples::started(9))]);
    over.apply(Message::Ended(Ok(Box::new(samples::summary(9, 9)))));
    over.apply(Message::Pictures { there: false });
    assert_eq!((over.phase, over.pictures), (Phase::Finished, Place::There));
}

#[test]
fn what_a_run_says_has_no_word_of_a_terminal() {
    let state = after(vec![Event::Notice("Started with `eval_every` 0, see --crops.".into())]);
    assert_eq!(state.log.back().unwrap().text, "Started with “eval every” 0, see “crops”.");
}

#[test]
fn advice_names_settings_as_the_form_does() {
    let advice = Advice {
        kind: FailureMode::Collapsed,
        cleared: false,
        sentence: "Only 4 are used with `queue` 0.".into(),
        remedy: "Raise `target_momentum`, see --crops.".into(),
    };
    let state = after(vec![Event::Advice(advice)]);
    let (sentence, remedy) = ("Only 4 are used with “queue” 0.", "Raise “target momentum”, see “crops”.");
    assert_eq!((&*state.advice[0].sentence, &*state.advice[0].remedy), (sentence, remedy));
    assert_eq!(state.log.back().unwrap().text, format!("{sentence} {remedy}"));
}

#[test]
fn pictures_that_are_passed_over_are_in_the_log() {
    let mut state = State::opening(Config::default(), Vec::new());
    state.passed_over(&[("a.png".into(), "it ends too soon".into()), ("b.png".into(), "no picture".into())]);
    let lines: Vec<&str> = state.log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines[0], "a.png cannot be read and is passed over: it ends too soon");
    assert_eq!((lines.len(), state.log[1].level), (2, Level::Warning));
}

#[test]
fn a_look_that_finds_no_picture_hides_nothing() {
    let mut state = samples::running(40);
    let (looks, crops) = (state.looks.len(), state.shown.as_ref().unwrap().crops.len());
    let progress =
        Progress { doing: "looking at pictures", unit: "pictures", done: 9, total: 9, seconds: 1.0 };
    state.apply(Message::Event(Event::Pass(progress)));
    let (map, none) = (Some(Arc::new(Map::default())), Some(Arc::new(Vec::new())));
    state.apply(Message::Digest(Box::new(Digest { step: 41, draw: 0, crops: none, map, folded: None })));
    assert_eq!((state.looks.len(), state.shown.as_ref().unwrap().crops.len()), (looks, crops));
    assert_eq!(state.pass, None, "the look is over");
}
