//! A contact sheet of crops: each picture with the boxes of its crops, the crops beside it, and what was
//! drawn for each; where a network is at hand, the code that it gives each crop.
//!
//! `STEM.html` holds everything, pictures included, and shows which box is whose under the mouse;
//! `STEM.png` is the same as one picture.

mod page;
mod paint;

use super::{font, hue, save, shapes, sheet};
use crate::data::{Adjustment, CropParams, Showcase};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// What to show.
#[derive(Clone, Copy, Debug)]
pub struct Contact<'a> {
    /// The heading.
    pub title: &'a str,
    /// What to know about all of them, in a sentence or two.
    pub lead: &'a str,
    /// The pictures, a row each.
    pub pictures: &'a [Entry],
}

/// A picture with its crops.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What the picture is called.
    pub name: String,
    /// Its class, where it has one.
    pub class: Option<String>,
    /// The picture, its crops and what was drawn.
    pub shown: Showcase,
    /// For each crop the prototypes with the largest weights in its code and these weights; empty where
    /// there is no network.
    pub codes: Vec<Vec<(u32, f32)>>,
}

/// Writes `stem` with `.png` and `.html` added; returns both paths.
///
/// # Errors
/// [`Error::Io`] with the file that could not be written.
pub fn write(stem: &Path, contact: &Contact<'_>) -> Result<[PathBuf; 2]> {
    let [png, html] = paths(stem);
    save(&paint::draw(contact), &png)?;
    std::fs::write(&html, page::html(contact)).map_err(Error::io(&html))?;
    Ok([png, html])
}

/// The files of a sheet: `STEM.png` and `STEM.html`.
#[must_use]
pub fn paths(stem: &Path) -> [PathBuf; 2] {
    [".png", ".html"].map(|ending| {
        let mut name = stem.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    })
}

impl Entry {
    /// Share of the picture's area that a crop's box takes, in percent.
    fn share(&self, params: &CropParams) -> f64 {
        let (width, height) = self.shown.picture.dimensions();
        let area = |width: u32, height: u32| f64::from(width) * f64::from(height);
        100.0 * area(params.region.width, params.region.height) / area(width, height).max(1.0)
    }

    /// Side of the largest crop in pixels.
    fn largest(&self) -> u32 {
        self.shown.views.iter().map(|view| view.pixels.width()).max().unwrap_or(1)
    }
}

/// A number of two digits that count, without a leading zero: 1.3, .71, −.08.
fn short(value: f32) -> String {
    let text = if value.abs() < 0.995 { format!("{value:.2}") } else { format!("{value:.1}") };
    text.replacen("0.", ".", usize::from(value.abs() < 0.995)).replace('-', "−")
}

/// The letter, the name and the factor of an adjustment.
fn told(adjustment: Adjustment) -> (char, &'static str, f32) {
    match adjustment {
        Adjustment::Brightness(factor) => ('b', "brightness", factor),
        Adjustment::Contrast(factor) => ('c', "contrast", factor),
        Adjustment::Saturation(factor) => ('s', "saturation", factor),
        Adjustment::Hue(turn) => ('h', "hue", turn),
    }
}

/// The hue of crop number `view`, in degrees: neighbours lie far apart.
fn view_hue(view: usize) -> f64 {
    hue(view)
}

#[cfg(test)]
mod tests;
