//! Whole runs of several ranks: what one run with as many parts computes, to the last bit, and how they end together.
//!
//! Here ranks are threads; `cli::ranks` has them as processes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use image::{Rgb, RgbImage};
use swav_wgpu::config::{Bytes, Config, CropGroup, Method, MicroBatch, Optimizer};
use swav_wgpu::error::Result;
use swav_wgpu::ranks::{Exchange, threads};
use swav_wgpu::runs::checkpoint::Checkpoint;
use swav_wgpu::train::{Event, Flow, TrainOptions, follow, train, train_among};

/// Pictures of noise, some of which cannot be read.
fn pictures(folder: &Path, broken: &[usize]) {
    for index in 0..36usize {
        let mut state = (index as u32).wrapping_mul(2_654_435_761) | 1;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 25) as u8 + 100 * (index % 2) as u8
        };
        let picture = RgbImage::from_fn(16, 16, |_, _| Rgb([next(), next(), next()]));
        let path = folder.join(["dark", "light"][index % 2]).join(format!("{index:02}.png"));
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("there is room");
        match broken.contains(&index) {
            true => std::fs::write(&path, "nothing").expect("there is room"),
            false => picture.save(&path).expect("there is room"),
        }
    }
}

fn settings(folder: &Path, method: Method) -> Config {
    Config {
        method,
        data: Some(folder.join("pics")),
        width: Some(4),
        blocks: Some(vec![1, 1, 1, 1]),
        hidden: 8,
        embedding: 8,
        prototypes: 6,
        batch: 8,
        queue: 16,
        queue_start: 1.0,
        crops: vec![CropGroup { count: 2, size: 16, scale: [0.4, 1.0] }],
        eval_size: 16,
        eval_resize: 16,
        optimizer: Optimizer::Larc,
        epochs: 3,
        warmup: 0.0,
        lr: 0.1,
        report_every: 1,
        checkpoint_every: 5,
        workers: 1,
        cache: Bytes(1 << 20),
        ..Config::default()
    }
}

/// Trains as `ranks`, each with its own answer to what happens; gives what rank 0 and the others come to.
fn together(
    count: usize,
    options: &TrainOptions,
    on_event: impl Fn(Event) -> Flow + Sync,
) -> (Result<()>, Vec<Result<()>>) {
    std::thread::scope(|scope| {
        let start = |rank: Arc<dyn Exchange>| {
            let on_event = &on_event;
            scope.spawn(move || match rank.rank() {
                0 => train_among(options.clone(), &rank, &mut |event| on_event(event)).map(drop),
                _ => follow(&rank),
            })
        };
        let started: Vec<_> = threads(count).into_iter().map(start).collect();
        let mut ended = started.into_iter().map(|rank| rank.join().expect("a rank ends without a panic"));
        let first = ended.next().expect("there is a rank 0");
        (first, ended.collect())
    })
}

/// The checkpoint and the losses of a run, to the bit.
fn outcome(run: &Path) -> (BTreeMap<String, Vec<u32>>, Vec<String>) {
    let checkpoint = Checkpoint::load(run).expect("it has a checkpoint").checkpoint;
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    let tensors = checkpoint.tensors.into_iter().map(|(name, tensor)| (name, bits(tensor.data))).collect();
    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).expect("it has figures");
    let loss = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line of figures");
        line["loss"].to_string()
    };
    (tensors, metrics.lines().map(loss).collect())
}

fn options(config: Config) -> TrainOptions {
    TrainOptions { config, resume: None, profile: false, within: None }
}

#[test]
fn a_run_of_ranks_is_a_run_in_parts() {
    let folder = tempfile::tempdir().expect("there is room");
    pictures(&folder.path().join("pics"), &[5]);
    for method in [Method::Swav, Method::DeepclusterV2] {
        let config = settings(folder.path(), method);
        let out = |name: &str| folder.path().join(format!("{method}-{name}"));
        let parts =
            Config { micro_batch: Some(MicroBatch::Of(4)), out: Some(out("parts")), ..config.clone() };
        train(options(parts), &mut |_| Flow::Continue).expect("a run");
        let ranks = Config { out: Some(out("ranks")), ..config.clone() };
        let (first, others) = together(2, &options(ranks), |_| Flow::Continue);
        first.expect("a run");
        assert!(others.iter().all(Result::is_ok), "{others:?}");
        assert_eq!(outcome(&out("ranks")), outcome(&out("parts")), "{method}");
        // What the second rank could not read is listed too.
        let list = std::fs::read_to_string(out("ranks").join("unreadable.txt")).expect("a list");
        assert_eq!(list, std::fs::read_to_string(out("parts").join("unreadable.txt")).expect("a list"));

        // Stopped on the way, it goes on: as ranks, and as one with parts.
        let half = Config { out: Some(out("half")), micro_batch: Some(MicroBatch::Of(4)), ..config.clone() };
        let (first, others) = together(2, &options(half), |event| match event {
            Event::Step { step: 6 } => Flow::Stop,
            _ => Flow::Continue,
        });
        first.expect("a stop is no failure");
        assert!(others.iter().all(Result::is_ok), "{others:?}");
        let settings = std::fs::read_to_string(out("half").join("config.toml")).expect("it has settings");
        let settings = Config::from_toml(&settings, "config.toml").expect("they are those of a run");
        let resumed = TrainOptions { resume: Some(out("half")), ..options(settings) };
        match method {
            Method::Swav => train(resumed, &mut |_| Flow::Continue).map(drop).expect("a run"),
            _ => together(2, &resumed, |_| Flow::Continue).0.expect("a run"),
        }
        assert_eq!(outcome(&out("half")), outcome(&out("parts")), "{method}");
    }
}

#[test]
fn what_one_rank_cannot_do_ends_all_of_them() {
    let folder = tempfile::tempdir().expect("there is room");
    pictures(&folder.path().join("pics"), &[]);
    let config = settings(folder.path(), Method::Swav);
    let out = folder.path().join("out");
    let refused = |config: &Config, count: usize| {
        let config = Config { out: Some(out.clone()), ..config.clone() };
        let (first, others) = together(count, &options(config), |_| Flow::Continue);
        assert!(others.iter().all(Result::is_ok), "rank 0 says what is wrong: {others:?}");
        assert!(!out.exists(), "nothing was done");
        first.expect_err("it cannot be trained").to_string()
    };
    let said = refused(&Config { batch: 9, ..config.clone() }, 2);
    assert!(said.contains("2 ranks cannot share equally: use a multiple of 2 such as 10"), "{said}");
    let said = refused(&config, 5);
    assert!(said.contains("too few for 5 ranks"), "{said}");
    let said = refused(&Config { data: Some(folder.path().join("nowhere")), ..config.clone() }, 2);
    assert!(said.contains("nowhere"), "{said}");

    // A folder that becomes unreadable in mid-run: what was learned is kept.
    let config = Config { out: Some(out.clone()), cache: Bytes(0), ..config };
    let (first, others) = together(2, &options(config), |event| {
        if matches!(event, Event::Step { step: 6 }) {
            std::fs::rename(folder.path().join("pics"), folder.path().join("gone")).expect("it is there");
        }
        Flow::Continue
    });
    let said = first.expect_err("there are no pictures").to_string();
    assert!(said.contains("pics"), "{said}");
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    let kept = Checkpoint::load(&out).expect("it has a checkpoint").checkpoint.meta.step;
    assert!(kept >= 6, "{kept}");
}
