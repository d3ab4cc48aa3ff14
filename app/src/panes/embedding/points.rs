//! The points of the plane: where they lie on the screen, and one mesh of them all for the GPU. Both are worked
//! out again only where something changed, so a still plane costs nothing.

use super::Colour;
use crate::engine::digest::Map;
use crate::theme::Palette;
use crate::thumbs::Names;
use eframe::egui::{
    self, Color32, ColorImage, Mesh, Pos2, Rect, TextureHandle, TextureId, TextureOptions, Vec2, lerp, pos2,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pixels of the picture of a dot, each way, and their rim.
const TEXELS: usize = 16;
const RIM: f32 = 1.0;
/// Width of what surrounds a marked point, points.
const OUTLINE: f32 = 1.2;

/// What part of the plane is seen at first: all points, whatever their shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The middle of the points.
    pub(super) middle: [f32; 2],
    /// Points of the screen for one unit of the plane.
    pub(super) unit: f32,
}

impl Frame {
    pub(super) fn around(points: &[[f32; 2]], rect: Rect) -> Self {
        let range = |axis: usize| {
            let values = || points.iter().map(|point| point[axis]);
            let (least, most) = (values().fold(f32::MAX, f32::min), values().fold(f32::MIN, f32::max));
            if least <= most { (least, most) } else { (-1.0, 1.0) }
        };
        let (x, y) = (range(0), range(1));
        let size = [x, y].map(|(least, most)| (most - least).max(1e-4));
        let unit = (rect.width() / size[0]).min(rect.height() / size[1]) * 0.92;
        Self { middle: [(x.0 + x.1) / 2.0, (y.0 + y.1) / 2.0], unit }
    }
}

/// What the drawing of a look depends on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) colour: Colour,
    pub(super) rect: Rect,
    /// The centre and the zoom.
    pub(super) view: [f32; 3],
    pub(super) dark: bool,
    pub(super) marked: Arc<BTreeSet<u32>>,
    pub(super) classes: usize,
}

/// A look as it was drawn last.
pub(super) struct Drawn {
    map: Arc<Map>,
    key: Key,
    /// Where each picture lies on the screen.
    pub(super) places: Vec<Pos2>,
    pub(super) mesh: Arc<Mesh>,
    /// The losses that the colours span.
    pub(super) losses: (f32, f32),
}

impl Drawn {
    /// Whether this is what `map` looks like.
    pub(super) fn is_of(&self, map: &Arc<Map>, key: &Key) -> bool {
        Arc::ptr_eq(&self.map, map) && self.key == *key
    }

    /// Draws all points: one square with a round picture for each, marked ones last.
    pub(super) fn new(
        map: &Arc<Map>,
        key: Key,
        dot: TextureId,
        palette: Palette,
        names: &Names,
        place: impl Fn([f32; 2]) -> Pos2,
    ) -> Self {
        let places: Vec<Pos2> = map.points.iter().map(|&point| place(point)).collect();
        let radius = radius(places.len(), key.view[2]);
        let seen = key.rect.expand(radius);
        let mut mesh = Mesh::with_texture(dot);
        let visible = || places.iter().enumerate().filter(|(_, place)| seen.contains(**place));
        mesh.reserve_vertices(4 * places.len());
        mesh.reserve_triangles(2 * places.len());
        let any = !key.marked.is_empty();
        let losses = if key.colour == Colour::Loss { usual_losses(&map.loss) } else { (0.0, 1.0) };
        let color = |at: usize| color(&key, palette, names, map, losses, at);
        for (at, &place) in visible() {
            let color = color(at);
            add(&mut mesh, place, radius, if any { color.gamma_multiply(0.25) } else { color });
        }
        if any {
            let marked = visible().filter(|(at, _)| key.marked.contains(&map.pictures[*at]));
            for (at, &place) in marked {
                // A rim, by which they are found among points of their own colour too.
                add(&mut mesh, place, 1.4 * radius + OUTLINE, palette.text);
                add(&mut mesh, place, 1.4 * radius, color(at));
            }
        }
        let mesh = Arc::new(mesh);
        Self { map: Arc::clone(map), key, places, mesh, losses }
    }
}

/// Smaller where there are many, larger from near.
fn radius(count: usize, zoom: f32) -> f32 {
    let crowd = (2000.0 / count.max(1) as f32).powf(0.25);
    (2.6 * crowd).clamp(1.0, 3.2) * zoom.max(1.0).powf(0.25)
}

fn add(mesh: &mut Mesh, place: Pos2, radius: f32, color: Color32) {
    let side = 2.0 * radius * TEXELS as f32 / (TEXELS as f32 - 2.0 * RIM);
    let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    mesh.add_rect_with_uv(Rect::from_center_size(place, Vec2::splat(side)), uv, color);
}

/// From the lowest twentieth of the losses to the highest: what most pictures lie between, so that a run whose losses
/// are all high is not of one colour.
fn usual_losses(losses: &[f32]) -> (f32, f32) {
    let mut sorted: Vec<f32> = losses.iter().copied().filter(|loss| loss.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f32| sorted.get((share * sorted.len().saturating_sub(1) as f32) as usize).copied();
    match (at(0.05), at(0.95)) {
        (Some(low), Some(high)) => (low, high.max(low + 1e-6)),
        _ => (0.0, 1.0),
    }
}

fn color(key: &Key, palette: Palette, names: &Names, map: &Map, losses: (f32, f32), at: usize) -> Color32 {
    match key.colour {
        Colour::Prototype => palette.numbered(map.best[at]),
        Colour::Label => names.label(map.pictures[at]).map_or(palette.weak, |label| palette.numbered(label)),
        Colour::Loss => badness(palette, (map.loss[at] - losses.0) / (losses.1 - losses.0)),
    }
}

/// From what is predicted well (0) to what is not told apart at all (1).
pub(super) fn badness(palette: Palette, share: f32) -> Color32 {
    let (low, high) = (palette.series[0], palette.series[1]);
    let mix = |low: u8, high: u8| lerp(f32::from(low)..=f32::from(high), share.clamp(0.0, 1.0)) as u8;
    Color32::from_rgb(mix(low.r(), high.r()), mix(low.g(), high.g()), mix(low.b(), high.b()))
}

/// A white dot with a soft rim, to be coloured by what is drawn with it.
pub(super) fn dot(ctx: &egui::Context) -> TextureHandle {
    let middle = (TEXELS as f32 - 1.0) / 2.0;
    let pixel = |at: usize| {
        let away = ((at % TEXELS) as f32 - middle).hypot((at / TEXELS) as f32 - middle);
        let cover = (TEXELS as f32 / 2.0 - RIM - away + 0.5).clamp(0.0, 1.0);
        Color32::WHITE.gamma_multiply(cover)
    };
    let image = ColorImage::new([TEXELS; 2], (0..TEXELS * TEXELS).map(pixel).collect());
    ctx.load_texture("dot", image, TextureOptions::LINEAR)
}

/// The point under the pointer.
pub(super) fn nearest(places: &[Pos2], pointer: Pos2) -> Option<usize> {
    let found = places.iter().enumerate().map(|(at, place)| (at, place.distance_sq(pointer)));
    found.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, distance)| *distance < 100.0).map(|(at, _)| at)
}

/// Whether a point lies inside an outline (even-odd rule).
pub(super) fn within(outline: &[Pos2], at: Pos2) -> bool {
    let edges = outline.iter().zip(outline.iter().cycle().skip(1));
    let crossed = edges.filter(|(a, b)| {
        (a.y > at.y) != (b.y > at.y) && at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x)
    });
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lasso_holds_what_is_inside() {
        let square = [pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 10.0), pos2(0.0, 10.0)];
        assert!(within(&square, pos2(5.0, 5.0)) && !within(&square, pos2(15.0, 5.0)));
        assert!(!within(&[], pos2(0.0, 0.0)));
        let places = [pos2(0.0, 0.0), pos2(50.0, 0.0)];
        assert_eq!(nearest(&places, pos2(45.0, 2.0)), Some(1));
        assert_eq!(nearest(&places, pos2(25.0, 0.0)), None);
    }

    #[test]
    fn colours_span_the_losses_that_there_are() {
        let losses: Vec<f32> = (0..=100).map(|i| 4.0 + i as f32 / 100.0).chain([90.0, f32::NAN]).collect();
        let (low, high) = usual_losses(&losses);
        assert!((low - 4.05).abs() < 0.011 && (high - 4.96).abs() < 0.011, "{low} {high}");
        assert_eq!(usual_losses(&[]), (0.0, 1.0));
        let (low, high) = usual_losses(&[2.0; 9]);
        assert!(low == 2.0 && high > low);
    }

    #[test]
    fn only_what_is_seen_is_drawn_and_marked_points_once_more_with_a_rim() {
        let map = Arc::new(crate::samples::map(1, 100, 60));
        let rect = Rect::from_min_size(pos2(0.0, 0.0), Vec2::splat(100.0));
        let marked = Arc::new(BTreeSet::from([map.pictures[3], map.pictures[99]]));
        let key = Key { colour: Colour::Loss, rect, view: [0.0, 0.0, 1.0], dark: true, marked, classes: 0 };
        // The last ten lie outside.
        let ctx = egui::Context::default();
        let texture = dot(&ctx);
        let mut at = std::cell::Cell::new(0);
        let place = |_: [f32; 2]| {
            at.set(at.get() + 1);
            if at.get() > 90 { pos2(500.0, 0.0) } else { pos2(at.get() as f32, 50.0) }
        };
        let palette = crate::theme::DARK;
        let drawn = Drawn::new(&map, key.clone(), texture.id(), palette, &Names::default(), place);
        assert_eq!((drawn.mesh.vertices.len(), drawn.places.len()), (4 * 92, 100));
        // The rim lies below its point, and is larger.
        let wide = |at: usize| drawn.mesh.vertices[4 * at + 3].pos.x - drawn.mesh.vertices[4 * at].pos.x;
        assert!(wide(90) > wide(91) && wide(91) > wide(0));
        assert_eq!(drawn.mesh.vertices[4 * 90].color, palette.text);
        assert!(drawn.is_of(&map, &key) && !drawn.is_of(&Arc::new((*map).clone()), &key));
        assert!(!drawn.is_of(&map, &Key { dark: false, ..key }));
        assert_eq!(*at.get_mut(), 100);
        assert_eq!((badness(palette, -1.0), badness(palette, 9.0)), (palette.series[0], palette.series[1]));
        assert!(radius(100_000, 1.0) < radius(2000, 1.0) && radius(2000, 1.0) < radius(2000, 9.0));
    }
}
