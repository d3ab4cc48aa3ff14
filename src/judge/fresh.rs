//! Views for classifiers that learn: a random resized crop and a flip, nothing else, as the official code has it.

use super::Examination;
use crate::data::{Augment, CropGroup, CropParams, render};
use crate::error::Result;
use crate::pass::Pass;
use crate::rng::{Purpose, Stream};
use crate::trained::views::Viewing;
use rayon::prelude::*;

/// A new view of each picture, `[pictures, size, size, 4·quads]`. `counters` (epoch and step) make it new; the same ones
/// give the same views, whatever the number of threads.
pub(super) fn fresh_views(
    of: &Examination<'_>,
    pictures: &[u32],
    seed: u64,
    counters: [usize; 2],
    pass: &Pass,
) -> Result<Vec<f32>> {
    let viewing = of.model.viewing();
    let augment = plain_crops(viewing);
    let mut views = vec![0.0; pictures.len() * viewing.floats()];
    let [epoch, step] = counters.map(|counter| counter as u64);
    views.par_chunks_exact_mut(viewing.floats()).zip(pictures).enumerate().try_for_each(
        |(row, (view, &picture))| {
            pass.check()?;
            let pixels = of.dataset.decode(picture)?;
            // The row too: a batch may have a picture twice.
            let counters = [epoch, step, u64::from(picture), row as u64];
            let mut stream = Stream::new(seed, Purpose::ClassifierCrop, &counters);
            let (width, height) = pixels.dimensions();
            let params = CropParams::draw(&mut stream, &augment, &augment.crops[0], width, height);
            render(&pixels, &params, viewing.size, &augment, view);
            Ok(())
        },
    )?;
    Ok(views)
}

fn plain_crops(viewing: &Viewing) -> Augment {
    Augment {
        crops: vec![CropGroup { count: 1, size: viewing.size as usize, scale: [0.08, 1.0] }],
        flip: 0.5,
        jitter: 0.0,
        grey: 0.0,
        blur: 0.0,
        mean: viewing.mean.clone(),
        std: viewing.std.clone(),
        ..Augment::default()
    }
}
