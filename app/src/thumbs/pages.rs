//! Textures of 1024×1024 pixels that hold many thumbnails of one size each: 4 MiB apiece, of which 40 are kept (160 MiB at
//! most, however many pictures there are), and more only where a single screen shows more. The one that was not drawn from
//! for longest is given up.

use eframe::egui::{Color32, ColorImage, Context, Rect, TextureHandle, TextureId, TextureOptions, pos2};
use std::collections::HashMap;

/// Pixels of a page, each way.
const PAGE: usize = 1024;
/// Pages that are kept.
const PAGES: usize = 40;
/// A page that was drawn from in one of so many last frames is on the screen.
const RECENT: u64 = 3;

/// The sides of thumbnails, pixels.
const SIDES: [usize; 3] = [64, 128, LARGEST];
/// The side of the largest.
pub(super) const LARGEST: usize = 256;

/// The side for a square of so many pixels: a little enlarged still looks sharp.
pub(super) fn side_for(pixels: f32) -> usize {
    SIDES.into_iter().find(|&side| side as f32 * 1.1 >= pixels).unwrap_or(LARGEST)
}

struct Page {
    texture: TextureHandle,
    side: usize,
    /// The pictures on it, in order.
    pictures: Vec<u32>,
    /// The frame that drew from it last.
    used: u64,
}

impl Page {
    /// Thumbnails in a row.
    fn row(&self) -> usize {
        PAGE / self.side
    }

    fn is_full(&self) -> bool {
        self.pictures.len() == self.row() * self.row()
    }
}

/// All pages.
#[derive(Default)]
pub(super) struct Pages {
    pages: Vec<Page>,
    /// Where the thumbnails are, by picture and side.
    places: HashMap<(u32, usize), (usize, usize)>,
}

impl Pages {
    /// A thumbnail of that side, or the nearest to it that there is: sharper ones first.
    pub(super) fn get(&mut self, picture: u32, side: usize, frame: u64) -> Option<(TextureId, Rect, usize)> {
        let larger = SIDES.into_iter().filter(|other| *other >= side);
        let smaller = SIDES.into_iter().rev().filter(|other| *other < side);
        let found = larger.chain(smaller).find_map(|side| Some((side, *self.places.get(&(picture, side))?)));
        let (side, (at, slot)) = found?;
        let page = &mut self.pages[at];
        page.used = frame;
        let row = page.row();
        let part = 1.0 / row as f32;
        // Half a pixel less, so that linear filtering takes nothing of the neighbours.
        let inset = 0.5 / PAGE as f32;
        let (x, y) = ((slot % row) as f32 * part, (slot / row) as f32 * part);
        let uv = Rect::from_min_max(pos2(x, y), pos2(x + part, y + part)).shrink(inset);
        Some((page.texture.id(), uv, side))
    }

    /// Puts a thumbnail onto a page with room.
    pub(super) fn put(&mut self, ctx: &Context, picture: u32, tile: ColorImage) {
        let (side, frame) = (tile.size[0], ctx.cumulative_frame_nr());
        if self.places.contains_key(&(picture, side)) {
            return;
        }
        let open = self.pages.iter().position(|page| page.side == side && !page.is_full());
        let at = open.unwrap_or_else(|| self.page(ctx, side, frame));
        let page = &mut self.pages[at];
        page.used = page.used.max(frame);
        let slot = page.pictures.len();
        page.pictures.push(picture);
        let corner = [slot % page.row() * side, slot / page.row() * side];
        page.texture.set_partial(corner, tile, TextureOptions::LINEAR);
        self.places.insert((picture, side), (at, slot));
    }

    /// An empty page: a new one, or the one that was not seen for longest.
    fn page(&mut self, ctx: &Context, side: usize, frame: u64) -> usize {
        let oldest = self.pages.iter().enumerate().min_by_key(|(_, page)| page.used);
        if let Some((at, page)) = oldest
            && self.pages.len() >= PAGES
            && page.used + RECENT <= frame
        {
            self.places.retain(|_, (page, _)| *page != at);
            let page = &mut self.pages[at];
            (page.side, page.used) = (side, frame);
            page.pictures.clear();
            return at;
        }
        let blank = ColorImage::filled([PAGE; 2], Color32::TRANSPARENT);
        let name = format!("thumbnails {}", self.pages.len());
        let texture = ctx.load_texture(name, blank, TextureOptions::LINEAR);
        self.pages.push(Page { texture, side, pictures: Vec::new(), used: frame });
        self.pages.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(side: usize) -> ColorImage {
        ColorImage::filled([side; 2], Color32::RED)
    }

    #[test]
    fn what_is_drawn_large_has_more_pixels() {
        let sides = [38.0, 64.0, 70.0, 72.0, 112.0, 140.0, 184.0, 400.0].map(side_for);
        assert_eq!(sides, [64, 64, 64, 128, 128, 128, 256, 256]);
    }

    #[test]
    fn a_sharper_thumbnail_takes_the_place_of_another_once_it_is_there() {
        let (ctx, mut pages) = (Context::default(), Pages::default());
        assert!(pages.get(7, 64, 0).is_none());
        pages.put(&ctx, 7, tile(64));
        pages.put(&ctx, 8, tile(64));
        assert_eq!(pages.get(7, 128, 0).unwrap().2, 64);
        pages.put(&ctx, 7, tile(128));
        // A large one serves for a small square too: it need not be decoded twice.
        let sides = [64, 128, 256].map(|side| pages.get(7, side, 0).unwrap().2);
        assert_eq!(sides, [64, 128, 128]);
        let (first, second) = (pages.get(7, 64, 0).unwrap().1, pages.get(8, 64, 0).unwrap().1);
        assert!(!first.intersects(second), "{first} {second}");
    }

    /// A hundred thousand pictures scrolled past: the pages stay as many as they are, and what is seen stays.
    #[test]
    fn memory_has_an_end_and_what_is_on_the_screen_is_not_given_up() {
        let (ctx, mut pages) = (Context::default(), Pages::default());
        for picture in 0..20_000 {
            if picture % 100 == 0 {
                let _ = ctx.run_ui(Default::default(), |_| {});
            }
            pages.put(&ctx, picture, tile(128));
            let frame = ctx.cumulative_frame_nr();
            // The first is drawn all the time.
            assert!(pages.get(0, 128, frame).is_some(), "{picture}");
        }
        assert_eq!(pages.pages.len(), PAGES);
        assert!(pages.places.len() <= PAGES * 64 && pages.get(64, 128, 0).is_none());
    }
}
