//! Runs in realistic states that never happened: for tests, which must not wait for training.
#![allow(dead_code, reason = "unit tests, tests that draw, and the bench take some of them each")]

use std::sync::Arc;
use swav_app::engine::digest::{Digest, Map, Tile};
use swav_app::engine::unfold::fold;
use swav_app::engine::{Failure, Message};
use swav_app::state::State;
use swav_app::uses::task::{About, Seen};
use swav_wgpu::config::{Config, Method, Preset};
use swav_wgpu::eval::Features;
use swav_wgpu::train::events::Started;
use swav_wgpu::train::health::{Advice, FailureMode};
use swav_wgpu::train::preview::{Crops, Likeness, View};
use swav_wgpu::train::{Event, Metrics, Pair, SplitAccuracy, SplitSummary, Summary};

/// What a demo run consists of.
pub(crate) fn started(total_steps: u64) -> Started {
    Started {
        adapter: "AMD Radeon RX 7600".into(),
        software: false,
        pictures: 2781,
        classes: 16,
        steps_per_epoch: 43,
        total_steps,
        start_step: 0,
        memory_bytes: 44_040_192,
        driver_bytes: Some(43_200_000),
        dispatches: 182,
        run_folder: "runs/demo-3".into(),
    }
}

/// A number in 0…1 that looks random and is always the same for the same `seed`.
fn noise(seed: u64) -> f64 {
    let x = (seed as f64 * 12.9898).sin() * 43758.5453;
    x - x.floor()
}

/// A report of a healthy run.
pub(crate) fn report(step: u64, total: u64) -> Metrics {
    let part = step as f64 / total.max(1) as f64;
    Metrics {
        step,
        epoch: step / 43 + 1,
        loss: 3.5 + 2.2 * (-6.0 * part).exp() + 0.25 * (noise(step) - 0.5),
        chance: Some(5.704),
        lr: 0.001 * (1.0 + (std::f64::consts::PI * part).cos()) * (part * 20.0).min(1.0),
        images_per_s: 295.0 + 40.0 * (noise(step + 7) - 0.5),
        wait_share: 0.02,
        accuracy: None,
        code_entropy: Some(1.2 + 3.0 * (-8.0 * part).exp() + 0.1 * noise(step + 3)),
        prototypes_used: Some(296 - (60.0 * (-10.0 * part).exp()) as u64),
        prototypes_dead: Some(4 + (60.0 * (-10.0 * part).exp()) as u64),
        prototypes_duplicated: Some(0),
        embedding_spread: 0.86 - 0.5 * (-8.0 * part).exp(),
        gradient_norm: 0.4 + 2.0 * (-7.0 * part).exp() + 0.1 * noise(step + 5),
        non_finite: 0,
        loss_scale: None,
        skipped_steps: None,
        knn: None,
    }
}

fn splits(plain: f64) -> Vec<SplitAccuracy> {
    [("split", 0.0), ("split_concept", -0.06)]
        .map(|(name, less)| SplitAccuracy {
            name: name.into(),
            plain: plain + less,
            centred: plain + less + 0.02,
        })
        .to_vec()
}

/// The figures at the end of a run that did `steps` of `total`.
pub(crate) fn summary(steps: u64, total: u64) -> Summary {
    let pair = |plain| Some(Pair { plain, centred: plain + 0.02 });
    Summary {
        interrupted: steps < total,
        finished: steps == total,
        steps,
        total_steps: total,
        loss: 3.705,
        chance: Some(5.704),
        method: Method::Swav,
        code_entropy: Some(1.31),
        knn: vec![SplitSummary {
            name: "split".into(),
            queries: 1000,
            pixels: pair(0.341),
            untrained: pair(0.350),
            trained: pair(0.441),
        }],
        whole: Vec::new(),
        prototypes: 300,
        prototypes_used: 296,
        prototypes_dead: 4,
        prototypes_duplicated: 0,
        embedding_spread: 0.861,
        images_per_s: 295.0,
        seconds: 411.0,
        adapter: "AMD Radeon RX 7600".into(),
        seed: 31,
        run_folder: "runs/demo-3".into(),
        gallery: Some("runs/demo-3/gallery/index.html".into()),
        unreadable: 0,
    }
}

/// Crops of pictures of the built-in set, with codes and predictions.
pub(crate) fn crops(pictures: &[u32]) -> Vec<Crops> {
    use swav_wgpu::data::{CropBox, CropParams, Dataset};
    let Ok(dataset) = Dataset::open(None) else { return Vec::new() };
    let shares = |seed: u64, sharp: f64| -> Vec<f32> {
        let raw: Vec<f64> = (0..300).map(|k| (sharp * noise(seed * 1000 + k)).exp()).collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|v| (v / sum) as f32).collect()
    };
    let view = |picture: u32, at: u32, image: &image::RgbImage| {
        let region = CropBox { left: 3 + 9 * at, top: 12 - 5 * at, width: 44, height: 40 };
        let part = image::imageops::crop_imm(image, region.left, region.top, region.width, region.height);
        let pixels = image::imageops::resize(&part.to_image(), 32, 32, image::imageops::FilterType::Triangle);
        let seed = u64::from(picture);
        View {
            params: CropParams {
                region,
                flip: at == 1,
                jitter: None,
                grey: false,
                blur: None,
                each: Vec::new(),
            },
            pixels,
            prediction: shares(seed, 9.0 + f64::from(at)),
            code: Some(shares(seed, 14.0 + f64::from(at))),
            likeness: None,
        }
    };
    let one = |&picture: &u32| {
        let image = dataset.show(picture).ok()?;
        Some(Crops { picture, views: vec![view(picture, 0, &image), view(picture, 1, &image)], image })
    };
    pictures.iter().filter_map(one).collect()
}

/// The same of a network without codes, with six crops each.
pub(crate) fn alike(pictures: &[u32]) -> Vec<Crops> {
    let mut all = crops(pictures);
    for crops in &mut all {
        crops.views = crops.views.iter().cycle().take(6).cloned().collect();
        for (at, view) in crops.views.iter_mut().enumerate() {
            let cosine = |other: usize| {
                let seed = u64::from(crops.picture) + (at.max(other) * 7 + at.min(other)) as u64;
                if other == at { 1.0 } else { (0.55 + 0.4 * noise(seed)) as f32 }
            };
            let own = (0..6).map(cosine).collect();
            (view.prediction, view.code) = (Vec::new(), None);
            view.likeness = Some(Likeness { own, others: Some(0.12) });
        }
    }
    all
}

/// Pictures on a plane in clumps, one for each prototype that is used; of `k`, one in seventy is dead, and one
/// is doubled.
pub(crate) fn map(step: u64, pictures: u32, k: u32) -> Map {
    let used = k - k.div_ceil(70);
    let clump = |picture: u32| (u64::from(picture) * u64::from(used) / u64::from(pictures.max(1))) as u32;
    let place = |picture: u32| {
        let (c, spread) = (f64::from(clump(picture)), 0.05);
        let angle = c * 2.4;
        let at = |axis: u64, part: f64| {
            (0.09 * c.sqrt() * part + spread * (noise(u64::from(picture) * 2 + axis) - 0.5)) as f32
        };
        [at(0, angle.cos()), at(1, angle.sin())]
    };
    let all: Vec<u32> = (0..pictures).collect();
    let tile = |p: u32| {
        let first = (u64::from(p) * u64::from(pictures) / u64::from(used)) as u32;
        let mine = (0..24.min(pictures)).map(|i| (first + i) % pictures.max(1));
        let nearest = mine.enumerate().map(|(i, id)| (id, 0.95 - 0.01 * i as f32)).collect();
        let count = if p < used { 4 + (13.0 * noise(u64::from(p))) as u32 } else { 0 };
        Tile {
            count,
            share: f64::from(count) / (10.0 * f64::from(k)),
            twin: p + 1 == used,
            nearest,
            members: if p < used { pictures / used } else { 0 },
            neighbours: (1..4).map(|i| ((p + i) % k, 0.7 - 0.1 * i as f32)).collect(),
        }
    };
    Map {
        step,
        points: all.iter().map(|&picture| place(picture)).collect(),
        best: all.iter().map(|&picture| clump(picture)).collect(),
        cosine: all.iter().map(|&picture| 0.6 + 0.3 * noise(u64::from(picture)) as f32).collect(),
        loss: all.iter().map(|&picture| 5.0 * noise(u64::from(picture) + 9).powi(2) as f32).collect(),
        explained: [0.31, 0.17],
        prototypes: (0..k).map(tile).collect(),
        pictures: all,
        still: false,
    }
}

/// A small network with prototypes.
pub(crate) fn about() -> About {
    About {
        network: "basic blocks [1, 1, 1, 1], width 32, 3×3 stem, 256 features, head 256-64, 300 prototypes"
            .into(),
        adapter: "AMD Radeon RX 7600".into(),
        software: false,
        prototypes: 300,
        embeds: true,
        trained_on: Some(None),
        notice: None,
    }
}

/// The first of the built-in pictures, as that network sees them.
pub(crate) fn seen(pictures: u32) -> Seen {
    let map = Arc::new(Map { still: true, ..map(0, pictures, 20) });
    let data = (0..pictures * 2).map(|i| noise(u64::from(i)) as f32).collect();
    let features = Features::new(pictures as usize, 2, data).unwrap_or_default();
    Seen {
        config: Config::default(),
        place: None,
        pictures: (0..pictures).collect(),
        names: (0..pictures).map(|picture| format!("{picture}.png")).collect(),
        unreadable: Vec::new(),
        notices: Vec::new(),
        files: true,
        folded: Arc::new(fold(Arc::clone(&map), &features)),
        map,
    }
}

/// A demo run after `steps` of 1892 steps, with views.
pub(crate) fn running(steps: u64) -> State {
    let total = 1892;
    let config = Config::from_preset(Preset::Demo).unwrap_or_default();
    let mut state = State::opening(config, Vec::new());
    let mut events = vec![
        Event::Started(started(total)),
        Event::Pixels { splits: splits(0.341) },
        Event::Evaluated { step: 0, splits: splits(0.322) },
    ];
    for step in (10..=steps).step_by(10).chain((!steps.is_multiple_of(10)).then_some(steps)) {
        events.push(Event::Step { step });
        events.push(Event::Report(report(step, total)));
        if step % 250 == 0 {
            let path = "runs/demo-3/checkpoint.safetensors".into();
            events.push(Event::Checkpoint { path, step });
        }
        if step % 470 == 0 {
            let splits = splits(0.322 + 0.1 * (step as f64 / total as f64).sqrt());
            events.push(Event::Evaluated { step, splits });
        }
    }
    events.into_iter().for_each(|event| state.apply(Message::Event(event)));
    let crops = Some(Arc::new(crops(&[40, 700, 1500])));
    for step in [steps / 3, 2 * steps / 3, steps] {
        let map = Some(Arc::new(map(step, 2048, 300)));
        let digest = Digest { step, draw: 1, crops: crops.clone(), map, folded: None };
        state.apply(Message::Digest(Box::new(digest)));
    }
    state
}

/// The same, told to wait.
pub(crate) fn paused() -> State {
    let mut state = running(900);
    state.paused(true);
    state
}

/// The same, with all steps done.
pub(crate) fn finished() -> State {
    let mut state = running(1892);
    state.apply(Message::Event(Event::Finished(Box::new(summary(1892, 1892)))));
    state
}

/// A run whose numbers went wrong.
pub(crate) fn failed() -> State {
    let mut state = running(400);
    let text = "the run diverged at step 401: layer3.0.conv1.weight is no longer finite (12 values); start again \
                with a lower `lr` or a longer `warmup`, and with `epsilon` of 0.02 or more; the last good \
                checkpoint is runs/demo-3/checkpoint.safetensors (step 250)";
    state.apply(Message::Ended(Err(Failure::saying(text))));
    state
}

/// A run that collapsed onto a few clusters.
pub(crate) fn collapsed() -> State {
    let mut state = running(600);
    let advice = Advice {
        kind: FailureMode::Collapsed,
        cleared: false,
        sentence: "Only 4 of 300 prototypes are used: collapsed onto a few clusters.".into(),
        remedy: "Freeze the prototypes for longer, lower ε to 0.03 and lower the learning rate.".into(),
    };
    let report = Metrics {
        prototypes_used: Some(4),
        prototypes_dead: Some(296),
        loss: 5.69,
        embedding_spread: 0.04,
        ..report(610, 1892)
    };
    state.apply(Message::Event(Event::Report(report)));
    state.apply(Message::Event(Event::Advice(advice)));
    state
}
