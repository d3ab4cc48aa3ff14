//! Images a second of decoding and multi-crop: decoding alone, crops on the processor, crops on the
//! device.
//!
//! `cargo bench --bench crops` makes two folders of JPEGs that look like photographs to a decoder and
//! loads them as a run does. `README.md` beside this file says what the figures are compared with.

use clap::{Arg, ArgAction, Command, value_parser};
use image::{ImageFormat, Rgb, RgbImage};
use rayon::prelude::*;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use swav_wgpu::config::{Augmenter, Config};
use swav_wgpu::data::configured;
use swav_wgpu::data::{Batch, Dataset, Loader, LoaderSpec};
use swav_wgpu::gpu::Gpu;
use swav_wgpu::measure::CASES as NETWORKS;
use swav_wgpu::method::CropBench;
use swav_wgpu::rng::{Purpose, Stream};
use swav_wgpu::train::run::{TrainOptions, train};
use swav_wgpu::train::{Event, Flow, crops};

/// Pictures, their width and height, and the crops that are made of them.
const CASES: [(&str, usize, [u32; 2], &str); 2] = [
    ("96x96", 512, [96, 96], "2x32@0.14-1,4x20@0.05-0.14"),
    ("500x375", 128, [500, 375], "2x224@0.14-1,6x96@0.05-0.14"),
];

/// What the official pipeline makes on two cores (PIL, two workers): images a second.
const OFFICIAL: [f64; 2] = [330.0, 64.0];

const BATCH: usize = 64;

/// Waves of all lengths, hard edges and grain: to a decoder it is a photograph.
fn photograph([width, height]: [u32; 2], number: u64) -> RgbImage {
    let mut stream = Stream::new(1, Purpose::Test, &[number]);
    let waves: Vec<[f64; 6]> = (0..18)
        .map(|octave| {
            let pitch = 1.4f64.powi(octave);
            let mut side = || stream.range(-pitch, pitch);
            let (x, y) = (side(), side());
            let strength = 40.0 / pitch.sqrt();
            [x, y, stream.range(0.0, 6.3), strength, stream.range(-1.0, 1.0), stream.range(-0.5, 0.5)]
        })
        .collect();
    RgbImage::from_fn(width, height, |column, row| {
        let at = [f64::from(column) / f64::from(height), f64::from(row) / f64::from(height)];
        let mut colour = [118.0; 3];
        for [x, y, phase, strength, warm, edge] in &waves {
            let wave = (6.3 * (x * at[0] + y * at[1]) + phase).sin();
            // A step where the wave passes zero is an outline.
            let value = strength * (wave + edge * wave.signum());
            colour = [
                colour[0] + value * (1.0 + 0.4 * warm),
                colour[1] + value,
                colour[2] + value * (1.0 - 0.4 * warm),
            ];
        }
        let grain = 5.0 * stream.normal();
        Rgb(colour.map(|value| (value + grain).clamp(0.0, 255.0) as u8))
    })
}

/// Writes the pictures; returns the mean size of a file in bytes.
fn write(folder: &Path, count: usize, size: [u32; 2]) -> Result<u64, Box<dyn Error>> {
    let one = |number: usize| -> Result<u64, String> {
        let path = folder.join(format!("{number:04}.jpg"));
        let picture = photograph(size, number as u64);
        picture.save_with_format(&path, ImageFormat::Jpeg).map_err(|error| error.to_string())?;
        Ok(std::fs::metadata(path).map_err(|error| error.to_string())?.len())
    };
    let sizes = (0..count).into_par_iter().map(one).collect::<Result<Vec<_>, _>>()?;
    Ok(sizes.iter().sum::<u64>() / count as u64)
}

/// The best of some turns of `pictures` pictures each, in pictures a second.
fn best(
    turns: usize,
    pictures: usize,
    mut work: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    work()?;
    let mut best = 0.0f64;
    for _ in 0..turns {
        let start = Instant::now();
        work()?;
        best = best.max(pictures as f64 / start.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// Images a second of a loader whose batches go to `then`.
fn loaded(
    dataset: &Arc<Dataset>,
    spec: LoaderSpec,
    turns: usize,
    mut then: impl FnMut(&Batch) -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let mut loader = Loader::new(Arc::clone(dataset), spec)?;
    let batches = loader.batches_per_epoch();
    best(turns, batches as usize * BATCH, || {
        for _ in 0..batches {
            let batch = loader.next()?;
            then(&batch)?;
            loader.recycle(batch);
        }
        Ok(())
    })
}

/// Trains the network C4b on a folder: what a step takes, and the share of it that the device waits.
fn waiting(data: &Path, augment: Augmenter, steps: u64) -> Result<(f64, f64), Box<dyn Error>> {
    let case = NETWORKS.iter().find(|case| case.name == "C4b").ok_or("no C4b")?;
    let out = tempfile::tempdir()?;
    let config = Config {
        data: Some(data.to_owned()),
        out: Some(out.path().join("run")),
        // The first two steps compile.
        steps: Some(steps + 2),
        report_every: 1,
        eval_every: 0,
        eval_resize: 32,
        eval_size: 32,
        augment,
        ..case.config()?
    };
    let batch = config.batch as f64;
    let (mut seconds, mut waited) = (Vec::new(), 0.0);
    train(TrainOptions { config, resume: None, profile: false, within: None }, &mut |event| {
        if let Event::Report(report) = event
            && report.step > 2
        {
            let step = batch / report.images_per_s;
            seconds.push(step);
            waited += step * report.wait_share;
        }
        Flow::Continue
    })?;
    let total: f64 = seconds.iter().sum();
    seconds.sort_by(f64::total_cmp);
    Ok((seconds[seconds.len() / 2], waited / total))
}

fn main() -> Result<(), Box<dyn Error>> {
    swav_wgpu::launch::prepare();
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_parser(value_parser!(usize)).default_value(default).help(help)
    };
    let matches = Command::new("crops")
        .about("Images a second of decoding and multi-crop")
        .arg(number("workers", "0", "Threads; 0 for as many as there are cores"))
        .arg(number("steps", "0", "Steps of C4b to train on the small pictures, to see how long it waits"))
        .arg(number("turns", "3", "Timed passes over the pictures, of which the best counts"))
        .arg(Arg::new("adapter").long("adapter").help("The graphics adapter, by number or name"))
        .arg(Arg::new("no-device").long("no-device").action(ArgAction::SetTrue).help("Leave the device out"))
        .arg(Arg::new("bench").long("bench").action(ArgAction::SetTrue).hide(true))
        .get_matches();
    let count = |name: &str| matches.get_one::<usize>(name).copied().unwrap_or_default();
    let (workers, turns) = (count("workers"), count("turns").max(1));
    let gpu = match matches.get_flag("no-device") {
        true => None,
        false => Some(Gpu::open(matches.get_one::<String>("adapter").map(String::as_str), None)?),
    };
    for ((name, pictures, size, wanted), official) in CASES.into_iter().zip(OFFICIAL) {
        let folder = tempfile::tempdir()?;
        let bytes = write(folder.path(), pictures, size)?;
        let dataset = Arc::new(Dataset::open(Some(folder.path()))?);
        let mut config = Config { batch: BATCH, augment: Augmenter::Gpu, ..Config::default() };
        config.set("crops", wanted)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build()?;
        let threads = pool.current_num_threads();
        println!("{name} JPEGs of {} KB, {wanted}, {threads} threads", bytes / 1000);
        let line = |what: &str, speed: f64| {
            println!("  {what:34} {speed:8.0} images/s  {:5.1} x the official pipeline", speed / official);
        };
        let decode = best(turns, pictures, || {
            Ok(pool.install(|| {
                (0..pictures as u32).into_par_iter().try_for_each(|p| dataset.decode(p).map(drop))
            })?)
        })?;
        line("decoding alone", decode);
        let spec = |pack, cache_bytes| LoaderSpec {
            seed: 31,
            batch: BATCH,
            share: None,
            augment: configured::augment(&config),
            workers,
            prefetch: 3,
            cache_bytes,
            pack,
            few: None,
            start_epoch: 0,
            start_batch: 0,
        };
        for (cache, kept) in [(0, "decoding and"), (usize::MAX, "decoded before,")] {
            let speed = loaded(&dataset, spec(None, cache), turns, |_| Ok(()))?;
            line(&format!("{kept} crops on the processor"), speed);
            let Some(gpu) = &gpu else { continue };
            let bench = CropBench::new(gpu, &config)?;
            let room = crops::room(gpu.facts(), &config, 1);
            let speed = loaded(&dataset, spec(Some(room), cache), turns, |batch| {
                let parts: Vec<_> = batch.packed.parts.iter().map(crops::pictures).collect();
                Ok(bench.make(&parts)?)
            })?;
            line(&format!("{kept} crops on {}", gpu.facts().name), speed);
        }
        let steps = count("steps") as u64;
        if steps == 0 || size != CASES[0].2 {
            continue;
        }
        for augment in [Augmenter::Cpu, Augmenter::Gpu] {
            let (step, waits) = waiting(folder.path(), augment, steps)?;
            let percent = 100.0 * waits;
            println!(
                "  a step of C4b with --augment {augment}: {step:.2} s, of which it waits {percent:.2} %"
            );
        }
    }
    Ok(())
}
