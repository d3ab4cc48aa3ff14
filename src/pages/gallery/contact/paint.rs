//! The contact sheet as one picture.

use super::font::{self, SMALL, TITLE};
use super::shapes::{Area, blend, colour, cover, rounded};
use super::sheet::{CARD, GROUND, INK, LINE, MARGIN, SOFT};
use super::{Contact, Entry, short, told, view_hue};
use crate::data::View;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

/// The longest side of a picture, and the side of the largest crops.
const PICTURE: u32 = 224;
const LARGE: u32 = 144;
/// The narrowest column of a crop: about twelve characters.
const NARROW: u32 = 72;
const PADDING: u32 = 16;
const GAP: u32 = 14;
/// A line of small text.
const LINE_HEIGHT: u32 = 15;
/// Lines under a crop: share and flip, two of adjustments, grey and blur.
const LINES: u32 = 4;
/// Prototypes under a crop.
const TOP: usize = 3;
const HEAD: u32 = 62;
/// Where crops go on in a new line.
const WIDEST: u32 = 1400;
const NARROWEST: u32 = 760;
const WHITE: Rgb<u8> = Rgb([255; 3]);

/// Where a crop lies within its row: its left upper corner and its side.
struct Slot {
    x: u32,
    y: u32,
    side: u32,
}

pub(super) fn draw(contact: &Contact<'_>) -> RgbImage {
    let left = MARGIN + PADDING + PICTURE + 2 * GAP;
    let layouts: Vec<(Vec<Slot>, u32, u32)> = contact.pictures.iter().map(|p| layout(p, left)).collect();
    let right = layouts.iter().map(|(_, right, _)| *right).max().unwrap_or(0);
    let width = (right + PADDING + MARGIN).max(NARROWEST);
    let room = (width - 2 * MARGIN) as f32;
    let lead = font::wrapped(contact.lead, SMALL, room);
    let top = MARGIN + HEAD - 22 + lead.len() as u32 * (LINE_HEIGHT + 2) + 10;
    let heights = layouts.iter().map(|(.., height)| height + 2 * PADDING + GAP).sum::<u32>();
    let mut canvas = RgbImage::from_pixel(width, top + heights + MARGIN - GAP, GROUND);
    font::draw(&mut canvas, &font::fit(contact.title, TITLE, room), (MARGIN, MARGIN), TITLE, INK);
    for (i, line) in lead.iter().enumerate() {
        font::draw(&mut canvas, line, (MARGIN, MARGIN + 34 + i as u32 * (LINE_HEIGHT + 2)), SMALL, SOFT);
    }
    let mut y = top;
    for (entry, (slots, _, height)) in contact.pictures.iter().zip(&layouts) {
        let card = Area { x: MARGIN, y, width: width - 2 * MARGIN, height: height + 2 * PADDING };
        rounded(&mut canvas, card, 10.0, LINE);
        let inside = Area { x: card.x + 1, y: y + 1, width: card.width - 2, height: card.height - 2 };
        rounded(&mut canvas, inside, 9.0, CARD);
        picture(&mut canvas, entry, y + PADDING);
        for (i, (view, slot)) in entry.shown.views.iter().zip(slots).enumerate() {
            let code = entry.codes.get(i).map_or(&[][..], Vec::as_slice);
            crop(&mut canvas, entry, (i, view), &Slot { y: y + PADDING + slot.y, ..*slot }, code);
        }
        y += card.height + GAP;
    }
    canvas
}

/// Where the crops of a picture stand, how far they reach to the right, and the height of the row.
fn layout(entry: &Entry, left: u32) -> (Vec<Slot>, u32, u32) {
    let coded = if entry.codes.is_empty() { 0 } else { TOP as u32 * LINE_HEIGHT + 6 };
    let (mut x, mut y, mut right, mut bottom) = (left, 0, left, 0);
    let mut slots = Vec::new();
    for view in &entry.shown.views {
        let side = side(view.pixels.width(), entry.largest());
        let width = side.max(NARROW);
        if x > left && x + width > WIDEST - MARGIN - PADDING {
            (x, y) = (left, bottom + GAP);
        }
        slots.push(Slot { x, y, side });
        right = right.max(x + width);
        bottom = bottom.max(y + side + 8 + LINES * LINE_HEIGHT + coded);
        x += width + GAP;
    }
    let (_, height) = thumbnail(entry);
    (slots, right, bottom.max(height + 8 + 2 * LINE_HEIGHT))
}

/// The side at which a crop is shown: small ones so that each of their pixels is a square.
fn side(size: u32, largest: u32) -> u32 {
    if largest >= LARGE {
        return (size * LARGE / largest).max(NARROW);
    }
    let side = LARGE / largest * size;
    if side < NARROW { NARROW.div_ceil(size) * size } else { side }
}

/// Width and height of a picture on the sheet.
fn thumbnail(entry: &Entry) -> (u32, u32) {
    let (width, height) = entry.shown.picture.dimensions();
    let scaled = |side: u32| {
        ((u64::from(side) * u64::from(PICTURE) / u64::from(width.max(height).max(1))) as u32).max(1)
    };
    (scaled(width), scaled(height))
}

fn resized(picture: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    let filter = if width >= 2 * picture.width() { FilterType::Nearest } else { FilterType::Triangle };
    imageops::resize(picture, width, height, filter)
}

/// The picture with its boxes, and its name below.
fn picture(canvas: &mut RgbImage, entry: &Entry, y: u32) {
    let (width, height) = thumbnail(entry);
    let mut small = resized(&entry.shown.look(), (width, height));
    let (from_width, from_height) = entry.shown.picture.dimensions();
    let place = |at: u32, side: u32, from: u32| (u64::from(at) * u64::from(side) / u64::from(from)) as u32;
    let boxes: Vec<Area> = entry
        .shown
        .views
        .iter()
        .map(|view| {
            let region = view.params.region;
            let (x, y) = (place(region.left, width, from_width), place(region.top, height, from_height));
            let right = place(region.left + region.width, width, from_width);
            let bottom = place(region.top + region.height, height, from_height);
            Area { x, y, width: right.max(x + 1) - x, height: bottom.max(y + 1) - y }
        })
        .collect();
    for (i, area) in boxes.iter().enumerate() {
        outline(&mut small, *area, strong(i));
    }
    // Numbers come last, so that no later box covers them.
    for (i, area) in boxes.iter().enumerate() {
        tag(&mut small, i, area.x, area.y);
    }
    let area = Area { x: MARGIN + PADDING, y, width, height };
    paste(canvas, &small, area, LINE, 1);
    let fit = |text: &str| font::fit(text, SMALL, PICTURE as f32);
    font::draw(canvas, &fit(&entry.name), (area.x, y + height + 8), SMALL, INK);
    if let Some(class) = &entry.class {
        font::draw(canvas, &fit(class), (area.x, y + height + 8 + LINE_HEIGHT), SMALL, SOFT);
    }
}

/// A crop in a frame of its colour, with what was drawn and its code below.
fn crop(canvas: &mut RgbImage, entry: &Entry, (i, view): (usize, &View), slot: &Slot, code: &[(u32, f32)]) {
    let area = Area { x: slot.x, y: slot.y, width: slot.side, height: slot.side };
    paste(canvas, &resized(&view.pixels, (slot.side, slot.side)), area, strong(i), 2);
    tag(canvas, i, slot.x, slot.y);
    let mut y = slot.y + slot.side + 8;
    for (line, strength) in captions(entry, view) {
        font::draw(canvas, &line, (slot.x, y), SMALL, if strength { INK } else { SOFT });
        y += LINE_HEIGHT;
    }
    y = slot.y + slot.side + 8 + LINES * LINE_HEIGHT + 4;
    for &(prototype, weight) in code.iter().take(TOP) {
        let room = slot.side.max(NARROW);
        let bar = Area { x: slot.x, y: y - 2, width: room, height: 12 };
        rounded(canvas, bar, 3.0, LINE);
        let width = ((f64::from(room) * f64::from(weight)).round() as u32).clamp(3, room);
        rounded(canvas, Area { width, ..bar }, 3.0, colour(super::hue(prototype as usize), 0.82));
        let text = format!("#{prototype}");
        font::draw(canvas, &text, (slot.x + 3, y), SMALL, INK);
        let percent = format!("{:.0}%", 100.0 * weight);
        let x = slot.x + room - font::width(&percent, SMALL).ceil() as u32 - 3;
        font::draw(canvas, &percent, (x, y), SMALL, SOFT);
        y += LINE_HEIGHT;
    }
}

/// The lines under a crop, and whether each matters more than the others.
fn captions(entry: &Entry, view: &View) -> Vec<(String, bool)> {
    let params = &view.params;
    let flip = if params.flip { " flip" } else { "" };
    let mut lines = vec![(format!("{:.0}%{flip}", entry.share(params)), true)];
    if let Some(jitter) = params.jitter {
        let word = |adjustment| {
            let (letter, _, factor) = told(adjustment);
            format!("{letter}{}", short(factor))
        };
        lines.extend(
            jitter.chunks(2).map(|pair| (pair.iter().map(|&a| word(a)).collect::<Vec<_>>().join(" "), false)),
        );
    }
    let blur = params.blur.map(|sigma| format!("blur {}", short(sigma)));
    let grey = params.grey.then(|| "grey".to_owned());
    let rest: Vec<String> = grey.into_iter().chain(blur).collect();
    lines.push((rest.join(" "), false));
    lines
}

/// The colour of a crop's frame.
fn strong(view: usize) -> Rgb<u8> {
    colour(view_hue(view), 0.45)
}

/// The number of a crop on its colour; it stays within the picture.
fn tag(canvas: &mut RgbImage, view: usize, x: u32, y: u32) {
    let text = (view + 1).to_string();
    let (width, height) = (font::width(&text, SMALL).ceil() as u32 + 5, 12);
    let x = x.min(canvas.width().saturating_sub(width));
    let y = y.min(canvas.height().saturating_sub(height));
    rounded(canvas, Area { x, y, width, height }, 3.0, strong(view));
    font::draw(canvas, &text, (x + 3, y + 2), SMALL, WHITE);
}

/// A frame of two pixels within a box, between thin white lines, to be seen on any picture.
fn outline(picture: &mut RgbImage, area: Area, colour: Rgb<u8>) {
    let Area { x, y, width, height } = area;
    for row in y..(y + height).min(picture.height()) {
        for column in x..(x + width).min(picture.width()) {
            let edge = (row - y).min(y + height - 1 - row).min(column - x).min(x + width - 1 - column);
            match edge {
                0 | 1 => blend(picture, column, row, colour, 1.0),
                2 => blend(picture, column, row, WHITE, 0.6),
                _ => {}
            }
        }
    }
}

/// Pastes with rounded corners on a frame.
fn paste(canvas: &mut RgbImage, picture: &RgbImage, area: Area, frame: Rgb<u8>, thick: u32) {
    let Area { x, y, width, height } = area;
    let outside = Area { x: x - thick, y: y - thick, width: width + 2 * thick, height: height + 2 * thick };
    rounded(canvas, outside, 6.0 + f64::from(thick), frame);
    for (i, j, pixel) in picture.enumerate_pixels() {
        blend(canvas, x + i, y + j, *pixel, cover(area, 6.0, x + i, y + j));
    }
}
