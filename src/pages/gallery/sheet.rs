//! The contact sheet: the largest prototypes as one picture, a row each.

use super::font::{self, SMALL, TEXT, TITLE};
use super::shapes::{Area, blend, colour, cover, rounded};
use super::{Cluster, Gallery, NEAREST, ON_SHEET, TILE, hue};
use image::{Rgb, RgbImage};

pub(super) const GROUND: Rgb<u8> = Rgb([245, 246, 248]);
pub(super) const CARD: Rgb<u8> = Rgb([255, 255, 255]);
pub(super) const LINE: Rgb<u8> = Rgb([228, 231, 236]);
pub(super) const INK: Rgb<u8> = Rgb([22, 24, 29]);
pub(super) const SOFT: Rgb<u8> = Rgb([102, 112, 133]);
const ACCENT: Rgb<u8> = Rgb([79, 107, 237]);

pub(super) const MARGIN: u32 = 28;
const GAP: u32 = 8;
const PADDING: u32 = 12;
/// Width of the text at the left of a row.
const ABOUT: u32 = 196;
const HEAD: u32 = 64;
/// A line of figures: one takes a quarter of the width.
const FIGURE_LINE: u32 = 44;
const FIGURES_A_LINE: u32 = 4;
const ROW: u32 = TILE + 2 * PADDING;
const WIDTH: u32 = 2 * MARGIN + 3 * PADDING + ABOUT + NEAREST as u32 * (TILE + GAP) - GAP;

/// Draws the head of `clusters`; `tiles` are their thumbnails in order.
pub(super) fn draw(gallery: &Gallery<'_>, clusters: &[Cluster], tiles: &[RgbImage]) -> RgbImage {
    let shown = &clusters[..clusters.len().min(ON_SHEET)];
    let figure_lines = (gallery.figures.len() as u32).div_ceil(FIGURES_A_LINE);
    let top = MARGIN + HEAD + figure_lines * FIGURE_LINE;
    let height = top + shown.len() as u32 * (ROW + GAP) + MARGIN - GAP.min(MARGIN);
    let mut sheet = RgbImage::from_pixel(WIDTH, height, GROUND);
    head(&mut sheet, gallery, clusters);
    let largest = clusters.first().map_or(1, |cluster| cluster.members.len());
    let mut tiles = tiles.iter();
    for (i, cluster) in shown.iter().enumerate() {
        let y = top + i as u32 * (ROW + GAP);
        row(&mut sheet, gallery, cluster, y, largest);
        let x = MARGIN + 2 * PADDING + ABOUT;
        for (j, tile) in tiles.by_ref().take(cluster.nearest().len()).enumerate() {
            paste(&mut sheet, tile, x + j as u32 * (TILE + GAP), y + PADDING);
        }
    }
    sheet
}

fn head(sheet: &mut RgbImage, gallery: &Gallery<'_>, clusters: &[Cluster]) {
    let room = (WIDTH - 2 * MARGIN) as f32;
    font::draw(sheet, &font::fit(gallery.title, TITLE, room), (MARGIN, MARGIN), TITLE, INK);
    let line = format!(
        "{} pictures · {} of {} prototypes hold some · largest first, most similar pictures first",
        gallery.best.len(),
        clusters.len(),
        gallery.prototypes
    );
    font::draw(sheet, &line, (MARGIN, MARGIN + 33), TEXT, SOFT);
    let width = (WIDTH - 2 * MARGIN) / FIGURES_A_LINE;
    for (i, (name, value)) in gallery.figures.iter().enumerate() {
        let i = i as u32;
        let at = (MARGIN + i % FIGURES_A_LINE * width, MARGIN + HEAD + i / FIGURES_A_LINE * FIGURE_LINE);
        let room = (width - PADDING) as f32;
        font::draw(sheet, &font::fit(name, SMALL, room), at, SMALL, SOFT);
        font::draw(sheet, &font::fit(value, TEXT, room), (at.0, at.1 + 15), TEXT, INK);
    }
}

fn row(sheet: &mut RgbImage, gallery: &Gallery<'_>, cluster: &Cluster, y: u32, largest: usize) {
    let card = Area { x: MARGIN, y, width: WIDTH - 2 * MARGIN, height: ROW };
    rounded(sheet, card, 10.0, LINE);
    let inside = Area { x: card.x + 1, y: y + 1, width: card.width - 2, height: ROW - 2 };
    rounded(sheet, inside, 9.0, CARD);
    let x = MARGIN + PADDING + 4;
    let count = cluster.members.len();
    font::draw(sheet, &format!("#{}", cluster.prototype), (x, y + 13), TEXT, INK);
    let plural = if count == 1 { "" } else { "s" };
    font::draw(sheet, &format!("{count} picture{plural}"), (x, y + 34), TEXT, SOFT);
    let bar = Area { x, y: y + 54, width: ABOUT - 16, height: 4 };
    rounded(sheet, bar, 2.0, LINE);
    let width = (f64::from(bar.width) * count as f64 / largest as f64).round().max(4.0) as u32;
    rounded(sheet, Area { width, ..bar }, 2.0, ACCENT);
    let names = gallery.labels.map(|labels| labels.names).unwrap_or_default();
    if let Some((dominant, name)) =
        cluster.dominant.as_ref().and_then(|d| names.get(d.class).map(|name| (d, name)))
    {
        let share = format!(" {:.0}%", 100.0 * dominant.share);
        let room = (bar.width - 14) as f32 - font::width(&share, SMALL);
        let text = font::fit(name, SMALL, room) + &share;
        let colour = colour(hue(dominant.class), 0.38);
        let chip = Area { x, y: y + 64, width: font::width(&text, SMALL).ceil() as u32 + 14, height: 16 };
        rounded(sheet, chip, 8.0, self::colour(hue(dominant.class), 0.93));
        font::draw(sheet, &text, (x + 7, y + 68), SMALL, colour);
    }
}

/// Pastes a thumbnail with rounded corners and a faint edge, so that white pictures have a shape.
fn paste(sheet: &mut RgbImage, tile: &RgbImage, x: u32, y: u32) {
    rounded(sheet, Area { x: x - 1, y: y - 1, width: TILE + 2, height: TILE + 2 }, 9.0, LINE);
    let area = Area { x, y, width: TILE, height: TILE };
    for (i, j, pixel) in tile.enumerate_pixels() {
        blend(sheet, x + i, y + j, *pixel, cover(area, 8.0, x + i, y + j));
    }
}
