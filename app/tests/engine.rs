//! A real run on the engine's thread, driven as the window drives it: start, look, pause, step, go on, stop,
//! and open it again.

mod stage;

use std::path::Path;
use std::time::{Duration, Instant};
use swav_app::engine::{Engine, Message};
use swav_app::recent;
use swav_app::state::{Phase, State};
use swav_wgpu::config::{Config, Tuned};
use swav_wgpu::gpu;
use swav_wgpu::train::{PreviewRequest, TrainOptions};
use swav_wgpu::tune::{Entry, Store};

fn config(out: &Path) -> Config {
    stage::small_demo(&[
        ("steps", "100000"),
        ("report_every", "1"),
        ("eval_every", "0"),
        ("checkpoint_every", "0"),
        ("out", &out.to_string_lossy()),
    ])
}

/// Takes messages in until `done`.
fn wait(engine: &mut Engine, state: &mut State, what: &str, done: impl Fn(&State) -> bool) {
    let start = Instant::now();
    while !done(state) {
        engine.poll().into_iter().for_each(|message: Message| state.apply(message));
        assert!(start.elapsed() < Duration::from_secs(600), "waited for {what}: {:?}", state.log);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_run_is_driven_looked_at_stopped_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let config = config(&out);
    let mut state = State::opening(config.clone(), Vec::new());
    let options = TrainOptions { config: config.clone(), resume: None, profile: false, within: None };
    let mut engine = Engine::start(options, None, false, |_| {});
    engine.control().watch(&PreviewRequest { pictures: vec![5, 6], draw: 0, sample: 30 });
    wait(&mut engine, &mut state, "steps and a look", |state| {
        state.reports.len() > 3 && state.shown.is_some() && state.map().is_some()
    });
    assert_eq!((state.phase, state.map().unwrap().points.len()), (Phase::Running, 30));

    // Paused, it does one step when told to, and shows other crops when asked for.
    engine.control().pause(true);
    state.paused(true);
    std::thread::sleep(Duration::from_millis(500));
    engine.poll().into_iter().for_each(|message| state.apply(message));
    let step = state.step;
    engine.control().step();
    wait(&mut engine, &mut state, "one step", |state| state.step > step);
    engine.control().watch(&PreviewRequest { pictures: vec![5], draw: 3, sample: 30 });
    wait(&mut engine, &mut state, "new crops", |state| state.shown.as_ref().is_some_and(|s| s.draw == 3));
    engine.control().checkpoint();
    wait(&mut engine, &mut state, "a checkpoint", |state| !state.checkpoints.is_empty());
    assert_eq!((state.step, state.phase), (step + 1, Phase::Paused));
    assert_eq!(state.checkpoints, [step + 1]);

    engine.control().pause(false);
    state.paused(false);
    wait(&mut engine, &mut state, "more steps", |state| state.step > step + 3);
    engine.control().stop();
    state.stopping();
    wait(&mut engine, &mut state, "the end", |state| state.phase == Phase::Stopped);
    engine.join();
    let stopped = state.step;

    // Opened again and held, it shows the same network and its earlier figures, and does no step.
    let earlier = recent::reports(&out);
    assert!(recent::Entry::read(&out).unwrap().has_checkpoint && !earlier.is_empty());
    // As the run resolved them: who makes the crops is no longer open, for one.
    let config = recent::config(&out).unwrap();
    let mut state = State::opening(config.clone(), earlier);
    state.hold(true);
    let options = TrainOptions { config, resume: Some(out), profile: false, within: None };
    let mut engine = Engine::start(options, None, true, |_| {});
    engine.control().watch(&PreviewRequest { pictures: vec![5], draw: 0, sample: 0 });
    wait(&mut engine, &mut state, "a look", |state| state.shown.is_some());
    assert_eq!((state.phase, state.step), (Phase::Paused, stopped));
    engine.control().stop();
    wait(&mut engine, &mut state, "the end", |state| state.phase == Phase::Stopped);
    assert_eq!(state.step, stopped);
}

#[test]
fn what_is_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder.path().join("run"));
    config.data = Some(folder.path().join("nowhere"));
    let mut state = State::opening(config.clone(), Vec::new());
    let options = TrainOptions { config, resume: None, profile: false, within: None };
    let mut engine = Engine::start(options, None, false, |_| {});
    wait(&mut engine, &mut state, "the failure", |state| state.phase == Phase::Failed);
    assert!(state.failure.unwrap().text.contains("nowhere") && engine.is_over());
}

/// What `swav-wgpu tune` kept for this user is taken by fresh runs, as the command line does it.
#[test]
fn tuned_kernels_are_taken_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let adapter = gpu::adapters().swap_remove(0);
    let kept = Entry {
        driver: format!("{}, {}", adapter.backend, adapter.driver),
        adapter: adapter.name,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        choices: "direct".to_owned(),
    };
    Store::empty(&Store::file(folder.path())).write(kept).unwrap();
    let out = folder.path().join("run");
    let mut config = config(&out);
    config.adapter = Some(adapter.index.to_string());
    let mut state = State::opening(config.clone(), Vec::new());
    let options = TrainOptions { config, resume: None, profile: false, within: None };
    let mut engine = Engine::start(options, Some(folder.path().to_owned()), false, |_| {});
    wait(&mut engine, &mut state, "a report", |state| !state.reports.is_empty());
    engine.control().stop();
    wait(&mut engine, &mut state, "the end", |state| state.phase == Phase::Stopped);
    assert_eq!(recent::config(&out).unwrap().tuned, Tuned::Choices("direct".to_owned()));
    assert!(state.log.iter().any(|line| line.text.contains("as tuned")), "{:?}", state.log);
}

/// A time in place of a number of steps goes to the run: one into which nothing fits is refused as the command line does it.
#[test]
fn a_time_that_is_too_short_for_a_run_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let config = Config { steps: None, eval_pictures: Some(50), ..config(&out) };
    let mut state = State::opening(config.clone(), Vec::new());
    let within = Some(Duration::from_millis(1));
    let options = TrainOptions { config, resume: None, profile: false, within };
    let mut engine = Engine::start(options, None, false, |_| {});
    wait(&mut engine, &mut state, "the failure", |state| state.phase == Phase::Failed);
    let told = state.failure.unwrap().text;
    assert!(told.contains("1ms is too short") && !out.exists(), "{told}");
}
