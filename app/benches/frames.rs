//! How long a frame takes where there is most to draw: 100,000 points of an embedding, 3000 prototypes, grids of 100,000
//! pictures.
//!
//! `cargo bench -p swav-app --bench frames`. A frame is drawn into shapes and these into triangles, which is
//! what the window's own thread does; `painted` is the same with the triangles drawn by the adapter and read
//! back, which a window does not do. Each large one stands beside a small one in the same run.

#[path = "../tests/stage/mod.rs"]
mod stage;

use eframe::egui::{Event, Modifiers, MouseWheelSource, MouseWheelUnit, Theme, TouchPhase, pos2, vec2};
use egui_kittest::Harness;
use stage::samples;
use stage::used::{used_of, whole_used};
use std::sync::Arc;
use std::time::{Duration, Instant};
use swav_app::engine::Message;
use swav_app::engine::digest::Digest;
use swav_app::uses::Tab;
use swav_app::window::Window;
use swav_wgpu::measure::Spread;

/// Frames of each kind.
const FRAMES: usize = 60;
/// Frames that are painted too.
const PAINTED: usize = 10;

type Bench = Harness<'static, Window>;

/// A pane on a whole window of 1280×800, of a run with so many points and prototypes.
fn pane(id: &'static str, points: u32, prototypes: u32) -> Bench {
    let mut state = samples::running(20);
    let map = Some(Arc::new(samples::map(30, points, prototypes)));
    state.apply(Message::Digest(Box::new(Digest { step: 30, draw: 0, crops: None, map, folded: None })));
    let mut bench = stage::pane([1280.0, 800.0], id, stage::window(state));
    bench.hover_at(pos2(640.0, 400.0));
    bench.run_steps(3);
    bench
}

/// A screen of a network in use, with so many pictures and all thumbnails that are seen.
fn screen(tab: Tab, pictures: u32, open: Option<usize>) -> Bench {
    let mut uses = used_of(pictures);
    uses.turn_to(tab);
    uses.open = open;
    let mut bench = whole_used([1280.0, 800.0], Theme::Dark, uses);
    bench.hover_at(pos2(640.0, 500.0));
    bench.run_steps(3);
    bench
}

/// Turns the wheel, once this way and once that, so that it never comes to an end.
fn wheel(bench: &Bench, frame: usize) {
    let way = if frame % 20 < 10 { -1.0 } else { 1.0 };
    bench.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, 120.0 * way),
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
}

/// What the window's thread does for a frame.
fn frame(bench: &mut Bench) -> Duration {
    let start = Instant::now();
    bench.step();
    let output = bench.output();
    let triangles = bench.ctx.tessellate(output.shapes.clone(), output.pixels_per_point);
    assert!(!triangles.is_empty(), "something is drawn");
    start.elapsed()
}

/// `median [least most]`, in milliseconds.
fn spread(times: &[Duration]) -> String {
    let ms: Vec<f64> = times.iter().map(|time| 1e3 * time.as_secs_f64()).collect();
    let Spread { median, min, max } = Spread::of(&ms);
    format!("{median:6.2} ms [{min:.2} {max:.2}]")
}

fn time(what: &str, mut bench: Bench) -> Result<(), String> {
    let still: Vec<_> = (0..FRAMES).map(|_| frame(&mut bench)).collect();
    let moving = |frame_number| {
        wheel(&bench, frame_number);
        frame(&mut bench)
    };
    let moved: Vec<_> = (0..FRAMES).map(moving).collect();
    let mut painted = Vec::new();
    for number in 0..PAINTED {
        wheel(&bench, number);
        let start = Instant::now();
        bench.step();
        bench.render()?;
        painted.push(start.elapsed());
    }
    println!("{what:<28} still {}, moving {}, painted {}", spread(&still), spread(&moved), spread(&painted));
    Ok(())
}

fn main() -> Result<(), String> {
    println!("a frame at 60 a second has 16.7 ms");
    for points in [2_048, 100_000] {
        time(&format!("embedding, {points} points"), pane("embedding", points, 300))?;
    }
    for prototypes in [300, 3000] {
        time(&format!("{prototypes} prototypes"), pane("prototypes", 8_192, prototypes))?;
    }
    for pictures in [2_000, 100_000] {
        time(&format!("groups of {pictures}"), screen(Tab::Sort, pictures, None))?;
        time(&format!("an open group of {pictures}"), screen(Tab::Sort, pictures, Some(1)))?;
        time(&format!("look-alikes among {pictures}"), screen(Tab::Alike, pictures, None))?;
        time(&format!("{pictures} explored"), screen(Tab::Explore, pictures, None))?;
    }
    Ok(())
}
