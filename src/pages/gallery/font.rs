//! Text on the sheets, in the light Ubuntu font. A character that the font does not have is a box.

use super::shapes::blend;
use ab_glyph::{Font as _, FontRef, ScaleFont as _, point};
use image::{Rgb, RgbImage};
use std::sync::LazyLock;

/// The height of capitals, as a share of the size of text.
const CAPITALS: f32 = 0.693;
/// Sizes of text in pixels, as those of CSS: their capitals are 19, 11 and 8 whole pixels high, and so have sharp edges.
pub(super) const TITLE: f32 = 19.0 / CAPITALS;
pub(super) const TEXT: f32 = 11.0 / CAPITALS;
pub(super) const SMALL: f32 = 8.0 / CAPITALS;

/// It is there: a test reads it.
static FONT: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT).ok());

/// Pixels from this character to the next.
fn advance(c: char, size: f32) -> f32 {
    let Some(font) = &*FONT else { return size };
    font.h_advance_unscaled(font.glyph_id(c)) * size / font.units_per_em().unwrap_or(1000.0)
}

/// Width of a line in pixels.
pub(in crate::pages) fn width(text: &str, size: f32) -> f32 {
    text.chars().map(|c| advance(c, size)).sum()
}

/// As much of the beginning of `text` as fits into `room` pixels, with a mark where something was cut.
pub(in crate::pages) fn fit(text: &str, size: f32, room: f32) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut end = advance('…', size);
    let fits = |c: &char| {
        end += advance(*c, size);
        end <= room
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Lines that fit into `room` pixels, broken between words.
pub(super) fn wrapped(text: &str, size: f32, room: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(word, size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fit(word, size, room)),
        }
    }
    lines
}

/// Draws a line whose capitals have their upper left corner at `at`; what leaves the picture is cut off.
pub(super) fn draw(picture: &mut RgbImage, text: &str, at: (u32, u32), size: f32, colour: Rgb<u8>) {
    let Some(font) = &*FONT else { return };
    let scale = size * font.height_unscaled() / font.units_per_em().unwrap_or(1000.0);
    let (mut left, baseline) = (at.0 as f32, at.1 as f32 + (CAPITALS * size).round());
    for c in text.chars() {
        let glyph = font.glyph_id(c).with_scale_and_position(scale, point(left, baseline));
        left += font.as_scaled(scale).h_advance(glyph.id);
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, cover| {
            let place =
                [(corner.x, x), (corner.y, y)].map(|(from, by)| u32::try_from(from as i64 + i64::from(by)));
            if let [Ok(x), Ok(y)] = place {
                // Thin strokes on white would be fainter than they are on paper.
                blend(picture, x, y, colour, f64::from(cover.clamp(0.0, 1.0)).powf(0.75));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Rgb<u8> = Rgb([255; 3]);

    /// The pixels that a text inks: left, top, right, bottom, the last two outside.
    fn inked(text: &str, at: (u32, u32), size: f32) -> [u32; 4] {
        let mut picture = RgbImage::from_pixel(200, 60, WHITE);
        draw(&mut picture, text, at, size, Rgb([0; 3]));
        let inked = picture.enumerate_pixels().filter(|(.., pixel)| pixel.0[0] < 200);
        inked
            .fold([200, 60, 0, 0], |[l, t, r, b], (x, y, _)| [l.min(x), t.min(y), r.max(x + 1), b.max(y + 1)])
    }

    #[test]
    fn capitals_stand_where_they_are_put_and_within_their_width() {
        for size in [SMALL, TEXT, TITLE] {
            let [left, top, right, bottom] = inked("HIH", (20, 10), size);
            assert!(top == 10 && bottom == 10 + (CAPITALS * size).round() as u32, "{size}: {top} {bottom}");
            assert!(left >= 20 && right as f32 <= 20.0 + width("HIH", size), "{size}: {left} {right}");
        }
        // What leaves the picture is cut off, on every side.
        let mut small = RgbImage::new(4, 4);
        draw(&mut small, "jWgÅ", (0, 0), TITLE, WHITE);
    }

    #[test]
    fn letters_of_other_languages_are_drawn_and_what_is_missing_is_a_box() {
        let Some(font) = &*FONT else { panic!("the font cannot be read") };
        for c in "äßéČğżΩπЖя·…−±×–“”≥".chars() {
            assert!(font.glyph_id(c).0 > 0, "{c}");
        }
        assert_eq!(inked("Č", (20, 20), TITLE)[3], inked("C", (20, 20), TITLE)[3]);
        assert!(inked("Č", (20, 20), TITLE)[1] < inked("C", (20, 20), TITLE)[1]);
        assert_eq!(inked("日", (20, 20), TITLE), inked("✓", (20, 20), TITLE));
        let [left, .., right, _] = inked("日", (20, 20), TITLE);
        assert!(right > left + 5);
    }

    #[test]
    fn text_is_cut_and_broken_to_its_room() {
        for room in [0.0, 5.0, 40.0, 90.0, 1000.0] {
            let cut = fit("some words of a title", SMALL, room);
            assert!(width(&cut, SMALL) <= room.max(width("…", SMALL)), "{cut}");
            assert_eq!(cut.ends_with('…'), room < 1000.0);
        }
        let lines = wrapped("one two three  four\nfive averyverylongword", SMALL, 60.0);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, SMALL) <= 60.0), "{lines:?}");
        assert!(lines[0].starts_with("one ") && wrapped(" ", SMALL, 60.0).is_empty());
    }
}
