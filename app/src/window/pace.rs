//! How soon what a run tells is drawn.

use eframe::egui::{Context, Vec2};
use std::time::Duration;

/// Where the device draws the window beside what it trains.
const NEWS: Duration = Duration::from_millis(66);
/// What a processor takes for a pixel of a frame, of one core: 240 to 300 ms for a window of 1280×800 by Mesa's software
/// driver.
const PIXEL: f64 = 270e-9;
/// Where the processor trains, frames may take so much of it.
const SHARE: f64 = 0.01;
/// But nobody waits longer for a frame, however large the window is.
const MOST: Duration = Duration::from_secs(30);

/// How soon news are drawn: at once on a GPU, and where the `processor` draws the window beside the training so seldom that
/// frames take a hundredth of its cores. Whoever moves the pointer sees them at once.
pub(super) fn within(ctx: &Context, processor: bool) -> Duration {
    if !processor {
        return NEWS;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    rest(ctx.viewport_rect().size() * ctx.pixels_per_point(), cores)
}

/// From frame to frame of a window of this size in pixels, drawn by so many cores.
fn rest(size: Vec2, cores: usize) -> Duration {
    let frame = f64::from(size.x) * f64::from(size.y) * PIXEL / cores as f64;
    Duration::from_secs_f64(frame / SHARE).clamp(NEWS, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::vec2;

    #[test]
    fn frames_of_a_processor_take_a_hundredth_of_it() {
        let seconds = |size, cores| rest(size, cores).as_secs_f64();
        let usual = seconds(vec2(1280.0, 800.0), 2);
        assert!((13.0..15.0).contains(&usual), "{usual}");
        // Four times the pixels, four times the cores.
        assert!((seconds(vec2(2560.0, 1600.0), 8) - usual).abs() < 1e-3);
        assert_eq!(rest(vec2(1280.0, 800.0), 1 << 20), NEWS);
        assert_eq!(rest(vec2(3840.0, 2160.0), 1), MOST);
        // No frame was drawn yet, so that nothing is known of the window.
        let ctx = Context::default();
        assert_eq!(within(&ctx, false), NEWS);
        assert!((NEWS..=MOST).contains(&within(&ctx, true)));
    }
}
