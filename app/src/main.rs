//! The desktop window of swav-wgpu; all of it is in the library beside this file.

use clap::Parser as _;
use eframe::egui;
use std::io::Write as _;
use std::process::ExitCode;
use swav_app::arguments::{self, Line};
use swav_app::window::Window;

fn main() -> ExitCode {
    // It answers --help and --version, and refuses what makes no sense, without a window.
    let line = Line::parse();
    if line.man {
        return print(arguments::page());
    }
    if let Some(shell) = line.completions {
        return print(Ok(arguments::completions(shell)));
    }
    swav_wgpu::data::hush_guarded_panics();
    swav_wgpu::launch::prepare();
    let given = line.given;
    let viewport = egui::ViewportBuilder::default()
        .with_app_id(swav_app::ID)
        .with_icon(icon())
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([900.0, 600.0])
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let start = |creation: &eframe::CreationContext<'_>| {
        let window: Box<dyn eframe::App> = Box::new(Window::new(creation, given));
        Ok(window)
    };
    let ended = eframe::run_native("SwAV on any GPU", options, Box::new(start));
    if let Err(error) = &ended {
        eprintln!("error: {}", reason(error));
    }
    // Whoever closes the window while it measures or computes features does not wait for that.
    swav_wgpu::launch::end(i32::from(ended.is_err()));
}

/// Writes what a package needs to standard output.
fn print(bytes: std::io::Result<Vec<u8>>) -> ExitCode {
    match bytes.and_then(|bytes| std::io::stdout().write_all(&bytes)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: nothing can be printed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The picture in the bar of windows; an empty one lets the system take its own.
fn icon() -> egui::IconData {
    eframe::icon_data::from_png_bytes(include_bytes!("../assets/icon.png")).unwrap_or_default()
}

/// Why no window could be opened, and the way out.
fn reason(error: &eframe::Error) -> String {
    let set = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    let desktops = ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"];
    if cfg!(target_os = "linux") && !desktops.into_iter().any(set) {
        return "there is no desktop to open a window on (DISPLAY and WAYLAND_DISPLAY are not set); start it from a \
                desktop or through `ssh -X`, or train in this terminal with `swav-wgpu train`"
            .into();
    }
    format!("no window can be opened: {error}; `swav-wgpu train` trains without one")
}
