//! Who makes the crops of a run, and a batch of them as a trainer takes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::{Augmenter, Config};
use crate::data::{self, Adjustment, Dataset, LoaderSpec, Part, Room, Trial};
use crate::error::Result;
use crate::gpu::{AdapterFacts, Gpu};
use crate::method::{AdjustmentKind, Batch, Crop, CropBench, Crops, LONGEST_SIDE, Pictures, picture_room};

/// Pictures of the batch that decides who makes the crops, at most.
const TRIED: usize = 64;

/// Who makes the crops of a run that leaves it open, and in a sentence why where it was measured.
pub(super) fn choose(
    config: &Config,
    spec: &LoaderSpec,
    dataset: &Dataset,
    gpu: &Arc<Gpu>,
) -> Result<(Augmenter, Option<String>)> {
    if config.augment != Augmenter::Auto {
        return Ok((config.augment, None));
    }
    // The device's kernel makes red, green and blue.
    if config.channels != 3 {
        return Ok((Augmenter::Cpu, None));
    }
    // A software driver would compete with the very processor that it runs on.
    if gpu.facts().software {
        return Ok((Augmenter::Cpu, None));
    }
    let Some([cpu, device]) = race(config, spec, dataset, gpu)? else {
        return Ok((Augmenter::Cpu, None));
    };
    let winner = if device < cpu { Augmenter::Gpu } else { Augmenter::Cpu };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let (cpu, device) = (milliseconds(cpu), milliseconds(device));
    let pictures = config.batch.min(TRIED);
    let text = format!(
        "Crops are made on the {}: those of {pictures} pictures take {device:.1} ms on the device and {cpu:.1} \
         ms on the processor.",
        if winner == Augmenter::Gpu { "device" } else { "processor" }
    );
    Ok((winner, Some(text)))
}

/// How long the processor and the device take for the crops of a batch, pictures being decoded; `None`
/// where there is no picture to try it on.
///
/// # Errors
/// What the driver reports; no threads.
pub fn race(
    config: &Config,
    spec: &LoaderSpec,
    dataset: &Dataset,
    gpu: &Arc<Gpu>,
) -> Result<Option<[Duration; 2]>> {
    let config = Config { batch: config.batch.min(TRIED), ..config.clone() };
    let spec = LoaderSpec { batch: config.batch, share: None, ..spec.clone() };
    let room = room(gpu.facts(), &config, 1);
    let Some(trial) = Trial::new(dataset, &spec, room)? else { return Ok(None) };
    let bench = CropBench::new(gpu, &config)?;
    let best = |mut work: Box<dyn FnMut() -> Result<()> + '_>| -> Result<Duration> {
        let mut best = Duration::MAX;
        // The first time drivers compile and threads start.
        for turn in 0..3 {
            let start = Instant::now();
            work()?;
            if turn > 0 {
                best = best.min(start.elapsed());
            }
        }
        Ok(best)
    };
    let cpu = best(Box::new(|| {
        trial.render();
        Ok(())
    }))?;
    let device = best(Box::new(|| {
        let packed = trial.pack(room);
        bench.make(&packed.parts.iter().map(pictures).collect::<Vec<_>>())
    }))?;
    Ok(Some([cpu, device]))
}

/// What a device has room for, which makes the crops of a run whose batches so many ranks share. Of larger pictures the
/// processor makes them.
#[must_use]
pub fn room(facts: &AdapterFacts, config: &Config, ranks: usize) -> Room {
    // A pixel of a crop of the whole picture is made, in one loop, of a square of two pixels of the crop to a side.
    let smallest = config.crops.iter().map(|group| group.size).min().unwrap_or(1);
    let side = f64::from(facts.rounds()).sqrt() / 2.0 * smallest as f64;
    Room { bytes: picture_room(facts, config, ranks) as usize, side: LONGEST_SIDE.min(side as u32) }
}

/// A batch of the loader, as a trainer takes it.
#[must_use]
pub fn batch(batch: &data::Batch) -> Batch<'_> {
    let crops = if batch.groups.is_empty() {
        let made = batch.packed.rendered.iter().map(|crop| (crop.group, crop.row, crop.pixels.as_slice()));
        Crops::Packed { parts: batch.packed.parts.iter().map(pictures).collect(), made: made.collect() }
    } else {
        Crops::Made(&batch.groups)
    };
    Batch { crops, pictures: &batch.pictures }
}

/// Packed pictures and their draws, as the device wants them.
#[must_use]
pub fn pictures(part: &Part) -> Pictures<'_> {
    let crop = |packed: &crate::data::PackedCrop| {
        let params = &packed.params;
        let adjustment = |adjustment: Adjustment| match adjustment {
            Adjustment::Brightness(factor) => (AdjustmentKind::Brightness, factor),
            Adjustment::Contrast(factor) => (AdjustmentKind::Contrast, factor),
            Adjustment::Saturation(factor) => (AdjustmentKind::Saturation, factor),
            Adjustment::Hue(turn) => (AdjustmentKind::Hue, turn),
        };
        let region = params.region;
        let crop = Crop {
            offset: packed.offset,
            picture_width: packed.picture_width,
            region: [region.left, region.top, region.width, region.height],
            flip: params.flip,
            adjustments: params.jitter.map_or([(AdjustmentKind::None, 0.0); 4], |all| all.map(adjustment)),
            grey: params.grey,
            sigma: params.blur.unwrap_or(0.0),
        };
        (packed.group, packed.row, crop)
    };
    Pictures { bytes: &part.bytes, crops: part.crops.iter().map(crop).collect() }
}
