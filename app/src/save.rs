//! Files that a person asks for.

use eframe::egui::{self, ColorImage, Rect};
use std::path::{Path, PathBuf};

/// Writes a text. The error is a sentence.
///
/// # Errors
/// A file that cannot be written.
pub fn text(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a part of the window, in points, as it is drawn next; `failed` is told what goes wrong then.
pub fn picture(
    ctx: &egui::Context,
    path: PathBuf,
    rect: Rect,
    failed: impl Fn(String) + Send + Sync + 'static,
) {
    let scale = ctx.pixels_per_point();
    ctx.request_screenshot(move |screen| {
        if let Err(error) = write(&screen, rect, scale, &path) {
            failed(error);
        }
    });
}

/// Writes a part of a picture of the window as PNG.
fn write(screen: &ColorImage, rect: Rect, scale: f32, path: &Path) -> Result<(), String> {
    let part = screen.region(&rect, Some(scale));
    let [width, height] = part.size;
    let bytes: Vec<u8> = part.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
    let picture = image::RgbImage::from_raw(width as u32, height as u32, bytes);
    let picture = picture.ok_or_else(|| "the window could not be read".to_owned())?;
    picture.save(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Color32, pos2};

    #[test]
    fn the_part_that_was_asked_for_is_written() {
        let pixels = (0..20 * 10).map(|i| if i % 20 < 10 { Color32::RED } else { Color32::BLUE }).collect();
        let screen = ColorImage::new([20, 10], pixels);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.png");
        let rect = Rect::from_min_max(pos2(5.0, 0.0), pos2(10.0, 5.0));
        write(&screen, rect, 2.0, &path).unwrap();
        let read = image::open(&path).unwrap().into_rgb8();
        assert_eq!(read.dimensions(), (10, 10));
        assert!(read.pixels().all(|pixel| pixel.0 == [0, 0, 255]));
        assert!(write(&screen, rect, 2.0, &folder.path().join("no/where.png")).is_err());
    }
}
