//! The desktop window of swav-wgpu; all of it is in the library beside this file.

use eframe::egui;
use swav_app::window::Window;

fn main() -> eframe::Result {
    let viewport = egui::ViewportBuilder::default()
        .with_app_id("swav-app")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([900.0, 600.0])
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let start = |creation: &eframe::CreationContext<'_>| {
        let window: Box<dyn eframe::App> = Box::new(Window::new(creation));
        Ok(window)
    };
    eframe::run_native("SwAV on any GPU", options, Box::new(start))
}
