//! Crops made on the device are those of the processor: the same batches through either way into the
//! tensors of a trainer.

use crate::devices::devices;
use crate::trainer_checks::config;
use image::{Rgb, RgbImage};
use std::sync::Arc;
use swav_wgpu::config::{Augmenter, Config, CropGroup, MicroBatch};
use swav_wgpu::data::configured;
use swav_wgpu::data::{Dataset, Loader, LoaderSpec, Room};
use swav_wgpu::method::{CropBench, Crops, LONGEST_SIDE, Pictures, Trainer, picture_room};
use swav_wgpu::train::crops;

/// Pictures of several sizes, waves and noise.
fn folder(count: u32) -> (tempfile::TempDir, Arc<Dataset>) {
    let folder = tempfile::tempdir().expect("a folder");
    for i in 0..count {
        let picture = RgbImage::from_fn(23 + 5 * (i % 7), 31 + 3 * (i % 4), |x, y| {
            let wave = |f: f32| (127.0 + 120.0 * (f * x as f32 + 0.3 * (i + y) as f32).sin()) as u8;
            Rgb([wave(0.2), wave(0.37), wave(0.11) ^ (x * y * (i + 1)) as u8 & 31])
        });
        picture.save(folder.path().join(format!("{i:02}.png"))).expect("written");
    }
    let dataset = Arc::new(Dataset::open(Some(folder.path())).expect("a data set"));
    (folder, dataset)
}

fn spec(config: &Config, pack: Option<usize>) -> LoaderSpec {
    LoaderSpec {
        seed: config.seed,
        batch: config.batch,
        share: None,
        augment: configured::augment(config),
        workers: 2,
        prefetch: 2,
        cache_bytes: 1 << 20,
        pack: pack.map(|bytes| Room { bytes, side: LONGEST_SIDE }),
        few: None,
        start_epoch: 0,
        start_batch: 0,
    }
}

fn on_device() -> Config {
    let group = |count, size| CropGroup { count, size, scale: [0.1, 1.0] };
    Config {
        crops: vec![group(2, 24), group(3, 11)],
        batch: 6,
        augment: Augmenter::Gpu,
        queue: 0,
        ..config("adamw")
    }
}

/// Rooms: for all pictures of a batch at once; for two or three at once; for a few, so that the larger
/// ones are rendered by the processor (an eighth of the room is the most that one may take).
#[test]
fn both_ways_give_the_same_crops() {
    let (_folder, dataset) = folder(24);
    let config = on_device();
    for gpu in devices() {
        let trainer = Trainer::new(&gpu, &config).expect("a trainer");
        for room in [picture_room(gpu.facts(), &config, 1) as usize, 8 * 6600, 8 * 4000] {
            let mut rendered = Loader::new(Arc::clone(&dataset), spec(&config, None)).expect("a loader");
            let mut packed = Loader::new(Arc::clone(&dataset), spec(&config, Some(room))).expect("a loader");
            for _ in 0..5 {
                let (want, batch) = (rendered.next().expect("a batch"), packed.next().expect("a batch"));
                assert_eq!(want.pictures, batch.pictures);
                trainer.take(&crops::batch(&batch), 0).expect("crops");
                for (group, want) in want.groups.iter().enumerate() {
                    let got = trainer.crops(group).expect("crops");
                    assert_eq!(got.len(), want.len());
                    let worst = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    // Of a normalised range of 4.5: the tolerance of the fixtures for a whole chain.
                    assert!(worst <= 2e-4, "{worst} in group {group} with room for {room} bytes");
                }
            }
        }
    }
}

#[test]
fn a_small_room_takes_several_turns_and_a_smaller_one_leaves_pictures_out() {
    let (_folder, dataset) = folder(24);
    let config = on_device();
    let counts = |room| {
        let mut loader = Loader::new(Arc::clone(&dataset), spec(&config, Some(room))).expect("a loader");
        let batches: Vec<_> = (0..4).map(|_| loader.next().expect("a batch")).collect();
        let most = batches.iter().map(|batch| batch.packed.parts.len()).max().expect("a batch");
        (most, batches.iter().map(|batch| batch.packed.rendered.len()).sum::<usize>())
    };
    let [(all, none), (several, few), (_, some)] = [1 << 26, 8 * 6600, 8 * 4000].map(counts);
    assert!(all == 1 && none == 0 && several == 1 && few == 0 && some > 0, "{all} {several} {few} {some}");
}

#[test]
fn the_race_times_both_and_the_bench_makes_what_a_trainer_makes() {
    let (_folder, dataset) = folder(12);
    let config = on_device();
    for gpu in devices() {
        let [cpu, device] =
            crops::race(&config, &spec(&config, None), &dataset, &gpu).expect("a race").expect("pictures");
        assert!(cpu.as_nanos() > 0 && device.as_nanos() > 0);
        let room = picture_room(gpu.facts(), &config, 1) as usize;
        let mut loader = Loader::new(Arc::clone(&dataset), spec(&config, Some(room))).expect("a loader");
        let batch = loader.next().expect("a batch");
        let (bench, trainer) = (CropBench::new(&gpu, &config), Trainer::new(&gpu, &config));
        let (bench, trainer) = (bench.expect("a bench"), trainer.expect("a trainer"));
        bench.make(&batch.packed.parts.iter().map(crops::pictures).collect::<Vec<_>>()).expect("crops");
        trainer.take(&crops::batch(&batch), 0).expect("crops");
        for group in 0..config.crops.len() {
            assert_eq!(bench.crops(group).expect("crops"), trainer.crops(group).expect("crops"));
        }
    }
}

type Made<'a> = (usize, usize, &'a [f32]);
type Change = for<'a> fn(&mut Vec<Pictures<'a>>, &mut Vec<Made<'a>>);

/// A step on crops of the one before would train, and nobody would see it.
#[test]
fn packed_batches_that_are_not_whole_are_refused() {
    let (_folder, dataset) = folder(24);
    let config = on_device();
    let gpu = &devices()[0];
    let mut trainer = Trainer::new(gpu, &config).expect("a trainer");
    // So little room that the larger pictures are rendered and the smaller ones packed.
    let mut loader = Loader::new(dataset, spec(&config, Some(8 * 4000))).expect("a loader");
    let mut batches = std::iter::from_fn(|| loader.next().ok()).take(8);
    let both = batches.find(|batch| !batch.packed.parts.is_empty() && !batch.packed.rendered.is_empty());
    let batch = both.expect("pictures of several sizes");
    let wrong: [(&str, Change); 10] = [
        ("exactly once", |parts, made| {
            parts.clear();
            made.clear();
        }),
        ("exactly once", |parts, _| parts.clear()),
        ("exactly once", |parts, _| parts[0].crops.truncate(1)),
        ("exactly once", |_, made| made.truncate(1)),
        ("exactly once", |_, made| made.push(made[0])),
        ("no row 1000 of group", |parts, _| parts[0].crops[0].1 = 1000),
        ("of group 7", |parts, _| parts[0].crops[0].0 = 7),
        ("values", |_, made| made[0].2 = &made[0].2[4..]),
        ("is no part of the pictures", |parts, _| parts[0].bytes = &parts[0].bytes[..4]),
        ("is no part of the pictures", |parts, _| parts[0].crops[0].2.region[2] = 0),
    ];
    for (says, change) in wrong {
        let mut batch = crops::batch(&batch);
        let Crops::Packed { parts, made } = &mut batch.crops else { panic!("the device makes them") };
        change(parts, made);
        let error = trainer.step(batch, 0.1).expect_err("it is not whole").to_string();
        assert!(error.contains("crops") && error.contains(says), "{error}, not {says}");
        assert_eq!(trainer.steps_done(), 0);
    }
    let large = vec![0; picture_room(gpu.facts(), &config, 1) as usize + 4];
    let mut much = crops::batch(&batch);
    if let Crops::Packed { parts, .. } = &mut much.crops {
        parts[0].bytes = &large;
    }
    let error = trainer.step(much, 0.1).expect_err("it does not fit").to_string();
    assert!(error.contains("bytes of pictures"), "{error}");
    let error = trainer.take(&crops::batch(&batch), 1).expect_err("there is one part").to_string();
    assert!(error.contains("there is no part 1"), "{error}");
    trainer.step(crops::batch(&batch), 0.1).expect("all of it is there");
}

/// A loader packs for the room that a trainer takes, whether a batch is cut into parts or shared with other ranks.
#[test]
fn a_rank_has_the_room_of_its_part() {
    let gpu = &devices()[0];
    let room = |micro_batch: Option<usize>, ranks| {
        let crops = vec![CropGroup { count: 2, size: 224, scale: [0.1, 1.0] }];
        let micro_batch = micro_batch.map(MicroBatch::Of);
        picture_room(gpu.facts(), &Config { batch: 512, crops, micro_batch, ..on_device() }, ranks)
    };
    assert_eq!(room(None, 4), room(Some(128), 1));
    assert_eq!(room(Some(64), 4), room(Some(64), 1));
    assert!(room(None, 4) < room(None, 1));
}
