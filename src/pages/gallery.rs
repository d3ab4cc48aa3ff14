//! What the prototypes look like: a page and a contact sheet of the pictures nearest to each.
//!
//! `index.html` needs nothing but `sprites.png` beside it (no network, no fonts); `gallery.png` is
//! the largest prototypes as one picture, to look at where there is no browser.

pub mod contact;
pub(super) mod font;
pub(super) mod page;
mod shapes;
mod sheet;

use super::html::data_uri;
use crate::error::{Error, Result};
use crate::pass::Pass;
use image::{Rgb, RgbImage, imageops};
use maud::{Markup, html};
use rayon::prelude::*;
use std::path::Path;

/// Thumbnails are this many pixels wide and high.
const TILE: u32 = 64;
/// Pictures shown of each prototype.
const NEAREST: usize = 12;
/// Prototypes on the page, the largest first: 3,600 thumbnails keep it quick to open.
const ON_PAGE: usize = 300;
/// Prototypes on the contact sheet.
const ON_SHEET: usize = 24;
/// Thumbnails in a row of the sprite sheet.
const SPRITE_COLUMNS: usize = 32;

/// What to show. A picture's number is its place in `best`.
#[derive(Clone, Copy, Debug)]
pub struct Gallery<'a> {
    /// The heading.
    pub title: &'a str,
    /// K: how many prototypes there are, used or not.
    pub prototypes: usize,
    /// For each picture, its best prototype and the similarity to it.
    pub best: &'a [(u32, f32)],
    /// What the pictures are, where that is known.
    pub labels: Option<Labels<'a>>,
    /// Figures of the run for the heading, as (name, value).
    pub figures: &'a [(String, String)],
}

/// The class of each picture and the names of the classes.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    /// For each picture, the place of its class in `names`; anything beyond means not labelled.
    pub of: &'a [u32],
    /// The classes.
    pub names: &'a [String],
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Prototypes that are the best one of some picture.
    pub used: usize,
    /// Thumbnails on the page.
    pub thumbnails: usize,
    /// Pictures that could not be decoded (shown as a grey tile).
    pub unreadable: usize,
}

/// The pictures of one prototype.
struct Cluster {
    prototype: u32,
    /// All its pictures, the most similar first.
    members: Vec<u32>,
    /// Its most common class and how many of its labelled pictures have it.
    dominant: Option<Dominant>,
}

struct Dominant {
    class: usize,
    share: f64,
}

/// Writes `index.html`, `sprites.png` and `gallery.png` into `folder`, which is made if needed.
/// `decode` gives a picture by its number; one that cannot be decoded is shown as a grey tile. `pass` counts the
/// thumbnails.
///
/// # Errors
/// [`Error::Io`] with the file that could not be written; [`Error::Stopped`] where the pass is, with nothing
/// written.
pub fn write(
    folder: &Path,
    gallery: &Gallery<'_>,
    pass: &Pass,
    decode: impl Fn(u32) -> Result<RgbImage> + Sync,
) -> Result<Written> {
    let clusters = clusters(gallery);
    let shown = &clusters[..clusters.len().min(ON_PAGE)];
    let (tiles, unreadable) = tiles(shown, pass, decode)?;
    std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    save(&sprites(&tiles), &folder.join("sprites.png"))?;
    save(&sheet::draw(gallery, &clusters, &tiles), &folder.join("gallery.png"))?;
    let index = folder.join("index.html");
    std::fs::write(&index, page::html(gallery, &clusters, shown)).map_err(Error::io(index))?;
    Ok(Written { used: clusters.len(), thumbnails: tiles.len(), unreadable })
}

/// Thumbnails on the page of a gallery with so many prototypes, at most.
#[must_use]
pub fn most_thumbnails(prototypes: usize) -> usize {
    prototypes.min(ON_PAGE) * NEAREST
}

/// The rows of the `most` largest prototypes for another page, with their thumbnails inside it. `pass` counts the
/// thumbnails.
///
/// # Errors
/// [`Error::Stopped`] where the pass is.
pub fn rows(
    gallery: &Gallery<'_>,
    most: usize,
    pass: &Pass,
    decode: impl Fn(u32) -> Result<RgbImage> + Sync,
) -> Result<Markup> {
    let clusters = clusters(gallery);
    let shown = &clusters[..clusters.len().min(most)];
    let sheet = data_uri(&sprites(&tiles(shown, pass, decode)?.0));
    Ok(html! {
        style { ".tiles i{background-image:url(" (sheet) ")}" }
        (page::articles(gallery, &clusters, shown))
    })
}

/// The thumbnails of all pictures that are shown, and how many of them cannot be decoded.
fn tiles(
    shown: &[Cluster],
    pass: &Pass,
    decode: impl Fn(u32) -> Result<RgbImage> + Sync,
) -> Result<(Vec<RgbImage>, usize)> {
    let ids: Vec<u32> = shown.iter().flat_map(|cluster| cluster.nearest().iter().copied()).collect();
    pass.expect(ids.len());
    let one = |&id: &u32| {
        let tile = decode(id).ok().and_then(|picture| tile(&picture));
        pass.advance(1).map(|()| tile)
    };
    let tiles: Vec<Option<RgbImage>> = ids.par_iter().map(one).collect::<Result<_>>()?;
    let unreadable = tiles.iter().filter(|tile| tile.is_none()).count();
    let blank = RgbImage::from_pixel(TILE, TILE, Rgb([128; 3]));
    Ok((tiles.into_iter().map(|tile| tile.unwrap_or_else(|| blank.clone())).collect(), unreadable))
}

impl Cluster {
    /// The pictures that are shown.
    fn nearest(&self) -> &[u32] {
        &self.members[..self.members.len().min(NEAREST)]
    }
}

/// The used prototypes with their pictures, the largest first, equal ones by number.
fn clusters(gallery: &Gallery<'_>) -> Vec<Cluster> {
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); gallery.prototypes];
    for (id, &(prototype, _)) in gallery.best.iter().enumerate() {
        if let Some(members) = members.get_mut(prototype as usize) {
            members.push(id as u32);
        }
    }
    let score = |id: u32| gallery.best[id as usize].1;
    let used = members.into_iter().enumerate().filter(|(_, members)| !members.is_empty());
    let mut clusters: Vec<Cluster> = used
        .map(|(prototype, mut members)| {
            members.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
            let dominant = gallery.labels.and_then(|labels| dominant(&members, labels));
            Cluster { prototype: prototype as u32, members, dominant }
        })
        .collect();
    clusters.sort_by_key(|cluster| (std::cmp::Reverse(cluster.members.len()), cluster.prototype));
    clusters
}

/// The most common class of `members`, the first of equals; none when no member is labelled.
fn dominant(members: &[u32], labels: Labels<'_>) -> Option<Dominant> {
    let mut counts = vec![0usize; labels.names.len()];
    for &id in members {
        let class = labels.of.get(id as usize).and_then(|&class| counts.get_mut(class as usize));
        if let Some(count) = class {
            *count += 1;
        }
    }
    let total: usize = counts.iter().sum();
    let (class, &count) = counts.iter().enumerate().rev().max_by_key(|(_, count)| **count)?;
    (total > 0).then(|| Dominant { class, share: count as f64 / total as f64 })
}

/// The middle square of a picture as a thumbnail; none for a picture without pixels.
fn tile(picture: &RgbImage) -> Option<RgbImage> {
    let (width, height) = picture.dimensions();
    let side = width.min(height);
    if side == 0 {
        return None;
    }
    let square = imageops::crop_imm(picture, (width - side) / 2, (height - side) / 2, side, side).to_image();
    let filter = if side < TILE { imageops::FilterType::CatmullRom } else { imageops::FilterType::Triangle };
    Some(if side == TILE { square } else { imageops::resize(&square, TILE, TILE, filter) })
}

/// All thumbnails in one picture, row by row.
fn sprites(tiles: &[RgbImage]) -> RgbImage {
    let rows = tiles.len().div_ceil(SPRITE_COLUMNS).max(1);
    let mut sprites = RgbImage::new(SPRITE_COLUMNS as u32 * TILE, rows as u32 * TILE);
    for (i, tile) in tiles.iter().enumerate() {
        let (column, row) = (i % SPRITE_COLUMNS, i / SPRITE_COLUMNS);
        imageops::replace(&mut sprites, tile, column as i64 * i64::from(TILE), row as i64 * i64::from(TILE));
    }
    sprites
}

fn save(picture: &RgbImage, path: &Path) -> Result<()> {
    picture.save_with_format(path, image::ImageFormat::Png).map_err(|error| {
        Error::io(path)(match error {
            image::ImageError::IoError(error) => error,
            other => std::io::Error::other(other),
        })
    })
}

/// A colour that belongs to a class, well apart from those of its neighbours: the hue in degrees
/// (steps of the golden angle).
pub(super) fn hue(class: usize) -> f64 {
    (class as f64 * 137.507_764 + 210.0) % 360.0
}

#[cfg(test)]
#[path = "gallery/tests.rs"]
mod tests;
