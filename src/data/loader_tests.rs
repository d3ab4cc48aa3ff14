//! The loader's promises: same batches whatever the threads, restarts and broken files; no hang.

use super::*;
use crate::data::testing::encode;
use crate::data::{CropGroup, CropParams, Picture, render};
use crate::rng::{Purpose, Stream};
use image::{ImageFormat, RgbImage};
use std::path::Path;

fn spec(batch: usize, workers: usize) -> LoaderSpec {
    let crops = vec![
        CropGroup { count: 2, size: 16, scale: [0.14, 1.0] },
        CropGroup { count: 1, size: 9, scale: [0.05, 0.14] },
    ];
    LoaderSpec {
        seed: 31,
        batch,
        share: None,
        augment: Augment { crops, ..Augment::default() },
        workers,
        prefetch: 3,
        cache_bytes: 1 << 14,
        pack: None,
        few: None,
        start_epoch: 0,
        start_batch: 0,
    }
}

/// `count` small pictures of different sizes, of which those in `broken` are torn.
fn folder(count: usize, broken: &[usize]) -> (tempfile::TempDir, Arc<Dataset>) {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..count {
        let picture = RgbImage::from_fn(20 + i as u32 % 7, 24, |x, y| {
            image::Rgb([(x * 9) as u8, (y * 10) as u8, (i * 5) as u8])
        });
        let mut bytes = encode(picture, ImageFormat::Png);
        if broken.contains(&i) {
            bytes.truncate(60);
        }
        std::fs::write(folder.path().join(format!("{i:03}.png")), bytes).unwrap();
    }
    let dataset = Arc::new(Dataset::open(Some(folder.path())).unwrap());
    (folder, dataset)
}

fn take(dataset: &Arc<Dataset>, spec: LoaderSpec, count: usize) -> Vec<Batch> {
    let mut loader = Loader::new(dataset.clone(), spec).unwrap();
    (0..count).map(|_| loader.next().unwrap()).collect()
}

#[test]
fn batches_do_not_depend_on_workers_prefetch_or_restarts() {
    let (_folder, dataset) = folder(50, &[3, 4, 30]);
    let all = take(&dataset, spec(8, 1), 20);
    for (i, batch) in all.iter().enumerate() {
        assert_eq!((batch.epoch, batch.index), (i as u64 / 6, i as u64 % 6));
        assert_eq!(batch.pictures.len(), 8);
        let lengths: Vec<usize> = batch.groups.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2 * 8 * 16 * 16 * 4, 8 * 9 * 9 * 4]);
    }
    for workers in [2, 8] {
        for prefetch in [0, 1, 2, 7] {
            assert!(all == take(&dataset, LoaderSpec { prefetch, ..spec(8, workers) }, 20));
        }
    }
    assert!(all[9..] == take(&dataset, LoaderSpec { start_epoch: 1, start_batch: 3, ..spec(8, 2) }, 11));
    assert!(all[12..] == take(&dataset, LoaderSpec { start_epoch: 1, start_batch: 6, ..spec(8, 2) }, 8));
}

/// Ranks take runs of a batch's pictures, whatever their sizes: together they have its pictures and crops, and each decodes
/// its own alone.
#[test]
fn shares_of_a_batch_are_that_batch() {
    let (_folder, dataset) = folder(50, &[3, 4, 30]);
    // An epoch.
    let load = |share: Option<std::ops::Range<usize>>| {
        let mut loader =
            Loader::new(dataset.clone(), LoaderSpec { share, prefetch: 0, ..spec(8, 2) }).unwrap();
        let batches: Vec<Batch> = (0..6).map(|_| loader.next().unwrap()).collect();
        let broken: Vec<u32> = loader.unreadable().into_iter().map(|(picture, _)| picture).collect();
        (batches, broken)
    };
    let ((whole, broken), (first, mut own), (second, others)) =
        (load(None), load(Some(0..3)), load(Some(3..8)));
    for (whole, (first, second)) in whole.iter().zip(first.iter().zip(&second)) {
        assert_eq!([&first.pictures[..], &second.pictures].concat(), whole.pictures);
        for (group, crops) in spec(8, 1).augment.crops.iter().enumerate() {
            let view = |batch: &Batch, view: usize| {
                let all = &batch.groups[group];
                let length = all.len() / crops.count;
                all[view * length..][..length].to_vec()
            };
            for at in 0..crops.count {
                assert!([view(first, at), view(second, at)].concat() == view(whole, at));
            }
        }
    }
    assert!(own.iter().all(|picture| !others.contains(picture)), "{own:?} {others:?}");
    own.extend(others);
    own.sort_unstable();
    assert_eq!(own, broken);
}

/// Pictures are packed with the same draws as rendered ones get, in the same order; those that are too
/// large for a part are rendered.
#[test]
fn packed_batches_hold_the_same_crops_whatever_the_workers_and_restarts() {
    let (_folder, dataset) = folder(50, &[3, 4, 30]);
    let rendered = take(&dataset, spec(8, 1), 9);
    // Pictures have 20 to 26 columns and 24 rows: those of 26 take more than an eighth of 8 × 1800 bytes.
    let packing =
        |workers| LoaderSpec { pack: Some(Room { bytes: 8 * 1800, side: 65_535 }), ..spec(8, workers) };
    let all = take(&dataset, packing(1), 9);
    let (mut made, mut direct) = (0, 0);
    for (want, batch) in rendered.iter().zip(&all) {
        assert_eq!((want.epoch, want.index, &want.pictures), (batch.epoch, batch.index, &batch.pictures));
        assert!(batch.groups.is_empty());
        let row = |group: usize, row: usize| {
            let length = spec(8, 1).augment.floats(spec(8, 1).augment.crops[group].size as u32);
            &want.groups[group][row * length..(row + 1) * length]
        };
        for part in &batch.packed.parts {
            assert!(part.bytes.len() <= 8 * 1800);
            for crop in &part.crops {
                let picture = batch.pictures[crop.row % 8];
                let pixels = dataset.decode(picture).unwrap();
                let from = crop.offset as usize;
                assert_eq!(from % 4, 0);
                assert!(part.bytes[from..from + pixels.samples().len()] == pixels.samples()[..]);
                assert_eq!(crop.picture_width, pixels.width());
                let augment = spec(8, 1).augment;
                let mut out = vec![0.0; row(crop.group, crop.row).len()];
                render(&pixels, &crop.params, augment.crops[crop.group].size as u32, &augment, &mut out);
                assert!(out == row(crop.group, crop.row));
                made += 1;
            }
        }
        for crop in &batch.packed.rendered {
            assert!(crop.pixels == row(crop.group, crop.row));
            direct += 1;
        }
    }
    assert!(made + direct == 9 * 8 * 3 && made > 0 && direct > 0, "{made} {direct}");
    for workers in [2, 8] {
        assert!(all == take(&dataset, packing(workers), 9));
    }
    assert!(all[4..] == take(&dataset, LoaderSpec { start_batch: 4, ..packing(8) }, 5));
    let mut loader = Loader::new(dataset, packing(2)).unwrap();
    for want in &all {
        let got = loader.next().unwrap();
        assert!(*want == got);
        loader.recycle(got);
    }
}

#[test]
fn an_epoch_takes_every_picture_once_and_each_epoch_has_its_order() {
    let (_folder, dataset) = folder(24, &[]);
    let all = take(&dataset, spec(8, 2), 6);
    let mut epochs: Vec<Vec<u32>> =
        all.chunks(3).map(|b| b.iter().flat_map(|b| b.pictures.clone()).collect()).collect();
    assert_ne!(epochs[0], epochs[1]);
    for epoch in &mut epochs {
        epoch.sort_unstable();
        assert_eq!(*epoch, (0..24).collect::<Vec<_>>());
    }
}

#[test]
fn rows_are_view_major_and_follow_the_streams() {
    let (_folder, dataset) = folder(12, &[]);
    let spec = spec(5, 2);
    let batch = &take(&dataset, LoaderSpec { start_epoch: 4, ..spec.clone() }, 2)[1];
    for (b, &picture) in batch.pictures.iter().enumerate() {
        let pixels = dataset.decode(picture).unwrap();
        for (crop, (group, view)) in [(0, 0), (0, 1), (1, 0)].into_iter().enumerate() {
            let group_spec = &spec.augment.crops[group];
            let mut stream = Stream::new(31, Purpose::Crop, &[4, picture.into(), crop as u64]);
            let params =
                CropParams::draw(&mut stream, &spec.augment, group_spec, pixels.width(), pixels.height());
            let length = spec.augment.floats(group_spec.size as u32);
            let mut want = vec![0.0; length];
            render(&pixels, &params, group_spec.size as u32, &spec.augment, &mut want);
            let row = view * 5 + b;
            assert!(batch.groups[group][row * length..(row + 1) * length] == want);
        }
    }
}

#[test]
fn unreadable_pictures_are_replaced_and_listed() {
    let (_folder, dataset) = folder(50, &[3, 4, 30]);
    let mut loader = Loader::new(dataset.clone(), spec(10, 2)).unwrap();
    for _ in 0..2 * loader.batches_per_epoch() {
        let batch = loader.next().unwrap();
        assert!(batch.pictures.iter().all(|p| ![3, 4, 30].contains(p)));
        loader.recycle(batch);
    }
    let list = loader.unreadable();
    assert_eq!(list.iter().map(|(p, _)| *p).collect::<Vec<_>>(), [3, 4, 30]);
    assert!(list[0].1.contains("003.png"), "{}", list[0].1);
}

#[test]
fn too_many_unreadable_pictures_stop_with_their_names() {
    let broken: Vec<usize> = (0..20).step_by(3).collect();
    let (_folder, dataset) = folder(20, &broken);
    let mut loader = Loader::new(dataset, spec(4, 2)).unwrap();
    let error = (0..10).find_map(|_| loader.next().err()).unwrap().to_string();
    assert!(error.contains(" of 20 pictures cannot be read") && error.contains(".png"), "{error}");
    assert!((0..3).all(|_| loader.next().is_err()));
}

#[test]
fn recycled_buffers_change_nothing() {
    let (_folder, dataset) = folder(20, &[]);
    let all = take(&dataset, spec(6, 2), 12);
    let mut loader = Loader::new(dataset, spec(6, 2)).unwrap();
    for want in &all {
        let mut got = loader.next().unwrap();
        assert!(*want == got);
        got.groups[0].truncate(5);
        got.groups[1].fill(f32::NAN);
        loader.recycle(got);
    }
    assert!(loader.waited() > Duration::ZERO);
}

#[test]
fn senseless_batches_are_refused() {
    let (folder, dataset) = folder(20, &[]);
    let fail = |batch| Loader::new(dataset.clone(), spec(batch, 1)).err().unwrap().to_string();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let message = fail(64);
    assert!(
        message.contains("`batch`") && message.contains(name) && message.contains("only 20 pictures"),
        "{message}"
    );
    assert!(fail(0).contains("`batch`"));
    let mut bad = spec(4, 1);
    bad.augment.crops.clear();
    assert!(Loader::new(dataset.clone(), bad).err().unwrap().to_string().contains("`crops`"));
}

#[test]
fn dropping_ends_the_threads_and_lets_go_of_the_data() {
    let (_folder, dataset) = folder(20, &[]);
    for taken in 0..3 {
        let mut loader = Loader::new(dataset.clone(), spec(4, 2)).unwrap();
        (0..taken).for_each(|_| drop(loader.next().unwrap()));
        drop(loader);
        assert_eq!(Arc::strong_count(&dataset), 1);
    }
    assert!(Path::new(dataset.path()).exists());
}

/// Measures; run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn cost_of_crops() {
    let dataset = Arc::new(Dataset::open(None).unwrap());
    let crops = vec![CropGroup { count: 2, size: 32, scale: [0.14, 1.0] }];
    let augment = Augment { crops, ..Augment::default() };
    let pictures: Vec<Picture> = (0..64).map(|p| dataset.decode(p * 60).unwrap()).collect();
    let mut out = vec![0.0; augment.floats(32)];
    let mut time = |what: &str, change: &dyn Fn(&mut CropParams)| {
        // The least of many rounds: what the machine does beside this only adds.
        let mut least = f64::MAX;
        for epoch in 0..200 {
            let start = Instant::now();
            for (p, picture) in (0..).zip(&pictures) {
                let mut stream = Stream::new(31, Purpose::Crop, &[epoch % 5, p, 0]);
                let mut params = CropParams::draw(&mut stream, &augment, &augment.crops[0], 64, 64);
                change(&mut params);
                render(picture, &params, 32, &augment, &mut out);
            }
            least = least.min(start.elapsed().as_secs_f64());
        }
        println!("{what}: {:.1} µs", least * 1e6 / pictures.len() as f64);
    };
    time("one 32 px crop", &|_| {});
    time("  resize and normalise only", &|p| (p.jitter, p.grey, p.blur) = (None, false, None));
    time("  with jitter always", &|p| (p.grey, p.blur) = (false, None));
    time("  with hue only", &|p| {
        (p.jitter, p.grey, p.blur) = (Some([crate::data::Adjustment::Hue(0.1); 4]), false, None);
    });
    time("  with blur 2.0 always", &|p| (p.jitter, p.grey, p.blur) = (None, false, Some(2.0)));
    let start = Instant::now();
    (0..640).for_each(|p| drop(dataset.decode(p).unwrap()));
    println!("decode: {:.1} µs", start.elapsed().as_secs_f64() * 1e6 / 640.0);
    for workers in [1, 2] {
        let spec = LoaderSpec { augment: augment.clone(), cache_bytes: 1 << 30, ..spec(64, workers) };
        let mut loader = Loader::new(dataset.clone(), spec).unwrap();
        let mut pass = |batches: u64| {
            for _ in 0..batches {
                let batch = loader.next().unwrap();
                loader.recycle(batch);
            }
        };
        pass(44);
        let mut least = f64::MAX;
        for _ in 0..20 {
            let start = Instant::now();
            pass(10);
            least = least.min(start.elapsed().as_secs_f64());
        }
        println!("2x32 crops x 64, {workers} workers: {:.2} ms", least * 100.0);
    }
}
