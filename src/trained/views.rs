//! The plain views that evaluation looks at: one way of making them for all that is compared.

use crate::config::{Config, Readout};
use crate::data::{Dataset, Picture, evaluation_view, padded};
use crate::error::Result;
use crate::model::views_at_once;
use crate::pass::Pass;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// The pass that looks at pictures with a network.
pub(crate) const LOOKING: (&str, &str) = ("looking at pictures", "pictures");

/// The pass that makes small copies of pictures.
pub(crate) const READING_PIXELS: (&str, &str) = ("reading raw pixels", "pictures");

/// The pass that asks nearest neighbours for labels.
pub(crate) const ASKING: (&str, &str) = ("asking nearest neighbours", "queries");

/// Views that are built and handed to the device together, at most.
const VIEWS: usize = 256;
/// Bytes of views that are built together, at most.
const VIEW_BYTES: usize = 64 << 20;
/// A device that is done with some views so soon gets more of them at a time: in between, a stop is heard.
const SOON: Duration = Duration::from_millis(250);

/// How a network looks at a picture: shorter side to `resize`, the centre `size`×`size`, normalised; and which features it
/// takes from what it sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Viewing {
    /// Pixels of the shorter side before the cut.
    pub resize: u32,
    /// Side of the view in pixels.
    pub size: u32,
    /// Mean of each channel, of values in `[0, 1]`.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel.
    pub std: Vec<f32>,
    /// What of the trunk the features are.
    pub readout: Readout,
}

impl Viewing {
    /// What a run's settings say.
    #[must_use]
    pub fn of_config(config: &Config) -> Self {
        let [mean, std] = config.normalization();
        Self { resize: config.eval_resize, size: config.eval_size, mean, std, readout: config.readout() }
    }

    /// Values of one view.
    #[must_use]
    pub fn floats(&self) -> usize {
        padded(self.mean.len()) * self.size as usize * self.size as usize
    }

    /// Makes the view of a picture, `[size, size, 4·quads]`.
    ///
    /// # Panics
    /// Where the picture has not as many channels as the means are, or `out` is not of [`Viewing::floats`].
    pub fn make(&self, picture: &Picture, out: &mut [f32]) {
        evaluation_view(picture, self.resize, self.size, &self.mean, &self.std, out);
    }
}

impl fmt::Display for Viewing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} pixels, {}", self.size, self.resize, self.readout)
    }
}

/// Hands the views of `pictures` to `then` in portions, with which of them could be read; the others are
/// noted in `unreadable`, and their views are zeros. `pass` counts the pictures that `then` is done with.
pub(crate) fn look(
    dataset: &Dataset,
    viewing: &Viewing,
    pictures: &[u32],
    unreadable: &mut BTreeMap<u32, String>,
    pass: &Pass,
    mut then: impl FnMut(&[f32], &[bool]) -> Result<()>,
) -> Result<()> {
    let row = viewing.floats();
    let portion = (VIEW_BYTES / (4 * row)).clamp(1, VIEWS);
    let mut at_once = (views_at_once(viewing.size, viewing.size) as usize).min(portion);
    let mut views = vec![0.0; portion.min(pictures.len()) * row];
    for pictures in pictures.chunks(portion) {
        let views = &mut views[..pictures.len() * row];
        let make = |(out, &picture): (&mut [f32], &u32)| {
            pass.check()?;
            Ok(match dataset.decode(picture) {
                Ok(pixels) => {
                    viewing.make(&pixels, out);
                    None
                }
                Err(error) => {
                    out.fill(0.0);
                    Some(error.to_string())
                }
            })
        };
        let failures: Result<Vec<Option<String>>> =
            views.par_chunks_mut(row).zip(pictures).map(make).collect();
        let failures = failures?;
        let readable: Vec<bool> = failures.iter().map(Option::is_none).collect();
        unreadable.extend(pictures.iter().zip(failures).filter_map(|(&picture, why)| Some((picture, why?))));
        let (mut views, mut readable) = (&*views, &readable[..]);
        while !readable.is_empty() {
            let count = at_once.min(readable.len());
            let start = Instant::now();
            then(&views[..count * row], &readable[..count])?;
            pass.advance(count)?;
            if start.elapsed() < SOON {
                at_once = (2 * at_once).min(portion);
            }
            (views, readable) = (&views[count * row..], &readable[count..]);
        }
    }
    Ok(())
}
