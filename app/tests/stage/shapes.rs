//! What is painted, read back: words, where they are cut, and how sharp pictures are.

use eframe::egui::accesskit::Role;
use eframe::egui::epaint::{ClippedShape, Vertex};
use eframe::egui::{Rect, Shape};
use egui_kittest::Harness;
use egui_kittest::kittest::NodeT;
use swav_app::window::Window;

/// Words, where they stand, and what they are clipped to.
type Text = (String, Rect, Rect);

fn walk(shape: &Shape, clip: Rect, found: &mut Vec<Text>) {
    match shape {
        Shape::Vec(all) => all.iter().for_each(|shape| walk(shape, clip, found)),
        Shape::Text(text) if !text.galley.text().trim().is_empty() => {
            found.push((text.galley.text().to_owned(), text.visual_bounding_rect(), clip));
        }
        _ => {}
    }
}

fn texts(harness: &Harness<'_, Window>) -> Vec<Text> {
    let mut found = Vec::new();
    for ClippedShape { clip_rect, shape, .. } in &harness.output().shapes {
        walk(shape, *clip_rect, &mut found);
    }
    found
}

/// Whether some words are painted where they can be seen, be it by hand.
pub(crate) fn paints(harness: &Harness<'_, Window>, words: &str) -> bool {
    texts(harness)
        .iter()
        .any(|(text, place, clip)| text.contains(words) && clip.contains_rect(place.shrink(1.0)))
}

/// Where words end that stand furthest to the right.
pub(crate) fn end_of(harness: &Harness<'_, Window>, words: &str) -> f32 {
    let ends =
        texts(harness).into_iter().filter(|(text, ..)| text == words).map(|(_, place, _)| place.right());
    ends.fold(f32::MIN, f32::max)
}

/// Words that are cut at a side. What is cut above or below can be scrolled to, and what is typed moves in its field.
pub(crate) fn cut(harness: &Harness<'_, Window>) -> Vec<String> {
    let screen = harness.ctx.content_rect();
    let typed = typed(harness);
    let is_cut = |(text, place, clip): Text| {
        let clip = clip.intersect(screen);
        let seen = clip.y_range().intersects(place.y_range());
        let whole = place.left() > clip.left() - 0.5 && place.right() < clip.right() + 0.5;
        (seen && !whole && !typed.contains(&text)).then(|| format!("{text:?} at {place} in {clip}"))
    };
    texts(harness).into_iter().filter_map(is_cut).collect()
}

/// What stands in fields.
fn typed(harness: &Harness<'_, Window>) -> Vec<String> {
    let (mut found, mut nodes) = (Vec::new(), vec![harness.root()]);
    while let Some(node) = nodes.pop() {
        nodes.extend(node.children());
        let told = node.accesskit_node();
        if told.role() == Role::TextInput {
            found.extend(told.value());
        }
    }
    found
}

/// Names and places of what lies beyond a side of the window.
pub(crate) fn outside(harness: &Harness<'_, Window>) -> Vec<String> {
    let screen = harness.ctx.content_rect();
    let (mut found, mut nodes) = (Vec::new(), vec![harness.root()]);
    while let Some(node) = nodes.pop() {
        nodes.extend(node.children());
        let told = node.accesskit_node();
        if told.bounding_box().is_none() {
            continue;
        }
        let place = node.rect();
        if place.left() < screen.left() - 1.0 || place.right() > screen.right() + 1.0 {
            found.push(format!("{:?} {:?} at {place}", told.role(), told.label().or(told.value())));
        }
    }
    found
}

/// The least pixels that a thumbnail has for each pixel of the screen that it covers, of all that are drawn.
pub(crate) fn sharpness(harness: &Harness<'_, Window>) -> Option<f32> {
    fn pictures(shape: &Shape, found: &mut Vec<(f32, f32)>) {
        match shape {
            Shape::Vec(all) => all.iter().for_each(|shape| pictures(shape, found)),
            // A picture is a square of two triangles.
            Shape::Mesh(mesh) if mesh.vertices.len() == 4 => {
                let spread = |of: &dyn Fn(&Vertex) -> f32| {
                    let all = mesh.vertices.iter().map(of);
                    all.clone().fold(f32::MIN, f32::max) - all.fold(f32::MAX, f32::min)
                };
                // Thumbnails share large textures.
                let part = spread(&|vertex| vertex.uv.x);
                if part > 0.0 && part < 0.5 {
                    found.push((part * 1024.0, spread(&|vertex| vertex.pos.x)));
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    harness.output().shapes.iter().for_each(|clipped| pictures(&clipped.shape, &mut found));
    let scale = harness.ctx.pixels_per_point();
    found.into_iter().map(|(pixels, points)| pixels / (points * scale)).min_by(f32::total_cmp)
}

/// All that is painted about a place, as text: whether two frames look alike there.
pub(crate) fn painted(harness: &Harness<'_, Window>, place: Rect) -> String {
    let near = |clipped: &&ClippedShape| {
        let bounds = clipped.shape.visual_bounding_rect();
        !matches!(clipped.shape, Shape::Mesh(_))
            && bounds.is_positive()
            && bounds.intersects(place.expand(3.0))
    };
    harness.output().shapes.iter().filter(near).map(|clipped| format!("{:?}\n", clipped.shape)).collect()
}
