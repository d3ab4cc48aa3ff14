//! The numbers of crops on the picture.

use eframe::egui::{Rect, Vec2, vec2};

/// Where the number of each frame stands: in a corner of it, or along its upper or lower edge, whichever comes first in
/// which no other number stands.
pub(super) fn places(frames: &[Rect]) -> Vec<Rect> {
    const SIDE: f32 = 13.0;
    let mut placed: Vec<Rect> = Vec::new();
    for frame in frames {
        let (far, low) = ((frame.width() - SIDE).max(0.0), (frame.height() - SIDE).max(0.0));
        let corners = [vec2(0.0, 0.0), vec2(far, 0.0), vec2(0.0, low), vec2(far, low)];
        let along =
            |y: f32| (1..).map(move |step| vec2(step as f32 * SIDE, y)).take_while(move |by| by.x < far);
        let mut all = corners.into_iter().chain(along(0.0)).chain(along(low));
        let at = |by: Vec2| Rect::from_min_size(frame.min + by, Vec2::splat(SIDE));
        // Less than a point is the rounding of frames that touch.
        let free = |by: &Vec2| placed.iter().all(|other| !other.intersects(at(*by).shrink(0.5)));
        let place = at(all.find(free).unwrap_or_default());
        placed.push(place);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    #[test]
    fn numbers_of_crops_do_not_cover_each_other() {
        let size = vec2(60.0, 40.0);
        let same = vec![Rect::from_min_size(pos2(5.0, 5.0), size); 7];
        let near: Vec<Rect> = (0..6)
            .map(|i| Rect::from_min_size(pos2(5.0 + 4.0 * i as f32, 40.0 - 3.0 * i as f32), size))
            .collect();
        for frames in [same, near] {
            let placed = places(&frames);
            assert_eq!(placed[0].min, frames[0].min);
            for (at, label) in placed.iter().enumerate() {
                assert!(frames[at].expand(0.1).contains_rect(*label), "{at} stands outside of its frame");
                let other = placed[..at].iter().find(|other| other.shrink(0.6).intersects(*label));
                assert_eq!(other, None, "{at} is covered");
            }
        }
        // A frame that is smaller than its number has one all the same.
        assert_eq!(places(&[Rect::from_min_size(pos2(1.0, 1.0), vec2(5.0, 5.0))]).len(), 1);
    }
}
