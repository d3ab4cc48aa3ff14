//! The first screen, the same on every machine.

use super::samples;
use swav_app::prospect::Cost;
use swav_app::recent::Entry;
use swav_app::recipes;
use swav_app::state::State;
use swav_app::thumbs::Thumbs;
use swav_app::window::Window;
use swav_wgpu::config::{Config, Preset};
use swav_wgpu::gpu::AdapterFacts;
use swav_wgpu::measure::Machine;

/// The first screen with two earlier runs and the crops of recipes.
pub(crate) fn first() -> Window {
    let dataset = swav_wgpu::data::Dataset::open(None).expect("the built-in pictures are there");
    let entry = |name: &str, finished, seconds| Entry {
        path: format!("/home/anna/Documents/SwAV runs/{name}").into(),
        preset: Some(Preset::Demo),
        data: None,
        step: 1892,
        finished,
        running: false,
        has_checkpoint: true,
        last: Some(samples::report(1892, 1892)),
        knn: Some(0.441),
        seconds: Some(seconds),
        modified: None,
    };
    let runs = vec![entry("drawings 2", false, 128.0), entry("drawings 1", true, 413.0)];
    let cost = Cost {
        steps: 1892,
        seconds: 212.0,
        memory: 44_040_192,
        adapter: "AMD Radeon RX 7600".into(),
        suited: None,
    };
    let mut start = Window::of(State::default(), vec![adapter()])
        .with_runs(runs)
        .with_prospect("/home/anna/Documents/SwAV runs".into(), cost);
    *start.thumbs_mut() = Thumbs::open(Config::default(), || {});
    let machine = Machine { adapter: "AMD Radeon RX 7600".into(), gflop_per_s: 2100.0 };
    start.recipes_mut().take_crops(recipes::crops(&Config::default(), &dataset));
    start.recipes_mut().take_seconds(recipes::seconds((2781, 16), &machine));
    start
}

fn adapter() -> AdapterFacts {
    AdapterFacts {
        name: "AMD Radeon RX 7600".into(),
        kind: "discrete GPU".into(),
        backend: "Vulkan".into(),
        index: 0,
        driver: "radv, Mesa 25.2".into(),
        compiler: None,
        software: false,
        max_buffer_bytes: 1 << 32,
        max_binding_bytes: 1 << 31,
        subgroup: Some((32, 64)),
        int64: true,
        f16: true,
        matrix: None,
        timestamps: true,
    }
}
